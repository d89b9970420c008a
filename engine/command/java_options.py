"""The options of how Java is sampled: what tells its inlined methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..settings import Language, Mode
from .arguments import UsageError

if TYPE_CHECKING:
    import argparse


def add_java(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--java-inlined",
        action="store_true",
        help="Java 17 and newer: tell the methods that the JIT inlines from their callers, by the JVM's Flight Recorder, "
        "from the start (up to a second of CPU); without it once that is 2%% of what the program has used",
    )
    group.add_argument(
        "--async-profiler",
        metavar="PATH",
        help="sample Java with this async-profiler (its folder or library), or off; default: that of $ASYNC_PROFILER_HOME "
        "or of asprof on PATH, if there is one",
    )


def java_inlined(options: argparse.Namespace, language: Language | None) -> bool:
    """Raises `UsageError` where it is asked for and cannot be had."""
    if options.java_inlined:
        _refuse_unless_fit(
            "--java-inlined",
            options,
            language,
            pid="it takes options at the JVM's start",
            wall="it is CPU time that is told apart",
        )
    return bool(options.java_inlined)


def async_profiler(options: argparse.Namespace, language: Language | None) -> str | None:
    """Its library or folder, `off`, or None where nothing is said. Raises `UsageError` where it is asked for and cannot be had."""
    named: str | None = options.async_profiler
    if named is None or named == "off":
        return named
    _refuse_unless_fit(
        "--async-profiler",
        options,
        language,
        pid="it is loaded at the JVM's start",
        wall="CPU time is what it is asked for",
    )
    if options.java_inlined:
        raise UsageError("--async-profiler and --java-inlined exclude each other: both tell inlined methods")
    return named


def _refuse_unless_fit(
    option: str, options: argparse.Namespace, language: Language | None, *, pid: str, wall: str
) -> None:
    """`pid`, `wall`: why the option does not go with these."""
    if language is not Language.JAVA:
        raise UsageError(f"{option} is for Java, and this is {language or 'a command'}")
    if options.pid is not None:
        raise UsageError(f"{option} and --pid exclude each other: {pid}")
    if options.mode == Mode.WALL:
        raise UsageError(f"{option} and --mode wall exclude each other: {wall}")
