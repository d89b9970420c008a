/** Half a second of CPU time in `weave`. */
public class Hot {
    static double weave(int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) sum += Math.sin(i);
        return sum;
    }

    public static void main(String[] words) {
        var threads = java.lang.management.ManagementFactory.getThreadMXBean();
        long enough = threads.getCurrentThreadCpuTime() + Long.getLong("hot.ms", 500) * 1_000_000;
        double sum = 0;
        while (threads.getCurrentThreadCpuTime() < enough) sum += weave(200000);
        System.out.println(("java " + String.join(" ", words) + (sum == 1 ? "!" : "")).trim());
    }
}
