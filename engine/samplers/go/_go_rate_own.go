package pprof

import "runtime"

// setRate turns the runtime's profiler on or off.
func setRate(hz int) {
	runtime.SetCPUProfileRate(hz)
}
