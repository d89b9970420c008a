"""Paths of source files, made whole."""

from __future__ import annotations

import os


class Paths:
    """The files of one process: what it names relatively lies under the folder it was started in, or the one it is in now."""

    def __init__(self, pid: int, working_folder: str) -> None:
        self._pid = pid
        self._folders = [self._current() or working_folder, working_folder]
        self._known: dict[str, str] = {}

    def absolute(self, file: str) -> str:
        if file.startswith(("/", "<")) or not file:
            # `<string>`, `<frozen …>`: code without a file.
            return os.path.normpath(file) if "/../" in file or "/./" in file else file
        found = self._known.get(file)
        if found is None:
            folders = [*self._folders, self._current() or self._folders[0]]
            places = [os.path.normpath(f"{folder}/{file}") for folder in folders]
            found = self._known[file] = next(filter(os.path.exists, places), places[0])
        return found

    def _current(self) -> str | None:
        try:
            return os.readlink(f"/proc/{self._pid}/cwd")  # noqa: PTH115 - pathlib takes 10 ms to load
        except OSError:
            return None
