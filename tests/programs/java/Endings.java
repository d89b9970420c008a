import java.io.File;
import java.lang.management.ManagementFactory;

/** Computes for 0.6 s in `early`, prints `late`, computes for 0.3 s in `late`, then ends as its argument says. */
public class Endings {
    static volatile long sink;

    static void early() {
        compute(600);
    }

    static void late() {
        compute(300);
    }

    static void compute(long milliseconds) {
        long until = cpu() + milliseconds * 1_000_000;
        while (cpu() < until) {
            for (int i = 0; i < 10_000; i++) {
                sink += i;
            }
        }
    }

    static long cpu() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    /** Until the file exists that -Dgo names. */
    static void awaitSampler() throws InterruptedException {
        String go = System.getProperty("go");
        while (go != null && !new File(go).exists()) {
            Thread.sleep(5);
        }
    }

    public static void main(String[] arguments) throws InterruptedException {
        awaitSampler();
        early();
        System.out.println("late");
        late();
        System.out.println("done");
        switch (arguments[0]) {
            case "exit":
                System.exit(3);
            case "throw":
                throw new IllegalStateException("as told");
            case "halt":
                Runtime.getRuntime().halt(4);
            case "wait":
                Thread.sleep(60_000);
            default:
                return;
        }
    }
}
