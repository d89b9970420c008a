"""Projects as people have them, each with the command that its developers type: for `tests.commands`, and for others that need one."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

DEADLINE_S = 240.0
PROGRAMS = Path(__file__).parent / "programs" / "command"
BUSY = "def {name}(ms):\n    end = time.thread_time() + ms / 1000\n    while time.thread_time() < end:\n        sum(range(1000))\n"
EXPRESS = """
const express = require('express');
function price(n) { let sum = 0; for (let i = 0; i < n; i++) sum += Math.sqrt(i); return sum; }
express().get('/', (request, response) => response.send(String(price(3e6)))).listen(process.env.BACKEND_PORT);
"""
LONGER = (PROGRAMS / "hot.py").read_text().replace("mill(0.5)", "mill(3)")
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>example</groupId><artifactId>hot</artifactId><version>1</version>
<properties><maven.compiler.source>11</maven.compiler.source><maven.compiler.target>11</maven.compiler.target>
<project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties>
<build><plugins><plugin><groupId>org.codehaus.mojo</groupId><artifactId>exec-maven-plugin</artifactId><version>3.5.0</version>
<configuration><mainClass>Hot</mainClass></configuration></plugin></plugins></build></project>
"""


@dataclass(slots=True)
class Project:
    """A project's folder, and the command that its developers type."""

    folder: Path
    command: list[str]
    wanted: dict[str, str]
    """Language -> the function that is to be its hottest in the project's own files."""
    environment: dict[str, str] = field(default_factory=dict)
    drive: Callable[[], None] | None = None
    """Uses the program, which does not end by itself; then it is ended by `ending`."""
    ending: int = signal.SIGTERM
    compared: str = r"(?s).*"
    """A pattern for what of the output must be the same without us."""
    around: list[str] = field(default_factory=list)
    """What runs the command, with us or without."""
    told: str = ""
    """What is to be said of what nobody samples."""
    at_most_percent: float | None = None
    """Of a core, that the agent may use."""


def use(port: int, seconds: float, clients: int = 1) -> None:
    """Wait until somebody listens on `port`, then ask for / again and again."""
    ends_s = time.monotonic() + DEADLINE_S
    while True:
        try:
            ask(port)
            break
        except (OSError, http.client.HTTPException):
            if time.monotonic() > ends_s:
                raise SystemExit(f"nobody listens on port {port}") from None
            time.sleep(0.1)

    def work() -> None:
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            with contextlib.suppress(OSError, http.client.HTTPException):
                ask(port)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def ask(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    finally:
        connection.close()


def install(*command: str | Path, cwd: Path) -> None:
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def venv(folder: Path, *requirements: str) -> dict[str, str]:
    """A virtual environment with these packages; the variables that an activated shell has."""
    install(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    install(folder / "venv/bin/python", "-m", "pip", "install", "--quiet", *requirements, cwd=folder)
    return {"VIRTUAL_ENV": str(folder / "venv"), "PATH": f"{folder}/venv/bin{os.pathsep}{os.environ['PATH']}"}


def vite(folder: Path) -> Project:
    """`npm run dev` of a vite project with an express backend beside it."""
    front, back = free_port(), free_port()
    scripts = {"dev": f"node server.js & vite --port {front} --strictPort"}
    (folder / "package.json").write_text(json.dumps({"name": "shop", "private": True, "scripts": scripts}))
    (folder / "server.js").write_text(EXPRESS)
    (folder / "index.html").write_text('<!doctype html><script type="module" src="/main.js"></script>')
    (folder / "main.js").write_text("document.title = 'shop';\n")
    install("npm", "install", "--silent", "--no-audit", "--no-fund", "vite@6.4.1", "express@5.1.0", cwd=folder)

    def drive() -> None:
        use(front, 0.5)
        use(back, 4)

    return Project(
        folder,
        ["npm", "run", "dev"],
        {"JavaScript": "price"},
        {"BACKEND_PORT": str(back)},
        drive,
        compared="nothing of it",
    )


def pytest(folder: Path) -> Project:
    """`pytest -n 2` of a real package's own tests."""
    environment = venv(folder, "pytest==8.4.2", "pytest-xdist==3.8.0")
    download = ("-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "more-itertools==10.8.0")
    install(folder / "venv/bin/python", *download, cwd=folder)
    shutil.unpack_archive(next(folder.glob("more_itertools-*.tar.gz")), folder)
    source = next(folder.glob("more_itertools-*/"))
    return Project(
        source,
        ["pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "--color=no", "tests/test_more.py"],
        {"Python": ""},
        environment,
        compared=r"\d+ passed",
    )


def uvicorn(folder: Path) -> Project:
    """`uvicorn --reload`, with an edit while it runs."""
    port = free_port()
    environment = venv(folder, "uvicorn[standard]==0.38.0")
    app = (
        "import time\n\n"
        + BUSY
        + (
            "\n\nasync def app(scope, receive, send):\n    if scope['type'] == 'http':\n        {name}(20)\n"
            "        await send({{'type': 'http.response.start', 'status': 200, 'headers': []}})\n"
            "        await send({{'type': 'http.response.body', 'body': b'{name}'}})\n"
        )
    )
    file = folder / "app.py"

    def drive() -> None:
        file.write_text(app.format(name="before"))
        use(port, 2)
        file.write_text(app.format(name="after_the_edit"))
        time.sleep(3)
        use(port, 4)

    file.write_text(app.format(name="before"))
    command = ["uvicorn", "app:app", "--reload", "--port", str(port), "--log-level", "warning"]
    return Project(
        folder, command, {"Python": "after_the_edit"}, environment, drive, signal.SIGINT, compared="nothing of it"
    )


def gunicorn(folder: Path) -> Project:
    """`gunicorn -w 3` beside `wrk`."""
    port, load = free_port(), wrk(folder)
    environment = venv(folder, "gunicorn==23.0.0")
    (folder / "shop.py").write_text(
        "import time\n\n" + BUSY.format(name="price") + "\n\ndef app(environ, start_response):\n    price(10)\n"
        "    start_response('200 OK', [])\n    return [b'ok']\n"
    )
    command = ["gunicorn", "-w", "3", "-b", f"127.0.0.1:{port}", "--log-level", "error", "shop:app"]

    def drive() -> None:
        use(port, 0.1)
        done = subprocess.run(
            [*load, "-t1", "-c4", "-d4s", f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=True
        )
        print(
            f"  wrk: {re.findall(r'Requests/sec: .*', done.stdout)[0]}, {', '.join(re.findall('Non-2xx.*', done.stdout)) or 'all answered'}"
        )

    return Project(folder, command, {"Python": "price"}, environment, drive)


def wrk(folder: Path) -> list[str]:
    """The words that start wrk: on PATH, or from Debian's packages, unpacked into `folder`."""
    if found := shutil.which("wrk"):
        return [found]
    place = folder / "wrk"
    place.mkdir()
    install("apt-get", "download", "wrk", "libluajit-5.1-2", cwd=place)
    for package in place.glob("*.deb"):
        install("dpkg", "-x", package, place, cwd=place)
    (library,) = place.glob("usr/lib/*/libluajit-5.1.so.2")
    return ["env", f"LD_LIBRARY_PATH={library.parent}", str(place / "usr/bin/wrk")]


def make(folder: Path) -> Project:
    """A Makefile that starts a Python worker, a Node.js gateway and a Java service, and ends them by SIGTERM."""
    for name in ("hot.py", "hot.js", "Hot.java"):
        shutil.copy(PROGRAMS / name, folder)
    (folder / "worker.py").write_text((PROGRAMS / "hot.py").read_text().replace("mill(0.5)", "mill(30)"))
    (folder / "gateway.js").write_text((PROGRAMS / "hot.js").read_text().replace("polish(500)", "polish(30000)"))
    install("javac", "Hot.java", cwd=folder)
    (folder / "Makefile").write_text(
        "serve:\n\t@python3 worker.py & worker=$$!; node gateway.js & gateway=$$!; java -Dhot.ms=30000 Hot & service=$$!; \\\n"
        "\tsleep 8; kill $$worker $$gateway $$service; wait; echo ended\n"
    )
    return Project(folder, ["make"], {"Python": "mill", "JavaScript": "polish", "Java": "Hot.weave"})


def go(folder: Path) -> Project:
    """`go test -bench`."""
    (folder / "go.mod").write_text("module example.com/knit\n\ngo 1.21\n")
    (folder / "knit_test.go").write_text(
        'package knit\n\nimport "testing"\n\nvar sum int\n\nfunc knit(n int) (s int) {\n\tfor i := 0; i < n; i++ {\n\t\ts += i*s + 1\n\t}\n'
        "\treturn s\n}\n\nfunc BenchmarkKnit(b *testing.B) {\n\tfor i := 0; i < b.N; i++ {\n\t\tsum = knit(100000)\n\t}\n}\n"
    )
    return Project(folder, ["go", "test", "-bench", ".", "-benchtime", "2s"], {"Go": "knit"}, compared="nothing of it")


def pipe(folder: Path) -> Project:
    """`bash -c 'a | b'`, of a Python and a Node.js."""
    (folder / "mill.py").write_text(
        "import time\n\n" + BUSY.format(name="mill") + "\nfor i in range(6):\n    mill(500)\n    print(i, flush=True)\n"
    )
    (folder / "polish.js").write_text(
        "function polish(ms) {\n  const end = Date.now() + ms; let s = 0;\n  while (Date.now() < end) s += Math.sqrt(s + 1);\n  return s;\n}\n"
        "require('readline').createInterface({ input: process.stdin }).on('line', line => { polish(400); console.log(line * 2); });\n"
    )
    return Project(
        folder, ["bash", "-c", "python3 mill.py | node polish.js"], {"Python": "mill", "JavaScript": "polish"}
    )


def maven(folder: Path) -> Project:
    """`mvn compile exec:java` of a small project."""
    (folder / "pom.xml").write_text(POM)
    source = folder / "src/main/java/Hot.java"
    source.parent.mkdir(parents=True)
    shutil.copy(PROGRAMS / "Hot.java", source)
    command = ["mvn", "-q", "-Dhot.ms=3000", "compile", "exec:java"]
    install(*command, cwd=folder)
    shutil.rmtree(folder / "target")
    return Project(folder, command, {"Java": "Hot.weave"})


def short(folder: Path) -> Project:
    """A tree of 200 short processes of Python and Node.js."""
    (folder / "short.sh").write_text(
        "for i in $(seq 100); do python3 -c 'sum(range(300000))'; node -e 'for (let i = 0; i < 1e6; i++);'; done\n"
    )
    return Project(folder, ["sh", "short.sh"], {}, at_most_percent=3.0)


def uv(folder: Path) -> Project:
    """`uv run`."""
    environment = venv(folder, "uv==0.13.8")
    (folder / "worker.py").write_text(LONGER)
    return Project(folder, ["uv", "run", "--no-project", "worker.py"], {"Python": "mill"}, environment)


def tox(folder: Path) -> Project:
    """`tox`, which hands on only what it is told to of the environment."""
    environment = venv(folder, "tox==4.67.13")
    (folder / "worker.py").write_text(LONGER)
    (folder / "tox.ini").write_text("[tox]\nskipsdist = true\nenvlist = py\n[testenv]\ncommands = python worker.py\n")
    install(folder / "venv/bin/tox", "--notest", cwd=folder)
    return Project(folder, ["tox", "-q"], {"Python": "mill"}, environment, compared="python$|OK|congratulations")


def poetry(folder: Path) -> Project:
    """`poetry run`."""
    environment = venv(folder, "poetry==2.5.1")
    (folder / "worker.py").write_text(LONGER)
    (folder / "pyproject.toml").write_text('[tool.poetry]\nname = "shop"\nversion = "1"\npackage-mode = false\n')
    return Project(folder, ["poetry", "run", "python", "worker.py"], {"Python": "mill"}, environment)


def bun(folder: Path) -> Project:
    """TypeScript run by Bun, of which we have no sampler: the ledger says so."""
    return _other_runtime(folder, ["bun", "work.ts"], "bun@1.4.4", "there is no sampler for Bun")


def deno(folder: Path) -> Project:
    """The same by Deno."""
    return _other_runtime(folder, ["deno", "run", "work.ts"], "deno@2.9.6", "there is no sampler for Deno")


def _other_runtime(folder: Path, command: list[str], package: str, told: str) -> Project:
    (folder / "work.ts").write_text(
        "function polish(ms: number): number {\n  const end = Date.now() + ms; let s = 0;\n"
        "  while (Date.now() < end) s += Math.sqrt(s + 1);\n  return s;\n}\nconsole.log(polish(2500) > 0);\n"
    )
    install("npm", "install", "--silent", "--no-audit", "--no-fund", package, cwd=folder)
    path = f"{folder}/node_modules/.bin{os.pathsep}{os.environ['PATH']}"
    return Project(folder, command, {}, {"PATH": path}, told=told)


def gradle(folder: Path) -> Project:
    """`gradle run` of a small project, in a JVM that Gradle starts; Gradle is Debian's, unpacked.

    It wants to lie in /usr/share: where root runs this, the unpacked folder is laid over that, for Gradle and whoever profiles it (`unshare`).
    """
    if os.geteuid():
        raise SystemExit("Debian's Gradle, unpacked, can be run by root alone: it wants to lie in /usr/share")
    place = folder / "gradle"
    place.mkdir()
    simulated = subprocess.run(
        ["apt-get", "install", "-s", "--no-install-recommends", "gradle"], capture_output=True, text=True, check=False
    ).stdout
    packages = [line.split()[1] for line in simulated.splitlines() if line.startswith("Inst ")]
    if not packages:
        raise SystemExit("Debian's Gradle cannot be had here (or is installed already)")
    install("apt-get", "download", *packages, cwd=place)
    for package in place.glob("*.deb"):
        install("dpkg", "-x", package, place, cwd=place)
    (folder / "build.gradle").write_text(
        "apply plugin: 'java'\napply plugin: 'application'\nmainClassName = 'Hot'\nsourceSets { main { java { srcDirs = ['source'] } } }\n"
        "run { jvmArgs = ['-Dhot.ms=4000'] }\n"
    )
    (folder / "settings.gradle").write_text("rootProject.name = 'hot'\n")
    (folder / "source").mkdir()
    shutil.copy(PROGRAMS / "Hot.java", folder / "source")
    over = f"mount -t overlay overlay -o lowerdir={place}/usr/share:/usr/share /usr/share"
    around = ["unshare", "-m", "sh", "-c", f'{over} && exec "$@"', "sh"]
    command = ["/usr/share/gradle/bin/gradle", "--offline", "--no-daemon", "-q", "run"]
    environment = {"GRADLE_USER_HOME": str(folder / "home")}
    return Project(folder, command, {"Java": "Hot.weave"}, environment, around=around)


PROJECTS: dict[str, Callable[[Path], Project]] = {
    project.__name__: project
    for project in (vite, pytest, uvicorn, gunicorn, make, go, pipe, maven, short, uv, tox, poetry, bun, deno, gradle)
}
