// Package splunkd plays Splunk for tests and the demo, as far as this app can tell the difference.
//
// It installs the packaged app, reads the app's own conf files, expands its macros, runs its searches over firewall log
// lines, and starts the search command as splunkd does:
//
//	app, err := splunkd.Install("dist/tordetect-0.1.0.tgz", dir)
//	head := &splunkd.Head{App: app, Now: now, Indexers: 2, ChunkRows: 7}
//	_, err = head.AddLog(log)
//	result, err := head.RunSaved("TOR Traffic")
//	result.Rows[0].Get("tor_verdict")
//
// A search goes through these files, in this order:
//
//	conf.go       default/*.conf and local/*.conf
//	macros.go     `name(args)` to SPL
//	spl/          SPL to commands, expressions, and the commands over rows: a package of its own
//	search.go     the plan: what runs where; event searches; peers.go copies the app to the indexers
//	builtins.go   the commands that are played; tstats.go, models.go, events.go, lookup.go where rows come from
//	window.go     earliest= and latest= inside a search, addinfo, subsearches
//	rest.go       which saved searches are enabled, what jobs had to say
//	custom.go     a custom command: probes, chunks, selected fields; wire/ the bytes and the pipes: a package of its own
//	result.go     the table as text, and what a search had to read
//
// Days of searches are played by four more: cron.go and schedule.go say when a saved search runs and over which window,
// alert.go what of its results triggers actions, schedulerlog.go what is logged of it. [Head.SummaryLag] lets events come
// late. What a site may lack (data models, acceleration, indexes that may be searched, REST) are fields of [Head].
//
// Two kinds of failure are kept apart. A [*SearchError] is what a user of Splunk would see. A [*wire.ProtocolError] is a
// command that broke the protocol, or our own stricter rules, and always a bug: splunkd might overlook it.
//
// # What is proved, and what is only supposed
//
// recorded_test.go and wire/wire_test.go pin to bytes recorded from splunkd 8.2.1 (and 6.3): the getinfo request, how
// arguments are cut, quoting, column order, lists, execute requests of streaming, stateful, events, reporting and
// generating commands.
//
// Not recorded, so only supposed:
//   - how many probes there are and what sid and dispatch directory they have (three here);
//   - chunk sizes, columns that change from chunk to chunk, an index that goes on counting from chunk to chunk;
//   - `-`, `.` and `~` bare in searchinfo.search; the text of a peer's search; the form of a remote sid;
//   - the order of columns of an event search in all-fields mode; which fields survive with nothing downstream;
//   - that tstats compares without case, matches address ranges in IN and writes _time without fraction;
//   - the order of groups in stats, of rows without value in sort, of equal rows; how numbers with fractions are written;
//   - the words of most error messages;
//   - environment and working directory of commands, and that splunkd starts a shell launcher at all;
//   - the data models: the add-on's fields of 2020, and without Head.SummaryLag every event is in the summaries; of
//     events that are no firewall logs, that an add-on extracts the fields that the test gave;
//   - that timechart begins and ends with the search's time, also behind another search's result;
//   - that a search over another one's result expands macros (Head.PostProcess), and the values of splunk_server;
//   - append: the columns of both, its rows last; that its search keeps the window of the outer one; that an error of its
//     run leaves out its rows, and one of its text fails the whole search;
//   - rest: the columns of saved/searches and search/jobs, as public apps read them; that messages of jobs are in
//     messages.warn; that a search which the scheduler leaves out has no next_scheduled_time;
//   - that one index anywhere in an event search is enough for it not to look at the default ones;
//   - the bundle: which conf files beside commands.conf, whether patterns match whole paths, a push before every search;
//   - indexers that are late or gone (Head.Late): that a search goes on without them after distsearch.conf's receiveTimeout,
//     with a warning of the job; the ends of its sentences; that dispatch.allow_partial_results = 0 makes both an error; that
//     an event always lies on one indexer (in a cluster another one has a copy); an indexer that is Behind judges by the
//     bundle before (bestEffortSearch and what a peer without any bundle does are not played).
//
// Of the scheduler nothing was recorded. It follows the words of savedsearches.conf.spec and limits.conf.spec; only
// supposed are:
//   - that a delayed run keeps the window of its scheduled time, that now() and offsets inside its search count from its
//     start, and how long schedule_window = auto is;
//   - that runs of a continuous schedule that the scheduler missed are made up for a day, and those that failed never;
//   - that an accelerated summary has an event five minutes after its _indextime, and never loses one;
//   - what suppression by fields does in digest mode (Alerts has both readings), that a suppressed result does not prolong
//     the suppression, that a field without value counts as one, and that results which a limit cut off are not remembered;
//   - how long an action takes;
//   - the line that is logged where max_per_result_alerts cut, that a run which is lost logs nothing, and one over too few
//     indexers no more than its job's message;
//   - that a group of suppression silences all results of its searches;
//   - that inline bounds replace the search's window, and getinfo goes on having the window of the run;
//   - that an eval-based macro is evaluated when the run starts; that NOT ( ), of a subsearch without rows, matches nothing.
//
// Not played: real-time, map, reporting with streaming_preop, protocol 1, permissions, quotas
// and the skips that they cause, alert actions themselves, the limits of time of subsearches, KV store, any command that our searches do not use.
package splunkd
