package multilangprofiler;

/** What is known of one thread. */
final class Seen {
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
    /** Where it was last met running; until then, where it was last met. */
    StackTraceElement[] stack;
    boolean hasRun;

    Seen(long id, boolean isNew) {
        this.id = id;
        this.isNew = isNew;
    }

    static long[] ids(Seen[] threads) {
        long[] ids = new long[threads.length];
        for (int i = 0; i < threads.length; i++) {
            ids[i] = threads[i].id;
        }
        return ids;
    }
}
