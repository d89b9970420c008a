package multilangprofiler;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;

/**
 * Weighs stacks by what their threads spent on them.
 *
 * <p>CPU time is measured for each thread, exactly, and held in its {@linkplain Account account} until it is spread evenly over the looks
 * that met it <em>running</em>. One that is never met running has its time credited to the frame of the program that called what it waits in.
 *
 * <p>Asking for stacks makes the JVM stop all threads, which takes a while, and may itself end a wait. So of a thread that waits at times
 * only looks count before which its CPU clock moved, and in a native method that may wait (which reads as runnable to the JVM) also
 * after which; it is not looked at otherwise, so that clocks can be read often. Where no core is to spare that is seldom seen, and after
 * a while looks at what it is ready to run stand in.
 *
 * <p>Threads that start and end unmet are {@linkplain Brief known by what the process has used}.
 *
 * <p>Stacks are seen at safepoints only, so inlined methods count for their callers, unless the {@linkplain Recorder recorder}
 * {@linkplain Pending tells them apart}. The time of a thread that carries virtual threads is spread over its samples of those.
 *
 * <p>In wall mode every thread of the program is met at every poll, and the time since the last one is credited.
 */
final class Stacks implements AutoCloseable {
    /** Threads that have not used the CPU for {@link #ASLEEP_NS} are asked about their clocks only so often. */
    static final int POLLS_OF_THE_AWAKE = 8;
    private static final long ASLEEP_NS = 1_000_000_000L;
    /** An account that holds this many periods is credited although the thread was not met running. */
    private static final int MAX_ACCOUNT = 40;
    /** In a crowd, a thread with less than this part of a period in its account is not worth looking at. */
    private static final int NEGLIGIBLE = 20;
    private static final int CROWD = 32;
    private static final String LATER = "cpu+";
    /** How long the recorder's last samples are waited for. */
    private static final long LAST_SAMPLES_MS = 500;
    private static final long LATELY_NS = 50_000_000L;
    /** The name of the thread that runs {@code main}; once that has returned, the system's same thread is Java's thread of the other name. */
    private static final String MAIN = "main";
    private static final String END = "DestroyJavaVM";
    /** Threads of the JVM itself that only ever wait: left out of wall time. */
    private static final Collection<String> JVM_THREADS = new HashSet<String>(Arrays.asList(
            "Reference Handler", "Finalizer", "Signal Dispatcher", "Service Thread", "Attach Listener", "Common-Cleaner",
            "Notification Thread", END));

    private final ThreadMXBean beans = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final DeepStacks deep = new DeepStacks(beans);
    private final boolean isWall;
    /** Whether the recorder is asked about all threads, and whether it has answered. */
    private boolean isInlined;
    private boolean hasTold;
    /** What the process has to have used of the CPU before it is, or {@link Long#MAX_VALUE}. */
    private long inlinedFromNs = Long.MAX_VALUE;
    private final long askedPeriodNs;
    /** Null in a JVM whose files are not to be moved. */
    private final Path folder;
    private final int cores = Runtime.getRuntime().availableProcessors();
    private final Brief brief;
    private final HashSet<Long> ignored = new HashSet<Long>();
    private HashMap<Long, Seen> threads = new HashMap<Long, Seen>();
    private Seen[] awake = {};
    /** The main thread as it was last seen; null as long as it was not. */
    private Seen main;
    private long startedCount;
    private long startedAtWindow;
    private boolean hadChurn;
    private int pollsOfTheAwake;
    private long weight = 1;
    private final Bursts bursts = new Bursts();
    private final Pace pace = new Pace();
    private final Crowd crowd = new Crowd();
    private long uncountedNs;
    /** What of a poll is yet to be counted: where more are made than were asked for, each is a part of one. */
    private double uncounted;
    /** When the last poll was made, and the last one of the window before; by {@link System#nanoTime}. */
    private long polledNs;
    private long takenNs = System.nanoTime();
    private Window window = new Window();
    private final Pending pending = new Pending();
    /** Null until there is need of it, and where it cannot be had. */
    private Recorder recorder;
    /** Null unless there was need of it. */
    private String whyNoRecorder;
    private boolean isRecording;
    private final Carried carried = new Carried();

    Stacks(String mode, long askedPeriodNs, Path folder) {
        this.isWall = mode.equals("wall");
        this.isInlined = mode.equals("inlined");
        if (mode.startsWith(LATER)) {
            inlinedFromNs = 1_000_000_000L * Long.parseLong(mode.substring(LATER.length()));
        }
        this.askedPeriodNs = askedPeriodNs;
        this.folder = folder;
        this.brief = new Brief(askedPeriodNs, cores);
    }

    long ownCpuNs() {
        return beans.getCurrentThreadCpuTime();
    }

    void lose(long ns) {
        window.lose(ns);
    }

    /**
     * Takes over from {@code first}, which is null where the program was there before us; {@code nowNs} is {@link System#nanoTime}, and
     * {@code oursNs} was used by threads of ours that are over.
     */
    void begin(long nowNs, FirstLooks first, long oursNs) {
        polledNs = nowNs;
        startedCount = beans.getTotalStartedThreadCount();
        list(false);
        long[] usedNs = readClocks(awake);
        hadChurn = true;
        if (first != null && !isWall) {
            brief.begin(first, first.ended(threads.keySet()), oursNs, this);
        }
        creditBrief();
        if (first != null) {
            takeOver(first, usedNs);
            window.poll(first.looks(), nowNs - first.beganNs());
            takenNs = first.beganNs();
        }
    }

    private void takeOver(FirstLooks first, long[] usedNs) {
        main = threads.get(first.mainId());
        if (main == null || main.cpuNs < first.startNs()) {
            // It is over.
            main = first.main();
        }
        List<Seen> unmet = new ArrayList<Seen>();
        for (int i = 0; i < awake.length && !isWall; i++) {
            Seen thread = awake[i];
            long ns = usedNs[i] - first.baselineNs(thread.id, usedNs[i]);
            if (ns > 0 && !(first.isCarrier(thread.id) && carry(ns))) {
                thread.account.hold(ns);
                first.tell(thread);
                thread.isNew = thread.isUnmet();
                if (thread.isNew) {
                    unmet.add(thread);
                } else {
                    settle(thread);
                }
            }
        }
        if (!unmet.isEmpty()) {
            look(crowd.some(unmet), weight);
        }
    }

    /** Credits the time since the last poll; {@code nowNs} is {@link System#nanoTime}, {@code weight} what a look weighs beside others. */
    void poll(long nowNs, long weight) {
        this.weight = weight;
        long elapsedNs = nowNs - polledNs;
        brief.poll(elapsedNs);
        polledNs = nowNs;
        long started = beans.getTotalStartedThreadCount();
        boolean isOfAll = started != startedCount || awake.length == 0 || ++pollsOfTheAwake == POLLS_OF_THE_AWAKE;
        if (isOfAll) {
            startedCount = started;
            pollsOfTheAwake = 0;
            list(true);
        }
        if (isWall) {
            pollWall(elapsedNs);
        } else {
            pollCpu(elapsedNs);
            if (isOfAll) {
                dismissSleepers();
            }
        }
    }

    /** Whether no thread has used the CPU of late. */
    boolean isIdle() {
        return !isWall && awake.length == 0;
    }

    /** Between polls: see {@link Bursts}. */
    long wantedPauseNs() {
        return bursts.wantedPauseNs();
    }

    /** What was credited since the last call; with {@code isLast} all accounts are closed, with {@code isAsked} all that can be is credited. */
    Window takeWindow(boolean isLast, boolean isAsked) {
        for (Seen thread : threads.values()) {
            if (isLast) {
                settle(thread);
            } else {
                // The recorder's samples are of the same time. Who asks may be about to end it all.
                thread.account.pay(polledNs, payee(thread), isRecording || isAsked);
            }
        }
        creditBrief();
        if (isLast) {
            brief.loseUnplaced(this);
        }
        // What comes once a second would come too late.
        boolean isFinal = isLast && carried.isHeld();
        Recorder.Batch told = recorder == null ? null : isFinal ? recorder.finish(LAST_SAMPLES_MS) : recorder.take();
        beginInlined(told, isLast);
        Window late = new Window();
        carried.credit(told, isLast, late);
        pending.credit(told, deep, late);
        if (isLast) {
            pending.creditAll(late);
        }
        long untilNs = polledNs - (told == null || isLast ? 0 : (System.currentTimeMillis() - told.untilMs) * 1_000_000);
        late.taken(untilNs - Recorder.BATCH_NS, untilNs);
        window.taken(takenNs, polledNs);
        window.add(late);
        window.remark(whyNoRecorder);
        bursts.window(threads.values(), polledNs, polledNs - takenNs);
        Window taken = window;
        window = new Window();
        takenNs = polledNs;
        return taken;
    }

    /** The recorder costs the same at any time: a program that has used enough of the CPU hardly notices it. */
    private void beginInlined(Recorder.Batch told, boolean isLast) {
        if (!isInlined && !isLast && inlinedFromNs < Long.MAX_VALUE && Tasks.processNs() >= inlinedFromNs) {
            isInlined = true;
        } else if (isInlined && !hasTold && told != null && !told.ofThreads.isEmpty()) {
            hasTold = true;
            window.tellInlined();
        }
    }

    @Override
    public void close() {
        if (recorder != null) {
            recorder.close();
        }
    }

    /** Where threads come and go, some do so unmet. */
    private void creditBrief() {
        boolean hasChurn = startedCount != startedAtWindow;
        startedAtWindow = startedCount;
        if (!isWall && (hasChurn || hadChurn)) {
            brief.credit(this, threads.values());
        }
        hadChurn = hasChurn;
    }

    /** Finds out which threads there are, and takes all of them for awake. */
    private void list(boolean areNew) {
        HashMap<Long, Seen> before = threads;
        threads = new HashMap<Long, Seen>();
        for (long id : beans.getAllThreadIds()) {
            if (!ignored.contains(id)) {
                Seen thread = before.remove(id);
                threads.put(id, thread == null ? new Seen(id, areNew, polledNs) : thread);
            }
        }
        for (Seen ended : before.values()) {
            // The main thread goes on under another name.
            if (ended != main) {
                brief.end(ended);
            }
            settle(ended);
        }
        awake = threads.values().toArray(new Seen[0]);
    }

    private void dismissSleepers() {
        Seen[] active = new Seen[awake.length];
        int count = 0;
        for (Seen thread : awake) {
            if (polledNs - thread.activeNs < ASLEEP_NS) {
                active[count++] = thread;
            }
        }
        awake = Arrays.copyOf(active, count);
    }

    /** For each of {@code some} the CPU time since its clock was last read. */
    private long[] readClocks(Seen[] some) {
        long[] cpuNs = beans.getThreadCpuTime(Seen.ids(Arrays.asList(some)));
        for (int i = 0; i < some.length; i++) {
            long beforeNs = some[i].cpuNs;
            // A thread that has ended has no clock.
            some[i].cpuNs = Math.max(beforeNs, cpuNs[i]);
            cpuNs[i] = some[i].cpuNs - beforeNs;
        }
        return cpuNs;
    }

    private void pollCpu(long elapsedNs) {
        long[] usedNs = readClocks(awake);
        List<Seen> lively = new ArrayList<Seen>();
        for (int i = 0; i < awake.length; i++) {
            Seen thread = awake[i];
            if (usedNs[i] == 0 && (awake.length > CROWD || polledNs - thread.activeNs > LATELY_NS)) {
                continue;
            }
            thread.activeNs = usedNs[i] == 0 ? thread.activeNs : polledNs;
            // A system thread that becomes a Java thread brings its past along.
            thread.account.hold(thread.isNew ? Math.min(usedNs[i], 2 * Math.max(elapsedNs, askedPeriodNs)) : usedNs[i]);
            if (awake.length <= CROWD || thread.isNew || thread.account.heldNs() * NEGLIGIBLE >= elapsedNs) {
                lively.add(thread);
            }
        }
        isRecording = isInlined && needRecorder();
        if (!lively.isEmpty()) {
            count(elapsedNs);
            // Looks at some stand for those at all.
            List<Seen> those = crowd.some(lively);
            look(those, weight * lively.size() / those.size());
            for (Seen thread : lively) {
                boolean isMuch = thread.account.heldNs() > MAX_ACCOUNT * Math.max(elapsedNs, askedPeriodNs);
                if (thread.account.isFull() || (isMuch && !thread.isUnmet())) {
                    settle(thread);
                }
            }
            bursts.poll(lively);
        }
    }

    /** As many polls as are asked for in the mean; those that are made in between count together. */
    private void count(long elapsedNs) {
        uncountedNs += elapsedNs;
        uncounted += Math.min(1, (double) weight / askedPeriodNs);
        if (uncounted >= 1) {
            window.poll(uncountedNs);
            uncountedNs = 0;
            uncounted -= 1;
        }
    }

    /** Whether their CPU clocks move. */
    private boolean[] areMoving(List<Seen> some) {
        long[] ids = Seen.ids(some);
        long[] beforeNs = beans.getThreadCpuTime(ids);
        long[] afterNs = beans.getThreadCpuTime(ids);
        boolean[] areMoving = new boolean[ids.length];
        for (int i = 0; i < ids.length; i++) {
            areMoving[i] = afterNs[i] > beforeNs[i];
        }
        return areMoving;
    }

    /** Looks where those are whose clocks move, and those of whom little is known. */
    private void look(List<Seen> lively, long weight) {
        boolean[] areMoving = areMoving(lively);
        List<Seen> some = new ArrayList<Seen>();
        List<Boolean> moves = new ArrayList<Boolean>();
        for (int i = 0; i < areMoving.length; i++) {
            Seen thread = lively.get(i);
            boolean isUnknown = !thread.waitedLately(polledNs) || thread.isUnmet() || thread.account.isInNeed(polledNs) || cores == 1;
            if (areMoving[i] || (isUnknown && thread.account.heldNs() > 0)) {
                some.add(thread);
                moves.add(areMoving[i]);
            }
        }
        if (some.isEmpty()) {
            return;
        }
        long beganNs = System.nanoTime();
        ThreadInfo[] infos = beans.getThreadInfo(Seen.ids(some), DeepStacks.MAX_DEPTH);
        boolean isPrompt = pace.isPrompt(System.nanoTime() - beganNs);
        boolean[] areOnCpu = null;
        for (int i = 0; i < infos.length; i++) {
            Seen thread = some.get(i);
            if (infos[i] == null) {
                continue;
            }
            thread.name = infos[i].getThreadName();
            if (isOurs(thread.name)) {
                ignored.add(thread.id);
                thread.account.take();
                continue;
            }
            if (main == null && thread.name.equals(MAIN)) {
                main = thread;
            }
            if (thread.isNew && thread.name.equals(END) && main != null) {
                // All of it but what the main thread was last seen to have used was still for the program.
                main.account.hold(Math.max(0, thread.cpuNs - main.cpuNs));
                settle(main);
                thread.account.take();
                thread.isNew = false;
                continue;
            }
            StackTraceElement[] trace = infos[i].getStackTrace();
            thread.depth = Math.max(1, trace.length);
            boolean isRunning = infos[i].getThreadState() == Thread.State.RUNNABLE;
            if (Traces.isCarrying(trace)) {
                if (carry(thread.account.heldNs())) {
                    thread.account.take();
                    continue;
                }
                // Carriers read as waiting meanwhile.
                isRunning = true;
            }
            if (trace.length == 0) {
                continue;
            }
            trace = deep.complete(thread, trace);
            boolean isMet = moves.get(i) && isPrompt;
            boolean isCertain = isMet || cores == 1 || !(thread.waitedLately(polledNs) || Traces.mayBeSwitched(trace[0]));
            if (isRunning && trace[0].isNativeMethod() && Traces.mayWait(trace[0])) {
                areOnCpu = areOnCpu == null ? areMoving(some) : areOnCpu;
                isRunning = moves.get(i) && areOnCpu[i];
            }
            if (!isRunning) {
                thread.meetWaiting(trace, polledNs);
            } else if (isCertain) {
                thread.account.look(new Trace(trace), weight);
                thread.metNs += weight;
            } else {
                thread.account.glimpse(new Trace(trace), weight);
            }
            thread.isNew = false;
        }
    }

    /** Credits all the time of {@code thread}. */
    void settle(Seen thread) {
        thread.settle(polledNs, window, payee(thread));
    }

    private Account.Payee payee(final Seen thread) {
        return new Account.Payee() {
            @Override
            public void pay(Trace place, long ns, long atMs) {
                // Native methods are seen where they are, and by polls alone.
                if (isRecording && !place.elements[0].isNativeMethod()) {
                    pending.add(thread, place.elements, ns, atMs);
                } else {
                    window.add(thread.id, thread.name, place, ns);
                }
            }
        };
    }

    private void pollWall(long elapsedNs) {
        ThreadInfo[] infos = beans.getThreadInfo(Seen.ids(Arrays.asList(awake)), DeepStacks.MAX_DEPTH);
        window.poll(elapsedNs);
        for (int i = 0; i < infos.length; i++) {
            ThreadInfo info = infos[i];
            if (info == null || JVM_THREADS.contains(info.getThreadName()) || isOurs(info.getThreadName())) {
                continue;
            }
            StackTraceElement[] trace = info.getStackTrace();
            if (trace.length > 0 && !(Traces.isCarrying(trace) && carry(elapsedNs))) {
                window.add(info.getThreadId(), info.getThreadName(), deep.complete(awake[i], trace), elapsedNs);
            }
        }
    }

    /** Takes {@code ns} of a carrier for its virtual threads; false if this Java does not let us see them. */
    private boolean carry(long ns) {
        boolean isSeen = needRecorder();
        carried.hold(isSeen ? ns : 0);
        return isSeen;
    }

    /** Whether there is a recorder; if not, windows say why. */
    private boolean needRecorder() {
        if (recorder == null && whyNoRecorder == null) {
            try {
                recorder = Recorder.begin(folder, askedPeriodNs);
            } catch (Throwable unavailable) {
                // Reflection wraps what it meets.
                whyNoRecorder = (unavailable.getCause() == null ? unavailable : unavailable.getCause()).toString();
            }
        }
        if (recorder != null && recorder.failure != null) {
            whyNoRecorder = recorder.failure.toString();
            recorder = null;
            window.loseVirtual(carried.take());
        }
        return recorder != null;
    }

    private boolean isOurs(String thread) {
        return OwnThread.isOurs(thread) || (recorder != null && thread.startsWith("JFR "));
    }
}
