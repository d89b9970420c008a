"""All benchmarks, or those named: `python -m tests.benchmarks [NAME [ARGUMENTS]]`; tables also go to benchmarks.json."""

from __future__ import annotations

import importlib
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks import measure

NAMES = ("command", "mojo", "wire", "reporter", "flame", "node", "java", "go")


def main() -> None:
    chosen, arguments = sys.argv[1:2], sys.argv[2:]
    if chosen and chosen[0] not in NAMES:
        sys.exit(f"no benchmark is called {chosen[0]!r}; there are {', '.join(NAMES)}")
    processor = next(
        (line.partition(": ")[2] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        "?",
    )
    print(f"{datetime.now(UTC):%Y-%m-%d}, {processor}, Python {platform.python_version()}, Linux {platform.release()}")
    for name in chosen or NAMES:
        print(f"\n{name}")
        module = importlib.import_module(f"tests.benchmarks.{name}")
        sys.argv = [name, *arguments]
        module.main()
    measure.save(Path("benchmarks.json"))


if __name__ == "__main__":
    main()
