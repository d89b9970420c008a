"""What the screen shows of an event loop's tasks, and of the interpreter's lock."""

from __future__ import annotations

from multi_lang_profiler.engine.profile.locks import LockLooks
from multi_lang_profiler.engine.profile.tasks import Task
from multi_lang_profiler.tui.widgets.function_table import FunctionTable
from multi_lang_profiler.tui.widgets.thread_table import ThreadTable
from multi_lang_profiler.tui.widgets.tree_table import TreeTable
from tests.support.screen import Screen, text_of
from tests.support.snapshots import shop_snapshot


async def test_tasks_stand_below_their_thread() -> None:
    """How long each waits, and on what; many of one kind are one row, those that wait longest first; Enter opens it."""
    snapshot = shop_snapshot()
    at_s = snapshot.taken_s
    tasks = [
        Task(4242, 4242, number, f"Task-{number}", "handle", "waiting", at_s - number, 0) for number in range(2, 9)
    ]
    tasks.append(Task(4242, 4242, 99, "janitor", "janitor", "running", at_s, None))
    screen = Screen(snapshot._replace(tasks=tuple(tasks)))
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("0")
        await pilot.pause()
        rows = text_of(screen.app.query_one(ThreadTable)).splitlines()
        at = next(index for index, row in enumerate(rows) if "MainThread" in row)
        assert "▸ handle ×7" in rows[at + 1]
        assert "waiting 8s" in rows[at + 1]
        assert "janitor" in rows[at + 2]
        assert "running" in rows[at + 2]
        await pilot.press("slash", *"handle", "enter")
        await pilot.press("down", "down", "enter")
        await pilot.pause()
        rows = text_of(screen.app.query_one(ThreadTable)).splitlines()
        assert [row.split()[0] for row in rows[4:7]] == ["Task-8", "Task-7", "Task-6"]
        assert not any("janitor" in row for row in rows)


async def test_who_has_the_lock() -> None:
    """A column says at how many of the looks a function had the lock; where waiting counts, at how many it waited for it, or all states; else there is none."""
    snapshot = shop_snapshot()
    hottest = max(snapshot.self_samples, key=lambda function: snapshot.self_samples[function])
    stack = snapshot.table.leaves.index(hottest)
    locks = {stack: LockLooks(holds=30, released=10, wants=40, waits=20)}
    for mode, title, number in (("cpu", "GIL%", "75"), ("wall", "for GIL%", "40")):
        screen = Screen(snapshot._replace(locks=locks, sampling=snapshot.sampling._replace(mode=mode)))
        async with screen.app.run_test(size=(130, 40)) as pilot:
            await pilot.pause()
            head, first, *_ = text_of(screen.app.query_one(FunctionTable)).splitlines()
            await pilot.press("3")
            await pilot.pause()
            tree_head, *rows = text_of(screen.app.query_one(TreeTable)).splitlines()
        assert title in head
        assert number in first.split()
        assert title in tree_head
        # What is known of one that is called is known of its callers, too.
        assert number in rows[0].split()
    wide = Screen(snapshot._replace(locks=locks, sampling=snapshot.sampling._replace(mode="wall")))
    async with wide.app.run_test(size=(160, 40)) as pilot:
        await pilot.press("b")
        for table, key in ((FunctionTable, "1"), (TreeTable, "3")):
            await pilot.press(key)
            await pilot.pause()
            head, first, *_ = text_of(wide.app.query_one(table)).splitlines()
            assert "GIL for   C wait" in head
            assert " 30  40  10   20 " in first
    screen = Screen(snapshot)
    async with screen.app.run_test(size=(130, 40)) as pilot:
        await pilot.pause()
        assert "GIL" not in text_of(screen.app.query_one(FunctionTable))
