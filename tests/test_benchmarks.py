"""The benchmarks: they work, their tables survive their file, and the README says what the committed results say."""

from __future__ import annotations

import math
from functools import partial

import pytest

from tests.benchmarks import __main__ as suite
from tests.benchmarks.measure import Length, alternate
from tests.benchmarks.readme import (
    BEGIN,
    DECIDING,
    END,
    README,
    RESULTS,
    SAMPLERS,
    TABLES,
    measured_part,
    render,
    render_deciding,
    render_memory,
)
from tests.benchmarks.results import read_results, results_for
from tests.benchmarks.table import Table, at_least, at_most, quantity

SLOW = {
    "node_agreement",
    "java_agreement",
    "java_truth",
    "java_cost",
    "java_recorder",
    "go_agreement",
    "open_wire",
    "looks",
}
"""A run of a compiler each, several times; nothing but their names is tested here."""


@pytest.mark.parametrize("name", [name for name in suite.NAMES + suite.BY_NAME_ONLY if name not in SLOW])
def test_every_benchmark_works(name, tmp_path, capsys):
    """Each benchmark, at its smallest, prints tables of finite figures, and writes them so that they can be read again."""
    file = tmp_path / "results.json"
    results = results_for(file, quick=True)
    suite.measure(name, Length(quick=True), results, file)
    printed = capsys.readouterr().out
    if "NOT TESTED" in printed:
        pytest.skip(printed)
    assert results.tables
    for table in results.tables:
        assert table.title in printed
        assert all(math.isfinite(value) for row in table.rows for value in row.values)
    assert render(read_results(file)) == render(results)


def test_a_benchmark_replaces_its_own_tables_in_a_file(tmp_path):
    """What others have found stays, in its order; sizes that say nothing are not mixed with those that do."""
    file = tmp_path / "results.json"
    results = results_for(file, quick=False)
    for name in ("a", "b", "c"):
        results.replace(name, [Table(f"{name} first", benchmark=name), Table(f"{name} second", benchmark=name)])
    results.save(file)
    again = results_for(file, quick=False)
    again.replace("b", [Table("b again", benchmark="b")])
    titles = [table.title for table in again.tables]
    assert titles == ["a first", "a second", "b again", "c first", "c second"]
    assert not results_for(file, quick=True).tables


@pytest.mark.parametrize(
    ("page", "rendered"),
    [(README, render_deciding), (TABLES, render), (SAMPLERS, render_memory)],
    ids=["README", "tables", "samplers"],
)
def test_the_pages_say_what_was_measured(page, rendered):
    """What stands in each page is what `--readme` makes of the committed results, to the letter."""
    results = read_results(RESULTS)
    assert measured_part(page.read_text(), page) == rendered(results), "run python -m tests.benchmarks --readme"


def test_every_row_to_decide_by_was_measured():
    """A row of the README's short table that a benchmark no longer makes is missed here."""
    assert render_deciding(read_results(RESULTS)).count("\n") == len(DECIDING) + 2


def test_a_page_without_a_place_is_refused():
    """A page that has lost its markers is not taken for one without measurements."""
    for marker in (BEGIN, END):
        with pytest.raises(ValueError, match="no place"):
            measured_part(README.read_text().replace(marker, ""), README)


def test_ratios_are_taken_round_by_round():
    """A round that was slow for both does not show in the ratio."""
    table = Table("t")
    table.add("base", [1.0, 10.0, 2.0], "s")
    table.add("twice", [2.0, 20.0, 4.0], "s", base="base")
    assert table.ratios(table.row("twice")) == [2.0, 2.0, 2.0]


def test_fewer_rounds_are_compared_with_the_median():
    """A row of fewer rounds than its base has a ratio all the same."""
    table = Table("t")
    table.add("base", [1.0, 9.0, 2.0], "s")
    table.add("other", [3.0], "s", base="base")
    assert table.ratios(table.row("other")) == [1.5]


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        (at_most(10), True),
        (at_most(9.9), False),
        (at_least(10), True),
        (at_least(10.1), False),
        (at_most(2, "ratio"), True),
        (at_most(1.9, "ratio"), False),
        (at_most(5, "difference"), True),
        (at_most(4.9, "difference"), False),
        (at_most(1, "ratio", "peer"), True),
        (at_most(0.9, "ratio", "peer"), False),
    ],
)
def test_targets(target, kept):
    """Bounds belong to what they allow; ratio and difference are taken to the row's base or to the one that is named."""
    table = Table("t")
    table.add("base", 5.0, "s")
    table.add("peer", 10.0, "s")
    table.add("ours", 10.0, "s", target, base="base")
    ((_, verdict),) = table.verdicts(table.row("ours"))
    assert verdict == kept


def test_order_alternates():
    """Every other round goes the other way, and those that need fewer rounds are left out of the later ones."""
    called: list[str] = []
    took = alternate({name: partial(called.append, name) for name in "abc"}, 2, fewer={"b": 1})
    assert "".join(called) == "abcca"
    assert {name: len(values) for name, values in took.items()} == {"a": 2, "b": 1, "c": 2}


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.0, "s", "0 s"),
        (1.0, "×", "1 ×"),
        (0.01234, "s", "0.0123 s"),
        (99.96, "%", "100 %"),
        (123456.7, "", "123,457"),
    ],
)
def test_quantities(value, unit, shown):
    """Three significant digits; whole numbers without a point."""
    assert quantity(value, unit) == shown
