"""What counting samples costs, and a snapshot of the counts, against the number of functions, the depth of stacks, and threads."""

from __future__ import annotations

import gc
import math
import random
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from multi_lang_profiler.engine.analysis.ranking import Catalogue, Query, rank
from multi_lang_profiler.engine.engine import Engine
from multi_lang_profiler.engine.profile.stacks import Frame
from multi_lang_profiler.engine.settings import Language, Settings
from tests.benchmarks.measure import alternate, timed_s
from tests.benchmarks.table import Table, at_most
from tests.support.manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from multi_lang_profiler.engine.profile.recorder import Recorder
    from tests.benchmarks.measure import Length

FUNCTIONS = (100, 1_000, 10_000, 100_000)
DEPTHS = (10, 100)
THREADS = (1, 10, 100)
DEPTH = 10
SAMPLES = 100_000
SNAPSHOT_MS = 20
NEAR_LINEAR = 1.3
"""The exponent of the cost: 1 is linear, 2 quadratic. Linear work that outgrows the processor's caches comes to more than 1."""


def tables(length: Length) -> Iterator[Table]:
    most = length.sized(FUNCTIONS[-1], 1_000)
    sizes = [size for size in FUNCTIONS if size <= most]
    samples = length.sized(SAMPLES, 2_000)
    engines = {size: _engine(size, DEPTH, 1) for size in sizes}
    yield _counting(
        f"Counting a sample, {DEPTH} deep, on one thread",
        "functions",
        engines,
        samples,
        length.rounds,
    )
    functions = min(1_000, most)
    yield _counting(
        f"Counting a sample, of {functions:,} functions, on one thread",
        "frames",
        {depth: _engine(functions, depth, 1) for depth in DEPTHS},
        samples,
        length.rounds,
    )
    yield _counting(
        f"Counting a sample, of {functions:,} functions, {DEPTH} deep",
        "threads",
        {threads: _engine(functions, DEPTH, threads) for threads in THREADS},
        samples,
        length.rounds,
    )
    yield from _reading(engines, length)


def _engine(functions: int, depth: int, threads: int) -> Engine:
    """With so many functions seen, each the leaf of a stack that parts from others' at any depth, on each of the threads."""
    engine = Engine(Settings(Language.PYTHON, "x.py", working_folder=Path("/srv")), ManualClock(), lambda _: None)
    table, dice = engine._recorder.table, random.Random(1)
    frames = [table.frame(Frame(f"function_{n}", f"/srv/m{n % 97}.py", n, n)) for n in range(functions)]
    for leaf in frames:
        table.stack([*dice.sample(frames, depth - 1), leaf])
    for thread in range(threads):
        table.thread(1, thread)
    for thread, stack in _every(engine._recorder):
        engine._recorder.add(thread, stack, 1)
    return engine


def _every(recorder: Recorder) -> Iterator[tuple[int, int]]:
    """Every stack once, and every thread, at least."""
    threads = len(recorder.table.threads)
    for stack in range(len(recorder.table.stacks)):
        yield stack % threads, stack


def _counting(title: str, what: str, engines: Mapping[int, Engine], samples: int, rounds: int) -> Table:
    """By the number of what there is more of from engine to engine."""
    table, dice, calls = Table(f"{title}: CPU time"), random.Random(2), {}
    for n, engine in engines.items():
        recorder = engine._recorder
        sizes = (len(recorder.table.threads), len(recorder.table.stacks))
        threads, stacks = (dice.choices(range(size), k=samples) for size in sizes)
        calls[f"{n:,} {what}"] = partial(timed_s, partial(_count, recorder, list(zip(threads, stacks, strict=True))))
    took = alternate(calls, rounds)
    for name, runs in took.items():
        table.add(name, [1e9 * run_s / samples for run_s in runs], "ns", base=next(iter(took)))
    points = [(n, row.median) for n, row in zip(engines, table.rows, strict=True)]
    table.add("exponent of the cost", _exponent(points), "", at_most(NEAR_LINEAR))
    return table


def _count(recorder: Recorder, drawn: Sequence[tuple[int, int]]) -> None:
    for thread, stack in drawn:
        recorder.add(thread, stack, 1)


def _reading(engines: dict[int, Engine], length: Length) -> Iterator[Table]:
    """A snapshot, and what a screen makes of it."""
    calls = {}
    for functions, engine in engines.items():
        calls[f"snapshot, {functions:,} functions"] = partial(_best_ms, engine._pictures.take)
    for functions, engine in engines.items():
        calls[f"ranking it, {functions:,} functions"] = partial(_best_ms, _ranking(engine))
    took = alternate(calls, length.rounds)
    table = Table(f"A snapshot of so many functions, and their order for the screen: CPU time, stacks {DEPTH} deep")
    for name, runs in took.items():
        targets = (at_most(SNAPSHOT_MS),) if name == f"snapshot, {max(engines):,} functions" else ()
        table.add(name, runs, "ms", *targets)
    for what in ("snapshot", "ranking it"):
        points = [(n, table.row(f"{what}, {n:,} functions").median) for n in engines if n >= 1_000 or len(engines) < 3]
        # Below a thousand functions the parts that do not grow are most of the cost.
        table.add(f"{what}: exponent of the cost", _exponent(points), "", at_most(NEAR_LINEAR))
    yield table


def _ranking(engine: Engine) -> Callable[[], object]:
    engine._pictures.take()
    snapshot = engine.snapshot()
    assert snapshot is not None
    catalogue = Catalogue(snapshot.table, snapshot.program.working_folder)
    return partial(rank, snapshot, Query(), catalogue)


def _best_ms(call: Callable[[], object], times: int = 5) -> float:
    gc.collect()
    return 1e3 * min(timed_s(call) for _ in range(times))


def _exponent(points: Sequence[tuple[int, float]]) -> float:
    """The slope of the line through the logarithms, by least squares."""
    xs, ys = [math.log(n) for n, _ in points], [math.log(cost) for _, cost in points]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / sum((x - mean_x) ** 2 for x in xs)
