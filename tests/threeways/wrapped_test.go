package threeways

import "strings"

// Events in what collectors and shippers put around them. Their columns are those of
// the event itself.
var wrappedShapes = []shape{
	{"JSON behind syslog", "", func(r *source) event {
		e := r.bare()
		e.line = r.syslog(true) + e.line
		return e
	}},
	{"in _raw and message", "", (*source).shipped},
	{"HTTP Event Collector", "", (*source).collected},
	{"Splunk's export", "", (*source).exported},
}

// bare is a JSON event of any kind.
func (r *source) bare() event {
	kinds := [][]shape{zeekObjects, suricataShapes, objectShapes}
	some := of(r, kinds...)
	return of(r, some...).make(r)
}

// anyEvent is one of any kind, with tabs or commas too.
func (r *source) anyEvent() event {
	if !r.one(3) {
		return r.bare()
	}
	return of(r, append(zeekShapes[:len(zeekShapes):len(zeekShapes)], panShapes...)...).make(r)
}

func (r *source) shipped() event {
	e := r.anyEvent()
	outer := object{{of(r, "_raw", "message"), e.line}, {"agent", object{{"name", "sensor"}}}, {"host", "fw1"}, {"tags", list([]string{"a", "b"})}}
	r.shuffle(outer)
	e.line = r.write(outer)
	if r.one(4) { // a shipper's in a collector's
		e.line = r.write(object{{"event", e.line}, {"sourcetype", "x"}})
	}
	return e
}

func (r *source) collected() event {
	e, isText := r.bare(), r.one(2)
	if isText {
		e = r.anyEvent()
	}
	outer := []string{`"host":"fw1"`, `"source":"eve.json"`, `"sourcetype":"x"`}
	if isText {
		outer = append(outer, `"event":`+r.quote(e.line))
	} else {
		outer = append(outer, `"event":`+e.line)
	}
	if e.time == "" {
		e.time, e.hasTime = seconds(r.connection().at), true
		outer = append(outer, `"time":`+of(r, e.time, r.quote(e.time)))
	}
	r.Shuffle(len(outer), func(i, j int) { outer[i], outer[j] = outer[j], outer[i] })
	e.line = "{" + strings.Join(outer, ",") + "}"
	return e
}

func (r *source) exported() event {
	e := r.bare()
	e.line = `{"preview":false,"offset":` + itoa(r.IntN(100)) + of(r, "", `,"lastrow":true`) + `,"result":` + e.line + "}"
	return e
}
