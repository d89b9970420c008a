package multilangprofiler;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;

/**
 * Weighs stacks by what their threads spent on them.
 *
 * <p>CPU time is measured for each thread, exactly, and credited to a stack on which the thread is met <em>running</em>. While
 * it is met waiting, the time stays in its account: of a thread that computes a tenth of the time, one poll in ten finds what
 * it computes, and gets the time of all ten. One that is never met running has its time credited to the frame of the program
 * that called what it waits in.
 *
 * <p>Asking for stacks makes the JVM stop all threads, which takes a while, and may itself end a wait. So a thread that waits
 * at times is running for certain only if its CPU clock moved before we asked, and in a native method that may wait (which
 * reads as runnable to the JVM) if it moved afterwards, too. Where no core is to spare that cannot be seen, and several
 * looks at what it is ready to run stand for one.
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
    private static final long LATELY_NS = 50_000_000L;
    /** A thread that was met and has ended stands for this many periods of those that were not, at the most. */
    private static final int MAX_BRIEF = 4;
    private static final int FEW_SAMPLES = 50;
    private static final int ENOUGH_SAMPLES = 200;
    /** The name of the thread that runs {@code main}; once that has returned, the system's same thread is Java's thread of the other name. */
    private static final String MAIN = "main";
    private static final String END = "DestroyJavaVM";
    private static final long MAX_CARRIED_NS = 5_000_000_000L;
    /** Threads of the JVM itself that only ever wait: left out of wall time. */
    private static final Collection<String> JVM_THREADS = new HashSet<String>(Arrays.asList(
            "Reference Handler", "Finalizer", "Signal Dispatcher", "Service Thread", "Attach Listener", "Common-Cleaner",
            "Notification Thread", END));

    private final ThreadMXBean beans = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final DeepStacks deep = new DeepStacks(beans);
    private final boolean isWall;
    /** Whether the recorder is asked about all threads. */
    private final boolean isInlined;
    private final long askedPeriodNs;
    /** Null in a JVM whose files are not to be moved. */
    private final Path folder;
    private final int cores = Runtime.getRuntime().availableProcessors();
    private final HashSet<Long> ignored = new HashSet<Long>();
    private HashMap<Long, Seen> threads = new HashMap<Long, Seen>();
    private Seen[] awake = {};
    /** The main thread as it was last seen; null as long as it was not. */
    private Seen main;
    private long startedCount;
    private long startedAtWindow;
    private boolean hadChurn;
    private final Brief brief = new Brief();
    private int pollsOfTheAwake;
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
    /** The time of carriers that is to be credited to the stacks of virtual threads. */
    private long carriedNs;
    /** What they were last seen running: the samples that came last, and of those before as many as make enough. */
    private final ArrayDeque<StackTraceElement[]> carried = new ArrayDeque<StackTraceElement[]>();

    Stacks(String mode, long askedPeriodNs, Path folder) {
        this.isWall = mode.equals("wall");
        this.isInlined = mode.equals("inlined");
        this.askedPeriodNs = askedPeriodNs;
        this.folder = folder;
    }

    long ownCpuNs() {
        return beans.getCurrentThreadCpuTime();
    }

    void lose(long ns) {
        window.lose(ns);
    }

    /** Takes over from {@code first}, which is null where the program was there before us; {@code nowNs} is {@link System#nanoTime}. */
    void begin(long nowNs, FirstLooks first) {
        startedCount = beans.getTotalStartedThreadCount();
        list(false);
        long[] usedNs = readClocks(awake);
        polledNs = nowNs;
        hadChurn = true;
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
            if (ns > 0 && !first.credit(thread.id, ns, window)) {
                thread.accountNs = ns;
                thread.isNew = true;
                unmet.add(thread);
            }
        }
        if (!unmet.isEmpty()) {
            look(unmet.toArray(new Seen[0]), Long.MAX_VALUE);
        }
    }

    /** Credits the time since the last poll; {@code nowNs} is {@link System#nanoTime}. */
    void poll(long nowNs) {
        long elapsedNs = nowNs - polledNs;
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

    /** What was credited since the last call; with {@code isLast} all accounts are closed. */
    Window takeWindow(boolean isLast) {
        if (isLast) {
            for (Seen thread : threads.values()) {
                thread.settle(window);
            }
        }
        creditBrief();
        Recorder.Batch told = recorder == null ? null : recorder.take();
        Window late = new Window();
        creditCarried(told == null ? Collections.<StackTraceElement[]>emptyList() : told.ofVirtualThreads, isLast, late);
        pending.credit(told, deep, late);
        if (isLast) {
            pending.creditAll(late);
        }
        long untilNs = polledNs - (told == null || isLast ? 0 : (System.currentTimeMillis() - told.untilMs) * 1_000_000);
        late.taken(untilNs - Recorder.BATCH_NS, untilNs);
        window.taken(takenNs, polledNs);
        window.add(late);
        window.remark(whyNoRecorder);
        Window taken = window;
        window = new Window();
        takenNs = polledNs;
        return taken;
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
            brief.credit(window, threads.values(), MAX_BRIEF * askedPeriodNs * cores);
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
                threads.put(id, thread == null ? new Seen(id, areNew) : thread);
            }
        }
        for (Seen ended : before.values()) {
            ended.settle(window);
            // The main thread goes on under another name.
            if (ended != main) {
                brief.end(ended);
            }
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
        long[] cpuNs = beans.getThreadCpuTime(Seen.ids(some));
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
        Seen[] hot = new Seen[awake.length];
        int hotCount = 0;
        for (int i = 0; i < awake.length; i++) {
            Seen thread = awake[i];
            if (usedNs[i] == 0 && (awake.length > CROWD || polledNs - thread.activeNs > LATELY_NS)) {
                continue;
            }
            thread.activeNs = usedNs[i] == 0 ? thread.activeNs : polledNs;
            // A system thread that becomes a Java thread brings its past along.
            thread.accountNs += thread.isNew ? Math.min(usedNs[i], 2 * Math.max(elapsedNs, askedPeriodNs)) : usedNs[i];
            if (awake.length <= CROWD || thread.isNew || thread.accountNs * NEGLIGIBLE >= elapsedNs) {
                hot[hotCount++] = thread;
            }
        }
        isRecording = isInlined && needRecorder();
        if (hotCount > 0) {
            window.poll(elapsedNs);
            look(Arrays.copyOf(hot, hotCount), MAX_ACCOUNT * Math.max(elapsedNs, askedPeriodNs));
        }
    }

    /** Credits the accounts of those that are met running. */
    private void look(Seen[] hot, long maxAccountNs) {
        long[] ids = Seen.ids(hot);
        long[] beforeNs = beans.getThreadCpuTime(ids);
        ThreadInfo[] infos = beans.getThreadInfo(ids, DeepStacks.MAX_DEPTH);
        long[] afterNs = beans.getThreadCpuTime(ids);
        boolean[] areOnCpu = null;
        for (int i = 0; i < hot.length; i++) {
            Seen thread = hot[i];
            if (infos[i] == null) {
                continue;
            }
            thread.name = infos[i].getThreadName();
            if (isOurs(thread.name)) {
                ignored.add(thread.id);
                thread.accountNs = 0;
                continue;
            }
            if (main == null && thread.name.equals(MAIN)) {
                main = thread;
            }
            if (thread.isNew && thread.name.equals(END) && main != null) {
                // All of it but what the main thread was last seen to have used was still for the program.
                main.accountNs += Math.max(0, thread.cpuNs - main.cpuNs);
                main.settle(window);
                thread.accountNs = 0;
                thread.isNew = false;
                continue;
            }
            StackTraceElement[] trace = infos[i].getStackTrace();
            boolean isRunning = infos[i].getThreadState() == Thread.State.RUNNABLE;
            if (Traces.isCarrying(trace)) {
                if (carry(thread.accountNs)) {
                    thread.accountNs = 0;
                    continue;
                }
                // Carriers read as waiting meanwhile.
                isRunning = true;
            }
            if (trace.length == 0) {
                continue;
            }
            trace = deep.complete(thread, trace);
            boolean isNative = trace[0].isNativeMethod();
            boolean wasOnCpu = beforeNs[i] > thread.cpuNs;
            boolean isCertain = afterNs[i] > thread.cpuNs || !(thread.waits || Traces.mayBeSwitched(trace[0]));
            if (isRunning && isNative && Traces.mayWait(trace[0])) {
                areOnCpu = areOnCpu == null ? areOnCpu(ids) : areOnCpu;
                isCertain = wasOnCpu && areOnCpu[i];
                isRunning = isCertain;
            }
            boolean isDue = false;
            if (!isRunning) {
                thread.meetWaiting(trace);
            } else if (isCertain) {
                credit(thread, trace, isNative);
                thread.meetRunning(trace);
            } else {
                // One that never waits will be met again where threads are not switched by preference.
                isDue = thread.meetDoubtful(trace) && thread.waits;
            }
            if (isDue || thread.accountNs > maxAccountNs) {
                thread.settle(window);
            }
            thread.isNew = false;
        }
    }

    private void credit(Seen thread, StackTraceElement[] trace, boolean isNative) {
        // Native methods are seen where they are, and by polls alone.
        if (isRecording && !isNative) {
            pending.add(thread, trace, thread.accountNs);
        } else {
            window.add(thread.id, thread.name, trace, thread.accountNs);
        }
        thread.accountNs = 0;
    }

    /** Whether the CPU clocks of these threads move. */
    private boolean[] areOnCpu(long[] ids) {
        long[] beforeNs = beans.getThreadCpuTime(ids);
        long[] afterNs = beans.getThreadCpuTime(ids);
        boolean[] areOnCpu = new boolean[ids.length];
        for (int i = 0; i < ids.length; i++) {
            areOnCpu[i] = afterNs[i] > beforeNs[i];
        }
        return areOnCpu;
    }

    private void pollWall(long elapsedNs) {
        ThreadInfo[] infos = beans.getThreadInfo(Seen.ids(awake), DeepStacks.MAX_DEPTH);
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
        carriedNs += isSeen ? ns : 0;
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
            window.lose(carriedNs);
            carriedNs = 0;
        }
        return recorder != null;
    }

    /** Spreads the time of the carriers over the samples of what they carried, which come late and at times of their own. */
    private void creditCarried(List<StackTraceElement[]> samples, boolean isLast, Window late) {
        carried.addAll(samples);
        while (carried.size() > Math.max(samples.size(), ENOUGH_SAMPLES)) {
            carried.remove();
        }
        boolean isDue = (!samples.isEmpty() && carried.size() >= FEW_SAMPLES) || isLast || carriedNs > MAX_CARRIED_NS;
        if (carriedNs == 0 || !isDue) {
            return;
        }
        if (carried.isEmpty()) {
            late.lose(carriedNs);
        }
        long leftNs = carriedNs;
        int left = carried.size();
        for (StackTraceElement[] stack : carried) {
            long ns = leftNs / left--;
            leftNs -= ns;
            late.add(0, "virtual threads", stack, ns);
        }
        carriedNs = 0;
    }

    private boolean isOurs(String thread) {
        return OwnThread.isOurs(thread) || (recorder != null && thread.startsWith("JFR "));
    }
}
