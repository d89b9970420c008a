"""What `threading` calls its threads, read from the process: `threading._active`, as `threading.enumerate()` reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .memory import Unreadable

if TYPE_CHECKING:
    from .objects import Objects


class ThreadNames:
    """Of one process."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._active: int | None = None
        """The address of `threading._active`, once it is known: a dictionary for all the process's life."""

    def read(self, modules: int, idents: set[int]) -> dict[int, str]:
        """The names of those threads (`threading.get_ident`) that have one; `modules` is `sys.modules`. Raises `Closed`."""
        names: dict[int, str] = {}
        try:
            if self._active is None:
                self._active = self._find(modules)
            threads = self._objects.numbered(self._active) if self._active else {}
        except Unreadable:
            self._active = None
            return names
        for ident in idents & threads.keys():
            try:
                name = self._objects.attribute(threads[ident], "_name")
                if name:
                    names[ident] = self._objects.text(name)
            except Unreadable:
                # It has ended, or is not begun yet.
                continue
        return names

    def _find(self, modules: int) -> int | None:
        threading = self._objects.value(modules, "threading")
        if not threading:
            return None
        return self._objects.value(self._objects.module(threading), "_active")
