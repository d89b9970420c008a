"""Text for the screen: names made harmless, fitted to cells; numbers, durations, bars and sparklines.

Whatever a program calls its functions, files and threads or prints must never be read as markup or escape code, and must
fill exactly the cells it is given.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

from rich.cells import cell_len

from ..engine.profile.profile import BYTES_HZ, NANOSECONDS_HZ, PIECES_HZ

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

ELLIPSIS = "…"
SPARKS = "▁▂▃▄▅▆▇"
"""Without the full block: two sparklines above each other stay two."""
_LEVELS = SPARKS + SPARKS[-1]
"""By sevenths of the tallest."""
_EIGHTHS = " ▏▎▍▌▋▊▉█"

_UNSAFE = re.compile(
    # Controls; what joins, hides or turns the characters beside it; lone surrogates; tags; skin tones and flags, of
    # which terminals disagree how wide they are.
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff]"
)
_ENDING = re.compile(r"(?<=[^/])\.[A-Za-z]\w{0,4}(:\d+|)$")
"""Of a file's name, before its line."""
_FROZEN = re.compile(r"^<frozen ([\w.]+)>")
_OF_ITS_FOLDER = re.compile(r"(?:__init__|__main__|index|main|mod|lib|page|route|views|models)\.\w+(?::\d+)?$")
"""Names that many files of a program have."""
_ESCAPE_CODE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor moves
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # OSC, DCS and their like, with their text
    r"|\x1b[ -/]*[0-OQ-WYZ\\`-~]"  # the short ones
)


def clean(text: str) -> str:
    """`text` with every character that is not a plain glyph replaced by one that shows it, or left out if it has no width."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(_shown, text)


def without_escape_codes(line: str, *, tab_size: int = 8) -> str:
    """A line of terminal output as plain text: escape codes left out, tabs as spaces, what a carriage return wrote over left out."""
    if line.isascii() and line.isprintable():
        return line
    line = _ESCAPE_CODE.sub("", line).rstrip("\r")
    line = line.rsplit("\r", 1)[-1]
    return clean(line.expandtabs(tab_size))


def cells_of(text: str) -> int:
    """How many cells `text` (already clean) fills; most of it is ASCII, and asked for too often to be looked up."""
    return len(text) if text.isascii() else cell_len(text)


def fit(text: str, width: int, *, align: str = "left", keep: str = "start") -> str:
    """`text` (already clean) cut or padded to exactly `width` cells.

    `keep` says which end of a text that is too long stays: the `start` of a name, the `end` of a path.
    """
    if width <= 0:
        return ""
    length = cells_of(text)
    if length > width:
        text = _cut_start(text, width) if keep == "end" else _cut_end(text, width)
        length = cells_of(text)
    padding = " " * (width - length)
    return padding + text if align == "right" else text + padding


@lru_cache(maxsize=1024)
def fit_name(name: str, width: int) -> str:
    """A function's name (already clean) cut or padded to exactly `width` cells; of a long one what it is a part of is left out first."""
    while cells_of(name) > width and "." in name and " " not in name:
        name = name.split(".", 1)[1].removeprefix("<locals>.")
    return fit(name, width)


@lru_cache(maxsize=1024)
def fit_path(path: str, width: int) -> str:
    """A path (already clean) cut or padded to exactly `width` cells; of a long one the first folders are left out, then the ending.

    `re/__init__.py` is not one of many `__init__.py`: its folder stays before its ending.
    """
    while cells_of(path) > width and "/" in path:
        # `/tmp/x.py` without its first character would be another file.
        shorter = path.lstrip("/").split("/", 1)[-1]
        if "/" not in shorter and _OF_ITS_FOLDER.match(shorter) and cells_of(bare := _without_ending(path)) <= width:
            path = bare
            break
        path = shorter
    return fit(path if cells_of(path) <= width else _without_ending(path), width, keep="end")


def _without_ending(path: str) -> str:
    """`shop/search.py:88` -> `shop/search:88`, `<frozen importlib._bootstrap>:233` -> `importlib._bootstrap:233`."""
    return _ENDING.sub(r"\1", _FROZEN.sub(r"\1", path))


def fit_command(command: str, width: int) -> str:
    """A command line (already clean) that is to fit into `width` cells: of a long one the first folders of its program are left out."""
    program, blank, words = command.partition(" ")
    while cells_of(command) > width and "/" in program:
        program = program.split("/", 1)[1]
        command = f"{program}{blank}{words}"
    return command


def wrap(text: str, width: int) -> Iterator[str]:
    """`text` (already clean) in lines of at most `width` cells, broken at spaces where there are some."""
    line = ""
    if width < 1:
        return
    for word in text.split(" "):
        candidate = f"{line} {word}" if line else word
        if cell_len(candidate) <= width:
            line = candidate
            continue
        if line:
            yield line
        *heads, line = pieces(word, width)
        yield from heads
    yield line


def pieces(text: str, width: int) -> Iterator[str]:
    """`text` (already clean) cut into pieces of at most `width` cells, as a terminal breaks lines."""
    if width < 1:
        return
    while cell_len(text) > width:
        end = len(text[:width])
        while end > 1 and cell_len(text[:end]) > width:
            end -= max(1, (cell_len(text[:end]) - width) // 2)
        yield text[:end]
        text = text[end:]
    yield text


def percent(samples: int, total: int) -> str:
    """Four cells: ` 3.1`, `42.0`, ` 100`; empty for nothing, `<0.1` for next to nothing."""
    if not samples or not total:
        return "    "
    value = 100 * samples / total
    if value < 0.05:
        return "<0.1"
    return " 100" if value >= 99.95 else f"{value:4.1f}"


def count(number: float) -> str:
    """At most five cells: `9,999`, `12.3k`, `1.2M`."""
    if number < 10_000:
        return f"{number:,.0f}"
    for size, unit in ((1e3, "k"), (1e6, "M"), (1e9, "G")):
        if number < 999.5 * size or unit == "G":
            scaled = number / size
            return f"{scaled:.0f}{unit}" if scaled >= 99.95 else f"{scaled:.1f}{unit}"
    raise AssertionError  # the loop returns for every number


def weight(samples: float, rate_hz: float) -> str:
    """At most five cells: how many samples, or how long where nanoseconds were counted (`1.25s`, `312ms`)."""
    if rate_hz != NANOSECONDS_HZ:
        return count(samples)
    seconds = samples / rate_hz
    return (
        f"{seconds * 1_000:.0f}ms" if seconds < 0.9995 else f"{seconds:.2f}s" if seconds < 99.995 else f"{seconds:.0f}s"
    )


_NOUNS = {NANOSECONDS_HZ: " of time", BYTES_HZ: " bytes", PIECES_HZ: ""}
"""Of files that count no samples, by what stands in place of a rate."""


def weight_noun(samples: int, rate_hz: float) -> str:
    """What stands behind `weight`: ` samples`, ` bytes`."""
    return _NOUNS.get(rate_hz, f" {plural(samples, 'sample')}")


def plural(number: int, noun: str) -> str:
    """The noun in the form that goes with `number`: `line`, `lines`."""
    return noun if number == 1 else f"{noun}s"


def size(size_bytes: float) -> str:
    """`812 B`, `14.2 KB`, `3.1 MB`."""
    if size_bytes < 1000:
        return f"{size_bytes:.0f} B"
    if size_bytes < 999_500:
        return f"{size_bytes / 1000:.1f} KB"
    return f"{size_bytes / 1e6:.1f} MB"


def duration(seconds: float) -> str:
    """`12s`, `3m 07s`, `2h 05m`, `4d 03h`: whole seconds, rounded down."""
    whole = max(0, int(seconds))
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}d {hour:02d}h"
    if hours:
        return f"{hours}h {minute:02d}m"
    if minutes:
        return f"{minutes}m {second:02d}s"
    return f"{second}s"


def took_text(seconds: float) -> str:
    """As `duration`, of what is over; `2.7 s` where whole seconds would say little."""
    return duration(seconds) if seconds >= 10 else f"{seconds:.1f} s"


def clock_time(moment: datetime) -> str:
    """`14:03:59` on the user's own clock."""
    return moment.astimezone().strftime("%H:%M:%S")


def bar(share: float, width: int) -> str:
    """`width` cells of which `share` (0 to 1) is filled, to an eighth of a cell; anything above nothing shows."""
    eighths = round(min(1.0, max(0.0, share)) * width * 8)
    if share > 0:
        eighths = max(1, eighths)
    full, rest = divmod(eighths, 8)
    filled = "█" * full + (_EIGHTHS[rest] if rest else "")
    return filled + " " * (width - len(filled))


def sparkline(values: Sequence[float], width: int, *, per_column: int = 1, newest: int = 0, floor: float = 0.0) -> str:
    """The latest of `values` (oldest first) as `width` columns, each the mean of `per_column` values.

    The newest column holds only `newest` values (0: all of them), so that columns stay what they are while a new one fills.
    The tallest column is full unless it is below `floor`: noise does not look like a mountain.
    """
    if not values:
        return " " * width
    end, sums = len(values), [*accumulate(values, initial=0)]
    ends = [end, *range(end - (newest or per_column), 0, -per_column)][:width]
    begins = [*ends[1:], max(0, ends[-1] - (per_column if len(ends) > 1 else newest or per_column))]
    columns = [(sums[end] - sums[begin]) / (end - begin) for begin, end in zip(begins, ends, strict=True)]
    top = max(floor, *columns)
    if top <= 0:
        return " " * width
    columns.reverse()
    return "".join([_LEVELS[int(7 * value / top)] if value > 0 else " " for value in columns]).rjust(width)


@lru_cache(maxsize=256)
def _shown_character(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if 0x1F1E6 <= code <= 0x1F1FF:
        return chr(ord("A") + code - 0x1F1E6)
    if 0x80 <= code <= 0x9F or 0xD800 <= code <= 0xDFFF or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069:
        return "\N{REPLACEMENT CHARACTER}"
    return ""


def _shown(match: re.Match[str]) -> str:
    return _shown_character(match.group())


def _cut_end(text: str, width: int) -> str:
    """The beginning of `text` with an ellipsis behind it, `width` cells at most."""
    kept = text[: width - 1]
    while kept and cell_len(kept) > width - 1:
        kept = kept[: -max(1, (cell_len(kept) - width + 1) // 2)]
    return kept + ELLIPSIS


def _cut_start(text: str, width: int) -> str:
    kept = text[len(text) - width + 1 :] if width > 1 else ""
    while kept and cell_len(kept) > width - 1:
        kept = kept[max(1, (cell_len(kept) - width + 1) // 2) :]
    return ELLIPSIS + kept
