"""The options for a service that runs already: `--pprof URL` and what opens its door."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ..inheritance import SERVICE_HEADERS_VARIABLE
from ..reporting.endpoint import check_endpoint
from ..settings import Secret, Service
from .access_options import read_headers
from .arguments import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping


def add_service(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--pprof",
        metavar="URL",
        help="follow a Go service that is running already by its net/http/pprof, as in http://127.0.0.1:6060, instead of "
        "starting a program",
    )
    group.add_argument(
        "--pprof-header",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="send the service this header; its value is shown nowhere; may be repeated; better in "
        f"{SERVICE_HEADERS_VARIABLE}",
    )


def service_settings(options: argparse.Namespace, environment: Mapping[str, str]) -> Service | None:
    """The service that `--pprof` names; `options.pprof` is then its URL as it can be shown.

    Raises `UsageError`; no credentials are in it.
    """
    if options.pprof is None:
        if options.pprof_header:
            raise UsageError("--pprof-header goes with --pprof")
        return None
    # Most runs follow no service.
    import base64  # noqa: PLC0415
    import re  # noqa: PLC0415

    headers = _headers(options, environment)
    # `localhost:6060` has none.
    has_scheme = re.match(r"[a-z]+:(?!\d+(/|$))", options.pprof, re.IGNORECASE)
    try:
        parts = urlsplit(options.pprof if has_scheme else f"http://{options.pprof}")
        user, at, place = parts.netloc.rpartition("@")
        shown = parts._replace(netloc=place, query="", fragment="").geturl()
        if parts.scheme in ("http", "https"):
            check_endpoint(shown)
    except ValueError as error:
        raise UsageError(f"--pprof: {error}") from None
    if parts.scheme not in ("http", "https"):
        raise UsageError(f"--pprof: the URL must begin with http:// or https://, not {parts.scheme}:")
    if at and not any(name.lower() == "authorization" for name, _ in headers):
        encoded = base64.b64encode(unquote(user).encode()).decode("ascii")
        headers = (*headers, ("Authorization", Secret(f"Basic {encoded}")))
    options.pprof = shown
    return Service(shown, headers, Secret(parts.query) if parts.query else None)


def _headers(options: argparse.Namespace, environment: Mapping[str, str]) -> tuple[tuple[str, Secret], ...]:
    texts = [("--pprof-header", text) for text in options.pprof_header]
    if not texts:
        variable = environment.get(SERVICE_HEADERS_VARIABLE, "")
        texts = [(SERVICE_HEADERS_VARIABLE, text.strip()) for text in variable.split(",") if text.strip()]
    return read_headers(texts)
