"""The Java sampler on real JVMs: how programs are launched and end, and that they never notice it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import signal
import subprocess
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.profile.stacks import OTHER_CALLERS
from multi_lang_profiler.engine.samplers.java.runtime import agent_jar, find_java, installed_java
from multi_lang_profiler.engine.samplers.sampler import CannotStart
from tests.support.command import Folder
from tests.support.java import Sampled, compile_java, jdk, jre, newer_jdk, on, sample
from tests.support.node import TOOLCHAINS

if TYPE_CHECKING:
    pass

SECTIONS = ("arithmetic", "sorting", "counting")
F_SETPIPE_SZ = 1031

APP = """
package com.acme;

public class App {
    static volatile long sink;

    static class Nested {
        void work() {
            for (int i = 0; i < 20_000; i++) {
                sink += i;
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        java.util.Scanner scanner = new java.util.Scanner(System.in);
        Runnable body = () -> new Nested().work();
        long until = System.nanoTime() + 900_000_000L;
        while (System.nanoTime() < until) {
            body.run();
        }
        System.out.println(String.join("|", arguments));
        System.err.println("to stderr");
    }
}
"""


# How programs are started ----------------------------------------------------------------------------------------------


def _check_app(sampled: Sampled, place: str) -> None:
    assert sampled.status == 0, bytes(sampled.stderr)
    assert bytes(sampled.stdout) == b"a b|--c\n"
    assert bytes(sampled.stderr) == b"to stderr\n"
    assert sampled.place("App.Nested.work") == place
    frames = sampled.stacks[0][1]
    assert [frame.function for frame in frames] == ["App.main", "App.main.lambda$0", "App.Nested.work"]
    assert frames[0].line == APP.splitlines().index("            body.run();") + 1
    assert sampled.was_sampling == [True, False, False]


@pytest.mark.parametrize("find", [jdk, newer_jdk])
async def test_a_source_file(tmp_path, find):
    """`java App.java`: the file is the given one, and the stacks begin in its main method, not in Java's launcher."""
    source = tmp_path / "com" / "acme" / "App.java"
    source.parent.mkdir(parents=True)
    source.write_text(APP)
    sampled = await sample(tmp_path, "com/acme/App.java", "a b", "--c", java=find())
    _check_app(sampled, "com/acme/App.java")
    assert sampled.launch.source_file == source


async def test_a_class_on_a_class_path(tmp_path):
    """A class with `--java-arg=-cp --java-arg=DIR`: its source is found where projects keep it."""
    source = tmp_path / "src" / "main" / "java" / "com" / "acme" / "App.java"
    source.parent.mkdir(parents=True)
    source.write_text(APP)
    compile_java(tmp_path / "out", source)
    sampled = await sample(tmp_path, "com.acme.App", "a b", "--c", java=jdk(), options=("-Xmx64m", "-cp", "out"))
    _check_app(sampled, "src/main/java/com/acme/App.java")
    assert sampled.launch.source_file == source


async def test_a_jar(tmp_path):
    """`-jar`: the main class named by the manifest; without its source the path is that of the package."""
    source = tmp_path / "elsewhere.java"
    source.write_text(APP.replace("public class App", "class App").replace("class App {", "class App {\n", 0))
    compile_java(tmp_path / "out", source)
    with zipfile.ZipFile(tmp_path / "app.jar", "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nMain-Class: com.ac\n me.App\n")
        for file in (tmp_path / "out").rglob("*.class"):
            jar.write(file, file.relative_to(tmp_path / "out"))
    sampled = await sample(tmp_path, "app.jar", "a b", "--c", java=jdk())
    _check_app(sampled, "elsewhere.java")


async def test_who_called_a_deep_recursion(tmp_path, classes):
    """Of a stack of thousands of frames the outermost and the innermost are shown, with a mark for those between."""
    sampled = await sample(tmp_path, "BlindSpots", "1500", java=jdk(), options=on(classes))
    deep = [[frame.function for frame in frames] for _, frames, _ in sampled.stacks if len(frames) > 200]
    assert deep
    for functions in deep:
        assert functions[0] == "Thread.run"
        assert functions.index("BlindSpots.recursion") < functions.index("BlindSpots.descend")
        assert OTHER_CALLERS in functions[3:-1]


async def test_a_script_that_starts_java(tmp_path, classes):
    """`--java` may name a script that passes its arguments on."""
    script = tmp_path / "my-java"
    script.write_text(f'#!/bin/sh\nexec {jdk()} "$@"\n')
    script.chmod(0o755)
    sampled = await sample(tmp_path, "Endings", "return", java=str(script), options=on(classes))
    assert sampled.status == 0
    assert sampled.seconds("Endings.early") == pytest.approx(0.6, abs=0.2)
    assert sampled.run.sampler.name.startswith("agent in Java ")


@pytest.mark.parametrize(
    ("program", "line"),
    [
        ("Missing.java", "Missing.java was not found"),
        ("missing.jar", "missing.jar was not found"),
        (
            "folder",
            "folder is a folder; name a .java file, a .jar, or a class (its class path after --java-arg=-cp)",
        ),
        (
            "App.class",
            "App.class is a compiled class; name the class instead, its folder as --java-arg=-cp --java-arg=DIR",
        ),
    ],
)
async def test_what_cannot_be_started(tmp_path, program, line):
    """A program that is not there, or is not one, is one clear line."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(CannotStart) as raised:
        await sample(tmp_path, program, java=jdk())
    assert str(raised.value) == line


async def test_no_java(tmp_path):
    """A Java that is not there is one clear line."""
    with pytest.raises(CannotStart, match=r"^/no/java is not an executable; name the JVM to use with --java PATH$"):
        await find_java("/no/java", {})


async def test_java_home_is_preferred(tmp_path, monkeypatch):
    """Without --java, $JAVA_HOME counts before PATH; one without a Java does not."""
    home = Path(jre(21)).parents[1]
    assert (await find_java(None, {"JAVA_HOME": str(home)})).major == 21
    assert (await find_java(None, {"JAVA_HOME": str(tmp_path)})).executable == shutil.which("java")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotStart, match=r"^Java was not found in JAVA_HOME or on PATH; install a JDK"):
        await find_java(None, {})


@pytest.mark.parametrize("collector", ["G1", "Serial", "Parallel"])
async def test_the_options_by_which_a_jvm_is_seen_are_silent(collector):
    """Options of ours are known to the JVM, which has no word to say about them, whatever its collector."""
    options = (await find_java(jdk(), {})).options_to_see(("-Xmx64m",), inlined=True)
    assert len(options) == 4
    command = [jdk(), *options, f"-XX:+Use{collector}GC", "-version"]
    ran = subprocess.run(command, capture_output=True, check=True, text=True)
    assert not ran.stdout
    assert "warning" not in ran.stderr.lower()


async def test_options_are_given_to_no_jvm_that_may_not_know_them(tmp_path):
    """What the user has said about safepoints holds; a JVM without HotSpot's compiler is not told about it."""
    runtime = await find_java(jdk(), {})
    loops = runtime.options_to_see(())
    assert len(loops) == 2
    for told in ("-XX:-UseCountedLoopSafepoints", "-XX:LoopStripMiningIter=1"):
        assert runtime.options_to_see((told,)) == []
    assert runtime.options_to_see(("-XX:-DebugNonSafepoints",), inlined=True) == loops
    assert runtime.options_to_see(("-zero",)) == []
    (tmp_path / "release").write_text('JAVA_VERSION="21.0.8"\n')
    assert installed_java(tmp_path).options_to_see(()) == []
    (tmp_path / "lib" / "server").mkdir(parents=True)
    (tmp_path / "lib" / "server" / "libjvm.so").touch()
    assert installed_java(tmp_path).options_to_see(()) == loops
    (tmp_path / "lib" / "default").mkdir()
    assert installed_java(tmp_path).options_to_see(()) == []


# What cannot be sampled runs all the same ------------------------------------------------------------------------------


async def test_no_compiler(tmp_path, classes, monkeypatch):
    """A runtime without javac runs the program unprofiled and says what to install; with the agent in the cache it is sampled."""
    cache = tmp_path / "cache"
    with monkeypatch.context() as patched:
        patched.setenv("PATH", str(tmp_path))
        sampled = await sample(tmp_path, "Endings", "exit", java=jre(21), options=on(classes), cache=cache)
    assert sampled.status == 3
    assert bytes(sampled.stdout) == b"late\ndone\n"
    assert sampled.recorder.run.total == 0
    assert sampled.lines == [
        (
            f"⚠️ There is no javac beside {jre(21)} or on PATH, so the program runs unprofiled;"
            " install a JDK (not just a JRE), or name one with --java"
        )
    ]


async def test_a_runtime_without_instrumentation(tmp_path, classes):
    """A runtime that was linked without what the agent needs (which would keep the JVM from starting) runs it unprofiled."""
    small = tmp_path / "small"
    jlink = Path(jdk()).with_name("jlink")
    if not jlink.exists():
        pytest.skip("NOT TESTED: the JDK on PATH has no jlink")
    subprocess.run(
        [jlink, "--add-modules", "java.base", "--strip-java-debug-attributes", "--output", small],
        check=True,
        timeout=60,
    )
    (tmp_path / "Small.java").write_text(
        "public class Small { public static void main(String[] a) { System.exit(5); } }"
    )
    compile_java(tmp_path, tmp_path / "Small.java")
    sampled = await sample(tmp_path, "Small", java=str(small / "bin" / "java"))
    assert sampled.status == 5
    assert sampled.lines == [
        (
            f"⚠️ {small}/bin/java was made without java.instrument and java.management and jdk.management, so the program runs"
            " unprofiled; name a full JDK with --java"
        )
    ]


async def test_runs_beside_each_other_compile_one_agent(tmp_path):
    """Two first runs at once leave one whole agent in the cache; a later one does not compile, and replaces a damaged one."""
    runtime = await find_java(jdk(), {})
    compilations: list[str] = []
    jars = await asyncio.gather(*(agent_jar(runtime, tmp_path, compilations.append) for _ in range(2)))
    assert jars[0] == jars[1]
    assert await agent_jar(runtime, tmp_path, compilations.append) == jars[0]
    assert len(compilations) == 2
    assert [file.name for file in tmp_path.glob("*.jar")] == [jars[0].name]
    content = jars[0].read_bytes()
    jars[0].write_bytes(content[:2000] + bytes(500) + content[2500:])
    assert await agent_jar(runtime, tmp_path, compilations.append) == jars[0]
    assert len(compilations) == 3
    with zipfile.ZipFile(jars[0]) as jar:
        assert jar.testzip() is None


# Ends ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "signal_number", "status"),
    [
        ("return", None, 0),
        ("exit", None, 3),
        ("throw", None, 1),
        ("wait", signal.SIGTERM, 143),
        ("wait", signal.SIGINT, 130),
    ],
)
async def test_the_last_window_arrives(tmp_path, classes, ending, signal_number, status):
    """At every end that runs shutdown hooks, all samples up to it are handed over, and the exit status is the program's."""

    async def end(sampled):
        if signal_number:
            await sampled.until_printed(b"done")
            # Past the sampler, which would be asked for a flush first.
            os.kill(sampled.run.process.pid, signal_number)

    sampled = await sample(tmp_path, "Endings", ending, java=jdk(), options=on(classes), meanwhile=end)
    assert sampled.status == status
    assert sampled.seconds("Endings.early") == pytest.approx(0.6, abs=0.15)
    assert sampled.seconds("Endings.late") == pytest.approx(0.3, abs=0.1)


@pytest.mark.parametrize(("ending", "status"), [("halt", 4), ("wait", 137)])
async def test_an_end_without_notice_loses_a_window_at_most(tmp_path, classes, ending, status):
    """`Runtime.halt` and SIGKILL take with them what was measured in the half second before, no more."""

    async def end(sampled):
        if ending == "wait":
            await sampled.until_printed(b"done")
            os.kill(sampled.run.process.pid, signal.SIGKILL)

    sampled = await sample(tmp_path, "Endings", ending, java=jdk(), options=on(classes), meanwhile=end)
    assert sampled.status == status
    counted = sampled.seconds("Endings.early") + sampled.seconds("Endings.late")
    assert 0.9 - 0.5 - 0.1 < counted < 1.05


async def test_a_program_that_ends_without_notice_before_its_first_window_is_told(tmp_path):
    (tmp_path / "Halts.java").write_text(
        "public class Halts { public static void main(String[] a) { long until = System.nanoTime() + 400_000_000L;"
        " while (System.nanoTime() < until); Runtime.getRuntime().halt(3); } }"
    )
    compile_java(tmp_path, tmp_path / "Halts.java")
    sampled = await sample(tmp_path, "Halts", java=jdk(), options=on(tmp_path))
    assert sampled.status == 3
    assert sampled.total_s > 0 or [line for line in sampled.lines if "No samples: the JVM ended at once" in line]


async def test_flush_hands_over_what_there_is(tmp_path, classes):
    """After a flush even SIGKILL takes nothing with it."""

    async def end(sampled):
        await sampled.until_printed(b"done")
        await sampled.run.send_signal(signal.SIGKILL)

    sampled = await sample(tmp_path, "Endings", "wait", java=jdk(), options=on(classes), meanwhile=end)
    assert sampled.status == 137
    # Few looks, on a busy machine, tell less well what of it came late than how much it was.
    assert sampled.seconds("Endings.late") > 0
    assert sampled.seconds("Endings.main") == pytest.approx(0.9, abs=0.1)


# The program never notices ---------------------------------------------------------------------------------------------


def test_streams_arguments_and_status_pass_untouched(tmp_path):
    """The command leaves the program's stdin, stdout, stderr, arguments and exit status as they are."""
    folder = Folder(tmp_path)
    folder.write(
        "Echo.java",
        "public class Echo {\n"
        "  public static void main(String[] arguments) throws Exception {\n"
        "    System.in.transferTo(System.out);\n"
        '    System.err.print(String.join("|", arguments));\n'
        "    System.out.flush();\n"
        "    System.exit(7);\n"
        "  }\n"
        "}\n",
    )
    everything = bytes(range(256)) * 100
    words = ("java", "Echo.java", "--no-tui", "--quiet", "--", "--rate", "x y")
    finished = folder.run(*words, stdin=everything, XDG_CACHE_HOME=str(TOOLCHAINS))
    assert finished.stderr == "--rate|x y"
    assert finished.stdout == everything
    assert finished.status == 7


async def test_nobody_reads(tmp_path, classes):
    """With a profiler that is gone before, one that goes away, and one that reads nothing, the program ends as it should."""

    async def stop_reading(sampled):
        sampler = sampled.run.sampler
        asyncio.get_running_loop().remove_reader(sampler._samples)
        # A page: full after the first windows.
        fcntl.fcntl(sampler._samples, F_SETPIPE_SZ, 4096)

    async def go_away(sampled):
        sampled.run._sampling.cancel()
        await sampled.run.sampler.close()

    for trouble in (stop_reading, go_away):
        sampled = await sample(tmp_path, "Sections", "20", java=jdk(), options=on(classes), meanwhile=trouble)
        assert sampled.status == 0, trouble
        assert bytes(sampled.stderr) == b""
        assert len(sampled.stdout.split()) == 4
    run = subprocess.run(sampled.launch.argv, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert (run.returncode, run.stderr, len(run.stdout.split())) == (0, b"", 4)


async def test_the_programs_own_recording_goes_on(tmp_path, classes):
    """A program that records itself with JFR has its recording, and our samples come as well."""
    recording = tmp_path / "own.jfr"
    options = (f"-XX:StartFlightRecording=filename={recording},settings=profile", *on(classes))
    sampled = await sample(tmp_path, "Endings", "return", java=jdk(), options=options)
    assert sampled.status == 0
    assert sampled.seconds("Endings.early") == pytest.approx(0.6, abs=0.15)
    jfr = Path(jdk()).with_name("jfr")
    text = subprocess.run(
        [jfr, "print", "--events", "jdk.ExecutionSample", recording],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert "Endings.early" in text


async def test_a_jvm_started_with_the_same_options(tmp_path):
    """A program that starts itself again, agent option and all, is sampled alone; the other JVM runs without us."""
    (tmp_path / "Twice.java").write_text(
        "import java.util.*;\n"
        "import java.lang.management.ManagementFactory;\n"
        "public class Twice {\n"
        "  static volatile long sink;\n"
        "  static void burn() { long t = System.nanoTime(); while (System.nanoTime() - t < 800_000_000L) sink++; }\n"
        "  public static void main(String[] arguments) throws Exception {\n"
        "    burn();\n"
        "    if (arguments.length > 0) return;\n"
        '    List<String> command = new ArrayList<>(List.of(System.getProperty("java.home") + "/bin/java"));\n'
        "    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());\n"
        '    command.addAll(List.of("-cp", System.getProperty("java.class.path"), "Twice", "again"));\n'
        "    System.exit(new ProcessBuilder(command).inheritIO().start().waitFor());\n"
        "  }\n"
        "}\n"
    )
    compile_java(tmp_path, tmp_path / "Twice.java")
    sampled = await sample(tmp_path, "Twice", java=jdk())
    assert sampled.status == 0
    assert bytes(sampled.stdout + sampled.stderr) == b""
    assert sampled.seconds("Twice.main", thread="main") < 1.2


async def test_the_agent_is_a_quiet_guest(tmp_path):
    """Of us the program sees two daemon threads outside its own groups, nothing in its properties, and no open port."""
    (tmp_path / "Look.java").write_text(
        "public class Look {\n"
        "  public static void main(String[] arguments) throws Exception {\n"
        "    Thread.sleep(1000);\n"
        "    ThreadGroup own = Thread.currentThread().getThreadGroup();\n"
        "    Thread[] found = new Thread[100];\n"
        "    System.out.println(own.enumerate(found, true));\n"
        "    int count = own.getParent().enumerate(found, true);\n"
        "    for (int i = 0; i < count; i++)\n"
        '      if (found[i].getName().startsWith("multi_lang")) System.out.println(found[i].isDaemon());\n'
        "    for (Object name : System.getProperties().keySet())\n"
        '      if (name.toString().contains("multi")) System.out.println(name);\n'
        '    for (String table : new String[] {"tcp", "tcp6"}) {\n'
        '      for (String line : java.nio.file.Files.readAllLines(java.nio.file.Path.of("/proc/self/net/" + table))) {\n'
        '        String[] fields = line.trim().split("\\\\s+");\n'
        '        if (!fields[3].equals("0A")) continue;\n'
        '        for (java.io.File fd : new java.io.File("/proc/self/fd").listFiles())\n'
        "          if (java.nio.file.Files.isSymbolicLink(fd.toPath())\n"
        '              && java.nio.file.Files.readSymbolicLink(fd.toPath()).toString().equals("socket:[" + fields[9] + "]"))\n'
        "            System.out.println(line);\n"
        "      }\n"
        "    }\n"
        "  }\n"
        "}\n"
    )
    compile_java(tmp_path, tmp_path / "Look.java")
    sampled = await sample(tmp_path, "Look", java=jdk())
    assert sampled.status == 0, bytes(sampled.stderr)
    assert sampled.stdout.split() == [b"1", b"true", b"true"]
