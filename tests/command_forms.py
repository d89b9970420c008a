"""Runs command lines as people type them, with and without the profiler: status, output and what is left running have to be the same.

python -m tests.command_forms                    all, in some five minutes; installs tools from PyPI, npm and Debian into a temporary folder
python -m tests.command_forms honcho "go test"   those that have these words

Each line: the command, its status, and for each language the samples of the function that its program spends its time in.
What serves until it is ended is told to end by a signal once it has said that it is ready. Ends with 1 if a line is not as it should be.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from multi_lang_profiler.engine.processes import process_tree
from tests.command_projects import BUSY, DEADLINE_S, PROGRAMS, install, venv
from tests.support.command import COMMAND

TOOLS = [
    *("pytest==8.4.2", "coverage==7.10.7", "honcho==2.0.0", "pipx==1.8.0", "nox==2025.5.1", "pdm==2.25.9"),
    # hatch 1.14 and the newest virtualenv do not go together.
    *("hatch==1.14.2", "virtualenv==20.29.3"),
]
PACKAGES = ["nodemon@3.1.10", "pm2@6.0.8", "pnpm@9.15.9", "yarn@1.22.22", "concurrently@9.2.1", "tsx@4.20.6"]
INITS = ("tini", "dumb-init")
SERVES = (
    "import signal, sys, time\n\n"
    + BUSY.format(name="mill")
    + "\n\ndef stop(number, frame):\n    print('bye', signal.Signals(number).name, flush=True)\n    sys.exit(3)\n\n\n"
    "for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):\n    signal.signal(number, stop)\nprint('ready', flush=True)\n"
    "while True:\n    mill(20)\n    time.sleep(0.001)\n"
)
SERVES_JS = (
    "function polish(ms) {\n  const end = Date.now() + ms; let s = 0;\n  while (Date.now() < end) s += Math.sqrt(s + 1);\n  return s;\n}\n"
    "for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2']) {\n  process.on(name, () => { console.log('bye', name); process.exit(3); });\n}\n"
    "console.log('ready');\nsetInterval(() => polish(20), 25);\n"
)
TESTS = "from hot import mill\n\n\ndef test_mill():\n    mill(1)\n"
SCRIPTS = {
    "hot": "node hot.js",
    "serve": "node serve.js",
    "prehot": "echo before",
    "test": "python3 hot.py && node hot.js",
}
MAKEFILE = "all: py js\npy:\n\tpython3 hot.py\njs:\n\tnode hot.js\nserve:\n\tpython3 serve.py\n"
GO_TEST = 'package main\n\nimport "testing"\n\nfunc TestCarve(t *testing.T) {\n\tfor i := 0; i < 300; i++ {\n\t\tcarve(1000000)\n\t}\n}\n'
PYTHON, NODE, JAVA, GO = {"Python": "mill"}, {"JavaScript": "polish"}, {"Java": "Hot.weave"}, {"Go": "carve"}


@dataclass(frozen=True, slots=True)
class Form:
    """A command line, of the folder that `prepare` makes."""

    line: str
    """As a shell reads it, which splits it into words."""
    wanted: dict[str, str]
    """Language -> the function that must have samples."""
    ending: int | None = None
    """The signal that ends it once it has said that it is ready; None where it ends by itself."""
    stdin: str = ""
    """The file that it reads."""


FORMS = (
    Form("python3 -Im hotmodule", PYTHON),
    Form("python3 -m pytest -q -p no:cacheprovider", PYTHON),
    Form("python3 -", PYTHON, stdin="hot.py"),
    Form("python3 package", PYTHON),
    Form("env FOO=1 pytest -q -p no:cacheprovider", PYTHON),
    Form("coverage run hot.py", PYTHON),
    Form("coverage run -m pytest -q -p no:cacheprovider", PYTHON),
    Form("pipx run --path hot.py", PYTHON),
    Form("hatch run python hot.py", PYTHON),
    Form("nox", PYTHON),
    Form("pdm run hot", PYTHON),
    Form("bash -c 'time make -s'", PYTHON | NODE),
    Form("make -s -j2", PYTHON | NODE),
    Form("make -s serve", PYTHON, signal.SIGTERM),
    Form("sh -lc 'python3 hot.py && node hot.js'", PYTHON | NODE),
    Form("bash -c 'set -m; python3 hot.py & wait $!'", PYTHON),
    Form("bash -ic 'python3 hot.py'", PYTHON),
    Form("nice -n 5 stdbuf -oL python3 hot.py", PYTHON),
    Form("flock lock python3 hot.py", PYTHON),
    Form("script -qec 'python3 hot.py' typescript", PYTHON),
    Form("find . -maxdepth 1 -name hot.py -exec python3 {} + ", PYTHON),
    Form("node -e 'require(`./hot.js`)'", NODE),
    Form("node -r ./before.js hot.js", NODE),
    Form("node --max-old-space-size=200 hot.js -- -x", NODE),
    Form("npm run -s hot -- a b", NODE),
    Form("npm test", PYTHON | NODE),
    Form("npm exec -- tsx hot.js", NODE),
    Form("pnpm -s hot a", NODE),
    Form("pnpm exec node hot.js", NODE),
    Form("yarn -s hot a", NODE),
    Form("npx concurrently 'node hot.js' 'python3 hot.py'", PYTHON | NODE),
    Form("nodemon -q --exitcrash serve.js", NODE, signal.SIGINT),
    Form("nodemon -q --exec python3 serve.py", PYTHON, signal.SIGTERM),
    Form("pm2-runtime serve.js", NODE, signal.SIGINT),
    Form("npm run -s serve", NODE, signal.SIGTERM),
    Form("honcho start", PYTHON | NODE, signal.SIGTERM),
    Form("honcho run python3 hot.py", PYTHON),
    Form("tini -- python3 serve.py", PYTHON, signal.SIGTERM),
    Form("tini -s -g -- sh -c 'python3 serve.py'", PYTHON, signal.SIGTERM),
    Form("dumb-init python3 serve.py", PYTHON, signal.SIGTERM),
    Form("dumb-init -c node serve.js", NODE, signal.SIGINT),
    Form("./docker-entrypoint.sh python3 serve.py", PYTHON, signal.SIGTERM),
    Form("java -cp cls:lib @words a b", JAVA),
    Form("java -Dhot.ms=2000 -cp cls Hot", JAVA),
    Form("java Hot.java a", JAVA),
    Form("go run .", GO),
    Form("go run -race=false hot.go a", GO),
    Form("sh -c 'go test -c -o hot.test && ./hot.test -test.v'", GO),
    Form("sh -c 'go build -o hot && ./hot a'", GO),
    Form("go test -count=1 -run Carve ./...", GO),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    status: int
    output: str
    left: list[str]
    """What of it still ran a while after its end."""
    profiles: dict[str, dict[str, int]]
    """Language -> function -> samples."""
    errors: str
    """What is on stderr, our lines among it."""


def main() -> int:
    chosen = [form for form in FORMS if not sys.argv[1:] or any(words in form.line for words in sys.argv[1:])]
    with tempfile.TemporaryDirectory(prefix="forms-") as name:
        folder = Path(name)
        environment = prepare(folder)
        told = [tell(form, folder, environment) for form in chosen]
        return int(not all(told))


def prepare(folder: Path) -> dict[str, str]:
    """Programs and tools, and the variables to run them with."""
    environment = venv(folder, *TOOLS)
    for name in ("hot.py", "hot.js", "hot.go", "Hot.java"):
        shutil.copy(PROGRAMS / name, folder)
    files = {
        "serve.py": SERVES,
        "serve.js": SERVES_JS,
        "test_hot.py": TESTS,
        "hot_test.go": GO_TEST,
        "go.mod": "module example.com/hot\n\ngo 1.21\n",
        "Makefile": MAKEFILE,
        "Procfile": "web: node serve.js\nworker: python3 serve.py\n",
        "package.json": json.dumps({"name": "hot", "version": "1.0.0", "private": True, "scripts": SCRIPTS}),
        "pyproject.toml": '[project]\nname = "hot"\nversion = "1"\nrequires-python = ">=3.9"\n[tool.pdm.scripts]\nhot = "python hot.py"\n'
        "[tool.pdm]\ndistribution = false\n[tool.hatch.envs.default]\nskip-install = true\n",
        "noxfile.py": "import nox\n\n\n@nox.session(venv_backend='none')\ndef hot(session):\n    session.run('python3', 'hot.py')\n",
        "before.js": "globalThis.before = true;\n",
        "words": "-Dhot.ms=2000\nHot\n",
        "docker-entrypoint.sh": '#!/bin/sh\nset -e\nexec "$@"\n',
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "docker-entrypoint.sh").chmod(0o755)
    (folder / "package").mkdir()
    shutil.copy(PROGRAMS / "hot.py", folder / "package/__main__.py")
    for site in folder.glob("venv/lib/python3*/site-packages"):
        shutil.copy(PROGRAMS / "hot.py", site / "hotmodule.py")
    install("javac", "-d", "cls", "Hot.java", cwd=folder)
    install("npm", "install", "--silent", "--no-audit", "--no-fund", *PACKAGES, cwd=folder)
    debian = folder / "debian"
    debian.mkdir()
    install("apt-get", "download", *INITS, cwd=debian)
    for package in debian.glob("*.deb"):
        install("dpkg", "-x", package, debian, cwd=debian)
    places = [folder / "venv/bin", folder / "node_modules/.bin", debian / "usr/bin"]
    path = os.pathsep.join([*map(str, places), os.environ["PATH"]])
    home = folder / "home"
    home.mkdir()
    found = {**os.environ, **environment, "PATH": path, "HOME": str(home), "PM2_HOME": str(home / "pm2"), **_caches()}
    # It makes its environment at first, and says so.
    subprocess.run(["hatch", "run", "true"], cwd=folder, env=found, capture_output=True, check=False)
    return found


def _caches() -> dict[str, str]:
    """Where what is built is kept, with a home of our own, too."""
    kept = subprocess.run(
        ["go", "env", "GOCACHE", "GOMODCACHE"], capture_output=True, text=True, check=True
    ).stdout.split()
    return {"GOCACHE": kept[0], "GOMODCACHE": kept[1], "GOFLAGS": "-mod=mod"}


def tell(form: Form, folder: Path, environment: dict[str, str]) -> bool:
    """Run it both ways and print what there was; whether all is as it should be."""
    words = shlex.split(form.line)
    bare = run(form, words, folder, environment)
    profiled = run(form, [str(COMMAND), "--no-tui", "--json", "run.json", "--", *words], folder, environment)
    seen = {
        language: sum(
            samples
            for name, samples in profiled.profiles.get(language, {}).items()
            if f".{name}".endswith(f".{function}")
        )
        for language, function in form.wanted.items()
    }
    differ = [name for name in ("status", "output", "left") if getattr(bare, name) != getattr(profiled, name)]
    if not set(_alike(bare.errors).splitlines()) <= set(_alike(profiled.errors).splitlines()):
        differ.append("stderr")
    missing = [language for language, samples in seen.items() if samples < 10]
    verdict = f"DIFFERS in {', '.join(differ)}" if differ else "as bare"
    if missing:
        verdict += f", WANTED {', '.join(missing)}"
    how = signal.Signals(form.ending).name + ", " if form.ending else ""
    print(f"{form.line.strip()}: {how}status {bare.status}, {verdict}; {seen}", flush=True)
    if differ or missing:
        for name, each in (("bare", bare), ("profiled", profiled)):
            print(f"--- {name}: {each.status} {each.left}\n{each.output}\n--- stderr\n{each.errors}")
    return not differ and not missing


def run(form: Form, words: list[str], folder: Path, environment: dict[str, str]) -> Outcome:
    report = folder / "run.json"
    report.unlink(missing_ok=True)
    stdin = (folder / form.stdin).open() if form.stdin else subprocess.DEVNULL
    with (folder / "stdout").open("w+") as stdout, (folder / "stderr").open("w+") as stderr:
        process = subprocess.Popen(
            words, cwd=folder, env=environment, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True
        )
        seen = {process.pid}
        try:
            if form.ending:
                _wait_until_ready(process, folder / "stdout", words)
                seen.update(process_tree(process.pid))
                process.send_signal(form.ending)
            process.wait(DEADLINE_S)
        finally:
            left = _left(seen)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()
    profiles = json.loads(report.read_text())["profiles"] if report.exists() else []
    return Outcome(
        process.returncode if process.returncode >= 0 else 128 - process.returncode,
        _alike((folder / "stdout").read_text()),
        sorted(left.values()),
        {
            each["language"]: {
                name: stats["execution_count"] for name, stats in each["runtime_analysis"]["function_stats"].items()
            }
            for each in profiles
        },
        (folder / "stderr").read_text(),
    )


def _wait_until_ready(process: subprocess.Popen[bytes], stdout: Path, words: list[str]) -> None:
    ends_s = time.monotonic() + DEADLINE_S
    while "ready" not in stdout.read_text() and time.monotonic() < ends_s and process.poll() is None:
        time.sleep(0.05)
    # It is to be seen at work, too, and a signal is to find all of it there.
    time.sleep(2 if words[0] == str(COMMAND) else 0.5)


def _left(seen: set[int]) -> dict[int, str]:
    """Who of these still runs two seconds later, by the command."""
    ends_s = time.monotonic() + 2
    while True:
        alive = {}
        for pid in seen:
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                    alive[pid] = Path(f"/proc/{pid}/comm").read_text().strip()
        if not alive or time.monotonic() > ends_s:
            return alive
        time.sleep(0.05)


def _alike(output: str) -> str:
    """Without what no two runs have alike: times, ports, numbers of processes, in lines that come in any order."""
    return "\n".join(
        sorted(
            re.sub(
                r"\x1b\[[0-9;?]*[a-zA-Z]|-?\d+", lambda found: "" if "\x1b" in found[0] else "N", output
            ).splitlines()
        )
    )


if __name__ == "__main__":
    sys.exit(main())
