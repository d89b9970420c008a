import java.lang.management.ManagementFactory;

/** CPU time in the main thread and in one other; prints what its own clocks say: the functions, then the process. */
public class Busy {
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
        Thread other = new Thread(() -> work(1.0), "other");
        other.start();
        work(1.0);
        other.join();
        var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        System.out.println("2.0 " + system.getProcessCpuTime() / 1e9);
    }
}
