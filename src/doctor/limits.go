package doctor

import (
	"time"

	"tordetect/src/splunkhome"
)

// The limits on what is read. A Splunk with everything in it stays far below.
const (
	maxApps = splunkhome.MaxApps
	// maxUsers is how many users' folders are looked at for stray lookups, and
	// maxUserApps how many of apps are in them.
	maxUsers    = 20_000
	maxUserApps = 200_000
	// maxEntries is how many files and folders are looked at, of ours and of all
	// other apps together.
	maxEntries      = 20_000
	maxOtherEntries = 500_000
	// maxScript is for a launcher: ours have half a kB.
	maxScript = 1 << 16
	// maxProgram is for a program: ours have 3 to 12 MB.
	maxProgram = 256 << 20
	// maxHistory is for the history table, which is read as a whole: 400 days have
	// 50 MB.
	maxHistory = 256 << 20
	// maxPatterns and maxPattern bound the denylists.
	maxPatterns = 10_000
	maxPattern  = 2_000
	// maxFindings bounds the report; what is fine and the last words of it come on top.
	maxFindings = 1_000
	// maxPackage bounds what a package unpacks to; Splunk Cloud takes 128 MB packed.
	maxPackage = 512 << 20
	// maxSums is for a release's list of checksums: a line of some 100 bytes for each of
	// a dozen files; maxKey for a public key, which has 113.
	maxSums = 1 << 16
	maxKey  = 1 << 12
	// startTimeout is for one start of a launcher, which takes some 10 ms; a cold
	// disk and a busy machine need more.
	startTimeout = 10 * time.Second
	// maxRawWindow is how far the hourly search over raw events may look back: an hour,
	// ten minutes for late events, and room.
	maxRawWindow = 2 * time.Hour
	// maxReply bounds what a launcher may answer.
	maxReply = 1 << 20
)
