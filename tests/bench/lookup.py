"""The same look-up as tordetect's, as a search command written with splunklib:
what a site would write by hand. For the benchmark only, not in the package."""
import csv
import os
import sys

from splunklib.searchcommands import Configuration, StreamingCommand, dispatch

FIELDS = ["tor_verdict", "tor_score", "tor_state", "tor_direction", "tor_role", "tor_evidence", "tor_reason",
          "tor_relay", "tor_nickname", "tor_first_seen", "tor_last_seen", "tor_coverage", "tor_list_time", "tor_host", "tor_peer"]


@Configuration()
class Lookup(StreamingCommand):
    relays = None

    def load(self):
        self.relays, self.end = {}, 0
        for path in os.environ["BENCH_TABLES"].split(os.pathsep):
            with open(path, newline="") as table:
                for row in csv.DictReader(table):
                    if row["role"] == "or":
                        self.relays.setdefault((row["ip"], row["port"]), []).append(
                            (int(row["first_seen"]), int(row["last_seen"]), row))
                    elif row["role"] == "coverage":
                        self.end = max(self.end, int(row["last_seen"]))

    @staticmethod
    def names(record):
        if "All_Traffic.src_ip" in record:
            return "All_Traffic.src_ip", "All_Traffic.dest_ip", "All_Traffic.dest_port", "lastTime"
        if "id.orig_h" in record:
            return "id.orig_h", "id.resp_h", "id.resp_p", "_time"
        return "src_ip", "dest_ip", "dest_port", "_time"

    def stream(self, records):
        for record in records:
            if self.relays is None:
                self.load()
            src, dest, port, time = (record[name] for name in self.names(record))
            found = dict.fromkeys(FIELDS, "")
            found.update(tor_verdict="none", tor_score=0, tor_state="unknown", tor_coverage="full", tor_list_time=self.end)
            for first, last, relay in self.relays.get((dest, port), ()):
                if first <= float(time) <= last:
                    found.update(tor_verdict="tor", tor_score=97, tor_direction="outbound", tor_role="relay",
                                 tor_evidence="or_port", tor_relay=relay["fingerprint"], tor_nickname=relay["nickname"],
                                 tor_first_seen=first, tor_last_seen=last,
                                 tor_reason="%s contacted a Tor relay." % src, tor_host=src, tor_peer="%s:%s" % (dest, port))
            record.update(found)
            yield record


dispatch(Lookup, sys.argv, sys.stdin, sys.stdout, __name__)
