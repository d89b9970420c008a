"""Commands as people type them, run by the real command: they run as without us, and all that is under them is profiled."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from multi_lang_profiler.engine.formats import files
from multi_lang_profiler.engine.samplers.java.runtime import agent_jar, find_java
from tests.support.backend import Backend
from tests.support.command import Finished, Folder
from tests.support.go import ENVIRONMENT as GO_ENVIRONMENT
from tests.support.go import go
from tests.support.java import attaching, compile_java, jdk, jre
from tests.support.node import TOOLCHAINS, node

PROGRAMS = Path(__file__).parents[1] / "programs" / "command"


@pytest.fixture
def folder(tmp_path) -> Iterator[Folder]:
    with Folder(tmp_path) as folder:
        for file in PROGRAMS.iterdir():
            shutil.copy(file, tmp_path)
        yield folder


def path(*executables: str | Path) -> str:
    """PATH with the folders of these before it."""
    return os.pathsep.join([*(str(Path(each).parent) for each in executables), os.environ["PATH"]])


def run(
    folder: Folder, *words: str, stdin: bytes = b"", **variables: str
) -> tuple[Finished, dict[str, dict[str, Any]]]:
    """The run, and by language the profile in its JSON."""
    finished = folder.run("--no-tui", "--json", "run.json", *words, stdin=stdin, **variables)
    envelope = json.loads((folder.path / "run.json").read_text()) if finished.status == 0 else {"profiles": []}
    return finished, {profile["language"]: profile for profile in envelope["profiles"]}


def samples(profile: dict[str, Any], function: str) -> int:
    stats = profile["runtime_analysis"]["function_stats"].get(function)
    return stats["execution_count"] if stats else 0


# The languages' own command lines


def test_python_code(folder):
    """`python -c CODE` and code from stdin are profiled; the words behind are the program's, also those that look like ours."""
    code = (PROGRAMS / "hot.py").read_text()
    for words, stdin in ((("-c", code), b""), (("-X", "dev", "-"), code.encode())):
        finished, profiles = run(folder, "python", *words, "--json", "x", stdin=stdin)
        assert finished.stdout == b"python --json x\n"
        assert samples(profiles["Python"], "mill") > 20
        assert profiles["Python"]["static_analysis"] is None


def test_python_module(folder):
    """`python -X dev -m MODULE` is profiled, its file found."""
    finished, profiles = run(folder, "python", "-X", "dev", "-m", "hot", "-v")
    assert finished.stdout == b"python -v\n"
    assert profiles["Python"]["source_file"] == "hot.py"
    assert samples(profiles["Python"], "mill") > 20


@pytest.mark.parametrize("words", [["hottool", "x"], ["bin/hottool", "x"], ["python", "bin/hottool", "--", "x"]])
def test_console_script(folder, words):
    """A console script, on PATH or by its path, is run by the interpreter that its first line names."""
    tool = folder.write("bin/hottool", f"#!{sys.executable} -B\n" + (PROGRAMS / "hot.py").read_text())
    tool.chmod(0o755)
    finished, profiles = run(folder, *words, PATH=path(tool))
    assert finished.stdout == b"python x\n", finished
    assert samples(profiles["Python"], "mill") > 15


def test_java(folder):
    """`java -jar`, `-cp`, options and files of arguments: as typed."""
    compile_java(folder.path / "cls", folder.path / "Hot.java")
    manifest = folder.write("manifest", "Main-Class: Hot\n")
    folder.write("words", "-cp cls\nHot\n")
    subprocess.run(
        [Path(jdk()).with_name("jar"), "cfm", "hot.jar", manifest, "-C", "cls", "Hot.class"],
        cwd=folder.path,
        check=True,
    )
    for words in ("-jar hot.jar a b", "-cp cls Hot a b", "-Xmx200m @words a b"):
        finished, profiles = run(folder, "java", *words.split(), JAVA_HOME=str(Path(jdk()).parents[1]))
        assert finished.stdout == b"java a b\n"
        assert samples(profiles["Java"], "Hot.weave") > 10
        assert profiles["Java"]["source_file"] == "Hot.java"


def test_node(folder):
    """Node.js's own options, code among the words included."""
    folder.write(".env", "GREETING=hello\n")
    words = ["node", "--env-file=.env", "-e", (PROGRAMS / "hot.js").read_text(), "--", "x", "--json"]
    finished, profiles = run(folder, *words, PATH=path(node(24)))
    # Of code among the words Node.js itself counts no file.
    assert finished.stdout == b"node --json\n"
    assert samples(profiles["JavaScript"], "polish") > 20


# Any command


def test_programs_of_two_languages(folder):
    """What runs side by side under a script is in one run: a profile for each language, with its own main file and analysis.

    What runs in a language that nobody samples is told of with the reason.
    """
    perl = "perl -e '$end = time + 3; while (time < $end) { $sum++ }' &\n"
    script = folder.write("both.sh", f"#!/bin/sh\npython3 hot.py a &\nnode hot.js b &\n{perl}wait\n")
    script.chmod(0o755)
    finished, profiles = run(folder, "--", "./both.sh", PATH=path(node(24)))
    assert sorted(finished.stdout.splitlines()) == [b"node b", b"python a"]
    python, javascript = profiles["Python"], profiles["JavaScript"]
    assert (python["source_file"], javascript["source_file"]) == ("hot.py", "hot.js")
    # Three programs and a test beside them have two cores: of half a second each some is before the samplers.
    assert samples(python, "mill") > 10
    assert samples(javascript, "polish") > 10
    assert not samples(python, "polish") + samples(javascript, "mill")
    assert (python["static_analysis"]["function_count"], javascript["static_analysis"]["import_count"]) == (1, 0)
    # The ledger is of all of them, and in the profile of the language with most samples: which that is, is nearly a tie.
    (cpu,) = [each["runtime_analysis"]["cpu"] for each in profiles.values() if "cpu" in each["runtime_analysis"]]
    reasons = {row["command"]: row["reason"] for row in cpu["processes_not_sampled"]}
    assert reasons["perl -e"] == "there is no sampler for Perl"


def test_reports(folder):
    """A window of several languages makes a profile of each; together they say what the run's file says, which opens again as one run."""
    script = "python3 hot.py & node hot.js; wait"
    with Backend() as backend:
        finished = folder.run(
            *("--no-tui", "--report-endpoint", backend.url, "--report-format", "json", "--json", "run.json"),
            *("--export", "run.pb.gz", "--", "sh", "-c", script),
            PATH=path(node(24)),
        )
        sent = [profile for request in backend.requests for profile in json.loads(request.body)["profiles"]]
    assert "✅ Successfully reported 2 profiles" in finished.lines, finished
    saved = json.loads((folder.path / "run.json").read_text())["profiles"]
    for profiles in (sent, saved):
        assert sorted(profile["language"] for profile in profiles) == ["JavaScript", "Python"]
        assert {profile["source_file"] for profile in profiles} == {"hot.py", "hot.js"}
    assert {profile["labels"]["command"] for profile in sent} == {"python3 hot.py", "node hot.js"}
    assert all(profile["labels"]["pid"].isdigit() for profile in sent)
    assert all(profile["labels"]["thread"] for profile in sent)
    assert {samples(profile, "mill") for profile in sent} == {samples(profile, "mill") for profile in saved}
    opened = files.read(folder.path / "run.json")
    assert sorted(opened.language.split(", ")) == ["JavaScript", "Python"]
    assert opened.counts.total == sum(profile["runtime_analysis"]["total_samples"] for profile in saved)
    assert {part.source_file for part in opened.parts} == {"hot.py", "hot.js"}
    run_s = json.loads((folder.path / "run.json").read_text())["profiles"][0]["runtime_analysis"][
        "execution_duration_secs"
    ]
    assert opened.duration_s == pytest.approx(run_s, abs=0.01)


def test_both_ends_of_a_pipe(folder):
    """A pipe's bytes are unchanged, and both ends are profiled."""
    folder.write("count.js", (PROGRAMS / "hot.js").read_text() + "process.stdin.pipe(process.stdout);\n")
    command = ["bash", "-c", "{ cat all; python3 hot.py; } | node count.js | od -c"]
    (folder.path / "all").write_bytes(bytes(range(256)) * 100)
    bare = subprocess.run(
        command, cwd=folder.path, env=folder.environment(PATH=path(node(24))), capture_output=True, check=True
    )
    finished, profiles = run(folder, *command, PATH=path(node(24)))
    assert finished.stdout == bare.stdout
    assert samples(profiles["Python"], "mill") > 15
    assert samples(profiles["JavaScript"], "polish") > 20


def test_jvms_are_attached_to(folder):
    """A JVM under a command is profiled from soon after its start; the command's own status comes out."""
    compile_java(folder.path / "cls", folder.path / "Hot.java")
    # On a busy machine it is over before our agent is compiled.
    cache = TOOLCHAINS / "multi_lang_profiler"
    cache.mkdir(parents=True, exist_ok=True)
    asyncio.run(_compile_agent(cache))
    java = " ".join([jdk(), *attaching(), "-Dhot.ms=2500 -cp cls Hot x"])
    finished, profiles = run(folder, "sh", "-c", f"{java}; exit 0", XDG_CACHE_HOME=str(cache.parent))
    assert finished.stdout == b"java x\n"
    assert not any("Compiling" in line for line in finished.lines)
    assert samples(profiles["Java"], "Hot.weave") > 50, finished
    assert profiles["Java"]["source_file"] == "Hot.java"


async def _compile_agent(cache: Path) -> None:
    await agent_jar(await find_java(jdk(), os.environ), cache, print)


def test_a_short_jvm_that_takes_no_agent_is_told_of_with_the_remedy(folder):
    """Java 21 and newer are not attached to unasked; one that is over at once is not merely "not sampled"."""
    compile_java(folder.path / "cls", folder.path / "Hot.java")
    words = (jre(21), "-Dhot.ms=300", "-cp", "cls", "Hot", "x")
    for command in (words, ("sh", "-c", f"{' '.join(words)}; exit 0")):
        finished = folder.run("--no-tui", "--summary", "json", *command)
        assert finished.stdout == b"java x\n"
        rows = json.loads(finished.lines[-1])["cpu"]["processes_not_sampled"]
        reason = next(row["reason"] for row in rows if row["command"].startswith("java"))
        assert reason == "Java 21 and newer take --force or -XX:+EnableDynamicAgentLoading"
        assert any("accept that with --force" in line for line in finished.lines)


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["no-such-command", "x"], 127, "no-such-command: there is no such command"),
        (["./no-such-command"], 127, "./no-such-command: there is no such command"),
        (["A=1", "no-such-command"], 127, "a variable goes before all words, or behind env: -- env A=1 …"),
        (["source", "notes"], 127, "what a shell is to understand goes to one: -- sh -c '…'"),
        (["echo a | cat"], 127, "what a shell is to understand goes to one: -- sh -c '…'"),
        (["./notes", "x"], 126, "./notes cannot be executed: permission denied"),
        (["./"], 126, "./ cannot be executed: it is a folder"),
        (["sh", "-c", "exit 7"], 7, "Ran "),
        (["sh", "-c", "kill -9 $$"], 137, "Ran "),
    ],
)
def test_status(folder, words, status, says):
    """The status is the command's own, and for one that cannot be started that of env(1)."""
    folder.write("notes", "no program")
    finished = folder.run("--no-tui", *words)
    assert finished.status == status
    assert any(says in line for line in finished.lines), finished
    assert (
        status not in (126, 127)
        or status == subprocess.run(["env", *words], cwd=folder.path, capture_output=True, check=False).returncode
    )


def test_a_script_without_a_first_line(folder):
    """What execvp(3) runs with a shell, we do, too."""
    folder.write("start", "echo started $1\n").chmod(0o755)
    assert folder.run("--no-tui", "./start", "x").stdout == b"started x\n"


def test_tools_of_the_project(folder):
    """A bare name that is not on PATH is one of the project's own tools, in node_modules/.bin of a folder above, too."""
    tool = folder.write("node_modules/.bin/hot-tool", "#!/usr/bin/env node\n" + (PROGRAMS / "hot.js").read_text())
    tool.chmod(0o755)
    finished, profiles = run(folder, "hot-tool", "x", PATH=path(node(24)))
    assert finished.stdout == b"node x\n"
    assert samples(profiles["JavaScript"], "polish") > 20


# Go, under a command


@pytest.fixture
def go_folder(folder: Folder) -> Folder:
    folder.write("go.mod", "module example.com/hot\n\ngo 1.21\n")
    for name in ("cmd/hot/main.go", "single/hot.go"):
        folder.write(name, (PROGRAMS / "hot.go").read_text())
    folder.write(
        "knit/knit_test.go",
        'package knit\n\nimport "testing"\n\nvar sum int\n\n'
        "func knit(n int) (s int) {\n\tfor i := 0; i < n; i++ {\n\t\ts += i*s + 1\n\t}\n\treturn s\n}\n\n"
        "func BenchmarkKnit(b *testing.B) {\n\tfor i := 0; i < b.N; i++ {\n\t\tsum = knit(100000)\n\t}\n}\n",
    )
    (folder.path / "hot.go").unlink()
    return folder


@pytest.mark.parametrize(
    ("words", "stdout", "function"),
    [
        (["go", "run", "./cmd/hot", "-x", "a.go"], b"go -x a.go\n", "main.carve"),
        (["go", "run", "-tags", "x", "single/hot.go", "y"], b"go y\n", "main.carve"),
        (["sh", "-c", "cd cmd && go build -o ../built ./hot && exec ../built z"], b"go z\n", "main.carve"),
        (["go", "test", "./knit", "-bench", ".", "-benchtime", "0.5s"], None, "example.com/hot/knit.knit"),
    ],
)
def test_go(go_folder, words, stdout, function):
    """What `go run`, `go build` and `go test` build under a command is profiled; their words and the program's are as typed."""
    finished, profiles = run(go_folder, *words, stdin=b"", **GO_ENVIRONMENT, PATH=path(go()))
    assert stdout is None or finished.stdout == stdout
    assert finished.status == 0, finished
    assert samples(profiles["Go"], function) > 20, finished
    assert profiles["Go"]["source_file"].endswith(".go")
    ledger = profiles["Go"]["runtime_analysis"]["cpu"]
    reasons = {row["command"]: row["reason"] for row in ledger["processes_not_sampled"]}
    # What asks go how to build is no process of the program's, nor is what it starts.
    assert reasons["profiler"] == "asks go what it will build"
    assert not [command for command in reasons if "multi_lang" in command or "go list" in command]


def test_go_commands_are_the_users_own(go_folder):
    """What the go command says of a package, and how it fails, is as without us; nothing is left in the project."""
    environment = {**GO_ENVIRONMENT, "PATH": path(go())}
    before = sorted(go_folder.path.rglob("*.go"))
    commands = [
        "go list -f '{{.GoFiles}}' ./...",
        "go vet ./...",
        "go env GOFLAGS",
        "go run ./nothing",
        "go test ./knit -run NONE",
    ]
    for command in [["sh", "-c", f"{command}; echo $?"] for command in commands]:
        bare = subprocess.run(
            command, cwd=go_folder.path, env=go_folder.environment(**environment), capture_output=True, check=True
        )
        finished = go_folder.run("--quiet", *command, **environment)
        times = (re.sub(rb"\d+\.\d+s|\(cached\)", b"", said) for said in (bare.stdout, finished.stdout))
        assert len({*times}) == 1, (bare, finished)
        assert finished.stderr == bare.stderr.decode()
    assert sorted(go_folder.path.rglob("*.go")) == before
