#!/usr/bin/env bash
# GraalPy 25.0.1, cProfile: the number of calls is the number of times that a sampler saw the function. What was called once has hundreds of calls, and what was called a thousand times has few or none.
#
# Expected: cProfile is the standard library's profiler that counts: `ncalls` is exact, each function that was called is in the table, and percall is time by calls. Programs that run on CPython and on GraalPy
#           can be compared by it.
# Happens:  it is a sampler in cProfile's clothes, that looks now and then. ncalls is how often the function was on the stack, in all columns; functions that were short at each look are
#           missing, the profiler's own and the launcher's are there; the total of seconds is less than the program's. A search for what is called too often finds what runs long.
# Seen (on openjdk 17.0.15; main() calls small() 100,000 times, and burn() once, for a second):
#   "called: small 100000, burn 1"
#   "ncalls: small 142, burn 3657" (otherwise each time)
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs mvn and java of JDK 17 or newer; brings 165 MB).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >pom.xml <<'X'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>example</groupId>
  <artifactId>graalpy</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.graalvm.polyglot</groupId><artifactId>python-community</artifactId><version>25.0.1</version><type>pom</type></dependency>
    <dependency><groupId>org.graalvm.python</groupId><artifactId>python-launcher</artifactId><version>25.0.1</version></dependency>
  </dependencies>
</project>
X
{ mvn -q -B dependency:copy-dependencies -DoutputDirectory=jars && java -version; } >log 2>&1 || { cat log; exit 2; }
cat >program.py <<'P'
import time


def small():
    return 1


def burn(seconds):
    end = time.perf_counter() + seconds
    turns = 0
    while time.perf_counter() < end:
        turns += 1


def main():
    for _ in range(100_000):
        small()
    burn(1)


main()
P
java -cp 'jars/*' com.oracle.graal.python.shell.GraalPythonMain -m cProfile program.py >profile.txt 2>log || { cat log; exit 2; }
calls() { awk -v name="($1)" '/^ +[0-9]/ && index($0, "program.py") && index($0, name) { print $1; found = 1 } END { if (!found) print 0 }' profile.txt; }
small=$(calls small) burn=$(calls burn)
echo "called: small 100000, burn 1"
echo "ncalls: small $small, burn $burn"
[ "${small%%/*}" -lt 50000 ] && [ "${burn%%/*}" -gt 10 ]
