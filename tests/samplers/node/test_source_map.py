"""Source maps: what was encoded is read back, and what is no map is refused."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.samplers.node.source_map import find_source_map, parse_source_map

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
SOURCES = ["a.ts", "../b.ts", "/c.ts"]


def vlq(number: int) -> str:
    value = -number << 1 | 1 if number < 0 else number << 1
    text = ""
    while True:
        value, digit = value >> 5, value & 31
        text += ALPHABET[digit | 32 if value else digit]
        if not value:
            return text


def encode(lines: list[list[tuple[int, int, int, int]]]) -> str:
    source = source_line = source_column = 0
    texts = []
    for segments in lines:
        column = 0
        parts = []
        for segment in segments:
            numbers = (
                segment[0] - column,
                segment[1] - source,
                segment[2] - source_line,
                segment[3] - source_column,
            )
            column, source, source_line, source_column = segment
            parts.append("".join(map(vlq, numbers)))
        texts.append(",".join(parts))
    return ";".join(texts)


segments = st.tuples(st.integers(0, 5_000), st.integers(0, 2), st.integers(0, 100_000), st.integers(0, 500))
lines = st.lists(
    st.lists(segments, max_size=8, unique_by=lambda segment: segment[0]).map(sorted), min_size=1, max_size=20
)


@given(lines)
def test_every_segment_is_found_again(lines):
    """Whatever a generator encodes, each segment's column leads to its source and line, and so do the columns behind it."""
    data = {"version": 3, "sources": SOURCES, "mappings": encode(lines)}
    source_map = parse_source_map(data, Path("/x/out/app.js"))
    assert source_map.sources == ("/x/out/a.ts", "/x/b.ts", "/c.ts")
    for number, line in enumerate(lines):
        if not line:
            assert source_map.position(number, 0) is None
            continue
        for (column, source, source_line, _), following in zip(line, [*line[1:], (10_000, 0, 0, 0)], strict=True):
            expected = (source_map.sources[source], source_line)
            assert source_map.position(number, column) == expected
            assert source_map.position(number, following[0] - 1) == expected
    assert source_map.position(len(lines), 0) is None


def test_a_line_of_many_places_is_of_none():
    """What a tool put on one line has no line of its own; a line that came from one place keeps it."""
    data = {
        "version": 3,
        "sources": ["a.ts"],
        "mappings": encode([[(0, 0, 4, 0), (9, 0, 5, 0)], [(0, 0, 4, 0), (9, 0, 90, 0)]]),
    }
    source_map = parse_source_map(data, Path("/x/app.js"))
    assert source_map.line(0) == ("/x/a.ts", 4)
    assert source_map.line(1) is None
    assert source_map.line(7) is None


@pytest.mark.parametrize(
    "data",
    [
        {"version": 2, "sources": [], "mappings": ""},
        {"version": 3, "sections": []},
        {"version": 3, "sources": [], "mappings": "AAAA"},
        {"version": 3, "sources": ["a"], "mappings": "A!"},
        {"version": 3, "sources": 7, "mappings": ""},
        {},
    ],
)
def test_what_is_no_source_map_is_refused(data):
    """A broken map is an error the caller expects, not a wrong place."""
    with pytest.raises((ValueError, KeyError, TypeError)):
        parse_source_map(data, Path("/x/app.js"))


def place_in(script: Path) -> tuple[str, int] | None:
    source_map = find_source_map(script)
    assert source_map
    return source_map.position(0, 0)


def test_the_map_a_script_names_is_found(tmp_path):
    """Beside the script or inline; not what merely looks like a reference in the middle of it."""
    data = json.dumps({"version": 3, "sources": ["a.ts"], "mappings": "AAAA"})
    script = tmp_path / "app.js"
    (tmp_path / "app.js.map").write_text(data)
    script.write_text("f();\n//# sourceMappingURL=app.js.map\n")
    assert place_in(script) == (str(tmp_path / "a.ts"), 0)
    inline = base64.b64encode(data.encode()).decode()
    script.write_text(f"f();\n//# sourceMappingURL=data:application/json;base64,{inline}")
    assert place_in(script) == (str(tmp_path / "a.ts"), 0)
    for text in (
        "f();\n",
        "//# sourceMappingURL=app.js.map\nf();\n",
        "//# sourceMappingURL=none.map",
        "//# sourceMappingURL=data:,x",
    ):
        script.write_text(text)
        assert find_source_map(script) is None
    assert find_source_map(tmp_path / "missing.js") is None
