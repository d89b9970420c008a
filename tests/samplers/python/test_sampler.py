"""The Python sampler on real programs: what it counts, whom it follows, and how it fails."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from multi_lang_profiler.engine.processes import mapped_files, process_tree
from multi_lang_profiler.engine.profile.stacks import Function
from multi_lang_profiler.engine.samplers.python import attach, austin_attach, austin_session, finding
from multi_lang_profiler.engine.samplers.python.looking import Lookings
from multi_lang_profiler.engine.samplers.python.mojo import GARBAGE_COLLECTOR
from multi_lang_profiler.engine.samplers.sampler import SamplingFailed
from multi_lang_profiler.engine.settings import Mode
from tests.support.command import Folder
from tests.support.python import PROGRAMS, PYTHON_VERSIONS, SampledProgram, austins_of, lookers, python_of_version


async def samples_of_busy(kind: str, seconds: float, workers: int, **settings: object) -> tuple[SampledProgram, float]:
    """The program `busy.py` sampled while it worked, and the CPU seconds it says it used meanwhile."""
    async with SampledProgram("busy.py", kind, str(seconds), str(workers), **settings) as sampled:  # type: ignore[arg-type]
        assert await sampled.hear() == "ready"
        await sampled.attached()
        sampled.say("begin")
        used_s = float(await sampled.hear())
        assert await sampled.end() == 0
    return sampled, used_s


@pytest.mark.own_code
@pytest.mark.parametrize("version", PYTHON_VERSIONS)
async def test_it_names_what_is_hot_in_every_python(version: str) -> None:
    """Functions go by the names their Python gives them, with the file's absolute path; code without a file by its own name."""
    inner, method, generator = "Shop.static.<locals>.inner", "Shop.method", "burn.<locals>.<genexpr>"
    async with SampledProgram("names.py", python=python_of_version(version)) as sampled:
        await sampled.until(lambda: set(sampled.hot) >= {inner, method, generator, "<module>"})
        sampled.say("stop")
        assert await sampled.end() == 0
    table = sampled.recorder.table
    files = {function.name: function.file for function in table.functions}
    assert files[inner] == files[method] == files[generator] == str(PROGRAMS / "names.py")
    assert Function("<module>", "<made up>") in table.functions
    source = (PROGRAMS / "names.py").read_text().splitlines()
    lines = {table.frames[frame].line for stack in table.stacks for frame in stack if _name(sampled, frame) == method}
    assert all("until" in source[line - 1] or "pass" in source[line - 1] for line in lines)
    callers = {_name(sampled, frame) for stack in table.stacks if _name(sampled, stack[-1]) == inner for frame in stack}
    assert {"<module>", inner} < callers


@pytest.mark.parametrize(
    ("kind", "workers"),
    [("python", 1), ("python", 4), ("native", 4), ("sleepy", 2), ("brief", 4)],
)
async def test_samples_add_up_to_the_cpu_time_used(kind: str, workers: int) -> None:
    """One thread or four, under the interpreter's lock or not, asleep in between, or ending at once: rate times CPU time, to 5%."""
    sampled, used_s = await samples_of_busy(kind, 1.5, workers, rate_hz=200)
    # Beyond the 5%: what the interpreter takes to start and to end, which the program does not count, and what it uses after the
    # last look, which on a busy machine may have to wait for two tenths of a second.
    assert 0.95 * 200 * used_s - 42 <= sampled.total + sampled.recorder.lost_samples
    assert sampled.total <= 1.05 * 200 * used_s + 20


async def test_collecting_garbage_is_seen() -> None:
    """Time in the garbage collector is its own, under the function that it interrupted."""
    sampled, _ = await samples_of_busy("collecting", 1.5, 1)
    table = sampled.recorder.table
    assert sampled.hot[GARBAGE_COLLECTOR] > 0.5 * sampled.total
    assert any(
        [_name(sampled, frame) for frame in stack[-2:]] == ["burn_collecting", GARBAGE_COLLECTOR]
        for stack in table.stacks
    )


async def test_in_wall_mode_waiting_counts(tmp_path: Path) -> None:
    """A thread that waits counts as much as one that works: the time since the sample before."""
    sampled, _ = await samples_of_busy("python", 1.0, 2, mode=Mode.WALL)
    working = sum(
        n
        for (thread, _), n in sampled.recorder.run.by_stack.items()
        if sampled.recorder.table.threads[thread].name != "MainThread"
    )
    waiting = sampled.total - working
    assert working > 100
    assert waiting > 0.3 * working


async def test_in_wall_mode_a_thread_that_waits_for_long_counts_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also beyond the seconds after which a thread that has used nothing is left alone where CPU time counts; and each is looked at as often as asked."""
    program = tmp_path / "waits.py"
    each = "for _ in range(20): threading.Thread(target=time.sleep, args=(30,), daemon=True).start()"
    program.write_text(f"import threading, time\n{each}\ntime.sleep(30)\n")
    times = Counter[int]()

    def has_gone_on() -> bool:
        times.clear()
        for (thread, _), samples in sampled.recorder.run.by_stack.items():
            times[thread] += samples
        return max(times.values(), default=0) > 400

    looks = 0

    def look(number: int, over_s: float) -> None:
        nonlocal looks
        looks += number

    async with SampledProgram(program, mode=Mode.WALL) as sampled:
        monkeypatch.setattr(sampled.recorder, "look", look)
        await sampled.until(has_gone_on)
    assert len(times) == 21
    assert min(times.values()) > 0.8 * max(times.values())
    # Were each stack read each time, a fifth.
    assert looks > 0.5 * sum(times.values())


async def test_children_are_followed_and_counted() -> None:
    """Worker processes are sampled, each under its own process number, and the sums hold for them too."""
    sampled, used_s = await samples_of_busy("processes", 2.5, 3)
    # The program itself only waits for its workers: whether it is met running at all is chance.
    assert len(sampled.pids - {sampled.child.pid}) == 3
    assert sampled.total > 0.75 * 100 * used_s


async def test_one_helper_looks_at_all_programs() -> None:
    """Each program of a command is attached to by itself; one helper does for all, also for those that come later."""
    lookings = Lookings(is_kept=True)
    try:
        quotas = PROGRAMS / "truth" / "quotas.py"
        async with (
            SampledProgram(quotas, "0.3", lookings=lookings) as one,
            SampledProgram(quotas, "0.6", lookings=lookings) as other,
        ):
            # The samples of all are for the recorder of the command.
            await other.until(lambda: one.pids == {one.child.pid, other.child.pid})
            helpers = lookers()
            assert await one.end() == await other.end() == 0
        async with SampledProgram(quotas, "0.2", lookings=lookings) as later:
            assert await later.end() == 0
            assert helpers == lookers()
        assert len(helpers) == 1
        assert one.pids == {one.child.pid, other.child.pid, later.child.pid}
        assert one.total + one.recorder.lost_samples > 0.75 * 100 * 1.1
    finally:
        await lookings.close()
    assert not lookers()


async def test_children_are_left_alone_where_asked() -> None:
    """With `follow_children` off only the program itself is sampled."""
    sampled, _ = await samples_of_busy("processes", 0.5, 2, follow_children=False)
    assert sampled.pids <= {sampled.child.pid}


async def test_samples_of_a_quiet_program_come_at_once() -> None:
    """A program that works for a moment and then waits is seen nonetheless, and `flush` works."""
    async with SampledProgram("ends.py", "blink") as sampled:
        await sampled.attached()
        for times in range(1, 4):
            sampled.say("work")
            assert await sampled.hear() == "done"
            await sampled.until(partial(_has_burnt, sampled, times))
        await sampled.sampler.flush()


@pytest.mark.parametrize(
    ("way", "status"), [("quick", 7), ("idle", 7), ("forks", 7), ("exec-other", 0), ("exec-python", 7)]
)
async def test_a_program_may_end_as_it_likes(way: str, status: int) -> None:
    """In 50 ms, idle, with twenty children, by becoming a shell or another Python: the sampling ends with it, without a failure."""
    async with SampledProgram("ends.py", way) as sampled:
        if way == "exec-python":
            assert await sampled.hear() == "again"
        elif way == "idle":
            assert await sampled.hear() == "idle"
            await sampled.attached()
        if way.startswith(("idle", "exec-other")):
            sampled.say("end")
        assert await sampled.end() == status
        assert sampled.coverage[-1:] in ([], [False])
        assert not lookers()


def test_a_program_of_many_threads_is_looked_at(tmp_path: Path) -> None:
    """To look at 900 threads takes long, above all when they are new: what works beside them is met, and its time is not for what was met before."""
    with Folder(tmp_path) as folder:
        finished = folder.run(
            "--no-tui", "--quiet", "--summary", "json", str(PROGRAMS / "waiting_threads.py"), "--", "900"
        )
    summary = json.loads(finished.lines[-1])
    busy = sum(each["self_samples"] for each in summary["hot_functions"] if each["name"] == "busy")
    # A second in `busy`, a tenth or two to make the threads; it was not met at all.
    assert busy > 30
    assert summary["samples"] - busy < 60


async def test_a_program_that_becomes_another_leaves_its_time_to_that() -> None:
    """What a server that starts itself anew (exec) uses afterwards is not for what its former self did last; little of it is lost."""
    async with SampledProgram("ends.py", "exec-python", rate_hz=400) as sampled:
        assert await sampled.end() == 7
    table = sampled.recorder.table
    caller = {
        stack: {table.functions[table.frames[frame].function].name for frame in frames}
        for stack, frames in enumerate(table.stacks)
    }
    by_caller = Counter[str]()
    for (_, stack), samples in sampled.recorder.run.by_stack.items():
        by_caller.update(dict.fromkeys(caller[stack], samples))
    # 0.2 and 0.7 s.
    assert by_caller["exec_python"] < 0.35 * 400
    assert by_caller["after"] > 0.35 * 400


async def test_a_stopped_program_hangs_nothing() -> None:
    """A program stopped by SIGSTOP gives no samples and no failure; when it ends the sampling does."""
    async with SampledProgram("ends.py", "toil") as sampled:
        await sampled.attached()
        sampled.child.send_signal(signal.SIGSTOP)
        await asyncio.sleep(0.3)
        assert not sampled.sampling.done()
        sampled.child.kill()
        await sampled.end()


async def test_a_helper_that_dies_is_started_again() -> None:
    """When the helper is killed another one looks on, and the program has felt nothing; one that always dies is told of."""
    async with SampledProgram("ends.py", "toil") as sampled:
        for killed in range(1, 6):
            before = sampled.total
            await sampled.until(lambda before=before: sampled.total > before + 5)  # type: ignore[misc]
            (looker,) = lookers()
            os.kill(looker, signal.SIGKILL)
            await sampled.until(lambda looker=looker: looker not in lookers() or sampled.sampling.done())  # type: ignore[misc]
            assert sampled.child.poll() is None
            if killed == 5:
                with pytest.raises(SamplingFailed, match="the helper that looks at the program ended, again and again"):
                    await asyncio.wait_for(sampled.sampling, 10)
        before = sampled.total
        sampled.sample()
        await sampled.until(lambda: sampled.total > before)


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("exec cat /dev/urandom", "wrote what cannot be read: "),
        ("echo 'Traceback: something'", "it begins with b'Traceback: somet', not with MOJ"),
        (r"printf 'MOJ\003'; exec cat /dev/zero", "near byte 4 there is no event 0"),
        (r"printf 'MOJ\003\001austin\0003.7.0\000'; exec sleep 100", "fell silent while the program was busy"),
        ("echo 'No such thing' >&2; exit 3", r"cannot attach to process \d+ \(Python 3.\d+\): No such thing"),
    ],
    ids=["noise", "text", "zeros", "silence", "refusal"],
)
async def test_a_broken_austin_is_told_of(
    script: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Noise, text, silence, refusal: one clear line each, to be tried again; Austin is gone, the program unharmed."""
    monkeypatch.setattr(austin_attach, "_ATTACH_DEADLINE_S", 0.3)
    monkeypatch.setattr(austin_session, "_SILENCE_CHECK_S", 0.1)
    monkeypatch.setenv("AUSTINPATH", str(fake_austin(tmp_path, script)))
    async with SampledProgram("ends.py", "toil", rate_hz=1_000) as sampled:
        with pytest.raises(SamplingFailed, match=complaint) as raised:
            await asyncio.wait_for(sampled.sampling, 20)
        assert not raised.value.final
        assert "\n" not in str(raised.value)
        assert not austins_of(sampled.child.pid)
        assert sampled.child.poll() is None


async def test_at_a_high_rate_no_austin_is_taken_for_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of periods pass between two readings at 10,000 Hz; an Austin that works is left to work."""
    monkeypatch.setattr(attach, "NEWEST", (3, 8))
    monkeypatch.setattr(austin_session, "_SILENCE_CHECK_S", 0.01)
    async with SampledProgram("fixed_work.py", "compute", "400", rate_hz=10_000) as sampled:
        assert await sampled.end() == 0
    assert [event.line for event in sampled.events if "Sampling with Austin" not in event.line] == []
    assert sampled.total > 0


@pytest.mark.parametrize(
    ("interpreter", "complaint"),
    [
        (
            "python3.7",
            r"no Austin that can sample Python 3.7 \(Austin .* reads Python .*\): choose Python 3.8 or newer with --python",
        ),
        (
            "python3.99",
            r"no Austin that can sample Python 3.99 \(.*\): name another Austin with AUSTINPATH, or choose another",
        ),
        ("pypy3.10", r"PyPy 3.10 cannot be sampled: Austin reads CPython only"),
    ],
)
async def test_an_interpreter_that_austin_cannot_read_is_told_of(
    interpreter: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too old, too new, not CPython: one clear line, for good, and the program runs on."""
    copy = tmp_path / interpreter
    # Which Python it is is told by the name of the library that it loads; any program and any library will do.
    shutil.copy(shutil.which("sleep") or "", copy)
    library = tmp_path / f"lib{interpreter}.so.1.0"
    shutil.copy(next(path for path in mapped_files(os.getpid()) if Path(path).name.startswith("libm.")), library)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    async with SampledProgram("1.0", python=str(copy), working_folder=_with_file(tmp_path, "1.0")) as sampled:
        with pytest.raises(SamplingFailed, match=complaint) as raised:
            await asyncio.wait_for(sampled.sampling, 20)
        assert raised.value.final
        assert sampled.child.poll() is None


@pytest.mark.parametrize(
    "wrapper", ['exec {python} "$@"', '{python} "$@"'], ids=["becomes Python", "has Python for a child"]
)
async def test_a_script_for_an_interpreter_is_waited_for(wrapper: str, tmp_path: Path) -> None:
    """A `python3` that is a shell script, which takes its time to start the real one, is sampled all the same."""
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\nsleep 0.2\n" + wrapper.format(python=sys.executable) + "\n")
    script.chmod(0o755)
    async with SampledProgram("ends.py", "after", python=str(script)) as sampled:
        assert await sampled.hear() == "again"
        assert await sampled.end() == 7
    assert sampled.hot["burn"] > 10


async def test_a_program_that_is_no_python_is_told_of_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An interpreter that never becomes Python is announced, with what it is, and waited for until it ends."""
    monkeypatch.setattr(finding, "_FOREIGN_PATIENCE_S", 0.1)
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\nsleep 1\n")
    script.chmod(0o755)
    async with SampledProgram("ends.py", "after", python=str(script)) as sampled:
        assert await sampled.end() == 0
    (told,) = sampled.events
    assert "sh, which is not Python: no samples until it starts one" in told.line


def test_a_closed_process_is_told_of_with_what_to_do(tmp_path: Path) -> None:
    """Where the kernel refuses the program's memory, the command says what right is missing, and the program's status stands."""
    folder = Folder(tmp_path)
    shutil.copy(PROGRAMS / "ends.py", tmp_path)
    command = ["multi_lang_profiler"]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv (util-linux) is not installed, and root may read any memory")
        command = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace", "multi_lang_profiler"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [*command, "python", "ends.py", "--python", sys.executable, "--no-tui", "--", "closes"],
        cwd=tmp_path,
        env=folder.environment(PATH=path),
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 7
    assert done.stdout == b"closed\n"
    assert "the memory of process" in done.stderr.decode()
    assert "CAP_SYS_PTRACE" in done.stderr.decode()


def test_the_helper_ends_when_the_agent_is_killed(tmp_path: Path) -> None:
    """SIGKILL of the agent leaves the program running, and no helper behind."""
    folder = Folder(tmp_path)
    shutil.copy(PROGRAMS / "ends.py", tmp_path)
    agent = folder.start("python", "ends.py", "--python", sys.executable, "--no-tui", "--", "after")
    assert agent.stdout is not None
    assert agent.stdout.readline() == b"again\n"
    while not (helpers := lookers(agent.pid)):
        assert agent.poll() is None
    (program,) = [pid for pid in process_tree(agent.pid)[1:] if pid not in helpers]
    agent.kill()
    agent.communicate()
    # One that has ended, and that nobody has asked for its status, has no command line.
    while any(_command_line(helper) for helper in helpers):
        assert Path(f"/proc/{program}").exists(), "the helper outlived the program it looked at"


def fake_austin(folder: Path, script: str) -> Path:
    """An executable that says it is Austin, and does something else."""
    path = folder / "austin"
    path.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo austin 3.7.0; exit; fi\n{script}\n')
    path.chmod(0o755)
    return path


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _name(sampled: SampledProgram, frame: int) -> str:
    table = sampled.recorder.table
    return table.functions[table.frames[frame].function].name


def _has_burnt(sampled: SampledProgram, at_least: int) -> bool:
    return sampled.hot["burn"] >= at_least


def _with_file(folder: Path, name: str) -> Path:
    (folder / name).touch()
    return folder
