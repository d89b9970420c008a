package pprof

import (
	"math"
	"runtime"
	"time"
	"unsafe"
)

const (
	idleCPU           = time.Millisecond // less between two looks is idleness
	watchPauseMax     = 5 * time.Second
	watchedGoroutines = 10000 // in a program with more, looking at all would cost too much
	runtimeTextSize   = 4 << 20
)

//go:linkname iscgo runtime.iscgo
var iscgo bool

// deadlockWatch tells when no goroutine of the program can ever run again. The sampler's own timer hides that from the
// runtime, which would otherwise end the program with "all goroutines are asleep - deadlock!".
type deadlockWatch struct {
	cpu         time.Duration // the process's CPU time at the last call
	idle        bool          // it has used hardly any since the call before
	pause       time.Duration
	next        time.Time
	seen        bool // in the last look, too
	nextTimerAt func() int64
}

// deadlocked costs a system call while the program is busy, and looks at it ever more rarely while it waits.
func (w *deadlockWatch) deadlocked() bool {
	cpu := processCPU()
	w.idle = cpu-w.cpu < idleCPU
	w.cpu = cpu
	if !nextTimerKnown || iscgo {
		return false // Where there is C code the runtime does not look for deadlocks either.
	}
	if !w.idle {
		w.pause, w.seen = 0, false
		return false
	}
	if time.Now().Before(w.next) {
		return false
	}
	if !allGoroutinesParked() || w.timerPending() {
		if w.pause = 2*w.pause + samplerTick; w.pause > watchPauseMax {
			w.pause = watchPauseMax
		}
		w.next = time.Now().Add(w.pause)
		w.seen = false
		return false
	}
	seen := w.seen
	w.seen = true
	return seen
}

// allGoroutinesParked tells whether all goroutines wait for other goroutines or for timers: none runs, is in a system
// call, or waits for the network.
func allGoroutinesParked() bool {
	count := runtime.NumGoroutine()
	if count > watchedGoroutines {
		return false
	}
	parked := make(chan bool)
	// Goroutine profiles have no room for a goroutine of the runtime's, as the caller is.
	go func() {
		records := make([]runtime.StackRecord, count+16)
		n, ok := runtime.GoroutineProfile(records)
		for i := 1; ok && i < n; i++ { // The first is this goroutine.
			ok = isParked(records[i].Stack())
		}
		parked <- ok
	}()
	return <-parked
}

// isParked tells whether a goroutine with this stack waits, and for something else than the network.
func isParked(stack []uintptr) bool {
	if len(stack) < 2 || functionAt(stack[0]) != "runtime.gopark" {
		return false
	}
	return functionAt(stack[1]) != "runtime.netpollblock"
}

func functionAt(pc uintptr) string {
	return runtime.FuncForPC(pc - 1).Name() // Of nil it is "".
}

// timerPending tells whether a timer is set; the sampler's own is not while the sampler runs.
func (w *deadlockWatch) timerPending() bool {
	if w.nextTimerAt == nil {
		w.nextTimerAt = func() int64 { return 0 }
		if entry := runtimeFunction("runtime.timeSleepUntil"); entry != 0 {
			function := &entry
			w.nextTimerAt = *(*func() int64)(unsafe.Pointer(&function))
		}
	}
	return w.nextTimerAt() != math.MaxInt64
}

// runtimeFunction finds where a function of the runtime begins, which the linker (since Go 1.23) does not let linkname do.
func runtimeFunction(name string) uintptr {
	const alignment = 16
	collect := runtime.GC
	middle := **(**uintptr)(unsafe.Pointer(&collect)) &^ (alignment - 1)
	for distance := uintptr(0); distance < runtimeTextSize; distance += alignment {
		for _, pc := range [...]uintptr{middle + distance, middle - distance} {
			// Within another function the name may be that of an inlined one.
			if f := runtime.FuncForPC(pc); f != nil && f.Entry() == pc && f.Name() == name {
				return pc
			}
		}
	}
	return 0
}
