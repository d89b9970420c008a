"""Messages to who started us, by standard output, without ever waiting for a reader."""

from __future__ import annotations

import marshal
import os
import struct

LENGTH = struct.Struct("=I")
"""Before each message."""
_MOST_BYTES = 1 << 26
"""Held back at most; beyond that we do wait."""


class Outlet:
    """Holds back what the pipe does not take: the engine may still be loading itself, for seconds where nothing of it is compiled yet."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._held = bytearray()

    @property
    def is_empty(self) -> bool:
        return not self._held

    def write(self, message: dict[str, object]) -> None:
        """Raises `BrokenPipeError`, as all here, once nobody will read it."""
        content = marshal.dumps(message)
        self._held += LENGTH.pack(len(content)) + content
        if len(self._held) > _MOST_BYTES:
            self.finish()
            os.set_blocking(self._descriptor, False)
        else:
            self.drain()

    def drain(self) -> None:
        """Hand over as much as the pipe takes."""
        while self._held:
            try:
                done = os.write(self._descriptor, self._held)
            except BlockingIOError:
                return
            del self._held[:done]

    def finish(self) -> None:
        """Hand over everything, however long it takes."""
        os.set_blocking(self._descriptor, True)
        self.drain()
