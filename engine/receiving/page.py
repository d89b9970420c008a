"""What came, as a page for a browser: plain HTML, nothing to run, everything that others have named escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from ..clock import rfc3339
from ..settings import COMMAND
from ..text import short

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .query import Overview

NO_ENGINE = (
    "This is a small store, to try reporting with and for a handful of agents. For production point the agents at Grafana "
    "Pyroscope (--report-format pyroscope) or an OpenTelemetry Collector (--report-format otlp)."
)
HEADERS = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
]
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color-scheme:light dark}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.2rem .8rem .2rem 0;vertical-align:top}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}th{border-bottom:1px solid}p{opacity:.8}"
)


def page(found: Overview) -> bytes:
    """The page for `GET /`."""
    newest = (
        (
            rfc3339(row.received_at),
            row.agent,
            row.language,
            f"{row.duration_s:.1f} s",
            f"{row.total_samples:,}",
            row.hottest,
        )
        for row in found.newest
    )
    agents = ((row.agent, f"{row.profiles:,}", f"{row.total_samples:,}", rfc3339(row.last_at)) for row in found.agents)
    title = f"{COMMAND} receive"
    return "".join(
        (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>',
            f"<h1>{title}</h1><p>{escape(NO_ENGINE)}</p>",
            f"<p>{found.profiles:,} profiles in {found.reports:,} reports, {found.size_bytes:,} bytes.</p>",
            "<h2>Newest profiles</h2>",
            _table(("received", "agent", "language", "duration", "samples", "hottest"), newest, (3, 4)),
            "<h2>Agents</h2>",
            _table(("agent", "profiles", "samples", "last report"), agents, (1, 2)),
            "</html>",
        )
    ).encode()


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]], numbers: tuple[int, ...]) -> str:
    def cells(tag: str, texts: Iterable[str]) -> str:
        return "".join(
            f"<{tag}{' class=n' if at in numbers else ''}>{escape(short(text))}</{tag}>"
            for at, text in enumerate(texts)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table><tr>{cells('th', heads)}</tr>{body}</table>"
