"""What a process runs, and what keeps us from reading it, is told as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from multi_lang_profiler.engine.samplers.python import interpreter
from multi_lang_profiler.engine.samplers.python.interpreter import Interpreter, interpreter_of, looks_like_python


async def test_our_own_interpreter_is_recognized() -> None:
    """This process runs the CPython that it says it runs."""
    assert await interpreter_of(os.getpid()) == Interpreter("CPython", sys.version_info[:2])
    assert looks_like_python(os.getpid())


async def test_an_interpreter_whose_name_does_not_tell_its_version_is_asked(tmp_path: Path) -> None:
    """Where neither the program's name nor its libraries' tell the version it is asked; one that gives no answer stays unknown."""
    program = tmp_path / "python"
    program.write_bytes(Path("/bin/sh").read_bytes())
    program.chmod(0o755)
    with subprocess.Popen([program, "-c", "read line"], stdin=subprocess.PIPE) as running:
        assert await interpreter_of(running.pid) == Interpreter("CPython", None)
    assert str(Interpreter("CPython", None)) == "Python"
    assert str(Interpreter("PyPy", (3, 10))) == "PyPy 3.10"


async def test_other_programs_are_no_interpreters() -> None:
    """A shell is no Python, nor is a process that has ended."""
    with subprocess.Popen(["/bin/sh", "-c", "read line"], stdin=subprocess.PIPE) as shell:
        assert await interpreter_of(shell.pid) is None
        assert not looks_like_python(shell.pid)
    assert await interpreter_of(shell.pid) is None


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
