"""Signals sent to us: taken in whatever runs in the main thread, and told apart by who sent them.

Ctrl+C makes the terminal signal every process of the foreground group, the program included: passing it on would interrupt the
program twice. `kill -INT` reaches us alone and must be passed on. Only the kernel's siginfo tells the two apart, and only
`sigwaitinfo` shows it, so the signals a terminal can send are blocked and waited for in a thread of their own.
Processes we start inherit the block (samplers outlive a Ctrl+C and hand over their last samples); the program's is undone.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable

from .child import DIRECT_SIGNALS, TERMINAL_SIGNALS

OnSignal = Callable[[int, bool], None]
"""Called with the signal and whether the terminal sent it to the whole group; on any thread."""

_SI_KERNEL = 0x80


def relay_signals(on_signal: OnSignal, blocked_before: Iterable[int] | None = None) -> None:
    """Hand every signal of `child`'s sets to `on_signal` from now on. Call it once, in the main thread, before others start.

    `blocked_before`: those that our starter has blocked, where all of ours have been blocked for the time that it took to come here.
    """
    ignored = {number for number in TERMINAL_SIGNALS if signal.getsignal(number) is signal.SIG_IGN}
    # nohup and shells' background jobs ignore signals on purpose; the program inherits that, and so do we.
    waited = TERMINAL_SIGNALS - ignored
    signal.pthread_sigmask(signal.SIG_BLOCK, waited)
    threading.Thread(target=_wait, args=(waited, on_signal), name="signals", daemon=True).start()
    for number in DIRECT_SIGNALS:
        # With a handler of ours in its place the program would not inherit that it is ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, _frame: on_signal(number, False))
    if blocked_before is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, {*blocked_before, *waited})


def _wait(waited: frozenset[signal.Signals], on_signal: OnSignal) -> None:
    while True:
        info = signal.sigwaitinfo(waited)
        on_signal(info.si_signo, info.si_code == _SI_KERNEL)
