package pprof

import (
	"syscall"
	"time"
	"unsafe"
)

// goThreads tells the CPU time of the threads that run goroutines, each of which has a timer for its samples, from that of
// threads that C code has made, which are in no sample. Only programs with C code have those.
type goThreads struct {
	used map[int]time.Duration // CPU time of each thread of Go's that is alive, when last looked at
	sum  time.Duration         // of all of them, ended ones included, since the beginning
}

// begin takes the threads that there are for Go's.
func (t *goThreads) begin() {
	t.used = map[int]time.Duration{}
	_, _, names := syscall.ParseDirent(readAll("/proc/self/task", syscall.ReadDirent), -1, nil)
	for _, name := range names {
		tid := leadingNumber([]byte(name))
		t.used[tid], _ = threadCPU(tid)
	}
}

// look gives the CPU time since the beginning; false where the kernel does not list timers.
func (t *goThreads) look() (time.Duration, bool) {
	timers := readAll("/proc/self/timers", syscall.Read)
	if len(timers) == 0 { // There is one for each thread with a goroutine, such as ours.
		return 0, false
	}
	for i := 0; i+4 <= len(timers); i++ { // "notify: signal/tid.4711"
		if string(timers[i:i+4]) == "tid." {
			if tid := leadingNumber(timers[i+4:]); tid > 0 {
				t.used[tid] += 0
			}
		}
	}
	for tid, before := range t.used {
		now, alive := threadCPU(tid)
		if !alive || now < before { // It has ended; the number may be another thread's by now.
			delete(t.used, tid)
			continue
		}
		t.sum += now - before
		t.used[tid] = now
	}
	return t.sum, true
}

// readAll does without package os, whose first file opens descriptors that the program would have later, or never.
func readAll(path string, read func(int, []byte) (int, error)) (all []byte) {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer syscall.Close(fd)
	var buffer [16 << 10]byte
	for {
		n, err := read(fd, buffer[:])
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return all
		}
		all = append(all, buffer[:n]...)
	}
}

// threadCPU is the CPU time that a thread of this process has used, and whether it lives.
func threadCPU(tid int) (time.Duration, bool) {
	const perThread, scheduled = 4, 2 // of linux/posix-timers.h
	clock := int32(^tid)<<3 | perThread | scheduled
	var now syscall.Timespec
	_, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, uintptr(clock), uintptr(unsafe.Pointer(&now)), 0)
	return time.Duration(now.Nano()), errno == 0
}

func leadingNumber(text []byte) (number int) {
	for _, digit := range text {
		if digit < '0' || digit > '9' {
			break
		}
		number = 10*number + int(digit-'0')
	}
	return number
}
