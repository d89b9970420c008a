package multilangprofiler;

import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/** The loop: poll, hand over a window now and then, and never take more of the machine than is seemly. */
final class Sampler implements Runnable {
    private static final long WINDOW_NS = 500_000_000L;
    /** When the JVM is shutting down it may end at any time. */
    private static final long LAST_WINDOW_NS = 100_000_000L;
    private static final long MAX_PERIOD_NS = 200_000_000L;
    /** Share of one core that polling may take, before polls are made rarer. */
    private static final double MAX_SHARE = 0.03;

    private final Stacks stacks;
    private final Pipe pipe;
    private final long askedPeriodNs;
    private final Random random = new Random();
    private volatile Thread thread;
    private volatile boolean isEnding;
    private boolean saidLastWords;
    private long periodNs;
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
            stacks.poll(beganNs);
            boolean isLast = isEnding && !saidLastWords;
            if (isLast || pipe.isAsked() || beganNs - windowBeganNs >= (isEnding ? LAST_WINDOW_NS : WINDOW_NS)) {
                closeWindow(beganNs, isLast);
            }
            // Without jitter, a program that does something every 10 ms would always be met at the same place.
            long pauseNs = (long) (periodNs * (0.75 + 0.5 * random.nextDouble())) - (System.nanoTime() - beganNs);
            LockSupport.parkNanos(Math.max(pauseNs, periodNs / 8));
        }
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

    private void govern(long wallNs, long cpuNs) {
        if (wallNs < LAST_WINDOW_NS) {
            return;
        }
        double share = (double) cpuNs / wallNs;
        if (share > MAX_SHARE) {
            periodNs = Math.min(MAX_PERIOD_NS, (long) (periodNs * share / MAX_SHARE));
        } else if (share < MAX_SHARE / 2) {
            periodNs = Math.max(askedPeriodNs, periodNs * 3 / 4);
        }
        periodNs = Math.max(periodNs, askedPeriodNs);
    }
}
