"""Samples a Java program with async-profiler's library where the user has it (`async_profiler.py`), else with a small agent inside its JVM;
`agent/Stacks.java` says how that weighs. What follows is about the agent.

What it counts: CPU time of the program's own threads, or with `--mode wall` the time of every thread of the program, waiting or
not. The JVM's compiler and garbage collector threads are in neither, so a total is less than what the system says of the process.

Polls see stacks at the JVM's safepoints only, so a method that the JIT inlines counts for its caller: where Sat4j solves,
`Solver.reduceClausesForFalsifiedLiteral` for 81% of the self time, and not for 17%. `--java-inlined` has the JVM's Flight Recorder beside the
polls, which sees such methods, but neither how much a thread used nor some kinds of code: the polls' time is spread over its samples, second
by second (`agent/Pending.java`), and what is seen is a second or two old. It costs a second of CPU time to begin, and made programs of 10 s
slower by 10% (one thread) and 15 to 19% (two, on two cores), so a program that has not asked for it gets it when that is 2% of what it has used. On Java 25 it gives allocation some 5 points too much. The
code that the JVM itself has for a method counts for that method: `BigInteger.oddModPow`, say, where `perf` finds `montgomery_square`.

The agent is loaded by `-agentlib:instrument=`, which leaves the JVM's modules and archives of classes as they are (`runtime.py`,
`agent_option`). What the main thread has used before `main` is known and not counted; where its first tenth of a second went is seen without
the JVM's management classes, which take so long to load (`agent/FirstLooks.java`). Pauses between looks spread over more than a period, and CPU time is spread evenly over the
looks of about a window that met the thread running (`agent/Account.java`), so no program is in step with them: loops of 5 to 40 ms get 50/33/17
where that is true. Of a thread that works in bursts more looks are made, most of which read clocks alone. Where more threads want to run than
there are cores, what comes first in a burst still gets too little, some 13 for 20, which is said.

Options at the start give loops a safepoint that have none under the collectors Serial and Parallel; in a JVM that runs already such a
loop counts for whoever called its method. Of a stack of more than 256 frames the innermost are shown, and the
outermost as they were found at the last look at all of it, which is taken so rarely that the program stands still for at most 1% of the time.

How much a thread used is exact, also of one that computes in short bursts; where, is as good as it is met running. One that never
is counts for the program's frame that called what it waits in. Threads that end before they are met count, on Linux, for those
like them that were. Virtual threads are sampled by the Flight Recorder alone, begun when the first is met, and as one thread;
those that wait are not seen.

The last window arrives at every end that runs shutdown hooks: return, `System.exit`, an uncaught exception, SIGTERM, SIGINT, SIGHUP.
`Runtime.halt`, SIGKILL and a crash of the JVM lose the last half second, or two with the Flight Recorder. JVMs that the program starts
are not followed.

Into a JVM that runs already the agent is loaded, and when we leave, its threads and descriptors go. What stays is the JVM's own, and
idle: the thread that listened to us, the instrumentation library, one small class, and the Flight Recorder if it had to be begun.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...events import Note, Warned
from ...processes import mapped_files, process_cpu_ns, process_end
from ...settings import Mode
from ..sampler import CannotStart, Launch, SamplingFailed
from .agent_start import ASKS, SAMPLES, agent_options, most_percent
from .async_profiler import find_async_profiler
from .attach import load_agent, running_java
from .beats import STEADY
from .crowding import SATURATED, Crowding
from .frames import JavaCounts, WindowReader
from .jfr import MalformedRecording
from .options import JavaOptions, java_options
from .programs import class_path_folders, main_class_source, named_program, new_program, running_program
from .recordings import Recordings
from .runtime import JavaRuntime, NoAgent, agent_jar, find_java
from .sources import JavaSources
from .unseen import InlinedMethods, UnseenThreads

if TYPE_CHECKING:
    from ..sampler import Context, Process

FLUSH_S = 0.3
LEAVE_S = 1.0
"""How long an agent in a program that runs on may take to end."""
SILENCE_S = 1.7
"""Without samples for so long, the user is told why there are none."""
_SLOW_START_S = 13.0
"""How much longer a JVM may take to start where we do not know why it is silent."""
_LOOK_AGAIN_S = 1.0
_UNTOLD = ", inlined methods count for their callers"
_START_S = 1.5
"""A JVM that has used more has begun to work."""
_ALL_S = 1e6
"""More than any program has used."""
_JVM_END_S = 1.0
_READ_BYTES = 65_536
MAX_TIMER_HZ = 250
"""Timers of threads are looked at when the kernel's clock ticks."""


class JavaSampler:
    def __init__(self, context: Context) -> None:
        self.name = "Java agent"
        self._context = context
        self._settings = context.settings
        self._samples: int | None = None
        """Our end of the pipe the agent writes to."""
        self._asks: int | None = None
        self._pipes: list[Path] = []
        self._counts: JavaCounts | None = None
        self._reader: WindowReader | None = None
        self._recordings: Recordings | None = None
        """Where async-profiler takes the samples, and no agent of ours is there."""
        self._closed = asyncio.Event()
        self._greeted = False
        self._pid = 0
        self._window_came = asyncio.Event()
        self._has_handed_over = False
        self._indexing: asyncio.Task[None] | None = None
        self._jar: Path | None = None
        self._options = ""
        """What the agent is told at its start."""
        self._failure = ""
        self._told = JavaOptions((), are_known=True)
        self._is_slowed = False
        self._is_blind = False
        self._unseen = UnseenThreads(context)
        self._inlined_from_s: int | None = None
        """What the program has to use of the CPU before the Flight Recorder is worth its cost; None if it is not begun by itself."""
        self._untold = self._inlined_methods(None)

    async def prepare(self) -> Launch:
        settings = self._settings
        if settings.pid is None:
            java = await find_java(settings.runtime, os.environ)
            find = named_program if settings.command else new_program
            program = find(settings.program, settings.working_folder, java)
        else:
            java = running_java(settings.pid)
            program = running_program(settings.program, settings.working_folder)
        roots = class_path_folders(settings.runtime_arguments, settings.working_folder)
        is_source = program is not None and program.suffix != ".jar"
        sources = JavaSources(
            settings.working_folder, [*roots, *([program.parent] if program else [])], program if is_source else None
        )
        target = ("-jar", settings.program) if program and not is_source else (settings.program,)
        command = settings.command or (*settings.runtime_arguments, *target, *settings.arguments)
        source_file = program if is_source else main_class_source(program, settings.program, sources)
        self.name = f"agent in Java {java.version}".rstrip()
        if java.missing_modules:
            missing = " and ".join(java.missing_modules)
            reason = f"{java.executable} was made without {missing}, so the program runs unprofiled; name a full JDK with --java"
            return Launch((java.executable, *command), source_file=source_file, unprofiled=reason)
        if settings.java_inlined and not java.has_recorder:
            raise CannotStart(
                f"{java.executable} has no Flight Recorder that tells inlined methods; use Java 17 or newer, with the module jdk.jfr"
            )
        words = settings.command or settings.runtime_arguments
        told = java_options(_before(settings.program, words), os.environ, settings.working_folder)
        if settings.pid is None and (why := told.why_no_agent):
            return Launch((java.executable, *command), source_file=source_file, unprofiled=why)
        self._told = told
        self._counts = JavaCounts(self._context.recorder, sources, round(1e9 / settings.rate_hz))
        if loading := await self._async_profiler(java):
            self._indexing = asyncio.create_task(asyncio.to_thread(sources.index))
            return Launch((java.executable, loading, *command), source_file=source_file)
        if settings.pid is None and (why := told.why_no_java_agent):
            return Launch((java.executable, *command), source_file=source_file, unprofiled=why)
        if settings.mode is Mode.CPU and not settings.java_inlined and settings.pid is None:
            self._inlined_from_s = java.recorder_from_s
        self._untold = self._inlined_methods(0 if settings.java_inlined else self._inlined_from_s)
        try:
            agent = await self._agent(java)
        except NoAgent as error:
            return Launch((java.executable, *command), source_file=source_file, unprofiled=str(error))
        try:
            folder = self._open_pipes()
        except OSError as error:
            reason = f"No pipe for Java's samples can be made ({error}); the program runs unprofiled"
            return Launch((java.executable, *command), source_file=source_file, unprofiled=reason)
        self._reader = WindowReader(self._counts, self._take_message)
        self._indexing = asyncio.create_task(asyncio.to_thread(sources.index))
        # JAVA_TOOL_OPTIONS would do without the command line, but then the JVM prints what it picked up on stderr.
        self._jar, self._options = (
            agent,
            agent_options(self._agent_mode, settings.rate_hz, str(folder)),
        )
        inlined = settings.java_inlined or self._inlined_from_s is not None
        seen = java.options_to_see(told.words, inlined=inlined)
        argv = (java.executable, *seen, f"{java.agent_option(told)}{agent}={self._options}", *command)
        return Launch(argv, source_file=source_file)

    async def sample(self, process: Process) -> None:
        counts, indexing = self._counts, self._indexing
        assert counts is not None, "a launch that is unprofiled is not sampled"
        assert indexing is not None, "a launch that is unprofiled is not sampled"
        counts.begin(process.pid)
        self._pid = process.pid
        await indexing
        watching = asyncio.create_task(self._tell_saturation(process.pid))
        try:
            await self._take_samples(process.pid)
        finally:
            watching.cancel()

    async def _take_samples(self, pid: int) -> None:
        if self._recordings is not None:
            await self._follow(pid, self._recordings)
            return
        samples = self._samples
        assert samples is not None, "a launch that is unprofiled is not sampled"
        loop = asyncio.get_running_loop()
        loop.add_reader(samples, self._read)
        if self._settings.pid is not None:
            assert self._jar is not None, "a launch that is unprofiled is not sampled"
            await load_agent(pid, self._jar, f"{self._jar}\n{self._options}")
        silence = asyncio.create_task(self._tell_silence(pid))
        closed, ended = (asyncio.create_task(end) for end in (self._closed.wait(), process_end(pid)))
        try:
            await asyncio.wait({closed, ended}, return_when=asyncio.FIRST_COMPLETED)
            # The JVM closes the pipe a moment before it is gone.
            await asyncio.wait({ended}, timeout=_JVM_END_S)
            if not ended.done():
                reason = f": {self._failure}" if self._failure else ""
                raise SamplingFailed(f"The agent in the JVM has ended{reason}", final=True)
            while self._read():
                pass
            self._tell_what_is_untrue()
        finally:
            silence.cancel()
            closed.cancel()
            ended.cancel()
            self._context.ledger.leaves(pid)
            self._stop_reading()
            self._context.sampling(False)

    async def _async_profiler(self, java: JavaRuntime) -> str | None:
        """The option that loads async-profiler, where the user has it and it is of use."""
        settings = self._settings
        if settings.mode is not Mode.CPU or settings.pid is not None or settings.java_inlined:
            return None
        found = await find_async_profiler(settings.async_profiler, os.environ)
        if found is None:
            return None
        why_not = found.why_not(java.major or 0)
        if why_not is None and not java.takes_libraries(self._told):
            why_not = "this Java, or an option of its command line, leaves no place for it"
        folder = self._context.private_folder()
        if why_not is None and "," in str(folder):
            why_not = f"a comma ends the name of a file for it, and its own would be in {folder}"
        if why_not:
            self._context.emit(Note(f"async-profiler {found.version} is not used: {why_not}"))
            return None
        rate_hz = min(settings.rate_hz, MAX_TIMER_HZ)
        assert self._counts is not None, "made just before"
        period_ns = round(1e9 / rate_hz)
        told = (self._begin_recording, self._tell_start, partial(self._context.doubt, STEADY))
        self._recordings = Recordings(self._counts, folder, period_ns, *told)
        self.name = f"async-profiler {found.version} in Java {java.version}".rstrip()
        return found.option(rate_hz, folder)

    def _begin_recording(self) -> None:
        self._greeted = True
        self._context.sampling(True)
        # It is there from the JVM's start.
        self._context.ledger.covers(self._pid, already_s=(process_cpu_ns(self._pid) or 0) / 1e9)

    def _tell_start(self, used_s: float) -> None:
        self._context.ledger.threads(self._pid, {}, before_s=used_s)

    async def _follow(self, pid: int, recordings: Recordings) -> None:
        silence = asyncio.create_task(self._tell_silence(pid))
        following, ended = asyncio.create_task(recordings.follow(pid)), asyncio.create_task(process_end(pid))
        try:
            await asyncio.wait({following, ended}, return_when=asyncio.FIRST_COMPLETED)
            following.cancel()
            if following.done() and not following.cancelled():
                following.result()
            recordings.take()
        except MalformedRecording as error:
            raise SamplingFailed(
                f"async-profiler has written {error}; --async-profiler off does without it", final=True
            ) from None
        finally:
            for task in (silence, following, ended):
                task.cancel()
            self._context.ledger.leaves(pid)
            self._context.sampling(False)

    async def flush(self) -> None:
        if self._asks is None or not self._greeted:
            return
        self._window_came.clear()
        with contextlib.suppress(OSError, TimeoutError):
            os.write(self._asks, b"?")
            async with asyncio.timeout(FLUSH_S):
                await self._window_came.wait()

    async def close(self) -> None:
        if self._indexing:
            await self._indexing
        self._stop_reading()
        # First, so that an agent that comes late finds nobody instead of waiting for somebody.
        for pipe in self._pipes:
            pipe.unlink(missing_ok=True)
        if self._settings.pid is not None and self._greeted:
            await self._dismiss()
        for descriptor in (self._samples, self._asks):
            if descriptor is not None:
                os.close(descriptor)
        self._samples = self._asks = None

    async def _dismiss(self) -> None:
        """Tell the agent to end, and return when nothing of it runs any more; without us it would take it half a second."""
        assert self._samples is not None, "an agent that has greeted has done so on our pipe"
        assert self._asks is not None, "an agent that has greeted has done so on our pipe"
        with contextlib.suppress(OSError, TimeoutError):
            os.write(self._asks, b"!")
            async with asyncio.timeout(LEAVE_S):
                while not self._closed.is_set():
                    with contextlib.suppress(BlockingIOError):
                        if not os.read(self._samples, _READ_BYTES):
                            return
                    await asyncio.sleep(0.01)

    async def _agent(self, java: JavaRuntime) -> Path:
        """The compiled agent, kept between runs where there is a cache to keep it in. Raises `NoAgent`."""

        def note(javac: str) -> None:
            self._context.emit(Note(f"Compiling the Java agent with {javac} (about a second, once)"))

        inlined = self._settings.java_inlined or self._inlined_from_s is not None
        why: object = "the folders that there are have a = in their path, which ends the name of an agent"
        for folder in (self._context.cache_folder, self._context.private_folder):
            try:
                place = folder()
                if "=" not in str(place):
                    return await agent_jar(java, place, note, inlined=inlined)
            except OSError as error:
                why = error
        raise NoAgent(f"There is no folder for the Java agent ({why}), so the program runs unprofiled")

    def _open_pipes(self) -> Path:
        """Make the pipes and open our ends, so that the agent finds somebody there. Gives their folder."""
        folder = self._context.private_folder()
        self._pipes = [folder / SAMPLES, folder / ASKS]
        made = self._context.made
        if SAMPLES in made:
            self._samples, self._asks = made[SAMPLES], made[ASKS]
            return folder
        for pipe in self._pipes:
            os.mkfifo(pipe, 0o600)
        self._samples = os.open(self._pipes[0], os.O_RDONLY | os.O_NONBLOCK)
        # For reading, too: else it could not be opened before somebody reads.
        self._asks = os.open(self._pipes[1], os.O_RDWR | os.O_NONBLOCK)
        return folder

    def _read(self) -> bool:
        """Read what there is; whether there may be more."""
        assert self._reader is not None, "called between prepare and close"
        assert self._samples is not None, "called between prepare and close"
        try:
            data = os.read(self._samples, _READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._stop_reading()
            self._closed.set()
            return False
        self._reader.feed(data)
        return True

    def _stop_reading(self) -> None:
        # Not once the descriptor is closed: its number may be somebody else's by then.
        if self._samples is not None:
            asyncio.get_running_loop().remove_reader(self._samples)

    def _take_message(self, kind: str, fields: list[str]) -> None:
        if kind == "w":
            self._window_came.set()
            self._has_handed_over = True
            self._note_pace(int(fields[1]))
            self._unseen.weigh()
            self._untold.weigh()
        elif kind == "hello":
            self.name = f"agent in Java {fields[0]}{'' if self._settings.java_inlined else _UNTOLD}"
            self._greeted = True
            self._context.sampling(True)
            if self._pid:
                self._tell_ledger(int(fields[1]))
        elif kind == "i" and not self._untold.are_told:
            self.name = self.name.removesuffix(_UNTOLD)
            seconds = self._untold.begin()
            if self._settings.java_inlined:
                return
            text = "The Flight Recorder tells inlined methods from now on; so far"
            self._context.emit(Note(f"{text}, for {seconds:.0f} s of CPU time, they have counted for their callers"))
        elif kind == "v":
            self._unseen.add(int(fields[0]))
        elif kind == "failed":
            self._failure = fields[0]
        elif kind == "r" and not self._is_blind:
            self._is_blind = True
            asked = self._settings.java_inlined or self._inlined_from_s is not None
            self.name = self.name.removesuffix(_UNTOLD) + _UNTOLD
            self._untold.never()
            blind = "inlined methods count for their callers" if asked else "virtual threads show as their carriers"
            self._context.emit(Note(f"This JVM's Flight Recorder does not run ({fields[0]}): {blind}"))

    def _tell_ledger(self, before_ns: int) -> None:
        """`before_ns`: what of the process's CPU time is before `main` began, after which samples are taken; -1 if that is unknown.

        A short program may be over by now, and its clock gone.
        """
        ledger = self._context.ledger
        ledger.covers(self._pid, already_s=0.0 if before_ns < 0 else _ALL_S)
        if before_ns > 0:
            ledger.threads(self._pid, {}, before_s=before_ns / 1e9)

    def _note_pace(self, period_ns: int) -> None:
        if period_ns > 2e9 / self._settings.rate_hz and not self._is_slowed:
            self._is_slowed = True
            text = f"Looking at the JVM's threads takes more than {most_percent(self._settings.rate_hz)}% of a core: samples are taken every {period_ns / 1e6:.0f} ms now"
            self._context.emit(Note(f"{text} and weigh more"))

    @property
    def _agent_mode(self) -> str:
        if self._inlined_from_s is not None:
            return f"cpu+{self._inlined_from_s}"
        return "inlined" if self._settings.java_inlined else self._settings.mode

    def _inlined_methods(self, from_s: int | None) -> InlinedMethods:
        return InlinedMethods(self._context, from_s, lambda: self._counts.total if self._counts else 0)

    def _tell_what_is_untrue(self) -> None:
        if self._greeted and not self._has_handed_over:
            self._context.emit(
                Note(
                    "No samples: the JVM ended at once, by Runtime.halt or a signal say, before its first half second was handed over"
                )
            )
        if not self._is_blind:
            self._unseen.tell()
        self._untold.weigh(is_end=True)

    async def _tell_saturation(self, pid: int) -> None:
        if self._settings.mode is Mode.CPU:
            await Crowding(pid).until_saturated(self._context.clock)
            self._context.doubt(SATURATED)

    async def _tell_silence(self, pid: int) -> None:
        """Say why there are no samples, if there are none."""
        await asyncio.sleep(SILENCE_S)
        until_s = time.monotonic() + _SLOW_START_S
        while not self._greeted:
            why = self._why_silent(pid)
            # On a busy machine a JVM takes its time.
            if why or time.monotonic() > until_s:
                self._context.emit(
                    Warned(f"The JVM has sent nothing so far: {why or 'it is slow, or our agent does not run in it'}")
                )
                return
            await asyncio.sleep(_LOOK_AGAIN_S)
        if not self._context.recorder.run.total:
            used_s = (process_cpu_ns(pid) or 0) / 1e9
            why = (
                f"the threads of the program wait or get no core (its process has used {used_s:.1f} s of CPU, to start)"
            )
            if used_s > _START_S:
                why = f"threads that work leave our agent no core to begin on (the process has used {used_s:.1f} s of CPU)"
            self._context.emit(Note(f"No samples so far: {why}"))

    def _why_silent(self, pid: int) -> str:
        """As a clause, with what to do about it; empty if it may just be slow."""
        named = self._settings.runtime
        library = next((file for file in mapped_files(pid) if file.endswith("/libjvm.so")), None)
        if named and not library:
            return f"{named} has not started Java; if it is a script, it must run java and pass its arguments on"
        if self._recordings is not None:
            return "async-profiler does not record; --async-profiler off does without it"
        if named and str(self._jar).encode() not in _command_line(pid):
            return f"{named} does not pass its arguments on, by which our agent is loaded"
        if self._told.sets_security_manager:
            return (
                f"-Djava.security.manager keeps our agent out; leave it out, or let its policy grant"
                f' codeBase "file:{self._jar}" permission java.security.AllPermission'
            )
        return ""


def _before(program: str, words: tuple[str, ...]) -> tuple[str, ...]:
    return words[: words.index(program)] if program in words else words


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
