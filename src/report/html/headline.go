package html

import (
	"fmt"

	"tordetect/src/detect"
	"tordetect/src/report"
	"tordetect/src/report/digest"
	"tordetect/src/text"
)

// headline says in a few words and sentences what was found, and what that means
// given what could be checked.
func (p *page) headline(d *digest.Digest) {
	flows, checked := p.Judged, p.Checked
	sure, possible := p.AtLeast(detect.VerdictLikely), p.Verdicts[detect.VerdictPossible]
	clients, sureClients, answered, reached := int64(0), 0, int64(0), int64(0)
	for _, h := range d.Clients {
		if h.Verdict >= detect.VerdictPossible {
			clients++
		}
		if h.Answered > 0 {
			answered++
		}
		if h.Verdict >= detect.VerdictLikely {
			sureClients++
		}
	}
	for _, h := range d.Reached {
		if h.Verdict >= detect.VerdictPossible {
			reached++
		}
	}
	naming := len(p.Naming)
	say := func(format string, args ...any) { p.Lead = append(p.Lead, fmt.Sprintf(format, args...)) }
	switch {
	case flows == 0:
		p.Sure, p.Headline = "unknown", "No flow was read"
		say("No flow could be read from %s, so this report says nothing about Tor.", text.Counted(p.Files, "file"))
		say("The section Coverage says what stood in the way.")
		return
	case sure > 0:
		p.Sure, p.Headline = "tor", "Tor was found"
		switch {
		case p.Verdicts[detect.VerdictTor] == 0:
			p.Sure, p.Headline = "likely", "Tor is likely"
		case sureClients == 0 && reached > 0:
			p.Headline = "Traffic from Tor was found, none to it"
		}
		say("Of %s, %s %s the verdict tor and %s likely.", countedWide(flows, "flow"), grouped(p.Verdicts[detect.VerdictTor]), singular(p.Verdicts[detect.VerdictTor], "has", "have"), grouped(p.Verdicts[detect.VerdictLikely]))
	case possible > 0:
		p.Sure, p.Headline = "possible", "Signs of Tor, none of them sure"
		say("Of %s, %s %s possibly Tor. Alone that is not enough to act on.", countedWide(flows, "flow"), grouped(possible), singular(possible, "is", "are"))
	case naming > 0:
		p.Sure, p.Headline = "possible", "Signs of Tor, none of them sure"
		say("Of %s, none went to a listed relay or came from a listed exit, as far as that could be checked: see Coverage.", countedWide(flows, "flow"))
	case checked == flows:
		p.Sure, p.Headline = "none", "No Tor was found"
		say("Of %s, none went to a listed relay or came from a listed exit; the relay list of the time was asked for each.", countedWide(flows, "flow"))
		say("What no list can show is named in the section Coverage.")
	case checked > 0:
		p.Sure, p.Headline = "unknown", "No Tor was found in what could be checked"
		say("The relay list of the time was asked for %s of %s, without a finding. The other %s %s not known to be clean.", grouped(checked), countedWide(flows, "flow"), grouped(flows-checked), singular(flows-checked, "is", "are"))
		say("The section Coverage says why, and what to do.")
	default:
		p.Sure, p.Headline = "unknown", "Nothing could be checked"
		say("Of %s, none could be checked against a relay list of its time. That nothing was found does not mean that there was no Tor.", countedWide(flows, "flow"))
		say("The section Coverage says why, and what to do.")
	}
	if clients > 0 {
		say("Outbound: %s%s contacted Tor or %s signs of it; %s%s got an answer.", moreThan(p.Clients.Left), countedWide(clients, "host"), singular(clients, "shows", "show"), moreThan(p.Clients.Left), grouped(answered))
	}
	if reached > 0 {
		say("Inbound: %s%s of yours %s contacted from Tor exits, which is ordinary for what is public.", moreThan(p.Reached.Left), countedWide(reached, "address and port", "addresses and ports"), singular(reached, "was", "were"))
	}
	for _, h := range p.Naming[:min(naming, fewNaming)] {
		say("%s.", report.Naming(h))
	}
	if more := naming - fewNaming; more > 0 {
		say("So did %s.", countedWide(int64(more), "more host"))
	}
	if p.Forgotten > 0 {
		say("But %s.", report.Forgotten(p.Forgotten))
	}
	if left := p.AtLeast(detect.VerdictPossible) - d.Flows; left > 0 {
		say("%s of these %s a score below %d (--min-score) and %s counted here alone.", countedWide(left, "flow"), singular(left, "has", "have"), p.Options.MinScore, singular(left, "is", "are"))
	}
	if open := flows - checked; open > 0 && sure+possible > 0 {
		say("%s could not be checked against a relay list of the time: see Coverage.", countedWide(open, "flow"))
	}
}

// fewNaming is how many hosts with made-up names the headline names.
const fewNaming = 5

// countedWide is counted with a blank between thousands, and with the plural where it
// takes more than an s.
func countedWide(n int64, what ...string) string {
	switch {
	case n == 1:
		return "1 " + what[0]
	case len(what) > 1:
		return grouped(n) + " " + what[1]
	}
	return grouped(n) + " " + what[0] + "s"
}

// moreThan stands before the number of hosts where some were not kept.
func moreThan(left int64) string {
	if left > 0 {
		return "more than "
	}
	return ""
}

func singular(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
