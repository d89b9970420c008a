package multilangprofiler;

import com.sun.management.ThreadMXBean;
import java.lang.management.ThreadInfo;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Gives stacks that are deeper than what is asked for at each poll the outermost frames of their thread.
 *
 * <p>The program stands still while a stack is walked: a millisecond for some two thousand frames. So all of it is asked for
 * now and then only, and what is found stands for the deep stacks that are met until the next time. Of a recursion that is
 * begun in several places, each gets as much as it was found there.
 */
final class DeepStacks {
    /** How many frames are asked for at each poll. */
    static final int MAX_DEPTH = 256;
    /** Of a deeper stack the frames on the leaf's side that are shown; those on the root's side are the others, less the mark between. */
    private static final int INNERMOST = 192;
    private static final int OUTERMOST = MAX_DEPTH - INNERMOST - 1;
    /** Of a stack that is still deeper the outermost frames are not known. */
    private static final int DEEPEST = 8_192;
    /** Pauses between such looks are at least this many times as long as the last one took. */
    private static final int RARELY = 100;
    /** A thread of which something is known leaves its turn to another as often as not. */
    private static final int TAKERS = 2;

    private final ThreadMXBean beans;
    private final Random random = new Random();
    private long notBeforeNs = System.nanoTime();

    DeepStacks(ThreadMXBean beans) {
        this.beans = beans;
    }

    /** {@code trace}, of {@link #MAX_DEPTH} frames at the most, with {@link Traces#CUT} where frames are missing. */
    StackTraceElement[] complete(Seen thread, StackTraceElement[] trace) {
        return trace.length < MAX_DEPTH ? trace : complete(thread, trace, MAX_DEPTH);
    }

    /** The same for stacks that end with {@link Traces#CUT} where the recorder has cut them. */
    List<StackTraceElement[]> complete(Seen thread, List<StackTraceElement[]> traces) {
        List<StackTraceElement[]> completed = new ArrayList<StackTraceElement[]>(traces.size());
        for (StackTraceElement[] trace : traces) {
            int depth = trace.length - 1;
            completed.add(depth > 0 && trace[depth] == Traces.CUT ? complete(thread, trace, depth) : trace);
        }
        return completed;
    }

    private StackTraceElement[] complete(Seen thread, StackTraceElement[] trace, int depth) {
        StackTraceElement outermost = trace[depth - 1];
        if (System.nanoTime() - notBeforeNs >= 0
                && (thread.outermostOf(outermost).length == 0 || random.nextInt(TAKERS) == 0)) {
            look(thread);
        }
        StackTraceElement[] outer = thread.outermostOf(outermost);
        int innermost = Math.min(depth, INNERMOST);
        StackTraceElement[] completed = Arrays.copyOf(trace, innermost + 1 + outer.length);
        completed[innermost] = Traces.CUT;
        System.arraycopy(outer, 0, completed, innermost + 1, outer.length);
        return completed;
    }

    private void look(Seen thread) {
        long beganNs = System.nanoTime();
        ThreadInfo info = beans.getThreadInfo(new long[] {thread.id}, DEEPEST)[0];
        long endedNs = System.nanoTime();
        notBeforeNs = endedNs + RARELY * (endedNs - beganNs);
        if (info != null && info.getStackTrace().length < DEEPEST) {
            thread.meetWhole(info.getStackTrace(), OUTERMOST);
        }
    }
}
