package chunked

// Frames recorded from splunkd 8.2.1 (reduceRows: 6.3) and from commands that
// it talked to, and frames made for tests. The session key is 120 times x; no
// other byte was changed. Written in the notation of wire.
const (
	// A streaming command: index=beetles | doubleage | table name,age
	doubleGetinfo   = `chunked 1.0,700,0⏎{"action":"getinfo","preview":false,"streaming_command_will_restart":false,"searchinfo":{"args":[],"raw_args":[],"dispatch_dir":"C:\\Program Files\\Splunk\\var\\run\\splunk\\dispatch\\1629786023.114","sid":"1629786023.114","app":"CustomSearchCommandExamples","owner":"admin","username":"admin","session_key":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","splunkd_uri":"https://127.0.0.1:8089","splunk_version":"8.2.1","search":"litsearch%20index%3Dbeetles%20%7C%20doubleage%20%20%7C%20fields%20%20keepcolorder%3Dt%20%22age%22%20%22name%22","command":"doubleage","maxresultrows":50000,"earliest_time":"0","latest_time":"0"}}`
	doubleDeclared  = `chunked 1.0,46,0⏎{"type":"streaming","required_fields":["age"]}`
	doubleRows      = `chunked 1.0,37,85⏎{"action":"execute","finished":false}age,"_chunked_idx","__mv_age","__mv__chunked_idx"⏎66,0,,⏎18,1,,⏎25,2,,⏎96,3,,⏎52,4,,⏎`
	doubleRowsReply = `chunked 1.0,18,82⏎{"finished":false}age,_chunked_idx,__mv_age,__mv__chunked_idx⏎132,0,,⏎36,1,,⏎50,2,,⏎192,3,,⏎104,4,,⏎`
	doubleLast      = `chunked 1.0,36,50⏎{"action":"execute","finished":true}age,"_chunked_idx","__mv_age","__mv__chunked_idx"⏎`
	doubleLastReply = `chunked 1.0,17,0⏎{"finished":true}`

	// A stateful command: index=beetles | accumages | table name, age, accum_age
	accumDeclared   = `chunked 1.0,57,0⏎{"type":"stateful","required_fields":["age","accum_age"]}`
	accumRows       = `chunked 1.0,37,124⏎{"action":"execute","finished":false}age,"accum_age","_chunked_idx","__mv_age","__mv_accum_age","__mv__chunked_idx"⏎66,,0,,,⏎18,,1,,,⏎25,,2,,,⏎96,,3,,,⏎52,,4,,,⏎`
	accumRowsReply  = `chunked 1.0,18,127⏎{"finished":false}age,accum_age,_chunked_idx,__mv_age,__mv_accum_age,__mv__chunked_idx⏎66,66,0,,,⏎18,84,1,,,⏎25,109,2,,,⏎96,205,3,,,⏎52,257,4,,,⏎`
	accumEmpty      = `chunked 1.0,37,79⏎{"action":"execute","finished":false}age,"accum_age","_chunked_idx","__mv_age","__mv_accum_age","__mv__chunked_idx"⏎`
	accumEmptyReply = `chunked 1.0,18,0⏎{"finished":false}`
	accumLast       = `chunked 1.0,36,79⏎{"action":"execute","finished":true}age,"accum_age","_chunked_idx","__mv_age","__mv_accum_age","__mv__chunked_idx"⏎`
	accumLastReply  = `chunked 1.0,17,0⏎{"finished":true}`

	// An events command, its request only
	sortDeclared = `chunked 1.0,43,0⏎{"type":"events","required_fields":["age"]}`
	sortRows     = `chunked 1.0,36,927⏎{"action":"execute","finished":true}index,"_time","_raw","_sourcetype","_indextime","_subsecond",name,age,"__mv_index","__mv__time","__mv__raw","__mv__sourcetype","__mv__indextime","__mv__subsecond","__mv_name","__mv_age"⏎beetles,"1627354345.934","{""date"":""1627354345.934"",""name"":""Noah"",""age"":""66"",""uid"":""05""}","_json",1627355502,".934",Noah,66,,,,,,,,⏎beetles,"1627354339.384","{""date"":""1627354339.384"",""name"":""Ringo"",""age"":""18"",""uid"":""04""}","_json",1627355502,".384",Ringo,18,,,,,,,,⏎beetles,"1627354223.584","{""date"":""1627354223.584"",""name"":""George"",""age"":""25"",""uid"":""03""}","_json",1627355502,".584",George,25,,,,,,,,⏎beetles,"1627354180.246","{""date"":""1627354180.246"",""name"":""Paul"",""age"":""96"",""uid"":""02""}","_json",1627355502,".246",Paul,96,,,,,,,,⏎beetles,"1627354100.265","{""date"":""1627354100.265"",""name"":""John"",""age"":""52"",""uid"":""01""}","_json",1627355502,".265",John,52,,,,,,,,⏎`

	// A reporting command
	averageDeclared = `chunked 1.0,46,0⏎{"type":"reporting","required_fields":["age"]}`
	averageRows     = `chunked 1.0,36,35⏎{"action":"execute","finished":true}age,"__mv_age"⏎66,⏎18,⏎25,⏎96,⏎52,⏎`
	averageReply    = `chunked 1.0,17,13⏎{"finished":true}average⏎51.4⏎`

	// A generating command, without its reply
	generateDeclared = `chunked 1.0,106,0⏎{"type":"stateful","required_fields":["_time","data","generated_index","random_number"],"generating":true}`
	generateAsk      = `chunked 1.0,36,151⏎{"action":"execute","finished":true}"_time",data,"generated_index","random_number","_chunked_idx","__mv__time","__mv_data","__mv_generated_index","__mv_random_number","__mv__chunked_idx"⏎`

	// A streaming command after makeresults
	makeresultsRows = `chunked 1.0,36,84⏎{"action":"execute","finished":true}count,"_chunked_idx","__mv_count","__mv__chunked_idx"⏎1,0,,⏎2,1,,⏎3,2,,⏎4,3,,⏎5,4,,⏎`

	// A command that refuses to work
	daveReply = `chunked 1.0,60,0⏎{"finished":true,"error":"I'm sorry Dave, I can't do that."}`

	// The reduce phase of a reporting command, 6.3
	reduceRows = `chunked 1.0,36,36⏎{"action":"execute","finished":true}total,"__mv_total"⏎"2147943.07811",⏎`

	// Made for tests: a probe
	probe      = `chunked 1.0,310,0⏎{"action":"getinfo","preview":false,"searchinfo":{"args":["k=v","src ip"],"raw_args":["k=v","\"src ip\""],"dispatch_dir":"","sid":"searchparsetmp_1","session_key":"","splunkd_uri":"https://127.0.0.1:8089","search":"%7C%20mycmd","maxresultrows":0,"earliest_time":"0","latest_time":"1627419600.500","new_key":1}}`
	probeReply = `chunked 1.0,52,0⏎{"type":"streaming","required_fields":["ip","note"]}`

	// quotes, a comma, a multivalue cell
	quotedRows = `chunked 1.0,37,120⏎{"action":"execute","finished":false}ip,note,"_chunked_idx","__mv_ip","__mv_note","__mv__chunked_idx"⏎"192.0.2.1","say ""hi"", ok",0,,,⏎"a⏎b",,1,"$a$;$b$",,⏎`

	// no rows; no body at all
	headerOnly = `chunked 1.0,36,65⏎{"action":"execute","finished":true}ip,note,"_chunked_idx","__mv_ip","__mv_note","__mv__chunked_idx"⏎`
	noBody     = `chunked 1.0,36,0⏎{"action":"execute","finished":true}`

	// CRLF row ends, and a CRLF inside a cell
	crlfRows = `chunked 1.0,36,29⏎{"action":"execute","finished":true}host,"tag::x"⟦0D⟧⏎web01,"a⟦0D⟧⏎b"⟦0D⟧⏎`

	// several bytes a character, invalid UTF-8, NUL
	hostileRows = `chunked 1.0,37,48⏎{"action":"execute","finished":false}text,"__mv_text"⏎"é日本",⏎"bad ⟦FF⟧ nul ⟦00⟧ end",⏎`

	// a multivalue cell with $, an empty value and ;
	listRows = `chunked 1.0,37,42⏎{"action":"execute","finished":false}v,"__mv_v"⏎"$⏎a⏎⏎c;d","$$$$;$a$;$$;$c;d$"⏎`

	// an error behind a message
	inspectedError = `chunked 1.0,94,0⏎{"inspector":{"messages":[["WARN","no data file"]]},"finished":true,"error":"bad value for k"}`

	// a generating command in two turns
	turnsDeclared = `chunked 1.0,38,0⏎{"type":"reporting","generating":true}`
	turnsFirst    = `chunked 1.0,18,6⏎{"finished":false}n⏎1⏎2⏎`
	turnsLast     = `chunked 1.0,17,4⏎{"finished":true}n⏎3⏎`
)

// recordedFrames are all of them, by name.
var recordedFrames = map[string]string{
	"doubleGetinfo":    doubleGetinfo,
	"doubleDeclared":   doubleDeclared,
	"doubleRows":       doubleRows,
	"doubleRowsReply":  doubleRowsReply,
	"doubleLast":       doubleLast,
	"doubleLastReply":  doubleLastReply,
	"accumDeclared":    accumDeclared,
	"accumRows":        accumRows,
	"accumRowsReply":   accumRowsReply,
	"accumEmpty":       accumEmpty,
	"accumEmptyReply":  accumEmptyReply,
	"accumLast":        accumLast,
	"accumLastReply":   accumLastReply,
	"sortDeclared":     sortDeclared,
	"sortRows":         sortRows,
	"averageDeclared":  averageDeclared,
	"averageRows":      averageRows,
	"averageReply":     averageReply,
	"generateDeclared": generateDeclared,
	"generateAsk":      generateAsk,
	"makeresultsRows":  makeresultsRows,
	"daveReply":        daveReply,
	"reduceRows":       reduceRows,
	"probe":            probe,
	"probeReply":       probeReply,
	"quotedRows":       quotedRows,
	"headerOnly":       headerOnly,
	"noBody":           noBody,
	"crlfRows":         crlfRows,
	"hostileRows":      hostileRows,
	"listRows":         listRows,
	"inspectedError":   inspectedError,
	"turnsDeclared":    turnsDeclared,
	"turnsFirst":       turnsFirst,
	"turnsLast":        turnsLast,
}
