"""Go's CPU profiles -> counts: what `GoSampler` and `ServiceSampler` make of each window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...profile.stacks import Frame

if TYPE_CHECKING:
    from ...profile.threads import Labels
    from ..sampler import Context
    from .build import GoProgram

WINDOW_S = 1.0
"""The length of a window in which the program works (`_go_exit_new.go`); shorter ones say so."""
MAX_LABEL_SETS = 1_000
"""Told apart in one run; programs that label each request with its number have more."""
_OTHER_LABELS = (("(other labels)", ""),)
_OWN_GOROUTINES = ("runtime.runMultiLangProfiler", "runtime/pprof.allGoroutinesParked.")
_NATIVE = Frame("(threads of C)", "")
_LOST_SAMPLES = "runtime/pprof.lostProfileEvent"
_PREEMPTED = "runtime.asyncPreempt"
"""The call that the runtime inserts to take a goroutine off its thread. Where the signal for that comes along with the one for
the sample, as on a busy machine every other one does, the sample is of this call; the time was its caller's."""


class WindowCounts:
    """Puts windows into the recorder."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._folders: dict[str, Path] = {}
        """As in `GoProgram`."""
        self._library: Path | None = None
        self._files: dict[str, str] = {}
        """File as the program names it -> the absolute path of its text."""
        self._labels: set[Labels] = {()}
        self._carry = 0
        """What the scaling of sample counts left over; see `_scaled`."""

    def know(self, program: GoProgram) -> None:
        """Windows to come are of `program`, so that its files can be found."""
        self._folders, self._library = program.folders, program.toolchain.root / "src"
        self._files.update(program.replaced)

    def record(self, pid: int, window: bytes) -> tuple[int, float]:
        """Count the samples of `window`, a pprof profile that process `pid` has just completed.

        Gives how many samples, at the rate asked for, it held, and the seconds it was taken over; 0.0 where it does not say.
        Raises `MalformedProfile`.
        """
        from .pprof_reader import read_profile  # noqa: PLC0415 - under most commands none comes

        profile = read_profile(window)
        recorder = self._context.recorder
        table = recorder.table
        now_s = self._context.clock.monotonic()
        # One of a program that has waited began long ago, but is sent as soon as there is something in it.
        taken_s = now_s - min(profile.duration_ns / 1e9, WINDOW_S), now_s
        interned = {
            location: [table.frame(self._known(frame)) for frame in reversed(frames)]
            for location, frames in profile.locations.items()
        }
        looks = total = 0
        for locations, count, labels in profile.samples:
            samples = self._scaled(count, profile.period_ns)
            frames = [frame for location in locations for frame in profile.locations[location]]
            if frames and frames[0].function == _LOST_SAMPLES:
                recorder.lose(samples)
                continue
            looks += count
            total += samples
            if samples and not (frames and frames[-1].function.startswith(_OWN_GOROUTINES)):
                stack = [frame for location in reversed(locations) for frame in interned[location]]
                if len(stack) > 1 and frames[0].function == _PREEMPTED:
                    stack.pop()
                recorder.add(self._thread(pid, labels), table.stack(stack), samples, taken_s)
        recorder.look(looks, looks * profile.period_ns / 1e9)
        return total, profile.duration_ns / 1e9

    def record_native(self, pid: int, cpu_ns: int) -> None:
        """Count what threads that C code has made in process `pid` have used in about the last second: nobody knows on what."""
        samples = self._scaled(1, cpu_ns) if cpu_ns else 0
        if samples:
            recorder = self._context.recorder
            table, now_s = recorder.table, self._context.clock.monotonic()
            stack = table.stack([table.frame(_NATIVE)])
            recorder.add(table.thread(pid, 1, "threads of C"), stack, samples, (now_s - WINDOW_S, now_s))

    def _thread(self, pid: int, labels: Labels) -> int:
        """Go's profiles tell no threads apart: all are one, with as many entries as there are sets of pprof labels."""
        if labels not in self._labels:
            if len(self._labels) >= MAX_LABEL_SETS:
                labels = _OTHER_LABELS
            self._labels.add(labels)
        return self._context.recorder.table.thread(pid, 0, "goroutines", labels)

    def _scaled(self, count: int, period_ns: int) -> int:
        """`count` samples of `period_ns`, in periods of the rate asked for: `StackCounts` knows only those.

        The periods differ where the machine is slower, while the program takes a profile of itself, which is at 100 Hz, and
        with the CPU time that the kernel says the process used: see `weigh` in `_go_sampler.go`.
        """
        rate_hz = self._context.settings.rate_hz
        samples, self._carry = divmod(
            count * (period_ns or 1_000_000_000 // rate_hz) * rate_hz + self._carry, 1_000_000_000
        )
        return samples

    def _known(self, frame: Frame) -> Frame:
        """`frame` as its users know it: with an absolute path, and `main.Map[...]` where the compiler has shapes of types."""
        name, file = frame.function, frame.file
        if "[" in name[1:]:
            # As runtime.funcNameForPrint does for stack traces.
            name = f"{name[: name.index('[')]}[...]{name[name.rfind(']') + 1 :]}"
        if file in self._files or not file.startswith("/"):
            file = self._files.get(file) or self._files.setdefault(file, self._absolute(file))
        return Frame(name, file, frame.line, frame.first_line)

    def _absolute(self, file: str) -> str:
        """The path of a file that `-trimpath` made relative; `file` as it is if it is not found."""
        folder, _, name = file.rpartition("/")
        place = self._folders.get(folder)
        if place is None and self._library is None:
            return file
        path = place / name if place else Path(self._library or "", file)
        return str(path) if path.is_file() else file
