"""What is profiled, as the command line names it: a program to start, or one that runs already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..program.subject import Subject
from ..settings import COMMAND, Language
from ..sources.sources import LANGUAGE_BY_ENDING
from .arguments import UsageError

if TYPE_CHECKING:
    import argparse

USAGE = f"{COMMAND} LANGUAGE PROGRAM [options] [-- PROGRAM'S OWN ARGUMENTS]"
LANGUAGES = {
    "python": Language.PYTHON,
    "py": Language.PYTHON,
    "typescript": Language.TYPESCRIPT,
    "ts": Language.TYPESCRIPT,
    "javascript": Language.JAVASCRIPT,
    "js": Language.JAVASCRIPT,
    "node": Language.JAVASCRIPT,
    "java": Language.JAVA,
    "go": Language.GO,
}


def read_subject(options: argparse.Namespace, arguments: tuple[str, ...]) -> Subject:
    """From the words, `-m` and `--pid` of the command line, and what stood behind `--`. Raises `UsageError`."""
    if options.pid is not None:
        return _running(options, arguments)
    if options.force:
        raise UsageError("--force goes with --pid")
    language, program = _program(options)
    return Subject(language, program, arguments, options.module is not None, Path.cwd())


def _running(options: argparse.Namespace, arguments: tuple[str, ...]) -> Subject:
    from ..program.running import CannotAttach, running_program  # noqa: PLC0415 - most runs start their program

    named = [LANGUAGES.get(word.lower()) for word in options.words]
    if named not in ([], [Language.PYTHON], [Language.JAVA]) or arguments or options.module:
        raise UsageError("--pid watches a program that is running already; name no other beside it")
    if options.watch:
        raise UsageError("--pid and --watch exclude each other: the program is not ours to start again")
    try:
        running = running_program(options.pid, may_warn=options.force)
    except CannotAttach as error:
        raise UsageError(f"--pid: {error}") from None
    if named and named != [running.language]:
        raise UsageError(f"--pid: process {options.pid} runs {running.language}, not {options.words[0]}")
    return running


def _program(options: argparse.Namespace) -> tuple[Language, str]:
    words: list[str] = list(options.words)
    language = LANGUAGES.get(words[0].lower()) if words else None
    if language is not None:
        del words[0]
    if options.module is not None:
        if language not in (None, Language.PYTHON):
            raise UsageError("-m runs a Python module; for other languages name the program's file")
        program, language = options.module, Language.PYTHON
    elif words:
        program = words.pop(0)
    else:
        raise UsageError(f"no program given; usage: {USAGE}")
    if words:
        raise UsageError(
            f"unexpected argument {words[0]!r}; the program's own arguments go behind --: … {program} -- {' '.join(words)}"
        )
    ending = Path(program).suffix.lower()
    by_ending = LANGUAGE_BY_ENDING.get(ending) or (Language.JAVA if ending == ".jar" else None)
    if language is None:
        language = by_ending
        if language is None:
            raise UsageError(
                f"cannot tell the language of {program!r}; name it before the program: python, typescript, java or go"
            )
    if language is Language.JAVASCRIPT and by_ending is Language.TYPESCRIPT:
        language = Language.TYPESCRIPT
    return language, program
