"""Source files: how they are shown, and their texts."""

from __future__ import annotations

import os

from multi_lang_profiler.engine.sources.sources import NO_TEXT, Sources


async def test_texts(tmp_path):
    """The text of a file is what it was when first opened; of one that cannot be read it says why."""
    sources = Sources(tmp_path)
    file = tmp_path / "app.py"
    file.write_text("before")
    await sources.open(str(file))
    file.write_text("after")
    await sources.open(str(file))
    await sources.open(str(tmp_path / "gone.py"))
    assert sources.texts[str(file)] == "before"
    assert sources.texts[str(tmp_path / "gone.py")] == f"{NO_TEXT}cannot be read: no such file or directory"


async def test_what_is_no_file_is_not_read(tmp_path):
    """A script may have come through a pipe (`python /dev/stdin`): whoever opens that waits, or takes what the user types."""
    sources, pipe = Sources(tmp_path), tmp_path / "script.py"
    os.mkfifo(pipe)
    await sources.open(str(pipe))
    assert sources.texts[str(pipe)].startswith(f"{NO_TEXT}no file, but a device or a pipe")


def test_paths_are_shown_relative_to_the_working_folder(tmp_path):
    """A path below the working folder is shown relative to it, a namesake beside it is not."""
    sources = Sources(tmp_path)
    assert sources.shown(str(tmp_path / "a/b.py")) == "a/b.py"
    assert sources.shown(f"{tmp_path}-other/b.py") == f"{tmp_path}-other/b.py"
    assert sources.shown("node:fs") == "node:fs"


async def test_what_a_runtime_calls_its_own_code_is_no_path(tmp_path):
    """No path below the program's folder is made up for what the Java runtime, Node.js or an interpreter bring, nor for a library's class."""
    sources = Sources(tmp_path)
    for path, said in {
        "java.base/java/util/TreeMap.java": "part of the Java runtime; no source file of it is here",
        "rt.jar/java/util/TreeMap.java": "part of the Java runtime",
        "node:internal/fs": "part of Node.js",
        "<frozen importlib._bootstrap>": "part of the Python interpreter",
        "com/acme/Cart.java": f"the runtime's name for it; no such file is below {tmp_path}",
    }.items():
        await sources.open(path)
        assert sources.texts[path].startswith(f"{NO_TEXT}{said}"), path
