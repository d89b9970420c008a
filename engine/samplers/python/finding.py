"""Which process runs Python, which Python, and whether its memory may be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...blocking import in_own_thread
from ...clock import wait_first
from ...events import Warned
from ..sampler import SamplingFailed
from .interpreter import executable, interpreter_of, program_key, why_memory_is_closed

if TYPE_CHECKING:
    import asyncio

    from ..sampler import Context
    from .interpreter import Interpreter

_PAUSES_S = (0.01, 0.01, 0.01, 0.02, 0.02, 0.05, 0.05, 0.1, 0.1, 0.25)
"""Between looks, while the interpreter starts; the last one stays."""
_FOREIGN_PATIENCE_S = 5.0
"""A program that has not become a Python after this is announced."""


class PythonFinder:
    """Looks into process `pid` and its descendants."""

    def __init__(self, context: Context, pid: int) -> None:
        self._context = context
        self._pid = pid
        self._interpreters: dict[str, Interpreter] = {}
        """By their files, for to find out can take reading all of one."""
        self._has_announced = False
        self.runs_python = False
        """Whether what `wait_for_python` found is the program itself, not a child."""

    async def wait_for_python(self, ended: asyncio.Future[None]) -> Interpreter | None:
        """What the program, or failing that a child of it, runs; None once it has ended. Many a `python3` is a shell script at first.

        Raises a final `SamplingFailed` where the program's memory may not be read.
        """
        pauses = iter(_PAUSES_S)
        clock, settings = self._context.clock, self._context.settings
        since_s = clock.monotonic()
        while not ended.done():
            interpreter = await self.interpreter(self._pid)
            self.runs_python = interpreter is not None
            if interpreter is not None:
                return interpreter
            await self.check_memory()
            for child in list(self._context.ledger.members) if settings.follow_children else ():
                interpreter = await self.interpreter(child)
                if interpreter is not None:
                    return interpreter
            is_expected = settings.language is not None
            if is_expected and not self._has_announced and clock.monotonic() - since_s > _FOREIGN_PATIENCE_S:
                self._has_announced = True
                what = await in_own_thread(executable, self._pid)
                text = f"Process {self._pid} runs {what}, which is not Python: no samples until it starts one"
                self._context.emit(Warned(text))
            await wait_first(clock, next(pauses, _PAUSES_S[-1]), ended)
        return None

    async def interpreter(self, pid: int) -> Interpreter | None:
        """What `pid` runs; None if that is no Python, or has ended."""
        return await in_own_thread(self._interpreter, pid)

    def _interpreter(self, pid: int) -> Interpreter | None:
        program = program_key(pid)
        if program is None:
            return None
        interpreter = self._interpreters.get(program) or interpreter_of(pid)
        if interpreter is not None:
            self._interpreters[program] = interpreter
        return interpreter

    async def check_memory(self) -> None:
        """Raise a final `SamplingFailed` if the kernel keeps us from the program's memory."""
        why = await in_own_thread(why_memory_is_closed, self._pid)
        if why is not None:
            raise SamplingFailed(f"the memory of process {self._pid} may not be read: {why}", final=True)
