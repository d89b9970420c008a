"""The folders we keep things in: one of a run's own, one of the user's cache, one of state that outlives us."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pwd
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

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

    def adopt(self, path: Path, lock: int) -> None:
        """Take on a folder that was made and locked before we were loaded."""
        _remove_left_behind(path.parent)
        self._path, self._lock = path, lock

    def path(self) -> Path:
        """Raises `OSError` where there is no place for one."""
        # Some systems clear /tmp of what has not been used for long.
        if self._path is None or not self._path.is_dir():
            self.remove()
            refusals: list[OSError] = []
            for base in _temporary_folders():
                try:
                    self._make(base)
                    break
                except OSError as error:
                    refusals.append(error)
            else:
                raise refusals[0]
        assert self._path is not None, "it was made, or its making raised"
        return self._path

    def _make(self, base: Path) -> None:
        _remove_left_behind(base)
        import tempfile  # noqa: PLC0415 - not every run makes one

        # mkdtemp makes it 0700.
        made = Path(tempfile.mkdtemp(prefix="mlp-new-", dir=base))
        self._lock = os.open(made, os.O_RDONLY | os.O_DIRECTORY)
        # A file system without locks: nobody else gets one either, and nothing is removed.
        with contextlib.suppress(OSError):
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._path = made.rename(made.with_name(made.name.replace("mlp-new-", _RUN)))

    def remove(self) -> None:
        if self._path is not None:
            import shutil  # noqa: PLC0415 - as above

            shutil.rmtree(self._path, ignore_errors=True)
            self._path = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


class CacheFolder:
    """`cache_folder()`; where there can be none, `tell` hears of it once."""

    def __init__(self, tell: Callable[[OSError], None]) -> None:
        self._tell = tell
        self._was_told = False

    def path(self) -> Path:
        """Raises `OSError`."""
        try:
            return cache_folder()
        except OSError as error:
            if not self._was_told:
                self._was_told = True
                self._tell(error)
            raise


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/multi_lang_profiler`, made if need be, for what can be made again.

    Raises `OSError` if there is no place for it, or if others can put there what we would run.
    """
    path = user_folder("XDG_CACHE_HOME", ".cache")
    make_private(path)
    found = path.stat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o022 or not os.access(path, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    return path


def state_folder() -> Path:
    """`$XDG_STATE_HOME/multi_lang_profiler`, for what must outlive us; made by those who write there. Raises `OSError` without a home."""
    return user_folder("XDG_STATE_HOME", ".local/state")


def history_folder() -> Path | None:
    """Where runs are kept by themselves; made by those who write there. None without a home."""
    try:
        return state_folder() / "runs"
    except OSError:
        return None


def user_folder(variable: str, default: str) -> Path:
    """Our folder below the one that `variable` names, else below `default` in the user's home. Raises `OSError` if there is no home."""
    base = os.environ.get(variable, "")
    # The XDG specification says to ignore relative paths.
    if base.startswith("/"):
        return Path(base, "multi_lang_profiler")
    home = _home()
    if home is None:
        raise OSError(f"there is no home folder; set HOME, or {variable}")
    return home / default / "multi_lang_profiler"


def make_private(folder: Path) -> None:
    """Make `folder`, and all above it that is missing, with mode 0700 whatever the umask. Raises `OSError`."""
    if not folder.is_dir():
        make_private(folder.parent)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)


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
                        import shutil  # noqa: PLC0415 - as above

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


def _home() -> Path | None:
    home = os.environ.get("HOME", "")
    # sudo can leave us with the home of who called it: what root puts there, they could not use ever after.
    if home.startswith("/") and not (os.geteuid() == 0 and _owner(home) != 0):
        return Path(home)
    try:
        return Path(pwd.getpwuid(os.geteuid()).pw_dir)
    except KeyError:
        return None


def _owner(path: str) -> int:
    try:
        return Path(path).stat().st_uid
    except OSError:
        return 0


def _temporary_folders() -> list[Path]:
    """Where a run's folder may lie, the best first: not where we were started, which is the program's."""
    named = (os.environ.get("TMPDIR", ""), "/tmp", "/var/tmp", os.environ.get("XDG_RUNTIME_DIR", ""), "/dev/shm")  # noqa: S108
    # Unix socket paths are limited to 107 bytes, so a long TMPDIR will not do.
    return [Path(base) for base in named if base.startswith("/") and len(base) < 60]
