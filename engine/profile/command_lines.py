"""The languages' own command lines: which of the words behind `python`, `node` or `java` are its options, and what is the program.

What is read here is shown and looked up, never run: a program is started with the words as they were typed.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from ..settings import Language
from ..text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_PYTHON_WITH_VALUE = frozenset("WX")
_JAVA_WITH_VALUE = frozenset(
    {
        *("-cp", "-classpath", "--class-path", "-p", "--module-path", "--upgrade-module-path", "--add-modules"),
        *("--add-exports", "--add-opens", "--add-reads", "--limit-modules", "--patch-module", "--source"),
        *("--enable-native-access", "--illegal-native-access", "-d", "--describe-module"),
    }
)
_NODE_CODE = frozenset({"-e", "--eval", "-p", "--print", "-pe"})
_NODE_WITH_VALUE = frozenset(
    {
        *("-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions"),
        *("--env-file", "--env-file-if-exists", "--input-type", "--test-name-pattern", "--test-skip-pattern"),
        *("--test-reporter", "--test-reporter-destination", "--test-concurrency", "--test-timeout", "--title"),
        *("--watch-path", "--inspect-port", "--redirect-warnings", "--icu-data-dir", "--openssl-config"),
        *("--cpu-prof-dir", "--cpu-prof-name", "--diagnostic-dir", "--max-http-header-size", "--stack-trace-limit"),
    }
)


MAX_CHARACTERS = 40
"""Of a process' name; a longer word is code, or says too much."""
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "busybox"})
_BY_LETTER = {**dict.fromkeys(_SHELLS | {"su", "runuser"}, "c"), **dict.fromkeys(("perl", "ruby"), "eE"), "php": "r"}
"""The letter of the option before code, which may stand behind others: `bash -lc`."""


class CommandLine(NamedTuple):
    program: str
    """File, module, class or jar; `-c …` for code among the words, `-` for code from stdin; empty if none is named."""
    arguments: tuple[str, ...] = ()
    """The program's own."""
    options: tuple[str, ...] = ()
    """The runtime's, as typed."""
    is_module: bool = False
    """`python -m PROGRAM`."""


def python_words(words: Sequence[str]) -> CommandLine:
    """Of the words behind the interpreter's name (https://docs.python.org/3/using/cmdline.html)."""
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        option = rest.pop(0)
        if option.startswith("--"):
            if option == "--check-hash-based-pycs" and rest:
                del rest[0]
            continue
        # Letters may stand together, `-Bum pkg`; what takes a value ends them.
        for at, letter in enumerate(option[1:], start=2):
            if letter not in "cm" and letter not in _PYTHON_WITH_VALUE:
                continue
            value = option[at:] or (rest.pop(0) if rest else "")
            if letter == "m":
                return CommandLine(value, tuple(rest), is_module=True)
            if letter == "c":
                return CommandLine("-c …", tuple(rest))
            break
    options = tuple(words[: len(words) - len(rest)])
    return CommandLine(rest[0] if rest else "-", tuple(rest[1:]), options)


def java_words(words: Sequence[str], folder: Path) -> CommandLine:
    """Of the words behind `java`, typed in `folder` (https://docs.oracle.com/en/java/javase/25/docs/specs/man/java.html)."""
    rest, options = list(words), list[str]()
    while rest and rest[0].startswith(("-", "@")):
        option = rest.pop(0)
        if option.startswith("@"):
            rest[:0] = _argument_file(folder / option[1:])
            continue
        if option in ("-jar", "-m", "--module"):
            break
        if option.startswith("--module="):
            rest.insert(0, option.partition("=")[2])
            break
        options.append(option)
        if option in _JAVA_WITH_VALUE and rest:
            options.append(rest.pop(0))
    return CommandLine(rest[0] if rest else "", tuple(rest[1:]), tuple(options))


def _argument_file(file: Path) -> list[str]:
    """The words in a file that `java @FILE` names; none where it cannot be read, of which Java itself tells."""
    try:
        # `@` in there is no file: https://docs.oracle.com/en/java/javase/25/docs/specs/man/java.html#java-command-line-argument-files
        return [word for word in shlex.split(file.read_text(), comments=True) if not word.startswith("@")]
    except (OSError, ValueError):
        return []


def node_words(words: Sequence[str]) -> CommandLine:
    """Of the words behind `node` (https://nodejs.org/api/cli.html)."""
    rest = list(words)
    code = ""
    while rest and rest[0].startswith("-") and rest[0] != "-":
        option = rest.pop(0)
        if option == "--":
            break
        if option in _NODE_CODE or option.startswith(("--eval=", "--print=")):
            code = f"{option.partition('=')[0]} …"
        if option in _NODE_WITH_VALUE | _NODE_CODE and rest:
            del rest[0]
    options = tuple(words[: len(words) - len(rest)])
    if code:
        return CommandLine(code, tuple(rest), options)
    # With --test and no file, Node.js finds the tests itself.
    program = rest.pop(0) if rest else "" if "--test" in options else "-"
    return CommandLine(program, tuple(rest), options)


def in_few_words(words: Sequence[str], folder: Path) -> str:
    """What a process with the command line `words`, in `folder`, is called: `python3 -m http.server`, `java shop.Main`, `sh -c`, `make`. Empty without words."""
    program = words[0].rpartition("/")[2].lstrip("-") if words else ""
    if program.startswith(("python", "pypy")):
        line = python_words(words[1:])
    elif program in ("node", "nodejs"):
        line = node_words(words[1:])
    elif program == "java":
        line = java_words(words[1:], folder)
    else:
        line = CommandLine(_first_word(program, words[1:]))
    named = f"-m {line.program}" if line.is_module else line.program.removesuffix(" …").rpartition("/")[2]
    return printable(f"{program} {named}".rstrip())[:MAX_CHARACTERS]


def _first_word(program: str, words: Sequence[str]) -> str:
    """The first of `words` that is no option; where it is code, the option before it."""
    letters = _BY_LETTER.get(program, "")
    for word in words:
        if not word.startswith("-"):
            return word if len(word) <= MAX_CHARACTERS and "\n" not in word else "…"
        if word[-1] in letters and not word.startswith("--"):
            return f"-{word[-1]}"
    return ""


def main_file(words: Sequence[str], folder: Path, language: str) -> Path | None:
    """The file of the program that a process with the command line `words` runs in `folder`; None where the words do not tell."""
    match language:
        case Language.PYTHON:
            line = python_words(words[1:])
            name = line.program.replace(".", "/")
            names = [f"{name}/__main__.py", f"{name}.py"] if line.is_module else [line.program]
        case Language.JAVASCRIPT | Language.TYPESCRIPT:
            names = [node_words(words[1:]).program]
        case Language.JAVA:
            program = java_words(words[1:], folder).program
            names = [program, f"{program.replace('.', '/')}.java", f"src/main/java/{program.replace('.', '/')}.java"]
        case _:
            return None
    try:
        return next((folder / name for name in names if name and (folder / name).is_file()), None)
    except OSError:
        return None
