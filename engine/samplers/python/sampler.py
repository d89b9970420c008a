"""The Python sampler: a helper process that reads the interpreter's memory from outside.

Nothing about the program changes, and what happens to the helper does not reach it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..sampler import SamplingFailed
from .launch import python_launch

if TYPE_CHECKING:
    from ..sampler import Context, Launch, Process
    from .attach import Attachment
    from .austin import Austin
    from .interpreter import Interpreter
    from .looking import Lookings


class PythonSampler:
    """A `Sampler`."""

    def __init__(
        self, context: Context, austins: dict[Interpreter, Austin] | None = None, lookings: Lookings | None = None
    ) -> None:
        """`austins` are those found so far and `lookings` the helper, to be shared by several samplers: either takes starting."""
        self._context = context
        self._austins = {} if austins is None else austins
        self._lookings = lookings
        self._attachment: Attachment | None = None

    @property
    def name(self) -> str:
        return self._attachment.name if self._attachment else "Python"

    async def prepare(self) -> Launch:
        return python_launch(self._context.settings, os.environ)

    async def sample(self, process: Process) -> None:
        if not Path("/proc/self").exists():  # noqa: ASYNC240 - the kernel's, not a disk's
            raise SamplingFailed(
                "There is no /proc here, which tells where a Python's memory lies: mount it", final=True
            )
        # Loaded only now, while the program's interpreter starts: it would have delayed the program.
        from .attach import Attachment  # noqa: PLC0415
        from .looking import Lookings  # noqa: PLC0415

        self._lookings = self._lookings or Lookings()
        self._attachment = self._attachment or Attachment(self._context, process.pid, self._austins, self._lookings)
        await self._attachment.sample()

    async def flush(self) -> None:
        if self._attachment is not None:
            await self._attachment.flush()

    async def close(self) -> None:
        """Nothing outlives `sample`."""
