"""Java sampled by async-profiler's library, where the user has it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections import defaultdict
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from multi_lang_profiler.engine.samplers.java.async_profiler import AsyncProfiler, find_async_profiler
from multi_lang_profiler.engine.samplers.java.jfr import MalformedRecording, is_complete, read_recordings
from multi_lang_profiler.engine.samplers.sampler import CannotStart
from tests.support.command import Folder
from tests.support.java import java, jdk, on, runtimes, sample
from tests.support.maven import async_profiler

if TYPE_CHECKING:
    from collections.abc import Iterator

ATTEMPTS = 4
SECTIONS = ("arithmetic", "sorting", "counting")


@pytest.mark.alone
@runtimes("jdk", "25")
async def test_inlined_methods_recursion_and_garbage_have_their_shares_from_the_start(tmp_path, classes, runtime):
    """All that safepoints hide is within 5 points and 10% of its own clock, by the names it has everywhere; nothing else is in the program's output."""
    truth_s: dict[str, float] = defaultdict(float)
    counted_s: dict[str, float] = defaultdict(float)
    step_s = 0.0
    for _ in range(ATTEMPTS):
        options = ("BlindSpots", "2000")
        sampled = await sample(
            tmp_path, *options, java=java(runtime), options=on(classes), async_profiler=str(async_profiler())
        )
        lines = sampled.stdout.decode().splitlines()
        assert (sampled.status, bytes(sampled.stderr), len(lines)) == (0, b"", 7)
        for section, spent_ms in map(str.split, lines):
            truth_s[section] += int(spent_ms) / 1000
            counted_s[section] += sampled.seconds(f"BlindSpots.{section}")
        step_s += sampled.seconds("BlindSpots.step")
        points = 100 / sum(truth_s.values())
        shares = {section: counted_s[section] * points for section in truth_s}
        if shares == pytest.approx({section: truth_s[section] * points for section in truth_s}, abs=4):
            break
    # Three standard deviations, where the machine was so busy that there are few samples.
    chance = 138 / sqrt(100 * sum(truth_s.values()))
    assert shares == pytest.approx({section: truth_s[section] * points for section in truth_s}, abs=max(5, chance))
    assert sum(counted_s.values()) == pytest.approx(sum(truth_s.values()), rel=0.1)
    assert step_s > 0.6 * counted_s["inlining"]
    assert sampled.run.sampler.name.startswith("async-profiler 4.")
    assert sampled.place("BlindSpots.step") == "BlindSpots.java"
    assert not [line for line in sampled.lines if "Compiling" in line], "no agent of ours is there"


@pytest.mark.alone
async def test_at_another_rate_shares_and_totals_are_as_true(tmp_path, classes):
    sampled = await sample(
        tmp_path,
        "Sections",
        "40",
        "2",
        java=jdk(),
        rate_hz=200,
        options=on(classes),
        async_profiler=str(async_profiler()),
    )
    *spent_ms, _wall_ms = map(int, sampled.stdout.split())
    seconds = [sampled.seconds(f"Sections.{section}") for section in SECTIONS]
    assert sum(seconds) == pytest.approx(sum(spent_ms) / 1000, rel=0.15)
    assert [100 * each / sum(seconds) for each in seconds] == pytest.approx(
        [100 * each / sum(spent_ms) for each in spent_ms], abs=8
    )


@pytest.mark.alone
async def test_virtual_threads_are_one_thread_and_their_carriers_are_not_shown(tmp_path, classes):
    """Their stacks begin with themselves."""
    sampled = await sample(
        tmp_path,
        "Sections",
        "40",
        "2",
        "virtual",
        java=java("25"),
        options=on(classes),
        async_profiler=str(async_profiler()),
    )
    *spent_ms, _wall_ms = map(int, sampled.stdout.split())
    seconds = [sampled.seconds(f"Sections.{section}", thread="virtual threads") for section in SECTIONS]
    assert sum(seconds) == pytest.approx(sum(spent_ms) / 1000, rel=0.15)
    roots = {frames[0].function for name, frames, _ in sampled.stacks if name == "virtual threads"}
    assert roots == {"VirtualThread.run"}


async def test_a_program_that_is_over_at_once_was_mains(tmp_path, classes):
    """A recording has names of threads as they were at its end, when main's is `DestroyJavaVM`; what it used before is the JVM's start, and not left over (40% was)."""
    library = str(async_profiler())
    for _ in range(ATTEMPTS):
        sampled = await sample(
            tmp_path, "Short", java=jdk(), options=on(classes), async_profiler=library, is_sampled=False
        )
        assert "DestroyJavaVM" not in {name for name, _, _ in sampled.stacks}
        assert sampled.seconds("Short.main", thread="main") > 0
        # On a busy machine it may be over before we look at its clocks.
        if sampled.ledger.book().before_s > 0.01:
            return
    pytest.fail("what main used before its first sample is told of none")


async def test_a_jvm_that_watches_over_natives_is_left_alone(tmp_path, classes):
    """With -Xcheck:jni it prints on the program's output what it thinks of async-profiler's handlers of signals: our agent has none."""
    options = ("-Xcheck:jni", *on(classes))
    sampled = await sample(tmp_path, "Short", java=jdk(), options=options, async_profiler=str(async_profiler()))
    assert len(sampled.stdout.splitlines()) == 1, bytes(sampled.stdout)
    assert any("is not used" in line for line in sampled.lines)
    assert sampled.seconds("Short.main") > 0


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    (tmp_path / "run").mkdir()
    with Folder(tmp_path / "run") as made:
        yield made


def test_a_killed_agent_takes_the_recordings_along(folder: Folder, classes: Path) -> None:
    """The program runs on, and nothing of ours goes on to fill its disk."""
    words = ("--async-profiler", str(async_profiler()), "--java", jdk(), "--java-arg=-cp", f"--java-arg={classes}")
    ours = folder.start("java", "Inlined", "--no-tui", *words, "--", "9")
    program = _child(ours.pid)
    _until(lambda: _recording(program) is not None)
    ours.send_signal(signal.SIGKILL)
    ours.wait()
    _until(lambda: _recording(program) is None)
    time.sleep(1.5)
    assert _recording(program) is None
    assert Path(f"/proc/{program}/cmdline").read_bytes(), "the program runs on"
    os.kill(program, signal.SIGKILL)


def test_asprof_on_the_path_is_used_without_an_option(folder: Folder, classes: Path) -> None:
    """Or ASYNC_PROFILER_HOME; the summary names it, and `off` does without."""
    home = folder.path / "async-profiler"
    (home / "bin").mkdir(parents=True)
    (home / "lib").mkdir()
    (home / "bin" / "asprof").write_text("#!/bin/sh\n")
    (home / "bin" / "asprof").chmod(0o755)
    shutil.copy(async_profiler(), home / "lib")
    words = (
        "java",
        "Inlined",
        "--java",
        jdk(),
        "--java-arg=-cp",
        f"--java-arg={classes}",
        "--no-tui",
        "--summary",
        "json",
    )
    search = f"{home / 'bin'}:{os.environ['PATH']}"
    found = folder.run(*words, "--", "2", PATH=search)
    off = folder.run(*words, "--async-profiler", "off", "--", "1", PATH=search)
    assert (found.stdout, off.stdout) == (b"", b"")
    assert '"name": "Inlined.mix"' in found.stderr
    assert "Compiling the Java agent" not in found.stderr
    assert '"name": "Inlined.mix"' not in off.stderr


async def test_what_is_no_async_profiler_is_said(tmp_path: Path) -> None:
    """One that is named has to be one; what only happens to be there is passed over."""
    with pytest.raises(CannotStart, match=r"has no libasyncProfiler\.so; --async-profiler takes"):
        await find_async_profiler(str(tmp_path), {})
    (tmp_path / "libasyncProfiler.so").write_text("no library")
    with pytest.raises(CannotStart, match="cannot be loaded here"):
        await find_async_profiler(str(tmp_path), {})
    assert await find_async_profiler(None, {"ASYNC_PROFILER_HOME": str(tmp_path)}) is None
    assert await find_async_profiler(None, {"PATH": str(tmp_path)}) is None


@pytest.mark.parametrize(
    ("version", "java_version", "why"),
    [
        ("4.6", 8, None),
        ("4.0", 21, None),
        ("3.0", 17, "Java 17 takes 4.0 or newer"),
        ("4.0", 25, "Java 25 takes 4.1 or newer"),
        ("4.6", 27, None),
        ("5.0", 28, "whether it is for Java 28 is not known"),
    ],
)
def test_one_that_is_older_than_the_java_is_not_let_into_it(version: str, java_version: int, why: str | None) -> None:
    """A stack walker that does not know a JVM's structures may end it."""
    assert AsyncProfiler(Path("x"), version).why_not(java_version) == why


@pytest.fixture(scope="module")
def recording(classes: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("recording") / "one.jfr"
    option = f"-agentpath:{async_profiler()}=start,event=itimer,interval=10ms,jfr,quiet,clock=monotonic,file={file}"
    subprocess.run([jdk(), option, *on(classes), "Inlined", "1"], check=True, capture_output=True, timeout=60)
    return file.read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(where=st.floats(0, 1), by=st.binary(max_size=8), left_out=st.integers(0, 8))
def test_a_damaged_recording_is_told_and_never_anything_else(
    recording: bytes, where: float, by: bytes, left_out: int
) -> None:
    """Whoever wrote it had the run of our folder: the user's own program."""
    at = int(where * len(recording))
    damaged = recording[:at] + by + recording[at + left_out :]
    is_complete(damaged)
    try:
        read_recordings(damaged)
    except MalformedRecording:
        return


def _child(pid: int) -> int:
    children = Path(f"/proc/{pid}/task/{pid}/children")

    def java_of_it() -> list[str]:
        # Between fork and exec a child of ours is called as we are.
        words = {each: Path(f"/proc/{each}/cmdline").read_bytes() for each in children.read_text().split()}
        return [each for each, said in words.items() if said.startswith(jdk().encode())]

    _until(java_of_it)
    return int(java_of_it()[0])


def _recording(pid: int) -> str | None:
    """The recording that the process writes."""
    opened = (str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir() if file.is_symlink())
    return next((name for name in opened if "recording-" in name), None)


def _until(condition) -> None:
    ends_s = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < ends_s
        time.sleep(0.02)
