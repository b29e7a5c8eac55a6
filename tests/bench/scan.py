"""The join of a log with the relay table that DuckDB makes: destination, port and interval.

    scan.py pan|zeek|suricata LOG TABLE

It prints how many rows joined. What torctl scan does beside that, it does not: no second
side, states, names, stale lists, gaps, connections or sentences.
"""
import sys

import duckdb

kind, log, table = sys.argv[1:]
ZEEK = "ts uid orig_h orig_p resp_h resp_p proto service duration orig_bytes resp_bytes conn_state local_orig local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes tunnel_parents"
PAN = 64  # fields of a line


def typed(names, types):
    return "{" + ", ".join(f"'{name}': '{types.get(name, 'VARCHAR')}'" for name in names) + "}"


if kind == "zeek":
    columns = typed(ZEEK.split(), {"ts": "DOUBLE", "resp_p": "INTEGER"})
    flows = f"SELECT resp_h AS ip, resp_p AS port, ts AS at FROM read_csv('{log}', delim='\t', header=false, comment='#', quote='', escape='', auto_detect=false, columns={columns})"
elif kind == "pan":
    columns = typed([f"f{i}" for i in range(1, PAN + 1)], {"f26": "INTEGER"})
    flows = f"SELECT f9 AS ip, f26 AS port, epoch(strptime(f7, '%Y/%m/%d %H:%M:%S')) AS at FROM read_csv('{log}', delim=',', header=false, auto_detect=false, null_padding=true, columns={columns})"
else:
    columns = typed(["timestamp", "dest_ip", "dest_port"], {"dest_port": "INTEGER", "timestamp": "TIMESTAMPTZ"})
    flows = f"SELECT dest_ip AS ip, dest_port AS port, epoch(timestamp) AS at FROM read_json('{log}', format='newline_delimited', columns={columns})"

relays = f"SELECT ip, TRY_CAST(port AS INTEGER) AS port, first_seen, last_seen FROM read_csv('{table}', header=true, types={{'port': 'VARCHAR', 'first_seen': 'BIGINT', 'last_seen': 'BIGINT'}}) WHERE role = 'or'"
print(duckdb.sql(f"SELECT count(*) FROM ({flows}) l JOIN ({relays}) r ON l.ip = r.ip AND l.port = r.port AND l.at BETWEEN r.first_seen AND r.last_seen").fetchall()[0][0])
