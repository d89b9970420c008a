"""Which file has which form; written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..profile.stacks import part_languages, valid_text
from .json_profile import JsonFormat, bounds_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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


def _by(form: str, name: str = "dumps") -> Callable[[Recording], bytes]:
    """Has the form's module write it, which is loaded only then: a command's last word should not wait for all of them."""

    def dumps(recording: Recording) -> bytes:
        return cast("bytes", getattr(import_module(f".{form}", __package__), name)(recording))

    return dumps


MAX_FILE_BYTES = 192 << 20
"""Of a file, and of what it unpacks to: what is in it takes some times as much memory when it is read."""
ENDINGS: Mapping[str, Callable[[Recording], bytes]] = {
    ".speedscope.json": _by("speedscope"),
    ".firefox.json": _by("firefox_export"),
    ".firefox.json.gz": _by("firefox_export", "dumps_packed"),
    ".json": _to_json,
    ".folded": _by("folded"),
    ".collapsed": _by("folded"),
    ".txt": _by("folded"),
    ".pb.gz": _by("pprof"),
    ".pprof": _by("pprof"),
    ".html": _by("page"),
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
    if before and dumps is ENDINGS[".html"]:
        from . import page  # noqa: PLC0415 - as `_by` has it

        _write_whole(page.dumps(recording, before), file)
    else:
        _write_whole(dumps(recording), file)


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
    from .content import recording_in  # noqa: PLC0415 - all the forms, which who writes does without

    try:
        return recording_in(content, written_at, MAX_FILE_BYTES)
    except (LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        # What others wrote may be anything; readers need not ask of each value what it is.
        raise ValueError(f"what is in it does not fit together: {type(error).__name__}: {error!s:.200}") from error


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
    temporary = file.with_name(f".{os.urandom(16).hex()}.part")
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
