"""Which of several processes a function runs in, in few letters: for a column beside it."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..profile.stacks import ProcessNote, StackTable
    from .snapshot import Snapshot

_RUNTIMES = frozenset({"python", "pypy", "node", "nodejs", "java"})


class FunctionProcesses:
    """Follows a run's stacks: of each picture only those that the one before did not have are looked at."""

    def __init__(self) -> None:
        self._pids: dict[int, set[int]] = {}
        """Function -> the processes that it was seen in."""
        self._table: StackTable | None = None
        self._known: tuple[int, tuple[int, int] | None] = 0, None
        """How many entries of the counts were looked at, and the last of them."""

    def of(self, snapshot: Snapshot) -> Mapping[int, set[int]]:
        """Function -> processes, where samples are of several processes of a command; else nothing. Of the whole run, whatever range or threads are counted."""
        table = snapshot.table
        if len({thread.pid for thread in table.threads if thread.pid in snapshot.processes}) < 2:
            return {}
        if table is not self._table:
            self._table, self._pids, self._known = table, {}, (0, None)
        by_stack, (known, last) = snapshot.counts.by_stack, self._known
        # Counts of another range or of other threads have other entries.
        if known and next(islice(by_stack, known - 1, None), None) != last:
            known = 0
        for last in islice(by_stack, known, None):
            thread, stack = last
            for function in table.members[stack]:
                self._pids.setdefault(function, set()).add(table.threads[thread].pid)
        self._known = len(by_stack), last
        return self._pids


def processes_named(pids: set[int], processes: Mapping[int, ProcessNote]) -> str:
    """`worker.py`, `worker.py ×2` where it is the same program's, else `×3`."""
    names = Counter(_short(processes[pid].command) for pid in pids if pid in processes)
    if len(names) == 1:
        ((name, times),) = names.items()
        return f"{name} ×{times}" if times > 1 else name
    return f"×{len(pids)}" if names else ""


def _short(command: str) -> str:
    """`python3 worker.py` is `worker.py`; what names no runtime, `gunicorn: worker`, is as it is."""
    runtime, _, program = command.partition(" ")
    return (program if runtime.rstrip("0123456789.") in _RUNTIMES else "") or command
