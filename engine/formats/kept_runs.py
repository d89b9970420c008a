"""Runs that are kept by themselves, for `view last` and the like: the newest, in a private folder, bounded in number and bytes.

A run is a folder with two files, `about.json` for a list of runs and the run itself; the folder gets its name when both are whole.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from ..private import make_private
from ..profile.json_object import JsonObject, parse
from ..profile.stacks import count_functions
from ..text import reason
from . import speedscope

if TYPE_CHECKING:
    from pathlib import Path

    from ..profile.recording import Recording

MAX_RUNS = 20
MAX_BYTES = 64 << 20
"""Of all together; a run that alone takes more is not kept."""
_ABOUT, _RUN = "about.json", "run.speedscope.json.gz"
_UNFINISHED = ".new-"
_STALE_S = 3_600.0
"""From then on what is unfinished is what a run left that was killed."""
_FAST = 1
"""zlib's level: the program has ended, and its user waits."""


class KeptRun(NamedTuple):
    file: Path
    began_at: datetime
    duration_s: float
    language: str
    source_file: str
    working_folder: str
    samples: int
    hottest: str
    hottest_percent: float
    """Of the samples, with it running."""


def keep(recording: Recording, folder: Path) -> None:
    """Add `recording` to the runs in `folder`, which is made if need be, and remove those that are too many.

    Raises `OSError` where it cannot be written, `ValueError` where it is too large; then nothing is left of it.
    """
    content = _gzipped(speedscope.dumps_counts(recording))
    if len(content) > MAX_BYTES:
        raise ValueError(f"it takes more than {MAX_BYTES >> 20} MB")
    make_private(folder)
    making = folder / f"{_UNFINISHED}{os.urandom(16).hex()}"
    making.mkdir(mode=0o700)
    try:
        # Without fsync: after a crash of the machine one is damaged at worst, and that is told.
        (making / _RUN).write_bytes(content)
        (making / _ABOUT).write_text(json.dumps(_about(recording)), encoding="utf-8")
        making.rename(folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{making.name[-8:]}")
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    _tidy(folder)


def kept_runs(folder: Path) -> tuple[list[KeptRun], list[str]]:
    """The runs in `folder`, the one that ended last first; and a line for each that cannot be read."""
    runs, lines = [], []
    for entry in _entries(folder):
        try:
            runs.append(_read(entry))
        except FileNotFoundError:
            # Another run has just removed it, or somebody has emptied it.
            if entry.is_dir():
                lines.append(f"{entry} is no whole run, and is passed over")
        except (OSError, ValueError) as error:
            lines.append(f"{entry} is passed over: {reason(error)}")
    return runs, lines


def _about(recording: Recording) -> dict[str, object]:
    table, counts = recording.table, recording.counts
    own = count_functions(table, counts.by_stack.items()).self_samples
    hottest = max(own, key=own.__getitem__, default=None)
    return {
        "began_at": recording.began_at.isoformat(),
        "duration_secs": recording.duration_s,
        "language": recording.language,
        "source_file": recording.source_file,
        "working_folder": recording.working_folder,
        "samples": counts.total,
        "hottest": table.functions[hottest].name if hottest is not None else "",
        "hottest_percent": 100 * own[hottest] / counts.total if hottest is not None else 0.0,
    }


def _read(entry: Path) -> KeptRun:
    about = JsonObject(parse((entry / _ABOUT).read_bytes()), _ABOUT)
    file = entry / _RUN
    file.stat()
    return KeptRun(
        file,
        about.time("began_at"),
        about.number("duration_secs"),
        about.text("language"),
        about.text("source_file"),
        about.text("working_folder"),
        about.integer("samples"),
        about.text("hottest"),
        about.number("hottest_percent"),
    )


def _entries(folder: Path) -> list[Path]:
    """Newest first."""
    try:
        return sorted((entry for entry in folder.iterdir() if not entry.name.startswith(".")), reverse=True)
    except FileNotFoundError:
        return []


def _tidy(folder: Path) -> None:
    """Remove what is too much. Runs that end at the same moment do so together: each removes what it finds."""
    size_bytes = 0
    for number, entry in enumerate(_entries(folder)):
        with contextlib.suppress(OSError):
            size_bytes += sum(file.stat().st_size for file in entry.iterdir())
        if number >= MAX_RUNS or size_bytes > MAX_BYTES:
            shutil.rmtree(entry, ignore_errors=True)
    for unfinished in folder.glob(f"{_UNFINISHED}*"):
        with contextlib.suppress(OSError):
            if time.time() - unfinished.stat().st_mtime > _STALE_S:
                shutil.rmtree(unfinished, ignore_errors=True)


def _gzipped(content: bytes) -> bytes:
    packing = zlib.compressobj(_FAST, wbits=31)
    return packing.compress(content) + packing.flush()
