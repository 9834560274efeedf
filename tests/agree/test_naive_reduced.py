"""Random Programs where reductions work: with each, and with all, a plain search over `semantics`
breaks what the reference engine breaks, and reaches what it reaches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from modelcheck.engines import reference
from modelcheck.engines.native import reduced
from modelcheck.ir import Program
from modelcheck.passes import REDUCTIONS, ample, lock_protected, tickets, touched
from modelcheck.passes.ownership import Owned, Touches
from modelcheck.semantics import Semantics
from modelcheck.source import SpecError
from modelcheck.trace import Limits
from tests.agree.naive_reduced import Meddled, Naive
from tests.agree.random_locking import random_locking
from tests.agree.random_programs import random_program

STATES = Limits(states=1_500)


def wrong(program: Program, used: Counter[str]) -> str | None:
    """What a search with reductions says otherwise; None if nothing, or if there is nothing to say.
    """
    try:
        begins = Semantics(program).initial()
        expected = reference.explore(program, STATES)
    except SpecError:
        return None
    if expected.stopped is not None or any(begin.state is None for begin in begins):
        return None
    failure = None if expected.trace is None else expected.trace.failure
    broken = failure is not None and failure.kind != "deadlock"
    reached = {
        p.sentence for p in expected.properties if p.kind == "sometimes" and p.status == "reached"
    }
    names = reduced.reduced(program, frozenset(REDUCTIONS)).names
    for wanted in {*(frozenset([name]) for name in names), frozenset(names)}:
        try:
            found = Naive(reduced.reduced(program, wanted))
        except Meddled:
            used["meddled"] += 1
            continue
        used.update(wanted)
        said = f"with {', '.join(sorted(wanted))}"
        if found.broken != broken:
            return f"{said} it is {'' if found.broken else 'not '}broken"
        if not broken and found.reached != reached:
            return f"{said} {found.reached} is reached, not {reached}"
        if not broken and len(found.states) > expected.states:
            return f"{said} {len(found.states)} states of {expected.states}"
    return None


def check(numbers: range, program_of: Callable[[int], Program]) -> Counter[str]:
    """Every one of them; how often each reduction had something to do."""
    used = Counter[str]()
    findings = [f"{n}: {what}" for n in numbers if (what := wrong(program_of(n), used))]
    assert findings == []
    return used


def test_random_programs_where_reductions_work() -> None:
    used = check(range(100), random_locking)
    assert all(used[name] > 20 for name in REDUCTIONS) and used["meddled"] > 5


@pytest.mark.slow
def test_many_random_programs_where_reductions_work() -> None:
    check(range(100, 20_000), random_locking)


@pytest.mark.slow
def test_many_random_programs() -> None:
    check(range(10_000), random_program)


PLANTED: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], int]] = {
    "what concerns others does not": (
        lambda p: p.setattr(lock_protected._Facts, "_concerns_nobody", lambda *_: True), 216),
    "what concerns others is done later": (
        lambda p: p.setattr(lock_protected._Facts, "may_wait", lambda *_: True), 81),
    "nobody looks who accesses it": (
        lambda p: p.setattr(Owned, "touches", lambda *_: Touches()), 232),
    "what was touched is forgotten": (
        lambda p: p.setattr(touched, "_keeping", lambda process, _: process), 232),
    "one may go on alone for ever": (
        lambda p: p.setattr(ample, "without_circles", lambda found, _: [*found]), 24),
    "what others do does not count": (
        lambda p: p.setattr(ample.Accesses, "concern", lambda *_: False), 81),
    "more is asked of a ticket": (
        lambda p: p.setattr(tickets._Flow, "plain", lambda *_: None), 24),
}
"""Each with the number of a Program in which it shows."""


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, number = PLANTED[bug]
    assert wrong(random_locking(number), Counter()) is None
    plant(monkeypatch)
    assert wrong(random_locking(number), Counter()) is not None
