"""Completion scripts: the shells themselves take them, and bash completes with them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from multi_lang_profiler.engine.command.cli import SUBCOMMANDS
from multi_lang_profiler.engine.command.options import FORMATS
from multi_lang_profiler.engine.formats.wire import FORMATS as WIRE_FORMATS
from tests.support.command import Folder


@pytest.fixture
def folder(tmp_path) -> Iterator[Folder]:
    with Folder(tmp_path) as folder:
        yield folder


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
def test_shells_take_the_script(folder, shell):
    """Each shell that is here parses its script without a word."""
    finished = folder.run("completion", shell)
    assert (finished.status, finished.stderr) == (0, "")
    script = finished.stdout.decode()
    assert all(name in script for name in SUBCOMMANDS)
    assert "report-max-buffer" in script
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell} here")
    checked = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_bash_completes(folder):
    """Options, their values, languages, subcommands and files come as the line so far says."""
    folder.write("my app.py", "")
    folder.write("script", folder.run("completion", "bash").stdout.decode())

    def completed(*words: str) -> list[str]:
        line = " ".join(f"'{word}'" for word in ("multi_lang_profiler", *words))
        script = f"source ./script; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _multi_lang_profiler"
        script += r"; printf '%s\n' " '"${COMPREPLY[@]}"'
        asked = subprocess.run(["bash", "-c", script], cwd=folder.path, capture_output=True, text=True, check=True)
        assert asked.stderr == ""
        return asked.stdout.splitlines()

    assert completed("--mo") == ["--mode"]
    assert completed("python", "app.py", "--mode", "") == ["cpu", "wall"]
    assert completed("a.py", "--report-format", "p") == ["protobuf", "pyroscope"]
    assert completed("type") == ["typescript"]
    assert completed("doc") == ["doctor"]
    assert completed("python", "my") == ["my app.py"]
    assert completed("receive", "--f") == ["--fail"]
    assert completed("mark", "--mo") == [""]
    assert completed("a.py", "--", "--mo") == [""]
    assert completed("a.py", "--duration", "my") == [""]


def test_formats_are_those_of_the_wire():
    """The command line names every format that reports can have."""
    assert set(FORMATS) == set(WIRE_FORMATS)


def test_an_unknown_shell(folder):
    """Another shell is one line and status 2."""
    finished = folder.run("completion", "tcsh")
    assert (finished.status, len(finished.lines)) == (2, 1)
