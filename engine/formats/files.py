"""Which file has which form; written whole or not at all."""

from __future__ import annotations

import contextlib
import gzip
import os
import stat
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from ..profile.json_object import JsonObject, parse
from ..profile.recording import from_profiles
from ..profile.stacks import valid_text
from . import folded, pprof, speedscope
from .json_profile import JsonFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..profile.recording import Recording


def _to_json(recording: Recording) -> bytes:
    wire = JsonFormat()
    return wire.join([wire.encode(profile) for profile in recording.profiles()], datetime.now(UTC)) + b"\n"


ENDINGS: Mapping[str, Callable[[Recording], bytes]] = {
    ".speedscope.json": speedscope.dumps,
    ".json": _to_json,
    ".folded": folded.dumps,
    ".collapsed": folded.dumps,
    ".txt": folded.dumps,
    ".pb.gz": pprof.dumps,
    ".pprof": pprof.dumps,
}
"""What a file's ending means; the first that fits counts."""


def check_ending(file: Path) -> None:
    """Raise `ValueError`, with a line that names the endings, if `file`'s is none of them."""
    _form(file)


def write(recording: Recording, file: Path) -> None:
    """Save `recording` in the form that `file`'s ending says.

    Raises `ValueError` for an ending that says nothing, `OSError` where the file cannot be written; then a file that was
    there is as it was.
    """
    _write_whole(_form(file)(recording), file)


def write_json(recording: Recording, file: Path) -> None:
    """Save `recording` as the report's JSON envelope, whatever `file` is called. Raises as `write` does."""
    _write_whole(_to_json(recording), file)


def read(file: Path) -> Recording:
    """The run in `file`, in any of the forms, gzipped or not, whatever it is called.

    Raises `OSError` where it cannot be read, `ValueError`, with a line that says why, where it is in no such form.
    """
    content = file.read_bytes()
    written_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    try:
        return loads(content, written_at)
    except ValueError as error:
        raise ValueError(f"{valid_text(str(file))!r} cannot be opened as a profile: {error}") from error


def loads(content: bytes, written_at: datetime) -> Recording:
    """The run in a file's `content`; `written_at` is when it began if the form does not say. Raises `ValueError`."""
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"it is gzipped, but damaged: {error}") from error
    if pprof.is_pprof(content):
        return pprof.loads(content, written_at)
    if content[:1000].lstrip().startswith(b"{"):
        document = JsonObject(parse(content), "the file")
        if "shared" in document.fields:
            return speedscope.loads(document, written_at)
        return from_profiles(JsonFormat().decode(content).profiles)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ValueError("it is in none of the forms: JSON envelope, speedscope, pprof, folded stacks") from None
    return folded.loads(text, written_at)


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
