"""The options for the backend's door: key file, headers, certificates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..inheritance import HEADERS_VARIABLE, KEY_VARIABLE
from ..reporting.access import check_header, read_key, tls_context
from ..settings import Access, Secret
from .arguments import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping


def add_access(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--api-key-file",
        metavar="FILE",
        help="read the key from here, and again when it changes: systemd's LoadCredential, a mounted secret",
    )
    group.add_argument(
        "--header",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="send this header, too; its value is shown nowhere; may be repeated",
    )
    group.add_argument("--client-cert", metavar="FILE", help="our certificate, where the backend asks for one (PEM)")
    group.add_argument("--client-key", metavar="FILE", help="its key, if that is not in the same file")
    group.add_argument("--ca-file", metavar="FILE", help="trust the certificates of these authorities alone (PEM)")


def access_settings(options: argparse.Namespace, environment: Mapping[str, str]) -> Access:
    """From the options of `add_access` and the variables that stand in for them. Raises `UsageError`; no key or value is in it."""
    key_file, source = _file(options, environment, "--api-key-file")
    if options.api_key is not None and options.api_key_file is None:
        key_file = None
    if key_file and (options.api_key is not None or (environment.get(KEY_VARIABLE) and options.api_key_file is None)):
        raise UsageError(
            f"{source} and {'--api-key' if options.api_key is not None else KEY_VARIABLE} exclude each other"
        )
    if key_file:
        try:
            read_key(key_file)
        except ValueError as error:
            raise UsageError(f"{source}: {error}") from None
    client_cert, _ = _file(options, environment, "--client-cert")
    client_key, source = _file(options, environment, "--client-key")
    if client_key and not client_cert:
        raise UsageError(f"{source} goes with --client-cert")
    ca_file, _ = _file(options, environment, "--ca-file")
    access = Access(key_file, _headers(options, environment), client_cert, client_key, ca_file)
    if any(name.lower() == "authorization" for name, _ in access.headers) and (
        key_file or options.api_key is not None or environment.get(KEY_VARIABLE)
    ):
        raise UsageError("--header: Authorization is what the API key is sent as; give one of the two")
    if ca_file or client_cert:
        try:
            tls_context(access)
        except ValueError as error:
            raise UsageError(str(error)) from None
    return access


def _file(options: argparse.Namespace, environment: Mapping[str, str], option: str) -> tuple[Path | None, str]:
    """The file that is named, and what names it."""
    name = option.removeprefix("--").replace("-", "_")
    variable = f"PROFILER_{name.upper()}"
    given, source = getattr(options, name), option
    if given is None:
        given, source = environment.get(variable) or None, variable
    if given is None:
        return None, source
    if not Path(given).is_file() and not (Path(given).exists() and not Path(given).is_dir()):
        raise UsageError(f"{source}: {given!r} is no file that can be read")
    return Path(given).absolute(), source


def _headers(options: argparse.Namespace, environment: Mapping[str, str]) -> tuple[tuple[str, Secret], ...]:
    texts = [("--header", text) for text in options.header]
    if not texts:
        # As in OTEL_EXPORTER_OTLP_HEADERS.
        texts = [(HEADERS_VARIABLE, text.strip()) for text in environment.get(HEADERS_VARIABLE, "").split(",") if text]
    return read_headers(texts)


def read_headers(texts: Iterable[tuple[str, str]]) -> tuple[tuple[str, Secret], ...]:
    """The headers in `texts`, each `NAME=VALUE` behind the option or variable that gave it. Raises `UsageError`, which shows no value."""
    headers = []
    for source, text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{source}: a header is given as NAME=VALUE")
        try:
            check_header(name, value)
        except ValueError as error:
            raise UsageError(f"{source}: {error}") from None
        headers.append((name, Secret(value)))
    return tuple(headers)
