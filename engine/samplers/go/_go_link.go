package pprof

import (
	"os"
	"strings"
	"syscall"
)

// The first byte of a message tells what it is. In the other direction any message asks for a flush.
const (
	messageHello   = 'H' // the process's id, and the nanoseconds of CPU that it had used when sampling began, in decimal, set apart by a space
	messageWindow  = 'W' // a profile as StartCPUProfile would have written it
	messageNative  = 'C' // nanoseconds of CPU time that threads of C code have used, in decimal; they are in no sample
	messageFlushed = 'F' // what a flush asked for has been sent
)

// agentLink is the connection to the agent: a stream of messages, each after its length in four bytes, highest first.
type agentLink struct {
	fd      int
	unsent  []byte
	dead    bool
	patient bool // the process is about to end: wait a moment for an agent that is slow
}

// dialAgent connects to the socket that lies beside the executable; nil if there is none. No environment variable
// could do that unseen: the program shows, counts and passes on those it has. Under a command there is one, for there
// executables lie anywhere.
func dialAgent() *agentLink {
	executable, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return nil
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	patience := syscall.NsecToTimeval(samplerPatience.Nanoseconds())
	syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &patience)
	beside := executable[:strings.LastIndexByte(executable, '/')+1] + agentSocketName
	err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: beside})
	if err != nil {
		// Not os.Getenv, which would have go test count it among what its results depend on.
		name, _ := syscall.Getenv("MULTI_LANG_PROFILER_GO")
		err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: name})
	}
	if err != nil {
		syscall.Close(fd)
		return nil
	}
	return &agentLink{fd: fd}
}

func (l *agentLink) push(kind byte, payload []byte) {
	length := len(payload) + 1
	l.unsent = append(l.unsent, byte(length>>24), byte(length>>16), byte(length>>8), byte(length), kind)
	l.unsent = append(l.unsent, payload...)
	l.resume()
}

// resume sends what the socket takes now.
func (l *agentLink) resume() {
	flags := syscall.MSG_NOSIGNAL | syscall.MSG_DONTWAIT
	if l.patient {
		flags = syscall.MSG_NOSIGNAL
	}
	for len(l.unsent) > 0 && !l.dead {
		n, err := syscall.SendmsgN(l.fd, l.unsent, nil, nil, flags)
		switch {
		case err == nil:
			l.unsent = l.unsent[n:]
		case err == syscall.EAGAIN && !l.patient:
			return
		case err != syscall.EINTR:
			l.dead = true
		}
	}
	l.unsent = nil
}

// flushAsked tells whether the agent has asked for the samples taken so far.
func (l *agentLink) flushAsked() bool {
	var request [64]byte
	n, _, err := syscall.Recvfrom(l.fd, request[:], syscall.MSG_DONTWAIT)
	l.dead = l.dead || err == nil && n == 0 || err != nil && err != syscall.EAGAIN && err != syscall.EINTR
	return err == nil && n > 0
}

func (l *agentLink) close() {
	l.dead = true
	syscall.Close(l.fd)
}
