"""The process tree: everybody in it is found, and every second of CPU time that the kernel counts is counted once."""

from __future__ import annotations

import functools
import os
import resource
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.processes import environment_at_start
from multi_lang_profiler.engine.profile.process_tree import BIRTHS_S, Look, ProcessTree

if TYPE_CHECKING:
    from collections.abc import Callable

DEADLINE_S = 30.0
BURN = "import os, sys, time\ndef burn(s):\n    t = time.process_time()\n    while time.process_time() - t < s: pass\n"


class Watched:
    """A program, looked at until `is_enough` or its end, and what its tree counted."""

    def __init__(self, *command: str) -> None:
        self.looks: list[Look] = []
        self.printed = b""
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.tree = ProcessTree(self.process.pid, is_ours=True)

    def watch(self, is_enough: Callable[[], object] = lambda: False) -> None:
        ends_s = time.monotonic() + DEADLINE_S
        while not is_enough() and not os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
            assert time.monotonic() < ends_s
            time.sleep(BIRTHS_S)
            self.looks.append(self.tree.look())

    def end(self) -> float:
        """The CPU seconds that the kernel says the program and the children it waited for have used."""
        self.watch()
        self.looks.append(self.tree.look(at_all=True))
        _, _, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = 0
        self.tree.close()
        self.printed = self.process.stdout.read() if self.process.stdout else b""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()
        return usage.ru_utime + usage.ru_stime

    @property
    def used_s(self) -> dict[str, float]:
        used: dict[str, float] = defaultdict(float)
        for look in self.looks:
            for member, ns in look.used:
                used[member.command] += ns / 1e9
            for member, ns in look.too_short:
                used[f"children of {member.command}"] += ns / 1e9
        return used

    @property
    def found(self) -> list[str]:
        return [member.command for look in self.looks for member in look.found]


def python(code: str) -> tuple[str, str, str, str]:
    return sys.executable, "-S", "-c", BURN + code


@pytest.mark.parametrize(
    "code",
    [
        "burn(0.3)",
        "if not os.fork(): burn(0.3); os._exit(0)\nburn(0.2); os.wait()",
        "for _ in range(20):\n    if not os.fork(): burn(0.02); os._exit(0)\n    os.wait()",
        "for _ in range(4):\n    if not os.fork():\n        if not os.fork(): burn(0.1); os._exit(0)\n        os.wait(); burn(0.05); os._exit(0)\n    os.wait()",
    ],
    ids=["alone", "child", "short children", "grandchildren"],
)
def test_all_cpu_time_of_a_tree_is_counted_once(code: str) -> None:
    """However short its processes live, they come to what the kernel tells whoever waits for the program."""
    watched = Watched(*python(code))
    kernel_s = watched.end()
    # User and system time of children come in ticks.
    assert sum(watched.used_s.values()) == pytest.approx(kernel_s, rel=0.02, abs=0.03)


def test_children_that_nobody_waits_for_keep_what_they_used() -> None:
    """Where a program ignores SIGCHLD the kernel throws its children's time away; we have seen it."""
    code = "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)\nif not os.fork(): burn(0.5); os._exit(0)\ntry: os.wait()\nexcept ChildProcessError: pass"
    watched = Watched(*python(code))
    kernel_s = watched.end()
    assert sum(watched.used_s.values()) > kernel_s + 0.35


def test_a_child_is_found_while_it_is_young_whatever_the_size_of_the_tree() -> None:
    """Beside 300 waiting threads and 100 processes, before it has used 0.1 s. One of five such children is enough: a busy machine may hold us up, too."""
    code = (
        "import subprocess, threading\nr, w = os.pipe()\nfor _ in range(100):\n    if not os.fork(): os.close(w); os.read(r, 1); os._exit(0)\n"
        "stop = threading.Event(); threading.stack_size(1 << 18)\n"
        "for _ in range(300): threading.Thread(target=stop.wait, daemon=True).start()\n"
        "while sys.stdin.read(1): subprocess.run([sys.executable, '-S', '-c', 'while True: pass'], timeout=20)"
    )
    watched = Watched(*python(code))
    threads = Path(f"/proc/{watched.process.pid}/task")
    watched.watch(lambda: len(list(threads.iterdir())) > 300 and len(watched.tree.members) > 100)
    assert watched.process.stdin is not None
    used_ns: list[int] = []
    for _ in range(5):
        known = len(watched.found)
        watched.process.stdin.write(b"x")
        watched.process.stdin.flush()
        watched.watch(functools.partial(lambda known: len(watched.found) > known, known))
        child = [member for look in watched.looks for member in look.found][-1]
        os.kill(child.pid, 9)
        used_ns.append(child.cpu_ns)
        if child.cpu_ns < 0.1e9:
            break
    watched.process.kill()
    watched.end()
    assert min(used_ns) < 0.1e9


DAEMON = "if os.fork(): os._exit(0)\nos.setsid()\nif os.fork(): os._exit(0)\n"


def test_a_daemon_is_found() -> None:
    """Made by two forks within a millisecond and nobody's child any more, it is found by what it has inherited, and it is no zombie of ours."""
    watched = Watched(
        *python(
            f"if not os.fork():\n    {DAEMON.replace(chr(10), chr(10) + '    ')}time.sleep(20)\n    os._exit(0)\nos.wait()\ntime.sleep(20)"
        )
    )
    watched.watch(lambda: any(member.is_orphan for member in watched.tree.members.values()))
    (daemon,) = (member for member in watched.tree.living() if member.is_orphan)
    os.kill(daemon.pid, 9)
    watched.watch(lambda: daemon.pid not in watched.tree.members)
    watched.process.kill()
    watched.end()


def test_an_orphan_sees_the_parent_it_would_have_without_us() -> None:
    """We do not become the parent of what the program leaves behind; many a daemon asks who its parent is."""
    code = "r, w = os.pipe()\nif not os.fork():\n    if os.fork(): os._exit(0)\n    time.sleep(0.3); os.write(w, str(os.getppid()).encode()); os._exit(0)\nos.wait(); sys.stdout.write(os.read(r, 99).decode())"
    bare = subprocess.run(python(code), capture_output=True, check=True).stdout
    watched = Watched(*python(code))
    watched.end()
    assert watched.printed == bare


def test_the_mark_limits_nothing() -> None:
    """What the program's processes inherit of us is above all that can be reached, and may be taken back by them."""
    code = "import resource; print(*resource.getrlimit(resource.RLIMIT_RTTIME)); resource.setrlimit(resource.RLIMIT_RTTIME, (-1, -1)); print('ok')"
    watched = Watched(*python(f"sys.stdin.read(1)\n{code}"))
    assert watched.process.stdin is not None
    watched.process.stdin.close()
    watched.end()
    soft, hard, answer = watched.printed.decode().split()
    assert answer == "ok"
    assert int(hard) == resource.RLIM_INFINITY
    assert int(soft) == resource.RLIM_INFINITY or int(soft) / 1e6 / 86_400 / 365 > 100_000


def test_a_process_that_becomes_another_program_is_told_of() -> None:
    watched = Watched("sh", "-c", "sleep 0.3; exec sleep 0.4")
    watched.end()
    assert "sleep 0.4" in [member.command for look in watched.looks for member in look.changed]


OVERWRITE = """
fields = open("/proc/self/stat").read().rpartition(")")[2].split()
begin, end = int(fields[47]), int(fields[48])
with open("/proc/self/mem", "r+b", 0) as memory:
    memory.seek(begin)
    memory.write(b"\\0" * (end - begin))
"""


@pytest.mark.parametrize(
    ("code", "variables", "seen"),
    [
        ("", {"A": "1", "B": "x=y"}, {b"A": b"1", b"B": b"x=y"}),
        ("", {}, {}),
        (OVERWRITE, {"A": "1"}, None),
    ],
    ids=["as it is", "empty", "overwritten by a title"],
)
def test_an_environment_that_is_overwritten_is_not_taken_for_an_empty_one(
    code: str, variables: dict[str, str], seen: dict[bytes, bytes] | None
) -> None:
    """What a process has written over (setproctitle does) is unknown; what was not set is not."""
    program = subprocess.Popen(
        (sys.executable, "-S", "-c", f"{code}\nprint(flush=True); input()"),
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with program:
        assert program.stdout is not None
        program.stdout.readline()
        assert environment_at_start(program.pid) == seen
        program.kill()
    with pytest.raises(OSError, match="No such"):
        environment_at_start(program.pid)
