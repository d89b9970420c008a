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

from multi_lang_profiler.engine import private
from multi_lang_profiler.engine.private import PrivateFolder, cache_folder, make_private, runtime_folder, state_folder
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


@pytest.fixture
def _umask_0() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_umask_0")
def test_our_folders_are_ours_alone_whatever_the_umask(tmp_path, monkeypatch):
    """With umask 0 every folder that we make, those above ours too, has mode 0700."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    make_private(state_folder())
    for folder in (cache_folder(), state_folder(), runtime_folder()):
        for made in (folder, *folder.parents):
            if made.is_relative_to(tmp_path) and made != tmp_path:
                assert made.stat().st_mode & 0o777 == 0o700, made


def test_a_cache_that_others_can_write_to_is_not_used(tmp_path, monkeypatch):
    """What lies there would be run: better no cache than one into which somebody else may put an agent."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache_folder().chmod(0o777)
    with pytest.raises(PermissionError):
        cache_folder()


def test_without_a_home_there_is_no_folder_and_a_reason(monkeypatch):
    """No HOME and no passwd entry: an `OSError` whose text says what to set."""
    monkeypatch.setattr(private, "_home", lambda: None)
    for variable, folder in (("XDG_CACHE_HOME", cache_folder), ("XDG_STATE_HOME", state_folder)):
        monkeypatch.delenv(variable, raising=False)
        with pytest.raises(OSError, match=f"there is no home folder; set HOME, or {variable}"):
            folder()


def test_root_leaves_nothing_in_the_home_of_who_called_sudo(tmp_path, monkeypatch):
    """With another user's HOME, as sudo leaves it, root keeps its things in its own home: the user could not use them afterwards."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    os.chown(tmp_path, 1, 1)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert not state_folder().is_relative_to(tmp_path)
