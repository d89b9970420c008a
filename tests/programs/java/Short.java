import java.nio.file.Files;
import java.nio.file.Path;

/** A tenth of a second of CPU; prints the milliseconds that its main thread has used of it since `main` began. */
public class Short {
    static double sink;

    static double burn(int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += Math.sin(i);
        }
        return sum;
    }

    /** Without the management classes, which take as long to load as all of this. */
    static long usedNs() throws Exception {
        return Long.parseLong(Files.readString(Path.of("/proc/thread-self/schedstat")).split(" ")[0]);
    }

    public static void main(String[] arguments) throws Exception {
        long beganNs = usedNs();
        for (int i = 0; i < 25; i++) {
            sink += burn(200_000);
        }
        System.out.println((usedNs() - beganNs) / 1_000_000);
    }
}
