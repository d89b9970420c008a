package multilangprofiler;

import java.util.Arrays;

/** A stack, leaf first, as a key. */
final class Trace {
    final StackTraceElement[] elements;
    private final int hash;

    Trace(StackTraceElement[] elements) {
        this.elements = elements;
        this.hash = Arrays.hashCode(elements);
    }

    @Override
    public int hashCode() {
        return hash;
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof Trace)) {
            return false;
        }
        Trace trace = (Trace) other;
        return hash == trace.hash && Arrays.equals(elements, trace.elements);
    }
}
