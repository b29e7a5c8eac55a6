package web

import (
	"bytes"
	"html"
	"strings"

	"tordetect/src/text"
)

// Page tells a web page from what was asked for. A web filter, a proxy or a portal
// that asks for a login answers with a page of its own in the place of the server,
// often with status 200. Its title, where it has one, mostly says who speaks; it is
// fit to be shown.
func Page(body []byte) (title string, is bool) {
	body = bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\ufeff")), " \t\r\n")
	for _, tag := range []string{"<!doctype html", "<html", "<head", "<body", "<!--"} {
		is = is || begins(string(body[:min(len(body), len(tag))]), tag)
	}
	if !is {
		return "", false
	}
	const far = 16 << 10 // in which a head has its title
	head := string(body[:min(len(body), far)])
	at := 0
	for at < len(head) && !begins(head[at:], "<title") {
		at++
	}
	_, rest, found := strings.Cut(head[at:], ">")
	if end := strings.IndexByte(rest, '<'); found && end > 0 {
		return text.Short(strings.Join(strings.Fields(html.UnescapeString(rest[:end])), " "), 100), true
	}
	return "", true
}

// begins says whether a text begins with a tag, in capitals or not.
func begins(s, tag string) bool { return len(s) >= len(tag) && strings.EqualFold(s[:len(tag)], tag) }
