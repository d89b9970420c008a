package multilangprofiler;

/** Whether looks at threads find them quickly, which on a busy machine they may not. */
final class Pace {
    /** A look is prompt that took no longer. */
    private static final long PROMPT_NS = 150_000L;

    private long usualNs = PROMPT_NS;

    /**
     * Whether a look took hardly longer than the quick ones of late. On a busy machine the thread that makes all others stop may have to
     * wait for a core itself, and they stop when one becomes free: at the end of a burst of work rather than at its beginning.
     */
    boolean isPrompt(long tookNs) {
        usualNs = tookNs < usualNs ? (tookNs + usualNs) / 2 : usualNs + usualNs / 32;
        return tookNs <= Math.max(PROMPT_NS, 2 * usualNs);
    }
}
