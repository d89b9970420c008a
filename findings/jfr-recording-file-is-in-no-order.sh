#!/usr/bin/env bash
# JDK 17.0.15 and 25.0.3, jdk.jfr.consumer.RecordingFile: events come in the order of threads' buffers, not of time, though other readers of the same file give them in order.
#
# Expected: readEvent() "reads the next event in the recording": the next in time, as `jfr print`, --json and EventStream.openFile() of the same package give it.
# Happens:  most events of several threads stand behind later ones, by a quarter of a second or more. What goes by the event before (time between two, what was open when, a state as it was at
#           last, a running sum) is wrong, and a small recording of one thread is in order, so that a test does not show it.
# Seen (OpenJDK 17.0.15; three threads, 3,000 events each):
#   "RecordingFile: 8155 of 9000 events come after a later one, up to 969 ms"
#   "EventStream:   0 of 9000"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs a JDK of 17 or newer; nothing is installed).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v javac >/dev/null || { echo "no JDK"; exit 2; }
cat >Order.java <<'J'
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import jdk.jfr.Event;
import jdk.jfr.Name;
import jdk.jfr.Recording;
import jdk.jfr.consumer.EventStream;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

public class Order {
    @Name("example.Step")
    static class Step extends Event {}

    static class Count {
        int events;
        int late;
        long most;
        Instant latest = Instant.MIN;

        void add(RecordedEvent event) {
            events++;
            if (event.getStartTime().isBefore(latest)) {
                late++;
                most = Math.max(most, Duration.between(event.getStartTime(), latest).toMillis());
            } else {
                latest = event.getStartTime();
            }
        }
    }

    static void steps() {
        for (int i = 0; i < 3_000; i++) {
            new Step().commit();
            if (i % 10 == 0) {
                try {
                    Thread.sleep(1);
                } catch (InterruptedException end) {
                    return;
                }
            }
        }
    }

    public static void main(String[] words) throws Exception {
        Path path = Path.of("order.jfr");
        try (Recording recording = new Recording()) {
            recording.enable("example.Step");
            recording.start();
            Thread[] threads = {new Thread(Order::steps), new Thread(Order::steps), new Thread(Order::steps)};
            for (Thread thread : threads) {
                thread.start();
            }
            for (Thread thread : threads) {
                thread.join();
            }
            recording.stop();
            recording.dump(path);
        }
        Count read = new Count();
        try (RecordingFile file = new RecordingFile(path)) {
            while (file.hasMoreEvents()) {
                read.add(file.readEvent());
            }
        }
        Count streamed = new Count();
        try (EventStream stream = EventStream.openFile(path)) {
            stream.onEvent(streamed::add);
            stream.start();
        }
        System.out.printf("RecordingFile: %d of %d events come after a later one, up to %d ms%n", read.late, read.events, read.most);
        System.out.printf("EventStream:   %d of %d%n", streamed.late, streamed.events);
        System.exit(read.late > 1_000 && streamed.late == 0 ? 0 : 1);
    }
}
J
java Order.java
