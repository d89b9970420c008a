#!/usr/bin/env bash
# async-profiler 4.6, event=ctimer (what event=cpu becomes where perf events are forbidden, as in most containers): threads that use less CPU time than the interval are in no sample, however many there are.
#
# Expected: 1,000 threads that use nearly a millisecond each are nearly a second of CPU time, of which an interval of 10 ms makes some 80 samples.
# Happens:  each thread has a timer of its own that begins with it, and none of them ever runs out: their time is in no sample, and nothing says so. event=itimer, the
#           process's one timer, has them.
# Seen (OpenJDK 17.0.15, two cores):
#   "itimer: 71 samples in them, where their clocks say 83"
#   "ctimer: 0 samples in them, where their clocks say 84"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs mvn and a JDK).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v javac >/dev/null || { echo "no JDK"; exit 2; }
mvn -q -B "-Dmaven.repo.local=$folder/m2" dependency:get -Dartifact=tools.profiler:async-profiler:4.6 -Dtransitive=false >log 2>&1 || { cat log; exit 2; }
(cd "$folder" && jar xf m2/tools/profiler/async-profiler/4.6/async-profiler-4.6.jar)
case $(uname -m) in x86_64) library=linux-x64 ;; aarch64) library=linux-arm64 ;; *) echo "no library for $(uname -m)"; exit 2 ;; esac
cat >Short.java <<'J'
import java.lang.management.ManagementFactory;
import java.util.concurrent.atomic.AtomicLong;

public class Short {
    static volatile double sink;

    static void work() {
        double sum = 0;
        for (int i = 0; i < 90_000; i++) {
            sum += Math.sin(i);
        }
        sink = sum;
    }

    public static void main(String[] words) throws Exception {
        AtomicLong used = new AtomicLong();
        for (int i = 0; i < 1_000; i++) {
            Thread thread = new Thread(() -> {
                work();
                used.addAndGet(ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime());
            });
            thread.start();
            thread.join();
        }
        System.out.println(used.get() / 10_000_000);
    }
}
J
javac Short.java
declare -A share
for event in itimer ctimer; do
    due=$(java "-agentpath:$folder/$library/libasyncProfiler.so=start,event=$event,interval=10ms,collapsed,quiet,loglevel=none,file=$folder/$event" Short)
    met=$(awk '/Short\.work/ { sum += $NF } END { print sum + 0 }' "$event")
    share[$event]=$((100 * met / due))
    echo "$event: $met samples in them, where their clocks say $due"
done
[ "${share[itimer]}" -ge 40 ] && [ "${share[ctimer]}" -le 10 ] || exit 1
