package relaylist

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"

	"tordetect/src/dirclient"
	"tordetect/src/tordir"
)

// file is one file with documents.
type file struct {
	name      string // one for each file
	again     bool   // it can be read a second time, as a pipe cannot
	documents iter.Seq2[tordir.Document, error]
}

// take takes in the documents of files, in any order: a consensus that comes
// before its certificates is read a second time, and from a pipe kept meanwhile.
// The verdicts, in the order of the documents, are added to the result.
//
// Files are read one by one, twice where something in them waits, as an archive
// with the lists of a month is larger than memory should be.
func (im *importer) take(ctx context.Context, files iter.Seq[file]) error {
	type kept struct {
		doc tordir.Document
		at  int // its verdict
	}
	var fromPipes []kept
	waiting := map[string]map[int]int{} // of each file: number of a document -> its verdict
	for f := range files {
		number := 0
		for doc, err := range f.documents {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			v := Verdict{Name: doc.Name, Kind: tordir.KindUnknown, err: err}
			if err != nil {
				v.Reason = sentence(err)
				im.held.broken(doc)
			} else {
				v = im.add(doc)
			}
			at := len(im.out.Verdicts)
			switch {
			case !v.pending():
			case f.again:
				if waiting[f.name] == nil {
					waiting[f.name] = map[int]int{}
				}
				waiting[f.name][number] = at
			case len(fromPipes) < maxKept:
				fromPipes = append(fromPipes, kept{doc, at})
			default:
				v.Reason += " It came through a pipe, before its certificates, behind too many others to be kept: name the certificates first."
			}
			im.out.Verdicts = append(im.out.Verdicts, v)
			number++
		}
		im.settle()
	}
	for _, k := range fromPipes {
		im.out.Verdicts[k.at] = im.add(k.doc)
	}
	if len(waiting) == 0 || len(im.certificates) == 0 {
		return nil
	}
	for f := range files {
		if waiting[f.name] == nil {
			continue
		}
		number := 0
		for doc, err := range f.documents { // what cannot be read was told of in the first pass
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if at, waits := waiting[f.name][number]; waits && err == nil {
				im.out.Verdicts[at] = im.add(doc)
			}
			number++
		}
	}
	return nil
}

// maxKept bounds the consensuses of pipes that are kept until their certificates
// have come: three days of hourly lists, 250 MB.
const maxKept = 80

// files takes in the files that somebody named.
func (im *importer) files(ctx context.Context, o ImportOptions) error {
	return im.take(ctx, func(yield func(file) bool) {
		for i, path := range o.Files {
			documents := func(yield func(tordir.Document, error) bool) {
				if o.Begin != nil {
					o.Begin(path)
				}
				read(path, yield)
			}
			if !yield(file{fmt.Sprint(i, " ", path), regular(path), documents}) { // one may be named twice
				return
			}
		}
	})
}

func regular(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// read finds the documents of a file.
func read(path string, yield func(tordir.Document, error) bool) {
	f, err := os.Open(path)
	if err == nil {
		defer f.Close()
		var info os.FileInfo
		if info, err = f.Stat(); err == nil && info.IsDir() {
			err = errors.New("this is a folder: name the files in it")
		}
	}
	if err != nil {
		yield(tordir.Document{Kind: tordir.KindUnknown, Name: path}, err)
		return
	}
	tordir.Documents(path, f, tordir.Limits{})(yield)
}

// folder takes in the documents of an admin's folder, which may hold other things.
func (f *fetch) folder(ctx context.Context, source dirclient.Source) error {
	before := len(f.im.out.Verdicts)
	err := f.im.take(ctx, func(yield func(file) bool) {
		for document, err := range f.client.Files(ctx, source) {
			documents := func(yield func(tordir.Document, error) bool) {
				if err != nil {
					yield(tordir.Document{Kind: tordir.KindUnknown, Name: source.String()}, err)
					return
				}
				for doc, err := range tordir.Documents(document.URL, bytes.NewReader(document.Bytes), tordir.Limits{}) {
					if err != nil {
						err = fmt.Errorf("%s: %w", doc.Name, err)
					} else if doc.Kind == tordir.KindUnknown {
						continue
					}
					if !yield(doc, err) {
						return
					}
				}
			}
			if !yield(file{document.URL, true, documents}) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	var newest int64
	var refused refusals
	for _, v := range f.im.out.Verdicts[before:] {
		switch {
		case !v.OK:
			refused.add(v.refusal())
		case v.Kind == tordir.KindConsensus:
			f.asked.Lists++
			newest = max(newest, v.ValidUntil)
		case v.Kind == tordir.KindExitList:
			f.asked.Exits += v.Taken
		}
	}
	return f.judge(source, newest, refused)
}
