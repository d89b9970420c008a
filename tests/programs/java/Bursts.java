import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

/**
 * `java Bursts PERIOD_US SECONDS SHARE SHARE SHARE`: a loop that works for 30% of each period, in three methods, and waits for the next. Its work is a
 * fixed number of rounds, so that each method has its share of the CPU time however busy the machine is.
 */
public class Bursts {
    static final ThreadMXBean CLOCK = ManagementFactory.getThreadMXBean();
    static final int ROUNDS = 200_000;
    static volatile double sink;

    static double work(double rounds) {
        double sum = 0;
        for (int i = 0; i < rounds; i++) {
            sum += Math.sin(i & 1023);
        }
        return sum;
    }

    static void first(double rounds) {
        sink += work(rounds);
    }

    static void second(double rounds) {
        sink += work(rounds);
    }

    static void third(double rounds) {
        sink += work(rounds);
    }

    static double roundsPerNs() {
        double best = 0;
        for (int i = 0; i < 20; i++) {
            long began = CLOCK.getCurrentThreadCpuTime();
            sink += work(ROUNDS);
            best = Math.max(best, (double) ROUNDS / (CLOCK.getCurrentThreadCpuTime() - began));
        }
        return best;
    }

    public static void main(String[] words) throws Exception {
        long periodNs = Long.parseLong(words[0]) * 1_000;
        double rounds = 0.3 * periodNs * roundsPerNs() / 100;
        long due = System.nanoTime();
        long end = due + (long) (Double.parseDouble(words[1]) * 1e9);
        while (due < end) {
            first(Double.parseDouble(words[2]) * rounds);
            second(Double.parseDouble(words[3]) * rounds);
            third(Double.parseDouble(words[4]) * rounds);
            due += periodNs;
            long wait = Math.max(0, due - System.nanoTime());
            Thread.sleep(wait / 1_000_000, (int) (wait % 1_000_000));
        }
    }
}
