//go:build go1.20 && !go1.23

package pprof

import (
	"time"
	_ "unsafe"
)

const windowLength = time.Second

//go:linkname addExitHook runtime.addExitHook
func addExitHook(f func(), runOnFailure bool)

// callAtExit has f called when main returns and in os.Exit, whatever the status.
func callAtExit(f func()) {
	addExitHook(f, true)
}
