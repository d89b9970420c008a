"""Sentences that several views say of a run's samples and threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engine.snapshot import ProgramPhase
from .text import clean

if TYPE_CHECKING:
    from ..engine.snapshot import Snapshot


def why_no_samples(snapshot: Snapshot) -> str:
    """In a sentence: why there is no sample yet, for the views that need some."""
    program, sampling = snapshot.program, snapshot.sampling
    if program.error:
        return program.error
    match program.phase:
        case ProgramPhase.PREPARING:
            return "Preparing the program"
        case ProgramPhase.RUNNING if sampling.mode == "cpu" and sampling.active:
            return "The program runs, but has used no CPU time yet.\nTo see where it waits, start with --mode wall."
        case ProgramPhase.RUNNING:
            return "The program runs; waiting for the first samples"
        case _:
            return "The program ended before a sample was taken"


def threads_named(snapshot: Snapshot, threads: frozenset[int]) -> str:
    """The threads whose samples are counted, as a title names them."""
    if len(threads) > 1:
        return f"{len(threads)} threads"
    (thread,) = threads
    known = snapshot.table.threads[thread]
    return f"thread {clean(known.name) or known.tid}"
