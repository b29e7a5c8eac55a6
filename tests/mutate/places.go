package main

import (
	"crypto/sha256"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"
)

// A place is a piece of a file and what is written there instead.
type place struct {
	file     string // from the project's root
	line     int
	from, to int // in bytes
	new      string
	what     string // for who reads the list
	key      string // order of the sample
	top      bool   // outside of functions
}

func (p place) folder() string { return path.Dir(p.file) }
func (p place) String() string { return fmt.Sprintf("%s:%d %s", p.file, p.line, p.what) }

// swapped is what an operator becomes: a boundary moves by one, a side turns.
var swapped = map[token.Token]string{
	token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">", token.EQL: "!=", token.NEQ: "==",
	token.LAND: "||", token.LOR: "&&",
	token.ADD: "-", token.SUB: "+", token.MUL: "/", token.QUO: "*", token.REM: "*",
	token.AND: "|", token.OR: "&", token.SHL: ">>", token.SHR: "<<",
}

// places finds all places of a file. Their order by key is that of the seed, and the
// same for a function that did not change, whatever happens around it.
func places(name string, text []byte, seed int64) ([]place, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := finder{name: name, text: text, set: set, seed: seed, seen: map[string]int{}}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Body != nil {
				f.within = d.Name.Name
				if d.Recv != nil {
					f.within = f.of(d.Recv) + f.within
				}
				f.function(d.Type, d.Body)
			}
		case *ast.GenDecl:
			if d.Tok != token.IMPORT {
				f.within = "top"
				f.walk(d, nil)
			}
		}
	}
	return f.all, nil
}

type finder struct {
	name   string
	text   []byte
	set    *token.FileSet
	seed   int64
	within string         // function, for the key
	seen   map[string]int // equal places of a function, counted
	all    []place
}

func (f *finder) offset(p token.Pos) int { return f.set.Position(p).Offset }
func (f *finder) of(n ast.Node) string   { return string(f.text[f.offset(n.Pos()):f.offset(n.End())]) }

func (f *finder) add(from, to token.Pos, new, what string) {
	p := place{file: f.name, line: f.set.Position(from).Line, from: f.offset(from), to: f.offset(to), new: new, top: f.within == "top"}
	old := string(f.text[p.from:p.to])
	first, rest, more := strings.Cut(old, "\n")
	if more {
		first += " ..."
		p.new += strings.Repeat("\n", strings.Count(rest, "\n")+1) // later lines keep their numbers
	}
	p.what = fmt.Sprintf("%s: %s", what, first)
	key := fmt.Sprintf("%d|%s|%s|%s|%s", f.seed, f.name, f.within, what, old)
	f.seen[key]++
	p.key = fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%s|%d", key, f.seen[key])))
	f.all = append(f.all, p)
}

func (f *finder) replace(n ast.Node, new, what string) { f.add(n.Pos(), n.End(), new, what) }

// function takes a body, whose returns give what the type says.
func (f *finder) function(t *ast.FuncType, body *ast.BlockStmt) {
	var results []string
	if t.Results != nil {
		for _, r := range t.Results.List {
			results = append(results, slices.Repeat([]string{f.of(r.Type)}, max(1, len(r.Names)))...)
		}
	}
	f.walk(body, results)
	if len(results) == 0 {
		f.removeAll(body.List)
	} else if n := len(body.List); n > 0 { // without its last statement it does not compile
		f.removeAll(body.List[:n-1])
	}
}

func (f *finder) walk(root ast.Node, results []string) {
	ast.Inspect(root, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			f.function(n.Type, n.Body)
			return false
		case *ast.Field: // a tag is no text of the program
			return n.Tag == nil
		case *ast.BlockStmt:
			if n != root { // function has seen to that one
				f.removeAll(n.List)
			}
		case *ast.CaseClause:
			f.removeAll(n.Body)
		case *ast.CommClause:
			f.removeAll(n.Body)
		case *ast.IfStmt:
			f.replace(n.Cond, "!("+f.of(n.Cond)+")", "condition negated")
		case *ast.ReturnStmt:
			f.zero(n, results)
		case *ast.BinaryExpr:
			if to, ok := swapped[n.Op]; ok {
				f.add(n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), to, f.of(n)+" gets "+to+" for")
			}
		case *ast.Ident:
			if other, ok := map[string]string{"true": "false", "false": "true"}[n.Name]; ok {
				f.replace(n, other, "turned")
			}
		case *ast.BasicLit:
			switch {
			case n.Kind == token.INT, n.Kind == token.CHAR:
				f.replace(n, "("+n.Value+"+1)", "one more")
			case n.Kind == token.STRING && len(n.Value) > 2:
				f.replace(n, `""`, "emptied")
			}
		}
		return true
	})
}

// removeAll leaves out what can be: no declaration, no branch of its own.
func (f *finder) removeAll(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.AssignStmt:
			if s.Tok != token.DEFINE {
				f.replace(s, "", "removed")
			}
		case *ast.ExprStmt, *ast.IncDecStmt, *ast.ReturnStmt, *ast.BranchStmt, *ast.DeferStmt, *ast.GoStmt, *ast.SendStmt:
			f.replace(s, "", "removed")
		}
	}
}

// zero returns nothing in the place of each result.
func (f *finder) zero(n *ast.ReturnStmt, results []string) {
	if len(n.Results) != len(results) {
		return // what another function returns, or what has a name
	}
	for i, e := range n.Results {
		switch old := f.of(e); old {
		case "nil", "0", `""`, "false":
		default:
			f.replace(e, "*new("+results[i]+")", "returns nothing in the place of")
		}
	}
}
