"""Which file has which form; written whole or not at all."""

from __future__ import annotations

import contextlib
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
from ..profile.stacks import valid_text
from . import austin, cpuprofile, folded, page, pprof, speedscope
from .json_profile import JsonFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..profile.recording import Recording


def _to_json(recording: Recording) -> bytes:
    wire = JsonFormat()
    return wire.join([wire.encode(profile) for profile in recording.profiles()], datetime.now(UTC)) + b"\n"


MAX_FILE_BYTES = 192 << 20
"""Of a file, and of what it unpacks to: what is in it takes some times as much memory when it is read."""
_FORMS = "JSON envelope, speedscope, pprof, .cpuprofile, folded stacks, Austin's text"
_NOT_OPENED = {
    b"MOJ": "it is Austin's MOJO: austin-python's mojo2austin turns it into text, which can be opened",
    b"FLR\x00": "it is a recording of Java's Flight Recorder: async-profiler's jfrconv turns it into collapsed stacks, which can be opened",
    b"PERFILE2": "it is perf's own data: perf script | stackcollapse-perf.pl turns it into folded stacks, which can be opened",
    b"\xfb": "it is cProfile's statistics, which have no stacks; run the program here, or see them with python -m pstats",
    b"PK\x03\x04": "it is a zip archive; unpack it and open what is in it",
}
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")

ENDINGS: Mapping[str, Callable[[Recording], bytes]] = {
    ".speedscope.json": speedscope.dumps,
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
    if content.startswith(b"\x1f\x8b"):
        content = _unzipped(content)
    for magic, what in _NOT_OPENED.items():
        if content.startswith(magic):
            raise ValueError(what)
    if content[:1000].lstrip().startswith((b"{", b"[")):
        return _from_json(content, written_at)
    if page.is_page(content):
        return page.loads(content, written_at)
    if _is_text(content):
        text = content.decode()
        return austin.loads(text, written_at) if austin.is_austin(text) else folded.loads(text, written_at)
    if pprof.is_pprof(content):
        return pprof.loads(content, written_at)
    raise ValueError(f"it is in none of the forms: {_FORMS}")


def _from_json(content: bytes, written_at: datetime) -> Recording:
    value = parse(content)
    if isinstance(value, list) or (isinstance(value, dict) and "traceEvents" in value):
        raise ValueError(
            "it is a trace of Chromium's, of events and not of samples; record a .cpuprofile, or open it in Perfetto"
        )
    document = JsonObject(value, "the file")
    if "shared" in document.fields:
        return speedscope.loads(document, written_at)
    if cpuprofile.is_cpuprofile(document):
        return cpuprofile.loads(document, written_at)
    if "profiles" not in document.fields:
        raise ValueError(f"it is JSON, but in none of the forms: {_FORMS}")
    return from_profiles(JsonFormat().decode(content).profiles)


def _unzipped(content: bytes) -> bytes:
    unpacking = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacking.decompress(content, MAX_FILE_BYTES)
        if unpacking.unconsumed_tail:
            raise ValueError(f"it unpacks to more than {MAX_FILE_BYTES >> 20} MB: no profile of a run does")
        if not unpacking.eof:
            raise ValueError("it is gzipped, but damaged: it ends too early")
    except zlib.error as error:
        raise ValueError(f"it is gzipped, but damaged: {error}") from error
    return unpacked


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    return not _CONTROL.search(text)


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
