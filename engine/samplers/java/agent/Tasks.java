package multilangprofiler;

import com.sun.management.OperatingSystemMXBean;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;

/** What Linux says of this process and of its threads, without the management classes. */
final class Tasks {
    /** The thread that reads it. */
    static final File OWN = new File("/proc/thread-self");
    private static final File ALL = new File("/proc/self/task");
    /** A process with more is not asked for each of them. */
    private static final int MANY = 512;
    /** A hundred a second, in what the kernel tells programs, on every machine that Java runs on. */
    private static final long TICK_NS = 10_000_000L;
    /** In the file {@code stat} behind the name: user's and system's time. */
    private static final int TICKS_FIELD = 11;
    /** What the JVM's own threads are called that may begin later than the program, and ours: Java 27 leaves out the middle of longer names. */
    private static final Pattern NOT_THE_PROGRAMS = Pattern.compile("C[12] Comp(?:iler|\\.\\.)|GC Thread|G1 |[XZ](?:Worker|Driver)"
            + "|Shen(?:andoah|and\\.\\.|Control|Worker#|Uncommit)|VM |JFR |multi_l(?:ang_prof|\\.\\.)");

    private Tasks() {}

    /** What each of the process's threads has used, in nanoseconds, by its number to the system; null if unknown. */
    static Map<String, Long> read() {
        String[] numbers = ALL.list();
        if (numbers == null || numbers.length > MANY) {
            return null;
        }
        Map<String, Long> tasks = new HashMap<String, Long>();
        byte[] buffer = new byte[64];
        for (String number : numbers) {
            long ns = usedNs(new File(ALL, number), buffer);
            if (ns >= 0) {
                tasks.put(number, ns);
            }
        }
        return tasks.isEmpty() ? null : tasks;
    }

    /** This thread, for others to read, too. */
    static File own() {
        try {
            return OWN.getCanonicalFile();
        } catch (IOException notLinux) {
            return OWN;
        }
    }

    static long sum(Map<String, Long> tasks) {
        long sum = 0;
        for (long ns : tasks.values()) {
            sum += ns;
        }
        return sum;
    }

    /** What one thread has used; -1 if it has ended, or that is unknown. */
    static long usedNs(File task, byte[] buffer) {
        try (FileInputStream file = new FileInputStream(new File(task, "schedstat"))) {
            return numberAt(0, buffer, file.read(buffer));
        } catch (IOException ended) {
            return -1;
        }
    }

    /** What the process has used, threads that have ended included; exact to two hundredths of a second. */
    static long processNs() {
        byte[] text = new byte[512];
        try (FileInputStream file = new FileInputStream("/proc/self/stat")) {
            int length = file.read(text);
            int at = length;
            // A program may be called whatever it likes.
            while (at > 0 && text[at - 1] != ')') {
                at--;
            }
            for (int field = 0; field <= TICKS_FIELD; field++) {
                at = behindSpace(at, text, length);
            }
            long user = numberAt(at, text, length);
            return (user + numberAt(behindSpace(at, text, length), text, length)) * TICK_NS;
        } catch (IOException notLinux) {
            return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
        }
    }

    /** Whether a thread is the program's, as far as its name tells. */
    static boolean isOfTheProgram(String number) {
        byte[] name = new byte[32];
        try (FileInputStream file = new FileInputStream(new File(new File(ALL, number), "comm"))) {
            return !NOT_THE_PROGRAMS.matcher(new String(name, 0, Math.max(0, file.read(name)), "ISO-8859-1")).lookingAt();
        } catch (IOException ended) {
            return true;
        }
    }

    private static int behindSpace(int from, byte[] text, int length) {
        int at = from;
        while (at < length && text[at] != ' ') {
            at++;
        }
        return at + 1;
    }

    private static long numberAt(int from, byte[] text, int length) {
        long number = 0;
        for (int i = from; i < length && text[i] >= '0'; i++) {
            number = 10 * number + text[i] - '0';
        }
        return number;
    }
}
