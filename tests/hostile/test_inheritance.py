"""What a program inherits under us is what it inherits bare: the differences that must be are listed here, with their reason."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .subjects import SUBJECTS, Subjects, environment

DEADLINE_S = 60.0
LAUNCHER = Path(__file__).resolve().parents[2] / "multi_lang_profiler"
STARTER = """\
umask 027
ulimit -c 0
ulimit -S -n 200
trap '' HUP USR2
trap : TERM
cd "$HOME/work"
exec 7<"$HOME/open" 8>/dev/null
exec nice -n 3 "$@" </dev/null >"$HOME/out" 2>"$HOME/err"
"""
MUST_DIFFER = {
    "Python": {},
    "Node.js": {
        r"word [1-9]": "--require, which loads our part, before the program",
        r"variable (NODE_OPTIONS|MULTI_LANG_PROFILER_NODE)": "loads our part into it and its children; it takes them back before the program's first line",
        r"descriptor \d\d?": "the socket on which our part speaks, and what its thread waits with",
        r"SigCgt SIGPROF": "V8's profiler samples by it",
    },
    "Java": {
        r"word .*": "the option that loads our agent, and those that keep what it needs",
        r"descriptor .*": "the agent's file, and the pipes on which it speaks",
        r"SigCgt signal 62": "Java's own, for threads that wait for a pipe",
    },
    "Go": {
        r"word 0": "built by us, in a folder of ours",
        r"variable (MULTI_LANG_PROFILER_\w+|GODEBUG)": "where our part finds us; it takes it back before the program's first line",
        r"descriptor \d\d?": "the socket on which our part speaks, and what Go's poller waits with",
        r"SigCgt SIGPROF": "Go's profiler samples by it",
    },
    "a command": {
        r"variable (NODE_OPTIONS|MULTI_LANG_PROFILER_NODE)": "loads our part into the Node.js programs under it",
        r"variable MULTI_LANG_PROFILER_GO": "where the Go programs that are built under it find us",
        r"variable PATH": "has a go before the user's own that builds the sampler in",
    },
}  # fmt: skip
OF_ALL = {
    r"limit Max realtime timeout": "2^62 µs and more, which no program reaches: by it daemons are known as the program's",
}


@pytest.fixture(scope="module")
def differences(tmp_path_factory) -> dict[str, dict[str, tuple[str, str]] | str]:
    """By language: what differs, bare and under us; or why it cannot be had here. All at once, for they mostly start and wait."""
    subjects = Subjects(tmp_path_factory.mktemp("subjects"))
    folder = tmp_path_factory.mktemp("inheritance")

    def look(language: str) -> dict[str, tuple[str, str]] | str:
        try:
            subject = subjects.of(language)
        except pytest.skip.Exception as skipped:
            return str(skipped)
        places = folder / language / "bare", folder / language / "ours"
        bare = _facts([*subject.bare], places[0])
        ours = _facts(subject.command(options=("--quiet", "--no-tui")), places[1])
        keys = sorted({*bare, *ours})
        found = {key: (bare.get(key, "–"), ours.get(key, "–")) for key in keys}
        return {key: (one, other) for key, (one, other) in found.items() if one != other}

    with ThreadPoolExecutor(len(SUBJECTS)) as pool:
        return dict(zip(SUBJECTS, pool.map(look, SUBJECTS), strict=True))


@pytest.mark.parametrize("language", SUBJECTS)
def test_a_program_inherits_what_it_would_bare(language, differences):
    """Environment, open files, signals, limits, rights, folder, umask, niceness, terminal: as bare, but for what is listed."""
    found = differences[language]
    if isinstance(found, str):
        pytest.skip(found)
    listed = "|".join((*MUST_DIFFER[language], *OF_ALL))
    assert {key: values for key, values in found.items() if not re.fullmatch(listed, key)} == {}


@pytest.mark.parametrize("trap", ["trap '' PIPE", "trap - PIPE"])
def test_a_broken_pipe_is_ignored_where_the_starter_ignores_it(trap, tmp_path):
    """systemd ignores SIGPIPE for its services, and Python for itself: the launcher tells them apart, and keeps it from the program's environment."""
    script = "grep SigIgn /proc/$$/status; env | grep SIGPIPE"

    def started_by(*words: str) -> bytes:
        command = ["sh", "-c", f'{trap}; exec "$@"', "starter", *words, "sh", "-c", script]
        done = subprocess.run(
            command, capture_output=True, check=False, env=environment(tmp_path), restore_signals=True
        )
        return done.stdout

    assert started_by(str(LAUNCHER), "--quiet", "--") == started_by()


def _facts(command: list[str], home: Path) -> dict[str, str]:
    """Start `command` from a shell that leaves it much to inherit, and look at the program once it waits."""
    (home / "work").mkdir(parents=True)
    (home / "open").touch()
    log = home / "log"
    leader, terminal = pty.fork()
    if leader == 0:
        with contextlib.suppress(OSError):
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGWINCH})
            # What the tests beside this one have open.
            os.closerange(3, 1_000)
            os.execve("/bin/sh", ["sh", "-c", STARTER, "starter", *command, str(log), "wait"], environment(home))
        os._exit(127)
    try:
        pid = _wait_for(log, leader)
        return {key: fact.replace(str(home), "HOME") for key, fact in _looked_at(pid, leader).items()}
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(OSError, UnboundLocalError):
                os.kill(pid, number)
        with contextlib.suppress(OSError):
            os.kill(leader, signal.SIGKILL)
        os.waitpid(leader, 0)
        os.close(terminal)


def _wait_for(log: Path, leader: int) -> int:
    ends_s = time.monotonic() + DEADLINE_S
    while not (log.exists() and log.read_text().endswith("\n")):
        assert os.waitpid(leader, os.WNOHANG) == (0, 0), (log.parent / "err").read_text()
        assert time.monotonic() < ends_s, "the program did not start"
        time.sleep(0.02)
    pid = int(log.read_text())
    # Its own set-up, and ours in it, is over once it has worked, and waits.
    before = -1
    while (now := _cpu_ticks(pid)) != before:
        before = now
        time.sleep(0.4)
    return pid


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _looked_at(pid: int, leader: int) -> dict[str, str]:
    process = Path(f"/proc/{pid}")
    facts = {f"word {at}": word for at, word in enumerate((process / "cmdline").read_text().split("\0"))}
    for variable in (process / "environ").read_bytes().decode(errors="replace").split("\0")[:-1]:
        name, _, value = variable.partition("=")
        facts[f"variable {name}"] = value
    for descriptor in (process / "fd").iterdir():
        flags = re.search(r"flags:\s*(\d+)", (process / "fdinfo" / descriptor.name).read_text())
        assert flags, "fdinfo says how each is open"
        facts[f"descriptor {descriptor.name}"] = (
            f"{re.sub(r':.[0-9]+.', '', str(descriptor.readlink()))}, flags {flags[1]}"
        )
    for line in (process / "limits").read_text().splitlines()[1:]:
        facts[f"limit {line[:26].strip()}"] = " ".join(line[26:].split())
    status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
    for name in (
        "Umask",
        "Uid",
        "Gid",
        "Groups",
        "NoNewPrivs",
        "Seccomp",
        "CapInh",
        "CapPrm",
        "CapEff",
        "CapBnd",
        "CapAmb",
        "Cpus_allowed",
    ):
        facts[name] = status.get(name, "")
    for name in ("SigBlk", "SigIgn", "SigCgt"):
        for number in range(1, 65):
            known = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
            facts[f"{name} {known}"] = str(int(status[name], 16) >> (number - 1) & 1)
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    facts["process group"], facts["session"] = (str(int(fields[at]) == leader) for at in (2, 3))
    facts["has a terminal"], facts["in the foreground"] = str(fields[4] != "0"), str(int(fields[5]) == leader)
    facts["niceness"], facts["policy"] = fields[16], fields[38]
    facts["folder"] = str((process / "cwd").readlink()).rpartition("/")[2]
    facts["out of memory"] = (process / "oom_score_adj").read_text()
    return facts
