import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/** A second of CPU time in main, and children too short for a sampler; prints what the clocks say: the functions, then all. */
public class Children {
    static long work(double seconds) {
        var threads = ManagementFactory.getThreadMXBean();
        long until = threads.getCurrentThreadCpuTime() + (long) (seconds * 1e9);
        long sum = 0;
        while (threads.getCurrentThreadCpuTime() < until) {
            for (int i = 0; i < 200_000; i++) sum += i ^ (sum << 1);
        }
        return sum;
    }

    public static void main(String[] args) throws Exception {
        work(0.5);
        for (int i = 0; i < 6; i++) {
            new ProcessBuilder("sh", "-c", "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done").start().waitFor();
        }
        work(0.5);
        // proc_pid_stat(5): utime, stime, and those of the children that were waited for, in hundredths of a second.
        String[] fields = Files.readString(Path.of("/proc/self/stat")).replaceFirst("(?s).*\\) ", "").split(" ");
        double used = 0;
        for (int i = 11; i < 15; i++) used += Integer.parseInt(fields[i]) / 100.0;
        System.out.println("1.0 " + used);
    }
}
