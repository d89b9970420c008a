"""The folders of single runs, which must not pile up in /tmp."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from multi_lang_profiler.engine.private import PrivateFolder
from tests.support.command import DEADLINE_S, Folder, finish


@pytest.fixture
def base(tmp_path, monkeypatch) -> Iterator[Path]:
    """A short path that is the temporary folder of ours and of all that we start."""
    assert tmp_path.exists(), "made before, or it would be made in here"
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        monkeypatch.setenv("TMPDIR", name)
        monkeypatch.setattr(tempfile, "tempdir", name)
        yield Path(name)


def _begun(home: Folder, base: Path) -> tuple[subprocess.Popen[bytes], Path]:
    """A run of a Node.js program that waits, and its folder."""
    before = set(base.iterdir())
    run = home.start("javascript", "wait.js")
    assert run.stdout
    assert run.stdout.readline() == b"ready\n"
    (folder,) = set(base.iterdir()) - before
    return run, folder


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_run_that_is_told_to_end_leaves_nothing(base, tmp_path, number):
    """After a signal that can be caught, the run's folder is gone."""
    with Folder(tmp_path) as home:
        home.write("wait.js", "console.log('ready'); setTimeout(() => {}, 60_000)")
        run, folder = _begun(home, base)
        assert folder.stat().st_mode & 0o777 == 0o700
        run.send_signal(number)
        assert finish(run).status == 128 + number
        assert list(base.iterdir()) == []


def test_the_next_run_removes_what_a_killed_one_has_left(base, tmp_path):
    """Of two runs, one killed and one alive, only the killed one's folder goes when the next begins."""
    with Folder(tmp_path) as home:
        home.write("wait.js", "console.log('ready'); setTimeout(() => {}, 60_000)")
        killed, left = _begun(home, base)
        alive, kept = _begun(home, base)
        killed.kill()
        killed.wait()
        assert left.exists()
        home.write("end.js", "")
        assert home.run("javascript", "end.js").status == 0
        assert list(base.iterdir()) == [kept]
        alive.terminate()
        finish(alive)
        assert list(base.iterdir()) == []


def test_what_may_be_in_use_stays(base, tmp_path):
    """A folder that is locked, has other rights, is a link, or from which a program runs is not removed; a free one is."""
    paths = {name: base / f"mlp-run-{name}" for name in ("free", "locked", "open", "link", "used")}
    for name, path in paths.items():
        if name == "link":
            (tmp_path / "elsewhere").mkdir(mode=0o700)
            path.symlink_to(tmp_path / "elsewhere")
        else:
            path.mkdir(mode=0o755 if name == "open" else 0o700)
    lock = os.open(paths["locked"], os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    sleep = shutil.which("sleep")
    assert sleep
    program = Path(shutil.copy(sleep, paths["used"] / "program"))
    with subprocess.Popen([program, str(DEADLINE_S)]) as running:
        own = PrivateFolder()
        expected = {own.path(), *paths.values()} - {paths["free"]}
        running.kill()
    assert set(base.iterdir()) == expected
    own.remove()
    os.close(lock)
    assert {own.path(), paths["open"], paths["link"]} == set(base.iterdir())
    own.remove()
