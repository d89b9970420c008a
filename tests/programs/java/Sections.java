import java.io.File;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Three sections of work that time themselves: `java Sections.java ROUNDS [THREADS]` runs them ROUNDS times on each of THREADS threads
 * and prints the CPU milliseconds each took, then the wall milliseconds of all. With `virtual` as third argument every round runs
 * on a virtual thread of its own; that needs `-Djdk.virtualThreadScheduler.parallelism=1` and `…maxPoolSize=1`, since their
 * CPU time is read from the one thread that carries them.
 */
public class Sections {
    /** A busy system likes to switch threads where one reads its clock, so that is done rarely. */
    static final int REPEAT = 20;
    static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    static final AtomicLongArray SPENT = new AtomicLongArray(3);
    static volatile long sink;

    static long arithmetic() {
        long sum = 0;
        for (int i = 0; i < 1_500_000; i++) {
            sum += i * 31L ^ (sum >>> 3);
        }
        return sum;
    }

    static long sorting() {
        Random random = new Random(1);
        int[] numbers = new int[16_000];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = random.nextInt();
        }
        Arrays.sort(numbers);
        return numbers[numbers.length / 2];
    }

    static long counting() {
        Map<String, Integer> counts = new HashMap<>();
        for (int i = 0; i < 10_000; i++) {
            counts.merge("key" + i % 700, 1, Integer::sum);
        }
        return counts.size();
    }

    static void round(boolean isVirtual) {
        long began = now(isVirtual);
        for (int i = 0; i < REPEAT; i++) {
            sink += arithmetic();
        }
        long sorted = now(isVirtual);
        for (int i = 0; i < REPEAT; i++) {
            sink += sorting();
        }
        long counted = now(isVirtual);
        for (int i = 0; i < REPEAT; i++) {
            sink += counting();
        }
        long ended = now(isVirtual);
        SPENT.addAndGet(0, sorted - began);
        SPENT.addAndGet(1, counted - sorted);
        SPENT.addAndGet(2, ended - counted);
    }

    static long now(boolean isVirtual) {
        return isVirtual ? THREADS.getThreadCpuTime(Carrier.ID) : THREADS.getCurrentThreadCpuTime();
    }

    static class Carrier {
        static final long ID = find();

        static long find() {
            for (ThreadInfo thread : THREADS.getThreadInfo(THREADS.getAllThreadIds())) {
                if (thread.getThreadName().startsWith("ForkJoinPool-1-worker")) {
                    return thread.getThreadId();
                }
            }
            throw new IllegalStateException("no carrier");
        }
    }

    static void rounds(int rounds, boolean isVirtual) {
        try {
            for (int i = 0; i < rounds; i++) {
                if (isVirtual) {
                    // By reflection, so that compilers before Java 21 take this file.
                    Runnable body = () -> round(true);
                    ((Thread) Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, body)).join();
                } else {
                    round(false);
                }
            }
        } catch (ReflectiveOperationException | InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }

    /** Until the file exists that -Dgo names. */
    static void awaitSampler() throws InterruptedException {
        String go = System.getProperty("go");
        while (go != null && !new File(go).exists()) {
            Thread.sleep(5);
        }
    }

    public static void main(String[] arguments) throws InterruptedException {
        int rounds = Integer.parseInt(arguments[0]);
        int threads = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 1;
        boolean isVirtual = arguments.length > 2;
        awaitSampler();
        long began = System.nanoTime();
        Thread[] workers = new Thread[threads];
        for (int i = 0; i < threads; i++) {
            workers[i] = new Thread(() -> rounds(rounds, isVirtual), "worker " + i);
            workers[i].start();
        }
        for (Thread worker : workers) {
            worker.join();
        }
        for (int i = 0; i < 3; i++) {
            System.out.print(SPENT.get(i) / 1_000_000 + " ");
        }
        System.out.println((System.nanoTime() - began) / 1_000_000);
    }
}
