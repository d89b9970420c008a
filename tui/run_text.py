"""Sentences that several views say of a run's samples and threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engine.analysis.snapshot import ProgramPhase
from ..engine.analysis.weights import why_not
from .text import clean, took_text

if TYPE_CHECKING:
    from ..engine.analysis.snapshot import ProgramState, Snapshot

SIGNAL_NAMES = {
    129: "SIGHUP",
    130: "SIGINT",
    131: "SIGQUIT",
    134: "SIGABRT",
    137: "SIGKILL",
    139: "SIGSEGV",
    143: "SIGTERM",
}


def how_it_ended(program: ProgramState) -> str:
    """Of a program that does not run any more; and whether it will again."""
    again = "; the next save starts it again" if program.watched else ""
    if program.phase is ProgramPhase.FAILED_TO_START:
        return f"failed to start{again}"
    took, status = took_text((program.ended_s or program.started_s) - program.started_s), program.exit_status
    if status is None:
        return f"ended after {took}{again}"
    name = f" ({SIGNAL_NAMES[status]})" if status in SIGNAL_NAMES else ""
    return f"exited {status}{name} after {took}{again}"


IDLE_FROM_S = 2.0
"""After so long a program that was not seen working has hardly worked."""


def why_no_samples(snapshot: Snapshot) -> str:
    """In a sentence: why there is no sample yet, for the views that need some."""
    program, sampling = snapshot.program, snapshot.sampling
    if snapshot.stretch is not None:
        return (
            f"No sample lies in the range {clean(snapshot.stretch.name)}.\nPress z for another, or for the whole run."
        )
    if program.phase is ProgramPhase.FAILED_TO_START:
        return "The program could not be started"
    if program.error:
        return program.error
    match program.phase:
        case ProgramPhase.PREPARING:
            # A build takes its time, and says so.
            return "\n".join(["Preparing the program", *(line.text for line in snapshot.log[-1:])])
        case ProgramPhase.RUNNING if sampling.mode == "cpu" and sampling.active:
            how = "start with --mode wall" if why_not(snapshot) else "press W"
            return f"The program runs, but has used no CPU time yet.\nTo see where it waits, {how}."
        case ProgramPhase.RUNNING:
            return "The program runs; waiting for the first samples"
        case _ if sampling.mode == "cpu" and (program.ended_s or program.started_s) - program.started_s > IDLE_FROM_S:
            return "The program ended, and was not seen using the CPU.\nTo see where it waits, start with --mode wall."
        case _:
            return "The program ended before a sample was taken"


OVER_ALL_THREADS = "all threads"
"""In the title of what has counts by function alone, while the user looks at some threads only."""


def threads_named(snapshot: Snapshot, threads: frozenset[int]) -> str:
    """The threads whose samples are counted, as a title names them."""
    pids = {snapshot.table.threads[thread].pid for thread in threads}
    note = snapshot.processes.get(min(pids)) if len(pids) == 1 else None
    if len(threads) > 1:
        return f"{len(threads)} threads{f' of {clean(note.command)}' if note else ''}"
    (thread,) = threads
    known = snapshot.table.threads[thread]
    if note and not known.labels:
        return clean(note.command)
    return f"{'labels' if known.labels else 'thread'} {clean(known.title) or known.tid}"
