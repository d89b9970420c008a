"""The `go` that a command finds first on PATH: it has programs built with the sampler inside, and is the user's own `go` otherwise.

GOFLAGS would do without it, but for all of `go`'s commands: linters and generators, which ask `go list` for a package's files, would look in
vain for those that only the overlay has. The words that are added here are seen by one build alone. Where anything is in the way the
user's `go` gets its words as they are.

    PATH=FOLDER/bin:… go run|test|build …  ->  its words from python -m ….stand_in CONFIG run …  ->  go run -overlay=FILE …

That Python is a process of its own: what it and the `go` that it asks use is ours, and what the user's `go` uses is not.
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..sampler import CannotStart
from .flags import BuildFlags
from .on_path import SOCKET_NAME, USED
from .overlay import IMPORT_FILE, Toolchain, UnknownRelease, write_overlay
from .packages import LIST_FORMAT, read_packages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FLAGS_ALONE = frozenset(
    {
        *(
            "a",
            "n",
            "race",
            "msan",
            "asan",
            "v",
            "work",
            "x",
            "i",
            "cover",
            "linkshared",
            "modcacherw",
            "trimpath",
            "json",
            "buildvcs",
        ),
        *("c", "failfast", "short", "benchmem", "fullpath", "artifacts"),
    }
)
"""Flags of `go build`, `run` and `test` that take no value, unless behind `=`."""
_LISTED = frozenset({"tags", "mod", "modfile"})
"""Those that decide which packages there are."""
_PLAIN = frozenset({"default", "exe", "pie"})
_LIST_FORMAT = LIST_FORMAT + '{{if and (eq .Name "main") (not .DepOnly) (not .ForTest)}}\nM {{.Dir}}{{end}}'
_ASK_S = 60.0
_TELL_S = 0.2


class _Unchanged(Exception):
    """The words stay as they are. The text says why."""


class GoWords(NamedTuple):
    """The words behind `go run`, `go test` or `go build`."""

    flags: dict[str, str]
    """Name -> value, or "true"; the last of a name counts."""
    first: int
    """Where the first word stands that is no flag."""
    what: tuple[str, ...]
    """Packages or files that are to be built."""


def main(words: Sequence[str]) -> None:
    """`CONFIG VERB WORD…`: print the words that the user's `go` is to have, for a shell to read."""
    config = json.loads(Path(words[0]).read_text())
    verb, *rest = words[1:]
    with suppress(_Unchanged, UnknownRelease, CannotStart, OSError, subprocess.SubprocessError, ValueError):
        rest = with_overlay(config, verb, rest)
    sys.stdout.buffer.write(os.fsencode(shlex.join((verb, *rest))))
    with suppress(OSError), socket.socket(socket.AF_UNIX) as ledger:
        ledger.settimeout(_TELL_S)
        ledger.connect(str(Path(words[0]).with_name(SOCKET_NAME)))
        message = USED + str(_used_ns()).encode()
        # As `agent_socket` has it, which would take as long to load as all of this.
        ledger.sendall(len(message).to_bytes(4, "big") + message)


def with_overlay(config: dict[str, str], verb: str, words: Sequence[str]) -> list[str]:
    """`words` with the overlay's flag, and with main's importing file where single files are named. Raises what `main` passes over."""
    read = read_words(verb, words)
    folder = Path.cwd() / read.flags.get("C", "")
    asked = _ask(config["go"], folder, "env", "GOROOT", "GOVERSION", "GOFLAGS")
    root, version, goflags = asked.split("\n")[:3]
    flags = BuildFlags(goflags, words[: read.first])
    if read.flags.get("buildmode", "exe") not in _PLAIN:
        raise _Unchanged("it is no program")
    if flags.covers and verb != "test":
        raise _Unchanged("cmd/cover does not see files that only an overlay has")
    users = flags.overlay(folder)
    replaced = users[1] if users else {}
    importers, inserted, keeps_rate = _importers(config["go"], folder, verb, read, replaced)
    made = Path(tempfile.mkdtemp(prefix="overlay-", dir=config["folder"]))
    overlay = write_overlay(
        Toolchain(config["go"], Path(root), version),
        made,
        importer=None,
        rate_hz=int(config["rate_hz"]),
        keeps_rate=keeps_rate,
        replaced=replaced,
    )
    if importers:
        importing = made / "import.go"
        importing.write_text('package main\n\nimport _ "runtime/pprof"\n')
        replacements = json.loads(overlay.read_text())
        replacements["Replace"].update({str(importer / IMPORT_FILE): str(importing) for importer in importers})
        overlay.write_text(json.dumps(replacements))
    changed = list(words)
    if inserted:
        # Beside the others as they are named: go compares the folders' names.
        changed.insert(inserted, os.path.join(os.path.dirname(read.what[0]), IMPORT_FILE))  # noqa: PTH118, PTH120 - as above
    # The last one counts; the user's is part of it.
    changed.insert(read.first, f"-overlay={overlay}")
    return changed


def read_words(verb: str, words: Sequence[str]) -> GoWords:
    """Read them as `go` does: flags of one or two dashes; for `test` also behind the packages, up to `-args`."""
    flags: dict[str, str] = {}
    what: list[str] = []
    first = len(words)
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word in ("--", "-args", "--args"):
            first = min(first, at - 1)
            break
        if word.startswith("-") and word != "-":
            name, equals, value = word.lstrip("-").partition("=")
            if not equals:
                value = "true"
                if name.removeprefix("test.") not in _FLAGS_ALONE and at < len(words):
                    value = words[at]
                    at += 1
            flags[name] = value
            continue
        first = min(first, at - 1)
        what.append(word)
        if verb == "run" and not (word.endswith(".go") and words[at : at + 1] and words[at].endswith(".go")):
            break
    return GoWords(flags, first, tuple(what))


def _importers(
    go: str, folder: Path, verb: str, read: GoWords, replaced: Mapping[str, str]
) -> tuple[list[Path], int, bool]:
    """The folders of the packages main that are to be built, where among the words the importing file is to be named, or 0, and
    whether the program sets the rate of its own profile.

    Test binaries import `runtime/pprof` anyway.
    """
    if any("@" in what for what in read.what):
        raise _Unchanged("it is somebody else's program")
    flags = [f"-{name}={read.flags[name]}" for name in _LISTED if name in read.flags]
    is_test = ["-test"] if verb == "test" else []
    listed = _ask(go, folder, "list", "-e", "-deps", *is_test, "-f", _LIST_FORMAT, *flags, *read.what)
    packages = read_packages(listed, replaced)
    if packages.loads_plugins:
        raise _Unchanged("a plugin fits only the program as it was built for")
    if verb == "test":
        return [], 0, packages.sets_profile_rate
    importers = [Path(line.removeprefix("M ")) for line in listed.splitlines() if line.startswith("M ")]
    if not importers:
        raise _Unchanged("it is no program")
    is_of_files = bool(read.what) and all(what.endswith(".go") for what in read.what)
    return importers, read.first + len(read.what) if is_of_files else 0, packages.sets_profile_rate


def _ask(go: str, folder: Path, *words: str) -> str:
    done = subprocess.run(
        [go, *words], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_ASK_S, check=True
    )
    return done.stdout


def _used_ns() -> int:
    """CPU time of this process, and of those that it has waited for."""
    return sum(round(each * 1e9) for each in os.times()[:4])


if __name__ == "__main__":
    main(sys.argv[1:])
