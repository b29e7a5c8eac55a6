package relaylist

import (
	"fmt"
	"strings"

	"tordetect/src/flow"
	"tordetect/src/text"
)

// maxNamed is how many listings a sentence names; the rows behind it have all.
const maxNamed = 3

// roleWords are what a listing was, to a person.
var roleWords = map[string]string{
	"or": "the OR port %s of the relay", "dir": "the Dir port %s of the relay", "exit": "an address that an exit leaves from,", "bridge": "a bridge that ships with Tor Browser, port %s,",
	"authority": "the OR port %s of the directory authority", "authority dir": "the Dir port %s of the directory authority",
}

// Sentence says what Lookup found, and what it means that it found nothing.
func Sentence(lines []Seen) string {
	one := lines[0]
	at := text.Time(one.At)
	switch one.Answer {
	case "not listed":
		return fmt.Sprintf("%s was not on the Tor list at %s.%s", one.Addr, at, nearest(lines[1:]))
	case "no list":
		return fmt.Sprintf("Whether %s was on the Tor list at %s is not known: no list of that time was read.%s", one.Addr, at, nearest(lines[1:]))
	}
	var were []string
	for _, l := range lines[:min(len(lines), maxNamed)] {
		were = append(were, l.words()+l.span())
	}
	if more := len(lines) - maxNamed; more > 0 {
		were = append(were, fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("%s was on the Tor list at %s: %s.", one.Addr, at, strings.Join(were, "; "))
}

// PortSentence says of what Lookup found what it means for a port of the address;
// empty where there is no port, or nothing was found of that time.
func PortSentence(lines []Seen, port uint16) string {
	if port == 0 || lines[0].Answer != answers[flow.Listed] {
		return ""
	}
	for _, l := range lines {
		if l.Port == port {
			return fmt.Sprintf("Port %d was its: who connected there at that time nearly surely used Tor.", port)
		}
	}
	return fmt.Sprintf("Port %d was none of its Tor ports: there it may be any service of the same machine.", port)
}

// nearest tells of the listing nearest in time.
func nearest(lines []Seen) string {
	if len(lines) == 0 {
		return ""
	}
	l := lines[0]
	return fmt.Sprintf(" The nearest listing is %s away: %s%s.", text.Age(l.Away), l.words(), l.span())
}

// words are what a listing was.
func (s *Seen) words() string {
	words := roleWords[s.Role]
	if strings.Contains(words, "%s") {
		words = fmt.Sprintf(words, fmt.Sprint(s.Port))
	}
	return strings.TrimRight(strings.TrimRight(words+" "+s.Nickname, " "), ",")
}

// span is the time of a listing; what the program knows without a list has none.
func (s *Seen) span() string {
	if s.First == 0 && s.Last == 0 {
		return ""
	}
	return ", listed from " + text.Time(s.First) + " to " + text.Time(s.Last)
}
