// Package trafficlog turns log files of firewalls and network sensors into rows
// with CIM names, as the search command reads them.
//
// In go files, plain or gzip, of these formats, found by looking at their first
// lines:
//
//	pan       1,2026/11/20 10:15:30,0123,TRAFFIC,end,...,10.20.30.40,198.51.100.23,...
//	zeek      1795169730.000000	CHhAvV	10.20.30.40	50624	198.51.100.23	9001	tcp	...
//	suricata  {"timestamp":"2026-11-20T10:15:30.1+0000","event_type":"flow","src_ip":"10.20.30.40",...}
//	csv       src_ip,dest_ip,dest_port,_time     with a header row of CIM names, as outputcsv writes it
//	json      {"src_ip":"10.20.30.40",...}       an object a line with CIM names
//
// Out come chunks of CSV, a header row and data rows, each ready for one call of
// command.Search:
//
//	_time,duration,src_ip,src_port,dest_ip,dest_port,transport,...,log_line
//	1795169730,65,10.20.30.40,50624,198.51.100.23,9001,tcp,...,1
//
// The column log_line and the chunk's file name say where a row comes from. A
// chunk has rows of one file and one header, so file names need no column.
//
// # What a row says
//
// _time is the end of a flow in epoch seconds and duration, in seconds, reaches
// back to its start, as the search command takes them; rows of Zeek have firstTime
// and lastTime instead. In (bytes_in, packets_in)
// is what came back from the destination, out what the source sent. Columns that
// a format does not know are not there. What is empty in the log is empty in the
// row; addresses and ports are passed on as they are written, read or not. The
// rows of a CSV file keep all their columns and bytes.
//
//   - Palo Alto TRAFFIC, any PAN-OS that writes at least 46 fields (9 to 11 write
//     61 to about 120), with a syslog header or without. _time is the time at which
//     the log was generated, as the add-on takes it; action is translated as the
//     add-on does (allow is allowed, deny and reset-* are blocked, drop* is dropped).
//     These times have no zone: Options.Zone names it. Lines of other log types are
//     counted and left out.
//   - Zeek logs with id.orig_h and id.resp_h: conn, ssl, dns, http, TSV with its
//     #fields line or JSON. ts is the start of a flow, so lastTime is ts + duration.
//     Bytes are IP bytes where the log has them. Zeek has no action; conn_state tells how far a
//     connection came.
//   - Suricata eve.json: flow, netflow, tls, dns and http events; others are
//     counted and left out. _time is flow.end and duration reaches to flow.start,
//     where the event has both, else the event's timestamp.
//
// # Bad input
//
// A line that cannot be read is a [Complaint] with file and line, and the next
// line is read. A line of a format that is not the file's, a file that is of
// none, a gzip stream that breaks off, a line of more than MaxLine bytes and a
// clock that jumps are complaints too. The first few of each kind are kept and
// all are counted. With Options.Strict the first one ends the work.
//
// Memory is bounded by MaxLine and the size of a chunk, whatever is read.
//
// # What this package does not do
//
// It judges nothing, opens no file, starts no goroutine, and knows neither the
// relay table nor Splunk. It does not read logs of other devices, other
// compressions, or text that is not UTF-8 or ASCII.
package trafficlog
