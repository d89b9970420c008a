"""What the user named: the file to run, and where its sources may be."""

from __future__ import annotations

import os
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from ..sampler import CannotStart

if TYPE_CHECKING:
    from .runtime import JavaRuntime
    from .sources import JavaSources

_CLASS_PATH_OPTIONS = ("-cp", "-classpath", "--class-path")


def new_program(program: str, folder: Path, java: JavaRuntime) -> Path | None:
    """The file to run, absolute; None if `program` is the name of a class. Raises `CannotStart`."""
    path = folder / program
    if path.is_dir():
        raise CannotStart(
            f"{program} is a folder; name a .java file, a .jar, or a class (its class path after --java-arg=-cp)"
        )
    if path.suffix == ".class":
        raise CannotStart(
            f"{program} is a compiled class; name the class instead, its folder as --java-arg=-cp --java-arg=DIR"
        )
    if path.suffix not in {".java", ".jar"}:
        return None
    if not path.exists():
        raise CannotStart(f"{program} was not found")
    if path.suffix == ".java" and java.major is not None and java.major < 11:
        raise CannotStart(
            f"Java {java.version} cannot run {program} uncompiled (that takes Java 11); compile it, or name a newer Java with --java"
        )
    return path


def named_program(program: str, folder: Path, _java: JavaRuntime) -> Path | None:
    """The file that a command line of Java's own names; what is wrong with it, Java says best."""
    return running_program(program, folder)


def running_program(program: str, folder: Path) -> Path | None:
    """The file that was run, if it is one and still there."""
    path = folder / program
    return path if path.suffix in {".java", ".jar"} and path.is_file() else None


def class_path_folders(options: tuple[str, ...], folder: Path) -> list[Path]:
    """The folders on the class path: sources often lie beside classes."""
    entries = os.environ.get("CLASSPATH", "")
    for option, value in pairwise((*options, "")):
        if option in _CLASS_PATH_OPTIONS:
            entries = value
        elif option.startswith("--class-path="):
            entries = option.partition("=")[2]
    return [folder / entry for entry in entries.split(os.pathsep) if entry and not entry.endswith((".jar", "*"))]


def main_class_source(jar: Path | None, program: str, sources: JavaSources) -> Path | None:
    main_class = _main_class(jar) if jar else program
    found = sources.find_class(main_class) if main_class else None
    return Path(found) if found else None


def _main_class(jar: Path) -> str:
    try:
        with zipfile.ZipFile(jar) as archive:
            manifest = archive.read("META-INF/MANIFEST.MF").decode("utf-8", "replace")
    except (OSError, KeyError, zipfile.BadZipFile, RuntimeError):
        # Whatever is wrong with it, Java says it best.
        return ""
    # A line that begins with a space continues the one before it.
    for line in manifest.replace("\r\n", "\n").replace("\n ", "").split("\n"):
        if line.lower().startswith("main-class:"):
            return line.partition(":")[2].strip()
    return ""
