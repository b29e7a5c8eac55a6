package detect_test

import (
	"flag"
	"math/rand"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"tordetect/src/detect"
	"tordetect/src/flow"
)

// TestMain draws more than rapid's 100 flows a property, which miss rules that
// three sightings break together. The seed that it prints is enough to see a
// failure again, so it leaves no files behind.
func TestMain(m *testing.M) {
	flag.Parse()
	for name, value := range map[string]string{"rapid.checks": "5000", "rapid.nofailfile": "true"} {
		f := flag.Lookup(name)
		if f.Value.String() != f.DefValue {
			continue
		}
		if err := f.Value.Set(value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// anyFlow draws flows as the command makes them: few addresses and ports, so
// that listings meet, and sightings that fit together.
var anyFlow = rapid.Custom(func(t *rapid.T) flow.Flow {
	f := flow.Flow{
		Source:      flow.End{Addr: anyAddr.Draw(t, "source"), Port: anyPort.Draw(t, "source port")},
		Destination: flow.End{Addr: anyAddr.Draw(t, "destination"), Port: anyPort.Draw(t, "destination port")},
		Transport:   rapid.SampledFrom([]flow.Transport{flow.TCP, flow.TCP, flow.TransportUnknown, flow.NotTCP}).Draw(t, "transport"),
		Label:       rapid.SampledFrom([]flow.Label{flow.LabelNone, flow.LabelOther, flow.LabelTor2web, flow.LabelTor}).Draw(t, "label"),
		State:       rapid.SampledFrom([]flow.State{flow.StateUnknown, flow.Established, flow.Attempt, flow.Blocked}).Draw(t, "state"),
		Coverage:    rapid.SampledFrom([]flow.Coverage{flow.CoverageFull, flow.CoverageFull, flow.CoverageGap, flow.CoverageStale, flow.CoverageBefore, flow.CoverageNone}).Draw(t, "coverage"),
		Undated:     rapid.Bool().Draw(t, "undated"),
		NewestList:  rapid.SampledFrom([]int64{0, noon}).Draw(t, "newest"),
	}
	for range rapid.IntRange(0, 6).Draw(t, "sightings") {
		f.Sightings = append(f.Sightings, drawSighting(t, &f))
	}
	if rapid.IntRange(0, 2).Draw(t, "shown") == 0 {
		f.Hello, f.Onion = drawHello(t), drawOnion(t)
	}
	return f
})

// drawHello draws what a client may show; what is made up has the form, too.
func drawHello(t *rapid.T) flow.Hello {
	h := flow.Hello{
		Name:   []byte(rapid.SampledFrom([]string{"", "www.cdxjgg3hvpu33.com", "www.example.com", "x.\n"}).Draw(t, "TLS name")),
		JA4:    rapid.Bool().Draw(t, "JA4"),
		JA3:    rapid.Bool().Draw(t, "JA3"),
		MadeUp: rapid.Bool().Draw(t, "made up"),

		JA3Shared: rapid.Bool().Draw(t, "JA3 shared"), JA3Other: rapid.Bool().Draw(t, "JA3 other"),
		Groups: rapid.Bool().Draw(t, "groups"), Ciphers: rapid.Bool().Draw(t, "ciphers"),
		Snowflake: rapid.Bool().Draw(t, "Snowflake"), Certificate: rapid.Bool().Draw(t, "certificate"),
	}
	h.Form = h.MadeUp || rapid.Bool().Draw(t, "form")
	h.Foreign = !h.Form && rapid.Bool().Draw(t, "foreign")
	return h
}

func drawOnion(t *rapid.T) flow.Onion {
	return flow.Onion{
		Kind:  rapid.SampledFrom([]flow.OnionKind{flow.NoOnion, flow.OnionGateway, flow.OnionService}).Draw(t, "onion"),
		Where: rapid.SampledFrom([]flow.Where{flow.InDNS, flow.InURL, flow.InTLS}).Draw(t, "where"),
		Name:  []byte(rapid.SampledFrom([]string{"", "abcdefghij234567.onion.", "a..onion", strings.Repeat("a", 74) + ".onion"}).Draw(t, "onion name")),
	}
}

var (
	anyAddr = rapid.SampledFrom([]netip.Addr{
		netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("198.51.100.8"), netip.MustParseAddr("2001:db8::7"), {},
	})
	anyPort = rapid.SampledFrom([]uint16{0, 443, 9001, 9030, 50000})
	anyAway = rapid.OneOf(rapid.SampledFrom([]int64{0, 1, 7 * day, 7*day + 1}), rapid.Int64Range(0, 500*day))
)

// drawSighting draws what the list says of one end of the flow, or of another
// address of the same cell.
func drawSighting(t *rapid.T, f *flow.Flow) flow.Sighting {
	s := flow.Sighting{
		Side:        rapid.SampledFrom([]flow.Side{flow.Source, flow.Destination}).Draw(t, "side"),
		Kind:        rapid.SampledFrom([]flow.Kind{flow.ORPort, flow.ORPort, flow.DirPort, flow.ExitAddress, flow.Bridge, flow.Authority, flow.AuthorityDir}).Draw(t, "kind"),
		Ports:       rapid.IntRange(0, 4).Draw(t, "lists") == 0,
		Flags:       flow.Flags(rapid.IntRange(0, 15).Draw(t, "flags")),
		Nickname:    rapid.SampledFrom([]string{"anna", "bob", "carl", "", "two words", "x.\ny"}).Draw(t, "nickname"),
		Fingerprint: rapid.SampledFrom([]string{fingerprint("anna"), fingerprint("bob"), fingerprint("carl"), ""}).Draw(t, "fingerprint"),
		Elsewhere:   rapid.Bool().Draw(t, "elsewhere"),
		First:       morning - rapid.Int64Range(0, 2).Draw(t, "first"),
		Last:        noon,
	}
	e := f.Source
	if s.Side == flow.Destination {
		e = f.Destination
	}
	s.Addr, s.Port = e.Addr, e.Port
	if rapid.IntRange(0, 4).Draw(t, "other address") == 0 || !s.Addr.IsValid() {
		s.Addr = netip.MustParseAddr("198.51.100.9")
	}
	if s.Kind != flow.ExitAddress {
		s.ListedPort = rapid.SampledFrom([]uint16{443, 9001, 9030, 50000}).Draw(t, "listed port")
	}
	if !s.BuiltIn() {
		s.When = rapid.SampledFrom([]flow.When{flow.Listed, flow.Spanned, flow.Recent, flow.Stale, flow.Later, flow.Earlier}).Draw(t, "when")
		if s.When >= flow.Recent {
			s.Away = anyAway.Draw(t, "away")
		}
	}
	return s
}

// house makes some sighting one of the site's own.
func house(t *rapid.T, f *flow.Flow) {
	if len(f.Sightings) > 0 && rapid.IntRange(0, 3).Draw(t, "hosted") == 0 {
		f.Sightings[rapid.IntRange(0, len(f.Sightings)-1).Draw(t, "which")].Internal = true
	}
}

func scoreOf(f flow.Flow) int {
	var judge detect.Judge
	return judge.Judge(&f).Score
}

// turns reports whether a listing makes an answer of a flow that seemed to come from
// its address: such a flow is the client's, whatever else the address is.
func turns(f *flow.Flow, s *flow.Sighting) bool {
	return s.Side == flow.Source && s.Kind != flow.ExitAddress && s.ListedPort == f.Source.Port
}

// More evidence never lowers the score, except that a relay of the site's own
// is never a finding, and that an answer is no visitor.
func TestMoreEvidenceNeverLowersTheScore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyFlow.Draw(t, "flow")
		more := f
		s := drawSighting(t, &f)
		if turns(&f, &s) {
			return
		}
		more.Sightings = append(slices.Clone(f.Sightings), s)
		require.GreaterOrEqual(t, scoreOf(more), scoreOf(f))
	})
}

func TestStrongerLabelNeverLowersTheScore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyFlow.Draw(t, "flow")
		last := 0
		for _, l := range []flow.Label{flow.LabelNone, flow.LabelOther, flow.LabelTor2web, flow.LabelTor} {
			f.Label = l
			score := scoreOf(f)
			require.GreaterOrEqual(t, score, last)
			last = score
		}
	})
}

// Names that a client shows never lower the score, more of them neither.
func TestMoreNamesNeverLowerTheScore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyFlow.Draw(t, "flow")
		house(t, &f)
		f.Hello, f.Onion = flow.Hello{}, flow.Onion{}
		before := scoreOf(f)
		step := func(add func()) {
			add()
			score := scoreOf(f)
			require.GreaterOrEqual(t, score, before)
			before = score
		}
		steps := []func(){
			func() { f.Hello.JA4 = true }, func() { f.Hello.JA3 = true }, func() { f.Hello.Form = true },
			func() { f.Hello.Form, f.Hello.MadeUp = true, true }, func() { f.Onion.Kind = flow.OnionService },
			func() { f.Hello.Groups = true }, func() { f.Hello.Ciphers = true }, func() { f.Hello.Certificate = true }, func() { f.Hello.Snowflake = true },
		}
		for _, i := range rapid.Permutation([]int{0, 1, 2, 3, 4, 5, 6, 7, 8}).Draw(t, "order") {
			step(steps[i])
		}
	})
}

// What weakens a fingerprint never raises the score: a name that Tor does not make up,
// a JA3 of another program, a JA3 that holds nothing of Tor's own.
func TestDoubtNeverRaisesTheScore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyFlow.Draw(t, "flow")
		house(t, &f)
		f.Hello = drawHello(t)
		f.Hello.JA3Shared, f.Hello.JA3Other, f.Hello.Foreign = false, false, false
		before := scoreOf(f)
		shared, other, foreign := f, f, f
		shared.Hello.JA3Shared, other.Hello.JA3Other = true, true
		foreign.Hello.Foreign = !f.Hello.Form
		for _, weaker := range []flow.Flow{shared, other, foreign} {
			require.LessOrEqual(t, scoreOf(weaker), before)
		}
	})
}

// Of the names only the strongest counts: taking the others away changes no
// score.
func TestStrongestNameCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyFlow.Draw(t, "flow")
		f.Hello, f.Onion = drawHello(t), drawOnion(t)
		all := scoreOf(f)
		hello, onion := f, f
		hello.Onion = flow.Onion{}
		onion.Hello = flow.Hello{}
		require.Equal(t, max(scoreOf(hello), scoreOf(onion)), all)
	})
}

// A made-up name alone is never more than none, whatever else is not known of
// the row, and one of Tor's form is nothing.
func TestMadeUpNameAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyFlow.Draw(t, "flow")
		f.Sightings, f.Label, f.Onion = nil, flow.LabelNone, flow.Onion{}
		f.Hello = flow.Hello{Name: f.Hello.Name, Form: f.Hello.Form, Foreign: f.Hello.Foreign, MadeUp: f.Hello.MadeUp, Snowflake: f.Hello.Snowflake}
		var judge detect.Judge
		found := judge.Judge(&f)
		require.LessOrEqual(t, found.Verdict, detect.VerdictUnknown)
		if !f.Hello.MadeUp {
			require.Zero(t, found.Score)
		}
	})
}

// A fresher listing never scores below a staler one, and a listing of the row's
// own time below none.
func TestFresherNeverLowersTheScore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyFlow.Draw(t, "flow")
		for i := range f.Sightings {
			s := &f.Sightings[i]
			if s.BuiltIn() || turns(&f, s) {
				continue
			}
			before := scoreOf(f)
			if s.When == flow.Stale && s.Away > 0 {
				s.Away = rapid.Int64Range(0, s.Away).Draw(t, "nearer")
			} else {
				s.When, s.Away = flow.Listed, 0
			}
			require.GreaterOrEqual(t, scoreOf(f), before)
		}
	})
}

// An answer never lowers the score either: what was answered is no less Tor.
func TestAnswerNeverLowersTheScore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyFlow.Draw(t, "flow")
		before := scoreOf(f)
		f.State = flow.Established
		require.GreaterOrEqual(t, scoreOf(f), before)
	})
}

// The order of the sightings, and one that is there twice, change nothing.
func TestOrderOfSightingsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyFlow.Draw(t, "flow")
		house(t, &f)
		var a, b detect.Judge
		one := a.Judge(&f)
		other := f
		other.Sightings = slices.Clone(f.Sightings)
		rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed"))).Shuffle(len(other.Sightings), func(i, k int) {
			other.Sightings[i], other.Sightings[k] = other.Sightings[k], other.Sightings[i]
		})
		if n := len(other.Sightings); n > 0 && rapid.Bool().Draw(t, "twice") {
			other.Sightings = append(other.Sightings, other.Sightings[rapid.IntRange(0, n-1).Draw(t, "again")])
		}
		two := b.Judge(&other)
		require.Equal(t, summary(one), summary(two))
		require.Equal(t, string(one.Reason), string(two.Reason))
		require.Equal(t, one.Evidence, two.Evidence)
		require.Equal(t, one.Relays, two.Relays)     // what they point at
		require.Equal(t, one.Deciding, two.Deciding) // likewise
	})
}

// The parts of a finding fit together.
func TestFindingsAreWhole(t *testing.T) {
	var judge detect.Judge
	rapid.Check(t, func(t *rapid.T) {
		f := anyFlow.Draw(t, "flow")
		house(t, &f)
		found := judge.Judge(&f)

		require.GreaterOrEqual(t, found.Score, 0)
		require.LessOrEqual(t, found.Score, 99)
		band := detect.VerdictTor
		switch {
		case found.Score < 20 && f.Coverage == flow.CoverageFull:
			band = detect.VerdictNone
		case found.Score < 20:
			band = detect.VerdictUnknown
		case found.Score < 50:
			band = detect.VerdictPossible
		case found.Score < 80:
			band = detect.VerdictLikely
		}
		require.Equal(t, band, found.Verdict)
		require.Equal(t, f.State, found.State)

		// Evidence: strongest first, each once, none without a name.
		names := map[string]bool{}
		weight, hosted := 0.0, false
		for i, e := range found.Evidence {
			require.Contains(t, detect.Names(), e.Name())
			require.False(t, names[e.Name()], "%s twice", e.Name())
			names[e.Name()] = true
			weight = max(weight, e.Weight)
			hosted = hosted || strings.HasPrefix(e.Name(), "hosted_relay")
			if i > 0 {
				require.LessOrEqual(t, e.Weight, found.Evidence[i-1].Weight)
			}
		}
		require.Equal(t, f.Transport == flow.NotTCP, names["not_tcp"])

		// A direction stands for weight, or for a relay of the site's own.
		require.Equal(t, hosted, found.Direction == detect.Relay)
		if hosted {
			require.Zero(t, found.Score)
		} else {
			require.Equal(t, weight > 0, found.Direction != detect.DirectionNone)
		}

		// A role stands for a listing, which is one of those named.
		require.Equal(t, found.Deciding == nil, found.Role == detect.RoleNone)
		require.Equal(t, found.Deciding == nil, len(found.Relays) == 0)
		if found.Deciding != nil {
			require.True(t, slices.ContainsFunc(found.Relays, func(s *flow.Sighting) bool { return s == found.Deciding }))
			require.Less(t, found.Deciding.When, flow.Later)
			require.NotEqual(t, flow.NotTCP, f.Transport)
		}
		for i, s := range found.Relays {
			if i > 0 {
				require.Less(t, found.Relays[i-1].Fingerprint, s.Fingerprint)
			}
		}
		requireSentence(t, string(found.Reason))
		if found.Score > 0 {
			require.NotEmpty(t, found.Reason)
		}
	})
}

var (
	beginning = regexp.MustCompile(`^([A-Z]|\[?[0-9a-f]*[.:])`)
	dotted    = regexp.MustCompile(`[0-9A-Za-z_-]*(\.[0-9A-Za-z_-]+)+`) // addresses and names
)

// requireSentence holds text to be empty or one sentence that can stand in a
// ticket.
func requireSentence(t require.TestingT, text string) {
	if text == "" {
		return
	}
	require.Regexp(t, beginning, text)
	require.True(t, strings.HasSuffix(text, "."), text)
	require.NotContains(t, text, "  ")
	require.NotContains(t, text, " ,")
	require.NotContains(t, text, " ;")
	require.NotContains(t, text, "invalid IP")
	require.Equal(t, 1, strings.Count(dotted.ReplaceAllString(text, "name"), "."), text)
	require.Less(t, len(text), 800) // with long addresses and all that can weaken it at once
	for i := range len(text) {
		require.True(t, ' ' <= text[i] && text[i] <= '~', "%q", text)
	}
}

// Whatever a flow holds, the judge answers, with a sentence or none.
func TestArbitraryFlows(t *testing.T) {
	var judge detect.Judge
	addr := rapid.Custom(func(t *rapid.T) netip.Addr {
		a, _ := netip.AddrFromSlice(rapid.SliceOfN(rapid.Byte(), 0, 16).Draw(t, "bytes"))
		return a
	})
	rapid.Check(t, func(t *rapid.T) {
		f := flow.Flow{
			Source:      flow.End{Addr: addr.Draw(t, "source"), Port: rapid.Uint16().Draw(t, "source port")},
			Destination: flow.End{Addr: addr.Draw(t, "destination"), Port: rapid.Uint16().Draw(t, "destination port")},
			Transport:   flow.Transport(rapid.IntRange(0, 2).Draw(t, "transport")),
			Label:       flow.Label(rapid.IntRange(0, 3).Draw(t, "label")),
			State:       flow.State(rapid.IntRange(0, 3).Draw(t, "state")),
			Coverage:    flow.Coverage(rapid.IntRange(0, 4).Draw(t, "coverage")),
			NewestList:  rapid.Int64Range(0, 253402300799).Draw(t, "newest"),
			OldestList:  rapid.Int64Range(0, 253402300799).Draw(t, "oldest"),
			Hello: flow.Hello{
				Name: rapid.SliceOf(rapid.Byte()).Draw(t, "TLS name"),
				Form: rapid.Bool().Draw(t, "form"), MadeUp: rapid.Bool().Draw(t, "made up"), JA4: rapid.Bool().Draw(t, "JA4"), JA3: rapid.Bool().Draw(t, "JA3"),
				Foreign: rapid.Bool().Draw(t, "foreign"), JA3Shared: rapid.Bool().Draw(t, "JA3 shared"), JA3Other: rapid.Bool().Draw(t, "JA3 other"), Groups: rapid.Bool().Draw(t, "groups"),
				Ciphers: rapid.Bool().Draw(t, "ciphers"), Snowflake: rapid.Bool().Draw(t, "Snowflake"), Certificate: rapid.Bool().Draw(t, "certificate"),
			},
			Onion: flow.Onion{
				Kind: flow.OnionKind(rapid.IntRange(0, 2).Draw(t, "onion")), Where: flow.Where(rapid.IntRange(0, 2).Draw(t, "where")),
				Name: rapid.SliceOf(rapid.Byte()).Draw(t, "onion name"),
			},
		}
		for range rapid.IntRange(0, 20).Draw(t, "sightings") {
			f.Sightings = append(f.Sightings, flow.Sighting{
				Side:       flow.Side(rapid.IntRange(0, 1).Draw(t, "side")),
				Addr:       addr.Draw(t, "address"),
				Port:       rapid.Uint16().Draw(t, "port"),
				ListedPort: rapid.Uint16().Draw(t, "listed"),
				Ports:      rapid.Bool().Draw(t, "ports"), Internal: rapid.Bool().Draw(t, "internal"), Elsewhere: rapid.Bool().Draw(t, "elsewhere"),
				Kind:  flow.Kind(rapid.IntRange(0, 5).Draw(t, "kind")),
				When:  flow.When(rapid.IntRange(0, 5).Draw(t, "when")),
				Away:  rapid.Int64().Draw(t, "away"),
				Flags: flow.Flags(rapid.Byte().Draw(t, "flags")),
				First: rapid.Int64().Draw(t, "first"), Last: rapid.Int64().Draw(t, "last"),
				Fingerprint: rapid.String().Draw(t, "fingerprint"), Nickname: rapid.String().Draw(t, "nickname"),
			})
		}
		found := judge.Judge(&f)
		require.GreaterOrEqual(t, found.Score, 0)
		require.LessOrEqual(t, found.Score, 99)
		requireSentence(t, string(found.Reason))
	})
}
