"""What a process runs, and what keeps us from reading it, is told as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from multi_lang_profiler.engine.samplers.python import interpreter
from multi_lang_profiler.engine.samplers.python.elf import python_in
from multi_lang_profiler.engine.samplers.python.interpreter import Interpreter, interpreter_of, looks_like_python
from tests.support.python import AUSTIN_VERSIONS, python_of_version

_WHERE = """\
import os, sysconfig
print(os.path.realpath("/proc/self/exe"))
print(sysconfig.get_config_var("LIBDIR"))
"""


def test_our_own_interpreter_is_recognized() -> None:
    """This process runs the CPython that it says it runs."""
    assert interpreter_of(os.getpid()) == Interpreter("CPython", sys.version_info[:2])
    assert looks_like_python(os.getpid())


@pytest.mark.parametrize("version", AUSTIN_VERSIONS)
def test_an_interpreter_under_a_name_that_tells_nothing_is_recognized(version: str, tmp_path: Path) -> None:
    """Its file, or the library that it loads, tells which it is; it is not started to say so."""
    program = tmp_path / "python"
    asked = subprocess.run([python_of_version(version), "-c", _WHERE], capture_output=True, check=True, text=True)
    real, library = asked.stdout.splitlines()
    shutil.copy(real, program)
    with subprocess.Popen(
        [program, "-c", "print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"LD_LIBRARY_PATH": library, "PYTHONHOME": str(Path(library).parent)},
    ) as running:
        assert running.stdout is not None
        running.stdout.readline()
        major, _, minor = version.partition(".")
        assert interpreter_of(running.pid) == Interpreter("CPython", (int(major), int(minor)))
        if Path(library, f"libpython{version}.so.1.0").exists():
            assert python_in(Path(library, f"libpython{version}.so.1.0")) == (True, (int(major), int(minor)))
        assert running.stdin is not None
        running.stdin.close()
    assert str(Interpreter("CPython", None)) == "Python"
    assert str(Interpreter("PyPy", (3, 10))) == "PyPy 3.10"


@pytest.mark.parametrize("name", ["sh", "python-relay", "python", "python3.11", "libpython3.so", "pypy-relay"])
def test_other_programs_are_no_interpreters_whatever_their_name(name: str, tmp_path: Path) -> None:
    """A shell is no Python, nor is a process that has ended."""
    program = tmp_path / name
    shutil.copy("/bin/sh", program)
    with subprocess.Popen([program, "-c", "read line"], stdin=subprocess.PIPE) as shell:
        assert interpreter_of(shell.pid) is None
        assert not looks_like_python(shell.pid)
    assert interpreter_of(shell.pid) is None


def test_files_that_are_cut_short_or_damaged_hold_no_python(tmp_path: Path) -> None:
    """Whatever lies under the name of a program, looking into it ends with an answer."""
    whole = Path("/proc/self/exe").read_bytes()[:100_000]
    file = tmp_path / "python"
    for at in (0, 1, 4, 40, 63, 64, 1_000):
        file.write_bytes(whole[:at])
        assert python_in(file) == (False, None)
    for at in range(4, 64):
        file.write_bytes(whole[:at] + b"\xff" + whole[at + 1 :])
        python_in(file)
    assert python_in(tmp_path) == (False, None)


CAPABILITY = (
    "run the profiler as root or give it CAP_SYS_PTRACE (`docker run --cap-add=SYS_PTRACE`; "
    "in Kubernetes `securityContext: {capabilities: {add: [SYS_PTRACE]}}`)"
)


@pytest.mark.parametrize(
    ("scope", "advice"),
    [
        ("0", CAPABILITY),
        (
            "1",
            "kernel.yama.ptrace_scope is 1: run `sudo sysctl kernel.yama.ptrace_scope=0`, or the profiler as root",
        ),
        (
            "2",
            "kernel.yama.ptrace_scope is 2: run `sudo sysctl kernel.yama.ptrace_scope=1`, or the profiler as root",
        ),
        ("3", "kernel.yama.ptrace_scope is 3, which forbids it to everybody; boot with a lower value"),
        (None, CAPABILITY),
    ],
)
def test_a_missing_right_comes_with_what_to_do(
    scope: str | None, advice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For every setting of Yama, and without it, the line says what to run."""
    setting = tmp_path / "ptrace_scope"
    if scope is not None:
        setting.write_text(scope + "\n")
    monkeypatch.setattr(interpreter, "_YAMA", setting)
    assert interpreter.missing_right() == advice
    monkeypatch.setattr(interpreter, "_may_trace", lambda: False)
    assert (interpreter.why_children_are_closed() is not None) == (scope == "1")
