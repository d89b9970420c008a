import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;

/**
 * Threads that wait most of the time: one sleeps, one reads a pipe, and both compute for a millisecond in ten; and a thread
 * starts every few milliseconds that lives for two. Prints the CPU milliseconds spent in sleeper, reader and brief.
 */
public class Waiting {
    static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    static final long[] SPENT = new long[3];
    static volatile long sink;

    static void compute(int whose, long microseconds) {
        long began = cpu();
        while (cpu() - began < microseconds * 1_000) {
            sink++;
        }
        synchronized (SPENT) {
            SPENT[whose] += cpu() - began;
        }
    }

    static long cpu() {
        return THREADS.getCurrentThreadCpuTime();
    }

    static void sleeper(long until) {
        while (System.nanoTime() < until) {
            sleep(9);
            compute(0, 1_000);
        }
    }

    static void reader(Pipe.SourceChannel source) {
        ByteBuffer one = ByteBuffer.allocate(1);
        try {
            while (source.read(one) > 0) {
                one.clear();
                compute(1, 1_000);
            }
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }

    static void brief() {
        compute(2, 2_000);
    }

    static void sleep(long milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }

    /** Until the file exists that -Dgo names. */
    static void awaitSampler() {
        String go = System.getProperty("go");
        while (go != null && !new File(go).exists()) {
            sleep(5);
        }
    }

    public static void main(String[] arguments) throws Exception {
        awaitSampler();
        long until = System.nanoTime() + Long.parseLong(arguments[0]) * 1_000_000;
        Pipe pipe = Pipe.open();
        Thread sleeper = new Thread(() -> sleeper(until), "sleeper");
        Thread reader = new Thread(() -> reader(pipe.source()), "reader");
        sleeper.start();
        reader.start();
        while (System.nanoTime() < until) {
            pipe.sink().write(ByteBuffer.wrap(new byte[1]));
            Thread brief = new Thread(Waiting::brief, "brief");
            brief.start();
            sleep(7);
            brief.join();
        }
        pipe.sink().close();
        sleeper.join();
        reader.join();
        System.out.println(SPENT[0] / 1_000_000 + " " + SPENT[1] / 1_000_000 + " " + SPENT[2] / 1_000_000);
    }
}
