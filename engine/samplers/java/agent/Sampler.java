package multilangprofiler;

import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/** The loop: poll, hand over a window now and then, and never take more of the machine than is seemly. */
final class Sampler implements Runnable {
    private static final long WINDOW_NS = 500_000_000L;
    /** When the JVM is shutting down it may end at any time. */
    private static final long LAST_WINDOW_NS = 100_000_000L;
    private static final long MAX_PERIOD_NS = 1_000_000_000L;
    private static final long MAX_IDLE_NS = 100_000_000L;
    /** Share of one core that polling may take, before polls are made rarer; who asks for many is ready to pay for them. */
    private static final double MAX_SHARE = 0.02;
    private static final double MAX_SHARE_OF_MANY = 0.03;
    private static final long MANY_PERIOD_NS = 5_000_000L;
    /** Pauses are at least this many times as long as what was polled took. */
    private static final int LEAST_PAUSE = 10;

    private final Stacks stacks;
    private final Pipe pipe;
    private final long askedPeriodNs;
    private final Random random = new Random();
    private volatile Thread thread;
    private volatile boolean isEnding;
    private boolean saidLastWords;
    private long periodNs;
    /** Polls of the open window, the CPU time they took, and that of the worst. */
    private int polls;
    private long pollsNs;
    private long worstNs;
    private long windowBeganNs;

    Sampler(Stacks stacks, Pipe pipe, long periodNs) {
        this.stacks = stacks;
        this.pipe = pipe;
        this.askedPeriodNs = periodNs;
        this.periodNs = periodNs;
    }

    @Override
    public void run() {
        thread = Thread.currentThread();
        pipe.offer("hello\t" + Window.clean(System.getProperty("java.version")) + "\n");
        windowBeganNs = System.nanoTime();
        long dueNs = windowBeganNs;
        while (!pipe.isBroken()) {
            long beganNs = System.nanoTime();
            long beganCpuNs = stacks.ownCpuNs();
            stacks.poll(beganNs);
            long costNs = stacks.ownCpuNs() - beganCpuNs;
            polls++;
            pollsNs += costNs;
            worstNs = Math.max(worstNs, costNs);
            boolean isLast = isEnding && !saidLastWords;
            if (isLast || pipe.isAsked() || beganNs - windowBeganNs >= (isEnding ? LAST_WINDOW_NS : WINDOW_NS)) {
                closeWindow(beganNs, isLast);
            }
            // Where one poll alone is too much, the next is far away, whatever the governor has yet to learn.
            long nowNs = System.nanoTime();
            dueNs = nextNs(dueNs, nowNs);
            LockSupport.parkNanos(Math.max(LEAST_PAUSE * costNs, dueNs - nowNs));
        }
    }

    /** When the poll is due that follows the one of {@code dueNs}: one that comes late, as they all do somewhat, does not delay the others. */
    private long nextNs(long dueNs, long nowNs) {
        long ns = stacks.isIdle() ? Math.max(periodNs, Math.min(MAX_IDLE_NS, periodNs * Stacks.POLLS_OF_THE_AWAKE)) : periodNs;
        // Without jitter, a program that does something every 10 ms would always be met at the same place.
        return Math.max(dueNs, nowNs - ns) + (long) (ns * (0.75 + 0.5 * random.nextDouble()));
    }

    /** Called by the JVM's shutdown: returns when the profiler has what there is, or after {@code deadlineMs}. */
    void awaitLastWords(long deadlineMs) {
        isEnding = true;
        LockSupport.unpark(thread);
        try {
            pipe.awaitLast(deadlineMs);
        } catch (InterruptedException hurried) {
            return;
        }
    }

    private void closeWindow(long nowNs, boolean isLast) {
        govern();
        windowBeganNs = nowNs;
        Window window = stacks.takeWindow(isLast);
        String message = window.encode(periodNs);
        if (isLast) {
            saidLastWords = true;
            pipe.offerLast(message);
        } else if (!pipe.offer(message)) {
            stacks.lose(window.weightNs());
        }
    }

    /** Sets the period by what a poll costs in the mean; the worst is left out, in which classes were loaded, say. */
    private void govern() {
        if (polls > 1) {
            long costNs = (pollsNs - worstNs) / (polls - 1);
            double maxShare = askedPeriodNs < MANY_PERIOD_NS ? MAX_SHARE_OF_MANY : MAX_SHARE;
            periodNs = Math.max(askedPeriodNs, Math.min(MAX_PERIOD_NS, (long) (costNs / maxShare)));
        }
        polls = 0;
        pollsNs = 0;
        worstNs = 0;
    }
}
