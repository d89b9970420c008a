"""Counting the samples of some alone: of threads, of labels, of processes; and languages side by side."""

from __future__ import annotations

import re

from textual.widgets import OptionList

from multi_lang_profiler.engine.profile.stacks import Frame, FunctionCounts, ProcessNote, StackCounts, StackTable
from multi_lang_profiler.tui.widgets.function_table import FunctionTable
from multi_lang_profiler.tui.widgets.thread_picker import ThreadPicker
from multi_lang_profiler.tui.widgets.tree_table import TreeTable
from tests.support.screen import Screen, text_of, title
from tests.support.snapshots import shop_snapshot

from .test_app import names


async def test_threads() -> None:
    """The thread picker counts the samples of the threads marked, says so, and gives all of them back."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("T")
        await pilot.pause()
        assert isinstance(screen.app.screen, ThreadPicker)
        await pilot.press("end", "space", "enter")
        await pilot.pause()
        assert names(screen)[0] == "Poll.wait"
        assert "thread MainThread" in title(screen)
        assert "minute: all threads" in title(screen)
        await pilot.press("T", "a")
        await pilot.pause()
        assert names(screen)[0] == "levenshtein"
        await pilot.press("T", "escape")
        assert screen.app.threads is None


async def test_a_label_of_several_sets() -> None:
    """Work that the program has labelled is chosen by one of its labels, whatever other labels it has; the others' samples are not counted."""
    table, counts, functions = StackTable(), StackCounts(), FunctionCounts()
    sets = ((("path", "/pay"), ("user", "ada")), (("path", "/pay"), ("user", "bob")), (("path", "/see"),), ())
    for labels in sets:
        stack = table.stack([table.frame(Frame(f"for_{dict(labels).get('user', 'nobody')}", "/srv/x.go", 1))])
        thread = table.thread(1, 0, "goroutines", labels)
        counts.add(thread, stack, 10)
        functions.add(table, thread, stack, 10)
    snapshot = shop_snapshot()._replace(table=table, counts=counts, thread_counts=functions.thread_counts)
    screen = Screen(snapshot._replace(self_samples=functions.self_samples, total_samples=functions.total_samples))
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("T")
        await pilot.pause()
        rows = [str(row.prompt) for row in screen.app.screen.query_one(OptionList).options]
        assert len(rows) == 1 + len(sets)
        assert "50.0 %  path=/pay" in rows[0]
        assert "label of 2 sets" in rows[0]
        await pilot.press("space", "enter")
        await pilot.pause()
        assert set(names(screen)) == {"for_ada", "for_bob"}


async def test_processes() -> None:
    """Under a command the picker has the tree of processes, each with its threads, its language and state; a process chosen is all its threads."""
    snapshot = shop_snapshot()
    (pid,) = {thread.pid for thread in snapshot.table.threads}
    notes = {1: ProcessNote(0, "npm run dev"), pid: ProcessNote(1, "python shop.py")}
    screen = Screen(snapshot._replace(processes=notes, living=frozenset({1})))
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("T")
        await pilot.pause()
        rows = [str(row.prompt) for row in screen.app.screen.query_one(OptionList).options]
        assert "npm run dev" in rows[0]
        assert "pid 1 runs" in rows[0]
        assert "python shop.py" in rows[1]
        assert f"pid {pid} ended" in rows[1]
        assert len(rows) == 2 + len(snapshot.table.threads)
        await pilot.press("down", "space", "enter")
        await pilot.pause()
        assert screen.app.threads == frozenset(range(len(snapshot.table.threads)))
        assert "of python shop.py" in title(screen)


async def test_languages() -> None:
    """Where functions of several languages stand side by side, each says in which it is; where there is one, nobody has to."""
    for languages in (["Python"], ["Python", "Java"]):
        snapshot = shop_snapshot()
        table, counts = StackTable(), StackCounts()
        functions = FunctionCounts()
        for language in languages:
            part = table.of_language(language)
            stack = part.stack([part.frame(Frame(f"of_{language}", "/home/ada/shop/x", 1))])
            counts.add(part.thread(1, 1), stack, 10)
            functions.add(table, part.thread(1, 1), stack, 10)
        snapshot = snapshot._replace(table=table, counts=counts, thread_counts=functions.thread_counts)
        screen = Screen(snapshot._replace(self_samples=functions.self_samples, total_samples=functions.total_samples))
        async with screen.app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            lines = text_of(screen.app.query_one(FunctionTable)).splitlines()
            assert ("lang" in lines[0]) == (len(languages) > 1)
            assert any(re.search(r"\bpy +of_Python", line) for line in lines) == (len(languages) > 1), lines
            await pilot.press("3")
            await pilot.pause()
            tree = text_of(screen.app.query_one(TreeTable))
            assert bool(re.search(r"of_Python .*x:1 py\b", tree)) == (len(languages) > 1), tree


async def test_the_process_stands_beside_a_function() -> None:
    """Under a command with several processes each function says in which it runs, by the program's name; of one process nobody has to."""
    for pids in ((7,), (7, 8, 9)):
        table, counts, functions = StackTable(), StackCounts(), FunctionCounts()
        notes = {
            7: ProcessNote(1, "python3 web.py"),
            8: ProcessNote(1, "python3 work.py"),
            9: ProcessNote(1, "python3 work.py"),
        }
        for pid in pids:
            for name in ("shared", notes[pid].command.rpartition(" ")[2].replace(".", "_")):
                stack = table.stack([table.frame(Frame(name, "/home/ada/shop/x.py", 1))])
                counts.add(table.thread(pid, pid), stack, 10)
                functions.add(table, table.thread(pid, pid), stack, 10)
        snapshot = shop_snapshot()._replace(
            table=table, counts=counts, thread_counts=functions.thread_counts, processes=notes
        )
        screen = Screen(snapshot._replace(self_samples=functions.self_samples, total_samples=functions.total_samples))
        async with screen.app.run_test(size=(150, 40)) as pilot:
            await pilot.press("b")
            await pilot.pause()
            lines = text_of(screen.app.query_one(FunctionTable)).splitlines()
            assert ("process" in lines[0]) == (len(pids) > 1)
            if len(pids) > 1:
                shown = {name: line for line in lines for name in ("shared", "web_py", "work_py") if f"{name} " in line}
                assert "×3" in shown["shared"]
                assert "web.py " in shown["web_py"]
                assert "work.py ×2" in shown["work_py"]
