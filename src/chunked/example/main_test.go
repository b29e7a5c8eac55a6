package main

import (
	"testing"

	"tordetect/src/chunked/chunkedtest"
)

func TestUpper(t *testing.T) {
	result := chunkedtest.Run(t, &upper{}, chunkedtest.Search{
		Args:      []string{"field", "=", "user"}, // | upper field = user
		Chunks:    []string{chunkedtest.Body([]string{"user", "_chunked_idx"}, []string{`O"Neil, Tip`, "0"})},
		EmptyLast: true,
	})
	if got := result.Rows()[0]["upper"]; got != `O"NEIL, TIP` {
		t.Errorf("upper is %q", got)
	}
	result = chunkedtest.Run(t, &upper{}, chunkedtest.Search{Args: []string{"user"}})
	if result.Failure != `bad argument "user": want field=<name>` {
		t.Errorf("the search failed with %q", result.Failure)
	}
}
