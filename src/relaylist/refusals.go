package relaylist

import (
	"fmt"
	"strings"

	"tordetect/src/text"
	"tordetect/src/web"
)

const (
	// maxBad lists in a row end the asking of a source: 72 hours of rubbish say no
	// more than three.
	maxBad = 3
	// maxTold bounds the refusals of a source that are told one by one.
	maxTold = 3
	// maxReasons bounds, in bytes, the reasons of all sources together: splunkd
	// shows about a thousand bytes of an error, and the last source's should be
	// among them.
	maxReasons = 800
	// minReason is what each source gets of it, however many there are.
	minReason = 100
)

// refusals are what was wrong with the documents of one source.
type refusals struct {
	told  []error // the first ones
	count int
	row   int // without a good one in between; the user sets it back
}

func (r *refusals) add(err error) {
	r.count++
	r.row++
	if len(r.told) < maxTold {
		r.told = append(r.told, err)
	}
}

// join adds what was wrong with another document.
func (r *refusals) join(other refusals) {
	r.told = append(r.told, other.told...)
	r.told = r.told[:min(len(r.told), maxTold)]
	r.count += other.count
}

// err says it in short, for a source that was of no use: the first reason, and how
// many there were. Mostly they are all the same.
func (r *refusals) err() error {
	if r.count == 1 {
		return r.told[0]
	}
	return fmt.Errorf("%w (and %d more)", r.told[0], r.count-1)
}

// warnOf tells of refusals beside what was taken in.
func (im *importer) warnOf(r refusals) {
	for _, err := range r.told {
		im.warn("Not taken in: %s", ended(err))
	}
	if more := r.count - len(r.told); more > 0 {
		im.warn("%d more documents of that source were refused.", more)
	}
}

// noList is why no source helped, a reason each. errors.Is and errors.As look
// through all of them.
type noList []error

func (n noList) Error() string {
	if len(n) == 1 {
		return n[0].Error()
	}
	texts := make([]string, len(n))
	for i, err := range n {
		texts[i] = text.Cut(err.Error(), max(minReason, maxReasons/len(n)))
	}
	return fmt.Sprintf("none of %d sources has a newer list that can be believed: %s", len(n), strings.Join(texts, " | "))
}

func (n noList) Unwrap() []error { return n }

// isNo says that something is not the document that was wanted, and where it can be
// told why: a page came in its place.
func isNo(wanted string, doc []byte) string {
	title, page := web.Page(doc)
	if !page {
		return "is no " + wanted
	}
	if title != "" {
		title = fmt.Sprintf(" (%q)", title)
	}
	return "is no " + wanted + " but a web page: a web filter, a proxy or a login page answered in the place of the source" + title + ". Have it let this host through, or name another source"
}
