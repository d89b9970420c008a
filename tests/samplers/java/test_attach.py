"""Watching JVMs that run already: what is seen of them, and that nothing of us stays in them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from multi_lang_profiler.engine.samplers.java.attach import load_agent
from tests.support.command import DEADLINE_S, Folder, finish
from tests.support.java import ATTACHABLE, attaching, compile_java, jdk, jre, newer_jdk
from tests.support.java import java as java_of
from tests.support.node import TOOLCHAINS

LOOP = """
package com.acme;

public class Loop {
    static volatile long sink;

    static void busy() {
        for (int i = 0; i < 100_000; i++) {
            sink += i;
        }
    }

    public static void main(String[] arguments) throws Exception {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("bye")));
        Runnable work = () -> {
            System.out.println("ready");
            while (!new java.io.File(arguments[0]).exists()) {
                // A third of a core: others run beside it.
                for (long end = System.nanoTime() + 3_000_000; System.nanoTime() < end; ) {
                    busy();
                }
                java.util.concurrent.locks.LockSupport.parkNanos(6_000_000);
            }
        };
        Thread thread = arguments.length == 1 ? new Thread(work) : (Thread) Thread.class
                .getMethod("startVirtualThread", Runnable.class).invoke(null, work);
        if (arguments.length == 1) {
            thread.start();
        }
        thread.join();
        System.exit(7);
    }
}
"""
CACHE = {"XDG_CACHE_HOME": str(TOOLCHAINS)}
"""Where agents that tests have compiled lie."""


@pytest.fixture
def folder(tmp_path) -> Iterator[Folder]:
    with Folder(tmp_path) as folder:
        source = folder.write("src/com/acme/Loop.java", LOOP)
        compile_java(folder.path / "out", source)
        yield folder


class Program:
    """A JVM that nobody has prepared for being watched."""

    def __init__(self, folder: Folder, java: str, *options: str, before: tuple[str, ...] = (), kind: str = "") -> None:
        self._go = folder.path / "end"
        self._errors = folder.path / "errors"
        words = (*before, java, *options, "-cp", "out", "com.acme.Loop", str(self._go), *([kind] if kind else []))
        with self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                words, cwd=folder.path, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
            )
        folder._started.append(self.process)
        assert self.process.stdout
        assert self.process.stdout.readline() == b"ready\n"
        self.pid = self.process.pid

    def threads(self) -> set[str]:
        """The names of those that are not the JVM's own compiler and collector threads, which come and go."""
        names = set()
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            # One may end meanwhile.
            with contextlib.suppress(OSError):
                names.add((task / "comm").read_text().strip())
        return {name for name in names if not name.startswith(("C1 ", "C2 ", "G1 ", "GC "))}

    def open_pipes(self) -> list[str]:
        files = []
        for file in Path(f"/proc/{self.pid}/fd").iterdir():
            # One may be closed meanwhile.
            with contextlib.suppress(OSError):
                files.append(str(file.readlink()))
        return [file for file in files if "/mlp-" in file]

    def has_nothing_of_us(self) -> bool:
        return not self.open_pipes() and not any(name.startswith("multi_lang_prof") for name in self.threads())

    def end(self) -> tuple[int, str, str]:
        """Exit status and what it printed since it was ready."""
        self._go.touch()
        printed, _ = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, printed.decode(), self._errors.read_text()


def until(condition: Callable[[], object], deadline_s: float = DEADLINE_S) -> None:
    ends_s = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < ends_s, "not in time"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("runtime", "options", "words", "warns"),
    [
        ("jdk", attaching, (), False),
        ("21", lambda: (ATTACHABLE,), (), False),
        ("25", tuple, ("--force",), True),
    ],
    ids=["JDK on PATH", "21 that allows it", "25, by force"],
)
def test_attach_and_detach(folder, runtime, options, words, warns):
    """A JVM is sampled by its number, twice; each time all of ours goes with us, and the program ends as it would have."""
    program = Program(folder, java_of(runtime), *options())
    before = program.threads()
    for stay in (("--duration", "1.5"), ()):
        watching = folder.start("--pid", str(program.pid), *words, *stay, "--summary", "json")
        if not stay:
            until(program.open_pipes)
            time.sleep(1.5)  # of samples
            watching.send_signal(signal.SIGINT)
        finished = finish(watching)
        assert finished.status == 0, finished.stderr
        assert f"Left process {program.pid}, which runs on" in finished.lines
        summary = json.loads(finished.lines[-1])
        assert (summary["language"], summary["exit_status"]) == ("Java", None)
        hottest = summary["hot_functions"][0]
        assert (hottest["name"], hottest["file"]) == ("Loop.busy", "src/com/acme/Loop.java")
        until(program.has_nothing_of_us)
        assert program.threads() - before <= {"Attach Listener"}
    status, printed, errors = program.end()
    assert (status, printed) == (7, "bye\n")
    assert all(line.startswith("WARNING: ") for line in errors.splitlines())
    assert bool(errors) == warns


def test_we_are_killed(folder):
    """SIGKILL for the profiler: the program runs on, and the agent in it ends by itself."""
    program = Program(folder, jdk(), *attaching())
    # What it leaves is for its next run to remove.
    watching = folder.start("--pid", str(program.pid), **CACHE, TMPDIR=str(folder.path))
    until(program.open_pipes)
    time.sleep(0.5)  # of samples
    watching.kill()
    watching.wait()
    until(program.has_nothing_of_us)
    assert program.end() == (7, "bye\n", "")


def test_the_program_ends_first(folder):
    """When a JVM that is watched ends, its last samples and the summary come, and the status is 0."""
    program = Program(folder, jdk(), *attaching())
    watching = folder.start("--pid", str(program.pid), **CACHE)
    until(program.open_pipes)
    time.sleep(1.0)  # of samples
    assert program.end() == (7, "bye\n", "")
    finished = finish(watching)
    assert finished.status == 0
    assert re.search(r"^Watched .*\n.*\n.* Loop.busy ", finished.stderr, re.MULTILINE), finished.stderr


def test_virtual_threads(folder):
    """What virtual threads run is seen after attaching, too; the Flight Recorder's recording ends when we leave."""
    java = newer_jdk()
    program = Program(folder, java, ATTACHABLE, kind="virtual")
    finished = folder.run("--pid", str(program.pid), "--duration", "8", "--summary", "json", **CACHE)
    assert finished.status == 0, finished.stderr
    names = {function["name"] for function in json.loads(finished.lines[-1])["hot_functions"]}
    assert "Loop.busy" in names
    until(program.has_nothing_of_us)
    jcmd = Path(java).with_name("jcmd")
    checked = subprocess.run([jcmd, str(program.pid), "JFR.check"], capture_output=True, text=True, check=True)
    assert "No available recordings" in checked.stdout
    assert program.end() == (7, "bye\n", "")


def refusal(folder: Folder, program: Program) -> str:
    """Why `program` is not attached to, as its only line says it; it runs on and does not notice."""
    finished = folder.run("--pid", str(program.pid))
    assert (finished.status, len(finished.lines), finished.stdout) == (2, 1, b""), finished.stderr
    assert program.end() == (7, "bye\n", "")
    beginning = f"multi_lang_profiler: --pid: process {program.pid} cannot be sampled: "
    assert finished.lines[0].startswith(beginning)
    return finished.lines[0].removeprefix(beginning)


@pytest.mark.parametrize(
    ("option", "says"),
    [
        (
            "-Xrs",
            (
                "it was started with -Xrs, so that the signal which makes a JVM listen would kill it: "
                "start it with multi_lang_profiler java"
            ),
        ),
        (
            "@options",
            "it was started with -XX:+DisableAttachMechanism: leave that out, or start it with multi_lang_profiler java",
        ),
        (
            "-XX:-EnableDynamicAgentLoading",
            "it was started with -XX:-EnableDynamicAgentLoading: leave that out, or start it with multi_lang_profiler java",
        ),
    ],
)
def test_jvms_that_refuse(folder, option, says):
    """A JVM that an option closes, in a file of options also, is left alone: the line names the option."""
    folder.write("options", "-XX:+DisableAttachMechanism\n")
    assert refusal(folder, Program(folder, jdk(), option)) == says


def test_a_jvm_that_would_warn(folder):
    """Java 21 and newer print a warning on the program's stderr, so they are attached to only if that is asked for."""
    assert refusal(folder, Program(folder, jre(21))) == (
        "Java 21 and newer print a warning on the program's stderr when an agent is loaded: accept that with --force, "
        "or start the program with -XX:+EnableDynamicAgentLoading"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root can start programs as somebody else")
def test_jvms_of_others(folder):
    """Another user's JVM, and one with files of its own, are refused with what to do instead."""
    for path in (folder.path, *folder.path.parents):
        if path.stat().st_uid == os.geteuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)
    other = Program(folder, jdk(), before=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"))
    assert refusal(folder, other) == (
        "it runs as another user (65534), whom alone a JVM obeys: run the profiler as that user"
    )
    (folder.path / "end").unlink()
    if shutil.which("unshare") and subprocess.run(["unshare", "-m", "true"], check=False).returncode == 0:
        assert refusal(folder, Program(folder, jdk(), before=("unshare", "-m"))) == (
            "it runs in another container or with a private /tmp: run the profiler in there (docker exec, kubectl exec)"
        )


YOUNG_JVM = """
import os, signal, socket, sys, time
answers = [b"0\\nreturn code: 102\\njava.lang.NullPointerException", b"0\\nreturn code: 0"]
place = f"/tmp/.java_pid{os.getpid()}"
def listen(*_):
    server.bind(place)
    server.listen()
server = socket.socket(socket.AF_UNIX)
print(flush=True)
time.sleep(0.3)  # as a JVM on a busy machine: until now the signal would have killed it
signal.signal(signal.SIGQUIT, listen)
while not os.path.exists(place):
    time.sleep(0.01)
for answer in answers:
    connection, _ = server.accept()
    connection.recv(10_000)
    connection.sendall(answer)
    connection.close()
os.unlink(place)
print("loaded")
"""


async def test_a_jvm_that_has_just_begun_is_waited_for(tmp_path: Path) -> None:
    """Asked before it handles the signal it would die, and for a moment after that it has no class loader to load an agent with."""
    jvm = await asyncio.create_subprocess_exec(sys.executable, "-c", YOUNG_JVM, stdout=asyncio.subprocess.PIPE)
    assert jvm.stdout
    await jvm.stdout.readline()
    await load_agent(jvm.pid, tmp_path / "agent.jar", "options")
    said, _ = await jvm.communicate()
    assert (jvm.returncode, said) == (0, b"loaded\n")
