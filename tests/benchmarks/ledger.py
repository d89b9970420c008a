"""What the ledger costs: the agent's own CPU time with it and without it, side by side.

    python -m tests.benchmarks.ledger [SECONDS]

Two agents sample the same kind of program at the same time, so that the machine is as busy for the one as for the other
What the sampler does about the processes that the ledger finds is the sampler's (`--no-children`).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 2
AGENT = """
import os, sys, time
if os.environ.pop("WITHOUT_LEDGER", ""):
    from multi_lang_profiler.engine.profile.ledger import Ledger
    Ledger.look = lambda self: None
from multi_lang_profiler.engine.command import cli
report = os.environ.pop("CPU_FILE")
cli.run(sys.argv[1:])
with open(report, "w") as file:
    file.write(str(time.process_time()))
"""
BUSY = "import time\nuntil = time.monotonic() + {seconds}\nwhile time.monotonic() < until: sum(range(500))\n"
THREADS = (
    "import threading\nstop = threading.Event()\nthreading.stack_size(1 << 17)\n"
    "for _ in range(1000): threading.Thread(target=stop.wait, daemon=True).start()\n"
)
PROCESSES = (
    "import atexit, subprocess\nchildren = [subprocess.Popen(['sleep', '600']) for _ in range(500)]\n"
    "atexit.register(lambda: [child.kill() for child in children])\n"
)
PROGRAMS = {
    "idle": "import time\ntime.sleep({seconds})\n",
    "busy": BUSY,
    "busy, 1,000 threads": THREADS + BUSY,
    "busy, 500 processes": PROCESSES + BUSY,
}


def agent_cpu_s(program: Path, folder: Path, *, seconds: float) -> tuple[float, float]:
    """CPU seconds of an agent with the ledger and of one without, of runs beside each other."""
    running = []
    variables: dict[str, str]
    for name, variables in (("with", {}), ("without", {"WITHOUT_LEDGER": "1"})):
        environment = {**os.environ, **variables, "CPU_FILE": str(folder / name)}
        command = [
            sys.executable,
            "-c",
            AGENT,
            "python",
            str(program),
            "--python",
            sys.executable,
            "--quiet",
            "--no-children",
        ]
        running.append(subprocess.Popen(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL))
    for agent in running:
        agent.wait(timeout=10 * seconds + 60)
    with_s, without_s = (float((folder / name).read_text()) for name in ("with", "without"))
    return with_s, without_s


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    print("| program | agent with the ledger | without | ratio |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for kind, code in PROGRAMS.items():
            program = Path(name) / "program.py"
            program.write_text(code.format(seconds=seconds))
            pairs = [agent_cpu_s(program, Path(name), seconds=seconds) for _ in range(ROUNDS)]
            with_s, without_s = (statistics.mean(each) for each in zip(*pairs, strict=True))
            print(f"| {kind} | {with_s:.3f} s | {without_s:.3f} s | {with_s / without_s:.2f} |", flush=True)


if __name__ == "__main__":
    main()
