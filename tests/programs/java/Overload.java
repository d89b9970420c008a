import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/** THREADS work DEPTH frames deep for MILLISECONDS, on as many cores as there are; prints the milliseconds of CPU that they used. */
public class Overload {
    static final AtomicLong usedNs = new AtomicLong();
    static volatile double sink;

    static double deep(int frames, long untilNs) {
        if (frames > 0) {
            return deep(frames - 1, untilNs) + 1;
        }
        double sum = 0;
        while (System.nanoTime() < untilNs) {
            for (int i = 0; i < 10_000; i++) {
                sum += Math.sin(i);
            }
        }
        return sum;
    }

    static void work(int depth, long untilNs) {
        sink += deep(depth, untilNs);
        try {
            usedNs.addAndGet(Long.parseLong(Files.readString(Path.of("/proc/thread-self/schedstat")).split(" ")[0]));
        } catch (java.io.IOException impossible) {
            throw new Error(impossible);
        }
    }

    public static void main(String[] words) throws Exception {
        int depth = Integer.parseInt(words[1]);
        long untilNs = System.nanoTime() + 1_000_000L * Integer.parseInt(words[2]);
        Thread[] all = new Thread[Integer.parseInt(words[0])];
        for (int i = 0; i < all.length; i++) {
            all[i] = new Thread(() -> work(depth, untilNs));
            all[i].start();
        }
        for (Thread each : all) {
            each.join();
        }
        System.out.println(usedNs.get() / 1_000_000);
    }
}
