"""Work that may hang for as long as it likes (a disk, /proc, a pipe without a reader), kept off the loop and off our end."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


async def in_own_thread(function: Callable[..., T], *arguments: object) -> T:
    """`function(*arguments)`, done in a thread of its own; what it raises is raised here.

    In the pool of `asyncio.to_thread` a call that hangs takes another's place, and a few of them everybody's. Whoever ceases to
    wait leaves the thread behind; it keeps nobody from ending.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def settle(settled: Callable[[Any], None], value: object) -> None:
        if not result.done():
            settled(value)

    def work() -> None:
        settled: Callable[[Any], None] = result.set_result
        try:
            value: object = function(*arguments)
        except Exception as error:  # noqa: BLE001 - it is raised again where the result is waited for
            settled, value = result.set_exception, error
        # Once the loop is closed, nobody waits any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, settled, value)

    threading.Thread(target=work, name=getattr(function, "__name__", "work"), daemon=True).start()
    return await result


async def within(seconds: float, work: Awaitable[T]) -> T | None:
    """What `work` gives, or None after `seconds`; a future goes on being worked at, a coroutine is cancelled."""
    try:
        async with asyncio.timeout(seconds):
            return await (asyncio.shield(work) if isinstance(work, asyncio.Future) else work)
    except TimeoutError:
        return None


class LoopCalls:
    """What other threads ask of an event loop. What they ask before there is one is done as it begins."""

    def __init__(self) -> None:
        self._calls: deque[Callable[[], object]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        loop.call_soon(self._do)

    def do(self, function: Callable[[], object]) -> None:
        """On the loop, soon; on any thread."""
        self._calls.append(function)
        if self._loop is not None:
            # The loop may just have been closed: then there is nothing left to ask for.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._do)

    def _do(self) -> None:
        while self._calls:
            self._calls.popleft()()


class Background:
    """Calls done one after the other in a thread of their own. If one hangs, those behind it wait, and nobody else does."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: queue.SimpleQueue[tuple[Callable[..., None], tuple[Any, ...]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def do(self, function: Callable[..., None], *arguments: object) -> None:
        """`function(*arguments)`, some time soon; it must not raise."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        self._calls.put((function, arguments))

    def close(self) -> None:
        """What was asked for before is still done; nobody waits for it."""
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            function, arguments = call
            function(*arguments)


def done_within(seconds: float, function: Callable[[], object]) -> bool:
    """Whether `function`, which raises nothing, was done after `seconds` at most; it goes on if it was not."""
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()
