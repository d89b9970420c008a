"""Source maps: what was encoded is read back, and what is no map is refused."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.samplers.node.source_map import (
    Place,
    SourceMap,
    find_source_map,
    parse_source_map,
)

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


@pytest.fixture(autouse=True, scope="module")
def sources_are_there():
    """The maps here are of no files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SourceMap, "is_there", lambda *_: True)
        yield


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
        for (column, source, source_line, source_column), following in zip(
            line, [*line[1:], (10_000, 0, 0, 0)], strict=True
        ):
            expected = Place(source_map.sources[source], source_line, source_column, "")
            assert source_map.position(number, column) == expected
            assert source_map.position(number, following[0] - 1) == expected
    assert source_map.position(len(lines), 0) is None


def test_the_lines_of_a_generated_line():
    """All that it came from, each once, from a column on."""
    data = {
        "version": 3,
        "sources": ["a.ts"],
        "mappings": encode([[(0, 0, 4, 0), (9, 0, 5, 0), (12, 0, 4, 0)], []]),
    }
    source_map = parse_source_map(data, Path("/x/app.js"))
    assert source_map.lines(0) == [("/x/a.ts", 4), ("/x/a.ts", 5)]
    assert source_map.lines(0, 11) == [("/x/a.ts", 5), ("/x/a.ts", 4)]
    assert source_map.lines(1) == source_map.lines(7) == []


def test_code_of_the_generator_itself_is_of_no_source():
    """A segment of one field ends what stands before it: what follows on the line came from nowhere, until the next one says."""
    mappings = ",".join(["".join(map(vlq, (0, 0, 4, 0))), vlq(20), "".join(map(vlq, (20, 0, 2, 0)))])
    part = {"version": 3, "sources": ["a.ts"], "mappings": mappings}
    sections = [{"offset": {"line": 0, "column": 0}, "map": part}, {"offset": {"line": 1, "column": 0}, "map": part}]
    for data, line in ((part, 0), ({"version": 3, "sections": sections}, 1)):
        source_map = parse_source_map(data, Path("/x/app.js"))
        places = [source_map.position(line, column) for column in (19, 20, 39, 40)]
        assert [place and place[:2] for place in places] == [("/x/a.ts", 4), None, None, ("/x/a.ts", 6)]
        assert source_map.lines(line, 20) == [("/x/a.ts", 6)]


def test_a_minified_function_has_its_name_in_the_source():
    """`function u(` and `s=e=>`: the name's own segment stands right before; one of another length is no name of the function."""
    # function u(r){s=e=>e}
    mappings = (
        "".join(map(vlq, (9, 0, 2, 9, 0)))
        + ","
        + "".join(map(vlq, (5, 0, 1, 0, 1)))
        + ","
        + "".join(map(vlq, (2, 0, 0, 4)))
    )
    data = {"version": 3, "sources": ["a.ts"], "names": ["taxes", "hotLoop"], "mappings": mappings}
    source_map = parse_source_map(data, Path("/x/app.js"))
    assert source_map.position(0, 10, "u") == Place("/x/a.ts", 2, 9, "taxes")
    assert source_map.position(0, 16, "s") == Place("/x/a.ts", 3, 13, "hotLoop")
    assert source_map.position(0, 16, "total") == Place("/x/a.ts", 3, 13, "")


def test_an_indexed_map_is_the_sum_of_its_sections():
    """Bundlers write those where they join files that have maps: a section's first line goes on where it begins."""
    part = {"version": 3, "names": [], "mappings": "AAAA;AACA"}
    data = {
        "version": 3,
        "sections": [
            {"offset": {"line": 0, "column": 0}, "map": {**part, "sources": ["a.ts"]}},
            {"offset": {"line": 1, "column": 40}, "map": {**part, "sources": ["b.ts"]}},
        ],
    }
    source_map = parse_source_map(data, Path("/x/app.js"))
    places = [source_map.position(line, column) for line, column in ((0, 0), (1, 39), (1, 40), (2, 5))]
    assert [place and place[:2] for place in places] == [("/x/a.ts", 0), ("/x/a.ts", 1), ("/x/b.ts", 0), ("/x/b.ts", 1)]


@pytest.mark.parametrize(
    "data",
    [
        {"version": 2, "sources": [], "mappings": ""},
        {"version": 3, "sections": [{"offset": {"line": 10**12, "column": 0}, "map": {}}]},
        {"version": 3, "sources": ["a"], "names": [], "mappings": "AAAAA"},
        {"version": 3, "sources": [], "mappings": "AAAA"},
        {"version": 3, "sources": ["a"], "mappings": "A!"},
        {"version": 3, "sources": ["a"], "mappings": "AALA"},
        {"version": 3, "sources": 7, "mappings": ""},
        {},
    ],
)
def test_what_is_no_source_map_is_refused(data):
    """A broken map is an error the caller expects, not a wrong place."""
    with pytest.raises((ValueError, KeyError, TypeError)):
        parse_source_map(data, Path("/x/app.js"))


@pytest.mark.parametrize(
    "source", ["webpack://shop/./src/app.ts?1a2b", "webpack:///src/app.ts", "turbopack:///[project]/src/app.ts"]
)
def test_sources_that_bundlers_name_from_the_projects_folder_are_found(tmp_path, source):
    """Whatever the bundler calls the project, and however deep its output lies in there."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.ts").touch()
    data = {"version": 3, "sources": [source], "mappings": "AAAA"}
    source_map = parse_source_map(data, tmp_path / "dist" / "server" / "app.js")
    assert source_map.sources == (str(tmp_path / "src" / "app.ts"),)


def place_in(script: Path) -> tuple[str, int] | None:
    source_map = find_source_map(script)
    assert source_map
    place = source_map.position(0, 0)
    return place[:2] if place else None


def test_the_map_a_script_names_is_found(tmp_path):
    """Beside the script or inline; not what merely looks like a reference in the middle of it."""
    data = json.dumps({"version": 3, "sources": ["a.ts"], "mappings": "AAAA"})
    script = tmp_path / "app.js"
    (tmp_path / "app.js.map").write_text(data)
    script.write_text("f();\n//# sourceMappingURL=app.js.map\n")
    assert place_in(script) == (str(tmp_path / "a.ts"), 0)
    inline = base64.b64encode(data.encode()).decode()
    for reference in (f"data:application/json;base64,{inline}", f"data:application/json,{quote(data)}"):
        script.write_text(f"f();\n//# sourceMappingURL={reference}")
        assert place_in(script) == (str(tmp_path / "a.ts"), 0)
    (tmp_path / "app.js.map").write_text(f")]}}'\n{data}")
    script.write_text("f();\n//# sourceMappingURL=app.js.map\n")
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
