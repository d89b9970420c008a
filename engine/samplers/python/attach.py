"""The helper that looks, kept at a program and its children: while it starts, becomes another (exec), starts children, and until it ends.

Where it cannot read an interpreter (an unusual build), and where AUSTINPATH names one, Austin is asked instead.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from ...blocking import in_own_thread
from ...clock import wait_first
from ...events import Note, Warned
from ...processes import process_end
from ..sampler import SamplingFailed
from .finding import PythonFinder
from .interpreter import jit_is_asked_for, why_children_are_closed, why_memory_is_closed
from .layout import NEWEST, OLDEST

if TYPE_CHECKING:
    from ..sampler import Context
    from .austin import Austin
    from .austin_attach import AustinAttachment
    from .interpreter import Interpreter
    from .looking import Looking, Lookings

_LOADING_S = 1.0
"""A program that has loaded no libpython by then is no Python."""
_LOADING_PAUSE_S = 0.02
"""Between looks at programs that may still load it."""
_MAX_HELPERS = 5
"""A helper that ends is started again at once, but not for ever."""
_SETTLE_S = 0.05
"""A program that turned into another is looked at again after so long."""
_FAILED = (
    "The helper that looks at the program ended by a fault of its own, and samples are missing; please report it: {}"
)
_UNCERTAIN = "The machine is saturated: threads wait for a processor far longer than they run, so shares are uncertain"

_NO_TASKS = {
    "asyncio": "Where asyncio's tasks wait is told by Python 3.14 and newer only, not by {interpreter}: there the event loop waits for all of them",
    "gevent": "Where gevent's greenlets wait is not told: its hub waits for all of them",
    "": "Where {library}'s tasks wait is not told: its event loop waits for all of them",
}
"""By library."""
_JIT = "PYTHON_JIT is set: where this Python has its JIT, functions are right, but lines are not to be trusted"
_JIT_UNKNOWN = "The program has written its title over its environment: whether PYTHON_JIT is set in it cannot be seen, and if so, lines are not to be trusted"
_WITH_JIT = 3, 13


class Attachment:
    """`await sample()` until process `pid` has ended; again, if that raises `SamplingFailed`."""

    def __init__(self, context: Context, pid: int, austins: dict[Interpreter, Austin], lookings: Lookings) -> None:
        self._context = context
        self._pid = pid
        self._clock = context.clock
        self._finder = PythonFinder(context, pid)
        self._lookings = lookings
        self._looking: Looking | None = None
        self._austins = austins
        self._austin: AustinAttachment | None = None
        self._interpreter: Interpreter | None = None
        self._changed = asyncio.Event()
        self._children: set[int] = set()
        """Descendants that are Pythons."""
        self._is_covered = False
        self._has_asked_for_jit = False
        self._told_of: set[str] = set()
        """Libraries whose tasks cannot be told of."""
        self._has_told_of_austin = False

    @property
    def name(self) -> str:
        """What takes the samples."""
        if self._austin is not None:
            return self._austin.name
        return f"{self._interpreter} from outside" if self._interpreter else "Python"

    async def sample(self) -> None:
        """Raises `SamplingFailed`."""
        if os.environ.get("AUSTINPATH"):
            await self._ask_austin(f"AUSTINPATH names {os.environ['AUSTINPATH']}")
            return
        ended = asyncio.ensure_future(process_end(self._pid))
        try:
            for _ in range(_MAX_HELPERS):
                if failure := await self._look_until(ended):
                    self._context.emit(Warned(_FAILED.format(failure)))
                if ended.done():
                    return
            raise SamplingFailed("the helper that looks at the program ended, again and again")
        finally:
            ended.cancel()

    async def flush(self) -> None:
        """Record at once what has been seen so far."""
        if self._looking is not None:
            await self._looking.flush()
        if self._austin is not None:
            self._austin.take()

    async def _look_until(self, ended: asyncio.Future[None]) -> str:
        """Look with one helper until the program has ended, or the helper has; what ended that, if a fault of its own did."""
        looking = self._looking = self._lookings.take(self._context, self._changed.set)
        self._children.clear()
        try:
            await self._keep_looking(looking, ended)
        finally:
            await self._lookings.give(looking, self._changed.set, {self._pid, *self._children})
            self._looking = None
            self._cover(False)
        return looking.failure

    async def _keep_looking(self, looking: Looking, ended: asyncio.Future[None]) -> None:
        followers = []
        if self._context.settings.follow_children:
            followers.append(asyncio.ensure_future(self._follow_children(looking)))
        try:
            while not ended.done() and not looking.ended.done():
                interpreter = await self._finder.wait_for_python(ended)
                if interpreter is None:
                    return
                if self._finder.runs_python:
                    self._interpreter = interpreter
                    self._take_on(looking, self._pid, interpreter)
                    await self._attend(looking, interpreter, ended)
                    # It ended, or has become another program.
                    await wait_first(self._clock, _SETTLE_S, ended)
                else:
                    self._interpreter = self._interpreter or interpreter
                    await wait_first(self._clock, _SETTLE_S, ended, looking.ended)
        finally:
            for follower in followers:
                follower.cancel()

    async def _attend(self, looking: Looking, interpreter: Interpreter, ended: asyncio.Future[None]) -> None:
        """Return when the program has ended, cannot be looked at any more, or the helper has ended."""
        while not looking.ended.done() and not ended.done() and self._pid not in looking.gone:
            self._cover(not looking.looked_at.isdisjoint({self._pid, *self._children}))
            if self._pid in looking.refused:
                await self._ask_austin(looking.refused[self._pid])
                return
            if self._pid in looking.looked_at and not self._has_asked_for_jit:
                self._has_asked_for_jit = True
                has_jit = await in_own_thread(jit_is_asked_for, self._pid)
                may_have_jit = interpreter.version is None or interpreter.version >= _WITH_JIT
                if has_jit or (has_jit is None and may_have_jit):
                    self._context.emit(Note(_JIT if has_jit else _JIT_UNKNOWN))
            for library in looking.untold.keys() - self._told_of:
                self._told_of.add(library)
                text = _NO_TASKS.get(library, _NO_TASKS[""])
                self._context.emit(Note(text.format(library=library, interpreter=self._interpreter)))
            if looking.is_uncertain:
                self._context.doubt(_UNCERTAIN)
            self._changed.clear()
            changed = asyncio.ensure_future(self._changed.wait())
            await asyncio.wait((changed, ended, looking.ended), return_when=asyncio.FIRST_COMPLETED)
            changed.cancel()

    def _take_on(self, looking: Looking, pid: int, interpreter: Interpreter) -> None:
        version = interpreter.version
        if interpreter.implementation != "CPython" or version is None or not OLDEST <= version <= NEWEST:
            spanned = f"CPython {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
            looking.refuse(pid, f"{spanned} can be read, this is {interpreter}")
        else:
            looking.add(pid, version)

    async def _ask_austin(self, why_not: str) -> None:
        """Let Austin sample what we cannot read. Raises `SamplingFailed`."""
        why_closed = why_memory_is_closed(self._pid)
        if why_closed is not None:
            raise SamplingFailed(f"the memory of process {self._pid} may not be read: {why_closed}", final=True)
        from .austin_attach import AustinAttachment  # noqa: PLC0415 - rarely needed

        austin = AustinAttachment(self._context, self._pid, self._austins, self._finder)
        await austin.check(why_not)
        if not self._has_told_of_austin:
            self._has_told_of_austin = True
            self._context.emit(Note(f"Sampling with Austin: {why_not}"))
        self._austin = austin
        try:
            await austin.sample()
        finally:
            self._austin = None

    async def _follow_children(self, looking: Looking) -> None:
        """Have all Pythons looked at that the program starts."""
        version = 0
        foreign: dict[int, float] = {}
        """Those that are no Pythons, and since when we know them."""
        while True:
            now_s = self._clock.monotonic()
            may_become_one = False
            members = [pid for pid in self._context.ledger.members if pid != self._pid]
            for pid in foreign.keys() - set(members):
                del foreign[pid]
            for pid in members:
                if pid in self._children and pid not in looking.gone:
                    continue
                if now_s - foreign.setdefault(pid, now_s) < _LOADING_S:
                    may_become_one = True
                if why := await self._look_into(looking, pid):
                    self._context.emit(Warned(f"Only the program itself is sampled, not its children: {why}"))
                    return
            if may_become_one:
                await self._clock.sleep(_LOADING_PAUSE_S)
            elif not self._children & looking.gone & set(members):
                version = await self._context.ledger.changed(version)

    async def _look_into(self, looking: Looking, pid: int) -> str | None:
        """Take on child `pid` if it runs Python; why that is forbidden, if it is."""
        interpreter = await self._finder.interpreter(pid)
        if interpreter is None:
            return None
        if why := why_children_are_closed():
            return why
        looking.gone.discard(pid)
        self._children.add(pid)
        self._take_on(looking, pid, interpreter)
        return None

    def _cover(self, covered: bool) -> None:
        if covered != self._is_covered:
            self._is_covered = covered
            self._context.sampling(covered)
