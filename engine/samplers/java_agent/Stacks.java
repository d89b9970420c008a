package multilangprofiler;

import com.sun.management.ThreadMXBean;
import java.lang.instrument.Instrumentation;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;

/**
 * Weighs stacks by what their threads spent on them.
 *
 * <p>CPU time is measured for each thread, exactly, and credited to a stack on which the thread is met <em>running</em>. While
 * it is met waiting, the time stays in its account: of a thread that computes a tenth of the time, one poll in ten finds what
 * it computes, and gets the time of all ten. A thread in native code (a system call, say) reads as runnable to the JVM while
 * it waits for input; it counts as running if its CPU clock moves while we look.
 *
 * <p>In wall mode every thread of the program is met at every poll, and the time since the last one is credited.
 */
final class Stacks {
    static final int MAX_DEPTH = 256;
    /** An account that holds this many periods is credited although the thread was not met running. */
    private static final int MAX_ACCOUNT = 20;
    /** A thread with less than this part of a period in its account is not worth looking at. */
    private static final int NEGLIGIBLE = 20;
    /** Threads of the JVM itself that only ever wait: left out of wall time. */
    private static final Collection<String> JVM_THREADS = new HashSet<String>(Arrays.asList(
            "Reference Handler", "Finalizer", "Signal Dispatcher", "Service Thread", "Attach Listener", "Common-Cleaner",
            "Notification Thread", "DestroyJavaVM"));

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final boolean isWall;
    private final Mounted mounted;
    private final int cores = Runtime.getRuntime().availableProcessors();
    private final HashSet<Long> ignored = new HashSet<Long>();
    private long[] ids = {};
    /** For each of {@link #ids} what is known of the thread; null for those to ignore. */
    private Seen[] seen = {};
    private HashMap<Long, Seen> seenById = new HashMap<Long, Seen>();
    private long polledNs;
    private Window window = new Window();

    Stacks(boolean isWall, Instrumentation instrumentation) {
        this.isWall = isWall;
        this.mounted = new Mounted(instrumentation);
    }

    void ignore(Thread thread) {
        ignored.add(thread.getId());
    }

    long ownCpuNs() {
        return threads.getCurrentThreadCpuTime();
    }

    void lose(long ns) {
        window.lose(ns);
    }

    /** Credits the time since the last poll; {@code nowNs} is {@link System#nanoTime}. */
    void poll(long nowNs) {
        boolean isFirst = polledNs == 0;
        long elapsedNs = nowNs - polledNs;
        polledNs = nowNs;
        long[] all = threads.getAllThreadIds();
        if (!Arrays.equals(all, ids)) {
            adopt(all, !isFirst);
        }
        if (!isWall) {
            pollCpu(elapsedNs, isFirst);
        } else if (!isFirst) {
            pollWall(elapsedNs);
        }
    }

    /** What was credited since the last call; with {@code isLast} all accounts are closed. */
    Window takeWindow(boolean isLast) {
        if (isLast) {
            for (Seen thread : seenById.values()) {
                settle(thread);
            }
        }
        window.remark(mounted.trouble());
        Window taken = window;
        window = new Window();
        return taken;
    }

    private void adopt(long[] all, boolean areNew) {
        HashMap<Long, Seen> before = seenById;
        seenById = new HashMap<Long, Seen>();
        ids = all;
        seen = new Seen[all.length];
        for (int i = 0; i < all.length; i++) {
            Long id = all[i];
            if (ignored.contains(id)) {
                continue;
            }
            seen[i] = before.remove(id);
            if (seen[i] == null) {
                seen[i] = new Seen(id, areNew);
            }
            seenById.put(id, seen[i]);
        }
        for (Seen ended : before.values()) {
            settle(ended);
        }
    }

    private void pollCpu(long elapsedNs, boolean isFirst) {
        long[] cpuNs = threads.getThreadCpuTime(ids);
        int[] hot = new int[ids.length];
        int hotCount = 0;
        int newCount = 0;
        long spareNs = elapsedNs * cores;
        for (int i = 0; i < ids.length; i++) {
            Seen thread = seen[i];
            if (thread == null || cpuNs[i] < 0) {
                continue;
            }
            // A system thread that becomes a Java thread (the one that ends the JVM, say) brings its past along.
            long usedNs = Math.min(cpuNs[i] - thread.cpuNs, thread.isNew ? elapsedNs : Long.MAX_VALUE);
            thread.cpuNs = cpuNs[i];
            if (isFirst || usedNs <= 0) {
                continue;
            }
            thread.accountNs += usedNs;
            spareNs -= usedNs;
            if (thread.isNew || thread.accountNs * NEGLIGIBLE >= elapsedNs) {
                hot[hotCount++] = i;
                newCount += thread.isNew ? 1 : 0;
            }
        }
        if (hotCount == 0) {
            return;
        }
        long[] hotIds = new long[hotCount];
        for (int i = 0; i < hotCount; i++) {
            hotIds[i] = ids[hot[i]];
        }
        ThreadInfo[] infos = threads.getThreadInfo(hotIds, MAX_DEPTH);
        long[] afterNs = threads.getThreadCpuTime(hotIds);
        // A thread that lives for less than a period is met by chance: it stands for those like it that were not met.
        long newNs = Math.min(elapsedNs, Math.max(0, spareNs) / Math.max(1, newCount));
        for (int i = 0; i < hotCount; i++) {
            Seen thread = seen[hot[i]];
            if (infos[i] == null) {
                continue;
            }
            thread.name = infos[i].getThreadName();
            StackTraceElement[] trace = infos[i].getStackTrace();
            boolean isRunning = infos[i].getThreadState() == Thread.State.RUNNABLE;
            if (Mounted.isCarrying(trace)) {
                // The carrier reads as waiting meanwhile.
                isRunning = true;
                trace = mounted.stackOn(thread.id, trace);
                afterNs[i] = threads.getThreadCpuTime(new long[] {thread.id})[0];
            }
            if (trace.length == 0) {
                continue;
            }
            if (isRunning && (!trace[0].isNativeMethod() || afterNs[i] > thread.cpuNs)) {
                if (thread.isNew) {
                    thread.accountNs = Math.max(thread.accountNs, newNs);
                }
                thread.ran = trace;
                settle(thread);
            } else if (thread.accountNs > MAX_ACCOUNT * elapsedNs) {
                thread.ran = thread.ran == null ? trace : thread.ran;
                settle(thread);
            }
            thread.isNew = false;
        }
    }

    private void pollWall(long elapsedNs) {
        ThreadInfo[] infos = threads.getThreadInfo(ids, MAX_DEPTH);
        for (int i = 0; i < ids.length; i++) {
            Seen thread = seen[i];
            if (thread == null || infos[i] == null || JVM_THREADS.contains(infos[i].getThreadName())) {
                continue;
            }
            StackTraceElement[] trace = infos[i].getStackTrace();
            if (Mounted.isCarrying(trace)) {
                trace = mounted.stackOn(thread.id, trace);
            }
            if (trace.length > 0) {
                window.add(thread.id, infos[i].getThreadName(), trace, elapsedNs);
            }
        }
    }

    /** Credits what is in the account to where the thread was last met running. */
    private void settle(Seen thread) {
        if (thread.accountNs == 0) {
            return;
        }
        if (thread.ran == null) {
            window.lose(thread.accountNs);
        } else {
            window.add(thread.id, thread.name, thread.ran, thread.accountNs);
        }
        thread.accountNs = 0;
    }

    private static final class Seen {
        final long id;
        String name = "";
        boolean isNew;
        long cpuNs;
        /** CPU time not yet credited to a stack. */
        long accountNs;
        /** The stack on which it was last met running. */
        StackTraceElement[] ran;

        Seen(long id, boolean isNew) {
            this.id = id;
            this.isNew = isNew;
        }
    }
}
