"""What the command as a whole costs: on the program, itself, at start and at end, beside its peers.

    python -m tests.benchmarks command [overhead|agent|start|memory]...

The overhead is what the *program* reports of itself for a fixed amount of work, so that a profiler's own start and end do
not hide in it or behind it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from tests.benchmarks.measure import Table, alternate, run
from tests.support.backend import Backend
from tests.support.wheels import wheel

BIN = Path(sys.executable).parent
COMMAND = BIN / "multi_lang_profiler"
PYTHON = sys.executable
ROUNDS = 5
AGENT_S = 120.0
SCALENE = "2.4.0"

_FIXED_WORK = """
import sys, time
{setup}
began, cpu = time.perf_counter(), time.process_time()
{work}
print(time.perf_counter() - began, time.process_time() - cpu)
"""
PROGRAMS = {
    "CPU-bound": _FIXED_WORK.format(
        setup="""
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
def words(n): return sorted(str(i * 7919 % 10007) for i in range(n))
""",
        work="for _ in range(14): fib(25); words(60000)",
    ),
    "four threads": _FIXED_WORK.format(
        setup="""
import threading
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
threads = [threading.Thread(target=lambda: [fib(22) for _ in range(26)]) for _ in range(4)]
""",
        work="for t in threads: t.start()\nfor t in threads: t.join()",
    ),
    "server, 2,000 requests": _FIXED_WORK.format(
        setup="""
import json, threading, http.client
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = json.dumps({"rows": [{"id": i, "name": f"n{i}"} for i in range(300)]}).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *a): pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = http.client.HTTPConnection("127.0.0.1", server.server_port)
""",
        work='for _ in range(2000): client.request("GET", "/"); client.getresponse().read()',
    ),
}


def main() -> None:
    names = sys.argv[1:]
    known = {"overhead": overhead, "agent": agent, "start": start_and_end, "memory": memory}
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as folder:
        os.environ["XDG_STATE_HOME"] = folder
        for name in names or known:
            known[name](Path(folder))


def overhead(folder: Path) -> None:
    """The program's own time for a fixed amount of work, alone and under each profiler."""
    scalene = wheel_with_dependencies("scalene", SCALENE)
    for title, source in PROGRAMS.items():
        program = folder / "program.py"
        program.write_text(source)
        ours: list[str | Path] = [COMMAND, "python", program, "--python", PYTHON, "--no-tui"]
        contenders: dict[str, list[str | Path]] = {
            "none": [PYTHON, program],
            "multi_lang_profiler": ours,
            "multi_lang_profiler, reporting": [*ours, "--report-endpoint", "http://127.0.0.1:9/", "--no-spool"],
            "py-spy": [BIN / "py-spy", "record", "-r", "100", "-f", "raw", "-o", folder / "raw", "--", PYTHON, program],
            "py-spy --nonblocking": [
                *(BIN / "py-spy", "record", "--nonblocking", "-r", "100", "-f", "raw"),
                *("-o", folder / "raw", "--", PYTHON, program),
            ],
            "austin": [BIN / "austin", "-s", "-i", "10000", "-o", folder / "austin.txt", PYTHON, program],
            "cProfile": [PYTHON, "-m", "cProfile", "-o", folder / "cprofile", program],
        }
        if scalene:
            contenders["scalene"] = [
                *("env", f"PYTHONPATH={scalene}", PYTHON, "-m", "scalene", "run", "--cpu-only", "-o"),
                *(folder / "scalene.json", program),
            ]
        calls = {name: partial(_own_time, command, folder) for name, command in contenders.items()}
        alternate(f"Overhead, Python, {title}: seconds the work took", "s", calls, rounds=ROUNDS)


def wheel_with_dependencies(name: str, version: str) -> Path | None:
    """A folder that can be put on PYTHONPATH."""
    folder = wheel(name, version).parent / f"{name}-{version}-all"
    if not folder.exists():
        installed = subprocess.run(
            [
                "uv",
                "--directory",
                "/",
                "pip",
                "install",
                "-q",
                "--python",
                PYTHON,
                "--target",
                folder,
                f"{name}=={version}",
            ],
            check=False,
        )
        if installed.returncode:
            print(f"{name} {version} could not be installed and is left out")
            return None
    return folder


def agent(folder: Path) -> None:
    """CPU of our own processes while an always busy program runs, reporting every 30 s; the sampler's apart."""
    program = folder / "busy.py"
    program.write_text("def spin():\n    n = 0\n    while True: n += 1\nspin()\n")
    with Backend() as backend:
        process = subprocess.Popen(
            [
                *(COMMAND, "python", program, "--python", PYTHON, "--no-tui"),
                *("--report-endpoint", backend.url, "--report-interval", "30"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(5)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        austin = next(int(child) for child in children if "austin" in Path(f"/proc/{child}/comm").read_text())
        ours_s, austin_s = _cpu_s(process.pid), _cpu_s(austin)
        time.sleep(AGENT_S)
        table = Table(f"The agent at 100 Hz over {AGENT_S:g} s, headless, reporting every 30 s: share of a core", "%")
        table.rows["agent"] = [100 * (_cpu_s(process.pid) - ours_s) / AGENT_S]
        table.rows["sampler (Austin)"] = [100 * (_cpu_s(austin) - austin_s) / AGENT_S]
        table.print()
        process.send_signal(signal.SIGTERM)
        process.wait()


def start_and_end(folder: Path) -> None:
    """From the command to the program's first line; from the program's end to the command's."""
    first = folder / "first.py"
    first.write_text("import time; print(time.clock_gettime(time.CLOCK_MONOTONIC))\n")
    last = folder / "last.py"
    last.write_text(
        "import time\nuntil = time.monotonic() + 0.7\nwhile time.monotonic() < until: pass\nprint(time.clock_gettime(time.CLOCK_MONOTONIC))\n"
    )

    def to_first_line(command: list[str | Path]) -> float:
        began_s = time.monotonic()
        return 1000 * (float(run(command, cwd=folder).stdout) - began_s)

    def from_last_line(command: list[str | Path]) -> float:
        printed = float(run(command, cwd=folder).stdout)
        return 1000 * (time.monotonic() - printed)

    for title, program, measure in (
        ("Start: to the program's first line", first, to_first_line),
        ("End: from the program's last line to the command's end", last, from_last_line),
    ):
        commands: dict[str, list[str | Path]] = {
            "none": [PYTHON, program],
            "multi_lang_profiler": [COMMAND, "python", program, "--python", PYTHON, "--no-tui"],
        }
        alternate(title, "ms", {name: partial(measure, command) for name, command in commands.items()}, rounds=11)


def memory(folder: Path) -> None:
    """Peak resident memory of the agent, headless and reporting."""
    program = folder / "busy.py"
    program.write_text("import time\nuntil = time.monotonic() + 6\nwhile time.monotonic() < until: sum(range(1000))\n")
    with Backend() as backend:
        command: list[str | Path] = [COMMAND, "python", program, "--python", PYTHON, "--no-tui"]
        reporting: list[str | Path] = [*command, "--report-endpoint", backend.url, "--report-interval", "2"]
        alternate(
            "Peak memory",
            "MB",
            {
                "headless": lambda: run(command, cwd=folder).peak_mb,
                "headless, reporting": lambda: run(reporting, cwd=folder).peak_mb,
            },
            rounds=3,
        )


def _own_time(command: list[str | Path], folder: Path) -> float:
    took = run(command, cwd=folder)
    assert took.status == 0, f"{command} ended with {took.status}"
    return float(took.stdout.split()[0])


def _cpu_s(pid: int) -> float:
    """From the scheduler's nanoseconds, of all threads."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


if __name__ == "__main__":
    main()
