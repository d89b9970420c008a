"""What opens the backend's door: the key, from where it lies now, headers of the user's, certificates."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from ..text import reason
from .endpoint import check_key

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from ..settings import Access, Secret

MAX_KEY_FILE_BYTES = 64 * 1024
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's, by RFC 9110."""
_OURS = frozenset(
    (
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "accept-encoding",
    )
)

Signature = tuple[tuple[int, int, int] | None, ...]


def read_key(file: Path) -> Secret:
    """The key in `file`, without the line's end behind it. Raises `ValueError` with a line that does not show it."""
    try:
        with file.open("rb") as opened:
            text = opened.read(MAX_KEY_FILE_BYTES).decode()
    except OSError as error:
        raise ValueError(f"{str(file)!r} cannot be read: {reason(error)}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{str(file)!r} holds no text") from None
    try:
        return check_key(text.strip())
    except ValueError as error:
        raise ValueError(f"{str(file)!r}: {error}") from None


def check_header(name: str, value: str) -> None:
    """Raise `ValueError`, with a line that does not show `value`, if it cannot be sent as the header `name`."""
    if not _NAME.fullmatch(name):
        raise ValueError("a header's name has letters, digits and hyphens")
    if name.lower() in _OURS:
        raise ValueError(f"the header {name} is ours to set")
    if not value.isprintable() or not value.isascii() or value != value.strip():
        raise ValueError(f"the value of the header {name} is empty, or holds what no header can carry")


def tls_context(access: Access, authorities: Callable[[], ssl.SSLContext] | None = None) -> ssl.SSLContext:
    """For the certificates of `access`, with `authorities` where it names none. Raises `ValueError` with a line that names the file."""
    from ssl import create_default_context  # noqa: PLC0415 - most runs have no certificates

    try:
        if access.ca_file:
            context = create_default_context(cafile=access.ca_file)
        else:
            context = (authorities or create_default_context)()
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        raise ValueError(f"--ca-file: {str(access.ca_file)!r} holds no certificates in PEM form") from None
    if access.client_cert:
        try:
            # A key with a password would be asked for on the terminal.
            context.load_cert_chain(access.client_cert, access.client_key, password=lambda: b"")
        except (OSError, ValueError):
            raise ValueError(
                f"--client-cert: {str(access.client_cert)!r} and its key do not go together, or the key has a password"
            ) from None
    return context


class Credentials:
    """The headers of every request. The key's file is read again when it has changed: keys are rotated, agents run on."""

    def __init__(self, key: Secret | None, access: Access) -> None:
        self._key = key
        self._access = access
        self._read: Signature = ()

    def headers(self) -> dict[bytes, bytes]:
        """What is sent for authorization, and the user's own headers."""
        headers = {name.encode("ascii"): value.reveal().encode("latin-1") for name, value in self._access.headers}
        if key := self._current_key():
            headers[b"Authorization"] = b"Bearer " + key.reveal().encode("latin-1")
        return headers

    def certificates(self) -> Signature:
        """Changes when one of the certificates' files does."""
        files = (self._access.ca_file, self._access.client_cert, self._access.client_key)
        return signature(file for file in files if file)

    def _current_key(self) -> Secret | None:
        if file := self._access.key_file:
            now = signature((file,))
            if now != self._read:
                # While it is being replaced, the old one is the best there is; the backend tells if it is not.
                with contextlib.suppress(ValueError):
                    self._key = read_key(file)
                    self._read = now
        return self._key


def signature(files: Iterable[Path]) -> Signature:
    """What changes when a file is written or replaced."""
    return tuple(_stat(file) for file in files)


def _stat(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
