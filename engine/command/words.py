"""The words of the command line: which are ours, which the program's; and what they say is profiled."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from ..profile.command_lines import CommandLine, java_words, node_words, python_words
from ..program.subject import Subject
from ..settings import COMMAND, LANGUAGE_BY_ENDING, Language
from .arguments import UsageError, shown_option

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

USAGES = (
    f"{COMMAND} LANGUAGE PROGRAM [options] [-- PROGRAM'S OWN ARGUMENTS]",
    f"{COMMAND} [options] [--] COMMAND [ARGUMENT …]",
)
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
_GO_COMMANDS = frozenset({"build", "generate", "get", "install", "list", "mod", "run", "test", "tool", "vet", "work"})
"""`go FILE` and `go FOLDER` are ours."""
_PROGRAM_ENDINGS = {**LANGUAGE_BY_ENDING, ".jar": Language.JAVA}
_PYTHON_LONG_OPTIONS = frozenset({"--check-hash-based-pycs", "--help-all", "--help-env", "--help-xoptions"})


class Words(NamedTuple):
    """The command line, parted. Only one of `arguments` and `command` holds something."""

    ours: list[str]
    """For our parser: options, and in the form `LANGUAGE PROGRAM` these two."""
    arguments: tuple[str, ...] = ()
    """The program's own, from behind `--`."""
    command: tuple[str, ...] = ()
    """Of any command all words; of a language's own command line those behind the language."""
    language: Language | None = None
    """Whose own command line `command` is."""


def part_words(argv: Sequence[str], takes_value: Mapping[str, bool]) -> Words:
    """Tell our words from the program's. `takes_value` has our options. Raises `UsageError`.

    The first word that is neither an option of ours nor its value decides. A language begins `LANGUAGE PROGRAM [options] [-- arguments]`,
    unless what follows is the runtime's own (`python -c`, `java -jar`, `go test`). A file whose ending tells its language
    begins `PROGRAM [options] [-- arguments]`. Anything else is a command, and so is all that follows.
    """
    words = list(argv)
    language: Language | None = None
    at = 0
    while at < len(words) and words[at] != "--":
        word = words[at]
        name, equals, _ = word.partition("=")
        if name in takes_value and not (word == "-m" and language in (Language.JAVA, Language.GO)):
            if name in ("-m", "--pid", "--pprof"):
                return _documented(words)
            # As `options.with_default_endpoint` reads it.
            has_value = takes_value[name] and not (name == "--report-endpoint" and not _is_url(words[at + 1 : at + 2]))
            at += 2 if has_value and not equals else 1
        elif language is None and word.lower() in LANGUAGES:
            language = LANGUAGES[word.lower()]
            at += 1
        elif language is not None:
            return _own_command(words, at, language) if _is_runtimes_own(word, language) else _documented(words)
        elif word.startswith("-m") and not word.startswith("--"):
            return _documented(words)
        elif word.startswith("-") and word != "-":
            raise UsageError(
                f"unknown option {shown_option(word, takes_value)}; {COMMAND} --help lists those there are"
            )
        elif Path(word).suffix.lower() in _PROGRAM_ENDINGS:
            return _documented(words)
        else:
            return Words(words[:at], command=tuple(words[at:]))
    if language is None and words[at + 1 :]:
        return Words(words[:at], command=tuple(words[at + 1 :]))
    return _documented(words)


def read_subject(options: argparse.Namespace, words: Words) -> Subject:
    """What is profiled: from `-m` and `--pid` and the words. Raises `UsageError`."""
    if options.pprof is not None:
        return _service(options, words.arguments)
    if options.pid is not None:
        return _running(options, words.arguments)
    if words.command and words.language is None:
        return Subject(
            None, Path(words.command[0]).name, words.command[1:], False, working_folder(), command=words.command
        )
    if options.force:
        raise UsageError("--force goes with --pid, and with a command that may start Java")
    if words.command:
        assert words.language is not None, "else it is a command"
        line = _read(words.command, words.language)
        language = _by_ending(words.language, line.program)
        return Subject(
            language,
            line.program,
            line.arguments,
            line.is_module,
            working_folder(),
            line.options,
            command=words.command,
        )
    language, program = _program(options)
    return Subject(language, program, words.arguments, options.module is not None, working_folder())


def _read(command: tuple[str, ...], language: Language) -> CommandLine:
    match language:
        case Language.PYTHON:
            return python_words(command)
        case Language.JAVA:
            return java_words(command, working_folder())
        case _:
            return node_words(command)


def _documented(words: list[str]) -> Words:
    at = words.index("--") if "--" in words else len(words)
    return Words(words[:at], arguments=tuple(words[at + 1 :]))


def _own_command(words: list[str], at: int, language: Language) -> Words:
    named = next(word for word in words[:at] if LANGUAGES.get(word.lower()) is language)
    ours = words[:at]
    ours.remove(named)
    if language is Language.GO:
        return Words(ours, command=("go", *words[at:]))
    return Words(ours, command=tuple(words[at:]), language=language)


def _is_runtimes_own(word: str, language: Language) -> bool:
    """Whether `word`, behind the language, begins a command line of its runtime's."""
    match language:
        case Language.PYTHON:
            return word == "-" or (word.startswith("-") and (word[1] != "-" or word in _PYTHON_LONG_OPTIONS))
        case Language.GO:
            return word in _GO_COMMANDS or (word.startswith("-") and word[1:2] != "-")
        case Language.JAVA:
            return word.startswith(("-", "@"))
        case _:
            return word.startswith("-")


def _is_url(words: Sequence[str]) -> bool:
    return bool(words) and "://" in words[0]


def working_folder() -> Path:
    """Where we were started; where that is gone (removed, unmounted), what it was: the program can do without it, too."""
    try:
        return Path.cwd()
    except OSError:
        return Path(os.environ.get("PWD") or "/")


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


def _service(options: argparse.Namespace, arguments: tuple[str, ...]) -> Subject:
    named = [LANGUAGES.get(word.lower()) for word in options.words]
    if named not in ([], [Language.GO]) or arguments or options.module or options.pid is not None:
        raise UsageError("--pprof follows a Go service that is running already; name no other program beside it")
    if options.watch:
        raise UsageError("--pprof and --watch exclude each other: the service is not ours to start again")
    return Subject(Language.GO, urlsplit(options.pprof).netloc, (), False, working_folder())


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
        raise UsageError(f"no program given; usage: {' or '.join(USAGES)}")
    if words:
        raise UsageError(
            f"unexpected argument {words[0]!r}; the program's own arguments go behind --: … {program} -- {' '.join(words)}"
        )
    language = language or _PROGRAM_ENDINGS.get(Path(program).suffix.lower())
    assert language is not None, "a word that tells no language begins a command"
    return _by_ending(language, program), program


def _by_ending(language: Language, program: str) -> Language:
    """`node FILE` runs TypeScript, too."""
    is_typescript = LANGUAGE_BY_ENDING.get(Path(program).suffix.lower()) is Language.TYPESCRIPT
    return Language.TYPESCRIPT if language is Language.JAVASCRIPT and is_typescript else language
