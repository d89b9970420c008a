package multilangprofiler;

import com.sun.management.OperatingSystemMXBean;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The CPU time of threads that ended before anybody could read their clocks, spread over those of them that were met.
 *
 * <p>It is what the process has used and none of its threads, less what is known of those that have ended: of the JVM's own, what
 * they had used when they were last looked at. Without Linux's {@code /proc} it is not known, and not counted.
 */
final class Brief {
    private static final File TASKS = new File("/proc/self/task");
    /** A process with more is not asked for each of them. */
    private static final int MAX_TASKS = 512;
    private static final int MAX_PLACES = 256;

    private final OperatingSystemMXBean process = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private final List<Seen> met = new ArrayList<Seen>();
    /** By their numbers, null before the first look. */
    private Map<String, Long> tasksNs;
    private long unaccountedNs;
    private long owedNs;

    /** What the process has used of the CPU. */
    long processNs() {
        return process.getProcessCpuTime();
    }

    /** {@code thread} has ended, and what it was last found to have used is credited. */
    void end(Seen thread) {
        owedNs -= thread.cpuNs - thread.cpuAtLookNs;
        // Those that were there before were met often, and have little left.
        if (thread.cpuAtLookNs == 0 && thread.account.wasMet() && met.size() < MAX_PLACES) {
            met.add(thread);
        }
    }

    /** Credits what threads that have ended since the last call had in their clocks besides, {@code maxNs} for each at the most. */
    void credit(Stacks stacks, Iterable<Seen> alive, long maxNs) {
        Map<String, Long> nowNs = readTasks();
        if (nowNs == null) {
            return;
        }
        long unaccountedBeforeNs = unaccountedNs;
        unaccountedNs = processNs();
        for (long ns : nowNs.values()) {
            unaccountedNs -= ns;
        }
        for (Seen thread : alive) {
            thread.cpuAtLookNs = thread.cpuNs;
        }
        if (tasksNs == null) {
            owedNs = 0;
        } else {
            owedNs += unaccountedNs - unaccountedBeforeNs;
            for (Map.Entry<String, Long> before : tasksNs.entrySet()) {
                owedNs -= nowNs.containsKey(before.getKey()) ? 0 : before.getValue();
            }
            spread(stacks, maxNs);
        }
        tasksNs = nowNs;
    }

    private void spread(Stacks stacks, long maxNs) {
        long leftNs = Math.min(owedNs, maxNs * met.size());
        if (leftNs <= 0) {
            return;
        }
        for (int left = met.size(); left > 0; left--) {
            Seen thread = met.get(left - 1);
            thread.account.hold(leftNs / left);
            leftNs -= leftNs / left;
            stacks.settle(thread);
        }
        met.clear();
        owedNs = 0;
    }

    /** What each of the process's threads has used, by its number to the system; null if unknown. */
    static Map<String, Long> readTasks() {
        String[] numbers = TASKS.list();
        if (numbers == null || numbers.length > MAX_TASKS) {
            return null;
        }
        Map<String, Long> tasks = new HashMap<String, Long>();
        byte[] buffer = new byte[64];
        for (String number : numbers) {
            try (FileInputStream file = new FileInputStream(TASKS + "/" + number + "/schedstat")) {
                tasks.put(number, firstNumber(buffer, file.read(buffer)));
            } catch (IOException ended) {
                continue;
            }
        }
        return tasks.isEmpty() ? null : tasks;
    }

    static long firstNumber(byte[] text, int length) {
        long number = 0;
        for (int i = 0; i < length && text[i] >= '0'; i++) {
            number = 10 * number + text[i] - '0';
        }
        return number;
    }
}
