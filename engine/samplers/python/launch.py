"""How to start a Python program: the user's own interpreter, and what can be said against FILE before it is run."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from ...text import reason
from ..sampler import CannotStart, Launch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...settings import Settings

_LOOK_BYTES = 8_192
_ZIP_MAGIC = b"PK\x03\x04"


def python_launch(settings: Settings, environment: Mapping[str, str]) -> Launch:
    """The command line of the program, and its source file. Looks at a few files and starts nothing. Raises `CannotStart`."""
    source: Path | None
    if settings.pid is not None:
        source = settings.working_folder / settings.program
        return Launch((), source_file=source if source.is_file() and not settings.is_module else None)
    interpreter = _find_interpreter(settings, environment)
    if settings.is_module:
        source = _module_file(settings, interpreter, environment)
    elif settings.command:
        source = _named_source(settings.working_folder / settings.program)
    else:
        source = _checked_file(settings.working_folder / settings.program, settings.program)
    if settings.command:
        return Launch((interpreter, *settings.command), source_file=source)
    program = (*(["-m"] if settings.is_module else []), settings.program)
    return Launch((interpreter, *settings.runtime_arguments, *program, *settings.arguments), source_file=source)


def script_interpreter(file: Path) -> str | None:
    """The Python that the first line of `file` names, as a console script's does; None where it names none that can be run."""
    try:
        # A pipe (`<(…)`) would be read in the program's place.
        if not file.is_file():
            return None
        with file.open("rb") as opened:
            line = opened.readline(_LOOK_BYTES)
    except OSError:
        return None
    words = line[2:].decode(errors="replace").split() if line.startswith(b"#!") else []
    # `/usr/bin/env python3` says no more than `python` does.
    is_python = bool(words) and Path(words[0]).name.startswith(("python", "pypy"))
    return words[0] if is_python and os.access(words[0], os.X_OK) else None


def _named_source(file: Path) -> Path | None:
    """The source of a program that a command line of Python's own names; what is wrong with it, Python says best."""
    try:
        main = file / "__main__.py" if file.is_dir() else file
        return main if main.is_file() else None
    except OSError:
        return None


def _find_interpreter(settings: Settings, environment: Mapping[str, str]) -> str:
    path = environment.get("PATH", os.defpath)
    if settings.runtime is not None:
        # A relative path means the same to the user and to us wherever the program is started.
        wanted = str(settings.working_folder / settings.runtime) if "/" in settings.runtime else settings.runtime
        if Path(wanted).is_dir():
            wanted = str(Path(wanted, "bin", "python"))
        found = shutil.which(wanted, path=path)
        if found is None:
            raise CannotStart(f"--python {settings.runtime}: there is no such interpreter, or it cannot be executed")
        return found
    file = settings.working_folder / settings.program
    if not (settings.is_module or settings.command or file.suffix) and (named := script_interpreter(file)):
        return named
    virtual = environment.get("VIRTUAL_ENV")
    if virtual and (found := shutil.which(str(Path(virtual, "bin", "python")))):
        return found
    found = shutil.which("python3", path=path) or shutil.which("python", path=path)
    if found is None:
        raise CannotStart("Python was not found on PATH; install it or name it with --python")
    return found


def _checked_file(file: Path, shown: str) -> Path:
    """The file whose source is run. A syntax error in it is the program's own failure, and its own message says more."""
    try:
        mode = file.stat().st_mode
        if stat.S_ISDIR(mode):
            return _main_of_folder(file, shown)
        if stat.S_ISREG(mode) and file.suffix != ".pyc":
            with file.open("rb") as opened:
                beginning = opened.read(_LOOK_BYTES)
            # A zip file can be run too, also behind a line that names an interpreter; source code holds no NUL.
            if b"\x00" in beginning and _ZIP_MAGIC not in beginning:
                raise CannotStart(f"{shown} is not a Python program: it holds binary data")
    except FileNotFoundError:
        raise CannotStart(f"{shown}: there is no such file") from None
    except OSError as error:
        raise CannotStart(f"{shown} cannot be read: {reason(error)}") from None
    return file


def _main_of_folder(folder: Path, shown: str) -> Path:
    main = folder / "__main__.py"
    if not main.is_file():
        raise CannotStart(f"{shown} is a folder without a __main__.py; name the file to run, or a module with -m")
    return main


def _module_file(settings: Settings, interpreter: str, environment: Mapping[str, str]) -> Path | None:
    """Where `-m MODULE` will come from as far as folders tell; None does not mean that there is no such module."""
    searched = [settings.working_folder]
    searched += [
        settings.working_folder / entry for entry in environment.get("PYTHONPATH", "").split(os.pathsep) if entry
    ]
    library = Path(interpreter).parent.parent / "lib"
    for folder in sorted(library.glob("python3.*")):
        searched += [folder / "site-packages", folder]
    name = settings.program.replace(".", "/")
    for folder in searched:
        for file in (folder / name / "__main__.py", folder / f"{name}.py"):
            if file.is_file():
                return file
    return None
