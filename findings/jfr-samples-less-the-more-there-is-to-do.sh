#!/usr/bin/env bash
# JDK 17.0.15, JDK Flight Recorder: with eight times as many busy threads as cores there are far fewer samples, though the program uses as much CPU.
#
# Expected: a sample each 10 ms (settings=profile) of threads that run Java: more threads, more samples, or at least as many; the cores are as busy as before.
# Happens:  the sampler stops one thread after the other, and waits until each has been on a core to stop. With a queue for the cores it waits most of the time:
#           a third to an eighth of the samples for a second of CPU is left. The event has no weight, so in a recording of a day the busiest hour is
#           the one that counts least.
# Seen (openjdk 17.0.15, two cores that others used too; with the machine to itself it was 323 samples, then 63 and 40):
#   "2 threads: 199 samples of 2.7 s of CPU"
#   "16 threads: 25 samples of 1.5 s of CPU"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs java and jfr of JDK 17; nothing is installed).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ java -version && command -v jfr && javac -version; } >log 2>&1 || { cat log; exit 2; }
cat >Work.java <<'J'
public class Work {
    static double work(long end) {
        double sum = 0;
        while (System.currentTimeMillis() < end) {
            for (int i = 0; i < 100_000; i++) sum += Math.sqrt(i);
        }
        return sum;
    }

    public static void main(String[] arguments) throws InterruptedException {
        long end = System.currentTimeMillis() + 3000;
        Thread[] threads = new Thread[Integer.parseInt(arguments[0])];
        for (int i = 0; i < threads.length; i++) {
            threads[i] = new Thread(() -> work(end));
            threads[i].start();
        }
        for (Thread thread : threads) thread.join();
        System.out.println(ProcessHandle.current().info().totalCpuDuration().get().toMillis());
    }
}
J
javac Work.java
per_second() { # samples for a second of CPU
    local cpu_ms samples
    cpu_ms=$(java -XX:StartFlightRecording="filename=$1.jfr,settings=profile" Work "$1" 2>log | tail -1)
    samples=$(jfr summary "$1.jfr" | awk '$1 == "jdk.ExecutionSample" { print $2 }')
    echo "$1 threads: $samples samples of $((cpu_ms / 100))" | sed 's/\(.\)$/.\1 s of CPU/' >&2
    echo $((samples * 1000 / cpu_ms))
}
cores=$(nproc)
few=$(per_second "$cores")
many=$(per_second $((8 * cores)))
[ "$many" -lt $((few / 2)) ]
