"""The README and the pages: every command in them is one that the command line takes, every variable is explained, the unit is valid."""

from __future__ import annotations

import importlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from multi_lang_profiler.engine.command.cli import SUBCOMMANDS
from multi_lang_profiler.engine.command.options import make_parser, parse
from multi_lang_profiler.engine.settings import COMMAND
from tests.support.command import Folder, finish
from tests.support.go import ENVIRONMENT, go
from tests.support.java import jdk
from tests.support.node import TOOLCHAINS, node
from tests.support.ports import free_port

JOB = """
import time


def parse(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        sum(range(1000))


def process_data():
    until = time.process_time() + 0.1
    while time.process_time() < until:
        sum(range(1000))


parse(0.4)
process_data()
"""
ENDLESS = {"npm", "demo", "receive", "join", "http.server", "--watch", "--pid", "--pprof"}
"""What does not end by itself, or not soon, or needs a run that goes on."""
ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in (ROOT / "README.md", *sorted(ROOT.glob("[a-z]*/**/README.md")))
    if not path.is_relative_to(ROOT / "tests/programs")
}
ALL = "\n".join(PAGES.values())
REPORTING = PAGES["engine/reporting/README.md"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", ALL, re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """The words behind the command's name, of every line in a block that runs it."""
    lines = [line for language in ("sh", "yaml", "ini") for block in blocks(language) for line in _joined(block)]
    found = [shlex.split(line[line.index(COMMAND) :], comments=True) for line in lines if f"{COMMAND} " in line]
    docker = [
        json.loads(words) for block in blocks("dockerfile") for words in re.findall(r"^CMD (.*)$", block, re.MULTILINE)
    ]
    # Several pages may give one command.
    return [[*words] for words in dict.fromkeys(tuple(words[1:]) for words in (*found, *docker))]


def _joined(block: str) -> list[str]:
    return re.sub(r"<\((.*)\)", r"\1", block.replace("\\\n", " ")).splitlines()


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_commands(words, tmp_path, monkeypatch):
    """Each command parses without a complaint, with the parser that runs it."""
    monkeypatch.chdir(tmp_path)
    if words[0] in SUBCOMMANDS:
        importlib.import_module(f"multi_lang_profiler.engine.command.{words[0]}").parser().parse_args(words[1:])
    elif "--pid" in words:
        assert make_parser().parse_args(words).pid
    else:
        assert parse(_with_folders(words, tmp_path), {}, on_terminal=False).settings.program


def _with_folders(words: list[str], folder: Path) -> list[str]:
    return [str(folder) if word.startswith("/var/") else word for word in words]


@pytest.fixture
def folder(tmp_path) -> Iterator[Folder]:
    """With every program that the README's commands name; each is soon over."""
    with Folder(tmp_path) as folder:
        folder.write("job.py", JOB)
        folder.write("server.py", JOB)
        folder.write("server.ts", "const until: number = Date.now() + 300;\nwhile (Date.now() < until);\n")
        folder.write("MyApp.java", "public class MyApp { public static void main(String[] words) {} }\n")
        folder.write("go.mod", "module example.com/shop\n")
        folder.write("cmd/server/main.go", "package main\n\nfunc main() {}\n")
        folder.write("pkg/pkg_test.go", 'package pkg\n\nimport "testing"\n\nfunc TestPkg(t *testing.T) {}\n')
        folder.write("start.sh", "#!/bin/sh\npython3 job.py\n").chmod(0o755)
        yield folder


def test_commands_run(folder):
    """Each command that ends by itself does so with the status that the README tells, and without a word of trouble."""
    toolchains = os.pathsep.join(str(Path(tool).parent) for tool in (node(24), jdk(), go()))
    variables = {
        **ENVIRONMENT,
        "PATH": f"{toolchains}{os.pathsep}{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(TOOLCHAINS),
    }
    ending = {tuple(words): None for words in commands() if not ENDLESS & {*words}}
    wanted = [words for words in ending if not any(word.startswith(("/srv/", "/var/")) for word in words)]
    # What is looked at is made before.
    making, viewing = ([words for words in wanted if (words[0] == "view") is views] for views in (False, True))
    with ThreadPoolExecutor(3) as pool:
        made = dict(zip(making, pool.map(lambda words: folder.run(*words, **variables), making), strict=True))
    for name in ("before.json", "after.json"):
        shutil.copy(folder.path / "run.json", folder.path / name)
    viewed = {words: folder.run(*words, **variables) for words in viewing}
    assert len(viewed) > 2
    for words, finished in (made | viewed).items():
        assert finished.status == (3 if "total:parse>=25%" in words else 0), (words, finished)
        assert "Traceback" not in finished.stderr
        if "--report-endpoint" not in words:
            assert "⚠️" not in finished.stderr, (words, finished.stderr)


def test_a_report_is_received(folder):
    """The two commands for two terminals: the receiver fails twice, and has the profile then."""
    receive, report = ([*words] for words in commands() if words[:2] == ["receive", "--fail"] or "5" in words)
    port = free_port()
    receiver = folder.start(*receive, "--listen", f"127.0.0.1:{port}")
    assert receiver.stdout
    assert receiver.stdout.readline().startswith(b"Receiving")
    finished = folder.run(*(word.replace("8377", str(port)) for word in report))
    assert "✅ Succeeded on attempt 3/3" in finished.lines
    receiver.send_signal(signal.SIGINT)
    assert b" 500 failing, as asked" in finish(receiver).stdout


def test_attaching(folder):
    """A program that runs is watched by each of the README's commands until it ends."""
    folder.write(
        "runs.py", "import time\nuntil = time.monotonic() + 5\nwhile time.monotonic() < until: sum(range(1000))\n"
    )
    with subprocess.Popen([sys.executable, folder.path / "runs.py"]) as program:
        attaching = [words for words in commands() if "--pid" in words]
        watching = [folder.start(*(word.replace("4711", str(program.pid)) for word in words)) for words in attaching]
        assert len(watching) >= 3
        assert {finish(agent).status for agent in watching} == {0}
    assert (folder.path / "now.speedscope.json").exists()


def test_there_are_commands_to_test():
    """The README's commands are found: each subcommand that users need, and each language."""
    first = {words[0] for words in commands()}
    assert {"python", "typescript", "java", "go", "demo", "receive", "view", "doctor", "--pid"} <= first


def test_every_variable_is_in_the_table():
    """Every PROFILER_ variable that the code reads is explained in the table of options."""
    code = "".join(path.read_text() for path in (ROOT / "engine").rglob("*.py"))
    variables = set(re.findall(r"\bPROFILER_[A-Z_]+[A-Z]\b", code))
    assert {"PROFILER_ENDPOINT", "PROFILER_API_KEY"} <= variables
    rows = [line for line in ALL.splitlines() if line.startswith("| `--")]
    assert variables <= set(re.findall(r"PROFILER_[A-Z_]+", "".join(rows)))


def test_every_report_option_is_in_the_table():
    """The table has every option that reporting takes."""
    (group,) = (group for group in make_parser()._action_groups if (group.title or "").startswith("reporting"))
    rows = "".join(line for line in REPORTING.splitlines() if line.startswith("| `--"))
    for action in group._group_actions:
        for option in action.option_strings:
            assert f"`{option}" in rows


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")
def test_the_unit_is_valid(tmp_path):
    """systemd finds nothing wrong with the README's unit."""
    (unit,) = blocks("ini")
    file = tmp_path / "shop.service"
    file.write_text(unit)
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", file], capture_output=True, text=True, check=False
    )
    assert [line for line in verified.stderr.splitlines() if file.name in line] == []


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    """Files and headings that a page links to are there."""
    for target in re.findall(r"\[[^]]*\]\(([^)]+)\)", PAGES[page]):
        if "://" in target:
            continue
        file, _, heading = target.partition("#")
        path = (ROOT / page).parent / file if file else ROOT / page
        assert path.exists(), target
        if heading:
            assert heading in {_anchor(each) for each in re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)}, (
                target
            )


def test_the_index_has_every_part_of_the_tour():
    linked = set(re.findall(r"\]\(#([^)]+)\)", README))
    assert {_anchor(heading) for heading in re.findall(r"^### (.*)$", README, re.MULTILINE)} <= linked


def test_the_readme_is_for_two_minutes():
    assert len(README.splitlines()) <= 250


def test_every_page_can_be_found():
    """From the README a stranger gets to every page by links."""
    found, wanted = {"README.md"}, ["README.md"]
    while wanted:
        page = wanted.pop()
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", PAGES[page]):
            path = str(((ROOT / page).parent / target).resolve().relative_to(ROOT)) if "://" not in target else ""
            if path in PAGES and path not in found:
                found.add(path)
                wanted.append(path)
    assert found == set(PAGES)


def _anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
