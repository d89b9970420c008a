"""V8's call frames as the user knows them, where a script is not the file of its name."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from multi_lang_profiler.engine.samplers.node.frames import FrameNamer
from multi_lang_profiler.engine.samplers.node.profile import CallFrame

SOURCE = """interface P { x: number }

export function cold(p: P): number { return p.x; }

export function hot(n: number): number {
  let s = 0;
  for (let i = 0; i < n; i++) s += Math.sin(i);
  return s;
}
"""


async def test_what_a_tool_made_of_a_file_has_the_files_places(tmp_path):
    """vitest runs modules under their files' names and without a map that is to be had: functions are found by name, lines are their first."""
    file = tmp_path / "work.ts"
    file.write_text(SOURCE)
    namer = FrameNamer(tmp_path)
    moved, as_it_is = CallFrame("hot", str(file), 7, 20), CallFrame("cold", file.as_uri(), 2, 20)
    await namer.learn([moved, as_it_is])
    assert namer.frame(moved, 10)[:4] == ("hot", str(file), 5, 5)
    assert namer.frame(as_it_is, 3)[:4] == ("cold", str(file), 3, 3)


async def test_a_file_that_tsx_hands_over_as_data_is_that_file(tmp_path):
    """On Node.js 20 a CommonJS file that an ES module imports comes so, in other lines; other data is of no file."""
    file = tmp_path / "work.ts"
    file.write_text(SOURCE)
    namer = FrameNamer(tmp_path)
    url = f"data:text/javascript,__filename%3D%22{quote(str(file), safe='')}%22%3B(()%3D%3E%7Brequire"
    hot, unknown, other = (
        CallFrame("hot", url, 1, 400),
        CallFrame("__name", url, 1, 90),
        CallFrame("f", "data:text/javascript,f", 1, 9),
    )
    await namer.learn([hot, unknown, other])
    assert namer.frame(hot, 2)[:4] == ("hot", str(file), 5, 5)
    assert namer.frame(unknown, 2)[:4] == ("__name", str(file), 0, 0)
    assert namer.frame(other, 2)[:2] == ("f", "data:")


async def test_what_a_tool_added_is_not_the_sources(tmp_path):
    """A map that says "from here on: no source" ends the function before: the bundler's own has the script's place, or, where the script bears its source's name, no line."""
    (tmp_path / "work.ts").write_text("export function hot() {}\n")
    # Line 1 up to column 40 is the source's first; from there on it is nobody's.
    data = {"version": 3, "sources": ["work.ts"], "names": [], "mappings": "AAAA,wC"}
    for script, line in (("out.js", 1), ("work.ts", 0)):
        namer = FrameNamer(tmp_path)
        path = str(tmp_path / script)
        namer.add_map(path, data, tmp_path)
        helper, hot = CallFrame("__helper", path, 0, 60), CallFrame("hot", path, 0, 19)
        await namer.learn([helper, hot])
        assert namer.frame(helper, 1)[:4] == ("__helper", path, line, line)
        assert namer.frame(hot, 1)[:4] == ("hot", str(tmp_path / "work.ts"), 1, 1)


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("file://{folder}/a/work.ts?v=1a2b", "{folder}/a/work.ts"),
        ("file://{folder}/a/work.ts?import#x", "{folder}/a/work.ts"),
        ("file://{folder}/a/work.ts%3Ftsx-namespace=1", "{folder}/a/work.ts"),
        ("file://{folder}/a/work.ts%3Fv=1%23x", "{folder}/a/work.ts"),
        ("{folder}/a/work.ts?t=17", "{folder}/a/work.ts"),
        ("file://{folder}/a/gone.ts%3Fv=1", "{folder}/a/gone.ts"),
        ("file://{folder}/c%23/work.ts", "{folder}/c#/work.ts"),
        ("file://{folder}/what%3F.ts", "{folder}/what?.ts"),
        ("webpack://shop/./a/work.ts?1a2b", "{folder}/a/work.ts"),
        ("webpack-internal:///./a/work.ts", "{folder}/a/work.ts"),
        ("webpack://shop/./a/gone.ts?1a2b", "webpack://shop/./a/gone.ts?1a2b"),
        ("node:internal/fs/promises", "node:internal/fs/promises"),
        ("wasm://wasm/a/work.ts", "wasm://wasm/a/work.ts"),
        (" virtual:shop", "virtual:shop"),
        ("evalmachine.<anonymous>", "evalmachine.<anonymous>"),
    ],
)
async def test_a_place_is_the_file_whatever_loaders_add_to_its_name(tmp_path, url, file):
    """A query to load a module anew, which V8 writes as it is or as `%3F`; the name that a bundler gives a module, whose lines are not the file's."""
    for name in ("a/work.ts", "c#/work.ts", "what?.ts"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(SOURCE)
    namer = FrameNamer(tmp_path)
    hot = CallFrame("hot", url.format(folder=tmp_path), 7, 20)
    await namer.learn([hot])
    wanted = file.format(folder=tmp_path)
    assert namer.frame(hot, 9)[:2] == ("hot", wanted)
    assert namer.frame(hot).first_line == (
        5 if wanted.endswith(("/work.ts", "what?.ts")) and wanted.startswith("/") else 8
    )


async def test_a_line_of_what_v8_compiled_into_a_function_is_not_the_functions(tmp_path):
    """Node.js 22 and 24 tell, of a function, lines of one that it calls: those are outside of it, above or below, and its first stands for them."""
    file = tmp_path / "work.ts"
    file.write_text(SOURCE)
    namer = FrameNamer(tmp_path)
    cold, hot = CallFrame("cold", file.as_uri(), 2, 20), CallFrame("hot", file.as_uri(), 4, 19)
    await namer.learn([cold, hot])
    assert [namer.frame(cold, line).line for line in (1, 3, 7)] == [3, 3, 3]
    assert [namer.frame(hot, line).line for line in (3, 5, 7, 9)] == [5, 5, 7, 9]


async def test_lines_of_plain_javascript_that_another_function_may_have_are_looked_up(tmp_path):
    """No parser is asked for a file until V8 has a line of it behind another function's beginning; what lies beyond the file is never a line of it."""
    file = tmp_path / "work.js"
    file.write_text(
        "function outer(n) {\n  const inner = () => {\n    n += 1;\n  };\n  inner();\n  return n;\n}\n\nfunction after() {\n  return 1;\n}\n"
    )
    namer = FrameNamer(tmp_path)
    outer, inner, after = (
        CallFrame(name, str(file), line, 15) for name, line in (("outer", 0), ("inner", 1), ("after", 8))
    )
    await namer.learn([outer])
    assert [namer.frame(outer, line).line for line in (5, 6, 201)] == [5, 6, 1]
    await namer.learn([inner, after])
    assert namer.frame(outer, 6).line == 1
    await namer.learn([])
    assert [namer.frame(outer, line).line for line in (5, 6, 10)] == [5, 6, 1]
    assert [namer.frame(inner, line).line for line in (3, 6)] == [3, 2]
