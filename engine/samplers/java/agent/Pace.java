package multilangprofiler;

/** Whether looks come when they are meant to, which on a busy machine they do not. */
final class Pace {
    /** A look is prompt that took no longer. */
    private static final long PROMPT_NS = 150_000L;
    /** So late for a poll in the mean, in so many windows one after the other, we compete for the cores. */
    private static final long LATE_NS = 500_000L;
    private static final int TELLING_POLLS = 10;
    private static final int HARD_WINDOWS = 3;

    private long usualNs = PROMPT_NS;
    private int polls;
    private long lateNs;
    private int hardWindows;

    /** A poll began so long after it was due. */
    void lateBy(long ns) {
        polls++;
        lateNs += ns;
    }

    /**
     * Whether a look took hardly longer than the quick ones of late. On a busy machine the thread that makes all others stop may have to
     * wait for a core itself, and they stop when one becomes free: at the end of a burst of work rather than at its beginning.
     */
    boolean isPrompt(long tookNs) {
        usualNs = tookNs < usualNs ? (tookNs + usualNs) / 2 : usualNs + usualNs / 32;
        return tookNs <= Math.max(PROMPT_NS, 2 * usualNs);
    }

    /** To be asked once a window: whether it has been hard to meet threads right after a wait; true once. {@code isHard} if there are such. */
    boolean isSaturated(boolean isHard) {
        boolean isLate = polls >= TELLING_POLLS && lateNs / polls > LATE_NS;
        hardWindows = isLate && isHard ? hardWindows + 1 : 0;
        polls = 0;
        lateNs = 0;
        return hardWindows == HARD_WINDOWS;
    }
}
