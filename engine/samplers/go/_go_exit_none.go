//go:build !go1.20

package pprof

import "time"

// windowLength is all that the program's end can lose.
const windowLength = 250 * time.Millisecond

// callAtExit cannot do what it says: this release has no exit hooks.
func callAtExit(func()) {}
