package multilangprofiler;

/**
 * How often is to be looked at threads that work and wait in turns, so that they are met working often enough. Pauses become longer only with a
 * new window, at a moment that has nothing to do with what threads do: done once they were met so often, that would be in the midst of a burst
 * of work, whose rest, and so what always comes late in one, would be met too seldom.
 */
final class Bursts {
    /** How often threads were met in a shorter time says nothing. */
    private static final long TELLING_NS = 100_000_000L;

    /** Whether such a thread was met working too seldom, since the last window. */
    private boolean had;
    private long wantedPauseNs = Long.MAX_VALUE;

    /** How long pauses should be, or {@link Long#MAX_VALUE} for as long as usual. */
    long wantedPauseNs() {
        return wantedPauseNs;
    }

    /** After a poll that found those {@code lively}. */
    void poll(Iterable<Seen> lively) {
        for (Seen thread : lively) {
            had |= thread.waits && thread.account.hasFew();
        }
        if (had && wantedPauseNs == Long.MAX_VALUE) {
            wantedPauseNs = 0;
        }
    }

    /** Judges by how much of the time since the last window, {@code elapsedNs}, those that also wait were met working. */
    void window(Iterable<Seen> threads, long nowNs, long elapsedNs) {
        if (elapsedNs < TELLING_NS) {
            return;
        }
        wantedPauseNs = Long.MAX_VALUE;
        for (Seen thread : threads) {
            if (had && thread.waits && nowNs - thread.activeNs < elapsedNs) {
                wantedPauseNs = Math.min(wantedPauseNs, Account.pauseNs((double) thread.metNs / elapsedNs));
            }
            thread.metNs = 0;
        }
        had = false;
    }
}
