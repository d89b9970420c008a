"""Shares on a saturated machine: what samplers say of a program of short bursts while twice as many threads are busy as there are processors.

python -m tests.busy [SECONDS]     each sampler in turn looks at its own run of `bursts.py`, of so many seconds (default 20)

The program works 1 ms in `parse` and 2 ms in `render`, then sleeps in `<module>`: 33, 67 and 0% by its own clock. A table says what
each sampler makes of that, at 100 Hz. py-spy and Austin are the versions that pyproject.toml pins; Tachyon is Python 3.15's own
`profiling.sampling`, which says why where it cannot start the program.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

from tests.benchmarks.peers import peers
from tests.support.command import COMMAND
from tests.support.debian import NotToBeHad
from tests.support.debian_python import debian_python

BURSTS = Path(__file__).parent / "programs" / "python" / "truth" / "bursts.py"
PARTS = {"parse": 33.3, "render": 66.7, "<module>": 0.0}
DEADLINE_S = 300.0


def commands(folder: Path, seconds: str) -> dict[str, tuple[list[str], Path]]:
    """Name -> what samples a run of the program, and the folded stacks that it leaves."""
    python, program = sys.executable, [str(BURSTS), seconds]
    austin = Path(sys.executable).with_name("austin")
    here, py_spy, by_austin, tachyon = (folder / f"{name}.folded" for name in ("here", "py-spy", "austin", "tachyon"))
    found = {
        "multi_lang_profiler": (
            [str(COMMAND), "--no-tui", "--python", python, "--export", str(here), "python", program[0], "--", seconds],
            here,
        ),
        "py-spy": (
            [
                str(peers() / "bin" / "py-spy"),
                "record",
                "-r",
                "100",
                "-f",
                "raw",
                "-o",
                str(py_spy),
                "--",
                python,
                *program,
            ],
            py_spy,
        ),
        "Austin": ([str(austin), "-s", "-i", "10000", "-o", str(by_austin), python, *program], by_austin),
    }
    with suppress(NotToBeHad):
        newest = str(debian_python("3.15"))
        # It would start the program by the interpreter's own file, which needs a newer C library than Debian 12's.
        attach = '"$0" "$1" "$2" & sleep 0.2; "$0" -m profiling.sampling attach --mode cpu -r 100 --collapsed -o "$3" $!; wait'
        found["Tachyon"] = (["sh", "-c", attach, newest, *program, str(tachyon)], tachyon)
    return found


def shares(folded: str) -> dict[str, float]:
    """Of each part in per cent: the part of the leaf of each line, `a (f.py:1);b (f.py:2) 12` and the like."""
    samples: Counter[str] = Counter()
    for line in folded.splitlines():
        stack, _, count = line.rpartition(" ")
        # The innermost frame that is of the program, whatever it calls.
        part = next((part for frame in reversed(stack.split(";")) for part in PARTS if part in frame), None)
        if part is not None and count.isdecimal():
            samples[part] += int(count)
    return {part: 100 * samples[part] / max(1, samples.total()) for part in PARTS}


def main(seconds: str = "20") -> int:
    """1 if ours is further off than the best of the others by more than three points."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * (os.cpu_count() or 1))]
    worst = {}
    print(f"{'':22}" + "".join(f"{part:>10}" for part in PARTS) + f"{'off by':>10}")
    print(f"{'by its own clock':22}" + "".join(f"{share:9.1f}%" for share in PARTS.values()))
    try:
        with tempfile.TemporaryDirectory() as made:
            for name, (command, file) in commands(Path(made), seconds).items():
                ran = subprocess.run(command, capture_output=True, check=False, timeout=DEADLINE_S)
                if not file.exists() or not file.stat().st_size:
                    print(f"{name:22}  nothing: {ran.stderr.decode(errors='replace').strip()[-100:]}")
                    continue
                said = shares(file.read_text(errors="replace"))
                worst[name] = max(abs(said[part] - share) for part, share in PARTS.items())
                note = "   says that shares are uncertain" if b"uncertain" in ran.stderr else ""
                print(
                    f"{name:22}" + "".join(f"{share:9.1f}%" for share in said.values()) + f"{worst[name]:10.1f}{note}"
                )
    finally:
        for each in busy:
            each.kill()
            each.wait()
    ours = worst.pop("multi_lang_profiler", 100.0)
    return int(ours > min(worst.values(), default=100.0) + 3.0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
