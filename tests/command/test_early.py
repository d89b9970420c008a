"""The program starts before most of us is loaded, where its words are plain: as it would start after, and with nothing lost in between."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from multi_lang_profiler.engine.clock import SystemClock
from multi_lang_profiler.engine.command.early import _plan
from multi_lang_profiler.engine.command.early_python import python_start
from multi_lang_profiler.engine.command.early_words import read_early
from multi_lang_profiler.engine.command.options import parse
from multi_lang_profiler.engine.profile.recorder import Recorder
from multi_lang_profiler.engine.program.sampling import make_sampler
from multi_lang_profiler.engine.samplers.python.launch import python_launch
from multi_lang_profiler.engine.samplers.sampler import Context, Launch
from tests.support.command import DEADLINE_S, Folder
from tests.support.java import jdk
from tests.support.ledger import make_ledger
from tests.support.node import TOOLCHAINS, node

OURS = "command command.early command.early_limits command.early_python command.early_values command.early_words command.streams inheritance program program.child samplers samplers.helper_process samplers.python samplers.python.looker_start"
ALLOWED = {
    *[
        "__future__",
        "_collections_abc",
        "_stat",
        "genericpath",
        "os",
        "os.path",
        "posixpath",
        "resource",
        "stat",
        "multi_lang_profiler",
    ],
    "multi_lang_profiler.engine",
    *(f"multi_lang_profiler.engine.{name}" for name in OURS.split()),
}
"""All that may be loaded before the program starts, beside what the interpreter itself needs."""
WORDS = [
    *[
        "python",
        "py",
        "java",
        "a.py",
        "./a.py",
        "b/c.py",
        "missing.py",
        "binary.py",
        "noending",
        "b",
        "-m pkg",
        "--",
        "-",
        "-x",
        "-- --rate 0",
        "--pid 1",
        "--watch",
    ],
    *[
        "--no-tui",
        "--quiet",
        "--no-children",
        "--no-spool",
        "--no-history",
        "--rate 50",
        "--rate 0",
        "--rate 1e3",
        "--rate=99",
        "--mode wall",
    ],
    *[
        "--mode=gpu",
        "--json run.json",
        "--json b",
        "--json /nowhere/run.json",
        "--python-arg -B",
        "--python-arg=-B",
        "--python=",
    ],
    *f"--python {sys.executable}|--python /nowhere/python|--label a=b|--label =|--label=team=x|--summary json".split(
        "|"
    ),
    *[
        "--summary b/s.json",
        "--duration 5",
        "--duration 0",
        "--report-endpoint http://127.0.0.1:9/p",
        "--report-endpoint",
    ],
    *["--report-endpoint https://u:p@host/", "--report-endpoint http://host:99999/", "--report-endpoint http://h..x/"],
    *[
        "--report-interval 10",
        "--report-interval x",
        "--report-format otlp",
        "--report-format xml",
        "--export a.folded",
    ],
    *["--report-max-buffer=1000", "--report-max-buffer=1001", "--fail-if f>1%"],
]
VARIABLES: tuple[dict[str, str], ...] = (
    {},
    {"PROFILER_ENDPOINT": "http://127.0.0.1:9/"},
    {"PROFILER_ENDPOINT": "nonsense"},
    {"PROFILER_INTERVAL": "x"},
    {"PROFILER_API_KEY": "k", "PROFILER_FORMAT": "json"},
    {"PROFILER_HEADERS": "a"},
)


def loaded_after(code: str, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """`code`, run as the launcher runs us, with `early` and `sys` at hand."""
    root = Path(__file__).resolve().parents[2]
    begin = f"""
import sys
package = type(sys)("multi_lang_profiler"); package.__path__ = [{str(root)!r}]; sys.modules[package.__name__] = package
before = set(sys.modules)
from multi_lang_profiler.engine.command import early
"""
    end = f"import os; sys.path.append({str(Path(json.__file__).parent.parent)!r}); sys.path[:0] = {sys.path!r}\n"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", begin + code.replace("PATHS\n", end), *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "b").mkdir()
    for name in ("a.py", "b/c.py", "noending"):
        (tmp_path / name).write_text("import sys\nprint('ran')\nsys.exit(7)\n")
    (tmp_path / "binary.py").write_bytes(b"\0\0")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_is_loaded_before_the_program_starts(programs):
    """The program waits for what is loaded before it."""
    code = "child = early.start_early(sys.argv[1:]); loaded = set(sys.modules) - before; child.wait(); print(sorted(loaded))"
    done = loaded_after(code, "a.py", "--no-tui", "--python", sys.executable, "--json", "run.json", folder=programs)
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.splitlines()[-1]
    # What waits for the sampler's helper is loaded after the start.
    assert set(json.loads(loaded.replace("'", '"'))) - ALLOWED - {"select"} == set()


def test_little_is_loaded_before_node_and_java_start(programs):
    """The same, with what makes sockets and pipes."""
    code = "from multi_lang_profiler.engine.command import early_java, early_node; print(sorted(set(sys.modules) - before))"
    done = loaded_after(code, folder=programs)
    assert done.returncode == 0, done.stderr
    ours = "command.early_java command.early_node command.early_made samplers samplers.java samplers.java.agent_start"
    more = {f"multi_lang_profiler.engine.{name}" for name in (*ours.split(), "samplers.node", "samplers.node.config")}
    assert set(json.loads(done.stdout.replace("'", '"'))) - ALLOWED - more - {"_socket", "fcntl"} == set()


def test_a_command_loads_what_it_needs_alone(programs):
    """Of a tree of short processes a third of what the agent takes is its own start.

    So there are no readers of other forms, nothing of runtimes that are not there, nothing of a screen; and hardly a frozen dataclass, which takes half a millisecond to define.
    """
    code = """
import os
PATHS
end = os._exit
def ended(status):
    classes = {value for module in list(sys.modules.values()) for value in vars(module).values() if isinstance(value, type)}
    print(*(f"dataclass:{each.__name__}" for each in classes if "__dataclass_fields__" in vars(each)))
    print(*sorted(set(sys.modules) - before), flush=True)
    end(status)
os._exit = ended
early.main()
"""
    done = loaded_after(code, "--quiet", "--json", "run.json", "--", "sh", "-c", "sleep 1.5", folder=programs)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert "multi_lang_profiler.engine.formats.files" in loaded
    dear = {
        "statistics",
        "decimal",
        "hashlib",
        "html",
        "ssl",
        "httpx",
        "textual",
        "uuid",
        "platform",
        "difflib",
        "base64",
        "pty",
    }
    of_screens = ("program.output", "program.terminal", "program.session", "program.input_watch")
    of_go = ("samplers.go.stand_in", "samplers.go.overlay", "samplers.go.packages", "samplers.go.pprof_reader")
    others = ("formats.content", "formats.page", "samplers.java", "samplers.python.attach", "program.running")
    rooms = (*others, *of_screens, *of_go, "sources.static_analysis")
    assert loaded & dear == set()
    assert [module for module in loaded if module.partition("engine.")[2].startswith(rooms)] == []
    assert sum(each.startswith("dataclass:") for each in loaded) <= 8


def test_both_readings_of_the_words_agree(programs, monkeypatch):
    """What is started early is what the full reading would have started, and no mistake is overlooked."""
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    choice = random.Random(24)
    started = 0
    for _ in range(2_000):
        parts = choice.sample(WORDS, choice.randint(0, 3))
        if choice.random() < 0.9:
            parts.insert(choice.randint(0, len(parts)), choice.choice(("a.py", "b/c.py", "python a.py", "-m pkg")))
        words = " ".join(parts).split()
        environment = choice.choice(VARIABLES)
        early = read_early(words, environment)
        start = python_start(early) if early and early.language == "python" else None
        if not early or not start:
            continue
        started += 1
        settings = parse(words, environment, on_terminal=True).settings
        assert python_launch(settings, os.environ).argv == start[0], words
        assert settings.screen is not bool({"--no-tui", "--quiet"} & early.flags), words
        assert not settings.is_attached, words
        assert not settings.watch, words
    assert started > 300, "too few were plain for this to say something"


@pytest.mark.parametrize(
    "words",
    ["a.py", "python a.py --rate 50", "py a.py -- -m", "-m pkg", "a.py --report-endpoint http://backend:80/api"],
)
def test_plain_words_are_read_early(words, programs):
    """The usual ways to type a command are among those that start at once."""
    early = read_early(words.split(), {})
    assert early is not None
    assert python_start(early)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR2])
def test_a_signal_that_comes_while_we_load_reaches_the_program(number, programs):
    """The program runs, and we do not yet: what comes for it then is passed on as ever."""
    with Folder(programs) as folder:
        folder.write("a.py", "import signal, sys, time\n"
            f"signal.signal({int(number)}, lambda *_: sys.exit(42))\n"
            "print('ready', flush=True)\ntime.sleep(50)\n")  # fmt: skip
        process = folder.start("a.py", "--quiet", "--python", sys.executable)
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        assert process.wait(DEADLINE_S) == 42


def test_what_keeps_us_from_loading_leaves_the_program_alone(programs):
    """We are broken: the program runs to its end, and its status is ours."""
    code = "sys.modules['multi_lang_profiler.engine.command.cli'] = None; early.main()"
    done = loaded_after(code, "a.py", "--quiet", "--python", sys.executable, folder=programs)
    assert (done.returncode, done.stdout) == (7, "ran\n")
    assert done.stderr.startswith("multi_lang_profiler: Internal error, please report it: ")
    assert done.stderr.count("\n") == 1


def test_a_program_that_has_ended_before_we_are_there_is_told_of_as_it_ran(programs):
    """Its duration is its own, not the time until we noticed."""
    code = """
child = early.start_early(sys.argv[1:])
import time; time.sleep(2.5)
PATHS
from multi_lang_profiler.engine.command.cli import main
main(child)
"""
    done = loaded_after(code, "a.py", "--no-tui", "--summary", "json", "--python", sys.executable, folder=programs)
    assert done.returncode == 7, done.stderr
    summary = json.loads(done.stderr.splitlines()[-1])
    assert summary["exit_status"] == 7, summary
    assert 0 < summary["duration_secs"] < 2, summary


@pytest.mark.parametrize(
    "words", ["a.js --rate 200 -- x", "node a.js --mode wall --no-children", "js a.js --json run.json"]
)
async def test_node_is_started_early_as_its_sampler_would(words, programs, monkeypatch):
    """What is run, its environment, and the socket that waits for it: as prepared by the sampler, which then takes it over."""
    (programs / "a.js").touch()
    await started_alike(f"{words.partition(' -- ')[0]} --node {node(24)} -- x", programs, monkeypatch, programs)


@pytest.mark.parametrize(
    "words", ["java pkg.First", "First.java --rate 300", "java First --java-arg=-cp --java-arg=lib --java-arg=-Xmx64m"]
)
async def test_java_is_started_early_as_its_sampler_would(words, programs, monkeypatch):
    """The options of our own, the agent, and the pipes that wait for it."""
    (programs / "First.java").touch()
    monkeypatch.delenv("JAVA_TOOL_OPTIONS", raising=False)
    await started_alike(f"{words} --java {jdk()} -- x", programs, monkeypatch, TOOLCHAINS / "java-agent")


async def started_alike(words: str, folder: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    cache.mkdir(exist_ok=True)
    (folder / "cache").mkdir()
    (folder / "cache" / "multi_lang_profiler").symlink_to(cache)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    settings = parse(words.split(), {}, on_terminal=False).settings
    read = read_early(words.split(), {})
    assert read

    async def prepared(place: Path, made: dict[str, int]) -> Launch:
        recorder = Recorder()
        sampler = make_sampler(
            Context(
                settings=settings,
                recorder=recorder,
                emit=lambda _event: None,
                clock=SystemClock(),
                sampling=lambda _active: None,
                private_folder=lambda: place,
                cache_folder=lambda: folder / "cache" / "multi_lang_profiler",
                ledger=make_ledger(recorder, settings),
                lookers=[],
                made=made,
            )
        )
        launch = await sampler.prepare()
        await sampler.close()
        return launch

    # What is found out once is known from then on.
    (folder / "before").mkdir()
    await prepared(folder / "before", {})
    plan = _plan(read)
    assert plan
    argv, added, made = plan
    assert made
    launch = await prepared(Path(made.folder), made.descriptors)
    assert launch.unprofiled is None
    assert (launch.argv, launch.environment) == (argv, added)
    os.close(made.lock)
    shutil.rmtree(made.folder)


def test_the_first_tenths_of_a_second_are_seen(tmp_path: Path) -> None:
    """The sampler's helper starts with the program, not after all of us is loaded."""
    with Folder(tmp_path) as folder:
        folder.write(
            "work.py", "import time\nend = time.thread_time() + 0.3\nwhile time.thread_time() < end: sum(range(1000))\n"
        )
        before_s = 1.0
        for _ in range(4):
            finished = folder.run("python", "work.py", "--no-tui", "--summary", "json", "--python", sys.executable)
            assert finished.status == 0
            cpu = json.loads(finished.lines[-1])["cpu"]
            assert cpu["attributed_secs"] + cpu["before_sampler_secs"] < cpu["cpu_secs"] + 0.05
            before_s = min(before_s, cpu["before_sampler_secs"])
    # Loaded with us it comes 0.1 s later at best.
    assert before_s < 0.06
