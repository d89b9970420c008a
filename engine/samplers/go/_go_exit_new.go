//go:build go1.23

package pprof

import (
	"internal/runtime/exithook"
	"time"
)

const windowLength = time.Second

// callAtExit has f called when main returns and in os.Exit, whatever the status.
func callAtExit(f func()) {
	exithook.Add(exithook.Hook{F: f, RunOnFailure: true})
}
