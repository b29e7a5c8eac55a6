package splunkd

// builtin is one of Splunk's own commands, as far as it is played.
type builtin struct {
	generating bool // must come first
	streaming  bool // works row by row, so it runs on the indexers behind an event search
	compile    func(s *search, text string) (operator, error)
}

// builtins are the commands that are played. Any other name has to be a custom command of the app, or the search fails.
// (A function, as append compiles a search of its own and so refers back to it.)
func builtins() map[string]builtin {
	return map[string]builtin{
		"tstats":       {generating: true, compile: compileTstats},
		"makeresults":  {generating: true, compile: compileMakeresults},
		"rest":         {generating: true, compile: compileRest},
		"inputlookup":  {generating: true, compile: compileInputlookup},
		"outputlookup": {compile: compileOutputlookup},
		"search":       {streaming: true, compile: overRows(compileSearch)},
		"where":        {streaming: true, compile: overRows(compileWhere)},
		"eval":         {streaming: true, compile: overRows(compileEval)},
		"rename":       {streaming: true, compile: overRows(compileRename)},
		"convert":      {streaming: true, compile: overRows(compileConvert)},
		"fields":       {streaming: true, compile: overRows(compileFields)},
		"fillnull":     {streaming: true, compile: overRows(compileFillnull)},
		"bin":          {streaming: true, compile: overRows(compileBin)},
		"mvexpand":     {streaming: true, compile: overRows(compileMvexpand)},
		"addinfo":      {streaming: true, compile: compileAddinfo},
		"return":       {compile: compileReturn},
		"localop":      {compile: overRows(compileNothing)},
		"stats":        {compile: overRows(compileStats)},
		"eventstats":   {compile: overRows(compileEventstats)},
		"timechart":    {compile: overRows(compileTimechart)},
		"sort":         {compile: overRows(compileSort)},
		"table":        {compile: overRows(compileTable)},
		"head":         {compile: overRows(compileHead)},
		"dedup":        {compile: overRows(compileDedup)},
		"append":       {compile: compileAppend},
	}
}

// overRows makes a builtin's compile of a command that needs nothing but rows and a context.
func overRows(compile func(c *evalContext, text string) (operator, error)) func(s *search, text string) (operator, error) {
	return func(s *search, text string) (operator, error) { return compile(s.context, text) }
}
