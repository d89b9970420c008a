#!/usr/bin/env bash
# OpenJDK 17: of two Java agents that do nothing, the one whose premain takes the options alone makes the program start later than the one whose premain takes an Instrumentation, too.
#
# Expected: premain(String) is the simpler of the two forms that java.lang.instrument documents; which of them an agent has makes no difference, or it saves something.
# Happens:  The JVM looks for the longer one first. Where it is missing, a NoSuchMethodException is made, whose text lists the parameters' types by a stream and a lambda; nobody
#           reads it, but to have a lambda at all some 150 classes are loaded and others made, before main begins. An agent that has both forms is spared that.
# Seen (OpenJDK 17.0.15, two cores; CPU time of the main thread when main begins, medians of 9):
#   "premain(String): 673 classes, 34.2 ms; premain(String, Instrumentation): 525 classes, 29.9 ms; no agent: 407 classes, 24.2 ms"
# Exit: 0 as said here, 1 it has changed, 2 there is no JDK, or it is not Linux.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v javac >/dev/null && [ -e /proc/thread-self/schedstat ] || { echo "no JDK, or not Linux"; exit 2; }
cat >Main.java <<'J'
public class Main {
    public static void main(String[] words) throws Exception {
        byte[] text = new byte[64];
        try (java.io.FileInputStream file = new java.io.FileInputStream("/proc/thread-self/schedstat")) {
            System.out.println(new String(text, 0, file.read(text)).split(" ")[0]);
        }
    }
}
J
mkdir one two
echo 'public class Agent { public static void premain(String options) {} }' >one/Agent.java
echo 'public class Agent { public static void premain(String options, java.lang.instrument.Instrumentation all) {} }' >two/Agent.java
javac Main.java
echo 'Premain-Class: Agent' >manifest
for kind in one two; do
    javac -d "$kind" "$kind/Agent.java"
    jar cfm "$kind.jar" manifest -C "$kind" Agent.class
done
classes() { java -Xlog:class+load "$@" Main | grep -c 'source: '; }
used_ms() {
    for _ in 1 2 3 4 5 6 7 8 9; do java "$@" Main; done | sort -n | awk 'NR == 5 { printf "%.1f", $1 / 1000000 }'
}
# As -javaagent, but without a module more in the program.
of_one=$(classes -agentlib:instrument=one.jar)
of_two=$(classes -agentlib:instrument=two.jar)
of_none=$(classes)
echo "premain(String): $of_one classes, $(used_ms -agentlib:instrument=one.jar) ms; premain(String, Instrumentation): $of_two classes, $(used_ms -agentlib:instrument=two.jar) ms; no agent: $of_none classes, $(used_ms) ms"
[ $((of_one - of_two)) -ge 80 ] || exit 1
