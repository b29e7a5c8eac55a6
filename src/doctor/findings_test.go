package doctor

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/splunkhome"
)

// finding is a case: something that is wrong in one way only. Exactly these findings
// come of it, and no other.
type finding struct {
	name string
	do   func(s *site)
	want []string // severity, check, place and the beginning of the text
}

// programCases are those in which the launchers are started.
var programCases = []finding{
	// files
	{"a folder that all can write", func(s *site) { s.chmod("default", 0o777) },
		[]string{"error files: default: every user of this machine can write 1 files"}},
	{"programs that all can write are not started", func(s *site) { s.chmod("bin", 0o777) },
		[]string{"error files: bin: every user of this machine can write"}},
	{"a file that nobody can read", func(s *site) { s.chmod("static/appIcon.png", 0) },
		[]string{"error files: static/appIcon.png: not even the owner can read it"}},
	{"unpacked in part", func(s *site) { s.remove("default/transforms.conf") },
		[]string{"error files: default/transforms.conf: the file is missing: the app was unpacked only in part"}},

	// programs
	{"a program without the execute bit", func(s *site) {
		s.own("bin/tordetect-linux-" + runtime.GOARCH)
		s.chmod("bin/tordetect-linux-"+runtime.GOARCH, 0o644)
	}, []string{"error programs: bin/tordetect-linux-" + runtime.GOARCH + ": it is not executable (mode 644)"}},
	{"a program is missing", func(s *site) { s.remove("bin/torrelays-linux-" + runtime.GOARCH) },
		[]string{"error programs: bin/torrelays-linux-" + runtime.GOARCH + ": the program is missing: the command does not start on this machine"}},
	{"the program of the other architecture is missing", func(s *site) { s.remove("bin/tordetect-linux-" + otherArch) },
		[]string{"warning programs: bin/tordetect-linux-" + otherArch + ": the program is missing: the command does not start on indexers"}},
	{"programs exchanged", func(s *site) {
		s.write("bin/tordetect-linux-"+otherArch, s.read("bin/tordetect-linux-"+runtime.GOARCH))
	},
		[]string{"error programs: bin/tordetect-linux-" + otherArch + ": it is a program for " + runtime.GOARCH + ", but its name says " + otherArch}},
	{"a program cut", func(s *site) {
		name := "bin/tordetect-linux-" + otherArch
		text := s.read(name)
		s.write(name, text[:len(text)/2])
	}, []string{"error programs: bin/tordetect-linux-" + otherArch + ": the program is cut"}},
	{"a program that is text", func(s *site) { s.write("bin/tordetect-linux-"+otherArch, "<html>not found</html>") },
		[]string{"error programs: bin/tordetect-linux-" + otherArch + ": it is no Linux program"}},
	{"a pointer to a program", func(s *site) { s.write("bin/tordetect-linux-"+otherArch, "version https://git-lfs.example/spec/v1\n") },
		[]string{"error programs: bin/tordetect-linux-" + otherArch + ": it is the pointer to a large file"}},
	{"an empty program", func(s *site) { s.write("bin/tordetect-linux-"+otherArch, "") },
		[]string{"error programs: bin/tordetect-linux-" + otherArch + ": it is no Linux program"}},
	{"a machine without a program", func(s *site) { s.os, s.arch = "linux", "riscv64" },
		[]string{
			"error programs: bin: there is no program for this machine's architecture, riscv64"}},

	// launchers
	{"Windows line ends", func(s *site) {
		s.write("bin/tordetect.sh", strings.ReplaceAll(s.read("bin/tordetect.sh"), "\n", "\r\n"))
	}, []string{"error launchers: bin/tordetect.sh: it has Windows line ends"}},
	{"a byte order mark", func(s *site) { s.write("bin/tordetect.sh", "\ufeff"+s.read("bin/tordetect.sh")) },
		[]string{"error launchers: bin/tordetect.sh: it begins with a byte order mark"}},
	{"no shell", func(s *site) { s.write("bin/tordetect.sh", "# "+s.read("bin/tordetect.sh")[1:]) },
		[]string{"error launchers: bin/tordetect.sh: its first line does not name a shell"}},
	{"a shell that does not exist", func(s *site) {
		s.write("bin/tordetect.sh", strings.Replace(s.read("bin/tordetect.sh"), "/bin/sh", "/nonexistent/sh", 1))
	}, []string{"error launchers: bin/tordetect.sh: its shell /nonexistent/sh does not exist", "error start: bin/tordetect.sh: the command tordetect does not answer as it should: no such file"}},
	{"a launcher that starts another program", func(s *site) {
		s.write("bin/tordetect.sh", strings.Replace(s.read("bin/tordetect.sh"), "tordetect-linux", "torrelays-linux", 1))
	}, []string{"error launchers: bin/tordetect.sh: it starts torrelays for the command tordetect", "error start: bin/tordetect.sh: the command tordetect does not answer"}},
	{"a launcher without its word", func(s *site) {
		s.write("bin/torupdate.sh", strings.Replace(s.read("bin/torupdate.sh"), ` torupdate "$@"`, ` torrelays "$@"`, 1))
	},
		[]string{"error launchers: bin/torupdate.sh: it does not start its program as the command torupdate"}},
	{"a launcher of one's own", func(s *site) {
		s.write("bin/tordetect.sh", "#!/bin/sh\nnice \"${0%/*}/tordetect-linux-amd64\" \"$@\"\n")
		s.write("local/app.conf", "")
	}, []string{"note launchers: bin/tordetect.sh: it is not the package's launcher"}},
	{"no launcher", func(s *site) { s.remove("bin/torrelays.sh") }, []string{"error launchers: bin/torrelays.sh: the launcher is missing"}},
	{"an empty launcher", func(s *site) { s.write("bin/torrelays.sh", "") }, []string{"error launchers: bin/torrelays.sh: the launcher is empty"}},
	{"a launcher without the execute bit", func(s *site) { s.chmod("bin/tordetect.sh", 0o644) },
		[]string{"error launchers: bin/tordetect.sh: it is not executable (mode 644)"}},
	{"local/commands.conf names what is not there", func(s *site) { s.write("local/commands.conf", "[tordetect]\nfilename = tordetect.py\n") },
		[]string{"error launchers: local/commands.conf: the command tordetect shall start bin/tordetect.py, which does not exist"}},
	{"local/commands.conf names the other program", func(s *site) {
		s.write("local/commands.conf", "[tordetect]\nfilename = tordetect-linux-"+otherArch+"\n")
	},
		[]string{"error launchers: local/commands.conf: the command tordetect shall start the program for " + otherArch,
			"error start: bin/tordetect-linux-" + otherArch + ": the command tordetect does not answer as it should"}},
	{"a proxy's password that others can read", func(s *site) {
		s.write("local/torupdate_proxy.txt", "http://ann:secret@192.0.2.1:3128\n")
		require.NoError(s.t, os.Chmod(filepath.Join(s.app, "local/torupdate_proxy.txt"), 0o640))
	},
		[]string{"error local: local/torupdate_proxy.txt: others than Splunk can read the proxy's password in it"}},
	{"a proxy's password in the macro", func(s *site) {
		s.write("local/macros.conf", "[tordetect_update_options]\ndefinition = proxy=\"http://ann:secret@192.0.2.1:3128\"\n")
	},
		[]string{"warning local: local/macros.conf: the macro tordetect_update_options has the password of a proxy, for everybody to read"}},
	{"the update's files are missing", func(s *site) {
		s.write("local/macros.conf", "[tordetect_update_options]\ndefinition = proxy=file ca=proxy_ca.csv\n")
	},
		[]string{"error local: local/macros.conf: the macro tordetect_update_options says proxy=file, but there is no local/torupdate_proxy.txt: torupdate fails",
			"error local: local/macros.conf: the macro tordetect_update_options says ca=proxy_ca.csv, but there is no such file in lookups: torupdate fails"}},
	{"local/commands.conf names the program", func(s *site) {
		s.write("local/commands.conf", "[tordetect]\nfilename = tordetect-linux-"+runtime.GOARCH+"\n")
	},
		[]string{"note launchers: local/commands.conf: the command tordetect starts the program for " + runtime.GOARCH + " everywhere"}},
	{"not chunked", func(s *site) { s.write("local/commands.conf", "[tordetect]\nchunked = 0\n") },
		[]string{"error launchers: default/commands.conf: the command tordetect is not marked as chunked"}},

	// start
	{"a launcher that says nothing", func(s *site) { s.fake("exit 0") },
		[]string{"error start: bin/tordetect.sh: the command tordetect does not answer as it should: its answer is no frame"}},
	{"a launcher that fails", func(s *site) { s.fake("echo no memory >&2; exit 3") },
		[]string{"error start: bin/tordetect.sh: the command tordetect does not answer as it should: no memory"}},
	{"a launcher that answers with an error", func(s *site) { s.fake(`printf 'chunked 1.0,14,0\n{"error":"no"}'`) },
		[]string{"error start: bin/tordetect.sh: the command tordetect does not answer as it should: it answers with the error no"}},
	{"a launcher that lies about its length", func(s *site) { s.fake(`printf 'chunked 1.0,-1,0\n{}'`) },
		[]string{"error start: bin/tordetect.sh: the command tordetect does not answer as it should: its answer is no frame"}},
	{"a launcher that answers in a strange way", func(s *site) { s.fake(`printf 'chunked 1.0,2,0\n{}'`) },
		[]string{"error start: bin/tordetect.sh: the command tordetect does not answer as it should: its answer does not say what kind"}},
	{"a launcher that talks without end", func(s *site) { s.fake("head -c 3000000 /dev/zero") },
		[]string{"error start: bin/tordetect.sh: the command tordetect does not answer as it should: its answer is no frame"}},

	{"a launcher behind a link is not started", func(s *site) {
		s.fake("exit 0")
		require.NoError(s.t, os.Rename(filepath.Join(s.app, "bin/tordetect.sh"), filepath.Join(s.home, "x.sh")))
		require.NoError(s.t, os.Symlink(filepath.Join(s.home, "x.sh"), filepath.Join(s.app, "bin/tordetect.sh")))
	}, nil},
	{"a launcher that all can write is not started", func(s *site) { s.fake("exit 0"); s.chmod("bin/tordetect.sh", 0o777) },
		[]string{"error files: bin/tordetect.sh: every user of this machine can write 1 files"}},

	// version
	{"an update done in part", func(s *site) {
		s.write("default/app.conf", strings.Replace(s.read("default/app.conf"), "\nversion = "+version+"\n", "\nversion = 9.9.0\n", 1))
	}, []string{
		"error version: default/app.conf [launcher]: it is of version 9.9.0, but default/app.conf [id] is of 9.8.7, app.manifest is of 9.8.7, bin/tordetect.sh is of 9.8.7, bin/torrelays.sh is of 9.8.7 and 1 more: an update"}},
	{"another torctl", func(s *site) { s.torctl = "1.0.0" }, []string{"note version: : this torctl is of version 1.0.0, the app of 9.8.7"}},
	{"a manifest that is none", func(s *site) { s.write("app.manifest", "{") }, []string{"warning version: app.manifest: the file cannot be read"}},
	{"a version of its own", func(s *site) { s.write("local/app.conf", "[launcher]\nversion = 1\n") }, []string{"warning version: local/app.conf: it says version 1"}},
}

// otherCases are those of the rest.
var otherCases = []finding{
	// relay list
	{"a cut list", func(s *site) { l := current; l.cut = true; s.write(listFile, s.table(l)) },
		[]string{"error relay list: lookups/tor_relays.csv: the table was cut or damaged"}},
	{"a list that is none", func(s *site) { s.write(listFile, "host,port\nx,1\n") },
		[]string{"error relay list: lookups/tor_relays.csv: the relay list cannot be read: not a relay table"}},
	{"an empty list", func(s *site) { s.write(listFile, "") }, []string{"error relay list: lookups/tor_relays.csv: the relay list cannot be read"}},
	{"a list with rubbish", func(s *site) { l := current; l.bad = true; s.write(listFile, s.table(l)) },
		[]string{"warning relay list: lookups/tor_relays.csv: 1 of 103 rows cannot be read"}},
	{"an old list", func(s *site) { l := current; l.age = 7 * time.Hour; s.write(listFile, s.table(l)) },
		[]string{"warning relay list: lookups/tor_relays.csv: the newest list ended at"}},
	{"a very old list", func(s *site) { l := current; l.age = 25 * time.Hour; s.write(listFile, s.table(l)) },
		[]string{"error relay list: lookups/tor_relays.csv: the newest list ended at"}},
	{"a list ahead of the clock", func(s *site) { l := current; l.age = -5 * time.Hour; s.write(listFile, s.table(l)) },
		[]string{"warning relay list: lookups/tor_relays.csv: the newest list holds until"}},
	{"a list of the future", func(s *site) { l := current; l.age = -48 * time.Hour; s.write(listFile, s.table(l)) },
		[]string{"error relay list: lookups/tor_relays.csv: the relay list says that it holds until"}},
	{"a halved list", func(s *site) { l := current; l.listed = 49; s.write(listFile, s.table(l)) },
		[]string{"error relay list: lookups/tor_relays.csv: the newest list has 49 relays, less than half of the 100"}},
	{"a list that is half of what it was, just so", func(s *site) { l := current; l.listed = 50; s.write(listFile, s.table(l)) }, nil},
	{"no exit list", func(s *site) { l := current; l.exits = false; s.write(listFile, s.table(l)) },
		[]string{"warning relay list: lookups/tor_relays.csv: there is no list of the addresses that exits use"}},
	{"a list of two hours", func(s *site) { l := current; l.covered = 2 * time.Hour; s.write(listFile, s.table(l)) },
		[]string{"note relay list: lookups/tor_relays.csv: the relay list covers 2 hours only"}},
	{"a gap", func(s *site) { l := current; l.gap = true; s.write(listFile, s.table(l)) },
		[]string{"note relay list: lookups/tor_relays.csv: 1 gap in the relay list's time"}},
	{"no list, and searches that need one", func(s *site) { s.remove("lookups"); s.enableAll(); s.model(true) },
		[]string{"error relay list: lookups/tor_relays.csv: there is no relay list yet"}},

	// history
	{"a history that is none", func(s *site) { s.write(historyFile, "x") }, []string{"error history: lookups/tor_relays_history.csv: the history cannot be read"}},
	{"a history that is too large", func(s *site) {
		s.write(historyFile, "")
		require.NoError(s.t, os.Truncate(filepath.Join(s.app, historyFile), 300<<20))
	},
		[]string{"note history: lookups/tor_relays_history.csv: the history has 300 MB and was not read"}},
	{"a cut history", func(s *site) { l := current; l.cut = true; s.write(historyFile, s.table(l)) },
		[]string{"error history: lookups/tor_relays_history.csv: the table was cut"}},
	{"an old history that nobody keeps", func(s *site) { l := current; l.age = 90 * 24 * time.Hour; s.write(historyFile, s.table(l)) }, nil},
	{"an old history that the search keeps", func(s *site) {
		l := current
		l.age = 90 * 24 * time.Hour
		s.write(historyFile, s.table(l))
		s.enable(historySearch, updateSearch)
	}, []string{"warning history: lookups/tor_relays_history.csv: the history ends at"}},

	// clock
	{"a file from the future", func(s *site) {
		at := s.now.Add(time.Hour)
		require.NoError(s.t, os.Chtimes(s.at("default/app.conf"), at, at))
	}, []string{"warning clock: default/app.conf: files from the future"}},
	{"a clock before the release", func(s *site) {
		s.write("app.manifest", strings.Replace(s.read("app.manifest"), "2026-01-01", "2999-01-01", 1))
	}, []string{"error clock: : the clock says"}},

	// lookups
	{"a lookup that all can write", func(s *site) { s.chmod(listFile, 0o666) },
		[]string{"error lookups: lookups/tor_relays.csv: every user of this machine can write it"}},
	{"a folder of lookups that all can write", func(s *site) { s.chmod("lookups", 0o777) },
		[]string{"error lookups: lookups: every user of this machine can write it"}},
	{"a list in the app search as well", func(s *site) { s.write("etc/apps/search/lookups/tor_relays.csv", "x") },
		[]string{"warning lookups: etc/apps/search/lookups/tor_relays.csv: a relay list outside of this app"}},
	{"a list of a user's own", func(s *site) { s.write("etc/users/ann/search/lookups/tor_relays_history.csv", "x") },
		[]string{"warning lookups: etc/users/ann/search/lookups/tor_relays_history.csv: a relay list outside of this app"}},
	{"a list in the app search alone", func(s *site) {
		require.NoError(s.t, os.MkdirAll(s.at("etc/apps/search/lookups"), 0o755))
		require.NoError(s.t, os.Rename(s.at(listFile), s.at("etc/apps/search/lookups/tor_relays.csv")))
	}, []string{"warning relay list: lookups/tor_relays.csv: there is no relay list yet",
		"error lookups: etc/apps/search/lookups/tor_relays.csv: the relay list is not in this app but here"}},
	{"another lookup in another app", func(s *site) { s.write("etc/apps/search/lookups/tor_nodes.csv", "x") }, nil},
	{"another app's lookup of our name", func(s *site) {
		s.write("etc/apps/intel/default/transforms.conf", "[tor_relays]\nfilename = nodes.csv\n")
	},
		[]string{"warning lookups: etc/apps/intel/default/transforms.conf: another app defines the lookup tor_relays too"}},
	{"the lookup is another file", func(s *site) { s.write("local/transforms.conf", "[tor_relays]\nfilename = my.csv\n") },
		[]string{"error lookups: local/transforms.conf: the lookup tor_relays is the file my.csv"}},

	// permissions
	{"torupdate for all", func(s *site) {
		s.write("metadata/local.meta", "[commands/torupdate]\naccess = read : [ * ], write : [ admin ]\n")
	},
		[]string{"warning permissions: metadata/local.meta: [commands/torupdate] lets everyone run torupdate"}},
	{"the list for all to write", func(s *site) {
		s.write("metadata/local.meta", "[lookups/tor_relays.csv]\naccess = read : [ * ], write : [ power, * ]\n")
	}, []string{"warning permissions: metadata/local.meta: [lookups/tor_relays.csv] lets everyone write the lookup tor_relays.csv"}},
	{"all for all to write", func(s *site) { s.write("metadata/local.meta", "[]\naccess = read : [ * ], write : [ * ]\n") },
		[]string{"warning permissions: metadata/local.meta: [] lets everyone write the lookup tor_relays.csv", "warning permissions: metadata/local.meta: [] lets everyone write the lookup tor_relays_history.csv"}},
	{"the list for some to read", func(s *site) {
		s.write("metadata/local.meta", "[lookups/tor_relays.csv]\naccess = read : [ admin ], write : [ admin ]\n")
	},
		[]string{"warning permissions: metadata/local.meta: [lookups/tor_relays.csv] is not for everyone to read"}},
	{"a macro exported", func(s *site) { s.write("metadata/local.meta", "[macros/security_content_ctime(1)]\nexport = system\n") },
		[]string{"warning permissions: metadata/local.meta: the macro security_content_ctime(1) is exported"}},
	{"a command not exported", func(s *site) { s.write("metadata/local.meta", "[commands]\nexport = none\n") },
		[]string{"warning permissions: metadata/local.meta: [commands] is not exported"}},
	{"permissions that outputlookup does not ask for, one way", func(s *site) {
		s.write("etc/system/local/limits.conf", "[search]\noutputlookup_check_permission = true\n")
	},
		[]string{"note permissions: local/transforms.conf: limits.conf has outputlookup check permissions, but"}},
	{"permissions that outputlookup does not ask for, the other way", func(s *site) { s.write("local/transforms.conf", "[tor_relays]\ncheck_permission = true\n") },
		[]string{"note permissions: local/transforms.conf: check_permission of the lookup tor_relays does nothing"}},
	{"permissions that outputlookup asks for", func(s *site) {
		s.write("etc/system/local/limits.conf", "[search]\noutputlookup_check_permission = true\n")
		s.write("local/transforms.conf", "[tor_relays]\ncheck_permission = true\n")
	}, nil},
	{"what Splunk writes into local.meta", func(s *site) {
		s.write("metadata/local.meta", "[app/install/install_source_checksum]\nversion = 9.4.1\nmodtime = 1795564800\n\n[savedsearches/TOR%20Traffic]\nowner = admin\n[lookups/tor_relays.csv]\naccess = read : [ * ], write : [ admin, power ]\nexport = system\nowner = admin\n")
	}, nil},

	// bundle
	{"a denylist that keeps the list", func(s *site) {
		s.write("etc/system/local/distsearch.conf", "[replicationDenylist]\nbig = apps[/\\\\]...[/\\\\]lookups[/\\\\]*.csv\n")
	},
		[]string{"error bundle: etc/system/local/distsearch.conf: a replicationDenylist keeps lookups/tor_relays.csv from the indexers"}},
	{"a denylist of the older name, in another app", func(s *site) {
		s.write("etc/apps/base/local/distsearch.conf", "[replicationBlacklist]\nall = apps/tordetect/...\n")
	},
		[]string{
			"error bundle: etc/apps/base/local/distsearch.conf: a replicationDenylist keeps bin/tordetect-linux-amd64",
			"error bundle: etc/apps/base/local/distsearch.conf: a replicationDenylist keeps bin/tordetect-linux-arm64",
			"error bundle: etc/apps/base/local/distsearch.conf: a replicationDenylist keeps bin/tordetect.sh",
			"error bundle: etc/apps/base/local/distsearch.conf: a replicationDenylist keeps lookups/tor_relays.csv"}},
	{"a denylist for others", func(s *site) {
		s.write("etc/system/local/distsearch.conf", "[replicationDenylist]\nx = apps[/\\\\]other[/\\\\]...\ny = *\n")
	}, nil},
	{"a pattern that is none", func(s *site) { s.write("etc/system/local/distsearch.conf", "[replicationDenylist]\nx = apps(\n") },
		[]string{"note bundle: etc/system/local/distsearch.conf: the pattern x of [replicationDenylist] is not understood here"}},
	{"the history in the bundle", func(s *site) {
		s.write(historyFile, s.table(current))
		s.write("local/distsearch.conf", "[replicationDenylist]\ntordetect_history = nothing\n")
	}, []string{"warning bundle: local/distsearch.conf: the history goes to every indexer"}},
	{"large lookups left out", func(s *site) {
		s.write("etc/system/local/distsearch.conf", "[replicationSettings]\nexcludeReplicatedLookupSize = 1\n")
	}, []string{"warning bundle: etc/system/local/distsearch.conf: lookups of more than 1 MB do not go to the indexers; the relay list"}},
	{"our list left out", func(s *site) {
		s.write("etc/system/local/distsearch.conf", "[replicationSettings]\nexcludeReplicatedLookupSize = 1\n")
		s.write(listFile, strings.Replace(s.table(current), "\n", "\n"+strings.Repeat("# ", 1<<20), 1))
	}, []string{"error bundle: etc/system/local/distsearch.conf: lookups of more than 1 MB do not go to the indexers, and the relay list has 2 MB"}},
	{"two apps say something, and the first by name counts", func(s *site) {
		s.write("etc/apps/aaa/local/distsearch.conf", "[replicationSettings]\nexcludeReplicatedLookupSize = 10\n")
		s.write("etc/apps/zzz/local/distsearch.conf", "[replicationSettings]\nexcludeReplicatedLookupSize = 1\n")
	}, nil},
	{"enough room for lookups", func(s *site) {
		s.write("etc/apps/base/default/distsearch.conf", "[replicationSettings]\nexcludeReplicatedLookupSize = 10\n")
	}, nil},
	{"a bundle too large", func(s *site) {
		s.write("etc/system/local/distsearch.conf", "[replicationSettings]\nmaxBundleSize = 1\n")
		s.write("etc/apps/big/lookups/big.csv", strings.Repeat("x", 2<<20))
	}, []string{"error bundle: etc/system/local/distsearch.conf: the apps' files have about"}},
	{"a bundle nearly too large", func(s *site) {
		s.write("etc/system/local/distsearch.conf", "[replicationSettings]\nmaxBundleSize = 20\nwarnMaxBundleSizePerc = 10\n")
	}, []string{"warning bundle: etc/system/local/distsearch.conf: the apps' files have about"}},
	{"a file that Splunk complains of", func(s *site) {
		s.write("etc/system/local/distsearch.conf", "[replicationSettings]\nconcerningReplicatedFileSize = 1\n")
		s.write("lookups/big.csv", strings.Repeat("x", 2<<20))
	}, []string{"note bundle: bin/tordetect-linux-amd64: the file has", "note bundle: bin/tordetect-linux-arm64: the file has", "note bundle: lookups/big.csv: the file has 2 MB"}},

	// other apps
	{"ESCU and CIM beside, as they come", func(s *site) {
		s.write("etc/apps/DA-ESS-ContentUpdate/default/macros.conf", s.read("default/macros.conf")[:strings.Index(s.read("default/macros.conf"), "# Our own, exported.")])
		s.write("etc/apps/DA-ESS-ContentUpdate/default/savedsearches.conf", "["+escuSearch+"]\ndisabled = true\nenableSched = 1\nsearch = | tstats count from datamodel=Network_Traffic where All_Traffic.app=tor by x\n")
	}, nil},
	{"ESCU's search and ours", func(s *site) {
		s.enableAll()
		s.model(true)
		s.write("etc/apps/DA-ESS-ContentUpdate/default/savedsearches.conf", "["+escuSearch+"]\ndisabled = true\nenableSched = 1\nsearch = x\n")
		s.write("etc/apps/DA-ESS-ContentUpdate/local/savedsearches.conf", "["+escuSearch+"]\ndisabled = 0\n")
	}, []string{`warning other apps: etc/apps/DA-ESS-ContentUpdate/default/savedsearches.conf: the search "ESCU - TOR Traffic - Rule" is enabled there and TOR Traffic here`}},
	{"ESCU's search off and ours on", func(s *site) {
		s.enableAll()
		s.model(true)
		s.write("etc/apps/DA-ESS-ContentUpdate/default/savedsearches.conf", "["+escuSearch+"]\ndisabled = true\nenableSched = 1\nsearch = x\n")
	}, nil},
	{"ESCU's search alone", func(s *site) {
		s.write("etc/apps/DA-ESS-ContentUpdate/default/savedsearches.conf", "["+escuSearch+"]\ndisabled = 0\nenableSched = 1\nsearch = x\n")
	}, nil},
	{"a copy of ESCU's search", func(s *site) {
		s.enableAll()
		s.model(true)
		s.write("etc/apps/soc/local/savedsearches.conf", "[Our Tor]\nenableSched = 1\nsearch = | tstats count from datamodel=Network_Traffic \\\n where All_Traffic.app = \"tor\" by x\n")
	}, []string{`warning other apps: etc/apps/soc/local/savedsearches.conf: the search "Our Tor" is enabled there`}},
	{"exceptions in ESCU's filter", func(s *site) {
		s.write("etc/apps/DA-ESS-ContentUpdate/local/macros.conf", "[tor_traffic_filter]\ndefinition = search NOT src_ip=\"2001:db8::7\"\n")
	}, []string{"warning other apps: etc/apps/DA-ESS-ContentUpdate/local/macros.conf: the macro tor_traffic_filter is another there"}},
	{"ESCU's other macros changed", func(s *site) {
		s.write("etc/apps/DA-ESS-ContentUpdate/local/macros.conf", "[summariesonly_config]\ndefinition = false\n")
	}, []string{"note other apps: etc/apps/DA-ESS-ContentUpdate/local/macros.conf: the macro summariesonly_config is another there"}},
	{"our macro elsewhere", func(s *site) {
		s.write("etc/apps/search/local/macros.conf", "[tordetect_internal]\ndefinition = \"2001:db8::/32\"\n")
	},
		[]string{"warning other apps: etc/apps/search/local/macros.conf: another app defines our macro tordetect_internal"}},
	{"an older copy of the app", func(s *site) {
		s.write("etc/apps/tordetect-0.1.0/default/commands.conf", s.read("default/commands.conf"))
	},
		[]string{"warning other apps: etc/apps/tordetect-0.1.0: another app brings the command tordetect too"}},

	// local
	{"what a site is meant to set", func(s *site) {
		s.write("local/macros.conf", "[tordetect_internal]\ndefinition = \"2001:db8::/32\"\n[tor_traffic_filter]\ndefinition = search NOT src=x\n[mine]\ndefinition = search x\n")
		s.write("local/app.conf", "[install]\nis_configured = 1\n[ui]\nis_visible = 1\n")
		s.write("local/savedsearches.conf", "[TOR Traffic]\ncron_schedule = 5 * * * *\n[Mine]\nsearch = index=x | tordetect\n")
		s.write("local/data/ui/views/mine.xml", "<view/>")
	}, nil},
	{"settings of a search that is gone", func(s *site) { s.write("local/savedsearches.conf", "[Tor of old]\ndisabled = 0\n") },
		[]string{`warning local: local/savedsearches.conf: it changes the search "Tor of old"`}},
	{"a search changed", func(s *site) { s.write("local/savedsearches.conf", "[TOR Traffic]\nsearch = | tstats count\n") },
		[]string{`note local: local/savedsearches.conf: the search "TOR Traffic" is changed here`}},
	{"a macro changed that is not meant to", func(s *site) { s.write("local/macros.conf", "[security_content_ctime(1)]\ndefinition = noop\n") },
		[]string{"note local: local/macros.conf: the macro security_content_ctime(1) is changed here"}},
	{"a macro that is gone", func(s *site) { s.write("local/macros.conf", "[tordetect_networks]\ndefinition = x\n") },
		[]string{"note local: local/macros.conf: the macro tordetect_networks is no longer one of this app"}},
	{"an empty macro", func(s *site) { s.write("local/macros.conf", "[tor_traffic_filter]\ndefinition =\n") },
		[]string{"error local: local/macros.conf: the macro tor_traffic_filter is empty"}},
	{"everything is inside", func(s *site) {
		s.write("local/macros.conf", "[tordetect_internal]\ndefinition = \"10.0.0.0/8\",\"fc00::/7\",\"0.0.0.0/1\", \"::/0\",\"*\"\n")
	}, []string{`warning local: local/macros.conf: the macro tordetect_internal has "0.0.0.0/1"`, `warning local: local/macros.conf: the macro tordetect_internal has "::/0"`,
		`warning local: local/macros.conf: the macro tordetect_internal has "*"`}},
	{"everybody may", func(s *site) {
		s.write("local/macros.conf", "[tor_traffic_filter]\ndefinition = search NOT src_ip=*\n[tordetect_outbound_filter]\ndefinition = search NOT src IN (\"a\", \"*\")\n"+
			"[tordetect_inbound_filter]\ndefinition = where 1=0\n[tordetect_login_filter]\ndefinition = search NOT user=\"svc*\" dest=*\n[tordetect_hosted_filter]\ndefinition = search dest=* NOT (user=\"press\" OR host=*.example)\n")
	}, []string{"warning local: local/macros.conf: the macro tor_traffic_filter leaves out all", "warning local: local/macros.conf: the macro tordetect_inbound_filter leaves out all",
		"warning local: local/macros.conf: the macro tordetect_outbound_filter leaves out all"}},
	{"a dashboard of one's own", func(s *site) { s.write("local/data/ui/views/tor_overview.xml", "<form/>") },
		[]string{"note local: local/data/ui/views/tor_overview.xml: the dashboard is a copy of your own"}},
	{"a command of old", func(s *site) { s.write("local/commands.conf", "[tordetect2]\nfilename = tordetect.sh\n") },
		[]string{"note local: local/commands.conf: the command tordetect2 is not one of this app"}},

	// searches and data models
	{"detections without an update", func(s *site) { s.enable(labelledSearch, healthSearch); s.model(true) },
		[]string{"warning searches: local/savedsearches.conf: 1 detection enabled (TOR Traffic), but the search Update the Tor relay list is not"}},
	{"detections without the watch", func(s *site) { s.enable(labelledSearch, updateSearch); s.model(true) },
		[]string{"warning searches: local/savedsearches.conf: 1 detection enabled, but the search Tor Detect is blind is not"}},
	{"the history alone", func(s *site) { s.enable(historySearch) }, []string{"note searches: local/savedsearches.conf: the history is kept, but"}},
	{"all enabled", func(s *site) { s.enableAll(); s.model(true) }, nil},
	{"no data model", func(s *site) { s.enable(labelledSearch, updateSearch, healthSearch) },
		[]string{"error data model: etc/apps: no app has the data model Network_Traffic"}},
	{"no acceleration", func(s *site) { s.enable(labelledSearch, updateSearch, healthSearch); s.model(false) },
		[]string{"warning data model: etc/apps: the data model Network_Traffic is not accelerated"}},

	{"raw events of a day each hour", func(s *site) {
		s.enable(labelledSearch, updateSearch, healthSearch)
		s.model(true)
		s.write("local/macros.conf", "[summariesonly_config]\ndefinition = false\n")
		s.write("local/savedsearches.conf", s.read("local/savedsearches.conf")+"\n[TOR Traffic]\ndispatch.earliest_time = -1525m@m\n")
	}, []string{"warning data model: local/macros.conf: the macro summariesonly_config is not true, and TOR Traffic looks back to -1525m@m"}},
	{"raw events of an hour", func(s *site) {
		s.enable(labelledSearch, updateSearch, healthSearch)
		s.model(true)
		s.write("local/macros.conf", "[summariesonly_config]\ndefinition = false\n")
		s.write("local/savedsearches.conf", s.read("local/savedsearches.conf")+"\n[TOR Traffic]\ndispatch.earliest_time = -70m\n")
	}, nil},
	{"summaries of a day", func(s *site) {
		s.enable(labelledSearch, updateSearch, healthSearch)
		s.model(true)
		s.write("local/macros.conf", "[summariesonly_config]\ndefinition = true\n")
		s.write("local/savedsearches.conf", s.read("local/savedsearches.conf")+"\n[TOR Traffic]\ndispatch.earliest_time = -25h\n")
	}, nil},

	// cluster
	{"a healthy member", func(s *site) {
		s.write("etc/system/local/server.conf", "[shclustering]\ndisabled = 0\nmgmt_uri = https://sh1.example:8089\n")
	}, nil},
	{"a member that the deployer overwrites", func(s *site) {
		s.write("etc/system/local/server.conf", "[shclustering]\ndisabled = 0\n")
		s.write("local/app.conf", "[shclustering]\ndeployer_lookups_push_mode = always_overwrite\n")
	}, []string{`warning cluster: local/app.conf: deployer_lookups_push_mode is "always_overwrite"`}},
	{"a member that replicates no lookups", func(s *site) {
		s.write("etc/system/local/server.conf", "[shclustering]\ndisabled = 0\nconf_replication_include.lookups = false\n")
	}, []string{"error cluster: etc/system/local/server.conf: the members do not replicate lookups"}},

	// place and leftovers
	{"the app is disabled", func(s *site) { s.write("local/app.conf", "[install]\nstate = disabled\n") }, []string{"error place: local/app.conf: the app is disabled"}},
	{"the id is another", func(s *site) {
		s.write("default/app.conf", strings.Replace(s.read("default/app.conf"), "id = tordetect", "id = other", 1))
	}, []string{`error place: default/app.conf: this is the app "other"`}},
	{"a launcher of one's own", func(s *site) {
		s.write("bin/mine.sh", s.read("bin/tordetect.sh"))
		s.chmod("bin/mine.sh", 0o755)
		s.write("local/commands.conf", "[tordetect]\nfilename = mine.sh\n")
	}, nil},
	{"programs of old", func(s *site) { s.write("bin/tordetect.py", "") }, []string{"note leftovers: bin/tordetect.py: no command starts these"}},
	{"leavings", func(s *site) { s.write("default/macros.conf.bak", ""); s.write("local/._app.conf", "") },
		[]string{"note leftovers: default/macros.conf.bak, local/._app.conf: copies and leavings"}},
	{"an update cut off", func(s *site) {
		s.write("lookups/.tor_relays.csv12345", "")
		s.write("default.old.20261001-000000/app.conf", "")
	},
		[]string{"note leftovers: default.old.20261001-000000, lookups/.tor_relays.csv12345: left from an update"}},
}

func TestFindings(t *testing.T) {
	needsLinux(t)
	for i, c := range append(slices.Clone(programCases), otherCases...) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := healthy(t)
			s.noRun = i >= len(programCases)
			c.do(s)
			r := s.examine()
			got := complaints(r)
			require.Len(t, got, len(c.want), "%s", strings.Join(got, "\n"))
			for i, want := range c.want {
				require.True(t, strings.HasPrefix(got[i], want), "want %s\ngot  %s", want, got[i])
			}
			for _, f := range r.Findings {
				require.NotContains(t, f.What, "\n")
				if f.Severity >= Warning {
					require.NotEmpty(t, f.Do, "what to do about %q", f.What)
				}
				require.False(t, strings.HasSuffix(f.What, ".") || strings.HasSuffix(f.Do, "."), "a full stop: %q %q", f.What, f.Do)
			}
		})
	}
}

// fake has the launcher do something else than to start the program, and still
// look like it.
func (s *site) fake(script string) {
	s.write("bin/tordetect.sh", "#!/bin/sh\n"+script+"\nexit\nexec \"$folder/tordetect-linux-$arch\" \"$@\"\n")
}

// enableAll enables every search.
func (s *site) enableAll() {
	s.enable(splunkhome.ParseConf("", s.read("default/savedsearches.conf"), nil).Names()...)
}

// model makes the data models of the CIM add-on.
func (s *site) model(accelerated bool) {
	for _, model := range []string{"Network_Traffic", "Authentication"} {
		s.write("etc/apps/Splunk_SA_CIM/default/data/models/"+model+".json", "{}")
	}
	if accelerated {
		s.write("etc/apps/Splunk_SA_CIM/local/datamodels.conf", "[Network_Traffic]\nacceleration = 1\n[Authentication]\nacceleration = true\n")
	}
}
