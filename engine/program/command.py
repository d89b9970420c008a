"""The sampler of a command: those of all languages beside each other, each for the programs of its own under the command.

Node.js comes by the environment, Go by a `go` that builds the sampler in, Python from outside, JVMs are attached to as they are found. What cannot be had is said with its
reason; the command never fails for it.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter, deque
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..clock import wait_first
from ..events import Note
from ..processes import environment_at_start, is_java, process_end
from ..profile.command_lines import in_few_words, main_file
from ..profile.places import is_own_code
from ..profile.process_tree import OURS, read_stat, runs_for_us
from ..profile.stacks import Function, ProcessNote
from ..samplers.go.sampler import GoSampler
from ..samplers.node.sampler import PRELOAD, NodeSampler
from ..samplers.sampler import CannotStart, Launch, Process, SamplingFailed
from ..settings import Language
from .executable import find_command
from .keeping import keep_sampling

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..samplers.python.austin import Austin
    from ..samplers.python.interpreter import Interpreter
    from ..samplers.python.looking import Lookings
    from ..samplers.sampler import Context, Sampler

LOOK_INTERVAL_S = 0.1
"""Between looks at what has just come."""
SETTLED_S = 2.0
"""The same where nothing has."""
BY_ENVIRONMENT = ("Node.js", "Go")
"""One sampler for all their programs, which come to it."""
JVM_START_S = 3.0
"""A JVM that takes no agent yet is asked again for so long: it may be starting."""
ATTACH_BURST, ATTACHES_PER_S = 16, 2
"""To attach starts a helper, which takes some 40 ms of CPU time. What comes faster waits, and if it is over by then it was too short."""
MATURE_S = 0.5
LOOK_AT_SHORT_S = 0.2
"""Between looks at a tree of many short processes."""
SHORT_S, MANY_SHORT, SHORT_KEPT_S = 1.0, 3, 20.0
"""Where more than so many that were attached to have ended so soon, in the last so many seconds, only those that have lasted for `MATURE_S` are."""
MAX_SEEN = 4_096
"""Processes that are remembered; more, and those without samples that have ended are forgotten."""
_LOOKS = 8
"""After so many a process that is none of ours so far stays none, unless it becomes another program."""
_HOST_NO_OTHERS = frozenset({"node", "nodejs", "sh", "bash", "dash", "busybox", "env", "go", "make", "git", "sleep"})
"""Programs, by their files, that are neither a Python nor a JVM nor become one by what they load: they need not be looked into."""
_OTHERS = {
    "bun": "Bun",
    "deno": "Deno",
    "beam.smp": "Erlang",
    "dotnet": ".NET",
    "perl": "Perl",
    "php": "PHP",
    "ruby": "Ruby",
    "Rscript": "R",
}
"""Runtimes of other kinds, by their files: they read neither NODE_OPTIONS nor a Python's memory."""
_DRAIN_S = 0.8
"""For the last samples once the command has ended: less than `run` waits for all of us."""


class _Seen:
    """A process under the command, as it was when last looked at."""

    __slots__ = ("command", "folder", "is_ours", "looks", "program", "words")

    def __init__(self, program: str, command: str, words: tuple[str, ...], folder: Path, *, is_ours: bool) -> None:
        self.program = program
        """The file it runs."""
        self.command = command
        """As the ledger has it."""
        self.words = words
        self.folder = folder
        self.is_ours = is_ours
        """It runs for us."""
        self.looks = 0


class CommandSampler:
    """A `Sampler`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._samplers: dict[str, Sampler] = {}
        """By what they sample: all Node.js programs, or one process."""
        self._at_work: set[str] = set()
        """Those that take samples now."""
        self._attached: dict[int, asyncio.Task[None]] = {}
        self._seen: dict[int, _Seen] = {}
        self._austins: dict[Interpreter, Austin] = {}
        self._lookings: Lookings | None = None
        """One helper for all Pythons."""
        self._attaches = float(ATTACH_BURST)
        """How many may come now."""
        self._short_ends_s: deque[float] = deque(maxlen=MANY_SHORT + 1)
        """When the last of those ended that had hardly been attached to."""
        self._said: set[str] = set()
        self._are_go: dict[str, bool] = {}
        """By their files."""
        self._has_ended = False

    @property
    def name(self) -> str:
        names = dict.fromkeys(sampler.name for key, sampler in self._samplers.items() if key in self._at_work)
        return " + ".join(names) or "looking for programs"

    async def prepare(self) -> Launch:
        settings = self._context.settings
        environment: dict[str, str] = {}
        node = NodeSampler(self._context_for("Node.js", Language.JAVASCRIPT))
        self._samplers.update({"Node.js": node, "Go": GoSampler(self._context_for("Go", Language.GO))})
        for key, sampler in list(self._samplers.items()):
            launch = await sampler.prepare()
            environment.update(launch.environment)
            if launch.unprofiled:
                self._say(launch.unprofiled)
            if not launch.environment:
                del self._samplers[key]
                await sampler.close()
        path = environment.get("PATH") or os.environ.get("PATH", os.defpath)
        executable = find_command(settings.command[0], settings.working_folder, path)
        return Launch(
            settings.command, environment, source_of=self._source_file, programs=self._programs, executable=executable
        )

    async def sample(self, process: Process) -> None:
        keys = [key for key in BY_ENVIRONMENT if key in self._samplers]
        by_environment = [asyncio.create_task(self._keep(key, process)) for key in keys]
        looking = asyncio.create_task(self._look_for_programs())
        ended = asyncio.ensure_future(process_end(process.pid))
        try:
            await asyncio.wait((ended, looking), return_when=asyncio.FIRST_COMPLETED)
            if looking.done():
                # It only ends by a fault of ours; then whoever keeps us going tells of it, and begins again.
                looking.result()
            self._has_ended = True
            waited_for = [*by_environment, *self._attached.values()]
            if waited_for:
                await asyncio.wait(waited_for, timeout=_DRAIN_S)
        finally:
            for task in (*by_environment, looking, ended):
                task.cancel()

    async def flush(self) -> None:
        await asyncio.gather(*(sampler.flush() for sampler in self._samplers.values()))

    async def close(self) -> None:
        for task in self._attached.values():
            task.cancel()
        if self._attached:
            await asyncio.wait(self._attached.values())
        for sampler in self._samplers.values():
            await sampler.close()
        if self._lookings is not None:
            await self._lookings.close()

    def _programs(self) -> str:
        counts = Counter(key.partition(" ")[0] for key in self._at_work)
        for key in BY_ENVIRONMENT:
            sampler = self._samplers.get(key)
            if isinstance(sampler, NodeSampler | GoSampler):
                counts[key] = len(sampler.pids)
        return ", ".join(f"{key} ×{count}" if count > 1 else key for key, count in counts.most_common() if count)

    def _source_file(self, language: str) -> Path | None:
        """The main program of those in `language`: of the process with most samples, the user's own code before others'."""
        table = self._context.recorder.table
        samples: Counter[int] = Counter()
        for (thread, _stack), count in self._context.recorder.run.by_stack.items():
            if table.thread_languages[thread] == language:
                samples[table.threads[thread].pid] += count
        if language == Language.GO:
            return self._go_file()
        files = [
            main_file(seen.words, seen.folder, language)
            for pid, _ in samples.most_common()
            if (seen := self._seen.get(pid))
        ]
        folder = str(self._context.settings.working_folder)
        found = [file for file in files if file]
        return next(
            (file for file in found if is_own_code(Function("", str(file)), folder)), found[0] if found else None
        )

    def _go_file(self) -> Path | None:
        """Where `main.main` is, of what was seen; failing that, the first test."""
        table = self._context.recorder.table
        of_go = [
            function
            for function, of in zip(table.functions, table.function_languages, strict=False)
            if of == Language.GO
        ]
        found = [function.file for function in of_go if function.name == "main.main"]
        found = [file for file in found if not file.endswith("_testmain.go")]
        found += [function.file for function in of_go if function.file.endswith("_test.go")]
        return Path(found[0]) if found else None

    def _context_for(self, key: str, language: Language) -> Context:
        """The context of the sampler `key`, whose programs are in `language`."""
        recorder = self._context.recorder.of_language(language.value)
        return self._context._replace(recorder=recorder, sampling=partial(self._switch, key))

    def _switch(self, key: str, active: bool) -> None:
        before = bool(self._at_work)
        (self._at_work.add if active else self._at_work.discard)(key)
        if bool(self._at_work) is not before:
            self._context.sampling(not before)

    async def _keep(self, key: str, process: Process) -> None:
        """Have the sampler `key` sample `process` as long as it can."""
        context = self._context._replace(sampling=partial(self._switch, key))
        why_not = await keep_sampling(self._samplers[key], process, context, has_ended=lambda: self._has_ended)
        if why_not and key in BY_ENVIRONMENT:
            self._say(why_not)
        elif why_not and ((stat := read_stat(process.pid)) is None or stat.is_zombie):
            context.ledger.refuses(process.pid, "ended before its sampler was there")
        elif why_not:
            self._say(why_not)
            context.ledger.refuses(process.pid, why_not.partition(":")[0])

    def _say(self, text: str) -> None:
        """Say what is not sampled, and why; of processes that differ in nothing else once."""
        kind = re.sub(r"\d+", "", text)
        if kind not in self._said:
            self._said.add(kind)
            self._context.emit(Note(text))

    async def _look_for_programs(self) -> None:
        """Have a look at each process that comes, and attach to those that can be sampled from outside."""
        clock, ledger = self._context.clock, self._context.ledger
        before_s = clock.monotonic()
        while True:
            change = ledger.next_arrival()
            pids = list(ledger.members)
            are_short = self._are_short()
            born_before_s = clock.monotonic() - MATURE_S * are_short
            for pid in pids:
                member = ledger.members.get(pid)
                if pid in self._attached or self._attaches < 1 or member is None or member.found_s > born_before_s:
                    continue
                if attach := self._how_to_attach(pid):
                    self._attaches -= 1
                    self._attached[pid] = asyncio.create_task(self._attach(pid, attach))
                    self._attached[pid].add_done_callback(self._after)
            if are_short:
                # Who has just come is not looked at yet, and there are many.
                await clock.sleep(LOOK_AT_SHORT_S)
            else:
                # One that has just come may still be becoming what it is going to be.
                are_settled = all(pid in self._attached or self._is_settled(pid) for pid in pids)
                await wait_first(clock, SETTLED_S if are_settled else LOOK_INTERVAL_S, change)
            now_s = clock.monotonic()
            self._attaches = min(ATTACH_BURST, self._attaches + (now_s - before_s) * ATTACHES_PER_S)
            before_s = now_s

    def _are_short(self) -> bool:
        """Whether of late so many ended as soon as they had been attached to that only those are that last."""
        now_s = self._context.clock.monotonic()
        return sum(now_s - ended_s < SHORT_KEPT_S for ended_s in self._short_ends_s) > MANY_SHORT

    def _is_settled(self, pid: int) -> bool:
        seen = self._seen.get(pid)
        return seen is not None and seen.looks > _LOOKS

    def _how_to_attach(self, pid: int) -> Callable[[int], Awaitable[None]] | None:
        seen = self._look(pid)
        if seen is None or seen.looks > _LOOKS or seen.is_ours:
            return None
        name = os.path.basename(seen.program)  # noqa: PTH119 - as in `_look`
        if name not in _HOST_NO_OTHERS:
            # What looks at processes is loaded only now, while the command starts: it would have delayed it.
            from ..samplers.python.interpreter import looks_like_python  # noqa: PLC0415

            if "python" not in name and is_java(pid):
                return self._attach_java
            if looks_like_python(pid):
                return self._attach_python
        if seen.looks == _LOOKS:
            self._explain(pid, seen)
        return None

    def _explain(self, pid: int, seen: _Seen) -> None:
        """Tell the ledger why a program that has had the time to come to its sampler is not there."""
        node, go = (self._samplers.get(key) for key in BY_ENVIRONMENT)
        name = Path(seen.program).name
        if runtime := _OTHERS.get(name.removesuffix(".exe")):
            self._context.ledger.refuses(pid, f"there is no sampler for {runtime}")
        elif name in ("node", "nodejs"):
            if isinstance(node, NodeSampler) and pid not in node.pids:
                self._context.ledger.refuses(pid, _why_node_is_not_here(pid))
        elif name not in _HOST_NO_OTHERS and isinstance(go, GoSampler) and pid not in go.pids:
            from .running import is_go_program  # noqa: PLC0415 - as above

            is_go = self._are_go.get(seen.program)
            if is_go is None:
                is_go = self._are_go[seen.program] = is_go_program(pid)
            if is_go:
                self._context.ledger.refuses(pid, "a Go program that was not built under us")

    def _look(self, pid: int) -> _Seen | None:
        member = self._context.ledger.members.get(pid)
        seen = self._seen.get(pid)
        if member is None or (seen and seen.looks > _LOOKS and seen.command == member.command):
            return None
        try:
            # Plain calls, for a tenth of pathlib's time: a tree of many short processes asks this all the time.
            program = os.readlink(f"/proc/{pid}/exe")  # noqa: PTH115
            if seen is None or seen.program != program or seen.command != member.command:
                with open(f"/proc/{pid}/cmdline", "rb", 0) as line:  # noqa: PTH123
                    words = line.read().decode(errors="replace").split("\0")[:-1]
                folder = Path(os.readlink(f"/proc/{pid}/cwd"))  # noqa: PTH115
                is_ours = member.command == OURS or runs_for_us(words)
                seen = self._seen[pid] = _Seen(program, member.command, tuple(words), folder, is_ours=is_ours)
                if not is_ours:
                    # The ledger's is by the same words, but may still be that of the shell it was a moment ago.
                    note = ProcessNote(member.parent, in_few_words(words, folder) or member.command)
                    self._context.recorder.table.processes[pid] = note
                self._forget_some()
        except OSError:
            return None
        seen.looks += 1
        return seen

    def _forget_some(self) -> None:
        if len(self._seen) > MAX_SEEN:
            sampled = {thread.pid for thread in self._context.recorder.table.threads}
            self._seen = {
                pid: seen for pid, seen in self._seen.items() if pid in sampled or pid in self._context.ledger.members
            }
            notes = self._context.recorder.table.processes
            for pid in notes.keys() - self._seen.keys():
                del notes[pid]

    async def _attach(self, pid: int, attach: Callable[[int], Awaitable[None]]) -> None:
        began_s = self._context.clock.monotonic()
        try:
            await attach(pid)
        finally:
            ended_s = self._context.clock.monotonic()
            if ended_s - began_s < SHORT_S:
                self._short_ends_s.append(ended_s)
            # Not before the next look: the process may still be there for a moment.
            asyncio.get_running_loop().call_later(1.0, self._attached.pop, pid, None)

    def _after(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self._say(f"A sampler failed: {type(error).__name__}: {error}")

    async def _attach_python(self, pid: int) -> None:
        from ..samplers.python.looking import Lookings  # noqa: PLC0415 - while the command starts
        from ..samplers.python.sampler import PythonSampler  # noqa: PLC0415

        key = f"Python {pid}"
        of_python = self._context_for(key, Language.PYTHON)
        # Each process is attached to by itself: Austin finds no children of those that are no Python.
        of_python = of_python._replace(settings=of_python.settings._replace(follow_children=False))
        self._lookings = self._lookings or Lookings(is_kept=True)
        sampler = self._samplers[key] = PythonSampler(of_python, self._austins, self._lookings)
        try:
            await self._keep(key, Process(pid, self._context.clock.monotonic()))
        finally:
            await self._leave(key, sampler)

    async def _attach_java(self, pid: int) -> None:
        """Sample the JVM `pid` until it ends, or say why not."""
        from ..samplers.java.sampler import JavaSampler  # noqa: PLC0415 - most commands start none
        from .running import CannotAttach, running_program  # noqa: PLC0415

        context, key = self._context, f"Java {pid}"
        since_s = context.clock.monotonic()
        while True:
            try:
                subject = running_program(pid, may_warn=context.settings.force)
                break
            except CannotAttach as error:
                if not error.briefly:
                    # It is over, and was too short, unless the ledger knows more.
                    return
                if not error.may_pass or context.clock.monotonic() - since_s > JVM_START_S:
                    self._say(str(error))
                    context.ledger.refuses(pid, error.briefly)
                    return
                await context.clock.sleep(LOOK_INTERVAL_S)
        folder = context.private_folder() / f"java-{pid}"
        folder.mkdir(mode=0o700, exist_ok=True)
        settings = context.settings._replace(
            language=Language.JAVA,
            program=subject.program,
            arguments=subject.arguments,
            runtime_arguments=subject.runtime_arguments,
            working_folder=subject.working_folder,
            command=(),
            pid=pid,
        )
        of_java = self._context_for(key, Language.JAVA)._replace(settings=settings, private_folder=lambda: folder)
        sampler = self._samplers[key] = JavaSampler(of_java)
        try:
            launch = await sampler.prepare()
            if launch.unprofiled:
                self._say(launch.unprofiled)
            else:
                await self._keep(key, Process(pid, context.clock.monotonic()))
        except (CannotStart, SamplingFailed, OSError) as error:
            self._say(f"Process {pid} is not sampled: {error}")
        finally:
            await self._leave(key, sampler)

    async def _leave(self, key: str, sampler: Sampler) -> None:
        del self._samplers[key]
        self._switch(key, active=False)
        await sampler.close()


def _why_node_is_not_here(pid: int) -> str:
    unknown = "Node.js that has not come to us"
    try:
        environment = environment_at_start(pid)
    except OSError:
        return unknown
    if environment is None:
        return unknown
    options = environment.get(b"NODE_OPTIONS")
    if options is None:
        return "Node.js without our NODE_OPTIONS"
    return unknown if os.fsencode(PRELOAD) in options else "NODE_OPTIONS of its own"
