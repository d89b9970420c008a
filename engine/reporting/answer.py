"""The backend's answer to a report, and what it means for the batch."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

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
    def error(self) -> str:
        """Why this is no delivery. Repeats nothing of the answer's text, which may repeat the key."""
        try:
            name = f"HTTP {self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            name = f"HTTP {self.status}"
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
        try:
            wait_s = float(self.retry_after)
        except ValueError:
            try:
                moment = parsedate_to_datetime(self.retry_after)
            except ValueError:
                return None
            wait_s = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
            return max(wait_s, 0.0)
        return wait_s if math.isfinite(wait_s) and wait_s >= 0 else None

    def doubt(self, sent: int) -> str | None:
        """What in a delivery's body speaks against the backend having kept all `sent` profiles; None if nothing does."""
        try:
            told = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        if not isinstance(told, dict):
            return None
        received, status = told.get("profiles_received"), told.get("status")
        if type(received) is int and received < sent:
            return f"Backend says it received {received} of {sent} profiles"
        if status is not None and status != "success":
            # Only a plain word is repeated: the answer may hold the key, or escape codes.
            word = f"'{status}'" if isinstance(status, str) and _PLAIN_WORD.fullmatch(status) else "something else"
            return f"Backend answered {word} instead of 'success' to {sent} profiles"
        return None
