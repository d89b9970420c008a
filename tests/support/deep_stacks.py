"""Made-up runs with many deep stacks."""

from __future__ import annotations

import random

from multi_lang_profiler.engine.profile.stacks import Frame, StackCounts, StackTable

FOLDERS = ("app", "flask", "sqlalchemy", "json", "jinja2", "werkzeug", "shop", "threading")


def deep_run(
    *, stacks: int = 5_000, depth: int = 30, functions: int = 1_500, seed: int = 7
) -> tuple[StackTable, StackCounts]:
    """So many distinct stacks of so many frames, which part at any depth, with samples spread as in life: few have most."""
    dice = random.Random(seed)
    table, counts = StackTable(), StackCounts()
    thread = table.thread(1, 1, "MainThread")
    frames = [
        table.frame(Frame(f"{FOLDERS[n % 8]}.function_{n}", f"/srv/{FOLDERS[n % 8]}/m{n % 60}.py", n + 1, n + 1))
        for n in range(functions)
    ]
    seen: list[list[int]] = [[dice.choice(frames) for _ in range(depth)]]
    known: set[int] = set()
    while len(known) < stacks:
        base = dice.choice(seen)
        shared = min(depth - 1, int(dice.triangular(1, depth, depth * 0.6)))
        path = [*base[:shared], *(dice.choice(frames) for _ in range(depth - shared))]
        stack = table.stack(path)
        if stack not in known:
            known.add(stack)
            seen.append(path)
            counts.add(thread, stack, 1 + int(dice.paretovariate(0.8)) % 3_000)
    return table, counts
