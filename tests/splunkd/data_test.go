package splunkd

import (
	"archive/tar"
	"compress/gzip"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/splunkd/spl"
)

// panLine is one TRAFFIC line of 61 columns.
func panLine(header, when, src, dest, port, app, transport, action string, bytesOut, bytesIn string) string {
	return header + "1," + when + ",012345678901,TRAFFIC,end,2561," + when + "," + src + "," + dest + ",192.0.2.10," + dest + ",Outbound_Allow,,," + app +
		",vsys1,Trust,Untrust,ethernet1/2,ethernet1/1,fwd_splunk," + when + ",14740,1,50624," + port + ",11024," + port + ",0x400053," + transport + "," + action +
		",7419," + bytesOut + "," + bytesIn + ",25," + when + ",65,any,0,376156893,0x0,10.0.0.0-10.255.255.255,Germany,0,14,11,tcp-fin,0,0,0,0,,PA-220,from-policy,,,0,,0,,N/A\n"
}

func sampleLog() string {
	return panLine("", "2026/11/20 10:15:30", "10.20.30.40", "198.51.100.23", "9001", "tor", "tcp", "allow", "6609", "810") +
		panLine("Nov 20 10:16:30 PA-220 ", "2026/11/20 10:16:30", "10.20.30.41", "2001:db8::23", "443", "", "TCP", "reset-both", "60", "0") +
		panLine("", "2026/11/20 11:15:30", "10.20.30.40", "198.51.100.23", "9001", "tor", "tcp", "allow", "100", "5") +
		panLine("", "2026/11/20 11:20:30", "198.51.100.99", "10.20.30.99", "22", "ssh", "tcp", "drop-icmp", "100", "")
}

func sampleHead(t *testing.T) *Head {
	h := newHead(t)
	n, err := h.AddLog(strings.NewReader(sampleLog()))
	require.NoError(t, err)
	require.Equal(t, 4, n)
	return h
}

func TestPanLineAsTheAddOnReadsIt(t *testing.T) {
	e, err := parsePan(strings.TrimSpace(panLine("", "2026/11/20 10:15:30", "10.20.30.40", "198.51.100.23", "9001", "tor", "tcp", "allow", "6609", "810")), "fw")
	require.NoError(t, err)
	row, ok := findModel("Network_Traffic").row(e)
	require.True(t, ok)
	require.Equal(t, time.Date(2026, 11, 20, 10, 15, 30, 0, time.UTC), e.time)
	for name, want := range map[string]string{
		"src": "10.20.30.40", "src_ip": "10.20.30.40", "dest": "198.51.100.23", "dest_ip": "198.51.100.23", "src_port": "50624", "dest_port": "9001",
		"app": "tor", "action": "allowed", "transport": "tcp", "user": "unknown", "rule": "Outbound_Allow", "dvc": "fw", "bytes": "7419", "bytes_out": "6609",
		"bytes_in": "810", "packets": "25", "packets_out": "14", "packets_in": "11", "duration": "65", "src_zone": "Trust", "dest_zone": "Untrust",
		"vendor_product": panProduct, "direction": "", "protocol": "",
	} {
		require.Equal(t, want, row.Get("All_Traffic."+name), name)
	}
	for vendor, want := range map[string]string{"allow": "allowed", "deny": "blocked", "block-ip": "blocked", "reset-client": "blocked", "drop": "dropped", "sinkhole": "dropped", "odd": "unknown"} {
		e, err := parsePan(panLine("", "2026/11/20 10:15:30", "10.0.0.1", "192.0.2.1", "1", "x", "tcp", vendor, "", ""), "fw")
		require.NoError(t, err)
		row, _ := findModel("Network_Traffic").row(e)
		require.Equal(t, want, row.Get("All_Traffic.action"), vendor)
	}
	e, err = parsePan(panLine("", "2026/11/20 10:15:30", "10.0.0.1", "192.0.2.1", "1", "x", "TCP", "allow", "", ""), "fw")
	require.NoError(t, err)
	row, _ = findModel("Network_Traffic").row(e)
	require.Equal(t, "tcp", row.Get("All_Traffic.transport"))
	for users, want := range map[string]string{",,": "unknown", "alice,,": "alice", ",bob,": "bob", "alice,bob,": "alice"} {
		line := strings.Replace(panLine("", "2026/11/20 10:15:30", "10.0.0.1", "192.0.2.1", "1", "x", "tcp", "allow", "", ""), "Outbound_Allow,,,", "Outbound_Allow,"+users, 1)
		e, err := parsePan(line, "fw")
		require.NoError(t, err)
		row, _ := findModel("Network_Traffic").row(e)
		require.Equal(t, want, row.Get("All_Traffic.user"), users)
	}
	require.Equal(t, []string{"a", "b,c", "", "d"}, splitLog(`a,"b,c",,d`))
	require.Equal(t, []string{"a", ""}, splitLog(`a,`))
	_, err = readLog(strings.NewReader("\nnot a log line\n"), "fw")
	require.ErrorContains(t, err, "log line 2")
}

func TestTstats(t *testing.T) {
	h := sampleHead(t)
	for search, want := range map[string][]string{
		`| tstats count min(_time) as firstTime max(_time) as lastTime from datamodel=Network_Traffic where All_Traffic.app=tor AND All_Traffic.action=allowed by All_Traffic.src_ip All_Traffic.dest_port`: {
			"All_Traffic.src_ip,All_Traffic.dest_port,count,firstTime,lastTime", "10.20.30.40,9001,2,1795169730,1795173330"},
		// A row without app is dropped without fillnull_value, and has the text null with it.
		`| tstats count from datamodel=Network_Traffic.All_Traffic by All_Traffic.app`:                            {"All_Traffic.app,count", "ssh,1", "tor,2"},
		`| tstats summariesonly=true fillnull_value=null count from datamodel=Network_Traffic by All_Traffic.app`: {"All_Traffic.app,count", "null,1", "ssh,1", "tor,2"},
		`| tstats sum(All_Traffic.bytes_in) as bytes_in, values(All_Traffic.src) as src dc(All_Traffic.dest) from datamodel=Network_Traffic where All_Traffic.dest_port IN (22,9001)`: {
			"bytes_in,src,dc(All_Traffic.dest)", "815,10.20.30.40+198.51.100.99,2"},
		// sum of a field that no row has stays empty.
		`| tstats sum(All_Traffic.bytes_in) as b count from datamodel=Network_Traffic where All_Traffic.app=ssh by All_Traffic.src`: {"All_Traffic.src,b,count", "198.51.100.99,,1"},
		`| tstats count from datamodel=Network_Traffic where NOT All_Traffic.src IN ("10.0.0.0/8") by _time span=1h`:                {"_time,count", "1795172400,1"},
		`| tstats count from datamodel=Network_Traffic where All_Traffic.app=nothing`:                                               {"count", "0"},
		`| tstats count from datamodel=Network_Traffic where All_Traffic.app=nothing by All_Traffic.src`:                            {"All_Traffic.src,count"},
	} {
		result, err := h.Run(search)
		require.NoError(t, err, search)
		require.Equal(t, want, texts(result.Table), search)
	}
	for search, want := range map[string]string{
		`| tstats count from datamodel=Web`:                                       "data model 'Web'",
		`| tstats count from datamodel=Network_Traffic by src`:                    `no field "src"`,
		`| tstats count from datamodel=Network_Traffic where All_Traffic.aap=tor`: `no field "All_Traffic.aap"`,
		`| tstats median(All_Traffic.bytes) from datamodel=Network_Traffic`:       "'median' is invalid",
		`| tstats prestats=t count from datamodel=Network_Traffic`:                "'prestats' is invalid",
		`| tstats summariesonly=maybe count from datamodel=Network_Traffic`:       "Invalid boolean",
		`| tstats count where index=*`:                                            "datamodel=NAME' is wanted",
		`| tstats from datamodel=Network_Traffic`:                                 "a function is missing",
		`| makeresults | tstats count from datamodel=Network_Traffic`:             "must be the first command",
		`| stats count`: "cannot be the first command",
	} {
		_, err := h.Run(search)
		require.ErrorContains(t, err, want, search)
	}
}

func TestWindow(t *testing.T) {
	h := sampleHead(t)
	count := "| tstats count from datamodel=Network_Traffic"
	h.Earliest, h.Latest = time.Unix(1795169730, 0), time.Unix(1795173330, 0)
	result, err := h.Run(count)
	require.NoError(t, err)
	require.Equal(t, "2", result.Rows[0].Get("count"), "earliest is inside, latest is not")

	first, last, ok := h.Span()
	require.True(t, ok)
	require.Equal(t, "2026-11-20T10:15:30Z 2026-11-20T11:20:30Z", first.Format(time.RFC3339)+" "+last.Format(time.RFC3339))

	require.NoError(t, os.WriteFile(filepath.Join(h.App.Dir, "default", "savedsearches.conf"),
		[]byte("[Hourly]\ndisabled = true\nsearch = "+count+"\ndispatch.earliest_time = -70m@m\ndispatch.latest_time = -10m@m\n"), 0o600))
	h.Now = last
	result, err = h.RunSaved("Hourly")
	require.NoError(t, err)
	require.Equal(t, "2", result.Rows[0].Get("count"), "10:10 to 11:10")
	h.Earliest, h.Latest = time.Time{}, time.Time{}
	result, err = h.RunSavedOver("Hourly")
	require.NoError(t, err)
	require.Equal(t, "4", result.Rows[0].Get("count"))
	names, err := h.SavedSearches()
	require.NoError(t, err)
	require.Equal(t, []string{"Hourly"}, names)
	_, err = h.RunSaved("Daily")
	require.ErrorContains(t, err, `no search "Daily"`)
}

func TestCommands(t *testing.T) {
	h := sampleHead(t)
	require.NoError(t, os.MkdirAll(filepath.Join(h.App.Dir, "lookups"), 0o755))
	require.NoError(t, os.WriteFile(h.App.Lookup("rows.csv"), []byte("k,v,w\na,1,x\nb,10,x\na,9,y\nc,,y\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(h.App.Dir, "default", "transforms.conf"), []byte("[rows]\nfilename = rows.csv\n"), 0o600))
	for search, want := range map[string][]string{
		"| inputlookup rows | sort 0 - v":                                                                                                   {"k,v,w", "b,10,x", "a,9,y", "a,1,x", "c,,y"},
		"| inputlookup rows.csv | sort 2 v":                                                                                                 {"k,v,w", "a,1,x", "a,9,y"},
		"| inputlookup rows | sort k, -v":                                                                                                   {"k,v,w", "a,9,y", "a,1,x", "b,10,x", "c,,y"},
		"| inputlookup rows | sort 0 - k, v":                                                                                                {"k,v,w", "c,,y", "b,10,x", "a,9,y", "a,1,x"},
		"| inputlookup rows | sort 0 -k, v":                                                                                                 {"k,v,w", "c,,y", "b,10,x", "a,1,x", "a,9,y"},
		"| inputlookup rows | sort 0 + w, -v":                                                                                               {"k,v,w", "b,10,x", "a,1,x", "a,9,y", "c,,y"},
		"| inputlookup rows | search [| inputlookup rows | return 2 k v=v]":                                                                 {"k,v,w", "a,1,x", "b,10,x"},
		"| inputlookup rows | search [| inputlookup rows | sort -v | return k]":                                                             {"k,v,w", "b,10,x"},
		"| inputlookup rows | stats values(*) as * by w":                                                                                    {"w,k,v", "x,a+b,1+10", "y,a+c,9"},
		"| inputlookup rows | sort - k, +v | head 2":                                                                                        {"k,v,w", "c,,y", "b,10,x"},
		"| inputlookup rows | stats count sum(v) as s avg(v) min(v) as lo max(v) as hi by k":                                                {"k,count,s,avg(v),lo,hi", "a,2,10,5,1,9", "b,1,10,10,10,10", "c,1,,,,"},
		"| inputlookup rows | stats first(v) as f last(v) as l list(v) as all values(w) as w dc(w) as n":                                    {"f,l,all,w,n", "1,9,1+10+9,x+y,2"},
		`| inputlookup rows | stats count(eval(w="x")) as n dc(eval(if(w="y",k,null()))) as m, max(eval(tonumber(v)*2)) as t`:               {"n,m,t", "2,2,20"},
		"| inputlookup rows | stats values(k) as k by w | stats count by k":                                                                 {"k,count", "a,2", "b,1", "c,1"},
		"| makeresults | eval a=mvappend(\"x\",\"x\",\"y\") | stats count by a":                                                             {"a,count", "x,1", "y,1"},
		"| inputlookup rows | where v>5 | fields w k":                                                                                       {"w,k", "x,b", "y,a"},
		"| inputlookup rows | search w=x NOT k=b | fields - w":                                                                              {"k,v", "a,1"},
		`| inputlookup rows | rename k as "All.k", v as "All.v" | rename "All.*" as * | table v w k x`:                                      {"v,w,k,x", "1,x,a,", "10,x,b,", "9,y,a,", ",y,c,"},
		"| makeresults | eval k=\"z\" | table k | append [| inputlookup rows | where v>5 | stats sum(v) as v by k] ":                        {"k,v", "z,", "a,9", "b,10"},
		`| inputlookup rows | head 1 | append [| makeresults | eval w="] | x" | append [| makeresults | eval w="y"]] | table w`:             {"w", "x", "] | x", "y"},
		"| inputlookup rows | eventstats sum(v) as s count as n by w | table k s n":                                                         {"k,s,n", "a,11,2", "b,11,2", "a,9,2", "c,9,2"},
		"| inputlookup rows | eventstats max(v) as m | eventstats dc(k) as d by v | table k m d":                                            {"k,m,d", "a,10,1", "b,10,1", "a,10,1", "c,10,"},
		`| inputlookup rows | table v | appendpipe [search v>5 | eval v="more than 5"] | appendpipe [where v="] | x"]`:                      {"v", "1", "10", "9", "", "more than 5", "more than 5"},
		"| makeresults | eval app=\"x\" | table app | append maxtime=300 [search app=tor dest_port=9001 | fields app] | stats count by app": {"app,count", "tor,2", "x,1"},
		`| makeresults | eval a=mvappend("10.0.0.0/8","192.0.2.0/24"), b="192.0.2.7", n=mvcount(mvmap(a,if(cidrmatch(a,b),1,null()))), m=mvjoin(mvmap( a , a.b),"+") | table n m`: {"n,m", "1,10.0.0.0/8192.0.2.7+192.0.2.0/24192.0.2.7"},
		"| inputlookup rows | rename v as w | head 1":                                                                              {"k,w", "a,1"},
		"| inputlookup rows | dedup k | table k":                                                                                   {"k", "a", "b", "c"},
		"| inputlookup rows | dedup v | table k v":                                                                                 {"k,v", "a,1", "b,10", "a,9"},
		"| inputlookup rows | fillnull v | where k=\"c\"":                                                                          {"k,v,w", "c,0,y"},
		"| inputlookup rows | fillnull value=none z | table z | head 1":                                                            {"z", "none"},
		"| inputlookup rows | stats values(v) as v by w | mvexpand v | table v":                                                    {"v", "1", "10", "9"},
		`| makeresults | eval a=1795600000, b=a | convert timeformat="%Y-%m-%dT%H:%M:%S" ctime(a) ctime(b) as c | table a b c`:     {"a,b,c", "2026-11-25T09:46:40,1795600000,2026-11-25T09:46:40"},
		`| makeresults | eval x="text" | convert ctime(x) ctime(nothing) | fields x`:                                               {"_time,x", "1795600000,text"},
		`| tstats count from datamodel=Network_Traffic by _time All_Traffic.app | timechart span=1h sum(count) by All_Traffic.app`: {"_time,ssh,tor", "1795168800,,1", "1795172400,1,1"},
		`| tstats count from datamodel=Network_Traffic by _time | bin _time span=1d | stats sum(count) as n by _time`:              {"_time,n", "1795132800,4"},
		`index=main sourcetype=pan:traffic app=tor | table src_ip dest_port _time`:                                                 {"src_ip,dest_port,_time", "10.20.30.40,9001,1795173330", "10.20.30.40,9001,1795169730"},
		`search "reset-both" | table dest`:                                                                                         {"dest", "2001:db8::23"},
	} {
		result, err := h.Run(search)
		require.NoError(t, err, search)
		require.Equal(t, want, texts(result.Table), search)
	}
	for search, want := range map[string]string{
		"| makeresults | lookup x y":                        "Unknown search command 'lookup'",
		"| inputlookup nothing.csv":                         "does not exist",
		"| inputlookup nothing":                             "requires a .csv",
		"| inputlookup ../rows.csv":                         "is invalid",
		"| makeresults | rename a b":                        "'field AS name'",
		"| makeresults | rename a* as b":                    "Wildcard mismatch",
		"| makeresults | convert auto(x)":                   "only ctime",
		`| makeresults | convert timeformat="%Q" ctime(x)`:  "not played",
		"| makeresults | sort num(x)":                       "field name is wanted",
		"| makeresults | stats perc95(x)":                   "not played",
		"| makeresults | stats sum(x) as a, max(x) as a":    "named twice",
		"| makeresults | table":                             "field name is missing",
		"| makeresults | eval a=(1=1)":                      "boolean result",
		"| makeresults | head while(x)":                     "a number is wanted",
		"index=main OR earliest=-1h":                        "beside OR is not played",
		"index=main (latest=5)":                             "inside brackets",
		"index=main earliest=soon":                          "Invalid value",
		"index=main earliest>5":                             "only one such bound",
		"| makeresults | return 5":                          "a field is missing",
		"| makeresults | return $":                          "is no field, alias=field or $field",
		"| makeresults | addinfo x":                         "unexpected",
		"| makeresults | outputlookup append=t x.csv":       "'append' is invalid",
		"| makeresults | appendpipe":                        "the commands in brackets are missing",
		"| makeresults | append":                            "the search to append is missing",
		"| makeresults | append colour=red [| makeresults]": "the search to append is missing",
		"| makeresults | append [| inputlookup rows":        "Mismatched",
		"| makeresults | append [| nothing]":                "Unknown search command",
		"| makeresults | where [| inputlookup none]":        "requires a .csv",
		"| makeresults ] ":                                  "Unbalanced",
	} {
		_, err := h.Run(search)
		require.ErrorContains(t, err, want, search)
	}
}

// Events of other sources stand in the data model that they were given, and in event searches with their fields.
func TestOtherModels(t *testing.T) {
	h := sampleHead(t)
	at := h.Now.Add(-time.Minute)
	h.AddEvents(
		Event{Time: at, Model: "Authentication", Raw: "Accepted password for alice", Fields: map[string]string{"sourcetype": "sshd", "action": "success", "src": "198.51.100.7", "user": "alice"}},
		Event{Time: at, Model: "Authentication", Fields: map[string]string{"sourcetype": "sshd", "action": "failure", "src": "198.51.100.8"}},
		Event{Time: at, Model: "Network_Resolution", Fields: map[string]string{"sourcetype": "dns", "query": "www.example.com", "src": "10.0.0.5"}},
		Event{Time: at, Fields: map[string]string{"sourcetype": "tls", "tls.sni": "www.example.org", "src_ip": "10.0.0.5"}},
	)
	for search, want := range map[string][]string{
		"| tstats count from datamodel=Authentication where Authentication.action=success by Authentication.src Authentication.user": {"Authentication.src,Authentication.user,count", "198.51.100.7,alice,1"},
		"| tstats count from datamodel=Authentication.Authentication by Authentication.dest Authentication.user":                     {"Authentication.dest,Authentication.user,count", "unknown,alice,1", "unknown,unknown,1"},
		"| tstats count from datamodel=Network_Resolution by DNS.query":                                                              {"DNS.query,count", "www.example.com,1"},
		"| tstats count from datamodel=Network_Traffic where All_Traffic.src=10.0.0.5":                                               {"count", "0"},
		"sourcetype=tls OR (sourcetype=sshd action=success) | sort 0 sourcetype | table sourcetype tls.sni src user":                 {"sourcetype,tls.sni,src,user", "sshd,,198.51.100.7,alice", "tls,www.example.org,,"},
	} {
		result, err := h.Run(search)
		require.NoError(t, err, search)
		require.Equal(t, want, texts(result.Table), search)
	}
	for search, want := range map[string]string{
		"| tstats count from datamodel=Authentication by All_Traffic.src":    "has no field",
		"| tstats count from datamodel=Authentication by Authentication.sni": "has no field",
		"| tstats count from datamodel=Web":                                  "not played",
	} {
		_, err := h.Run(search)
		require.ErrorContains(t, err, want)
	}
}

func TestOutputlookup(t *testing.T) {
	h := newHead(t)
	_, err := h.Run(`| makeresults | eval ip="192.0.2.1", note="a \"b\"" | fields - _time | outputlookup out.csv`)
	require.NoError(t, err)
	written, err := os.ReadFile(h.App.Lookup("out.csv"))
	require.NoError(t, err)
	require.Equal(t, "ip,note\n\"192.0.2.1\",\"a \"\"b\"\"\"\n", string(written))
	_, err = h.Run(`| inputlookup out.csv | where ip="x" | outputlookup override_if_empty=false out.csv`)
	require.NoError(t, err)
	kept, err := os.ReadFile(h.App.Lookup("out.csv"))
	require.NoError(t, err)
	require.Equal(t, written, kept)
	_, err = h.Run(`| inputlookup out.csv | where ip="x" | outputlookup out.csv`)
	require.NoError(t, err)
	emptied, err := os.ReadFile(h.App.Lookup("out.csv"))
	require.NoError(t, err)
	require.Equal(t, "ip,note\n", string(emptied))
}

// Streaming commands run on each indexer, from its own copy of the app; all else on the search head.
func TestPeers(t *testing.T) {
	h := sampleHead(t)
	local, err := h.Run("index=main | where bytes_out>=60 | echo | table _time src dest")
	require.NoError(t, err)
	h.Indexers = 2
	spread, err := h.Run("index=main | where bytes_out>=60 | echo | table _time src dest")
	require.NoError(t, err)
	require.Equal(t, texts(local.Table), texts(spread.Table))
	require.Equal(t, len(probes)+2, spread.Processes)

	ranIn := func(search string) []string {
		result, err := h.Run(search)
		require.NoError(t, err)
		var folders []string
		for _, row := range result.Rows {
			relative, err := filepath.Rel(h.App.root, row.Get("ran"))
			require.NoError(t, err)
			folders = append(folders, strings.SplitN(relative, string(filepath.Separator), 2)[0])
		}
		sort.Strings(folders)
		return folders
	}
	onIndexers := []string{"indexer1", "indexer1", "indexer2", "indexer2"}
	onHead := []string{searchHead, searchHead, searchHead, searchHead}
	require.Equal(t, onIndexers, ranIn("index=main | where true() | whererun | fields _time ran"))
	require.Equal(t, onHead, ranIn("index=main | sort 0 _time | whererun | fields _time ran"))
	require.Equal(t, onHead, ranIn("index=main | localop | whererun | fields _time ran"))
	require.Equal(t, onHead, ranIn("index=main | statefulecho | whererun | fields _time ran"))
	require.Equal(t, onHead, ranIn("| tstats count from datamodel=Network_Traffic by _time | whererun | fields _time ran"))

	_, err = h.Run("index=main | badrun")
	require.EqualError(t, err, "[indexer1] Streamed search execute failed because: Error in 'badrun' command: row 3 is bad")
}

// Indexers may be late, gone, or without the newest bundle.
func TestLateIndexers(t *testing.T) {
	const where = "index=main | where true() | stats count by splunk_server"
	h := sampleHead(t)
	h.Indexers = 2
	for _, c := range []struct {
		late   time.Duration
		rows   []string
		waited time.Duration
		says   string
	}{
		{0, []string{"indexer1,2", "indexer2,2"}, 0, ""},
		{time.Minute, []string{"indexer1,2", "indexer2,2"}, time.Minute, ""},
		{receiveTimeout, []string{"indexer1,2"}, 0, "Timed out waiting for peer indexer2."},
		{Down, []string{"indexer1,2"}, 0, "Unable to distribute to peer named indexer2 "},
	} {
		h.Late = map[int]time.Duration{1: c.late, 7: Down}
		for search, rows := range map[string][]string{where: c.rows, "| tstats count from datamodel=Network_Traffic | fields - count": nil} {
			result, err := h.Run(search)
			require.NoError(t, err)
			require.Equal(t, c.waited, result.Cost.Waited)
			if rows != nil {
				require.Equal(t, rows, texts(result.Table)[1:])
			}
			require.Len(t, result.Messages, min(1, len(c.says)))
			for _, m := range result.Messages {
				require.Equal(t, "WARN", m.Level)
				require.Contains(t, m.Text, c.says)
			}
		}
	}

	before, err := h.pushBundle()
	require.NoError(t, err)
	h.Behind = map[int]bool{1: true}
	after, err := h.pushBundle()
	require.NoError(t, err)
	require.NotEqual(t, before[0], after[0])
	require.Equal(t, before[1], after[1])
	require.DirExists(t, after[1].Dir)
}

func TestBundle(t *testing.T) {
	h := newHead(t)
	put := func(name string) {
		file := filepath.Join(h.App.Dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte("# x\n"), 0o600))
	}
	for _, name := range []string{"bin/deep/x", "bin/denied-linux", "linux_x86_64/bin/x", "extra/x", "static/icon.png", "default/data/ui/nav/default.xml", "default/savedsearches.conf", "local/props.conf",
		"metadata/default.meta", "README.md", "lookups/history.csv", "lookups/a.csv"} {
		put(name)
	}
	require.NoError(t, os.WriteFile(filepath.Join(h.App.Dir, "default", "distsearch.conf"), []byte(`[replicationAllowlist]
more = apps/fakes/extra/...
[replicationDenylist]
one = apps[/\\]fakes[/\\]bin[/\\]denied*
two = apps[/\\]fakes[/\\]lookups[/\\]history.csv
`), 0o600))
	h.Indexers = 1
	peers, err := h.pushBundle()
	require.NoError(t, err)
	var files []string
	require.NoError(t, filepath.WalkDir(peers[0].Dir, func(file string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			relative, _ := filepath.Rel(peers[0].Dir, file)
			files = append(files, filepath.ToSlash(relative))
		}
		return err
	}))
	require.Equal(t, []string{"bin/deep/x", "bin/fake.sh", "default/commands.conf", "extra/x", "local/props.conf", "lookups/a.csv", "lookups/numbers.csv", "metadata/default.meta"}, files)
	require.Contains(t, peers[0].Dir, "indexer1/var/run/searchpeers/search-head-1795600001/apps/fakes")
	info, err := os.Stat(filepath.Join(peers[0].Dir, "bin", "fake.sh"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o755), info.Mode().Perm())

	require.NoError(t, os.WriteFile(filepath.Join(h.App.Dir, "default", "distsearch.conf"), []byte("[replicationDenylist]\nall = \n"), 0o600))
	peers, err = h.pushBundle()
	require.NoError(t, err)
	require.NoDirExists(t, peers[0].Dir, "an empty value matches everything")
	require.NoError(t, os.WriteFile(filepath.Join(h.App.Dir, "default", "distsearch.conf"), []byte("[replicationDenylist]\nx = a\\.b\n"), 0o600))
	_, err = h.pushBundle()
	require.ErrorContains(t, err, "never write")
}

func TestInstall(t *testing.T) {
	pack := func(entries ...tar.Header) string {
		file := filepath.Join(t.TempDir(), "x.tgz")
		out, err := os.Create(file)
		require.NoError(t, err)
		zip := gzip.NewWriter(out)
		archive := tar.NewWriter(zip)
		for _, entry := range entries {
			entry.Size = 0
			if entry.Typeflag == tar.TypeReg {
				entry.Size = 2
			}
			require.NoError(t, archive.WriteHeader(&entry))
			if entry.Typeflag == tar.TypeReg {
				_, err = archive.Write([]byte("x\n"))
				require.NoError(t, err)
			}
		}
		require.NoError(t, archive.Close())
		require.NoError(t, zip.Close())
		require.NoError(t, out.Close())
		return file
	}
	when := time.Unix(1795600000, 0)
	dir := t.TempDir()
	app, err := Install(pack(tar.Header{Typeflag: tar.TypeDir, Name: "app/", Mode: 0o755}, tar.Header{Typeflag: tar.TypeReg, Name: "app/bin/x.sh", Mode: 0o777, ModTime: when}), dir)
	require.NoError(t, err)
	require.Equal(t, "app", app.ID)
	info, err := os.Stat(filepath.Join(dir, "search-head/etc/apps/app/bin/x.sh"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o777), info.Mode().Perm(), "whatever the umask")
	require.Equal(t, when, info.ModTime())
	for name, want := range map[string]string{"../x": "bad path", "/x": "bad path", "app/../x": "bad path", "./app/x": "bad path"} {
		_, err := Install(pack(tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}), t.TempDir())
		require.ErrorContains(t, err, want, name)
	}
	_, err = Install(pack(tar.Header{Typeflag: tar.TypeReg, Name: "a/x", Mode: 0o644}, tar.Header{Typeflag: tar.TypeReg, Name: "b/x", Mode: 0o644}), t.TempDir())
	require.ErrorContains(t, err, "second top folder")
	_, err = Install(pack(tar.Header{Typeflag: tar.TypeSymlink, Name: "a/x", Linkname: "/etc/passwd"}), t.TempDir())
	require.ErrorContains(t, err, "neither file nor folder")
	_, err = Install(pack(), t.TempDir())
	require.ErrorContains(t, err, "is empty")
}

func TestPrint(t *testing.T) {
	result := &Result{Table: *rowsOf("src,note", "10.0.0.1,short", "10.0.0.22,")}
	result.Rows[0]["list"] = spl.Value{"a\x1b[31m", "b\u202e"}
	result.Columns = append(result.Columns, "list", "_raw")
	var out strings.Builder
	require.NoError(t, result.Print(&out, 40))
	require.Equal(t, "src        note   list\n---------  -----  -----\n10.0.0.1   short  a[31m\n                  b\n10.0.0.22\n", out.String())
	out.Reset()
	result.Rows[0]["note"] = spl.Value{"several words that are longer than a line"}
	require.NoError(t, result.Print(&out, 30))
	require.Equal(t, "row 1 of 2\n  src: 10.0.0.1\n  note: several words that are\n        longer than a line\n  list: a[31m, b\nrow 2 of 2\n  src: 10.0.0.22\n", out.String())
	out.Reset()
	result.Rows[0]["list"] = spl.Value{strings.Repeat("x", 70)}
	result.Rows[0]["note"] = spl.Value{"short"}
	require.NoError(t, result.Print(&out, 80))
	require.Contains(t, out.String(), "row 1 of 2\n  src: 10.0.0.1"+strings.Repeat(" ", 27)+"note: short\n  list: xxx")
	out.Reset()
	require.NoError(t, (&Result{}).Print(&out, 30))
	require.Equal(t, "(no rows)\n", out.String())
}

// What a dashboard needs: bounds as it writes them, searches over another one's result, conditions, and which server an
// event lies on.
func TestDashboardSearches(t *testing.T) {
	h := sampleHead(t)
	h.Now = time.Date(2026, 11, 20, 11, 30, 0, 0, time.UTC)
	byApp := "| tstats count from datamodel=Network_Traffic by _time span=1h All_Traffic.app"
	for _, bounds := range [][2]string{{"-90m@h", "now"}, {"1795168800", "2026"}, {"0", ""}, {"", "now"}, {"tomorrow", "now"}} {
		base, err := h.RunOver(byApp, bounds[0], bounds[1])
		switch bounds[0] {
		case "tomorrow":
			require.ErrorContains(t, err, "Invalid value")
			continue
		case "1795168800":
			require.NoError(t, err)
			require.Empty(t, base.Rows, "a window that ends before it begins")
			continue
		}
		require.NoError(t, err)
		total, err := h.PostProcess(base, "stats sum(count) as n | eval n=n+0")
		require.NoError(t, err)
		require.Equal(t, []string{"n", "3"}, texts(total.Table), "one event has no app")
	}
	base, err := h.RunOver(byApp, "-210m@h", "now")
	require.NoError(t, err)
	chart, err := h.PostProcess(base, "search All_Traffic.app=ssh | timechart span=1h sum(count) by All_Traffic.app")
	require.NoError(t, err)
	require.Equal(t, []string{"_time,ssh", "1795161600,", "1795165200,", "1795168800,", "1795172400,1"}, texts(chart.Table), "the whole window of the base")
	empty, err := h.PostProcess(base, "search All_Traffic.app=none | timechart span=1h sum(count) by All_Traffic.app")
	require.NoError(t, err)
	require.Empty(t, empty.Rows)
	for text, want := range map[string]string{"search app=x | inputlookup rows": "must be the first", "sort": "field name is missing", "stats count by `nothing`": "macro"} {
		_, err := h.PostProcess(base, text)
		require.ErrorContains(t, err, want)
	}

	fields := spl.Row{"job.resultCount": {"0"}, "result.state": {"cut"}}
	for text, want := range map[string]bool{`'job.resultCount' == 0`: true, `'result.state' == "missing"`: false, `'result.n' == 0`: false} {
		holds, err := h.Holds(text, fields)
		require.NoError(t, err)
		require.Equal(t, want, holds, text)
	}
	_, err = h.Holds("'job.resultCount' ==", fields)
	require.Error(t, err)

	h.Indexers = 2
	servers, err := h.Run("index=main | stats count by splunk_server")
	require.NoError(t, err)
	require.Equal(t, []string{"splunk_server,count", "indexer1,2", "indexer2,2"}, texts(servers.Table))
}
