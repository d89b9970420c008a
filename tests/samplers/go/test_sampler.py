"""Go programs, built with the sampler inside and run to their end: what is seen of them, and that they do not notice."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.profile.places import CodeKind, kind_of
from multi_lang_profiler.engine.profile.stacks import Function
from multi_lang_profiler.engine.samplers.go.overlay import Toolchain, UnknownRelease, write_overlay
from multi_lang_profiler.engine.samplers.go.pprof_reader import read_profile
from multi_lang_profiler.engine.samplers.go.sampler import GoSampler
from multi_lang_profiler.engine.samplers.sampler import CannotStart
from multi_lang_profiler.engine.settings import Mode
from tests.support.go import OLDEST, Sampled, context, go, go_settings, sample
from tests.support.processes import processes_where

if TYPE_CHECKING:
    from multi_lang_profiler.engine.profile.threads import Labels

pytestmark = pytest.mark.xdist_group("go")


# What is seen -------------------------------------------------------------------------------------------------------


async def test_functions_have_the_names_places_and_shares_their_authors_know(folder):
    """Every kind of function is named as in Go's own traces, at its file and lines, with the share of time it measured itself."""
    sampled = await sample(folder, "names.go")
    own_s = {
        name: float(took_s) for name, took_s in re.findall(r"^(\S+) ([\d.]+)$", sampled.stdout.decode(), re.MULTILINE)
    }
    frames = {frame.function: frame for stack, _ in sampled.stacks for frame in stack}
    source = (folder / "names.go").read_text().splitlines()
    total_s = {
        name: sum(samples for stack, samples in sampled.stacks if any(frame.function == name for frame in stack))
        / sampled.rate_hz
        for name in own_s
    }
    assert len(own_s) == 6
    for name, took_s in own_s.items():
        assert frames[name].file == str(folder / "names.go")
        assert "func" in source[frames[name].first_line - 1]
        share, own_share = total_s[name] / sampled.total_s, took_s / sum(own_s.values())
        # Four standard deviations of a sampled share.
        assert share == pytest.approx(
            own_share, abs=4 * sqrt(own_share * (1 - own_share) / sampled.recorder.run.total)
        ), name
    assert "main.inlined" in frames
    assert source[frames["main.inlined"].line - 1].startswith("func inlined")
    assert all(stack[0].function == "runtime.main" for stack, _ in sampled.stacks if stack[-1].function == "main.plain")


async def test_samples_add_up_to_the_cpu_time_used(folder):
    """The samples are the CPU time that the kernel says the program took, also behind hundreds of busy goroutines.

    And where others compete for the processors, though Go's own timers then miss up to a fifth.
    """

    async def be_late(_: Sampled) -> None:
        # The program's greeting waits meanwhile.
        time.sleep(0.4)

    sampled = await sample(folder, "busy.go", "200", "2", meanwhile=be_late)
    assert sampled.total_s == pytest.approx(sampled.run.cpu_s, rel=0.05)
    # What was sampled before we heard of it is not told as unsampled, too.
    assert sampled.ledger.book().before_s < 0.1 * sampled.run.cpu_s
    assert sampled.was_sampling[0]
    assert not sampled.was_sampling[-1]


async def test_a_rate_the_machine_cannot_keep_is_lowered_and_made_up_for(folder):
    """Asked for more than kernel and runtime give, it takes what it gets, says so, and lets each sample count for more."""
    sampled = await sample(folder, "busy.go", "1", "1", rate_hz=1000)
    assert sampled.total_s == pytest.approx(sampled.run.cpu_s, rel=0.05)
    assert any("each sample counts" in line for line in sampled.lines)


async def test_children_that_are_the_same_program_are_followed_if_asked_to(folder):
    """A program that starts its own executable again is seen with it, each under its process id; or alone."""
    both = await sample(folder, "ends.go", "300", "child")
    alone = await sample(folder, "ends.go", "300", "child", follow_children=False)
    assert (len(both.pids), len(alone.pids)) == (2, 1)
    assert both.total_s == pytest.approx(0.6, abs=0.12)
    assert alone.total_s == pytest.approx(0.3, abs=0.08)


async def test_labels_are_data_of_the_samples_they_were_given_to(folder):
    """Half of the time under `pprof.Do` and a fifth of it under a goroutine's own labels is told apart, as in the program's own profile."""
    sampled = await sample(folder, "labels.go", "own")
    own: Counter[Labels] = Counter()
    for _, count, labels in read_profile((folder / "own").read_bytes()).samples:
        own[labels] += count
    threads = sampled.recorder.table.threads
    seen: Counter[Labels] = Counter()
    for (thread, _), samples in sampled.recorder.run.by_stack.items():
        seen[threads[thread].labels] += samples
    assert own.keys() == seen.keys() == {(), (("req", "fib"),), (("job", "7"), ("req", "sum"))}
    for labels in own:
        assert seen[labels] / seen.total() == pytest.approx(own[labels] / own.total(), abs=0.06)


async def test_more_sets_of_labels_than_can_be_kept_are_summed_up(folder, monkeypatch):
    """A program that labels each request with its number has its samples all the same, the last of them as one."""
    monkeypatch.setattr("multi_lang_profiler.engine.samplers.go.counting.MAX_LABEL_SETS", 2)
    sampled = await sample(folder, "labels.go", "own")
    assert {thread.labels for thread in sampled.recorder.table.threads} >= {(("(other labels)", ""),)}
    assert sampled.total_s == pytest.approx(sampled.run.cpu_s, rel=0.1)


# How programs end -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("how", "status"), [("return", 0), ("exit", 3), ("deadlock", 2)])
async def test_all_samples_arrive_at_the_programs_end(folder, how, status):
    """When main returns, in os.Exit and in a deadlock everything sampled arrives, and status and message are the program's."""
    sampled = await sample(folder, "ends.go", "300", how)
    assert sampled.status == status
    assert sampled.total_s == pytest.approx(0.3, abs=0.08)
    assert (b"all goroutines are asleep - deadlock!" in sampled.stderr) == (how == "deadlock")


@pytest.mark.parametrize(
    ("how", "status", "stderr"), [("panic", 2, b"panic: as asked"), ("exec", 5, b"")], ids=["panic", "exec"]
)
async def test_at_most_the_last_window_is_lost_where_nothing_can_be_done(folder, how, status, stderr):
    """A panic or exec takes the open window with it, no more; and no signal of the profiler's hits the successor."""
    sampled = await sample(folder, "ends.go", "700", how)
    assert sampled.status == status
    assert stderr in sampled.stderr
    assert 0.1 < sampled.total_s < 0.8


async def test_a_program_that_waits_for_a_timer_is_not_taken_for_dead(folder):
    """Idle for far longer than a deadlock takes to be seen, it goes on to be sampled when its timer fires."""
    sampled = await sample(folder, "ends.go", "10", "timer")
    assert sampled.status == 0
    assert sampled.total_s == pytest.approx(0.16, abs=0.07)


@pytest.mark.parametrize(("how", "status"), [("wait", 128 + 15), ("handle", 4)])
async def test_a_signal_finds_all_samples_handed_over(folder, how, status):
    """What was sampled before a forwarded SIGTERM arrives, though the default action ends the program on the spot."""

    async def terminate(sampled: Sampled) -> None:
        await sampled.until_printed(b"worked")
        await sampled.run.send_signal(signal.SIGTERM)

    sampled = await sample(folder, "ends.go", "300", how, meanwhile=terminate)
    assert sampled.status == status
    assert sampled.total_s == pytest.approx(0.3, abs=0.08)


# What the program notices -------------------------------------------------------------------------------------------


async def test_the_program_sees_no_difference(folder):
    """Arguments, environment, folder, goroutines, their profile and their traces are as in a build without the profiler."""
    plain = folder / "plain"
    subprocess.run([go(), "build", "-o", plain, "shows.go"], cwd=folder, check=True, timeout=120)
    expected = subprocess.run([plain, "one", "two words"], cwd=folder, capture_output=True, check=True, timeout=60)
    sampled = await sample(folder, "shows.go", "one", "two words")
    assert _without_addresses(bytes(sampled.stdout)) == _without_addresses(expected.stdout)
    assert b"goroutines: 1\n" in sampled.stdout


@pytest.mark.parametrize("rate_hz", [100, 40])
async def test_a_program_that_profiles_itself_goes_on_undisturbed(folder, rate_hz):
    """Its own profiles are whole, a second Start is refused as ever, and ours go on meanwhile, whatever the rates."""
    sampled = await sample(folder, "profiles_itself.go", "first", "second", rate_hz=rate_hz)
    assert sampled.stdout.decode().splitlines() == ["start: <nil>", "again: cpu profiling already in use"] * 2
    assert not sampled.stderr
    for name in ("first", "second"):
        own = read_profile((folder / name).read_bytes())
        assert own.period_ns == 10_000_000
        assert sum(count for _, count, _ in own.samples) == pytest.approx(50, rel=0.2)
        seen = {frame.function for stack, *_ in own.samples for place in stack for frame in own.locations[place]}
        assert "main.during" in seen
        assert not {"main.before", "main.after"} & seen
    assert sampled.total_s == pytest.approx(sampled.run.cpu_s, rel=0.1)


async def test_the_program_goes_on_when_the_agent_is_gone(folder):
    """Closing the sampler ends the sampling; the program does not notice."""

    async def leave(sampled: Sampled) -> None:
        await sampled.until(lambda: sampled.recorder.run.total)
        await sampled.run.sampler.close()

    sampled = await sample(folder, "busy.go", "2", "1", meanwhile=leave)
    assert sampled.status == 0
    assert not sampled.stderr
    assert sampled.total_s < 0.9


async def test_an_agent_that_does_not_read_holds_nothing_up(folder, tmp_path):
    """With nobody reading at the other end the program ends by itself, with its own status, and so it does with nobody there."""
    sampler = GoSampler(context(go_settings(folder, "ends.go"), tmp_path / "private", Sampled(100)))
    executable = (await sampler.prepare()).argv[0]
    socket_path = Path(executable).with_name(".agent")
    with socket.socket(socket.AF_UNIX) as unread:
        unread.bind(str(tmp_path / "unread"))
        unread.listen()
        socket_path.unlink()
        socket_path.symlink_to(tmp_path / "unread")
        for how, status in (("return", 0), ("exit", 3)):
            run = await asyncio.create_subprocess_exec(executable, "300", how, stdout=asyncio.subprocess.DEVNULL)
            assert await asyncio.wait_for(run.wait(), 60) == status
    socket_path.unlink()
    alone = await asyncio.create_subprocess_exec(executable, "10", "exit", stdout=asyncio.subprocess.DEVNULL)
    assert await asyncio.wait_for(alone.wait(), 60) == 3
    await sampler.close()


# What can be run ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "program", ["cmd/server", "./cmd/server/", "cmd/server/main.go", "example.com/several/cmd/server"]
)
async def test_packages_of_a_module_are_built_as_go_builds_them(folder, program):
    """A folder, a file that needs its neighbours, an import path: built with dependencies and flags, changing no file."""
    module = folder / "several"
    before = _contents(module)
    flags = ("-ldflags", "-X main.greeting=flagged")
    sampled = await sample(module, program, runtime_arguments=flags)
    assert sampled.status == 0
    assert sampled.stdout.startswith(b"flagged 3 ")
    assert "example.com/parts.Part" in sampled.self_samples
    assert sampled.launch.source_file == module / "cmd/server/main.go"
    assert Path(sampled.launch.argv[0]).name in ("server", "main")
    assert _contents(module) == before


async def test_files_are_found_though_the_build_trims_their_paths(folder):
    """With -trimpath, which names files by their packages, those of program and library still are the files on disk."""
    sampled = await sample(folder, "profiles_itself.go", "first", runtime_arguments=("-trimpath",))
    files = {frame.file for stack, _ in sampled.stacks for frame in stack}
    assert str(folder / "profiles_itself.go") in files
    assert str(Path(go()).resolve().parents[1] / "src/runtime/proc.go") in files


@pytest.mark.parametrize("flags", [(), ("-trimpath",)], ids=["whole", "trimmed"])
@pytest.mark.parametrize("way", ["workspace", "vendor"])
async def test_files_of_other_modules_are_found(folder, monkeypatch, way, flags):
    """A generic function of a workspace's or a vendored module is at its file, and a library's; embedded files are built in as ever."""
    module = folder / "places"
    library = module / ("lib" if way == "workspace" else "app/vendor/example.com/lib")
    monkeypatch.setenv("GOFLAGS", "" if way == "workspace" else "-mod=vendor")
    if way == "vendor":
        monkeypatch.setenv("GOWORK", "off")
        shutil.copytree(module / "lib", library)
        (library.parents[1] / "modules.txt").write_text(
            "# example.com/lib v1.2.3\n## explicit; go 1.21\nexample.com/lib\n"
        )
    sampled = await sample(module / "app", ".", runtime_arguments=flags)
    assert bytes(sampled.stdout) == b"embedded\n"
    frames = {frame.function: frame for stack, _ in sampled.stacks for frame in stack}
    assert frames["example.com/lib.Sum[...]"].file == str(library / "lib.go")
    assert frames["main.main"].file == str(module / "app/main.go")
    kinds = {name: kind_of(Function(name, frame.file), str(module / "app")) for name, frame in frames.items()}
    assert kinds["main.main"] is CodeKind.OWN
    assert kinds["example.com/lib.Sum[...]"] is CodeKind.LIBRARY
    assert kinds["runtime.main"] is CodeKind.RUNTIME


async def test_a_file_that_needs_its_neighbours_gets_them_without_a_module_too(folder):
    """Several files of package main in a plain folder are one program, whichever of them is named."""
    shutil.copytree(folder / "plain_folder", folder.parent / "plain")
    sampled = await sample(folder.parent, "plain/start.go")
    assert (sampled.status, bytes(sampled.stdout)) == (0, b"helped\n")
    assert any("plain/start.go needs other files" in line for line in sampled.lines)


async def test_a_test_binary_is_built_for_a_test_file(folder):
    """PROGRAM may be a _test.go file: its package's tests are run, and the options after -- are theirs."""
    sampled = await sample(folder / "several", "cmd/server/server_test.go", "-test.v", "-test.run", "Rounds")
    assert sampled.status == 0
    assert b"--- PASS: TestRounds" in sampled.stdout
    assert any(name.endswith("server.TestRounds") for name in sampled.self_samples)


async def test_an_older_go_gives_the_same(folder):
    """The oldest release PyPI has is profiled too, with the last window at os.Exit and the message of a deadlock."""
    exits = await sample(folder, "ends.go", "300", "exit", runtime=go(OLDEST))
    blocked = await sample(folder, "ends.go", "10", "deadlock", runtime=go(OLDEST))
    assert exits.run.sampler.name == f"Go pprof (go{OLDEST})"
    assert exits.status == 3
    assert exits.total_s == pytest.approx(0.3, abs=0.08)
    assert b"all goroutines are asleep - deadlock!" in blocked.stderr


async def test_a_compiled_program_runs_unprofiled_and_says_so(folder):
    """An executable is run as it is, with one line that says what to give instead."""
    subprocess.run([go(), "build", "-o", "compiled", "ends.go"], cwd=folder, check=True, timeout=120)
    sampled = await sample(folder, "compiled", "10", "exit")
    assert sampled.status == 3
    assert [line for line in sampled.lines if "compiled is a compiled program and runs unprofiled" in line]


async def test_a_go_that_is_not_known_builds_the_program_without_the_profiler(folder, monkeypatch, release):
    """Where the standard library is not as expected the program is built and run as the user would, and one line says so."""
    monkeypatch.setattr("multi_lang_profiler.engine.samplers.go.overlay.OLDEST_RELEASE", (9, 0))
    sampled = await sample(folder, "ends.go", "10", "exit")
    assert sampled.status == 3
    assert any(f"go{release} is older than" in line and "runs unprofiled" in line for line in sampled.lines)


def test_a_library_that_has_changed_is_noticed(tmp_path):
    """The overlay is not made when the functions it replaces are not there exactly once."""
    library = tmp_path / "src" / "runtime" / "pprof"
    library.mkdir(parents=True)
    (library / "pprof.go").write_text("package pprof\n\nfunc StartCPUProfile() {}\n")
    with pytest.raises(UnknownRelease, match=r"0 functions StopCPUProfile"):
        write_overlay(Toolchain("go", tmp_path, "go1.99"), tmp_path, importer=None, rate_hz=100)


async def test_a_part_of_ours_that_does_not_compile_is_left_out(folder, tmp_path, monkeypatch):
    """If the compiler refuses what we add, the user's program is built without it, and one line says so."""
    monkeypatch.setattr("multi_lang_profiler.engine.samplers.go.overlay.SOCKET_NAME", 'unfinished" string')
    # Where nothing has been built yet.
    sampled = await sample(shutil.copytree(folder, tmp_path / "work"), "ends.go", "10", "exit")
    assert sampled.status == 3
    assert any("does not compile the profiler's part" in line for line in sampled.lines)


# What cannot ----------------------------------------------------------------------------------------------------------


async def test_compile_errors_are_shown_as_the_compiler_has_them(folder, release):
    """A program that does not compile is not started; its first line says so, the compiler's lines follow."""
    with pytest.raises(CannotStart) as error:
        await sample(folder, "broken.go")
    first, *rest = str(error.value).splitlines()
    assert first == f"broken.go does not build with go{release}:"
    # Go 1.22 says it the other way round.
    said = {f"   ./broken.go:4:6: {text}" for text in ("declared and not used: unused", "unused declared and not used")}
    assert said & {*rest}
    assert "   ./broken.go:5:2: undefined: undefinedFunction" in rest
    assert "multi_lang_profiler" not in str(error.value)


@pytest.mark.parametrize(
    ("program", "settings", "message"),
    [
        ("ends.go", {"mode": Mode.WALL}, "Go's runtime measures CPU time only; leave out --mode wall"),
        ("ends.go", {"runtime": "no-such-go"}, "no-such-go was not found, or cannot be run; --go names the go command"),
        ("ends.go", {"runtime_arguments": ("-overlay=x",)}, "the overlay x, which -overlay names, cannot be read"),
        ("several/parts/parts.go", {}, "several/parts/parts.go is no Go program: it is not in package main"),
        ("several/parts", {}, "several/parts is package parts, not package main"),
        ("missing.go", {}, "missing.go does not exist"),
        ("missing", {}, "missing is no file, no folder and no Go package"),
        ("empty", {}, "empty is a folder without a Go package"),
    ],
)
async def test_what_cannot_be_run_is_refused_in_one_clear_line(folder, program, settings, message):
    """The line says what is wrong, with what, and nothing is started."""
    (folder / "empty").mkdir()
    with pytest.raises(CannotStart, match=f"^{re.escape(message)}"):
        await sample(folder, program, **settings)


async def test_no_go_at_all_is_said(folder, monkeypatch):
    """Without a go command on PATH the line says how to name one."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CannotStart, match=r"^Go was not found on PATH; install it or name it with --go$"):
        await sample(folder, "ends.go", runtime=None)


async def test_a_build_can_be_broken_off(folder, tmp_path, monkeypatch):
    """Cancelling while the standard library is being compiled ends go and its compilers."""
    monkeypatch.setenv("GOCACHE", str(tmp_path / "cold"))
    said = Sampled(100)
    # Where nothing has been built yet.
    settings = go_settings(shutil.copytree(folder, tmp_path / "work"), "ends.go")
    sampler = GoSampler(context(settings, tmp_path / "private", said))
    preparing = asyncio.create_task(sampler.prepare())
    await said.until(lambda: _processes_in(tmp_path / "cold"))
    preparing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await preparing
    await said.until(lambda: not _processes_in(tmp_path / "cold"))
    await sampler.close()
    assert not list((tmp_path / "private").iterdir())


def _processes_in(cache: Path) -> list[int]:
    """The processes that were started with GOCACHE at `cache`."""
    setting = f"GOCACHE={cache}".encode()
    return processes_where(lambda process: setting in (process / "environ").read_bytes().split(b"\0"))


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def _without_addresses(output: bytes) -> list[str]:
    text = re.sub(r"0x[0-9a-f]+|\+0x[0-9a-f]+|:\d+$", "", output.decode(), flags=re.MULTILINE)
    # The test runner's, and those of the terminal that the tests give the program.
    varying = ("environment: PYTEST_", "environment: COLUMNS=", "environment: LINES=", "environment: TERM=")
    return [line for line in text.splitlines() if not line.startswith(varying)]
