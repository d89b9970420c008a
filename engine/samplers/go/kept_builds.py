"""The executables of the last programs, so that `go build` need not link again what is as it was.

`go build -o FILE` leaves a FILE alone whose build id is that of what it would make, and touches it; linking is most of what a build takes with all
else in Go's own cache. So the last executable is laid where the next one will be; what `go` has not touched is another program's, or of before, and goes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from .packages import Packages

MAX_KEPT = 8
MAX_EXECUTABLE_BYTES = 100 << 20
_UNTOUCHED_NS = 0
_PACKAGES, _INPUTS = ".packages.json", ".inputs.json"
"""No executable's names: `go build` gives none that begins with a dot."""


class KeptBuilds:
    def __init__(self, folder: Path, *what: str) -> None:
        """`folder` is ours, in the user's cache; `what` is all that tells this program's build from others, as far as it is known before."""
        self._all = folder / "go-programs"
        self._folder = self._all / hashlib.sha256("\0".join(what).encode()).hexdigest()[:24]

    def lay_out(self, folder: Path) -> None:
        """Copy what is kept into `folder`, whence programs are started. Takes its time: for a worker thread."""
        with contextlib.suppress(OSError):
            for kept in self._executables():
                laid = folder / kept.name
                shutil.copy2(kept, laid)
                os.utime(laid, ns=(_UNTOUCHED_NS, _UNTOUCHED_NS))

    def packages(self) -> Packages | None:
        """What the executable that is kept is made of; None where nothing is known."""
        try:
            text = (self._folder / _PACKAGES).read_text("utf-8")
            return Packages.from_json(text)
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return None

    def unchanged(self, folder: Path) -> Packages | None:
        """What the executable is made of that `go` has put into `folder`, if it is the one that is kept."""
        try:
            for kept in self._executables():
                made = folder / kept.name
                is_its = made.exists() and made.stat().st_mtime_ns != _UNTOUCHED_NS
                if is_its and kept.stat().st_size == made.stat().st_size and _is_same(kept, made):
                    return self.packages()
        except OSError:
            return None
        return None

    def inputs(self) -> str:
        """What was noted of what the executable was built from; empty for nothing, and where another one has come in its place since."""
        try:
            mark, _, inputs = (self._folder / _INPUTS).read_text("utf-8").partition("\n")
            return inputs if [mark] == [_mark(file) for file in self._executables()] else ""
        except (OSError, ValueError):
            return ""

    def note(self, made: Path, inputs: str) -> None:
        """Note what `made`, which was settled, was built from."""
        with contextlib.suppress(OSError):
            temporary = self._folder / f"{_INPUTS}.{os.getpid()}"
            temporary.write_text(f"{_mark(made)}\n{inputs}", "utf-8")
            temporary.rename(self._folder / _INPUTS)

    def lay_out_as_it_is(self, folder: Path) -> Path | None:
        """The executable that is kept, in `folder`; None if there is none."""
        try:
            (kept,) = self._executables()
            return Path(shutil.copy2(kept, folder / kept.name))
        except (OSError, ValueError):
            return None

    def settle(self, folder: Path, packages: Packages) -> None:
        """Remove from `folder` what `go` did not find to be its own, and keep what it made, of `packages`. Takes its time: for a worker thread."""
        for file in list(folder.iterdir()):
            if file.stat().st_mtime_ns == _UNTOUCHED_NS:
                file.unlink()
        with contextlib.suppress(OSError):
            self._keep(next(folder.iterdir(), None), packages)

    def _executables(self) -> list[Path]:
        """Raises `OSError`."""
        return [file for file in self._folder.iterdir() if not file.name.startswith(".")]

    def _keep(self, made: Path | None, packages: Packages) -> None:
        """Raises `OSError`."""
        if made is None or made.stat().st_size > MAX_EXECUTABLE_BYTES:
            return
        kept = self._folder / made.name
        if (
            self.packages() == packages
            and kept.exists()
            and kept.stat().st_size == made.stat().st_size
            and _is_same(kept, made)
        ):
            os.utime(self._folder)
            return
        self._all.mkdir(mode=0o700, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=self._all, prefix="."))
        try:
            shutil.copy2(made, temporary / made.name)
            (temporary / _PACKAGES).write_text(packages.to_json(), "utf-8")
            shutil.rmtree(self._folder, ignore_errors=True)
            temporary.rename(self._folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        newest_first = sorted(self._all.iterdir(), key=lambda each: each.stat().st_mtime_ns, reverse=True)
        for old in newest_first[MAX_KEPT:]:
            shutil.rmtree(old, ignore_errors=True)


def _is_same(one: Path, other: Path) -> bool:
    return _mark(one) == _mark(other)


def _mark(executable: Path) -> str:
    # A build id is at the beginning of the text and in a note before it.
    with executable.open("rb") as file:
        return hashlib.sha256(file.read(1 << 16)).hexdigest()
