"""CPU time goes evenly to the looks that met the thread running."""

from __future__ import annotations

from multi_lang_profiler.engine.samplers.python.even_credit import EvenCredit


def test_time_is_spread_evenly_over_the_looks() -> None:
    """Time that came before a look and time after it are shared alike, whichever look came first."""
    credit = EvenCredit(0.0)
    for stack in (1, 2, 2, 1, 1, 2, 2, 2):
        credit.hold(1e6)
        credit.look(stack)
    credit.hold(8e6)
    assert {payment.stack: payment.time_ns for payment in credit.pay(0.4)} == {1: 6e6, 2: 10e6}
    assert credit.held_ns == 0


def test_few_looks_wait_for_more() -> None:
    """Of few looks shares would swing: they are paid together with later ones, at last in time and at the end."""
    credit = EvenCredit(0.0)
    credit.look(1)
    credit.hold(1e6)
    assert list(credit.pay(0.5)) == []
    assert [payment.looks for payment in credit.pay(3.1)] == [1]
    credit.look(2)
    credit.hold(2e6)
    assert [payment.time_ns for payment in credit.pay(3.2, is_end=True)] == [2e6]


def test_looks_at_a_thread_that_waits_count_only_where_there_are_no_others() -> None:
    """A glimpse of one that wants to run is forgotten once a look met it running, and counts if none does for long."""
    credit = EvenCredit(0.0)
    credit.hold(1e6)
    credit.glimpse(1)
    credit.look(2)
    assert [payment.stack for payment in credit.pay(3.1)] == [2]
    credit.hold(1e6)
    credit.glimpse(1)
    assert list(credit.pay(4.0)) == []
    assert [payment.stack for payment in credit.pay(6.2)] == [1]


def test_credit_may_be_capped() -> None:
    """What exceeds the most that a look may stand for stays held."""
    credit = EvenCredit(0.0)
    credit.look(1)
    credit.hold(10e6)
    assert [payment.time_ns for payment in credit.pay(0.0, is_end=True, most_ns=4e6)] == [4e6]
    assert credit.held_ns == 6e6


def test_the_first_looks_are_paid_sooner() -> None:
    """Who waits for the first picture gets it after four looks; later ones wait for more."""
    credit = EvenCredit(0.0)
    for stack in (1, 1, 2, 2):
        credit.look(stack)
    credit.hold(8e6)
    assert {payment.stack: payment.time_ns for payment in credit.pay(0.04)} == {1: 4e6, 2: 4e6}
    for stack in (1, 1, 2, 2):
        credit.look(stack)
    credit.hold(8e6)
    assert list(credit.pay(0.08)) == []
