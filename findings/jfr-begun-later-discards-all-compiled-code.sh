#!/usr/bin/env bash
# OpenJDK 17: the Flight Recorder, begun in a JVM that runs already (jcmd JFR.start, or an API), throws away all code that was compiled; beside an agent that may redefine classes, and does nothing, it does not.
#
# Expected: to begin a recording with no event enabled costs what it takes to load the recorder, and the program's compiled code stays. An agent with the capability to redefine
#           classes can only make things dearer.
# Happens:  When it begins, the recorder puts its hooks into nine classes of the library (FileInputStream, Throwable, …) by redefining them. The JVM keeps which compiled code depends on
#           which class only where an agent has asked for that capability at the start; else the first redefinition marks every compiled method as invalid, and all is interpreted and
#           compiled once more. A line in an agent's manifest, Can-Redefine-Classes, makes of "all" some tens. Java 21 does the same, Java 25 redefines no class.
# Seen (OpenJDK 17.0.15, two cores; a compiler in the JVM, warm; time that the JIT takes while it compiles the same again):
#   "begun later: Marked all nmethods for deopt; beside an agent: Marked 12 dependent nmethods for deopt" and "JIT afterwards: 5447 ms; beside an agent: 3682 ms"
# Exit: 0 as said here, 1 it has changed, 2 there is no JDK 17.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v javac >/dev/null && javac -version 2>&1 | grep -q '^javac 17\.' || { echo "no JDK 17"; exit 2; }
cat >Main.java <<'J'
import java.lang.management.ManagementFactory;
import java.util.List;
import javax.tools.ToolProvider;

public class Main {
    static void compile(int times) throws Exception {
        var compiler = ToolProvider.getSystemJavaCompiler();
        var files = compiler.getStandardFileManager(null, null, null);
        for (int i = 0; i < times; i++) {
            compiler.getTask(null, files, null, List.of("-proc:none", "-d", "."), null, files.getJavaFileObjects("Main.java")).call();
        }
    }

    public static void main(String[] words) throws Exception {
        compile(25);
        long before = ManagementFactory.getCompilationMXBean().getTotalCompilationTime();
        try (jdk.jfr.Recording recording = new jdk.jfr.Recording()) {
            recording.start();
            compile(25);
        }
        System.out.println(ManagementFactory.getCompilationMXBean().getTotalCompilationTime() - before);
    }
}
J
mkdir agent
echo 'public class Agent { public static void premain(String options) {} }' >agent/Agent.java
javac Main.java
javac -d agent agent/Agent.java
printf 'Premain-Class: Agent\nCan-Redefine-Classes: true\n' >manifest
jar cfm agent.jar manifest -C agent Agent.class
run() { java "-Xlog:redefine+class+nmethod=debug:file=log" "$@" Main; }
alone_ms=$(run)
alone=$(grep -o 'Marked .*' log)
beside_ms=$(run -javaagent:agent.jar)
beside=$(grep -o 'Marked .*' log)
echo "begun later: $alone; beside an agent: $beside"
echo "JIT afterwards: $alone_ms ms; beside an agent: $beside_ms ms"
[ "$alone" = "Marked all nmethods for deopt" ] && [[ "$beside" =~ ^Marked\ [0-9]+\ dependent ]] || exit 1
