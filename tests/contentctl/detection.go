package contentctl

import (
	"regexp"
	"slices"
	"strings"
)

// The house rules of ESCU that our searches do not keep, and what is added for each:
//
//   - the SPL calls a macro named after the search: one is called behind ours;
//   - each field of the risk message, of the risk objects and of suppression stands in the SPL: those that come
//     from tordetect or a macro are named in a comment;
//   - there are two drilldowns at least, and one of them is the search itself;
//   - there is data to test with, or a word why not.
const (
	whatItFound = "What the search itself found"
	whoElse     = "Risk of the last seven days"
	itself      = "%original_detection_search%"
	noTestData  = "Played by the tests of the app."
)

// risk is an element of action.risk.param._risk: of a risk object or a threat object.
type risk struct {
	ObjectField string `json:"risk_object_field"`
	ObjectType  string `json:"risk_object_type"`
	Score       int    `json:"risk_score"`
	ThreatField string `json:"threat_object_field"`
	ThreatType  string `json:"threat_object_type"`
}

// detection writes a search of ours.
func (p *project) detection(name string) {
	get := func(key string) (string, bool) { return p.from.Searches.Get(name, key) }
	text := func(key string) string { return p.text(p.from.Searches, name, key) }
	var annotations struct {
		Story  []string `json:"analytic_story"`
		Source []string `json:"data_source"`
		Attack []string `json:"mitre_attack"`
		Type   string   `json:"type"`
	}
	p.json(text("action.correlationsearch.annotations"), &annotations)
	var metadata struct {
		ID      string `json:"detection_id"`
		Version string `json:"detection_version"`
	}
	p.json(text("action.correlationsearch.metadata"), &metadata)
	var product []string
	p.json(text("action.escu.product"), &product)

	p.stubs(annotations.Story, annotations.Source, text("search"))
	message, suppressed := text("action.risk.param._risk_message"), strings.Split(text("alert.suppress.fields"), ",")
	var risks []risk
	p.json(text("action.risk.param._risk"), &risks)

	detection := p.content("detections", name, text("description"))
	detection["id"], detection["version"] = metadata.ID, p.number(metadata.Version)
	detection["date"], detection["type"] = text("action.escu.modification_date"), annotations.Type
	detection["data_source"] = annotations.Source
	detection["search"] = p.keepRules(name, text("search"), fieldsOf(message, suppressed, risks))
	detection["explanation"] = text("action.escu.eli5")
	detection["how_to_implement"] = text("action.escu.how_to_implement")
	detection["known_false_positives"] = text("action.escu.known_false_positives")
	detection["drilldown_searches"] = p.drilldowns(get)
	detection["rba"] = rba(message, risks)

	domain, notable := "network", object(nil)
	if _, ok := get("action.notable"); ok {
		domain = text("action.notable.param.security_domain")
		notable = object{
			"rule_title": text("action.notable.param.rule_title"), "rule_description": text("action.notable.param.rule_description"),
			"nes_fields": strings.Split(text("action.notable.param.nes_fields"), ","),
		}
	}
	detection["tags"] = object{
		"analytic_story": annotations.Story, "asset_type": p.text(p.from.Stories, searchStanza+name, "asset_type"),
		"mitre_attack_id": annotations.Attack, "product": product, "security_domain": domain, "manual_test": noTestData,
		"throttling": object{"fields": suppressed, "period": text("alert.suppress.period")},
	}
	actions := object{"rba": object{"enabled": true}}
	if notable != nil {
		actions["notable"] = notable
	}
	detection["deployment"] = object{
		"alert_action": actions,
		"scheduling": object{
			"cron_schedule": text("cron_schedule"), "schedule_window": text("schedule_window"),
			"earliest_time": text("dispatch.earliest_time"), "latest_time": text("dispatch.latest_time"),
		},
	}
	p.yaml(file("detections/network", name), detection)
}

var token = regexp.MustCompile(`\$([^\s.$]+)\$`)

// fieldsOf are the fields that have to stand in the SPL.
func fieldsOf(message string, suppressed []string, risks []risk) []string {
	fields := slices.Clone(suppressed)
	for _, found := range token.FindAllStringSubmatch(message, -1) {
		fields = append(fields, found[1])
	}
	for _, r := range risks {
		fields = append(fields, r.ObjectField+r.ThreatField)
	}
	return fields
}

// keepRules adds to the SPL what the house rules ask for.
func (p *project) keepRules(name, spl string, fields []string) string {
	house := ""
	if filter := "`" + strings.TrimPrefix(file("", name), "/") + "_filter`"; !strings.Contains(spl, filter) {
		house = " | " + filter
	}
	var missing []string
	for _, field := range fields {
		if !strings.Contains(spl, field) && !slices.Contains(missing, field) {
			missing = append(missing, field)
		}
	}
	if missing != nil {
		house += " ```" + strings.Join(missing, " ") + "```"
	}
	p.added[name] = house
	return spl + house
}

func (p *project) drilldowns(get func(string) (string, bool)) []map[string]string {
	var all []map[string]string
	if ours, ok := get("action.notable.param.drilldown_searches"); ok {
		p.json(ours, &all)
	}
	add := func(name, search string) {
		all = append(all, map[string]string{
			"name": name, "search": search, "earliest_offset": "$info_min_time$", "latest_offset": "$info_max_time$",
		})
	}
	add(whatItFound, itself)
	if len(all) < 2 {
		add(whoElse, "| from datamodel Risk.All_Risk")
	}
	return all
}

func rba(message string, risks []risk) object {
	objects, threats := []object{}, []object{}
	for _, r := range risks {
		if r.ThreatField != "" {
			threats = append(threats, object{"field": r.ThreatField, "type": r.ThreatType})
			continue
		}
		objects = append(objects, object{"field": r.ObjectField, "type": r.ObjectType, "score": r.Score})
	}
	return object{"message": message, "risk_objects": objects, "threat_objects": threats}
}
