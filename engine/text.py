"""The one way in which text that others chose reaches a terminal: as itself where it is harmless, as escapes where it is not.

Names of functions and files, labels, marks, a backend's words, a command line's mistakes: each may hold escape codes that drive a
terminal, or a line's end that forges a line.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

MAX_SHOWN = 200
"""Characters of a name that a line shows."""


def printable(text: str) -> str:
    """`text` with everything escaped that is no plain character: controls, line ends, what turns or hides its neighbours, lone surrogates."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def short(name: str) -> str:
    """`name` for a line: printable, and cut where it is longer than `MAX_SHOWN`."""
    return printable(name if len(name) <= MAX_SHOWN else f"{name[: MAX_SHOWN - 1]}…")


def printable_json(text: str) -> str:
    """JSON in which no character is left that a terminal would obey: `json.dumps` escapes only some controls."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _json_escape(character) for character in text)


def say(*lines: str, stream: TextIO | None = None) -> None:
    """Print `lines`, each as exactly one, to `stream` (default: stdout). A reader that has gone away is no error."""
    stream = stream or sys.stdout
    encoding = stream.encoding or "utf-8"
    text = "".join(f"{printable(line)}\n" for line in lines)
    with contextlib.suppress(OSError, ValueError):
        stream.write(text.encode(encoding, "replace").decode(encoding))
        stream.flush()


def _json_escape(character: str) -> str:
    utf_16 = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{utf_16[at : at + 2].hex()}" for at in range(0, len(utf_16), 2))


def reason(error: Exception) -> str:
    """What went wrong, in the operating system's words where it was it that refused: `permission denied`."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error) or type(error).__name__


def internal_error(error: Exception) -> str:
    """What the user is told of a fault of ours."""
    return f"Internal error, please report it: {type(error).__name__}: {error}"
