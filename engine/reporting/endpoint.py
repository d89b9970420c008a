"""Where reports go and the key that opens it: what is refused or warned of before anything is started."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from ..settings import Secret

MAX_URL_LENGTH = 2_000
MAX_SOCKET_PATH_BYTES = 107
DEFAULT_PATH = "/api/v0/profiles"

_HOST_LABEL = re.compile(r"[\w-]{1,63}")


def check_endpoint(url: str) -> str:
    """`url`, if profiles can be sent there.

    Raises `ValueError` with one line for the user that never repeats the URL, because what is wrong with it may be a password in it.
    """
    if not url.isprintable() or " " in url:
        raise ValueError("the URL holds a space or a character that cannot be printed")
    if len(url) > MAX_URL_LENGTH:
        raise ValueError(f"the URL is longer than {MAX_URL_LENGTH} characters")
    if url.startswith("unix:"):
        return _check_unix(url)
    try:
        parts = urlsplit(url)
        port_is_bad = parts.port == 0
    except ValueError:
        raise ValueError("the URL's host or port is malformed") from None
    if parts.scheme not in ("http", "https"):
        scheme = f"not {parts.scheme}:" if "://" in url else "as in https://backend.example/api/v0/profiles"
        raise ValueError(f"the URL must begin with http://, https:// or unix:, {scheme}")
    if parts.username is not None or parts.password is not None:
        raise ValueError(
            "the URL holds a user name or password; give the key with --api-key or PROFILER_API_KEY instead"
        )
    if not parts.hostname:
        raise ValueError("the URL names no host")
    if port_is_bad or not _is_host(parts.hostname):
        raise ValueError("the URL's host or port is malformed")
    return url


def check_key(key: str) -> Secret:
    """The key, if it can stand in an HTTP header. Raises `ValueError` with one line that does not show it."""
    if not key:
        raise ValueError("the API key is empty")
    if any(end in key for end in "\r\n"):
        raise ValueError("the API key holds a line break")
    if key != key.strip():
        raise ValueError("the API key begins or ends with a space")
    if not key.isprintable() or any(ord(character) > 0xFF for character in key):
        raise ValueError("the API key holds a character that no HTTP header can carry (printable Latin-1 only)")
    return Secret(key)


def unix_socket(endpoint: str) -> tuple[str, str] | None:
    """The socket and the path of `unix:SOCKET` or `unix:SOCKET:PATH`; None for other endpoints."""
    if not endpoint.startswith("unix:"):
        return None
    socket, colon, path = endpoint.removeprefix("unix:").partition(":")
    return (f"/{socket.lstrip('/')}" if socket.startswith("/") else socket), path if colon else DEFAULT_PATH


def _check_unix(endpoint: str) -> str:
    found = unix_socket(endpoint)
    assert found is not None, "it begins as one"
    socket, path = found
    if not socket.startswith("/") or not path.startswith("/") or len(socket.encode()) > MAX_SOCKET_PATH_BYTES:
        raise ValueError("a Unix socket is given as unix:/run/backend.sock, or unix:/run/backend.sock:/the/path")
    return endpoint


def warn_key_over_plain_http(endpoint: str, key: object) -> str | None:
    """What to warn the user of if `key`, where there is one, would cross a network in the clear. `endpoint` has been checked."""
    parts = urlsplit(endpoint)
    if not key or parts.scheme in {"unix", "https"} or _is_loopback(parts):
        return None
    return f"The API key goes to {parts.hostname} unencrypted; use an https:// endpoint"


def _is_host(host: str) -> bool:
    if ":" in host:
        try:
            ipaddress.IPv6Address(host.partition("%")[0])
        except ValueError:
            return False
        return True
    return all(_HOST_LABEL.fullmatch(label) for label in host.removesuffix(".").split("."))


def _is_loopback(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
