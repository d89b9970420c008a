package multilangprofiler;

import java.util.Arrays;
import java.util.HashSet;

/** What is known of one thread. */
final class Seen {
    private static final int REMEMBERED = 4;

    final long id;
    String name = "";
    /** Not yet met using the CPU, and born since the first poll. */
    boolean isNew;
    /** Its CPU clock when it was last read. */
    long cpuNs;
    /** When that clock was last found to have moved. */
    long activeNs;
    /** CPU time not yet credited to a stack. */
    long accountNs;
    /** {@link #cpuNs} when all threads were last looked at: see {@link Brief}. */
    long cpuAtLookNs;
    /** Whether it was ever met waiting. */
    boolean waits;
    /** Where it was last met running, the newest first; then nulls. */
    private final StackTraceElement[][] certain = new StackTraceElement[REMEMBERED][];
    /** Where it has been met since, ready to run but perhaps only just woken. */
    private final StackTraceElement[][] doubtful = new StackTraceElement[REMEMBERED][];
    private int doubts;
    /** Where it was first met waiting, without what it called there. */
    private StackTraceElement[] waiting;
    /** Of the stacks that were looked at as a whole of late, the newest first; then nulls. */
    private final Whole[] wholes = new Whole[REMEMBERED];

    Seen(long id, boolean isNew) {
        this.id = id;
        this.isNew = isNew;
    }

    /** It is running, of which {@code trace} is the place. */
    void meetRunning(StackTraceElement[] trace) {
        System.arraycopy(certain, 0, certain, 1, REMEMBERED - 1);
        certain[0] = trace;
        doubts = 0;
    }

    /** It may be running; whether it has been so often enough to be believed. */
    boolean meetDoubtful(StackTraceElement[] trace) {
        doubtful[doubts++ % REMEMBERED] = trace;
        return doubts >= REMEMBERED;
    }

    void meetWaiting(StackTraceElement[] trace) {
        waits = true;
        if (waiting == null) {
            waiting = Traces.withoutCalledRuntime(trace);
        }
    }

    /** {@code trace} is its whole stack, of which {@code outermost} frames are to be remembered. */
    void meetWhole(StackTraceElement[] trace, int outermost) {
        System.arraycopy(wholes, 0, wholes, 1, REMEMBERED - 1);
        wholes[0] = new Whole(trace, outermost);
    }

    /** The outermost frames of the last stack with that method on it; none if there was none. */
    StackTraceElement[] outermostOf(StackTraceElement method) {
        for (Whole whole : wholes) {
            if (whole != null && whole.methods.contains(Traces.name(method))) {
                return whole.outermost;
            }
        }
        return new StackTraceElement[0];
    }

    boolean wasMet() {
        return doubts > 0 || certain[0] != null;
    }

    /** Credits what is in the account, in equal parts, to the places where it was met of late, if possible running. */
    void settle(Window window) {
        StackTraceElement[][] places = places();
        for (int left = places.length; left > 0 && accountNs > 0; left--) {
            long ns = accountNs / left;
            window.add(id, name, places[left - 1], ns);
            accountNs -= ns;
        }
        window.lose(accountNs);
        accountNs = 0;
        doubts = 0;
    }

    private StackTraceElement[][] places() {
        if (!wasMet() && waiting != null) {
            return new StackTraceElement[][] {waiting};
        }
        boolean isDoubtful = doubts >= REMEMBERED || certain[0] == null;
        return isDoubtful ? Arrays.copyOf(doubtful, Math.min(doubts, REMEMBERED)) : Arrays.copyOf(certain, met());
    }

    private int met() {
        int met = 0;
        while (met < REMEMBERED && certain[met] != null) {
            met++;
        }
        return met;
    }

    static long[] ids(Seen[] threads) {
        long[] ids = new long[threads.length];
        for (int i = 0; i < threads.length; i++) {
            ids[i] = threads[i].id;
        }
        return ids;
    }

    private static final class Whole {
        final StackTraceElement[] outermost;
        final HashSet<String> methods = new HashSet<String>();

        Whole(StackTraceElement[] trace, int outermost) {
            this.outermost = Arrays.copyOfRange(trace, Math.max(0, trace.length - outermost), trace.length);
            for (StackTraceElement method : trace) {
                methods.add(Traces.name(method));
            }
        }
    }
}
