import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

/** Burns, and says for how many milliseconds of CPU time, with a security manager that it sets itself if its argument says so: it must still hold for the program. */
public class Guarded {
    static volatile double sink;

    static void burn() {
        long end = System.nanoTime() + 600_000_000L;
        while (System.nanoTime() < end) {
            sink += Math.sin(sink);
        }
    }

    @SuppressWarnings({"deprecation", "removal"})
    public static void main(String[] arguments) {
        ThreadMXBean clock = ManagementFactory.getThreadMXBean();
        if (arguments.length > 0) {
            System.setSecurityManager(new SecurityManager());
        }
        long begunNs = clock.getCurrentThreadCpuTime();
        burn();
        System.out.println((clock.getCurrentThreadCpuTime() - begunNs) / 1_000_000);
        try {
            System.getProperty("user.home");
            System.out.println("allowed");
        } catch (SecurityException forbidden) {
            System.out.println("denied");
        }
    }
}
