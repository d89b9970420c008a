import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.lang.reflect.Method;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Virtual threads on one carrier that wait between two parts of work, so that all do the first before any does the second; prints the
 * milliseconds of CPU of both, by the clock of the carrier.
 */
public class Phases {
    static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    static final AtomicLongArray SPENT = new AtomicLongArray(2);
    static volatile long sink;
    static volatile long carrier;

    static void first() {
        sink += work(6_000_000);
    }

    static void second() {
        sink += work(3_000_000);
    }

    static long work(int rounds) {
        long sum = 0;
        for (int i = 0; i < rounds; i++) {
            sum += i * 31L % 7;
        }
        return sum;
    }

    static long now() {
        if (carrier == 0) {
            for (ThreadInfo thread : THREADS.getThreadInfo(THREADS.getAllThreadIds())) {
                if (thread != null && thread.getThreadName().startsWith("ForkJoinPool-1-worker")) {
                    carrier = thread.getThreadId();
                }
            }
        }
        return THREADS.getThreadCpuTime(carrier);
    }

    static void spend(int part, Runnable work) {
        long began = now();
        work.run();
        SPENT.addAndGet(part, now() - began);
    }

    public static void main(String[] arguments) throws Exception {
        int threads = Integer.parseInt(arguments[0]);
        CountDownLatch left = new CountDownLatch(threads);
        Method start = Thread.class.getMethod("startVirtualThread", Runnable.class);
        for (int i = 0; i < threads; i++) {
            Runnable both = () -> {
                spend(0, Phases::first);
                try {
                    Thread.sleep(1);
                } catch (InterruptedException impossible) {
                    throw new Error(impossible);
                }
                spend(1, Phases::second);
                left.countDown();
            };
            start.invoke(null, both);
        }
        left.await();
        System.out.println(SPENT.get(0) / 1_000_000 + " " + SPENT.get(1) / 1_000_000);
    }
}
