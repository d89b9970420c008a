package multilangprofiler;

import java.util.Arrays;

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
    /** What is due to it besides if it is found to have ended before the next poll: see {@code Stacks.look}. */
    long bonusNs;
    /** Whether it was ever met waiting. */
    boolean waits;
    /** Where it was last met running, the newest first; then nulls. */
    private final StackTraceElement[][] certain = new StackTraceElement[REMEMBERED][];
    /** Where it has been met since, ready to run but perhaps only just woken. */
    private final StackTraceElement[][] doubtful = new StackTraceElement[REMEMBERED][];
    private int doubts;
    /** Where it was first met waiting, without what it called there. */
    private StackTraceElement[] waiting;

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
        doubtful[doubts++] = trace;
        return doubts == REMEMBERED;
    }

    void meetWaiting(StackTraceElement[] trace) {
        waits = true;
        if (waiting == null) {
            waiting = Traces.withoutCalledRuntime(trace);
        }
    }

    /** The best that is known of where it spent what is in its account: stacks with equal parts in it, none if it was never met. */
    StackTraceElement[][] places() {
        boolean isDoubtful = doubts == REMEMBERED || certain[0] == null;
        StackTraceElement[][] places = Arrays.copyOf(isDoubtful ? doubtful : certain, isDoubtful ? doubts : met());
        doubts = 0;
        return places.length > 0 || waiting == null ? places : new StackTraceElement[][] {waiting};
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
}
