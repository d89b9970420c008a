"""Source files: how they are shown, and their texts."""

from __future__ import annotations

from multi_lang_profiler.engine.sources.sources import Sources


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
    assert "gone.py cannot be read: no such file or directory" in sources.texts[str(tmp_path / "gone.py")]


def test_paths_are_shown_relative_to_the_working_folder(tmp_path):
    """A path below the working folder is shown relative to it, a namesake beside it is not."""
    sources = Sources(tmp_path)
    assert sources.shown(str(tmp_path / "a/b.py")) == "a/b.py"
    assert sources.shown(f"{tmp_path}-other/b.py") == f"{tmp_path}-other/b.py"
    assert sources.shown("node:fs") == "node:fs"
