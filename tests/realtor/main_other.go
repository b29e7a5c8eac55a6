//go:build !linux

package main

import (
	"context"
	"fmt"
	"io"
)

func play(context.Context, options, []string, io.Writer, io.Writer) error {
	return fmt.Errorf("%w: it needs the network namespaces of Linux", errMissing)
}
