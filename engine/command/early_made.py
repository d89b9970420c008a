"""What a sampler needs before its program starts: the run's private folder and what lies in it, as `private.py` and the samplers make it."""

import fcntl
import os

from ..program.child import Made

_MAX_TMPDIR_CHARACTERS = 60


def cache_folder() -> str | None:
    """The user's cache folder, if there is one already; as `private.py` says where."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if base[:1] != "/":
        home = os.environ.get("HOME", "")
        if home[:1] != "/" or os.path.normpath(home) != home or os.stat(home).st_uid != os.geteuid():
            return None
        base = f"{home}/.cache"
    folder = f"{base}/multi_lang_profiler"
    found = os.stat(folder)
    return folder if found.st_uid == os.geteuid() and not found.st_mode & 0o022 else None


def make_folder() -> Made:
    """A private folder of this run, locked. Raises `OSError`."""
    base = os.environ.get("TMPDIR", "")
    if not (base[:1] == "/" and len(base) < _MAX_TMPDIR_CHARACTERS and os.path.isdir(base)):
        base = "/tmp"  # noqa: S108 - the folder is made in one step, and nobody else can open it
    name = os.urandom(6).hex()
    new, folder = f"{base}/mlp-new-{name}", f"{base}/mlp-run-{name}"
    os.mkdir(new, 0o700)
    lock = os.open(new, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
    finally:
        os.rename(new, folder)
    return Made(folder, lock)


def read_start(file: str, size_bytes: int = 8_192) -> bytes:
    """The beginning of a file. Raises `OSError`."""
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, size_bytes)
    finally:
        os.close(descriptor)
