"""Java programs that agents are known to break, and those that keep agents out: they run as ever, and are sampled or it is said why not."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.java import attaching, compile_java, every_java, jdk, newer_jdk, on, runtimes, sample
from tests.support.java import java as java_of
from tests.support.maven import async_profiler

SECONDS_TO_SAY_WHY = 3.0
LAST_WITH_SECURITY_MANAGERS = 23


@pytest.fixture(scope="module")
def archived(tmp_path_factory) -> tuple[str, ...]:
    """An AOT cache that was made for `Endings`, and the options to find that."""
    folder = tmp_path_factory.mktemp("archived")
    java = newer_jdk()
    _ = shutil.which("javac") or pytest.skip("NOT TESTED: there is no JDK on PATH")
    compile_java(folder / "classes", "Endings.java")
    jar = folder / "endings.jar"
    subprocess.run([Path(java).with_name("jar"), "cf", jar, "-C", folder / "classes", "."], check=True, timeout=60)
    made = subprocess.run(
        [java, f"-XX:AOTCacheOutput={folder}/cache.aot", "-cp", jar, "Endings", "return"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if not (folder / "cache.aot").exists():
        pytest.skip(f"NOT TESTED: {java} makes no AOT cache: {made.stderr}")
    return (str(folder / "cache.aot"), "-cp", str(jar))


async def test_an_aot_cache_is_used_as_without_us(tmp_path, archived):
    """A cache of classes made without us fits the JVM with us in it: no word of ours on its output, and the cache is used."""
    log = tmp_path / "classes.log"
    cache, *class_path = archived
    options = (f"-Xlog:class+load:file={log}", f"-XX:AOTCache={cache}", "-XX:AOTMode=on", *class_path)
    sampled = await sample(tmp_path, "Endings", "return", java=newer_jdk(), options=options)
    assert sampled.status == 0, bytes(sampled.stdout)
    assert bytes(sampled.stdout) == b"late\ndone\n"
    assert bytes(sampled.stderr) == b""
    assert "Endings source: shared objects file" in log.read_text()
    assert sampled.seconds("Endings.early") > 0.2
    assert all("Compiling" in line or "JIT inlined" in line for line in sampled.lines), sampled.lines


async def test_a_run_that_is_recorded_runs_without_us(tmp_path, archived):
    """A run that makes an AOT cache would have us in it: it runs unprofiled, and the line says why."""
    cache = tmp_path / "made.aot"
    options = (f"-XX:AOTCacheOutput={cache}", *archived[1:])
    sampled = await sample(tmp_path, "Endings", "exit", java=newer_jdk(), options=options)
    assert sampled.status == 3
    assert cache.exists()
    assert sampled.lines == [
        (
            f"⚠️ -XX:AOTCacheOutput={cache} records this run, and the profiler's agent would be in the record, so it runs"
            " unprofiled; profile a run without it"
        )
    ]


@pytest.mark.parametrize("find", [jdk, newer_jdk])
async def test_a_program_of_modules_has_no_more_of_them(tmp_path, find):
    """A program that names its modules is sampled, with and without an archive of classes, and never ended by our agent."""
    module = tmp_path / "module"
    module.mkdir()
    (module / "module-info.java").write_text("module some { }")
    (module / "some").mkdir()
    (module / "some" / "Main.java").write_text(
        "package some; public class Main { static volatile long sink; public static void main(String[] a) {"
        " long end = System.nanoTime() + 900_000_000L; while (System.nanoTime() < end) sink++;"
        ' System.out.println(ModuleLayer.boot().findModule("java.instrument").isPresent()); } }'
    )
    compile_java(tmp_path / "out", module / "module-info.java", module / "some" / "Main.java")
    sampled = await sample(tmp_path, "some/some.Main", java=find(), options=("-p", "out", "-m"))
    assert sampled.status == 0, bytes(sampled.stderr)
    assert sampled.stderr.decode() == ""
    assert sampled.seconds("Main.main") > 0.05, sampled.lines
    archive = f"-XX:SharedArchiveFile={Path(find()).parents[1]}/lib/server/classes.jsa"
    sampled = await sample(tmp_path, "some/some.Main", java=find(), options=(archive, "-p", "out", "-m"))
    assert (sampled.status, sampled.stdout.decode(), sampled.stderr.decode()) == (0, "false\n", "")
    assert len(sampled.lines) == 1
    assert f"{archive} fits the program's own modules alone" in sampled.lines[0]


@every_java
async def test_a_security_manager_that_the_program_sets(tmp_path, classes, runtime, record_property):
    """It holds for the program, and not for us."""
    options = (*_allowing_managers(runtime), *on(classes))
    sampled = await sample(tmp_path, "Guarded", "set", java=java_of(runtime), options=options)
    assert sampled.status == 0
    spent_ms, answer = sampled.stdout.split()
    assert answer == b"denied"
    record_property("measured", f"{100 * sampled.seconds('Guarded.burn') / (int(spent_ms) / 1000):.0f}%")
    assert sampled.seconds("Guarded.burn") == pytest.approx(int(spent_ms) / 1000, rel=0.2)


@every_java
async def test_a_security_manager_from_the_start_is_told(tmp_path, runtime, record_property):
    """One that was there before us does keep us out: said within three seconds, with what to do about it."""
    (tmp_path / "Waits.java").write_text(
        "public class Waits { public static void main(String[] a) throws Exception { Thread.sleep(3500); } }"
    )
    compile_java(tmp_path, tmp_path / "Waits.java")
    began_s = time.monotonic()
    told_s: list[float] = []

    async def wait(sampled):
        await sampled.until(lambda: sampled.lines or sampled.has_ended)
        told_s.append(time.monotonic() - began_s)

    _allowing_managers(runtime)
    options = ("-Djava.security.manager", "-cp", str(tmp_path))
    sampled = await sample(tmp_path, "Waits", java=java_of(runtime), options=options, meanwhile=wait, is_sampled=False)
    assert sampled.status == 0
    record_property("measured", f"said after {told_s[0]:.1f} s")
    assert len(sampled.lines) == 1
    assert "-Djava.security.manager keeps our agent out; leave it out, or let its policy grant" in sampled.lines[0]
    assert told_s[0] < SECONDS_TO_SAY_WHY


@runtimes("jdk", "25")
async def test_interrupting_every_thread_does_not_end_us(tmp_path, classes, runtime):
    """A program may interrupt the outermost group of threads: our own take no notice."""
    java = java_of(runtime)
    sampled = await sample(tmp_path, "Interrupting", java=java, options=on(classes))
    assert sampled.status == 0
    interrupted, spent_ms = sampled.stdout.split()
    assert interrupted == b"true"
    # Beside others it may get little of its second; loading its clock, before, takes some hundredths of one.
    assert sampled.seconds("Interrupting.burn") == pytest.approx(int(spent_ms) / 1000, rel=0.2, abs=0.06)


async def test_a_cache_whose_path_ends_an_agents_name_is_not_used(tmp_path, classes):
    """The JVM takes the first = of the option for the end of the agent's file, which it then did not find: it did not start, status 1."""
    sampled = await sample(tmp_path, "Endings", "exit", java=jdk(), options=on(classes), cache=tmp_path / "a=b")
    assert sampled.status == 3
    assert sampled.seconds("Endings.early") > 0.2


async def test_a_class_loader_of_the_programs_own_is_not_asked_to_take_an_agent(tmp_path):
    """Few have the method for it, and a JVM whose system loader has not ends at its start with "FATAL ERROR", status 134; async-profiler asks for none."""
    (tmp_path / "Own.java").write_text(
        "public class Own extends ClassLoader { public Own(ClassLoader parent) { super(parent); }"
        " static volatile double sink; public static void main(String[] a) {"
        " long end = System.nanoTime() + 300_000_000L; while (System.nanoTime() < end) sink += Math.sin(sink);"
        " System.out.println(ClassLoader.getSystemClassLoader().getClass().getName()); } }"
    )
    compile_java(tmp_path, tmp_path / "Own.java")
    options = ("-Djava.system.class.loader=Own", *on(tmp_path))
    sampled = await sample(tmp_path, "Own", java=jdk(), options=options)
    assert (sampled.status, bytes(sampled.stdout)) == (0, b"Own\n")
    [said] = sampled.lines
    assert "-Djava.system.class.loader=Own may end a JVM that has an agent in it" in said
    sampled = await sample(tmp_path, "Own", java=jdk(), options=options, async_profiler=str(async_profiler()))
    assert (sampled.status, bytes(sampled.stdout)) == (0, b"Own\n")
    assert sampled.seconds("Own.main") > 0


async def test_a_script_that_drops_its_arguments_is_told(tmp_path):
    """A `java` that starts something else, or Java without our agent, is named within three seconds."""
    script = tmp_path / "my-java"
    script.write_text("#!/bin/sh\nexec sleep 3\n")
    script.chmod(0o755)

    async def wait(sampled):
        await sampled.until(lambda: sampled.lines or sampled.has_ended)

    sampled = await sample(tmp_path, "Endings", java=str(script), meanwhile=wait, is_sampled=False)
    assert sampled.status == 0
    assert [line for line in sampled.lines if f"{script} has not started Java" in line]


async def test_a_program_that_only_waits_is_told(tmp_path):
    """No samples, because there is nothing to sample: said within three seconds."""
    (tmp_path / "Waits.java").write_text(
        "public class Waits { public static void main(String[] a) throws Exception { Thread.sleep(3000); } }"
    )
    compile_java(tmp_path, tmp_path / "Waits.java")
    sampled = await sample(tmp_path, "Waits", java=jdk(), options=on(tmp_path))
    assert sampled.status == 0
    assert sampled.total_s < 0.2
    assert sampled.total_s > 0 or [line for line in sampled.lines if "No samples so far" in line]


def _allowing_managers(runtime: str) -> tuple[str, ...]:
    """The option with which a program may set one; the test is skipped where there are none any more."""
    if runtime == "jdk":
        if attaching():
            pytest.skip("NOT TESTED: the JDK on PATH is too new for security managers")
        return ()
    if int(runtime) > LAST_WITH_SECURITY_MANAGERS:
        pytest.skip(f"Java {runtime} has no security managers")
    return ("-Djava.security.manager=allow",)
