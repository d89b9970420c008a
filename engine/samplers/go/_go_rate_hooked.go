package pprof

import _ "unsafe"

const maxHz = 1000000 // of SetCPUProfileRate

// In a program that calls runtime.SetCPUProfileRate itself, that function asks us first.
//
//go:linkname runtimeAgentSetRate runtime.agentSetRate
var runtimeAgentSetRate func(hz int) bool

// setRate turns the runtime's profiler on or off.
//
//go:linkname setRate runtime.stdSetCPUProfileRate
func setRate(hz int)

func init() {
	runtimeAgentSetRate = sampler.setProgramRate
}

// setProgramRate does for the program's profile what SetCPUProfileRate does for the runtime's, whose rate stays ours.
func (s *agentSampler) setProgramRate(hz int) bool {
	s.Lock()
	defer s.Unlock()
	if !s.on {
		return false
	}
	if hz <= 0 {
		s.endProgram()
	} else if s.programHz != 0 {
		print(rateMessage)
	} else if s.programHz = hz; hz > maxHz {
		s.programHz = maxHz
	}
	return true
}
