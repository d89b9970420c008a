package multilangprofiler;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;

/** What is known of one thread. */
final class Seen {
    private static final int REMEMBERED = 4;
    private static final long LATELY_NS = 250_000_000L;

    final long id;
    String name = "";
    /** Not yet met using the CPU, and born since the first poll. */
    boolean isNew;
    /** Its CPU clock when it was last read. */
    long cpuNs;
    /** When that clock was last found to have moved. */
    long activeNs;
    /** CPU time not yet credited to a stack. */
    final Account account;
    /** {@link #cpuNs} when all threads were last looked at: see {@link Brief}. */
    long cpuAtLookNs;
    /** What looks that met it running since the last window stand for. */
    long metNs;
    /** How many frames its stack had when it was last looked at; before that a guess. */
    int depth = 50;
    /** Whether it was ever met waiting, and when last. */
    boolean waits;
    private long waitedNs;
    /** Where it was first met waiting, without what it called there. */
    private StackTraceElement[] waiting;
    /** Of the stacks that were looked at as a whole of late, the newest first; then nulls. */
    private final Whole[] wholes = new Whole[REMEMBERED];

    Seen(long id, boolean isNew, long nowNs) {
        this.id = id;
        this.isNew = isNew;
        this.account = new Account(nowNs);
    }

    void meetWaiting(StackTraceElement[] trace, long nowNs) {
        waits = true;
        waitedNs = nowNs;
        if (waiting == null) {
            waiting = Traces.withoutCalledRuntime(trace);
        }
    }

    /** Whether it was met waiting of late: one that has read its classes from files and now computes does not wait any more. */
    boolean waitedLately(long nowNs) {
        return waits && nowNs - waitedNs < LATELY_NS;
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

    /** Whether nothing is known of where it is. */
    boolean isUnmet() {
        return waiting == null && !account.wasMet();
    }

    /** Credits all that is in the account to where it was met; if it never was met running, to what called that in which it waits. */
    void settle(long nowNs, Window window, Account.Payee payee) {
        account.close(nowNs, payee);
        if (account.heldNs() > 0 && waiting != null) {
            window.add(id, name, waiting, account.take());
        }
        window.lose(account.take());
    }

    static long[] ids(List<Seen> threads) {
        long[] ids = new long[threads.size()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = threads.get(i).id;
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
