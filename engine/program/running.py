"""A program that runs already, by its process id: what it is, and whether it can be watched."""

from __future__ import annotations

import contextlib
import mmap
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..processes import is_java, process_tree
from ..profile.command_lines import CommandLine, java_words, python_words
from ..samplers.java.attach import why_no_agent
from ..samplers.python.interpreter import executable, looks_like_python, why_memory_is_closed
from ..settings import Language
from .subject import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

_GO_BUILD_INFO = b"\xff Go buildinf:"
"""In every Go executable: https://pkg.go.dev/debug/buildinfo"""


class CannotAttach(Exception):
    """The text is one clear line: why not, and what to do instead."""

    def __init__(self, text: str, *, briefly: str = "", may_pass: bool = False) -> None:
        super().__init__(text)
        self.briefly = briefly
        """The same for a row of the ledger; empty for a process that has ended."""
        self.may_pass = may_pass
        """Asking again may help."""


def running_program(pid: int, *, may_warn: bool) -> Subject:
    """The Python or Java program that runs as `pid`, or the Python below it. Raises `CannotAttach`.

    `may_warn`: the user accepts that some JVMs print a warning.
    """
    if not Path(f"/proc/{pid}").exists():
        raise CannotAttach(f"there is no process {pid}")
    is_of_java = is_java(pid) and not _is_named_python(pid)
    try:
        beginning = f"process {pid} cannot be sampled: "
        if is_of_java and (refusal := why_no_agent(pid, may_warn=may_warn)):
            raise CannotAttach(beginning + refusal.why, briefly=refusal.briefly, may_pass=refusal.may_pass)
        if not is_of_java and (closed := why_memory_is_closed(pid)):
            raise CannotAttach(beginning + closed, briefly=closed.partition(":")[0])
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
        folder = Path(f"/proc/{pid}/cwd").resolve(strict=True)
    except OSError:
        raise CannotAttach(f"process {pid} has ended, or is one of the kernel's") from None
    if is_of_java:
        return _read_java_command(words, folder)
    tree = process_tree(pid)
    # Below the shell that we were started from there is at least one Python: us.
    if not looks_like_python(pid) and (os.getpid() in tree or not any(map(looks_like_python, tree))):
        raise CannotAttach(_instead(pid))
    return _read_python_command(words, folder)


def _instead(pid: int) -> str:
    """Why `pid` is not attached to, and what to do."""
    program = executable(pid)
    name = program.name if program else ""
    start = "start it with multi_lang_profiler"
    if name in ("node", "nodejs"):
        return (
            f"process {pid} runs Node.js, which lets itself be watched by way of SIGUSR1 only: that runs the program's own"
            " handler if it has one, else prints on its stderr and opens a port on which every user of this machine can"
            f" run code in it; {start} typescript FILE (or javascript)"
        )
    if program is not None and is_go_program(pid):
        return (
            f"process {pid} runs a Go program, which is watched by a build of its own: {start} go PACKAGE; where it serves"
            " net/http/pprof, follow it with --pprof URL"
        )
    return f"process {pid} runs {program}; --pid is for running Python and Java programs"


def is_go_program(pid: int) -> bool:
    """Whether `pid` runs an executable that Go has built; reads all of it, at some 10 ms for 50 MB."""
    with (
        contextlib.suppress(OSError, ValueError),
        Path(f"/proc/{pid}/exe").open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        return content.find(_GO_BUILD_INFO) >= 0
    return False


def _is_named_python(pid: int) -> bool:
    """A Python may have loaded a JVM, and a JVM a Python."""
    program = executable(pid)
    return program is not None and program.name.startswith("python")


def _read_python_command(words: Sequence[str], working_folder: Path) -> Subject:
    """What a Python's own command line starts; of what starts a Python in its turn, all words."""
    line = python_words(words[1:])
    if line.program == "-" and words:
        line = line._replace(program=words[0])
    return Subject(Language.PYTHON, line.program or "python", line.arguments, line.is_module, working_folder)


def _read_java_command(words: Sequence[str], working_folder: Path) -> Subject:
    """The class, file or jar that a `java` command line starts; of another launcher, its name."""
    command, *rest = words or ["java"]
    line = java_words(rest, working_folder) if Path(command).name == "java" else CommandLine("")
    if not line.program:
        return Subject(Language.JAVA, command, tuple(rest), False, working_folder, line.options)
    return Subject(Language.JAVA, line.program, line.arguments, False, working_folder, line.options)
