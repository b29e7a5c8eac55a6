// Package day plays the app's searches over a day of events, as a scheduler runs them, and counts what becomes of it:
// whether everybody who used Tor was told, when, how often, and what that cost. It is the verb `./build.sh evaluate day`.
//
//	{"model": "Network_Traffic", "_time": 1795262460, "_indextime": 1795262475, "src": "10.20.0.7", "dest": "198.51.100.24", "dest_port": "9001", ...}   in, an event a line
//	{"search": "Tor client that the firewall did not name", "run": 1795267535, "row": {"src": "10.20.0.7", ...}}   out, a result that triggers its actions
//	{"summary": {"searches": [{"search": "...", "to_find": 720, "found": 61, ...}], ...}}                          and in the end, what that was worth
//
// run is when the run started, in epoch seconds: as soon as its delays are over, not when it was scheduled.
//
// Read generate.go and cases.go for the day that it makes, with the truth of each event; network.go for the Tor network of
// that day and the relay table as it was at each hour; event.go for events of files; play.go for the runs, by the scheduler
// and the alerts of package splunkd; measure.go for the counting and report.go for the table that people read.
//
// What it cannot tell: the day has few ordinary events and much Tor, so its shares are no site's. What many connections
// cost is extrapolated. Who is not in a list is nobody to be found here, but by the searches for names and for Snowflake:
// how well the judgement itself works is measured by package evaluate. The search over torupdate
// is not played: the relay table is renewed in its place. *Tor Detect is blind* finds nobody; what it told of which search
// is listed by itself.
package day
