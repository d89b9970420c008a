"""The command's entry: starts the program where the words are plain, before all of us that takes time is loaded.

Of the time from the command to the program's first line most was spent on loading what comes after it. So the words are read twice. Here only
those are understood that any reading would take in the same way; at anything else, a mistake above all, nothing is started, and `cli`
reads them as ever. There all words are read in full, and what is started here is looked after (`program/target.py`, `adopt`). A test holds both
readings to each other. Loads only what the interpreter has loaded anyway, or in no time.
"""

import os
import sys

from ..program.child import DIRECT_SIGNALS, TERMINAL_SIGNALS, Child, Start, start_child
from . import early_values
from .early_python import python_argv
from .streams import on_terminal, open_standard_streams

TYPE_CHECKING = False  # As in `child`.
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable, Mapping, Sequence
    from typing import NoReturn
else:
    import _signal

_VALUES: "Mapping[str, Callable[[str], bool]]" = {
    "--python": early_values.is_plain_path,
    "--python-arg": bool,
    "--mode": ("cpu", "wall").__contains__,
    "--rate": early_values.is_rate,
    "--duration": early_values.is_duration,
    "--json": early_values.is_writable,
    "--summary": early_values.is_summary,
    "--label": early_values.is_label,
    "--report-endpoint": early_values.is_url,
    "--report-interval": early_values.is_interval,
    "--report-max-buffer": early_values.is_buffer_size,
    "--report-format": early_values.is_format,
}
"""Options with a value -> whether it is one beyond doubt."""
_FLAGS = frozenset({"--no-tui", "--quiet", "--no-children", "--no-spool", "--no-history"})
_VARIABLES = {
    "PROFILER_ENDPOINT": early_values.is_url,
    "PROFILER_INTERVAL": early_values.is_interval,
    "PROFILER_MAX_BUFFER_SIZE": early_values.is_buffer_size,
    "PROFILER_FORMAT": early_values.is_format,
    "PROFILER_API_KEY": early_values.is_key,
}
_MAX_LABELS = 8
_LANGUAGES = {"python": "python", "py": "python"}
_ENDINGS = {".py": "python"}


def main() -> "NoReturn":
    """Run the command and end the process with its status."""
    open_standard_streams()
    child = start_early(sys.argv[1:])
    try:
        from .cli import main as go_on

        go_on(child)
    except Exception as error:
        # The seam: whatever keeps us from loading, the program runs.
        if child is None or child.is_adopted:
            raise
        os.write(
            2, f"multi_lang_profiler: Internal error, please report it: {type(error).__name__}: {error}\n".encode()
        )
        os._exit(child.wait())


def start_early(argv: "Sequence[str]") -> Child | None:
    """Start the program that the words name, if they leave no doubt; None if it is for `cli` to read them.

    Signals to us are blocked from just before on, until `program/signals.py` takes them.
    """
    words = read_early(argv, os.environ)
    if words is None:
        return None
    if not words.flags & {"--no-tui", "--quiet"} and on_terminal(os.environ):
        # A screen takes longer to load than anything before the program; it has terminals to make for it.
        return None
    command = python_argv(words.program, words.arguments, words.options, is_module=words.is_module)
    if command is None:
        return None
    before = _signal.pthread_sigmask(_signal.SIG_BLOCK, TERMINAL_SIGNALS | DIRECT_SIGNALS)
    try:
        child = start_child(Start(command, {}, blocked=before))
    except OSError:
        # It is told as it has always been.
        _signal.pthread_sigmask(_signal.SIG_SETMASK, before)
        return None
    child.signals_before = before
    child.watch()
    return child


class Words:
    """The command line, as far as the program's start goes by it."""

    __slots__ = ("arguments", "flags", "is_module", "language", "options", "program")

    def __init__(self, language: str, program: str, arguments: tuple[str, ...], *, is_module: bool) -> None:
        self.language = language
        self.program = program
        self.arguments = arguments
        self.is_module = is_module
        self.options: dict[str, list[str]] = {}
        self.flags: set[str] = set()


def read_early(argv: "Sequence[str]", environment: "Mapping[str, str]") -> Words | None:
    """The words of `[LANGUAGE] PROGRAM` or `-m MODULE`, with options around them and the program's own arguments behind `--`.

    None where another reading is thinkable, and where any option, value or variable may be a mistake.
    """
    if not all(
        name in _VARIABLES and _VARIABLES[name](value)
        for name, value in environment.items()
        if name.startswith("PROFILER_") and value
    ):
        return None
    ours = list(argv)
    arguments: tuple[str, ...] = ()
    if "--" in ours:
        at = ours.index("--")
        ours, arguments = ours[:at], tuple(ours[at + 1 :])
    options: dict[str, list[str]] = {}
    flags: set[str] = set()
    named: list[str] = []
    ours.reverse()
    while ours:
        word = ours.pop()
        name, equals, value = word.partition("=")
        if word in _FLAGS:
            flags.add(word)
        elif name in _VALUES or (name == "-m" and not equals):
            if not equals:
                value = ours.pop() if ours else ""
            # One that begins like an option is one, to some readers.
            if not value or (not equals and value[0] == "-") or not (name == "-m" or _VALUES[name](value)):
                return None
            options.setdefault(name, []).append(value)
        elif word[:1] in ("-", ""):
            return None
        else:
            named.append(word)
    if len(options.get("--label", ())) > _MAX_LABELS:
        return None
    words = _named_program(named, options.pop("-m", []), arguments)
    if words is not None:
        words.options, words.flags = options, flags
    return words


def _named_program(named: list[str], modules: list[str], arguments: tuple[str, ...]) -> Words | None:
    language = _LANGUAGES.get(named[0].lower()) if named else None
    rest = named[1:] if language else named
    if modules:
        return Words("python", modules[-1], arguments, is_module=True) if not rest else None
    if len(rest) != 1:
        return None
    name = rest[0].rpartition("/")[2]
    ending = name[name.rfind(".") :] if name.rfind(".") > 0 else ""
    of_ending = _ENDINGS.get(ending)
    # Without an ending its first line may name an interpreter.
    if of_ending is None or (language or of_ending) != of_ending:
        return None
    return Words(of_ending, rest[0], arguments, is_module=False)
