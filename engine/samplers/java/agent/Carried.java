package multilangprofiler;

import java.util.ArrayDeque;
import java.util.List;

/** The time of threads that carry virtual ones, spread over the {@linkplain Recorder recorder's} samples of those, which come late and at times of their own. */
final class Carried {
    private static final int FEW_SAMPLES = 50;
    private static final int ENOUGH_SAMPLES = 200;
    private static final long MAX_NS = 5_000_000_000L;

    private long heldNs;
    /** The samples that came last, and of those before as many as make enough. */
    private final ArrayDeque<StackTraceElement[]> stacks = new ArrayDeque<StackTraceElement[]>();

    void hold(long ns) {
        heldNs += ns;
    }

    boolean isHeld() {
        return heldNs > 0;
    }

    /** Gives away what is held. */
    long take() {
        long taken = heldNs;
        heldNs = 0;
        return taken;
    }

    void credit(List<StackTraceElement[]> samples, boolean isLast, Window late) {
        stacks.addAll(samples);
        while (stacks.size() > Math.max(samples.size(), ENOUGH_SAMPLES)) {
            stacks.remove();
        }
        boolean isDue = (!samples.isEmpty() && stacks.size() >= FEW_SAMPLES) || isLast || heldNs > MAX_NS;
        if (heldNs == 0 || !isDue) {
            return;
        }
        if (stacks.isEmpty()) {
            late.loseVirtual(heldNs);
        }
        long leftNs = heldNs;
        int left = stacks.size();
        for (StackTraceElement[] stack : stacks) {
            long ns = leftNs / left--;
            leftNs -= ns;
            late.add(0, "virtual threads", stack, ns);
        }
        heldNs = 0;
    }
}
