"""What the call tree and the flame graph cost, with 5,000 distinct stacks of depth 30 on a screen of 200 by 50.

    python -m tests.benchmarks.flame

CPU time in milliseconds, the best of many rounds. A redraw is all that a frame does: the new samples into the tree, the layout,
every line drawn anew and compared with what is on the screen.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from multi_lang_profiler.engine.calltree import CallTree
from multi_lang_profiler.engine.flame import layout
from multi_lang_profiler.tui.widgets.flame_board import FlameBoard
from tests.support.deep_stacks import deep_run
from tests.support.screen import Screen
from tests.support.snapshots import make_snapshot, shop_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from multi_lang_profiler.engine.snapshot import Snapshot
    from multi_lang_profiler.engine.stacks import StackCounts, StackTable

ROUNDS = 30
GROWN = 100
"""Stacks that have grown from one frame to the next: four times what 100 Hz on one core bring in a quarter of a second."""


def main() -> None:
    table, counts = deep_run()
    for inverted in (False, True):
        tree = CallTree(table, inverted=inverted)
        name = "callers" if inverted else "calls"
        print(f"{f'first build, by {name}':34}{best(partial(built, table, counts, inverted=inverted)):8.2f} ms")
        tree.update(counts)
        print(f"{f'update of {GROWN} stacks, by {name}':34}{update(tree, counts):8.2f} ms   {len(tree):,} nodes")
        boxes = sum(map(len, layout(tree, 200)))
        print(f"{f'layout, by {name}':34}{best(partial(layout, tree, 200)):8.2f} ms   {boxes:,} boxes")
    for name, cost_ms in asyncio.run(
        screen_costs(make_snapshot(table, counts, program=shop_snapshot().program))
    ).items():
        print(f"{name:34}{cost_ms:8.2f} ms")


def built(table: StackTable, counts: StackCounts, *, inverted: bool) -> CallTree:
    tree = CallTree(table, inverted=inverted)
    tree.update(counts)
    return tree


def update(tree: CallTree, counts: StackCounts) -> float:
    dice, best_s = random.Random(1), float("inf")
    for _ in range(ROUNDS):
        counts = grown(counts, dice)
        began = time.process_time()
        tree.update(counts)
        best_s = min(best_s, time.process_time() - began)
    return 1_000 * best_s


async def screen_costs(snapshot: Snapshot) -> dict[str, float]:
    """What a frame of each view costs, in milliseconds."""
    costs: dict[str, float] = {}
    screen, dice = Screen(snapshot), random.Random(1)
    async with screen.app.run_test(size=(200, 50)) as pilot:
        for key, name in (("3", "redraw of the call tree"), ("4", "redraw of the flame graph")):
            await pilot.press(key)
            await pilot.pause()
            view, best_s = screen.app._views[key], float("inf")
            for _ in range(ROUNDS):
                snapshot = replace(snapshot, counts=grown(snapshot.counts, dice))
                for board in screen.app.query(FlameBoard):
                    board._strips = []
                began = time.process_time()
                view.show(snapshot)
                best_s = min(best_s, time.process_time() - began)
                await pilot.pause()
            costs[name] = 1_000 * best_s
    return costs


def grown(counts: StackCounts, dice: random.Random) -> StackCounts:
    counts = counts.copy()
    for thread, stack in dice.sample(list(counts.by_stack), GROWN):
        counts.add(thread, stack, 2)
    return counts


def best(call: Callable[[], object]) -> float:
    best_s = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        call()
        best_s = min(best_s, time.process_time() - began)
    return 1_000 * best_s


if __name__ == "__main__":
    main()
