package multilangprofiler;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * CPU time of threads that were met running, held until the {@linkplain Recorder recorder's} samples of the same time tell where it
 * was spent.
 *
 * <p>Polls know how much a thread has used, but see it only at safepoints: never in a method that the JIT has inlined. The recorder
 * sees it everywhere. So what polls have found of a thread in about a second is spread evenly over the recorder's samples of
 * that thread and second. Where it has too few, and for methods in which it finds nobody (it cannot walk out of some code that the JVM
 * puts in their place), what was polled holds.
 */
final class Pending {
    /** A recorder that has not told by then is not waited for any longer. */
    private static final long PATIENCE_MS = 4_000;
    private static final int FEW_SAMPLES = 3;
    /** Of what polls have met, the recorder samples at least this part, or it starves. */
    private static final double LEAST_SHARE = 0.1;
    /** In a method, what it calls included, it is blind if it finds less than this part of what polls do. */
    private static final double BLIND = 0.3;
    /** Two stretches of time of which this part was polled in the same methods are alike. */
    private static final double ALIKE = 0.5;

    private final Map<Long, Held> threads = new HashMap<Long, Held>();

    /** {@code thread} has spent {@code ns}, and was met with {@code trace} at {@code atMs}. */
    void add(Seen thread, StackTraceElement[] trace, long ns, long atMs) {
        Held held = threads.get(thread.id);
        if (held == null) {
            held = new Held(thread);
            threads.put(thread.id, held);
        }
        held.polls.add(new Poll(trace, ns, atMs));
    }

    /** Credits what {@code batch} tells about; without one, what has waited for too long. */
    void credit(Recorder.Batch batch, DeepStacks deep, Window window) {
        long untilMs = batch == null ? System.currentTimeMillis() - PATIENCE_MS : batch.untilMs;
        for (Iterator<Held> each = threads.values().iterator(); each.hasNext(); ) {
            Held held = each.next();
            List<Poll> due = held.takeUntil(untilMs);
            List<StackTraceElement[]> samples = batch == null ? null : batch.ofThreads.get(held.thread.id);
            if (samples != null && samples.size() >= Math.max(FEW_SAMPLES, LEAST_SHARE * due.size())) {
                held.meet(due, deep.complete(held.thread, samples));
                held.spread(due, window);
            } else {
                held.creditAsPolled(due, window);
            }
            if (held.polls.isEmpty() && due.isEmpty()) {
                each.remove();
            }
        }
    }

    /** Credits all there is: what the recorder has not told yet by what it told last, if the thread has been at the same places since. */
    void creditAll(Window window) {
        for (Held held : threads.values()) {
            List<Poll> due = held.takeUntil(Long.MAX_VALUE);
            if (held.samples != null && areAlike(places(due), held.places)) {
                held.spread(due, window);
            } else {
                held.creditAsPolled(due, window);
            }
        }
    }

    /** Nanoseconds by the method in which the thread was met. */
    private static Map<String, Long> places(List<Poll> polls) {
        Map<String, Long> places = new HashMap<String, Long>();
        for (Poll poll : polls) {
            String method = Traces.name(poll.trace[0]);
            Long before = places.get(method);
            places.put(method, poll.ns + (before == null ? 0 : before));
        }
        return places;
    }

    private static boolean areAlike(Map<String, Long> places, Map<String, Long> others) {
        double common = 0;
        for (Map.Entry<String, Long> place : places.entrySet()) {
            Long other = others.get(place.getKey());
            common += other == null ? 0 : Math.min((double) place.getValue() / sum(places), (double) other / sum(others));
        }
        return common >= ALIKE;
    }

    private static long sum(Map<String, Long> places) {
        long sum = 0;
        for (long ns : places.values()) {
            sum += ns;
        }
        return sum;
    }

    private static final class Poll {
        final StackTraceElement[] trace;
        final long ns;
        final long atMs;

        Poll(StackTraceElement[] trace, long ns, long atMs) {
            this.trace = trace;
            this.ns = ns;
            this.atMs = atMs;
        }
    }

    private static final class Held {
        final Seen thread;
        final ArrayDeque<Poll> polls = new ArrayDeque<Poll>();
        /** What the recorder told last, where polls met the thread meanwhile, and in which methods the recorder is blind. */
        List<StackTraceElement[]> samples;
        Map<String, Long> places;
        final Set<String> blindSpots = new HashSet<String>();

        Held(Seen thread) {
            this.thread = thread;
        }

        List<Poll> takeUntil(long ms) {
            List<Poll> taken = new ArrayList<Poll>();
            while (!polls.isEmpty() && polls.peek().atMs <= ms) {
                taken.add(polls.remove());
            }
            return taken;
        }

        void meet(List<Poll> due, List<StackTraceElement[]> told) {
            samples = told;
            places = places(due);
            Map<String, double[]> found = new HashMap<String, double[]>();
            for (String method : places.keySet()) {
                found.put(method, new double[2]);
            }
            for (Poll poll : due) {
                find(poll.trace, (double) poll.ns / sum(places), found, 0);
            }
            for (StackTraceElement[] sample : told) {
                find(sample, 1.0 / told.size(), found, 1);
            }
            blindSpots.clear();
            for (Map.Entry<String, double[]> method : found.entrySet()) {
                if (method.getValue()[1] < BLIND * method.getValue()[0]) {
                    blindSpots.add(method.getKey());
                }
            }
        }

        /** Adds {@code share} for each of the methods in {@code found} that {@code trace} has. */
        private static void find(StackTraceElement[] trace, double share, Map<String, double[]> found, int teller) {
            Set<double[]> sums = Collections.newSetFromMap(new IdentityHashMap<double[], Boolean>());
            for (StackTraceElement frame : trace) {
                double[] sum = found.get(Traces.name(frame));
                if (sum != null && sums.add(sum)) {
                    sum[teller] += share;
                }
            }
        }

        void spread(List<Poll> due, Window window) {
            long leftNs = 0;
            for (Poll poll : due) {
                if (blindSpots.contains(Traces.name(poll.trace[0]))) {
                    window.add(thread.id, thread.name, poll.trace, poll.ns);
                } else {
                    leftNs += poll.ns;
                }
            }
            for (int left = samples.size(); left > 0 && leftNs > 0; left--) {
                long ns = leftNs / left;
                window.add(thread.id, thread.name, samples.get(left - 1), ns);
                leftNs -= ns;
            }
        }

        void creditAsPolled(List<Poll> due, Window window) {
            for (Poll poll : due) {
                window.add(thread.id, thread.name, poll.trace, poll.ns);
            }
        }
    }
}
