package splunkd

import "tordetect/tests/splunkd/spl"

// builtin is one of Splunk's own commands, as far as it is played.
type builtin struct {
	generating bool // must come first
	streaming  bool // works row by row, so it runs on the indexers behind an event search
	compile    func(s *search, text string) (spl.Operator, error)
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
		"search":       {streaming: true, compile: overRows(spl.CompileSearch)},
		"where":        {streaming: true, compile: overRows(spl.CompileWhere)},
		"eval":         {streaming: true, compile: overRows(spl.CompileEval)},
		"rename":       {streaming: true, compile: overRows(spl.CompileRename)},
		"convert":      {streaming: true, compile: overRows(spl.CompileConvert)},
		"fields":       {streaming: true, compile: overRows(spl.CompileFields)},
		"fillnull":     {streaming: true, compile: overRows(spl.CompileFillnull)},
		"bin":          {streaming: true, compile: overRows(spl.CompileBin)},
		"mvexpand":     {streaming: true, compile: overRows(spl.CompileMvexpand)},
		"addinfo":      {streaming: true, compile: compileAddinfo},
		"return":       {compile: compileReturn},
		"localop":      {compile: overRows(spl.CompileNothing)},
		"stats":        {compile: overRows(spl.CompileStats)},
		"eventstats":   {compile: overRows(spl.CompileEventstats)},
		"streamstats":  {compile: overRows(spl.CompileStreamstats)},
		"timechart":    {compile: overRows(spl.CompileTimechart)},
		"sort":         {compile: overRows(spl.CompileSort)},
		"table":        {compile: overRows(spl.CompileTable)},
		"head":         {compile: overRows(spl.CompileHead)},
		"dedup":        {compile: overRows(spl.CompileDedup)},
		"append":       {compile: compileAppend},
		"appendpipe":   {compile: compileAppendpipe},
	}
}

// overRows makes a builtin's compile of a command that needs nothing but rows and a context.
func overRows(compile func(c *spl.Context, text string) (spl.Operator, error)) func(s *search, text string) (spl.Operator, error) {
	return func(s *search, text string) (spl.Operator, error) { return compile(s.context, text) }
}
