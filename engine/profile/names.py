"""The one name by which each function of a run goes in reports, whatever gets hotter meanwhile."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from .java_packages import with_package
from .stacks import OTHER_CALLERS, OTHER_FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Container

    from .stacks import StackTable

REMAINDERS = (OTHER_FUNCTIONS, OTHER_CALLERS)
"""Entries that sum up others; no function of the program's is called so."""


class FunctionNames:
    """Gives names that are unique in the run and never change. May be asked from any thread.

    Of Java and its kin a name begins with its package. Invariant: of functions that share a name the one seen first has it bare; each later one has its place behind it.
    """

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._taken: set[str] = set(REMAINDERS)
        self._first: dict[str, int] = {}
        self._known = 0
        """Functions of the table that `_first` knows."""
        self._lock = threading.Lock()

    def name(self, table: StackTable, function: int, file: str, line: int) -> str:
        """The name of `function` of `table`, which is shown at `file` and `line`."""
        with self._lock:
            found = self._names.get(function)
            if found is None:
                for known in range(self._known, len(table.functions)):
                    self._first.setdefault(with_package(table.functions[known]), known)
                    self._known = known + 1
                plain = with_package(table.functions[function])
                found = plain if self._first[plain] == function else place_behind(plain, file, line)
                found = unique(found, plain, file, line, self._taken)
                self._taken.add(found)
                self._names[function] = found
            return found


def unique(name: str, plain: str, file: str, line: int, taken: Container[str]) -> str:
    """`name`, or where that is taken `plain` with its place behind it, and with a number if need be."""
    if name in taken:
        name = place_behind(plain, file, line)
    number = 2
    while name in taken:
        name = f"{plain} ({file}:{line}) #{number}"
        number += 1
    return name


def place_behind(name: str, file: str, line: int) -> str:
    return f"{name} ({file}:{line})" if line else f"{name} ({file})"
