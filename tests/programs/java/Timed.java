import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Locale;

/**
 * `java Timed PROGRAM ARGUMENTS…` runs another program's main, and prints the seconds it took on the wall's clock, and of this process's
 * own CPU time.
 */
public class Timed {
    public static void main(String[] words) throws Exception {
        OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long began = System.nanoTime();
        long beganCpu = system.getProcessCpuTime();
        String[] arguments = Arrays.copyOfRange(words, 1, words.length);
        Class.forName(words[0]).getMethod("main", String[].class).invoke(null, (Object) arguments);
        double wall = (System.nanoTime() - began) / 1e9;
        double cpu = (system.getProcessCpuTime() - beganCpu) / 1e9;
        System.out.printf(Locale.ROOT, "%nworked %.6f %.6f%n", wall, cpu);
    }
}
