"""The backend's answer to a report, and what it means for the batch."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_ADVICE = {
    400: "check the URL and --report-format",
    401: "check the API key (--api-key or PROFILER_API_KEY)",
    403: "check the API key (--api-key or PROFILER_API_KEY)",
    404: "check the URL (--report-endpoint or PROFILER_ENDPOINT)",
    405: "check the URL (--report-endpoint or PROFILER_ENDPOINT)",
    407: "check the proxy's user name and password in HTTPS_PROXY or HTTP_PROXY",
    410: "check the URL (--report-endpoint or PROFILER_ENDPOINT)",
    415: "the backend does not take this --report-format",
    422: "the backend does not take this --report-format",
}
_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{0,9})?", re.ASCII)
_CONNECT_CODES = frozenset(
    [
        "canceled",
        "unknown",
        "invalid_argument",
        "deadline_exceeded",
        "not_found",
        "already_exists",
        "permission_denied",
        "resource_exhausted",
        "failed_precondition",
        "aborted",
        "out_of_range",
        "unimplemented",
        "internal",
        "unavailable",
        "data_loss",
        "unauthenticated",
    ]
)
"""What a backend that speaks Connect (Pyroscope) says beside the HTTP status: https://connectrpc.com/docs/protocol/#error-codes."""
_PLAIN_WORD = re.compile(r"[A-Za-z_ -]{1,30}")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    retry_after: str = ""
    """The header as it came."""
    body: bytes = b""
    """At most its first 64 KiB; less if it broke off."""

    @property
    def is_delivery(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_too_large(self) -> bool:
        return self.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE

    @property
    def _told(self) -> dict[str, Any]:
        """The body's JSON object; empty if it is none."""
        try:
            told = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return told if isinstance(told, dict) else {}

    @property
    def is_refusal(self) -> bool:
        """What was sent is refused for what it holds, and will be so again."""
        return self.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)

    @property
    def error(self) -> str:
        """Why this is no delivery. Repeats nothing of the answer's text, which may repeat the key, but a code of the Connect protocol."""
        try:
            name = f"HTTP {self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            name = f"HTTP {self.status}"
        if (code := self._told.get("code")) in _CONNECT_CODES:
            name = f"{name} ({code})"
        advice = _ADVICE.get(self.status)
        if 300 <= self.status < 400:
            advice = "redirects are not followed; give the URL it leads to"
        return f"{name}: {advice}" if advice else name

    def retry_after_s(self, now: datetime) -> float | None:
        """How long the backend asks us to wait, from a 429's or 503's `Retry-After` in seconds or as a date (RFC 9110, 10.2.3).

        None if it does not say, or says nonsense.
        """
        if self.status not in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE) or not self.retry_after:
            return None
        if _SECONDS.fullmatch(self.retry_after):
            return float(self.retry_after)
        try:
            moment = parsedate_to_datetime(self.retry_after)
            wait_s = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
        except (ValueError, ArithmeticError, TypeError):
            # Years, hours and zones of any length are read, and then there is no such date.
            return None
        return max(wait_s, 0.0)

    def rejected(self, wire_format: str, sent: int) -> int:
        """How many of `sent` profiles a delivery's answer says were thrown away: OTLP's `partial_success.rejected_profiles`."""
        if wire_format != "otlp":
            return 0
        told = self._told.get("partialSuccess", self._told.get("partial_success"))
        number = told.get("rejectedProfiles", told.get("rejected_profiles")) if isinstance(told, dict) else None
        try:
            # Protobuf's JSON has 64-bit numbers as strings.
            rejected = int(number) if isinstance(number, int | str) else _otlp_rejected(self.body)
        except ValueError:
            return 0
        return max(0, min(rejected, sent))

    def doubt(self, wire_format: str, sent: int) -> str | None:
        """What in a delivery's body speaks against the backend having kept all `sent` profiles; None if nothing does."""
        if rejected := self.rejected(wire_format, sent):
            return f"Backend says it rejected {rejected} of {sent} profiles; they are counted as discarded"
        told = self._told
        received, status = told.get("profiles_received"), told.get("status")
        if type(received) is int and received < sent:
            return f"Backend says it received {received} of {sent} profiles"
        if status is not None and status != "success":
            # Only a plain word is repeated: the answer may hold the key, or escape codes.
            word = f"'{status}'" if isinstance(status, str) and _PLAIN_WORD.fullmatch(status) else "something else"
            return f"Backend answered {word} instead of 'success' to {sent} profiles"
        return None


def _otlp_rejected(body: bytes) -> int:
    """`partial_success.rejected_profiles` of an `ExportProfilesServiceResponse`; 0 where the body is none. Raises `ValueError`."""
    partial = next((value for number, value in _fields(body) if number == 1 and isinstance(value, bytes)), b"")
    return next((value for number, value in _fields(partial) if number == 1 and isinstance(value, int)), 0)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message that has numbers and strings alone."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        value, at = _varint(message, at)
        if key & 7 == 0:
            yield key >> 3, value
        elif key & 7 == 2 and at + value <= len(message):
            yield key >> 3, message[at : at + value]
            at += value
        else:
            raise ValueError("not a message of this kind")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if at == len(message):
            break
        byte, at = message[at], at + 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number that does not end")
