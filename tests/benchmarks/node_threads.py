"""What a profiler's own threads use in a large Node.js program, while it works: to be live has its price there.

V8 hands a profile to a listener as one JSON text, which Node.js parses before anybody sees it: our helper thread's time. And V8 forgets what
it knows of compiled code when the last profile ends, so a second one is open beside the windows, and V8's own thread enters each sample
into both. `--cpu-prof` makes one profile, writes it in the program's main thread at its end, and shows nothing before.
"""

from __future__ import annotations

import json
import re
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measure import alternate, run
from tests.benchmarks.node import PEER, compiler_words, contenders
from tests.benchmarks.overhead import OURS, Contender
from tests.benchmarks.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.measure import Length

ROUNDS = 3
HELPER, V8 = "WorkerThread", "v8:ProfEvntProc"


def tables(length: Length) -> Iterator[Table]:
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
        folder = Path(name)
        both = contenders(compiler_words(large=not length.quick), folder)

        def used_ms(contender: Contender) -> dict[str, float]:
            printed = re.search(rb"^threads (.*)$", run(contender.command, cwd=folder).stdout, re.MULTILINE)
            assert printed, "the program says what its threads used"
            threads: list[tuple[str, float]] = json.loads(printed[1])
            return {thread: sum(ms for name, ms in threads if name == thread) for thread in (HELPER, V8)}

        took = alternate({name: partial(used_ms, both[name]) for name in (OURS, PEER)}, length.sized(ROUNDS, 1))
        table = Table("Node.js, the TypeScript compiler: CPU time of threads that only profile")
        table.add(f"{OURS}: the helper", [each[HELPER] for each in took[OURS]], "ms")
        table.add(f"{OURS}: V8's", [each[V8] for each in took[OURS]], "ms")
        table.add(f"{PEER}: V8's", [each[V8] for each in took[PEER]], "ms")
        yield table
