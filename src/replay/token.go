package replay

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"tordetect/src/text"
)

// A Token opens a collector or a tenant. It prints as "(secret)" in every verb
// and as JSON; the text is kept in a closure, where fmt's reflection does not look.
type Token struct{ reveal func() string }

// NewToken takes a token as it stands in a file: blanks around it are cut off.
func NewToken(text string) (Token, error) {
	const most = 16 << 10 // of a JWT with many claims
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return Token{}, errors.New("the token is empty")
	case len(text) > most:
		return Token{}, fmt.Errorf("the token has %d bytes, at most %d are one", len(text), most)
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return Token{}, errors.New("the token has blanks, line ends or other characters that a header cannot carry; the file must hold the token alone")
	}
	return Token{func() string { return text }}, nil
}

func (t Token) text() string {
	if t.reveal == nil {
		return ""
	}
	return t.reveal()
}

const secret = "(secret)"

func (t Token) String() string               { return secret }
func (t Token) GoString() string             { return secret }
func (t Token) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte(secret)) }
func (t Token) MarshalText() ([]byte, error) { return []byte(secret), nil }

// clean makes a text of a server fit to be shown: without the token, should the
// server repeat it, in capitals or not (a collector's is a GUID), and without
// control characters.
func (t Token) clean(said string) string {
	if token := t.text(); token != "" {
		said = regexp.MustCompile("(?i)"+regexp.QuoteMeta(token)).ReplaceAllLiteralString(said, secret)
	}
	return text.Foreign(said)
}
