"""Runs cut into phases, made up of samples that a test names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multi_lang_profiler.engine.analysis.snapshot import Mark, Snapshot
from multi_lang_profiler.engine.profile.stacks import Frame, StackCounts, StackTable

from .snapshots import FOLDER, make_snapshot, shop_snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def divided_run(
    *phases: Mapping[tuple[str, ...], int], phase_s: Sequence[float], rate_hz: float = 100, folder: str = str(FOLDER)
) -> Snapshot:
    """A run with a mark between each two phases, called `mark 1` and so on; all code is in `app.py` below `folder`."""
    table, counts, marks, at_s = StackTable(), StackCounts(), [], 0.0
    thread = table.thread(1, 1)
    for number, (phase, length_s) in enumerate(zip(phases, phase_s, strict=True)):
        if number:
            marks.append(Mark(f"mark {number}", at_s, counts.copy(), at_s))
        for functions, samples in phase.items():
            stack = table.stack([table.frame(Frame(name, f"{folder}/app.py", 7, 5)) for name in functions])
            counts.add(thread, stack, samples)
        at_s += length_s
    program = shop_snapshot().program
    snapshot = make_snapshot(table, counts, program=program._replace(working_folder=type(FOLDER)(folder)), run_s=at_s)
    sampling = snapshot.sampling._replace(asked_hz=rate_hz, covered_s=at_s)
    return snapshot._replace(marks=tuple(marks), sampling=sampling)
