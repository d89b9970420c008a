import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;

/** Much for the collector and the compiler to do. */
public class Garbage {
    public static void main(String[] args) {
        var threads = ManagementFactory.getThreadMXBean();
        List<byte[]> kept = new ArrayList<>();
        long sum = 0;
        long began = threads.getCurrentThreadCpuTime();
        while (threads.getCurrentThreadCpuTime() - began < 1_500_000_000L) {
            for (int i = 0; i < 1_000; i++) {
                byte[] some = new byte[1_000 + i % 7];
                sum += some.length;
                if (i % 50 == 0) kept.add(some);
            }
            if (kept.size() > 50_000) kept.clear();
        }
        var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        System.out.println("1.5 " + system.getProcessCpuTime() / 1e9 + " " + sum % 2);
    }
}
