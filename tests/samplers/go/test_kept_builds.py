"""A program that has not changed is not linked again, and one that has is never run as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from multi_lang_profiler.engine.samplers.go.kept_builds import KeptBuilds
from multi_lang_profiler.engine.samplers.go.packages import Packages
from tests.support.go import sample

pytestmark = pytest.mark.xdist_group("go")

PROGRAM = 'package main\n\nfunc main() { println("%s") }\n'


async def test_an_edit_is_in_the_next_run_and_an_unchanged_program_is_taken_as_it_was(tmp_path: Path) -> None:
    """First, the same again, edited, and as at first: each prints its own text."""
    folder = tmp_path / "work"
    folder.mkdir()
    program = folder / "kept.go"
    said, kept = [], []
    for text in ("one", "one", "two", "one"):
        program.write_text(PROGRAM % text)
        sampled = await sample(folder, "kept.go")
        said.append(sampled.stderr.decode().strip())
        kept += [file.stat().st_ino for file in tmp_path.glob("cache/go-programs/*/kept")]
    assert len(list(tmp_path.glob("cache/go-programs/*/.packages.json"))) == 1
    assert said == ["one", "one", "two", "one"]
    assert len(kept) == 4
    assert kept[0] == kept[1] != kept[2]


def test_what_go_has_not_touched_goes(tmp_path: Path) -> None:
    """Were the name of the executable another one, the old would lie beside it."""
    kept, bin_folder, of = (
        KeptBuilds(tmp_path, "this"),
        tmp_path / "bin",
        Packages({"a": Path("b")}, False, False, ("fmt",), True),
    )
    bin_folder.mkdir()
    (bin_folder / "old").write_bytes(b"old")
    kept.settle(bin_folder, of)
    (bin_folder / "old").unlink()
    kept.lay_out(bin_folder)
    (bin_folder / "new").write_bytes(b"new")
    kept.settle(bin_folder, of)
    assert [file.name for file in bin_folder.iterdir()] == ["new"]
    assert (kept.packages(), kept.unchanged(bin_folder)) == (of, of)
    kept.lay_out(bin_folder)
    assert kept.unchanged(bin_folder) is None, "go has not touched it"
    KeptBuilds(tmp_path, "that").lay_out(tmp_path)
    assert not (tmp_path / "new").exists(), "another program's is not laid out"
