"""What a program prints, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multi_lang_profiler.engine.program.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable


class Bytes(Output):
    """`on_output(data, is_stderr)` gets all of it."""

    def __init__(self, on_output: Callable[[bytes, bool], None]) -> None:
        super().__init__()
        self._on_output = on_output

    def take(self, data: bytes, is_stderr: bool) -> None:
        self._on_output(data, is_stderr)
