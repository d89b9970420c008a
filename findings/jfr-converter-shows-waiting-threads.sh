#!/usr/bin/env bash
# jfr-converter 4.2 (async-profiler's jfrconv): of a recording that the JDK made, the default output is half threads that wait, and --cpu is empty.
#
# Expected: a recording without a wall clock profile is converted to where the program's time went; --cpu, "CPU profile (ExecutionSample)" in its help,
#           is the same without what is not on a processor.
# Happens:  JDK Flight Recorder also samples threads in native code, and does not know whether they run or wait. By default jfrconv adds these
#           events to the others, so that threads in accept() and select() have half of all and more. --cpu wants a thread state that only
#           async-profiler's own recordings have: nothing is left, and no word is said.
# Seen (openjdk 17.0.15; one thread works for 3 s, four wait for the network):
#   "default: 51% of 279 samples wait in the network"
#   "--cpu: 0 samples"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs java of JDK 17 or newer, and mvn).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{ mvn -q -B dependency:copy -Dartifact=tools.profiler:jfr-converter:4.2 -DoutputDirectory=. && java -version; } >log 2>&1 || { cat log; exit 2; }
cat >Wait.java <<'J'
import java.net.ServerSocket;
import java.nio.channels.Selector;

public class Wait {
    static long busy(long ms) {
        long sum = 0;
        for (long end = System.currentTimeMillis() + ms; System.currentTimeMillis() < end; ) {
            for (int i = 0; i < 100_000; i++) sum += i ^ sum;
        }
        return sum;
    }

    interface Call {
        void run() throws Exception;
    }

    static void daemon(Call call) {
        Thread thread = new Thread(() -> {
            try {
                call.run();
            } catch (Exception error) {
                throw new RuntimeException(error);
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    public static void main(String[] args) throws Exception {
        ServerSocket server = new ServerSocket(0);
        for (int i = 0; i < 3; i++) daemon(server::accept);
        daemon(() -> Selector.open().select());
        if (busy(3_000) == 1) System.out.println();
    }
}
J
java -XX:StartFlightRecording=filename=recording.jfr,settings=profile Wait.java >log 2>&1
samples() { # how many, and how many of them have the network's wait on top
    awk '{ all += $NF } /(accept|wait)[^;]* [0-9]+$/ { waiting += $NF } END { print all + 0, waiting + 0 }' "$1"
}
java -jar jfr-converter-4.2.jar -o collapsed recording.jfr default.txt >log 2>&1
java -jar jfr-converter-4.2.jar --cpu -o collapsed recording.jfr cpu.txt >log 2>&1
read -r all waiting < <(samples default.txt)
read -r cpu _ < <(samples cpu.txt)
echo "default: $((100 * waiting / all))% of $all samples wait in the network"
echo "--cpu: $cpu samples"
[ $((4 * waiting)) -gt "$all" ] && [ "$cpu" = 0 ]
