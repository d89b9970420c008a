import java.lang.management.ManagementFactory;

/** A tenth of a second of CPU, some of it in threads of their own; prints the milliseconds its main thread has used, with its start. */
public class Short {
    static double sink;

    static double burn(int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += Math.sin(i);
        }
        return sum;
    }

    public static void main(String[] arguments) throws Exception {
        for (int i = 0; i < 25; i++) {
            sink += burn(200_000);
        }
        System.out.println(ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() / 1_000_000);
    }
}
