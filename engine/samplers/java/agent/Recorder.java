package multilangprofiler;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Stacks as the JVM's Flight Recorder samples them (Java 17 and newer): wherever threads are, so with the methods that the JIT has
 * inlined, and of virtual threads, too. It tells where, but not how often: some stacks it cannot walk, and it may starve.
 */
abstract class Recorder {
    /** Why no samples come; null as long as they may. */
    volatile Throwable failure;

    /** Begins to sample; files go to {@code folder} if there is one. Throws if this Java, or the one that compiled us, has no Flight Recorder. */
    static Recorder begin(Path folder, long periodNs) throws Exception {
        return (Recorder) Class.forName("multilangprofiler.FlightRecorded")
                .getDeclaredConstructor(Path.class, long.class)
                .newInstance(folder, periodNs);
    }

    /** Batches come about as often. */
    static final long BATCH_NS = 1_000_000_000L;

    /** What has come since the last call; null if nothing has. */
    abstract Batch take();

    /** Ends sampling, and gives all that has not been taken, for which it takes {@code deadlineMs} at most; null for nothing. */
    abstract Batch finish(long deadlineMs);

    /** Ends sampling. */
    abstract void close();

    /** The samples of one stretch of time, each a stack with its leaf first. */
    static final class Batch {
        final List<Sample> ofVirtualThreads = new ArrayList<Sample>();
        /** By the threads' numbers. */
        final Map<Long, List<StackTraceElement[]>> ofThreads = new HashMap<Long, List<StackTraceElement[]>>();
        /** Milliseconds since the epoch; samples of later are still to come. */
        long untilMs;

        void add(Batch later) {
            ofVirtualThreads.addAll(later.ofVirtualThreads);
            for (Map.Entry<Long, List<StackTraceElement[]>> thread : later.ofThreads.entrySet()) {
                of(thread.getKey()).addAll(thread.getValue());
            }
            untilMs = Math.max(untilMs, later.untilMs);
        }

        List<StackTraceElement[]> of(long thread) {
            List<StackTraceElement[]> samples = ofThreads.get(thread);
            if (samples == null) {
                samples = new ArrayList<StackTraceElement[]>();
                ofThreads.put(thread, samples);
            }
            return samples;
        }
    }

    /** A stack, leaf first, and when it was taken, in milliseconds since the epoch. */
    static final class Sample implements Comparable<Sample> {
        final StackTraceElement[] trace;
        final long atMs;

        Sample(StackTraceElement[] trace, long atMs) {
            this.trace = trace;
            this.atMs = atMs;
        }

        @Override
        public int compareTo(Sample other) {
            return Long.compare(atMs, other.atMs);
        }
    }
}
