import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Locale;

/**
 * `java Timed PROGRAM ARGUMENTS…` runs another program's main, and prints when it began and ended, and the seconds of CPU time this
 * process took.
 */
public class Timed {
    public static void main(String[] words) throws Exception {
        OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long began = System.currentTimeMillis();
        long beganCpu = system.getProcessCpuTime();
        String[] arguments = Arrays.copyOfRange(words, 1, words.length);
        Class.forName(words[0]).getMethod("main", String[].class).invoke(null, (Object) arguments);
        long ended = System.currentTimeMillis();
        double cpu = (system.getProcessCpuTime() - beganCpu) / 1e9;
        System.out.printf(Locale.ROOT, "%nworked %.3f %.3f %.6f%n", began / 1e3, ended / 1e3, cpu);
    }
}
