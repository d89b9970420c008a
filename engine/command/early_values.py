"""Whether an option's value is right beyond doubt. False says nothing: `options` then looks closer, and tells what is wrong.

Loads only what the interpreter has loaded anyway, as `early` does.
"""

import os

_ALPHANUMERIC = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_IN_A_HOST = _ALPHANUMERIC | {"-", "."}
_IN_A_PATH = _ALPHANUMERIC | set("/-_.~")
_MAX_URL_CHARACTERS = 500
_MAX_LABEL_CHARACTERS = 50
_MAX_DIGITS = 8


def is_plain_path(path: str) -> bool:
    """Absolute, and as pathlib would write it."""
    return path[:1] == "/" and os.path.normpath(path) == path and ".." not in path


def is_rate(text: str) -> bool:
    return _is_whole(text) and 1 <= int(text) <= 10_000


def is_duration(text: str) -> bool:
    return _is_whole(text) and int(text) > 0


def is_interval(text: str) -> bool:
    return _is_whole(text) and 1 <= int(text) <= 31_536_000


def is_buffer_size(text: str) -> bool:
    return _is_whole(text) and 1 <= int(text) <= 1_000


def is_format(text: str) -> bool:
    return text in ("json", "protobuf", "pyroscope", "otlp")


def is_key(text: str) -> bool:
    return text.isascii() and text.isprintable() and text == text.strip()


def is_label(text: str) -> bool:
    name, equals, value = text.partition("=")
    is_plain = text.isascii() and text.isprintable()
    return bool(name and equals and value) and is_plain and len(text) <= _MAX_LABEL_CHARACTERS


def is_url(text: str) -> bool:
    """Of a host by its name or IPv4 address, and a path without anything to be escaped."""
    scheme, colon, rest = text.partition("://")
    place, _, path = rest.partition("/")
    host, has_port, port = place.partition(":")
    labels = host.split(".")
    return (
        scheme in ("http", "https")
        and bool(colon)
        and len(text) <= _MAX_URL_CHARACTERS
        and all(0 < len(label) <= 63 for label in labels)
        and _IN_A_HOST.issuperset(host)
        and _IN_A_PATH.issuperset(path)
        and (not has_port or (_is_whole(port) and 0 < int(port) < 65_536))
    )


def is_writable(file: str) -> bool:
    """Whether a file can be written there at the run's end, as far as can be told now."""
    try:
        path = os.path.abspath(file)
    except OSError:
        return False
    folder = os.path.dirname(path)
    is_new = not os.path.exists(path)
    return (
        os.path.isdir(folder)
        and os.access(folder, os.W_OK)
        and (is_new or (os.path.isfile(path) and os.access(path, os.W_OK)))
    )


def is_summary(text: str) -> bool:
    return text == "json" or is_writable(text)


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
