"""The CPU time that no sample is of can stand beside the functions, under the names that the ledger has for it."""

from __future__ import annotations

from multi_lang_profiler.engine.analysis.unseen import MAX_PARTS, UNSEEN, name_unseen, with_unseen
from multi_lang_profiler.engine.profile.book import Book
from tests.support.snapshots import shop_snapshot


def test_all_cpu_time_is_shown_that_has_a_name() -> None:
    """Samples and the rest add up to the CPU time; a book of a stretch is shown by the same stacks; and without a wish nothing is added."""
    shop = shop_snapshot()
    seen_s = shop.counts.total / shop.sampling.asked_hz
    book = Book(
        cpu_s=seen_s + 50,
        attributed_s=seen_s,
        native_s={"libuv-worker": 40.0},
        unsampled_s={("git gc", "too short"): 9.0},
    )
    unseen = name_unseen(shop.table, book, {})
    assert name_unseen(shop.table, book, unseen) == unseen
    shop = shop._replace(ledger=book, unseen=unseen)
    all_of_it = with_unseen(shop)
    assert all_of_it.counts.total == round(book.cpu_s * shop.sampling.asked_hz) == all_of_it.counts.by_stack.total()
    names = {shop.table.functions[function].name: n for function, n in all_of_it.self_samples.items()}
    assert names["libuv-worker (native threads)"] == 4_000
    assert names["git gc (too short)"] == 900
    assert names["left over"] == 100
    (top,) = (at for at, function in enumerate(shop.table.functions) if function.name == UNSEEN)
    assert all_of_it.total_samples[top] == 5_000
    later = with_unseen(
        shop._replace(ledger=Book(cpu_s=seen_s + 1, attributed_s=seen_s, native_s={"libuv-worker": 1.0}))
    )
    assert later.counts.total == shop.counts.total + 100
    assert with_unseen(shop._replace(unseen={})) is not all_of_it
    assert with_unseen(shop._replace(unseen={})).counts is shop.counts


def test_ever_new_names_do_not_fill_the_table() -> None:
    shop = shop_snapshot()
    unseen = name_unseen(shop.table, None, {})
    for at in range(3 * MAX_PARTS):
        unseen = name_unseen(shop.table, Book(cpu_s=1.0, unsampled_s={(f"job {at}", "too short"): 1.0}), unseen)
    assert len(unseen) == MAX_PARTS
