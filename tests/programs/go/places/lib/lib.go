package lib

//go:noinline
func Sum[T int | float64](n int) (s T) {
	for i := 0; i < n; i++ {
		s += T(i) * T(i) / 7
	}
	return
}
