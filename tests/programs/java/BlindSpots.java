import java.io.File;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
import java.util.zip.Deflater;

/**
 * Work of the kinds that sampling at safepoints likes to get wrong, timing itself: `java BlindSpots.java MILLISECONDS [THREADS]` does
 * rounds of all of them on each of THREADS threads for so long, and prints for each section its name and the CPU milliseconds it took.
 */
public class BlindSpots {
    /** A busy system likes to switch threads where one reads its clock, so that is done rarely. */
    static final long LEAST_NS = 20_000_000;
    static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    static final String[] NAMES = {"recursion", "streams", "inlining", "allocation", "counted", "copying", "natives"};
    static final LongSupplier[] SECTIONS = {
        BlindSpots::recursion,
        BlindSpots::streams,
        BlindSpots::inlining,
        BlindSpots::allocation,
        BlindSpots::counted,
        BlindSpots::copying,
        BlindSpots::natives
    };
    static final AtomicLongArray SPENT = new AtomicLongArray(NAMES.length);
    static final int[] LEFT = IntStream.range(0, 1 << 18).toArray();
    static final int[] RIGHT = IntStream.range(0, 1 << 18).map(i -> i * 31).toArray();
    static volatile long sink;

    /** Down to 100 frames and to 2,000 by turns. */
    static long recursion() {
        return descend(100, 1) + descend(2_000, 2);
    }

    static long descend(int depth, long sum) {
        for (int i = 0; i < 200; i++) {
            sum += i ^ sum >>> 3;
        }
        return depth == 0 ? sum : descend(depth - 1, sum) + 1;
    }

    static long streams() {
        return IntStream.range(0, 30_000)
                .filter(i -> i % 3 != 0)
                .mapToObj(i -> "number " + i)
                .filter(text -> text.hashCode() % 5 != 0)
                .mapToLong(String::length)
                .sum();
    }

    /** A method of a few instructions, inlined into its caller. */
    static long inlining() {
        long value = 1;
        for (long i = 0; i < 400_000; i++) {
            value = step(value, i);
        }
        return value;
    }

    static long step(long value, long i) {
        return value * 6364136223846793005L + (i ^ value >>> 17);
    }

    /** Garbage, of which some lives for a while. */
    static long allocation() {
        List<byte[]> kept = new ArrayList<>();
        for (int i = 0; i < 8_000; i++) {
            byte[] some = new byte[200 + i % 100];
            if (i % 8 == 0) {
                kept.add(some);
            }
        }
        return kept.size();
    }

    /** A loop that compilers give no safepoint, or one for many rounds. */
    static long counted() {
        int sum = 0;
        for (int round = 0; round < 8; round++) {
            for (int i = 0; i < LEFT.length; i++) {
                sum += LEFT[i] * RIGHT[i] + (sum >>> 5);
            }
        }
        return sum;
    }

    /** Methods of the runtime that compilers replace by code of their own. */
    static long copying() {
        int[] copy = LEFT;
        for (int i = 0; i < 8; i++) {
            copy = Arrays.copyOf(copy, copy.length);
            copy[i] = i;
        }
        return Arrays.equals(copy, LEFT) ? 1 : Arrays.hashCode(copy);
    }

    /** Native methods that compute. */
    static long natives() {
        byte[] text = new byte[20_000];
        for (int i = 0; i < text.length; i++) {
            text[i] = (byte) (i * i >>> 5);
        }
        Deflater deflater = new Deflater();
        deflater.setInput(text);
        deflater.finish();
        long length = deflater.deflate(text);
        deflater.end();
        return length;
    }

    static void rounds(long ns) {
        long ends = System.nanoTime() + ns;
        while (System.nanoTime() < ends) {
            for (int i = 0; i < SECTIONS.length; i++) {
                repeat(i);
            }
        }
    }

    static void repeat(int section) {
        long began = THREADS.getCurrentThreadCpuTime();
        long ends = System.nanoTime() + LEAST_NS;
        while (System.nanoTime() < ends) {
            sink += SECTIONS[section].getAsLong();
        }
        SPENT.addAndGet(section, THREADS.getCurrentThreadCpuTime() - began);
    }

    /** Until the file exists that -Dgo names. */
    static void awaitSampler() throws InterruptedException {
        String go = System.getProperty("go");
        while (go != null && !new File(go).exists()) {
            Thread.sleep(5);
        }
    }

    public static void main(String[] arguments) throws InterruptedException {
        long ns = Long.parseLong(arguments[0]) * 1_000_000;
        Thread[] workers = new Thread[arguments.length > 1 ? Integer.parseInt(arguments[1]) : 1];
        awaitSampler();
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Thread(() -> rounds(ns), "worker " + i);
            workers[i].start();
        }
        for (Thread worker : workers) {
            worker.join();
        }
        for (int i = 0; i < NAMES.length; i++) {
            System.out.println(NAMES[i] + " " + SPENT.get(i) / 1_000_000);
        }
    }
}
