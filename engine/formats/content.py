"""Which form a file's content has, whatever the file is called."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

from ..profile.json_object import JsonObject, parse
from ..profile.recording import from_profiles
from . import (
    austin,
    cprofile,
    cpuprofile,
    firefox_profile,
    flamebearer,
    flight_recording,
    folded,
    heap,
    page,
    perf_script,
    pprof_reader,
    speedscope,
    trace,
    unopened,
)
from .json_profile import JsonFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from ..profile.recording import Recording

_PIECE_BYTES = 1 << 16
MAX_JSON_MEMORY_BYTES = 2_000_000_000
"""That its values may take by our guess: a few letters can make an object of a hundred times their size."""
_JSON_COSTS = ((b"{", 232), (b"[", 72), (b",", 40))
_FORMS = (
    "JSON envelope, speedscope, pprof, .cpuprofile, .heapprofile, Firefox Profiler, Chromium's traces, .jfr, folded stacks, "
    "perf script's output, Austin's text and MOJO, cProfile's statistics"
)
_JSON = re.compile(rb"\s{0,1000}(?:\{(?:[\s\"}]|$)|\[\s{0,1000}[{\]\[])")
"""How a document begins, and no thread of async-profiler's, `[main tid=12];`."""
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def recording_in(content: bytes, written_at: datetime, max_bytes: int) -> Recording:
    """The run in a file's `content`, gzipped or not, which may unpack to `max_bytes`; where the form does not say when it began, it was at `written_at`.

    Raises `ValueError` with what is not as it should be, and whatever a value raises that is of another kind than it should be.
    """
    if content.startswith(b"\x1f\x8b"):
        content = _unzipped(content, max_bytes)
    if what := unopened.named(content):
        raise ValueError(what)
    if _JSON.match(content):
        return _from_json(content, written_at)
    if page.is_page(content):
        return page.loads(content, written_at)
    for magic, loads_it in _BINARY.items():
        if content.startswith(magic):
            return loads_it(content, written_at)
    if not _CONTROL.search(content):
        # Names of symbols need be no Unicode.
        return _from_text(content.decode(errors="replace"), written_at)
    if pprof_reader.is_pprof(content):
        return pprof_reader.loads(content, written_at)
    raise ValueError(f"it is in none of the forms: {_FORMS}")


_BINARY: Mapping[bytes, Callable[[bytes, datetime], Recording]] = {
    b"MOJ": austin.loads_mojo,
    flight_recording.MAGIC: flight_recording.loads,
    b"\xfb": cprofile.loads,
    b"{\xe9": cprofile.loads,
}
"""By how the content begins."""


def _from_text(text: str, written_at: datetime) -> Recording:
    if austin.is_austin(text):
        return austin.loads(text, written_at)
    if perf_script.is_perf_script(text):
        return perf_script.loads(text, written_at)
    return folded.loads(text, written_at)


def _from_json(content: bytes, written_at: datetime) -> Recording:
    if sum(cost * content.count(sign) for sign, cost in _JSON_COSTS) > MAX_JSON_MEMORY_BYTES:
        raise ValueError("its JSON has more values than there is room for: no profile of a run has")
    value = _parsed(content)
    if trace.is_trace(value):
        return trace.loads(value, written_at)
    document = JsonObject(value, "the file")
    for knows, loads_it in _DOCUMENTS:
        if knows(document):
            return loads_it(document, written_at)
    if what := unopened.named_json(document.fields):
        raise ValueError(what)
    if "profiles" not in document.fields:
        raise ValueError(f"it is JSON, but in none of the forms: {_FORMS}")
    return from_profiles(JsonFormat().decode(content).profiles)


_DOCUMENTS: Sequence[tuple[Callable[[JsonObject], bool], Callable[[JsonObject, datetime], Recording]]] = (
    (speedscope.is_speedscope, speedscope.loads),
    (cpuprofile.is_cpuprofile, cpuprofile.loads),
    (heap.is_heap_profile, heap.loads),
    (firefox_profile.is_firefox, firefox_profile.loads),
    (flamebearer.is_flamebearer, flamebearer.loads),
)


def _parsed(content: bytes) -> object:
    try:
        return parse(content)
    except ValueError:
        # A trace need not end: whoever writes it may be killed.
        if not content.lstrip().startswith(b"["):
            raise
        return parse(content.rstrip().rstrip(b",") + b"]")


def _unzipped(content: bytes, max_bytes: int) -> bytes:
    try:
        # Counted first: what turns out to be too large would fill the memory before it does.
        if any(size > max_bytes for size in _unpacked_bytes(content)):
            raise ValueError(f"it unpacks to more than {max_bytes >> 20} MB: no profile of a run does")
        unpacking = zlib.decompressobj(wbits=31)
        unpacked = unpacking.decompress(content)
        if not unpacking.eof:
            raise ValueError("it is gzipped, but damaged: it ends too early")
    except zlib.error as error:
        raise ValueError(f"it is gzipped, but damaged: {error}") from error
    return unpacked


def _unpacked_bytes(content: bytes) -> Iterator[int]:
    """How many bytes `content` has unpacked to so far, piece by piece."""
    unpacking, size = zlib.decompressobj(wbits=31), 0
    for at in range(0, len(content), _PIECE_BYTES):
        piece = content[at : at + _PIECE_BYTES]
        while piece and not unpacking.eof:
            size += len(unpacking.decompress(piece, 16 * _PIECE_BYTES))
            piece = unpacking.unconsumed_tail
            yield size
