package multilangprofiler;

import java.io.File;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Where the program's threads are met before its first tenth of a second is over, which it takes to load the management classes; and what
 * they have used of the CPU when {@code main} begins. With so many threads that ours gets no core to speak of, it takes seconds.
 */
final class FirstLooks {
    static final long PAUSE_NS = 5_000_000L;
    /** The pause after a look at all threads is at least so many times as long as it took of the CPU; others, for whom all stop, take as much again. */
    private static final int RARELY = 20;
    /** With so many frames remembered, threads that were met are not any more. */
    private static final int MOST_FRAMES = 100_000;
    private static final long ROUNDING_NS = 20_000_000L;
    /** What the system tells of a process, less than so much says nothing: it counts hundredths of a second. */
    static final long TELLING_NS = 30_000_000L;

    /** Its number in the JVM and to the system; to the latter null if unknown. */
    private final long main;
    private final File mainTask;
    /** What the start of the JVM has used of it, and of all threads together; the latter -1 if unknown. */
    private final long mainNs;
    private final long processNs;
    /** What each of the system's threads had used when the program began, null if unknown; and what the process is said to have used besides. */
    private final Map<String, Long> tasksNs;
    private volatile long besidesNs;
    /** Those that were there before the program. */
    private final Set<Long> elders = new HashSet<Long>();
    private final Map<Long, List<StackTraceElement[]>> places = new HashMap<Long, List<StackTraceElement[]>>();
    private final Map<Long, String> names = new HashMap<Long, String>();
    /** Those that carry virtual ones, whose stacks are not to be seen here. */
    private final Set<Long> carriers = new HashSet<Long>();
    private final ThreadGroup root;
    private final long beganNs = System.nanoTime();
    private Thread[] there = new Thread[64];
    private final byte[] buffer = new byte[64];
    private int frames;
    private int looks;

    /** {@code mainNs} is what {@code main} had used when the program began, and {@code there} were the threads, then nulls. */
    FirstLooks(Thread main, File mainTask, long mainNs, Thread[] there) {
        this.main = main.getId();
        this.mainNs = mainNs;
        this.mainTask = mainTask;
        Map<String, Long> nowNs = Tasks.read();
        tasksNs = nowNs == null ? null : before(nowNs);
        processNs = tasksNs == null ? -1 : Tasks.sum(tasksNs);
        // Where ours gets no core for a while, threads of the program may have ended already.
        besidesNs = nowNs == null ? 0 : Math.min(ROUNDING_NS, Math.max(-ROUNDING_NS, Tasks.processNs() - Tasks.sum(nowNs)));
        for (Thread elder : there) {
            if (elder != null) {
                elders.add(elder.getId());
            }
        }
        ThreadGroup group = main.getThreadGroup();
        while (group.getParent() != null) {
            group = group.getParent();
        }
        root = group;
    }

    /** Of {@code nowNs} what is of before the program: numbers of threads only grow, and this thread's was given when the program began. */
    private Map<String, Long> before(Map<String, Long> nowNs) {
        Map<String, Long> before = new HashMap<String, Long>();
        long own = number(Tasks.own());
        for (Map.Entry<String, Long> task : nowNs.entrySet()) {
            if (own < 0 || number(new File(task.getKey())) < own) {
                // What they have used since is little.
                before.put(task.getKey(), task.getKey().equals(mainTask.getName()) ? mainNs : task.getValue());
            }
        }
        return before;
    }

    /** -1 if it is unknown. */
    private static long number(File task) {
        try {
            return Long.parseLong(task.getName());
        } catch (NumberFormatException notLinux) {
            return -1;
        }
    }

    /** What the JVM's start has used of the main thread. */
    long startNs() {
        return mainNs;
    }

    /** What the process had used of the CPU when they began; -1 if unknown. */
    long usedNs() {
        return processNs;
    }

    /** When they began, by {@link System#nanoTime}. */
    long beganNs() {
        return beganNs;
    }

    int looks() {
        return looks;
    }

    long mainId() {
        return main;
    }

    /** What each of the system's threads had used when they began; null if unknown. */
    Map<String, Long> tasksNs() {
        return tasksNs;
    }

    /** The thread that calls this is ours and about to end. */
    void leaveOutThisThread() {
        besidesNs += Math.max(0, Tasks.usedNs(Tasks.OWN, new byte[64]));
    }

    /** What the process had used then, and none of its threads. */
    long besidesNs() {
        return besidesNs;
    }

    /** The main thread, with where it was met. */
    Seen main() {
        Seen seen = met(main);
        seen.cpuNs = mainNs;
        return seen;
    }

    /** Those that were met and are not {@code alive} any more. */
    List<Seen> ended(Set<Long> alive) {
        List<Seen> ended = new ArrayList<Seen>();
        for (long thread : places.keySet()) {
            if (thread != main && !alive.contains(thread)) {
                ended.add(met(thread));
            }
        }
        return ended;
    }

    private Seen met(long thread) {
        Seen seen = new Seen(thread, false, beganNs);
        tell(seen);
        return seen;
    }

    /** Gives how long it is to the next look, by what this one cost: of many threads, or deep stacks, it may be much. */
    long look() {
        looks++;
        int number = enumerate();
        int running = 0;
        for (int i = 0; i < number; i++) {
            if (there[i].getClass().getName().equals(Traces.CARRIER)) {
                carriers.add(there[i].getId());
                continue;
            }
            // To look at one that waits, all have to stop for nothing.
            if (there[i].getState() == Thread.State.RUNNABLE && !OwnThread.isOurs(there[i].getName())) {
                there[running++] = there[i];
            }
        }
        if (running > 1) {
            return lookAtAll();
        }
        if (running == 1) {
            meet(there[0], there[0].getStackTrace());
        }
        return PAUSE_NS;
    }

    /** All stop but once for it. */
    private long lookAtAll() {
        long beganNs = Tasks.usedNs(Tasks.OWN, buffer);
        for (Map.Entry<Thread, StackTraceElement[]> met : Thread.getAllStackTraces().entrySet()) {
            if (!OwnThread.isOurs(met.getKey().getName())) {
                meet(met.getKey(), met.getValue());
            }
        }
        return Math.max(PAUSE_NS, RARELY * (Tasks.usedNs(Tasks.OWN, buffer) - beganNs));
    }

    private void meet(Thread thread, StackTraceElement[] trace) {
        Thread.State state = thread.getState();
        // Where there are more threads than cores by far, one has long ended when we come to what it did.
        boolean isRunning = state == Thread.State.RUNNABLE || state == Thread.State.TERMINATED;
        if (carriers.contains(thread.getId())) {
            return;
        }
        if (!isRunning || trace.length == 0 || Traces.mayBeSwitched(trace[0])) {
            return;
        }
        List<StackTraceElement[]> known = places.get(thread.getId());
        if (known == null) {
            known = new ArrayList<StackTraceElement[]>();
            places.put(thread.getId(), known);
            names.put(thread.getId(), thread.getName());
        } else if (frames > MOST_FRAMES) {
            return;
        }
        known.add(trace);
        frames += trace.length;
    }

    private int enumerate() {
        int number = root.enumerate(there);
        while (number == there.length) {
            // Those that found no place in it are left out in silence.
            there = new Thread[2 * number];
            number = root.enumerate(there);
        }
        return number;
    }

    /** What {@code thread} had used when the program began; {@code nowNs} is what it has used now. */
    long baselineNs(long thread, long nowNs) {
        return thread == main ? mainNs : elders.contains(thread) ? nowNs : 0;
    }

    /** Whether it carries virtual threads. */
    boolean isCarrier(long thread) {
        return carriers.contains(thread);
    }

    /** Tells {@code thread} where it was met. */
    void tell(Seen thread) {
        List<StackTraceElement[]> known = places.get(thread.id);
        for (int i = 0; known != null && i < known.size(); i++) {
            thread.name = names.get(thread.id);
            thread.account.look(new Trace(known.get(i)), PAUSE_NS);
        }
    }

    /** Each look at one of {@code threads} stands for as much of {@code ns}. */
    private void credit(Set<Long> threads, long ns, Window window) {
        int left = 0;
        for (long thread : threads) {
            left += places.containsKey(thread) ? places.get(thread).size() : 0;
        }
        if (left == 0 && carriers.isEmpty()) {
            window.lose(ns);
        } else if (left == 0) {
            window.loseVirtual(ns);
        }
        long leftNs = ns;
        for (long thread : threads) {
            List<StackTraceElement[]> known = places.get(thread);
            for (int i = 0; known != null && i < known.size(); i++) {
                long partNs = leftNs / left--;
                window.add(thread, names.get(thread), known.get(i), partNs);
                leftNs -= partNs;
            }
        }
    }

    /** All there is, of a program that ends before it can be sampled in any other way. */
    Window window() {
        Window window = new Window();
        window.poll(looks, System.nanoTime() - beganNs);
        window.taken(beganNs, System.nanoTime());
        long usedNs = Math.max(0, mainTaskNs() - mainNs);
        credit(Collections.singleton(main), usedNs, window);
        creditOthers(window);
        return window;
    }

    /** Of the program's other threads it is known only what they have used together. */
    private void creditOthers(Window window) {
        Map<String, Long> nowNs = Tasks.read();
        if (tasksNs == null || nowNs == null) {
            return;
        }
        long othersNs = Tasks.processNs() - besidesNs - Tasks.sum(tasksNs);
        for (Map.Entry<String, Long> task : nowNs.entrySet()) {
            Long elder = tasksNs.get(task.getKey());
            if (elder != null) {
                othersNs -= task.getValue() - elder;
            } else if (!Tasks.isOfTheProgram(task.getKey())) {
                othersNs -= task.getValue();
            }
        }
        Set<Long> others = new HashSet<Long>(places.keySet());
        others.remove(main);
        others.removeAll(elders);
        if (othersNs >= TELLING_NS) {
            credit(others, othersNs, window);
        }
    }

    private long mainTaskNs() {
        return Math.max(0, Tasks.usedNs(mainTask, buffer));
    }
}
