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
    /** Share of one core that polling may take, before polls are made rarer. */
    private static final double MAX_SHARE = 0.03;
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
    private long polls;
    private long windowBeganNs;
    private long windowBeganCpuNs;

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
        windowBeganCpuNs = stacks.ownCpuNs();
        while (!pipe.isBroken()) {
            long beganNs = System.nanoTime();
            long beganCpuNs = stacks.ownCpuNs();
            stacks.poll(beganNs, periodNs);
            polls++;
            boolean isLast = isEnding && !saidLastWords;
            if (isLast || pipe.isAsked() || beganNs - windowBeganNs >= (isEnding ? LAST_WINDOW_NS : WINDOW_NS)) {
                closeWindow(beganNs, isLast);
            }
            // Where one poll alone is too much, the next is far away, whatever the governor has yet to learn.
            long leastNs = LEAST_PAUSE * (stacks.ownCpuNs() - beganCpuNs);
            LockSupport.parkNanos(Math.max(leastNs, pauseNs() - (System.nanoTime() - beganNs)));
        }
    }

    private long pauseNs() {
        long ns = stacks.isIdle() ? Math.max(periodNs, Math.min(MAX_IDLE_NS, periodNs * Stacks.POLLS_OF_THE_AWAKE)) : periodNs;
        // Without jitter, a program that does something every 10 ms would always be met at the same place.
        return (long) (ns * (0.75 + 0.5 * random.nextDouble()));
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
        long cpuNs = stacks.ownCpuNs();
        govern(nowNs - windowBeganNs, cpuNs - windowBeganCpuNs);
        windowBeganNs = nowNs;
        windowBeganCpuNs = cpuNs;
        Window window = stacks.takeWindow(isLast);
        String message = window.encode(Stacks.MAX_DEPTH, periodNs);
        if (isLast) {
            saidLastWords = true;
            pipe.offerLast(message);
        } else if (!pipe.offer(message)) {
            stacks.lose(window.weightNs());
        }
    }

    /** Sets the period by what the polls of a window cost. */
    private void govern(long wallNs, long cpuNs) {
        long intervalNs = wallNs / Math.max(1, polls);
        polls = 0;
        if (wallNs < LAST_WINDOW_NS || stacks.isIdle()) {
            return;
        }
        double fittingNs = intervalNs * ((double) cpuNs / wallNs) / MAX_SHARE;
        // At most twice as long at once: the first polls of a cold JVM cost many times what later ones do.
        double nextNs = Math.max(periodNs * 0.7, Math.min(intervalNs * 2.0, fittingNs));
        periodNs = (long) Math.max(askedPeriodNs, Math.min(MAX_PERIOD_NS, nextNs));
    }
}
