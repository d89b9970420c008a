"""The order in which a snapshot's functions are shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.analysis.ranking import (
    BadPattern,
    Catalogue,
    Query,
    Ranking,
    SortBy,
    function_row,
    rank,
    recent_self_samples,
    thread_samples,
    trends,
)
from multi_lang_profiler.engine.analysis.snapshot import Snapshot
from multi_lang_profiler.engine.profile.places import CodeKind
from multi_lang_profiler.engine.profile.stacks import Frame, StackCounts, StackTable
from tests.support.snapshots import FOLDER, make_snapshot, shop_snapshot

SHOP = shop_snapshot()


def ranked(query: Query, snapshot: Snapshot = SHOP) -> tuple[Ranking, list[str]]:
    catalogue = Catalogue(snapshot.table, snapshot.program.working_folder)
    ranking = rank(snapshot, query, catalogue)
    return ranking, [snapshot.table.functions[function].name for function in ranking.functions]


def test_hottest_first() -> None:
    """Without wishes functions stand by self samples, and those that never ran themselves by total."""
    ranking, names = ranked(Query())
    assert names[:3] == ["levenshtein", "pbkdf2_hmac", "score_products"]
    assert ranking.known == len(names) == len(SHOP.total_samples)
    assert ranking.total == SHOP.counts.total
    pairs = [(ranking.self_samples.get(f, 0), ranking.total_samples[f]) for f in ranking.functions]
    assert pairs == sorted(pairs, reverse=True)


def test_reversed() -> None:
    """The reverse order begins with the smallest value of the column."""
    ranking, _ = ranked(Query(SortBy.TOTAL, reverse=True))
    totals = [ranking.total_samples[function] for function in ranking.functions]
    assert totals == sorted(totals)


def test_by_name_and_place() -> None:
    """Texts stand from A on, names whatever their capitals; places by path as it is shown, then line."""
    _, names = ranked(Query(SortBy.NAME))
    assert names == sorted(names, key=str.casefold)
    ranking, _ = ranked(Query(SortBy.PLACE))
    paths = Catalogue(SHOP.table, SHOP.program.working_folder).paths()
    places = [(paths[f], SHOP.table.line_of(f)) for f in ranking.functions]
    assert places == sorted(places)


def test_by_trend_and_threads() -> None:
    """The trend column sorts by the last minute alone, the threads column by the number of threads."""
    ranking, _ = ranked(Query(SortBy.TREND))
    recent = recent_self_samples(SHOP)
    values = [recent.get(function, 0) for function in ranking.functions]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0
    ranking, _ = ranked(Query(SortBy.THREADS))
    threads = [ranking.thread_counts[function] for function in ranking.functions]
    assert threads == sorted(threads, reverse=True)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("token", {"tokenize"}),
        ("TOKEN", set()),
        ("Cart", {"Cart.total"}),
        ("shop/search", {"levenshtein", "score_products", "tokenize"}),
        ("~^(root|escape)$", set()),
        ("~^(root|escape)\n", {"root", "escape"}),
        ("~", {function.name for function in SHOP.table.functions}),
        ("~ORDERS", set()),
        (r"~\Asign\S+", {"sign_order"}),
        ("[red]", set()),
        ("(", set()),
    ],
)
def test_pattern(pattern: str, names: set[str]) -> None:
    """A pattern is a plain part of name or path, or an expression behind a tilde; it minds capitals if it has some."""
    assert set(ranked(Query(pattern=pattern))[1]) == names


def test_bad_pattern() -> None:
    """An expression that cannot be read is refused with the reason."""
    with pytest.raises(BadPattern, match="unterminated"):
        ranked(Query(pattern="~("))


def test_own_code_only() -> None:
    """Only the program's own functions stay; their numbers stay those of the whole run."""
    ranking, names = ranked(Query(only_own=True))
    assert names[:3] == ["levenshtein", "score_products", "tokenize"]
    assert "Flask.wsgi_app" not in names
    assert ranking.total == SHOP.counts.total


def test_one_thread() -> None:
    """With a thread chosen, samples, totals and percentages' base are of that thread alone."""
    threads = thread_samples(SHOP)
    main = next(thread for thread in threads if SHOP.table.threads[thread].name == "MainThread")
    ranking, names = ranked(Query(threads=frozenset({main})))
    assert names[0] == "Poll.wait"
    assert "levenshtein" not in names
    assert ranking.total == threads[main] == sum(ranking.self_samples.values())


def test_row() -> None:
    """A row says what the table shows of a function, from name to trend."""
    catalogue = Catalogue(SHOP.table, SHOP.program.working_folder)
    ranking = rank(SHOP, Query(), catalogue)
    row = function_row(ranking, catalogue, ranking.functions[0], trends(SHOP)[ranking.functions[0]])
    assert (row.name, row.place, row.is_own) == ("levenshtein", "shop/search.py:88", True)
    assert (row.self_samples, row.total_samples, row.threads) == (4_211, 4_211, 4)
    assert len(row.trend) == 60
    assert sum(row.trend) == recent_self_samples(SHOP)[row.function]


def test_a_program_started_from_elsewhere_has_own_code() -> None:
    """What lies beside the program's file is its own wherever it was started from; what is installed there is not."""
    table = StackTable()
    files = {
        "/srv/shop/server.py": True,
        "/srv/shop/lib/cart.py": True,
        "/srv/shop/.venv/lib/python3.11/site-packages/flask/app.py": False,
        "/srv/shop/python/lib/python3.11/json/encoder.py": False,
        "/srv/other/server.py": False,
        f"{FOLDER}/here.py": True,
    }
    for file in files:
        table.frame(Frame("f", file, 1, 1))
    catalogue = Catalogue(table, FOLDER, Path("/srv/shop/server.py"))
    assert [*catalogue.own()] == [*files.values()]
    assert [kind is CodeKind.OWN for kind in catalogue.kinds()] == [*files.values()]
    module = Catalogue(table, FOLDER, Path("/usr/lib/python3.11/http/server.py"))
    assert [*module.own()] == [False, False, False, False, False, True]


def test_catalogue_follows_the_table() -> None:
    """Functions that come later are filtered and classified like those before them."""
    table, counts = StackTable(), StackCounts()
    thread = table.thread(1, 1)
    catalogue = Catalogue(table, FOLDER)
    for number, name in enumerate(("alpha", "beta", "alphabet")):
        counts.add(thread, table.stack([table.frame(Frame(name, f"{FOLDER}/{name}.py", 1, 1))]), number + 1)
        snapshot = make_snapshot(table, counts.copy(), program=SHOP.program, run_s=3)
        found = rank(snapshot, Query(pattern="alpha", only_own=True), catalogue)
        wanted = [n for n in ("alphabet", "alpha") if n in [f.name for f in table.functions]]
        assert [table.functions[f].name for f in found.functions] == wanted


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(1, 4)), max_size=40),
    st.sampled_from(SortBy),
    st.booleans(),
)
def test_nothing_lost(calls: list[tuple[int, int, int]], sort_by: SortBy, reverse: bool) -> None:
    """Whatever the samples and the order asked for, every function seen is there once, and self samples sum to the total."""
    table, counts = StackTable(), StackCounts()
    for caller, callee, samples in calls:
        frames = [table.frame(Frame(f"f{n}", f"/x/{n}.py", n + 1, n + 1)) for n in (caller, callee)]
        counts.add(table.thread(1, caller), table.stack(frames), samples)
    snapshot = make_snapshot(table, counts, program=SHOP.program, run_s=2)
    ranking = rank(snapshot, Query(sort_by, reverse=reverse), Catalogue(table, FOLDER))
    assert sorted(ranking.functions) == sorted(snapshot.total_samples)
    assert sum(ranking.self_samples.values()) == ranking.total == counts.total
    everyone = frozenset(range(len(table.threads)))
    of_all = rank(snapshot._replace(), Query(sort_by, reverse=reverse, threads=everyone), Catalogue(table, FOLDER))
    assert of_all.self_samples == ranking.self_samples
    assert of_all.thread_counts == ranking.thread_counts
