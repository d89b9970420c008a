package multilangprofiler;

import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/** The loop: poll, hand over a window now and then, and never take more of the machine than is seemly. */
final class Sampler {
    private static final long WINDOW_NS = 500_000_000L;
    /** When the JVM is shutting down it may end at any time. */
    private static final long LAST_WINDOW_NS = 100_000_000L;
    private static final long LAST_WRITE_MS = 300;
    private static final long MAX_PERIOD_NS = 1_000_000_000L;
    private static final long MAX_IDLE_NS = 100_000_000L;
    /** Pauses are at least this many times as long as what was polled took. */
    private static final int LEAST_PAUSE = 10;
    /** What so few polls cost says nothing, unless it is much: the JVM has just begun to compile what they do. */
    private static final int TELLING_POLLS = 20;
    /** Of a program that works in bursts so many times as many polls are made, if they cost little: most of them find that it waits. */
    private static final int EAGERNESS = 5;
    private static final double LEAST = 0.4;
    private static final long MUCH_NS = 5_000_000L;

    private final Pipe pipe;
    private final String mode;
    private final long askedPeriodNs;
    /** Share of one core that polling may take, before polls are made rarer. */
    private final double maxShare;
    /** Where recordings go; null in a JVM whose files are not to be moved. */
    private final Path recordings;
    /** Null until the management classes are loaded. */
    private volatile Stacks stacks;
    /** What it took to load them. */
    private volatile long beginnerNs;
    private volatile Throwable failure;
    private final Random random = new Random();
    private volatile Thread thread;
    private volatile boolean isEnding;
    private boolean saidLastWords;
    private long periodNs;
    /** The period while more is to be seen than at the usual one. */
    private long eagerNs;
    /** Polls of the open window, the CPU time they took, and that of the worst. */
    private int polls;
    private long pollsNs;
    private long worstNs;
    private long windowBeganNs;

    Sampler(Pipe pipe, String mode, long periodNs, double maxShare, Path recordings) {
        this.pipe = pipe;
        this.mode = mode;
        this.askedPeriodNs = periodNs;
        this.periodNs = periodNs;
        this.eagerNs = periodNs;
        this.maxShare = maxShare;
        this.recordings = recordings;
    }

    /** Samples until nobody listens any more; {@code first} is null where the program was there before us. */
    void run(FirstLooks first) throws Throwable {
        thread = Thread.currentThread();
        long usedNs = first == null ? -1 : first.usedNs();
        pipe.offer("hello\t" + Window.clean(System.getProperty("java.version")) + "\t" + usedNs + "\n");
        prepare(first);
        if (stacks == null) {
            saidLastWords = true;
            pipe.offerLast(first.window().encode(periodNs));
            // Our return closes the pipe.
            pipe.awaitLast(LAST_WRITE_MS);
            return;
        }
        try {
            poll(first);
        } finally {
            stacks.close();
        }
    }

    /** Loads the management classes, and looks at the threads meanwhile; leaves {@link #stacks} null if the program ends before that. */
    private void prepare(FirstLooks first) throws Throwable {
        OwnThread beginner = OwnThread.begin("beginner", new Runnable() {
            @Override
            public void run() {
                try {
                    Stacks ready = new Stacks(mode, askedPeriodNs, recordings);
                    beginnerNs = ready.ownCpuNs();
                    stacks = ready;
                } catch (Throwable unavailable) {
                    failure = unavailable;
                }
                LockSupport.unpark(thread);
            }
        });
        while (stacks == null && failure == null && !(isEnding && first != null)) {
            long pauseNs = first == null ? FirstLooks.PAUSE_NS : first.look();
            LockSupport.parkNanos((long) (pauseNs * (0.5 + random.nextDouble())));
        }
        if (failure != null) {
            throw failure;
        }
        if (stacks != null) {
            // Else its time would be taken for that of a thread of the program's.
            beginner.join();
        }
    }

    private void poll(FirstLooks first) {
        windowBeganNs = System.nanoTime();
        stacks.begin(windowBeganNs, first, beginnerNs);
        long dueNs = windowBeganNs;
        long costNs = 0;
        while (!pipe.isBroken()) {
            long beganNs = System.nanoTime();
            long beganCpuNs = stacks.ownCpuNs();
            // How much time a look stands for: where looks are dear they are rarer.
            stacks.poll(beganNs, Math.max(meanPauseNs(), LEAST_PAUSE * costNs));
            costNs = stacks.ownCpuNs() - beganCpuNs;
            polls++;
            pollsNs += costNs;
            worstNs = Math.max(worstNs, costNs);
            boolean isLast = isEnding && !saidLastWords;
            boolean isAsked = pipe.isAsked();
            if (isLast || isAsked || beganNs - windowBeganNs >= (isEnding ? LAST_WINDOW_NS : WINDOW_NS)) {
                closeWindow(beganNs, isLast, isAsked);
            }
            // Where one poll alone is too much, the next is far away, whatever the governor has yet to learn.
            long nowNs = System.nanoTime();
            dueNs = nextNs(dueNs, nowNs);
            LockSupport.parkNanos(Math.max(LEAST_PAUSE * costNs, dueNs - nowNs));
        }
    }

    /** When the poll is due that follows the one of {@code dueNs}: one that comes late, as they all do somewhat, does not delay the others. */
    private long nextNs(long dueNs, long nowNs) {
        long ns = meanPauseNs();
        return Math.max(dueNs, nowNs - ns) + (long) (ns * pause());
    }

    private long meanPauseNs() {
        if (stacks.isIdle()) {
            return Math.max(periodNs, Math.min(MAX_IDLE_NS, periodNs * Stacks.POLLS_OF_THE_AWAKE));
        }
        return Math.min(periodNs, Math.max(eagerNs, stacks.wantedPauseNs()));
    }

    /**
     * In periods, one in the mean. A regular beat, even one with some jitter, meets a program that does something every 10 ms at the same
     * places again and again. Pauses that spread over more than a period do not; those without any memory would make looks weigh too
     * differently.
     */
    private double pause() {
        return LEAST + 2 * (1 - LEAST) * random.nextDouble();
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

    private void closeWindow(long nowNs, boolean isLast, boolean isAsked) {
        govern();
        windowBeganNs = nowNs;
        Window window = stacks.takeWindow(isLast, isAsked);
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
            if (polls < TELLING_POLLS && costNs < MUCH_NS) {
                return;
            }
            long cheapNs = Math.min(MAX_PERIOD_NS, (long) (costNs / maxShare));
            periodNs = Math.max(askedPeriodNs, cheapNs);
            eagerNs = Math.max(askedPeriodNs / EAGERNESS, cheapNs);
        }
        polls = 0;
        pollsNs = 0;
        worstNs = 0;
    }
}
