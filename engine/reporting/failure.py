"""Why there was no answer, in words that help: neither the key nor a URL is in them."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from .endpoint import unix_socket

if TYPE_CHECKING:
    from collections.abc import Iterator

_WANTS_CERTIFICATE = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE")
_REFUSES_CERTIFICATE = ("UNKNOWN_CA", "BAD_CERTIFICATE", "CERTIFICATE_EXPIRED", "CERTIFICATE_UNKNOWN")


def explain(error: BaseException, endpoint: str) -> str:
    """What an attempt to reach `endpoint` failed of."""
    if unix := unix_socket(endpoint):
        place, by_proxy = unix[0], ""
    else:
        place = urlsplit(endpoint).hostname or ""
        variable = proxy_of(endpoint)
        by_proxy = f" (a proxy is set: {variable})" if variable else ""
    causes = list(_chain(error))
    told = next(filter(None, (_explain_cause(cause, place) for cause in causes)), None)
    cut_off = any(isinstance(cause, BrokenPipeError | ConnectionResetError) or _is_end(cause) for cause in causes)
    if cut_off and endpoint.startswith("https:"):
        # With TLS 1.3 the refusal may come behind the handshake, and be lost with the connection.
        told = f"{told}; a backend that wants a certificate of ours (--client-cert) may end so"
    return f"{told or 'no HTTP answer came'}{f' ({place})' if unix else by_proxy}"


def proxy_of(endpoint: str) -> str | None:
    """The variable that names a proxy for `endpoint`; None where there is none, or `NO_PROXY` exempts it."""
    url = urlsplit(endpoint)
    proxies = getproxies()
    name = next((f"{scheme}_PROXY" for scheme in (url.scheme, "all") if proxies.get(scheme)), None)
    return name.upper() if name and url.hostname and not proxy_bypass(url.hostname) else None


def proxy_trouble() -> str:
    """Why the proxies of the environment cannot be used; their text would show a password."""
    socks = [f"{scheme.upper()}_PROXY" for scheme, url in getproxies().items() if url.lower().startswith("socks")]
    if socks:
        return (
            f"the proxy set in the environment cannot be used: {' and '.join(sorted(socks))} names a SOCKS proxy, which is not "
            "supported; set HTTPS_PROXY to an http:// proxy, or unset it for us"
        )
    return "the proxy set in the environment cannot be used (an http:// or https:// URL is needed)"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """`error` and all that led to it, the origin first."""
    for cause in (error.__cause__, error.__context__):
        if cause:
            yield from _chain(cause)
            break
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _chain(each)
    yield error


def _explain_cause(cause: BaseException, host: str) -> str | None:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the certificate of {host} is not to be trusted: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        if cause.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
            return "the port does not speak TLS (an http:// URL?)"
        why = cause.reason or "connection closed"
        if any(word in why for word in _WANTS_CERTIFICATE):
            return f"the backend wants a certificate of ours: --client-cert ({why})"
        if any(word in why for word in _REFUSES_CERTIFICATE):
            return f"the backend does not take our certificate ({why})"
        return f"TLS failed ({why})"
    if isinstance(cause, socket.gaierror):
        return (
            f"no such host: {host}"
            if cause.errno in (socket.EAI_NONAME, socket.EAI_NODATA)
            else f"{host} cannot be resolved now"
        )
    if isinstance(cause, OSError) and cause.errno and cause.errno in errno.errorcode:
        return os.strerror(cause.errno).lower()
    if type(cause).__name__ == "ProxyError":
        status = str(cause)[:3]
        return f"the proxy refused (HTTP {status})" if status.isdigit() else "the proxy refused"
    if type(cause).__name__ == "RemoteProtocolError":
        return "connection closed without an answer" if _is_end(cause) else "the answer is not HTTP"
    return None


def _is_end(cause: BaseException) -> bool:
    """Whether the connection was closed in good order, where an answer was due."""
    return type(cause).__name__ == "RemoteProtocolError" and "disconnected" in str(cause)
