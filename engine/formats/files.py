"""Which file has which form; written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from ..profile.json_object import JsonObject, parse
from ..profile.recording import from_profiles
from ..profile.stacks import part_languages, valid_text
from . import (
    austin,
    cprofile,
    cpuprofile,
    firefox_export,
    firefox_profile,
    flamebearer,
    flight_recording,
    folded,
    heap,
    page,
    perf_script,
    pprof,
    pprof_reader,
    speedscope,
    trace,
    unopened,
)
from .json_profile import JsonFormat, bounds_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ..profile.recording import Recording


def _to_json(recording: Recording) -> bytes:
    """The envelope, and beside its profiles what they had no room for: they are bounded, as those of reports are."""
    wire, profiles = JsonFormat(), recording.profiles()
    envelope = wire.join([wire.encode(profile) for profile in profiles], datetime.now(UTC))
    of = part_languages(recording.counts, recording.table) if len(profiles) > 1 else {}
    counts = [of.get(profile.language, recording.counts) for profile in profiles]
    bounded = [
        bounds_object(profile, len({stack for _, stack in seen.by_stack}))
        for profile, seen in zip(profiles, counts, strict=True)
    ]
    return envelope[:-1] + b',"bounded":' + json.dumps(bounded, separators=(",", ":")).encode() + b"}\n"


MAX_FILE_BYTES = 192 << 20
"""Of a file, and of what it unpacks to: what is in it takes some times as much memory when it is read."""
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

ENDINGS: Mapping[str, Callable[[Recording], bytes]] = {
    ".speedscope.json": speedscope.dumps,
    ".firefox.json": firefox_export.dumps,
    ".firefox.json.gz": firefox_export.dumps_packed,
    ".json": _to_json,
    ".folded": folded.dumps,
    ".collapsed": folded.dumps,
    ".txt": folded.dumps,
    ".pb.gz": pprof.dumps,
    ".pprof": pprof.dumps,
    ".html": page.dumps,
}
"""What a file's ending means; the first that fits counts."""


def check_ending(file: Path) -> None:
    """Raise `ValueError`, with a line that names the endings, if `file`'s is none of them."""
    _form(file)


def write(recording: Recording, file: Path, before: tuple[Path, Recording] | None = None) -> None:
    """Save `recording` in the form that `file`'s ending says. A page also tells what changed since `before`, an older run and its file.

    Raises `ValueError` for an ending that says nothing, `OSError` where the file cannot be written; then a file that was
    there is as it was.
    """
    dumps = _form(file)
    _write_whole(page.dumps(recording, before) if dumps is page.dumps else dumps(recording), file)


def write_json(recording: Recording, file: Path) -> None:
    """Save `recording` as the report's JSON envelope, whatever `file` is called. Raises as `write` does."""
    _write_whole(_to_json(recording), file)


def read(file: Path) -> Recording:
    """The run in `file`, in any of the forms, gzipped or not, whatever it is called.

    Raises `OSError` where it cannot be read, `ValueError`, with a line that says why, where it is in no such form.
    """
    if file.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"{valid_text(str(file))!r} is larger than {MAX_FILE_BYTES >> 20} MB: no profile of a run is")
    content = file.read_bytes()
    written_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    try:
        return loads(content, written_at)
    except ValueError as error:
        raise ValueError(f"{valid_text(str(file))!r} cannot be opened as a profile: {error}") from error


def loads(content: bytes, written_at: datetime) -> Recording:
    """The run in a file's `content`; `written_at` is when it began if the form does not say. Raises `ValueError`."""
    try:
        return _recording(content, written_at)
    except (LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        # What others wrote may be anything; readers need not ask of each value what it is.
        raise ValueError(f"what is in it does not fit together: {type(error).__name__}: {error!s:.200}") from error


def _recording(content: bytes, written_at: datetime) -> Recording:
    if content.startswith(b"\x1f\x8b"):
        content = _unzipped(content)
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


def _unzipped(content: bytes) -> bytes:
    try:
        # Counted first: what turns out to be too large would fill the memory before it does.
        if any(size > MAX_FILE_BYTES for size in _unpacked_bytes(content)):
            raise ValueError(f"it unpacks to more than {MAX_FILE_BYTES >> 20} MB: no profile of a run does")
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


def _form(file: Path) -> Callable[[Recording], bytes]:
    name = file.name.lower()
    for ending, dumps in ENDINGS.items():
        if name.endswith(ending) and name != ending:
            return dumps
    raise ValueError(
        f"{valid_text(file.name)!r} does not say in which form to save; end it in {_listed(list(ENDINGS))}"
    )


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _write_whole(content: bytes, file: Path) -> None:
    """Write beside `file`, then rename: nobody ever sees half of it."""
    # A symbolic link stays one, a pipe or a device gets the bytes itself.
    file = Path(os.path.realpath(file))
    if file.exists() and not file.is_file():
        file.write_bytes(content)
        return
    temporary = file.with_name(f".{uuid4()}.part")
    try:
        with temporary.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if file.exists():
            temporary.chmod(stat.S_IMODE(file.stat().st_mode))
        temporary.replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
