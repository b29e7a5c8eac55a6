package relaylist

import "os"

// Windows replaces no file that is open and locks no folder, so there a file
// beside the table is locked. No app that Splunk replicates is in its way: the
// app does not run on Windows.

// lockFlags are those of opening what is locked.
const lockFlags = os.O_CREATE | os.O_RDONLY

// lockable is the file beside the table.
func lockable(table string) string { return table + ".lock" }

// unlocked removes it. That fails while another program has it open, which will
// remove it in turn.
func unlocked(lock string) { _ = os.Remove(lock) }
