package multilangprofiler;

import java.util.ArrayDeque;
import java.util.List;

/**
 * The time of threads that carry virtual ones, spread over the {@linkplain Recorder recorder's} samples of those, which come a second or two
 * late: what was used later than they were taken waits for the next ones, or what came first would get what is done now.
 */
final class Carried {
    /** If so many come at once they alone count; of fewer, the last so many. */
    private static final int FEW_SAMPLES = 25;
    /** A recorder that has told nothing of so much time is not waited for. */
    private static final long MAX_NS = 5_000_000_000L;

    /** Nanoseconds, and when they were found to be used, by {@link System#currentTimeMillis}. */
    private final ArrayDeque<long[]> held = new ArrayDeque<long[]>();
    private long heldNs;
    private final ArrayDeque<StackTraceElement[]> stacks = new ArrayDeque<StackTraceElement[]>();

    void hold(long ns) {
        held.add(new long[] {ns, System.currentTimeMillis()});
        heldNs += ns;
    }

    boolean isHeld() {
        return heldNs > 0;
    }

    /** Gives away what is held. */
    long take() {
        return takeUntil(Long.MAX_VALUE);
    }

    private long takeUntil(long ms) {
        long taken = 0;
        while (!held.isEmpty() && held.peek()[1] <= ms) {
            taken += held.remove()[0];
        }
        heldNs -= taken;
        return taken;
    }

    /** {@code samples} were taken until {@code untilMs}; later ones are still to come unless these are the last. */
    void credit(List<StackTraceElement[]> samples, long untilMs, boolean isLast, Window late) {
        stacks.addAll(samples);
        while (stacks.size() > Math.max(samples.size(), FEW_SAMPLES)) {
            stacks.remove();
        }
        boolean isAllDue = isLast || heldNs > MAX_NS;
        long leftNs = isAllDue ? take() : samples.isEmpty() ? 0 : takeUntil(untilMs);
        if (leftNs > 0 && stacks.isEmpty()) {
            late.loseVirtual(leftNs);
        }
        int left = stacks.size();
        for (StackTraceElement[] stack : stacks) {
            long ns = leftNs / left--;
            leftNs -= ns;
            if (ns > 0) {
                late.add(0, "virtual threads", stack, ns);
            }
        }
    }
}
