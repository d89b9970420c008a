// Added to a copy of the standard library's runtime/pprof by go_overlay.py.
//
// One goroutine hands the CPU profile of each second to the agent. Profiles that the program takes of itself go on:
// StartCPUProfile feeds a second profile from the same samples. Without an agent everything is as the library has it.

package pprof

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

const (
	samplerTick     = 100 * time.Millisecond // how soon a request for a flush is seen
	samplerIdleTick = 250 * time.Millisecond // the same in a program that does nothing: each wakes the runtime for 0.3 ms
	samplerPatience = 200 * time.Millisecond // the longest that the program's end waits for the agent
	negligibleCPU   = 5 * time.Millisecond   // a second with less is left to the next window: idle programs stay idle
	logCapacity     = 1000 * time.Second     // thread-seconds at 1 Hz: half of what the runtime's log holds of deep stacks
	programHz       = 100                    // what StartCPUProfile promises
	maxUncounted    = time.Second            // CPU time without samples that is left to later windows
)

// agentSampler owns the runtime's one CPU profile while it is on.
type agentSampler struct {
	sync.Mutex
	on      bool
	hz      int
	link    *agentLink
	window  *profileBuilder // the samples since the last window was sent
	opened  time.Time
	length  time.Duration   // of the window: the first ones are short, since a crash or exec loses the last one
	begun   time.Duration   // the process's CPU time when sampling began
	cpu     time.Duration   // the process's CPU time when samples were last collected
	counted time.Duration   // as much of it as windows account for
	program *profileBuilder // the profile that the program is taking of itself, or nil
	ended   *profileBuilder // the same, once it gets no more samples and is to be written
	data    []uint64        // the samples being collected, as readProfile gives them
	tags    []unsafe.Pointer
	zw      *gzip.Writer

	threads     goThreads
	native      time.Duration // CPU time of threads that C code has made, as far as told or sampled
	nativeTaken bool          // they are in the window's samples
	nativeKnown bool

	programHz int // the rate of the program's profile, or 0; a program may set it before its profile begins
}

var sampler agentSampler

//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()

func init() {
	s := &sampler
	if s.link = dialAgent(); s.link == nil {
		return
	}
	// The agent is on this machine: compressing would cost more than it saves.
	s.zw, _ = gzip.NewWriterLevel(io.Discard, gzip.NoCompression)
	s.on = true
	s.length = samplerTick
	s.open()
	s.counted = processCPU()
	s.begun = s.counted
	s.link.push(messageHello, []byte(fmt.Sprint(syscall.Getpid(), s.begun.Nanoseconds())))
	if iscgo {
		s.threads.begin()
	}
	s.start(agentHz)
	callAtExit(s.sendLastWindow)
	go runSampler()
}

// runSampler bears a name of the runtime's, which so counts it as one of its own goroutines: NumGoroutine, goroutine
// profiles and tracebacks show the program's.
//
//go:linkname runSampler runtime.runMultiLangProfiler
func runSampler() {
	s := &sampler
	var watch deadlockWatch
	for s.tick(watch.deadlocked()) {
		if watch.idle {
			time.Sleep(samplerIdleTick)
		} else {
			time.Sleep(samplerTick)
		}
	}
}

// tick does what is due, and tells whether there is more to come.
func (s *agentSampler) tick(deadlocked bool) bool {
	s.Lock()
	defer s.Unlock()
	if !s.on {
		return false
	}
	flush := s.link.flushAsked()
	used := processCPU() - s.cpu
	over := time.Since(s.opened) >= s.length && (used >= negligibleCPU || s.window.m.all != nil)
	if flush || over || used > logCapacity/time.Duration(s.hz) {
		s.collect(s.hz)
	}
	if flush || over {
		s.send()
	}
	if flush {
		s.link.push(messageFlushed, nil)
	}
	s.link.resume()
	if s.program != nil {
		return true
	}
	if deadlocked || s.link.dead {
		s.stop()
		if s.programHz != 0 {
			setRate(s.programHz)
		}
		s.link.close()
	}
	return s.on
}

// sendLastWindow runs when main returns and in os.Exit.
func (s *agentSampler) sendLastWindow() {
	for begin := time.Now(); !s.TryLock(); time.Sleep(time.Millisecond) {
		if time.Since(begin) > samplerPatience {
			return
		}
	}
	defer s.Unlock()
	if s.on {
		s.link.patient = true
		s.stop()
	}
}

// StartCPUProfile enables CPU profiling for the current process.
func StartCPUProfile(w io.Writer) error {
	s := &sampler
	s.Lock()
	if !s.on {
		s.Unlock()
		return stdStartCPUProfile(w)
	}
	defer s.Unlock()
	if s.program != nil || s.ended != nil {
		return fmt.Errorf("cpu profiling already in use")
	}
	if s.programHz != 0 {
		print(rateMessage) // The library sets a rate here, too, which says so and keeps the one that is set.
	} else {
		s.programHz = programHz
	}
	s.collect(s.programHz)
	s.closeWindow()
	s.nativeTaken = true
	s.program = newProfileBuilder(w)
	return nil
}

// StopCPUProfile stops the current CPU profile, if any.
// StopCPUProfile only returns after all the writes for the
// profile have completed.
func StopCPUProfile() {
	s := &sampler
	s.Lock()
	s.endProgram()
	program := s.ended
	s.ended = nil
	s.Unlock()
	if program != nil {
		program.build() // Writes to the program's writer, which may take its time.
	} else {
		stdStopCPUProfile()
	}
}

// endProgram gives the program's profile, if it takes one, its last samples.
func (s *agentSampler) endProgram() {
	s.programHz = 0
	if s.program != nil {
		s.collect(agentHz)
		s.closeWindow()
		s.nativeTaken = false
		s.program, s.ended = nil, s.program
	}
}

// start begins to sample.
func (s *agentSampler) start(hz int) {
	setRate(hz)
	s.hz = hz
	if s.programHz != 0 {
		return // Its profile has the threads that C code made, with all that this brings.
	}
	// Every thread has a timer of its own, but for those that C code has made. The process's, which samples these, would
	// outlive syscall.Exec, and its signal kill the successor.
	const itimerProf = 2
	var never [4]int
	syscall.RawSyscall(syscall.SYS_SETITIMER, itimerProf, uintptr(unsafe.Pointer(&never)), 0)
}

// collect takes the samples since the last call out of the runtime's log and, unless hz is 0, goes on sampling at hz.
func (s *agentSampler) collect(hz int) {
	before := s.hz
	s.takeLog(hz)
	for _, profile := range [...]*profileBuilder{s.window, s.program} {
		if profile == nil {
			continue
		}
		profile.havePeriod = false // Each log begins with its period.
		// The runtime gives no malformed log. The library panics if it does, which is not for us to do.
		_ = profile.addCPUData(s.data, s.tags)
	}
	if hz != before {
		s.closeWindow()
	}
}

// takeLog closes the runtime's log of samples, copies it and begins another one. In between nothing is sampled, so this
// goroutine must not wait for its turn there, behind hundreds of busy ones.
func (s *agentSampler) takeLog(hz int) {
	procPin()
	defer procUnpin()
	s.data, s.tags = s.data[:0], s.tags[:0]
	setRate(0)
	for eof := false; !eof; {
		var data []uint64
		var tags []unsafe.Pointer
		data, tags, eof = readProfile() // Never blocks on a closed log.
		s.data = append(s.data, data...)
		s.tags = append(s.tags, tags...)
	}
	s.cpu = processCPU()
	if hz > 0 {
		s.start(hz)
	}
}

// send closes the window, unless the agent has yet to read the last one; then nothing is lost, the window is just longer.
func (s *agentSampler) send() {
	if len(s.link.unsent) > 0 {
		return
	}
	s.closeWindow()
	if s.length *= 2; s.length > windowLength {
		s.length = windowLength
	}
}

func (s *agentSampler) closeWindow() {
	if iscgo && !s.link.dead {
		s.tellNative()
	}
	if s.window.m.all != nil && !s.link.dead {
		s.weigh()
		var encoded bytes.Buffer
		s.zw.Reset(&encoded)
		s.window.zw = s.zw
		s.window.build()
		s.link.push(messageWindow, encoded.Bytes())
	}
	s.open()
}

// weigh makes the window's period what each of its samples stands for: its part of the CPU time that the kernel has
// counted. The threads' timers are only looked at when the kernel's clock ticks, and miss some periods of a thread that
// shares its processor with others. C code's threads are counted but not sampled: what they used has been told apart. Where
// that is not known, the period is the timers'.
func (s *agentSampler) weigh() {
	var samples time.Duration
	for entry := s.window.m.all; entry != nil; entry = entry.nextAll {
		samples += time.Duration(entry.count)
	}
	if samples == 0 || iscgo && !s.nativeKnown {
		return
	}
	nominal := time.Duration(s.window.period)
	period := (s.cpu - s.counted) / samples
	// A few samples by chance are not to stand for seconds, nor many for nothing: the rest is the next window's.
	if period > 2*nominal {
		period = 2 * nominal
	} else if period < nominal/2 {
		period = nominal / 2
	}
	s.window.period = int64(period)
	s.counted += period * samples
	if s.cpu-s.counted > maxUncounted {
		s.counted = s.cpu - maxUncounted
	}
}

// tellNative hands over the CPU time that threads of C code have used since the last window, unless samples have it.
func (s *agentSampler) tellNative() {
	var used time.Duration
	if used, s.nativeKnown = s.threads.look(); !s.nativeKnown {
		return
	}
	more := s.cpu - s.begun - used - s.native
	if more <= 0 {
		return
	}
	s.native += more
	if !s.nativeTaken {
		s.counted += more
		s.link.push(messageNative, []byte(fmt.Sprint(more.Nanoseconds())))
	}
}

func (s *agentSampler) open() {
	s.window = newProfileBuilder(io.Discard)
	s.opened = time.Now()
}

func (s *agentSampler) stop() {
	s.collect(0)
	s.on = false
}

// processCPU is the CPU time that the process has used.
func processCPU() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
