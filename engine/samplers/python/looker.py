"""The helper process that looks at Python processes from outside: `main(MODE, RATE, FOLDER[, PID])`.

Apart from us, so that neither the screen nor a report delays a look. It reads commands, one a line, from standard input:
`add PID MAJOR MINOR`, `leave PID`, `flush NUMBER`, `waits` (tell of waiting, too), and ends with that. It writes messages, each with its length in bytes before it
(`outlet.LENGTH`), as `marshal` has them: we run in the same interpreter, and to load what reads JSON would double the time until the first look.

    {"stacks": [[[name, file, first_line, line], …root first] …]   new ones, numbered on from 0
     "samples": [[pid, tid, stack, looks, ns] …],   CPU time
     "waits": [[pid, tid, stack, looks, ns] …],   time that threads did not run, and that tasks waited (with 0 looks)
     "threads": [[pid, tid, name] …], "lost": n, "saturated": bool,
     "locks": [[stack, [looks by state, as in `gil`]] …],
     "tasks": [[pid, [`TaskNow` …]] …]}   asyncio's tasks, about once a second
    {"untold": pid, "library": name}   it has that, of whose tasks nothing can be told
    {"met": pid, "threads": [tid …]}   Python threads of which nothing was said so far, whether there are samples of them or not
    {"added": pid, "used_ns": ns}   by then   {"gone": pid, "left_ns": ns}   {"refused": pid, "why": text}   {"flushed": number}
    {"failed": text}   the last one, where a fault of our own ends us: what, and where

It looks at random moments, one in each period: a beat of its own would meet a program's own beat always at the same places.
"""

from __future__ import annotations

import os
import resource
import select
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from .collector import FINALIZER
from .interpreter_state import find_interpreters
from .layout import UnknownLayout
from .memory import Closed, Unreadable
from .outlet import Outlet
from .promptness import ask_for_promptness, give_way
from .runtime import version_of
from .thread_clock import OwnTurn, live_threads, process_cpu_ns
from .waits import EACH, SOME
from .watched import Lost, Watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .interpreter_state import RawStack
    from .qualified_names import QualifiedNames
    from .task_watch import TaskNow

GARBAGE_COLLECTOR = "(garbage collector)"
OTHER_CALLERS = "(other callers)"

_FIRST_FLUSH_S, _YOUNG_FLUSH_S, _FLUSH_S, _UNSEEN_FLUSH_S = 0.03, 0.2, 0.5, 1.0
"""For the first samples somebody waits: a screen, say. Later pictures are made each second, and to hand over costs both sides as much as some looks; the last is where nobody asked for waiting, and so has no screen."""
_YOUNG_S = 5.0
_TUNE_S = 0.1
_START_PATIENCE_S = 3.0
"""An interpreter that starts can be read after so long, or never."""
_START_PAUSE_S = 0.002
_IDLE_S = 3_600.0
_STAY_S = 0.2
"""On a processor at least, whoever we take it from: where all are busy another is no better."""
_MAX_HASTE = 8.0
"""On a busy machine most looks meet nobody running; so many times as often is then looked."""
_TELLING_LOOKS = 8.0
"""Of so many that there should have been, those that there were tell whether to look more often."""
_BASE_SHARE, _LOOK_S, _MAX_SHARE = 0.03, 60e-6, 0.5
"""Of a processor, at most, to look: so much, and this for each look that was asked for; together no more than the last."""
_KEPT = 0.8
"""Of what looking took before, at each tuning."""
_MAX_KNOWN_STACKS = 100_000
_COMMAND_BYTES = 65_536
_TOLD_PLACES = 4
_MAX_OPEN = 1 << 16


class Looker:
    def __init__(self, rate_hz: int, working_folder: str, *, wall: bool) -> None:
        self._period_s = 1 / rate_hz
        self._rate_hz = rate_hz
        self._working_folder = working_folder
        self._waits = EACH if wall else ""
        """As `Waits.wanted`."""
        self._watched: dict[int, Watched] = {}
        self._starting: dict[int, tuple[tuple[int, int] | None, float]] = {}
        self._names: QualifiedNames | None = None
        """For Python before 3.11."""
        self._stacks: dict[tuple[object, ...], int] = {}
        """Stacks already told, by their frames' names."""
        self._raw: dict[int, tuple[int, dict[RawStack, int]]] = {}
        """The same as they stand in memory, for each process, and the generation of its code."""
        self._next_stack = 0
        self._new_stacks: list[list[tuple[str, str, int, int]]] = []
        self._told_threads: dict[tuple[int, int], str] = {}
        """What each was last said to be called."""
        self._met: dict[int, set[int]] = {}
        """For each process, the threads that were told of as Python's."""
        self._tasks: dict[int, list[TaskNow]] = {}
        """Of each process, as they are to be told of."""
        self._haste = 1.0
        self._thrift = 1.0
        self._own_turn = OwnTurn()
        self._outlet = Outlet(1)
        self._chance = _Chance()
        self._unread = b""
        self._has_told = self._has_ended = False
        self._moved_s = 0.0
        """When we went to another processor last."""
        self._young_until_s = 0.0
        """Until then a process is new."""

    def run(self) -> None:
        """Until standard input ends."""
        slot_s = flushed_s = tuned_s = time.monotonic()
        turn = self._own_turn
        # To load us is no look.
        self._cpu_s = time.thread_time()
        while not self._has_ended:
            now_s = time.monotonic()
            if self._starting:
                self._start(now_s)
            if not self._watched:
                slot_s = now_s
                self._wait(_START_PAUSE_S if self._starting else _IDLE_S)
                continue
            period_s = self._period_s / self._haste * self._thrift
            flush_s = self._flush_s(now_s)
            alone = self._alone
            if alone and (left_s := min(flushed_s + flush_s, alone.tasks.due_s) - now_s) > period_s:
                slot_s = self._look_quickly(alone, slot_s, period_s, left_s)
            else:
                slot_s = self._look_once(slot_s, period_s)
            now_s = time.monotonic()
            if turn.has_displaced and self._is_to_move(now_s):
                turn.has_displaced = False
                self._moved_s = now_s
                give_way()
            if now_s - flushed_s >= flush_s:
                self._flush(now_s)
                flushed_s = now_s
            if now_s - tuned_s >= _TUNE_S:
                self._tune(now_s - tuned_s)
                tuned_s = now_s
        self._flush(time.monotonic(), is_end=True)
        self._outlet.finish()

    def fail(self, error: Exception) -> None:
        """Tell what ends us, and the innermost places that it came from."""
        places, trace = [], error.__traceback__
        while trace is not None:
            places.append(f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}")
            trace = trace.tb_next
        self._outlet.write({"failed": f"{type(error).__name__} {error} in {', '.join(places[:-_TOLD_PLACES:-1])}"})
        self._outlet.finish()

    def _flush_s(self, now_s: float) -> float:
        if not self._has_told:
            return _FIRST_FLUSH_S
        if now_s < self._young_until_s:
            return _YOUNG_FLUSH_S
        return _FLUSH_S if self._waits else _UNSEEN_FLUSH_S

    @property
    def _alone(self) -> Watched | None:
        """The only process, where quick looks do for now."""
        if len(self._watched) != 1 or self._starting:
            return None
        (watched,) = self._watched.values()
        return watched if watched.quick is not None else None

    def _look_once(self, slot_s: float, period_s: float) -> float:
        """One look in each period, at a moment of its own in it, which begins at `slot_s`; gives when the next one does."""
        now_s = time.monotonic()
        due_s = slot_s + self._chance() * period_s
        self._own_turn.pause()
        self._looks_taken += 1
        # Who looks must not be held up by who reads.
        if select.select([0], [], [], max(0.0, due_s - now_s))[0]:
            self._obey()
        self._look(time.monotonic())
        return max(slot_s + period_s, now_s)

    def _look_quickly(self, watched: Watched, slot_s: float, period_s: float, left_s: float) -> float:
        """The same for so long, or until something is not as it was; in as few steps as may be, for after each pause all is cold."""
        assert watched.quick is not None, "only who is alone is looked at so"
        self._own_turn.pause()
        shares = [self._chance() for _ in range(int(left_s / period_s))]
        run = watched.quick.run(shares, slot_s, period_s, self._is_to_move)
        self._looks_taken += run.looks
        if run.is_told:
            self._obey()
        elif not run.is_enough:
            self._look(run.now_s, is_quick=False)
        return run.slot_s

    def _is_to_move(self, now_s: float) -> bool:
        """Whether we may leave our processor to whom we have taken it from."""
        return now_s - self._moved_s > _STAY_S

    def _wait(self, pause_s: float) -> None:
        """Until there is a command, and obey it, or so long, while there is nothing to look at."""
        # Who does nothing else waits for a reader, too.
        is_held = not (self._starting or self._outlet.is_empty)
        has_command, has_reader, _ = select.select([0], [1] if is_held else [], [], pause_s)
        if has_reader:
            self._outlet.drain()
        if has_command:
            self._obey()

    def _obey(self) -> None:
        data = os.read(0, _COMMAND_BYTES)
        self._has_ended = not data
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            verb, *rest = line.decode().split()
            words = [int(word) for word in rest]
            if verb == "add" and words[0] not in self._watched:
                self._starting[words[0]] = ((words[1], words[2]), time.monotonic())
            elif verb == "leave":
                self._starting.pop(words[0], None)
                self._leave(words[0])
            elif verb == "flush":
                self._flush(time.monotonic(), is_end=True)
                self._outlet.write({"flushed": words[0]})
            elif verb == "waits" and not self._waits:
                self._waits = SOME
                for watched in self._watched.values():
                    watched.tell_waits(SOME)

    def begin(self, pid: int) -> None:
        """Look at that process before we are told to, if its files' names tell which Python it runs."""
        self._starting[pid] = None, time.monotonic()

    def _start(self, now_s: float) -> None:
        for pid, (version, since_s) in list(self._starting.items()):
            if version is None and (version := version_of(pid)) is None:
                # It may come yet; else we are told.
                if now_s - since_s > _START_PATIENCE_S:
                    del self._starting[pid]
                continue
            patient = now_s - since_s < _START_PATIENCE_S and bool(live_threads(pid))
            try:
                watched = Watched(
                    find_interpreters(pid, version),
                    self._working_folder,
                    now_s,
                    waits=self._waits,
                    period_ns=self._period_s * 1e9,
                    own_turn=self._own_turn,
                    chance=self._chance,
                )
            except Closed as error:
                self._refuse(pid, str(error))
            except UnknownLayout as error:
                # What starts may be a shell script at first, or not have its libraries yet.
                if not patient:
                    self._refuse(pid, str(error))
            except Unreadable:
                if not patient:
                    self._refuse(pid, "its interpreter cannot be read")
            else:
                if watched.threads or not patient:
                    del self._starting[pid]
                    self._watched[pid] = watched
                    self._young_until_s = now_s + _YOUNG_S
                    self._outlet.write({"added": pid, "used_ns": process_cpu_ns(pid) or 0})

    def _refuse(self, pid: int, why: str) -> None:
        del self._starting[pid]
        # Of one that has ended nothing can be read, which says nothing about it but that it was too short.
        if live_threads(pid):
            self._outlet.write({"refused": pid, "why": why})

    def _look(self, now_s: float, *, is_quick: bool = True) -> None:
        """Where not `is_quick`, that was not enough."""
        for watched in list(self._watched.values()):
            try:
                (watched.look if is_quick else watched.look_whole)(now_s, self._stack_id)
                if now_s >= watched.tasks.due_s:
                    self._look_at_tasks(watched, now_s)
            except (Lost, Closed):
                self._leave(watched.pid)
                if watched.has_become_another:
                    # Who asked us to look would have to find it out first.
                    self.begin(watched.pid)

    def _look_at_tasks(self, watched: Watched, now_s: float) -> None:
        tasks = watched.tasks.look(now_s, time.thread_time, lambda stack: self._stack_id(watched, stack))
        if tasks is not None:
            self._tasks[watched.pid] = tasks
        while watched.tasks.untold:
            self._outlet.write({"untold": watched.pid, "library": watched.tasks.untold.pop()})

    def _qualified(self, name: str, file: str, first_line: int) -> str:
        if self._names is None:
            from .qualified_names import QualifiedNames  # noqa: PLC0415 - what reads source takes 20 ms to load

            self._names = QualifiedNames()
        return self._names.get(name, file, first_line)

    def _leave(self, pid: int) -> None:
        watched = self._watched.pop(pid, None)
        if watched is None:
            return
        self._tell([watched], time.monotonic(), is_end=True)
        watched.close()
        self._raw.pop(pid, None)
        self._met.pop(pid, None)
        self._told_threads = {key: name for key, name in self._told_threads.items() if key[0] != pid}
        self._outlet.write({"gone": pid, "left_ns": watched.held_ns})

    def _flush(self, now_s: float, *, is_end: bool = False) -> None:
        self._tell(list(self._watched.values()), now_s, is_end=is_end)
        self._outlet.drain()

    def _tell(self, processes: list[Watched], now_s: float, *, is_end: bool) -> None:
        samples, waits = [], []
        threads: list[tuple[int, int, str]] = []
        locks: list[tuple[int, list[int]]] = []
        lost = 0
        for watched in processes:
            met = self._met.setdefault(watched.pid, set())
            if new := set(watched.threads) - met:
                met |= new
                self._outlet.write({"met": watched.pid, "threads": sorted(new)})
            paid = set()
            for tid, payment in watched.payments(now_s, is_end=is_end):
                samples.append((watched.pid, tid, payment.stack, payment.looks, int(payment.time_ns)))
                paid.add(tid)
            for tid, payment in watched.wait_payments(now_s, is_end=is_end):
                waits.append((watched.pid, tid, payment.stack, payment.looks, int(payment.time_ns)))
                paid.add(tid)
            locks += watched.gil.told()
            threads += self._new_names(watched, paid, now_s)
            lost += watched.lost_looks
            watched.lost_looks = 0
        if samples or waits or lost or locks or self._tasks:
            self._has_told = True
            saturated = any(watched.load.is_uncertain for watched in processes)
            self._outlet.write(
                {
                    "stacks": self._new_stacks,
                    "samples": samples,
                    "waits": waits,
                    "threads": threads,
                    "lost": lost,
                    "saturated": saturated,
                    "locks": locks,
                    "tasks": [(pid, [tuple(task) for task in tasks]) for pid, tasks in self._tasks.items()],
                }
            )
            self._new_stacks = []
            self._tasks.clear()

    def _new_names(self, watched: Watched, tids: set[int], now_s: float) -> Iterator[tuple[int, int, str]]:
        """Threads of which nothing was said so far, and those that are called otherwise by now."""
        pid, told = watched.pid, self._told_threads
        names = watched.learn_names(now_s, tids)
        for tid in tids:
            name = names.get(tid) or _thread_name(pid, tid)
            if told.get((pid, tid)) != name:
                told[pid, tid] = name
                yield pid, tid, name

    def _tune(self, over_s: float) -> None:
        """Look more often where looks meet nobody running, less often where looking takes too much."""
        in_haste = self._haste > self._thrift * _MAX_HASTE / 2
        for watched in self._watched.values():
            expected, met = watched.tune(in_haste=in_haste)
            self._expected += expected
            self._met_running += met
        if self._expected >= _TELLING_LOOKS:
            wanted = min(2.0, max(0.5, self._expected / max(self._met_running, 1.0)))
            self._haste = min(_MAX_HASTE, max(1.0, self._haste * wanted**0.7))
            self._expected = self._met_running = 0.0
        now_s = time.thread_time()
        # By all that was used, for each look: to hand over, and to ask for names, takes as much at once as many looks.
        kept = _KEPT ** (over_s / _TUNE_S)
        self._used_s = self._used_s * kept + now_s - self._cpu_s
        self._looks = self._looks * kept + self._looks_taken
        self._cpu_s, self._looks_taken = now_s, 0
        most = min(_MAX_SHARE, _BASE_SHARE + self._rate_hz * _LOOK_S)
        least_pause_s = self._used_s / max(1.0, self._looks) / most
        self._thrift = max(1.0, min(2.0 * self._thrift, least_pause_s * self._haste / self._period_s))

    _cpu_s = _expected = _met_running = _used_s = _looks = 0.0
    _looks_taken = 0

    def _stack_id(self, watched: Watched, stack: RawStack) -> int:
        codes = watched.interpreters.codes
        generation, known = self._raw.get(watched.pid, (-1, {}))
        if generation != codes.generation or len(known) > _MAX_KNOWN_STACKS:
            known = {}
            self._raw[watched.pid] = codes.generation, known
        found = known.get(stack)
        if found is None:
            found = known[stack] = self._named_stack(watched, stack)
        return found

    def _named_stack(self, watched: Watched, stack: RawStack) -> int:
        interpreters = watched.interpreters
        is_old = interpreters.layout.version < (3, 11)
        frames: list[tuple[str, str, int, int]] = []
        pairs = list(zip(stack.frames[::2], stack.frames[1::2], strict=True))
        if stack.is_cut:
            frames.append((OTHER_CALLERS, "", 0, 0))
        for address, instruction in reversed(pairs):
            if address < 0:
                frames.append((watched.tasks.label(address), "", 0, 0))
                continue
            code = interpreters.codes.get(address)
            file = watched.paths.absolute(code.file)
            first_line = max(0, code.first_line)
            name = self._qualified(code.name, file, first_line) if is_old else code.name
            frames.append((name, file, first_line, code.line(instruction)))
        if stack.is_collecting:
            # What it calls stands above it, and is no time of its own.
            called = (at for at, frame in enumerate(frames) if frame[0].rpartition(".")[2] == FINALIZER)
            frames.insert(next(called, len(frames)), (GARBAGE_COLLECTOR, "", 0, 0))
        key = tuple(frames)
        found = self._stacks.get(key)
        if found is None:
            if len(self._stacks) > _MAX_KNOWN_STACKS:
                self._stacks.clear()
            found = self._stacks[key] = self._next_stack
            self._next_stack += 1
            self._new_stacks.append(frames)
        return found


class _Chance:
    """From 0 to 1, at random: Knuth's linear congruential generator, for the module for that takes 5 ms to load."""

    def __init__(self) -> None:
        self._state = int.from_bytes(os.urandom(8), "little")

    def __call__(self) -> float:
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) & 0xFFFF_FFFF_FFFF_FFFF
        return (self._state >> 11) / (1 << 53)


def _thread_name(pid: int, tid: int) -> str:
    """As the operating system has it, where that says more than the program's name (Python 3.14 passes its names on)."""
    if pid == tid:
        return "MainThread"
    name = _content(f"/proc/{pid}/task/{tid}/comm")
    return "" if name == _content(f"/proc/{pid}/comm") else name


def _content(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - at a third of pathlib's cost
            return file.read().strip()
    except OSError:
        return ""


def main(mode: str, rate_hz: str, working_folder: str, pid: str = "") -> None:
    # What our starter's starter has left open is not for us to keep open.
    os.closerange(3, _MAX_OPEN)
    os.chdir("/")
    with suppress(ValueError, OSError):
        # Two open files for each thread.
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    ask_for_promptness()
    with suppress(BrokenPipeError):
        looker = Looker(int(rate_hz), working_folder, wall=mode == "wall")
        if pid:
            looker.begin(int(pid))
        try:
            looker.run()
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - nobody reads our standard error: who started us is told
            looker.fail(error)
