"""A run as a page: one file that a browser opens, with all that it draws in it and nothing that it fetches.

The run stands in it as the speedscope document that an export of that form would be, so that `view` opens the page again.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..analysis.cpu_text import missing
from ..analysis.phases import Change, Comparer, phases, suggested_pair
from ..profile.json_object import JsonObject, parse
from ..profile.places import short_path
from ..profile.stacks import valid_text
from ..settings import LANGUAGE_BY_ENDING
from . import speedscope
from .saved_snapshot import saved_snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ..profile.book import Book
    from ..profile.recording import Recording

_PARTS = Path(__file__).parent / "page_parts"
_PROGRAM = ("model.js", "tables.js", "graphs.js", "main.js")
_DATA = re.compile(rb'<script type="application/json" id="run">(.*?)</script>', re.DOTALL)
_OUTSIDE = re.compile(r"/(site-packages|dist-packages|node_modules|venv|\.venv)/")
MAX_SOURCES = 40
MAX_SOURCES_BYTES = 1_000_000
_MAX_SOURCE_BYTES = 300_000
_WORDS = {Change.BOTH: "", Change.NEW: "new", Change.GONE: "gone"}


def dumps(recording: Recording, before: tuple[Path, Recording] | None = None) -> bytes:
    """`recording` as a page; `before`: an older run, with its file, that it is compared with."""
    data = {
        "run": speedscope.document(recording),
        "sources": dict(recording.sources) or own_sources(recording),
        "diff": _difference(recording, before) if before else None,
        "cpu": _cpu(recording.sampling.ledger),
    }
    style, library, program = _text("page.css"), _text("flamegraph.min.js"), _program()
    policy = (
        f"default-src 'none'; style-src 'sha256-{_digest(style)}'; "
        f"script-src 'sha256-{_digest(library)}' 'sha256-{_digest(program)}'; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "title": html.escape(_title(recording)),
        "style": style,
        "data": _embedded(data),
        "library": library,
        "program": program,
    }
    return re.sub(r"\{(\w+)\}", lambda found: parts[found[1]], _text("page.html")).encode()


def is_page(content: bytes) -> bool:
    return content[:200].lstrip().lower().startswith(b"<!doctype html")


def loads(content: bytes, written_at: datetime) -> Recording:
    """The run in a page of ours. Raises `ValueError` where it is another page."""
    found = _DATA.search(content)
    if not found:
        raise ValueError("it is a page, but not one of a run: --export run.html makes such")
    document = JsonObject(parse(found[1]), "its data")
    sources = document.child("sources", {})
    recording = speedscope.loads(document.child("run"), written_at)
    return replace(recording, sources={valid_text(path): sources.text(path) for path in sources.fields})


def own_sources(recording: Recording) -> dict[str, str]:
    """The text of the program's own files as they are now, the hottest first; what cannot be read, or is too much, is left out."""
    table = recording.table
    samples: dict[str, int] = {}
    own = recording.working_folder.rstrip("/") + "/"
    for (_, stack), n in recording.counts.by_stack.items():
        for function in table.members[stack]:
            file = table.functions[function].file
            samples[file] = samples.get(file, 0) + n
    texts: dict[str, str] = {}
    left_bytes = MAX_SOURCES_BYTES
    for file in sorted(samples, key=lambda file: -samples[file]):
        path = Path(own, file)
        if len(texts) >= MAX_SOURCES or path.suffix not in LANGUAGE_BY_ENDING:
            continue
        if own == "/" or not str(path).startswith(own) or _OUTSIDE.search(str(path)):
            continue
        try:
            if not path.is_file() or path.stat().st_size > min(_MAX_SOURCE_BYTES, left_bytes):
                continue
            texts[file] = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        left_bytes -= path.stat().st_size
    return texts


def _embedded(data: Mapping[str, Any]) -> str:
    """JSON that ends no script and begins no comment, whatever the names in it are: in ASCII, and without a <."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def _title(recording: Recording) -> str:
    name = recording.source_file or "run"
    return "".join(character if character.isprintable() else "\ufffd" for character in name)


def _difference(recording: Recording, before: tuple[Path, Recording]) -> dict[str, Any]:
    snapshot = saved_snapshot(Path(recording.source_file or "run"), recording, before)
    pair = suggested_pair(phases(snapshot))
    rows = []
    for row in Comparer().compare(snapshot, *pair):
        path = row.function.file
        for phase in pair:
            path = short_path(path, phase.working_folder)
        rows.append(
            {
                "name": row.function.name,
                "place": f"{path}:{row.line}" if path and row.line else path,
                "before": None if row.change is Change.NEW else 100 * row.before,
                "after": None if row.change is Change.GONE else 100 * row.after,
                "change": 100 * row.self_change,
                "total": 100 * row.total_change,
                "word": _WORDS[row.change],
                "noise": row.is_noise,
            }
        )
    return {"before": pair[0].name, "after": "this run", "rows": rows}


def _cpu(book: Book | None) -> dict[str, Any] | None:
    if book is None or book.cpu_s <= 0:
        return None
    return {"all": book.cpu_s, "functions": max(0.0, book.attributed_s + book.pending_s), "parts": missing(book)}


def _program() -> str:
    return '"use strict";\n(() => {\n' + "\n".join(map(_text, _PROGRAM)) + "})();"


@cache
def _text(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
