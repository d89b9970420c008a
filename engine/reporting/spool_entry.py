"""One entry of the spool: a profile as a file, with a line before it that tells damage."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from typing import TYPE_CHECKING

from ..formats.wire import FORMATS, EncodedProfile
from ..text import reason

if TYPE_CHECKING:
    from pathlib import Path

MAX_ENTRY_BYTES = 8 * 1024 * 1024
"""What is longer is no profile of ours."""
ENDING = ".profile"
_MAGIC = b"multi_lang_profiler spool 1"


def pack(profile: EncodedProfile) -> bytes:
    fields = f"{profile.format} {profile.profile_id} {profile.size_bytes}".encode()
    digest = hashlib.sha256(fields + b"\n" + profile.body).hexdigest().encode()
    return b" ".join((_MAGIC, fields, digest)) + b"\n" + profile.body


def unpack(data: bytes) -> EncodedProfile:
    """The profile that `_pack` made `data` of. Raises `ValueError` if it did not, or if a byte has changed since."""
    head, _, body = data.partition(b"\n")
    *magic, format_name, profile_id, _size, _digest = head.split(b" ")
    if b" ".join(magic) != _MAGIC:
        raise ValueError("of another version" if head.startswith(_MAGIC.rpartition(b" ")[0]) else "damaged")
    profile = EncodedProfile(profile_id.decode(), format_name.decode(), body)
    if pack(profile) != data or profile.format not in FORMATS:
        raise ValueError("damaged")
    return profile


def write_whole(path: Path, data: bytes) -> None:
    """Write beside `path`, then rename: a reader sees all of it or nothing. Raises `OSError`, and then leaves nothing."""
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(data)
        unfinished.rename(path)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise


class Unreadable(Exception):
    """An entry that is no profile to us; the text says why, in a word or two."""


def read_entry(path: Path) -> EncodedProfile:
    """The profile in the file `path`.

    Raises `FileNotFoundError` where it has vanished, `Unreadable` where it cannot be read, and `OSError` where it is we who can open nothing.
    """
    try:
        # A FIFO or a link under an entry's name must neither block us nor lead us elsewhere.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Unreadable("no file")
            return unpack(file.read(MAX_ENTRY_BYTES))
    except ValueError as error:
        raise Unreadable(str(error)) from None
    except FileNotFoundError:
        raise
    except OSError as error:
        raise_if_ours(error)
        no_file = error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO)
        raise Unreadable("no file" if no_file else reason(error)) from None


def confirm(path: Path) -> str | None:
    """Wait until the disk has `path`, a file or a folder; why it has not. What has been removed meanwhile needs it no more."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
    except FileNotFoundError:
        return None
    except OSError as error:
        return told(error, path)
    return None


def told(error: OSError, place: Path) -> str:
    return f"{error.strerror or error} ({error.filename or place})"


def raise_if_ours(error: OSError) -> None:
    """Raise `error` where it says nothing about the entry, but that we can open nothing more."""
    if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        raise error
