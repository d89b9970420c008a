import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

/** Interrupts every thread there is, again and again, and burns in between; prints the CPU time of that in milliseconds. */
public class Interrupting {
    static final ThreadMXBean CLOCK = ManagementFactory.getThreadMXBean();
    static volatile long sink;

    static void burn() {
        long end = System.nanoTime() + 200_000_000L;
        while (System.nanoTime() < end) {
            sink++;
        }
    }

    public static void main(String[] arguments) {
        ThreadGroup outermost = Thread.currentThread().getThreadGroup().getParent();
        long begunNs = CLOCK.getCurrentThreadCpuTime();
        for (int i = 0; i < 5; i++) {
            burn();
            outermost.interrupt();
        }
        System.out.println(Thread.interrupted() + " " + (CLOCK.getCurrentThreadCpuTime() - begunNs) / 1_000_000);
    }
}
