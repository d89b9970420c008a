package multilangprofiler;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The CPU time of threads that ended before anybody could read their clocks, spread over those of them that were met.
 *
 * <p>It is what the process has used and none of its threads, less what is known of those that have ended: of the JVM's own, what
 * they had used when they were last looked at. Without Linux's {@code /proc} it is not known, and not counted.
 */
final class Brief {
    private static final int MAX_PLACES = 256;
    /** A thread that was met and has ended stands for this many periods of those that were not, at the most. */
    private static final int PERIODS = 4;

    private final long askedPeriodNs;
    private final int cores;
    private final List<Seen> met = new ArrayList<Seen>();
    /** By their numbers, null before the first look. */
    private Map<String, Long> tasksNs;
    private long unaccountedNs;
    private long owedNs;
    /** How much of that is of threads whose clocks were read, and that nobody has met. */
    private long unplacedNs;
    /** Between the last two polls, and the longest since what is owed was last credited. */
    private long pauseNs;
    private long longestPauseNs;

    Brief(long askedPeriodNs, int cores) {
        this.askedPeriodNs = askedPeriodNs;
        this.cores = cores;
    }

    /**
     * Goes on from {@code first}: {@code ended} are those that it met and that are over, {@code oursNs} was used by threads of ours that are
     * over. Gives away what is left of the time since.
     */
    void begin(FirstLooks first, List<Seen> ended, long oursNs, Stacks stacks) {
        Map<String, Long> nowNs = Tasks.read();
        if (first.tasksNs() == null || nowNs == null) {
            return;
        }
        owedNs = Tasks.processNs() - Tasks.sum(nowNs) - first.besidesNs() - oursNs;
        for (Map.Entry<String, Long> before : first.tasksNs().entrySet()) {
            owedNs -= nowNs.containsKey(before.getKey()) ? 0 : before.getValue();
        }
        met.addAll(ended);
        if (met.isEmpty() && owedNs > FirstLooks.TELLING_NS) {
            stacks.lose(owedNs);
            owedNs = 0;
        }
        spread(stacks, System.nanoTime() - first.beganNs());
    }

    /** Says how long it is since the poll before. */
    void poll(long elapsedNs) {
        pauseNs = elapsedNs;
        longestPauseNs = Math.max(longestPauseNs, elapsedNs);
    }

    /** {@code thread} has ended, and what it was last found to have used is credited. */
    void end(Seen thread) {
        owedNs -= thread.cpuNs - thread.cpuAtLookNs;
        if (thread.isUnmet()) {
            // Goes to those like it.
            long ns = thread.account.take();
            owedNs += ns;
            unplacedNs += ns;
        }
        // Those that were there before were met often, and have little left, unless they were last read long ago.
        if ((pauseNs > PERIODS * askedPeriodNs || thread.cpuAtLookNs == 0) && thread.account.wasMet() && met.size() < MAX_PLACES) {
            met.add(thread);
        }
    }

    /** Credits what threads that have ended since the last call had in their clocks besides. */
    void credit(Stacks stacks, Iterable<Seen> alive) {
        Map<String, Long> nowNs = Tasks.read();
        if (nowNs == null) {
            loseUnplaced(stacks);
            return;
        }
        long unaccountedBeforeNs = unaccountedNs;
        unaccountedNs = Tasks.processNs() - Tasks.sum(nowNs);
        for (Seen thread : alive) {
            thread.cpuAtLookNs = thread.cpuNs;
        }
        if (tasksNs == null) {
            loseUnplaced(stacks);
            owedNs = 0;
        } else {
            owedNs += unaccountedNs - unaccountedBeforeNs;
            for (Map.Entry<String, Long> before : tasksNs.entrySet()) {
                owedNs -= nowNs.containsKey(before.getKey()) ? 0 : before.getValue();
            }
            spread(stacks, Math.max(PERIODS * askedPeriodNs * cores, longestPauseNs));
        }
        longestPauseNs = 0;
        tasksNs = nowNs;
    }

    /** There will be nobody any more who stands for them. */
    void loseUnplaced(Stacks stacks) {
        stacks.lose(unplacedNs);
        owedNs -= unplacedNs;
        unplacedNs = 0;
    }

    /** Gives each that was met {@code maxNs} at the most. */
    private void spread(Stacks stacks, long maxNs) {
        long leftNs = Math.min(owedNs, maxNs * met.size());
        if (leftNs <= 0) {
            return;
        }
        long left = 0;
        for (Seen thread : met) {
            left += thread.account.number();
        }
        for (Seen thread : met) {
            int looks = thread.account.number();
            long ns = leftNs / left * looks;
            thread.account.hold(ns);
            leftNs -= ns;
            left -= looks;
            stacks.settle(thread);
        }
        met.clear();
        owedNs = 0;
        unplacedNs = 0;
    }
}
