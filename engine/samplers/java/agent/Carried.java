package multilangprofiler;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Iterator;

/**
 * The time of threads that carry virtual ones, spread over the {@linkplain Recorder recorder's} samples of those, which come a second or two
 * late. What was used at one time counts for samples of about that time alone: while the recorder begins, or gets no core, there are none, and
 * what is used is lost, or what was done later would get it.
 */
final class Carried {
    /** A sample tells of what was used so long before and after it. */
    private static final long NEAR_MS = 250;
    /** What the recorder has not told of by then is not waited for. */
    private static final long PATIENCE_MS = 5_000;

    private final ArrayDeque<Spent> held = new ArrayDeque<Spent>();
    /** In the order of time. */
    private Recorder.Sample[] known = {};

    /** {@code ns} have just been found to be used. */
    void hold(long ns) {
        long nowMs = System.currentTimeMillis();
        Spent last = held.peekLast();
        if (last == null || last.atMs != nowMs) {
            last = new Spent(nowMs);
            held.add(last);
        }
        last.ns += ns;
    }

    boolean isHeld() {
        return !held.isEmpty();
    }

    /** Gives away what is held. */
    long take() {
        long taken = 0;
        while (isHeld()) {
            taken += held.remove().ns;
        }
        return taken;
    }

    /** Takes what the recorder has told; samples of later than {@code batch} are still to come unless it {@code isLast}. Null for nothing. */
    void credit(Recorder.Batch batch, boolean isLast, Window late) {
        long dueMs = isLast ? Long.MAX_VALUE : System.currentTimeMillis() - PATIENCE_MS;
        if (batch != null) {
            learn(batch);
            dueMs = Math.max(dueMs, batch.untilMs - NEAR_MS);
        }
        long[] creditedNs = new long[known.length];
        int from = 0;
        int to = 0;
        while (isHeld() && held.peek().atMs <= dueMs) {
            Spent spent = held.remove();
            while (from < known.length && known[from].atMs < spent.atMs - NEAR_MS) {
                from++;
            }
            while (to < known.length && known[to].atMs <= spent.atMs + NEAR_MS) {
                to++;
            }
            if (from >= to) {
                late.loseVirtual(spent.ns);
            }
            long leftNs = spent.ns;
            for (int at = from; at < to; at++) {
                long ns = leftNs / (to - at);
                creditedNs[at] += ns;
                leftNs -= ns;
            }
        }
        for (int at = 0; at < known.length; at++) {
            if (creditedNs[at] > 0) {
                late.add(0, "virtual threads", known[at].trace, creditedNs[at]);
            }
        }
        // Whatever is held now, or comes, is of later.
        while (from < known.length && known[from].atMs < dueMs - NEAR_MS) {
            from++;
        }
        known = Arrays.copyOfRange(known, from, known.length);
    }

    private void learn(Recorder.Batch batch) {
        Recorder.Sample[] all = Arrays.copyOf(known, known.length + batch.ofVirtualThreads.size());
        Iterator<Recorder.Sample> coming = batch.ofVirtualThreads.iterator();
        for (int at = known.length; at < all.length; at++) {
            all[at] = coming.next();
        }
        Arrays.sort(all);
        known = all;
    }

    private static final class Spent {
        final long atMs;
        long ns;

        Spent(long atMs) {
            this.atMs = atMs;
        }
    }
}
