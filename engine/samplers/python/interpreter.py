"""Which Python a process runs, and whether its memory may be read: what decides if Austin can sample it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from ...processes import environment_at_start, mapped_files, status_field
from .elf import python_in

_YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")
_CAP_SYS_PTRACE = 1 << 19
_LIBRARY = re.compile(r"lib(python|pypy)(\d)\.(\d+)\D")
"""libpython3.11.so.1.0, libpython3.7m.so.1.0, libpypy3.10-c.so."""
_PROGRAM = re.compile(r"python(\d)\.(\d+)")
_OTHER_PROGRAM = re.compile(r"(pypy|graalpy)(?:\d|(\d)\.(\d+))?")
_LOADERS = ("ld-", "ld.so")
_OTHERS = {"graalpy": "GraalPy", "pypy": "PyPy"}


class Interpreter(NamedTuple):
    """A kind of Python and its version."""

    implementation: str
    """`CPython`, `PyPy` or `GraalPy`."""
    version: tuple[int, int] | None
    """None where nothing tells it."""

    def __str__(self) -> str:
        name = "Python" if self.implementation == "CPython" else self.implementation
        return f"{name} {self.version[0]}.{self.version[1]}" if self.version else name


def interpreter_of(pid: int) -> Interpreter | None:
    """What `pid` runs; None if that is no Python (yet: many a `python3` is a script that ends in starting one).

    Reads files, which takes up to some 50 ms; nothing is started to find out.
    """
    program = executable(pid)
    if program is None:
        return None
    libraries = mapped_files(pid)
    for path in sorted(libraries):
        if found := _LIBRARY.match(path.rpartition("/")[2]):
            return Interpreter("CPython" if found[1] == "python" else "PyPy", (int(found[2]), int(found[3])))
    if program.name.startswith(_LOADERS):
        # `ld.so … python3.15 …`: what the dynamic loader was told to run.
        return next(
            filter(None, (_held(Path(f"/proc/{pid}/root{path}")) for path in libraries if "python" in path)), None
        )
    named = named_interpreter(program.name)
    if named is not None and named.implementation != "CPython":
        return named
    # A file's name proves nothing: `python-relay` may be anything.
    return _held(Path(f"/proc/{pid}/exe"), program.name) if "python" in program.name else None


def program_key(pid: int) -> str | None:
    """What tells the program that `pid` runs from others; None once it has ended."""
    program = executable(pid)
    if program is None:
        return None
    if not program.name.startswith(_LOADERS):
        return str(program)
    return f"{program} {' '.join(sorted(path for path in mapped_files(pid) if 'python' in path))}"


def named_interpreter(name: str) -> Interpreter | None:
    """What an interpreter of that file name claims to be: `python3.14`, `pypy3.10`; None where the name claims nothing."""
    if found := _PROGRAM.fullmatch(name):
        return Interpreter("CPython", (int(found[1]), int(found[2])))
    if found := _OTHER_PROGRAM.fullmatch(name):
        return Interpreter(_OTHERS[found[1]], (int(found[2]), int(found[3])) if found[2] else None)
    return None


def looks_like_python(pid: int) -> bool:
    return interpreter_of(pid) is not None


def executable(pid: int) -> Path | None:
    """The file that `pid` runs, links resolved; None once it has ended."""
    try:
        program = Path(f"/proc/{pid}/exe").readlink()
    except OSError:
        return None
    return program.with_name(program.name.removesuffix(" (deleted)"))


def jit_is_asked_for(pid: int) -> bool | None:
    """Whether the program's environment asks CPython (3.13 and newer, where built so) to compile to machine code.

    None where the program has written over it. No, once it has ended.
    """
    try:
        environment = environment_at_start(pid)
    except OSError:
        return False
    return None if environment is None else environment.get(b"PYTHON_JIT", b"") not in (b"", b"0")


def why_memory_is_closed(pid: int) -> str | None:
    """Why the kernel does not let us read the memory of `pid` and what to do about it; None if it does, or `pid` has ended."""
    try:
        os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC))
    except PermissionError:
        pass
    except OSError:
        return None
    else:
        return None
    try:
        user = Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return None
    if user not in (os.geteuid(), 0):
        return f"it runs as another user ({user}): run the profiler as that user or as root"
    return missing_right()


def why_children_are_closed() -> str | None:
    """Why Austin may not read the program's children although it may read the program, and what to do about it.

    Under Yama's scope 1 the program lets itself be read (`prctl(PR_SET_PTRACER)` before it is started), but its children do not
    inherit that, and Austin is no ancestor of theirs.
    """
    return missing_right() if _ptrace_scope() == 1 and not _may_trace() else None


def why_strangers_are_closed() -> str | None:
    """Why programs that we have not started may not be read, and what to do about it; None if those of the same user may."""
    return missing_right() if _ptrace_scope() and not _may_trace() else None


def missing_right() -> str:
    """What stands against reading other processes' memory, as far as it can be told, and what to do about it."""
    scope = _ptrace_scope()
    if scope == 3:
        return "kernel.yama.ptrace_scope is 3, which forbids it to everybody; boot with a lower value"
    if scope:
        return (
            f"kernel.yama.ptrace_scope is {scope}: run `sudo sysctl kernel.yama.ptrace_scope={scope - 1}`, "
            "or the profiler as root"
        )
    return (
        "run the profiler as root or give it CAP_SYS_PTRACE (`docker run --cap-add=SYS_PTRACE`; "
        "in Kubernetes `securityContext: {capabilities: {add: [SYS_PTRACE]}}`)"
    )


def knows_children() -> bool:
    """Whether this kernel lists a process's children (CONFIG_PROC_CHILDREN)."""
    return Path("/proc/thread-self/children").exists()


def _held(file: Path, name: str = "") -> Interpreter | None:
    """The CPython that `file`, called `name`, holds."""
    is_python, version = python_in(file)
    if is_python and version is None and (named := named_interpreter(name or file.name)):
        version = named.version
    return Interpreter("CPython", version) if is_python else None


def _ptrace_scope() -> int:
    try:
        return int(_YAMA.read_text())
    except (OSError, ValueError):
        return 0


def _may_trace() -> bool:
    effective = status_field(os.getpid(), "CapEff")
    return bool(effective) and bool(int(effective, 16) & _CAP_SYS_PTRACE)
