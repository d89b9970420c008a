"""What the call tree and the flame graph cost, with 5,000 distinct stacks of depth 30 on a screen of 200 by 50.

CPU time. A redraw is all that a frame does: the new samples into the tree, the layout, every line drawn anew and compared with what
is on the screen.
"""

from __future__ import annotations

import asyncio
import random
from functools import partial
from typing import TYPE_CHECKING

from multi_lang_profiler.engine.analysis.calltree import CallTree
from multi_lang_profiler.engine.analysis.flame import layout
from multi_lang_profiler.tui.widgets.flame_board import FlameBoard
from tests.benchmarks.measure import timed_s
from tests.benchmarks.table import Table
from tests.support.deep_stacks import deep_run
from tests.support.screen import Screen
from tests.support.snapshots import make_snapshot, shop_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from multi_lang_profiler.engine.analysis.snapshot import Snapshot
    from multi_lang_profiler.engine.profile.stacks import StackCounts, StackTable
    from tests.benchmarks.measure import Length

GROWN = 100
"""Stacks that have grown from one frame to the next: four times what 100 Hz on one core bring in a quarter of a second."""


def tables(length: Length) -> Iterator[Table]:
    rounds = length.sized(20, 1)
    run, counts = deep_run()
    table = Table("Call tree and flame graph of 5,000 stacks, 30 deep, on 200 by 50 cells: CPU time")
    for inverted in (False, True):
        by = "callers" if inverted else "calls"
        table.add(f"first build, by {by}", _times_ms(partial(_built, run, counts, inverted=inverted), rounds), "ms")
        tree = _built(run, counts, inverted=inverted)
        table.add(f"update of {GROWN} stacks, by {by}", _updates_ms(tree, counts, rounds), "ms")
        table.add(f"layout, by {by}", _times_ms(partial(layout, tree, 200), rounds), "ms")
    snapshot = make_snapshot(run, counts, program=shop_snapshot().program)
    for name, costs_ms in asyncio.run(_redraws_ms(snapshot, rounds)).items():
        table.add(name, costs_ms, "ms")
    yield table


def _built(table: StackTable, counts: StackCounts, *, inverted: bool) -> CallTree:
    tree = CallTree(table, inverted=inverted)
    tree.update(counts)
    return tree


def _times_ms(call: Callable[[], object], rounds: int) -> list[float]:
    return [1e3 * timed_s(call) for _ in range(rounds)]


def _updates_ms(tree: CallTree, counts: StackCounts, rounds: int) -> list[float]:
    dice, took_ms = random.Random(1), []
    for _ in range(rounds):
        counts = _grown(counts, dice)
        took_ms.append(1e3 * timed_s(partial(tree.update, counts)))
    return took_ms


async def _redraws_ms(snapshot: Snapshot, rounds: int) -> dict[str, list[float]]:
    """What frames of each view cost."""
    costs: dict[str, list[float]] = {}
    screen, dice = Screen(snapshot), random.Random(1)
    async with screen.app.run_test(size=(200, 50)) as pilot:
        for key, name in (("3", "redraw of the call tree"), ("4", "redraw of the flame graph")):
            await pilot.press(key)
            await pilot.pause()
            view = screen.app._views[key]
            costs[name] = []
            for _ in range(rounds):
                snapshot = snapshot._replace(counts=_grown(snapshot.counts, dice))
                for board in screen.app.query(FlameBoard):
                    board._strips = []
                costs[name].append(1e3 * timed_s(partial(view.show, snapshot)))
                await pilot.pause()
    return costs


def _grown(counts: StackCounts, dice: random.Random) -> StackCounts:
    counts = counts.copy()
    for thread, stack in dice.sample(list(counts.by_stack), GROWN):
        counts.add(thread, stack, 2)
    return counts
