package multilangprofiler;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Where the program's threads are met before its first tenth of a second is over, which it takes to load the management classes; and what
 * they have used of the CPU when {@code main} begins.
 */
final class FirstLooks {
    static final long PAUSE_NS = 5_000_000L;

    /** Its number in the JVM and to the system; to the latter null if unknown. */
    private final long main;
    private final File mainTask;
    /** What the start of the JVM has used of it, and of all threads together; the latter -1 if unknown. */
    private final long mainNs;
    private final long processNs;
    /** Those that were there before the program. */
    private final Set<Long> elders = new HashSet<Long>();
    private final Map<Long, List<StackTraceElement[]>> places = new HashMap<Long, List<StackTraceElement[]>>();
    private final Map<Long, String> names = new HashMap<Long, String>();
    private final long beganNs = System.nanoTime();
    private int looks;

    /** {@code mainNs} is what {@code main} had used when the program began, and {@code there} were the threads, then nulls. */
    FirstLooks(Thread main, File mainTask, long mainNs, Thread[] there) {
        this.main = main.getId();
        this.mainNs = mainNs;
        this.mainTask = mainTask;
        long nowNs = processNs();
        // The other threads are still those of the JVM's start.
        this.processNs = nowNs < 0 ? -1 : Math.max(mainNs, nowNs - Math.max(0, mainTaskNs() - mainNs));
        for (Thread elder : there) {
            if (elder != null) {
                elders.add(elder.getId());
            }
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

    /** The main thread, with where it was met. */
    Seen main() {
        Seen seen = new Seen(main, false, beganNs);
        seen.cpuNs = mainNs;
        List<StackTraceElement[]> known = places.get(main);
        for (int i = 0; known != null && i < known.size(); i++) {
            seen.name = names.get(main);
            seen.account.look(new Trace(known.get(i)), 1);
        }
        return seen;
    }

    void look() {
        looks++;
        for (Map.Entry<Thread, StackTraceElement[]> met : Thread.getAllStackTraces().entrySet()) {
            Thread thread = met.getKey();
            StackTraceElement[] trace = met.getValue();
            boolean isRunning = thread.getState() == Thread.State.RUNNABLE;
            if (isRunning && trace.length > 0 && !OwnThread.isOurs(thread.getName()) && !Traces.mayBeSwitched(trace[0])) {
                List<StackTraceElement[]> known = places.get(thread.getId());
                if (known == null) {
                    known = new ArrayList<StackTraceElement[]>();
                    places.put(thread.getId(), known);
                    names.put(thread.getId(), thread.getName());
                }
                known.add(trace);
            }
        }
    }

    /** What {@code thread} had used when the program began; {@code nowNs} is what it has used now. */
    long baselineNs(long thread, long nowNs) {
        return thread == main ? mainNs : elders.contains(thread) ? nowNs : 0;
    }

    /** Credits {@code ns} to the places where {@code thread} was met; false if there are none. */
    boolean credit(long thread, long ns, Window window) {
        List<StackTraceElement[]> known = places.get(thread);
        if (known == null) {
            return false;
        }
        long leftNs = ns;
        for (int left = known.size(); left > 0; left--) {
            long partNs = leftNs / left;
            window.add(thread, names.get(thread), known.get(left - 1), partNs);
            leftNs -= partNs;
        }
        return true;
    }

    /** All there is, of a program that ends before it can be sampled in any other way. */
    Window window() {
        Window window = new Window();
        window.poll(looks, System.nanoTime() - beganNs);
        window.taken(beganNs, System.nanoTime());
        long usedNs = Math.max(0, mainTaskNs() - mainNs);
        if (!credit(main, usedNs, window)) {
            window.lose(usedNs);
        }
        return window;
    }

    private static long processNs() {
        Map<String, Long> tasksNs = Brief.readTasks();
        long sum = tasksNs == null ? -1 : 0;
        if (tasksNs != null) {
            for (long ns : tasksNs.values()) {
                sum += ns;
            }
        }
        return sum;
    }

    private long mainTaskNs() {
        byte[] text = new byte[64];
        try (FileInputStream file = new FileInputStream(new File(mainTask, "schedstat"))) {
            return Brief.firstNumber(text, file.read(text));
        } catch (IOException unknown) {
            return 0;
        }
    }
}
