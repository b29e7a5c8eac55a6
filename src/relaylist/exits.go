package relaylist

import (
	"strings"

	"tordetect/src/relay"
	"tordetect/src/tordir"
)

// held are the exit lists of the file at hand. They count once the file was read to its
// end: nobody signs them, so the checksums of what they are packed in are all that says
// that they are as they were made, and those come last.
type held struct {
	lists []heldList
	all   []relay.ExitSighting // of all lists, each once: the lists of a day repeat each other
	place map[relay.ExitSighting]uint32
}

// heldList is one of them.
type heldList struct {
	verdict    int    // its place in Result.Verdicts
	name       string // of its document
	broken     bool   // what it is packed in
	downloaded int64
	sightings  []uint32 // places in held.all
}

// hold keeps a list whose verdict comes next.
func (h *held) hold(name string, verdict int, list relay.ExitList) {
	if h.place == nil {
		h.place = map[relay.ExitSighting]uint32{}
	}
	l := heldList{verdict: verdict, name: name, downloaded: list.Downloaded, sightings: make([]uint32, len(list.Sightings))}
	for i, s := range list.Sightings {
		at, known := h.place[s]
		if !known {
			at = uint32(len(h.all))
			h.place[s], h.all = at, append(h.all, s)
		}
		l.sightings[i] = at
	}
	h.lists = append(h.lists, l)
}

// broken is for the document that an error came with: that of a file or a member.
func (h *held) broken(at tordir.Document) {
	for i := range h.lists {
		l := &h.lists[i]
		rest, within := strings.CutPrefix(l.name, at.Name)
		l.broken = l.broken || at.Last || within && (rest == "" || rest[0] == ':')
	}
}

// settle takes the exit lists of a file in, once it was read to its end.
func (im *importer) settle() {
	var list relay.ExitList
	for i := range im.held.lists {
		l := &im.held.lists[i]
		v := &im.out.Verdicts[l.verdict]
		if l.broken {
			v.OK, v.Taken = false, 0
			v.Reason = "What it came in could not be read to its end. Exit lists are not signed, so nothing else says that this one is whole: get the file again."
			continue
		}
		list.Downloaded, list.Sightings = l.downloaded, list.Sightings[:0]
		for _, at := range l.sightings {
			list.Sightings = append(list.Sightings, im.held.all[at])
		}
		if err := im.merger.AddExitList(list); err != nil {
			v.OK, v.Taken, v.Reason = false, 0, sentence(err)
		}
	}
	im.held = held{}
}
