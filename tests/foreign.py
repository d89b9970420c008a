"""Runs Python programs that nobody here wrote, under us and under py-spy, and compares what both say of them.

python -m tests.foreign                  all, in some seven minutes; installs packages from PyPI into .toolchains, once
python -m tests.foreign django pandas    some

A line for each: the CPU time that the kernel charged to the program's whole tree, how much of it we account for (in functions and
by other names) and what is left over. Below it the five functions that py-spy finds hottest: our share of each and py-spy's, and beside both
what the program's own clock said in that very run (`tests.judge`), which tells where py-spy is not right; and by how many points we may differ from
it, five and what chance allows of so many looks and ticks. Ends with 1 where a program fails, more than
3% of the CPU time is missing, or a share of ours differs by more than that.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests import judge
from tests.benchmarks.peers import peers
from tests.command_projects import use
from tests.support.command import COMMAND
from tests.support.node import TOOLCHAINS
from tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGES = (
    "aiohttp==3.14.5",
    "billiard==4.3.2",
    "Django==5.2.19",
    "Flask==3.1.3",
    "gunicorn==27.0.1",
    "hypothesis==6.170.17",
    "Jinja2==3.1.6",
    "pandas==3.1.1",
    "pytest==9.2.0",
    "pytest-xdist==3.8.0",
    "starlette==1.10.0",
    "sympy==1.14.0",
    "uvicorn==0.54.0",
    "uvloop==0.23.0",
    "watchfiles==1.3.0",
)
WHOLE = Path(__file__).parent / "programs" / "foreign" / "whole.py"
DEADLINE_S = 240.0
SERVED_S, RELOADED_S = 8.0, 20.0
"""The second where files are edited meanwhile: much of that time is the restart's, and few looks are left for each function."""
MAX_MISSING = 0.03
MAX_POINTS, SIGMAS = 0.05, 3.0


@dataclass(slots=True)
class Program:
    command: list[str]
    drive: Callable[[], None] | None = None
    """Uses the program, which does not end by itself."""


@dataclass(slots=True)
class Told:
    """What was said of one run."""

    kernel_s: float
    shares: Counter[tuple[str, str]]
    """`(function, file)` -> samples with it running."""
    clock: Counter[tuple[str, str]]
    """The same in ticks of the program's own clock."""
    summary: dict[str, Any]
    """What `--summary json` says."""


def django(folder: Path) -> Program:
    """`runserver` with its reloader; the file with the view is edited in the middle."""
    (folder / "templates").mkdir()
    rows = "{% for row in rows %}<tr><td>{{ row.0|floatformat:2 }}</td><td>{{ row.1|upper }}</td></tr>{% endfor %}"
    (folder / "templates" / "page.html").write_text(rows)
    view = folder / "views.py"
    view.write_text(
        "from django.shortcuts import render\n\ndef page(request):\n"
        "    return render(request, 'page.html', {'rows': [(n / 7, f'name {n}') for n in range(300)]})\n"
    )
    (folder / "manage.py").write_text(
        "import os, sys\nfrom django.conf import settings\nfrom django.core.management import execute_from_command_line\n"
        "from django.urls import path\nhere = os.path.dirname(os.path.abspath(__file__))\n"
        "settings.configure(DEBUG=True, SECRET_KEY='x', ROOT_URLCONF=__name__, ALLOWED_HOSTS=['*'], LOGGING_CONFIG=None,\n"
        "    TEMPLATES=[{'BACKEND': 'django.template.backends.django.DjangoTemplates', 'DIRS': [here + '/templates']}])\n"
        "import views\nurlpatterns = [path('', views.page)]\nexecute_from_command_line(sys.argv)\n"
    )
    port = free_port()

    def drive() -> None:
        use(port, RELOADED_S / 2)
        view.write_text(view.read_text() + "\n# edited\n")
        use(port, RELOADED_S / 2)

    return Program(["python", "manage.py", "runserver", f"127.0.0.1:{port}"], drive)


STARLETTE = """
import json
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

async def page(request):
    return JSONResponse({"items": [{"id": n, "name": f"name {n}", "price": n / 7} for n in range(500)]})

app = Starlette(routes=[Route("/", page)])
"""


def uvicorn(folder: Path, *options: str) -> Program:
    """Two workers."""
    (folder / "site_app.py").write_text(STARLETTE)
    port = free_port()
    words = options or ("--workers", "2")
    command = ["python", "-m", "uvicorn", "site_app:app", "--port", str(port), "--log-level", "warning", *words]
    return Program(command, lambda: use(port, SERVED_S, 3))


def uvicorn_reload(folder: Path) -> Program:
    """With its reloader; the application is edited in the middle."""
    program = uvicorn(folder, "--reload")
    port = int(program.command[program.command.index("--port") + 1])
    app = folder / "site_app.py"

    def drive() -> None:
        use(port, RELOADED_S / 2)
        app.write_text(app.read_text().replace("range(500)", "range(400)"))
        use(port, RELOADED_S / 2)

    program.drive = drive
    return program


FLASK = """
from flask import Flask, render_template_string
app = Flask(__name__)
TEXT = "{% for row in rows %}<li>{{ '%.2f' | format(row.price) }} {{ row.name | title }}</li>{% endfor %}"

@app.get("/")
def page():
    return render_template_string(TEXT, rows=[{"price": n / 7, "name": f"name {n}"} for n in range(300)])
"""


def gunicorn(folder: Path) -> Program:
    """A Flask site on two workers."""
    (folder / "shop.py").write_text(FLASK)
    port = free_port()
    command = ["python", "-m", "gunicorn", "-w", "2", "-b", f"127.0.0.1:{port}", "--log-level", "warning", "shop:app"]
    return Program(command, lambda: use(port, SERVED_S, 3))


def jinja(folder: Path) -> Program:
    """Templates that extend each other, on werkzeug's threads."""
    (folder / "base.html").write_text("<html>{% block body %}{% endblock %}</html>")
    (folder / "page.html").write_text(
        "{% extends 'base.html' %}{% macro cell(x) %}<td>{{ x|e }}</td>{% endmacro %}{% block body %}<table>"
        "{% for row in rows %}<tr>{% for x in row %}{{ cell(x) }}{% endfor %}</tr>{% endfor %}</table>{% endblock %}"
    )
    (folder / "pages.py").write_text(
        "import sys\nfrom jinja2 import Environment, FileSystemLoader\nfrom werkzeug.serving import run_simple\n"
        "from werkzeug.wrappers import Request, Response\n"
        "pages = Environment(loader=FileSystemLoader('.'), autoescape=True)\n"
        "@Request.application\ndef app(request):\n"
        "    rows = [[n * m for m in range(20)] for n in range(60)]\n"
        "    return Response(pages.get_template('page.html').render(rows=rows), mimetype='text/html')\n"
        "run_simple('127.0.0.1', int(sys.argv[1]), app, threaded=True)\n"
    )
    port = free_port()
    return Program(["python", "pages.py", str(port)], lambda: use(port, SERVED_S, 2))


def aiohttp(folder: Path) -> Program:
    """A service that sends a table, and asks itself for a part of it."""
    (folder / "service.py").write_text(
        "import sys\nfrom aiohttp import ClientSession, web\n\n"
        "def table(rows):\n    return '\\n'.join(','.join(str(n * m) for m in range(20)) for n in range(rows))\n\n"
        "async def part(request):\n    return web.Response(text=table(20))\n\n"
        "async def page(request):\n    async with ClientSession() as session:\n"
        "        async with session.get(f'http://127.0.0.1:{sys.argv[1]}/part') as answer:\n"
        "            more = await answer.text()\n    return web.json_response({'table': table(100), 'part': more})\n\n"
        "app = web.Application()\napp.add_routes([web.get('/', page), web.get('/part', part)])\n"
        "web.run_app(app, host='127.0.0.1', port=int(sys.argv[1]), print=None, access_log=None)\n"
    )
    port = free_port()
    return Program(["python", "service.py", str(port)], lambda: use(port, SERVED_S, 2))


def billiard(folder: Path) -> Program:
    """Celery's pool: three workers, each of which is replaced after ten tasks."""
    (folder / "work.py").write_text(
        "from billiard import Pool\nfrom sympy import factorint, isprime\n\n"
        "def split(n):\n    return sum(factorint(10**22 + n * 1000 + m, limit=30_000).get(3, 0) for m in range(40))\n\n"
        "if __name__ == '__main__':\n    with Pool(3, maxtasksperchild=10) as pool:\n"
        "        print(sum(pool.map(split, range(90), chunksize=1)))\n"
    )
    return Program(["python", "work.py"])


def forkserver(folder: Path) -> Program:
    (folder / "work.py").write_text(
        "import multiprocessing\nfrom sympy import expand, symbols\nx, y = symbols('x y')\n\n"
        "def grow(n):\n    return len(expand((x + y + n) ** (14 + n % 5)).args)\n\n"
        "if __name__ == '__main__':\n    with multiprocessing.get_context('forkserver').Pool(2) as pool:\n"
        "        print(sum(pool.map(grow, range(240))))\n"
    )
    return Program(["python", "work.py"])


def xdist(folder: Path) -> Program:
    """A part of sympy's own suite on two workers."""
    modules = ("sympy.core.tests.test_expr", "sympy.polys.tests.test_rings", "sympy.polys.tests.test_fields")
    command = ["python", "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "--pyargs", *modules]
    return Program(command)


def sympy(folder: Path) -> Program:
    (folder / "solve.py").write_text(
        "from sympy import *\nx, y, a = symbols('x y a', positive=True)\n"
        "for n in range(2, 7):\n    print(integrate(x**n * exp(-a * x) * sin(x), x))\n"
        "print(simplify(diff(sin(x) ** 8 * exp(x * y), x, 4)))\nprint(solve([x**2 + y - 7, x + y**2 - 11], [x, y]))\n"
        "print(factor(expand((x + y + 1) ** 12)))\n"
    )
    return Program(["python", "solve.py"])


def pandas(folder: Path) -> Program:
    (folder / "report.py").write_text(
        "import numpy as np\nimport pandas as pd\nrng = np.random.default_rng(1)\n"
        "sales = pd.DataFrame({'shop': rng.integers(0, 300, 400_000), 'price': rng.random(400_000),\n"
        "    'day': pd.to_datetime(rng.integers(0, 10**9, 400_000), unit='s')})\n"
        "def spread(prices):\n    return prices.max() - prices.min()\n"
        "for _ in range(20):\n"
        "    by_shop = sales.groupby('shop')['price'].apply(spread)\n"
        "    rolled = sales.sort_values('day').set_index('day')['price'].rolling('30D').mean()\n"
        "    joined = sales.merge(by_shop.rename('spread'), on='shop')\n"
        "    text = sales['shop'].astype(str).str.cat(sales['day'].dt.strftime('%Y-%m').head(40_000), na_rep='-')\n"
        "    table = joined.pivot_table(index='shop', columns=joined['day'].dt.year, values='price')\n"
        "print(table.shape, text.nunique(), rolled.sum())\n"
    )
    return Program(["python", "report.py"])


PROGRAMS: dict[str, Callable[[Path], Program]] = {
    program.__name__: program
    for program in (
        django,
        uvicorn,
        uvicorn_reload,
        gunicorn,
        billiard,
        xdist,
        sympy,
        pandas,
        jinja,
        aiohttp,
        forkserver,
    )
}


def environment() -> Path:
    """The interpreter that has the packages; made the first time."""
    digest = hashlib.sha256(" ".join([sys.version, *PACKAGES]).encode()).hexdigest()[:12]
    folder = TOOLCHAINS / f"foreign-{digest}"
    if not (folder / "complete").exists():
        print("installing what the programs need ...", flush=True)
        venv.create(folder, with_pip=True, clear=True, symlinks=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", *PACKAGES], check=True)
        (folder / "complete").touch()
    return folder / "bin" / "python"


def told(make: Callable[[Path], Program], before: Callable[[Path], list[str]], folder: Path, python: Path) -> Told:
    """Run the program in `folder`, after the words that `before` gives."""
    program = make(folder)
    words = [str(python) if word == "python" else word for word in program.command]
    command = [*before(folder), str(python), str(WHOLE), *words]
    # The program's own folder stands on sys.path wherever it is started.
    variables = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
    # For the program alone, not for who samples it.
    variables["WHOLE_ENVIRONMENT"] = json.dumps(judge.variables(str(python), folder))
    with (folder / "stdout").open("w") as stdout, (folder / "stderr").open("w+") as stderr:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        try:
            if program.drive:
                program.drive()
                (folder / "end").touch()
            process.wait(DEADLINE_S)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        stderr.seek(0)
        lines = stderr.read().splitlines()
    used = folder / "used"
    if not used.exists():
        raise SystemExit("\n".join([f"{' '.join(command)} did not come to its end", *lines[-20:]]))
    summary: dict[str, Any] = next((json.loads(line) for line in reversed(lines) if line.startswith('{"command"')), {})
    folded = (folder / "run.folded").read_text(errors="replace") if (folder / "run.folded").exists() else ""
    clock: Counter[tuple[str, str]] = Counter()
    for (name, file, _), ticks in judge.told(folder).items():
        clock[_short(name, file)] += ticks
    counted = json.loads(used.read_text())
    if program.drive is None and counted["status"]:
        raise SystemExit(
            "\n".join([f"{' '.join(command)} failed", (folder / "stdout").read_text()[-2_000:], *lines[-20:]])
        )
    return Told(counted["cpu_s"], shares(folded), clock, summary)


def by_us(folder: Path) -> list[str]:
    return [str(COMMAND), "--no-tui", "--summary", "json", "--export", str(folder / "run.folded"), "--"]


def by_py_spy(folder: Path) -> list[str]:
    options = ["-s", "-r", "100", "-f", "raw", "-o", str(folder / "run.folded")]
    return [str(peers() / "bin" / "py-spy"), "record", *options, "--"]


def shares(folded: str) -> Counter[tuple[str, str]]:
    """The leaves of `a (f.py:1);b (f.py:2) 12` and the like, by what both call them: the last part of the name, the file's name."""
    found: Counter[tuple[str, str]] = Counter()
    for line in folded.splitlines():
        stack, _, count = line.rpartition(" ")
        # py-spy takes the garbage collector for whom it interrupts.
        stack = stack.removesuffix(";(garbage collector)")
        leaf = re.fullmatch(r"(.+?) \((.+?)(?::\d+)?\)", stack.rpartition(";")[2])
        if leaf and count.isdecimal() and f"{WHOLE.name}" not in leaf[2]:
            found[_short(leaf[1], leaf[2])] += int(count)
    return found


def _short(name: str, file: str) -> tuple[str, str]:
    return name.replace("<locals>.", "").rpartition(".")[2], file.rpartition("/")[2]


def tell(name: str, ours: Told, peer: Told) -> bool:
    """Print what there was; whether all is as it should be."""
    cpu = ours.summary["cpu"]
    account_s = cpu["cpu_secs"] - cpu["left_over_secs"]
    missing = 1 - account_s / ours.kernel_s
    left = cpu["left_over_secs"] / cpu["cpu_secs"]
    # Chance goes by looks, of which each may stand for several samples on a busy machine.
    looks = ours.shares.total() * min(1.0, (ours.summary["achieved_hz"] or 0) / ours.summary["asked_hz"])
    fine = bool(abs(missing) <= MAX_MISSING and abs(left) <= MAX_MISSING)
    rows = []
    for function, _ in peer.shares.most_common(5):
        here, there = _share(ours.shares, function), _share(peer.shares, function)
        clock, peer_clock = _share(ours.clock, function), _share(peer.clock, function)
        # Stopped again and again, threads that wait use time with py-spy that they do not use else: its own run's clock tells.
        peer_is_right = abs(there - peer_clock) <= _allowed(peer_clock, peer.shares.total(), peer.clock.total())
        allowed = _allowed(clock, looks, ours.clock.total())
        is_same = abs(here - clock) <= allowed
        fine &= is_same
        rows.append(
            f"    {100 * here:5.1f}% ({100 * clock:4.1f}%) ±{100 * allowed:4.1f} {100 * there:7.1f}% ({100 * peer_clock:4.1f}%)  {function[0]} ({function[1]})"
            f"{'' if peer_is_right else '   py-spy is not right'}{'' if is_same else '   NOT FINE'}"
        )
    in_functions = cpu["attributed_secs"] / cpu["cpu_secs"]
    print(
        f"{name:15}{ours.kernel_s:8.2f} s{cpu['cpu_secs']:9.2f} s{100 * in_functions:8.1f}%{100 * left:7.1f}%"
        f"{peer.kernel_s:8.2f} s{'' if fine else '   NOT FINE'}",
        flush=True,
    )
    print("\n".join(rows), flush=True)
    if not fine:
        print(f"    {json.dumps(cpu)}", flush=True)
    return fine


def _share(samples: Counter[tuple[str, str]], function: tuple[str, str]) -> float:
    return samples[function] / max(1, samples.total())


def _allowed(share: float, looks: float, ticks: float) -> float:
    """By how much another share of the same may differ, of so many looks and the first of so many ticks: chance, and five points."""
    return MAX_POINTS + SIGMAS * math.sqrt(share * (1 - share) * (1 / max(1.0, looks) + 1 / max(1.0, ticks)))


def main() -> int:
    python = environment()
    names = sys.argv[1:] or list(PROGRAMS)
    fine = True
    print(
        f"{'program':15}{'kernel':>10}{'ours':>11}{'functions':>9}{'left':>8}{'py-spy':>10}\n"
        "     ours (clock)       py-spy (clock)  of the function"
    )
    for name in names:
        with (
            tempfile.TemporaryDirectory(prefix="ours-") as folder,
            tempfile.TemporaryDirectory(prefix="peer-") as other,
        ):
            ours = told(PROGRAMS[name], by_us, Path(folder), python)
            peer = told(PROGRAMS[name], by_py_spy, Path(other), python)
            fine &= tell(name, ours, peer)
    return int(not fine)


if __name__ == "__main__":
    sys.exit(main())
