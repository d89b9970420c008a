"""The same small program in every language, and how it is started bare and under us."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support import go, java, node
from tests.support.command import COMMAND

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAMS = Path(__file__).resolve().parents[1] / "programs" / "hostile"


@dataclass(frozen=True, slots=True)
class Subject:
    language: str
    bare: tuple[str, ...]
    """The command; the program's own arguments follow."""
    profiled: tuple[str, ...]
    """The same under us, up to the `--`, where options of ours may follow; none for a command as it stands."""

    def command(self, *arguments: str, options: tuple[str, ...] = ("--quiet",)) -> list[str]:
        """Under us, with no screen."""
        if not self.profiled:
            return [str(COMMAND), *options, "--", *self.bare, *arguments]
        return [str(COMMAND), *self.profiled, *options, "--", *arguments]


def _python(_folder: Path) -> Subject:
    program = str(PROGRAMS / "subject.py")
    return Subject("Python", (sys.executable, program), ("python", program, "--python", sys.executable))


def _node(_folder: Path) -> Subject:
    program, runtime = str(PROGRAMS / "subject.cjs"), str(node.node(20))
    return Subject("Node.js", (runtime, program), ("javascript", program, "--node", runtime))


def _java(folder: Path) -> Subject:
    runtime = java.jdk()
    java.compile_java(folder, PROGRAMS / "Subject.java")
    words = ("-cp", str(folder))
    options = tuple(word for argument in words for word in (f"--java-arg={argument}",))
    return Subject("Java", (runtime, *words, "Subject"), ("java", "Subject", "--java", runtime, *options))


def _go(folder: Path) -> Subject:
    runtime = go.go()
    program = str(shutil.copy(PROGRAMS / "subject.go", folder))
    executable = str(folder / "subject")
    environment = {**os.environ, **go.ENVIRONMENT}
    subprocess.run([runtime, "build", "-o", executable, program], check=True, env=environment, cwd=folder)
    return Subject("Go", (executable,), ("go", program, "--go", runtime))


def _command(_folder: Path) -> Subject:
    """A shell that runs the Python program and ends as that does."""
    words = (sys.executable, str(PROGRAMS / "subject.py"))
    return Subject("a command", ("sh", "-c", '"$@"; exit $?', "sh", *words), ())


SUBJECTS: dict[str, Callable[[Path], Subject]] = {
    "Python": _python,
    "Node.js": _node,
    "Java": _java,
    "Go": _go,
    "a command": _command,
}


class Subjects:
    """Those of one folder, each built once; a subject whose toolchain is not there skips the test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.of = functools.cache(self._build)

    def _build(self, language: str) -> Subject:
        folder = self._folder / language
        folder.mkdir()
        return SUBJECTS[language](folder)


def environment(home: Path) -> dict[str, str]:
    """What a subject and we are started with: nothing of the tester's own settings, a clean home, Go's cache of the tests."""
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "HOME": str(home),
        **go.ENVIRONMENT,
        "GOROOT": str(Path(go.go()).parents[1]),
    }
