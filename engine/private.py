"""The folders we keep things in: one of a run's own, one of the user's cache, one of state that outlives us."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Self

_RUN = "mlp-run-"
"""How the name of a run's folder begins, once it is locked."""


class PrivateFolder:
    """A folder of this run alone, mode 0700, made when first asked for.

    It is locked for as long as we live, however we end: the next run that makes one removes those that nobody has locked.
    """

    def __init__(self) -> None:
        self._path: Path | None = None
        self._lock: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def path(self) -> Path:
        # Some systems clear /tmp of what has not been used for long.
        if self._path is None or not self._path.is_dir():
            self.remove()
            # Unix socket paths are limited to 107 bytes, so a long TMPDIR will not do.
            base = tempfile.gettempdir()
            base = base if len(base) < 60 else "/tmp"  # noqa: S108
            _remove_left_behind(Path(base))
            # mkdtemp makes it 0700.
            made = Path(tempfile.mkdtemp(prefix="mlp-new-", dir=base))
            self._lock = os.open(made, os.O_RDONLY | os.O_DIRECTORY)
            # A file system without locks: nobody else gets one either, and nothing is removed.
            with contextlib.suppress(OSError):
                fcntl.flock(self._lock, fcntl.LOCK_EX)
            self._path = made.rename(made.with_name(made.name.replace("mlp-new-", _RUN)))
        return self._path

    def remove(self) -> None:
        if self._path is not None:
            shutil.rmtree(self._path, ignore_errors=True)
            self._path = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/multi_lang_profiler`, made if need be, for what can be made again. Raises `OSError` if it cannot be."""
    path = _folder("XDG_CACHE_HOME", ".cache")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def state_folder() -> Path:
    """`$XDG_STATE_HOME/multi_lang_profiler`, for what must outlive us; made by those who write there."""
    return _folder("XDG_STATE_HOME", ".local/state")


def runtime_folder() -> Path:
    """A folder of the user's for sockets, mode 0700, made if need be: `$XDG_RUNTIME_DIR/multi_lang_profiler`, else one in /tmp.

    Raises `OSError` where it cannot be made or belongs to somebody else.
    """
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    path = Path(f"/tmp/mlp-{os.getuid()}")  # noqa: S108 - looked at closely below
    # A Unix socket's path is limited to 107 bytes.
    if base.startswith("/") and len(base) < 70:
        path = Path(base, "multi_lang_profiler")
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o077:
        # In /tmp anybody may have made it first.
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    return path


def _remove_left_behind(base: Path) -> None:
    """Remove the folders of this user's runs that were killed."""
    for path in base.glob(f"{_RUN}*"):
        with contextlib.suppress(OSError):
            folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                found = os.fstat(folder)
                if found.st_uid == os.getuid() and stat.S_IMODE(found.st_mode) == 0o700:
                    fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if not _is_run_from(path.resolve()):
                        shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(folder)


def _is_run_from(folder: Path) -> bool:
    """Whether a program built there has outlived its profiler: it may start itself again."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "exe").readlink().is_relative_to(folder):
                return True
    return False


def _folder(variable: str, default: str) -> Path:
    base = os.environ.get(variable, "")
    # The XDG specification says to ignore relative paths.
    return (Path(base) if base.startswith("/") else Path.home() / default) / "multi_lang_profiler"
