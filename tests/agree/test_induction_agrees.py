"""Induction against the reference engine: whatever is proved is violated by no run; on random
Programs with 2, 3, 5, 6 and 7 pages, and on mutants of the specs.  What would prove too much is
planted, and found."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from modelcheck.engines import reference
from modelcheck.engines.symbolic import induction, sample
from modelcheck.engines.symbolic.claims import Claims
from modelcheck.engines.symbolic.consecution import Site
from modelcheck.engines.symbolic.expressions import Scope
from modelcheck.engines.symbolic.facts import Fact
from modelcheck.engines.symbolic.guesses import guessed
from modelcheck.engines.symbolic.sample import Sample
from modelcheck.frontend.compile import compile_spec
from modelcheck.ir import (
    Binary, Cell, Const, Instances, Local, Place, Program, Property, Quantified, Unary,
)
from modelcheck.semantics import Semantics, State
from modelcheck.trace import Limits
from tests.agree.inductive import proved, wrong
from tests.agree.random_programs import NUMBER, PAGE, STATE
from tests.agree.test_symbolic_agrees import PAGES, no_fault, program_of, resized
from tests.mutants.test_mutants import DEADLOCK, MUTANTS, Mutant, mutated
from tests import small_programs

FACTS = 40


@pytest.fixture(autouse=True)
def hardly_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few states are looked at before a proof is tried, and no promise there: what is false is left
    to the proof."""
    monkeypatch.setattr(sample, "NEAR", 200)
    monkeypatch.setattr(sample, "WALKS", 0)
    monkeypatch.setattr(Sample, "_look", lambda sample, state: None)
    monkeypatch.setattr(induction, "guessed", some_facts)


def some_facts(program: Program, semantics: Semantics, states: Iterable[State]) -> list[Fact]:
    """Some of the facts that fit: a proof with all of them takes seconds."""
    every = guessed(program, semantics, states)
    return Random(len(every)).sample(every, min(FACTS, len(every)))


def with_candidates(seed: int) -> Program | None:
    """A random Program whose runs begin, with further promises, some of which are true."""
    program = program_of(seed)
    if program is None:
        return None
    random = Random(seed)
    pages = PAGES[seed % len(PAGES)]
    page = resized(PAGE, pages)
    state = Cell(Place("Page.state", (Local("each"),)))
    every = Quantified(
        "all", "each", Instances(page), Binary("==", state, Const(random.randrange(2), STATE)),
    )
    count, seen = Cell(Place("heap.count")), Cell(Place("seen"))
    number = Const(random.randrange(3), NUMBER)
    further = (
        Property("always", "all are in one state", every),
        Property("always", "the count is not this", Binary("!=", count, number)),
        Property("lemma", "seen is the count", Binary("<=", seen, count)),
        Property("lemma", "nobody locks", Unary("not", Cell(Place("lock")))),
    )
    program = dataclasses.replace(program, properties=(*program.properties, *further))
    semantics = Semantics(program)
    begins = [b.state for b in semantics.initial() if b.state is not None]
    first = tuple(  # what is false at the start is violated there, and all is said
        p for p in program.properties
        if not p.invariant or all(semantics.holds(p, state) is True for state in begins)
    )
    return dataclasses.replace(program, properties=first)


@pytest.mark.parametrize("seed", range(40))
def test_what_is_proved_is_not_violated(seed: int) -> None:
    print(f"seed {seed}")
    program = with_candidates(seed)
    assert program is None or wrong(program) is None


@pytest.mark.slow
def test_a_campaign() -> None:
    """4,000 of them."""
    for seed in range(40, 4_000):
        print(f"seed {seed}")
        program = with_candidates(seed)
        assert program is None or wrong(program) is None


def test_a_fair_number_is_proved() -> None:
    """And with every number of pages, some."""
    counts: Counter[str] = Counter()
    sizes: set[int] = set()
    for seed in range(40):
        program = with_candidates(seed)
        if program is not None:
            found = induction.explore(program, Limits())
            counts[found.outcome] += 1
            counts.update(kind for kind, _ in proved(found))
            if proved(found):
                sizes.add(PAGES[seed % len(PAGES)])
    print(counts)
    assert sizes == set(PAGES)
    assert counts["always"] > 20 and counts["assert"] > 10 and counts["lemma"] > 5


# ------------------------------------------------------------------------------------ planted bugs

on_broken = Site.broken


def nothing_breaks(site: Site, to: int, alive: set[int]) -> State | None:
    """What is assumed is taken for proved."""
    return None


def no_fault_at(site: Site, goal: Any, alive: set[int]) -> State | None:
    """A step that faults is not looked for."""
    return None if goal is site.faults else state_with(site, goal, alive)


state_with = Site.state_with


def one_way_only(site: Site, to: int, alive: set[int]) -> State | None:
    """Of the locations where a step may end, only the first is looked at."""
    return on_broken(site, to, alive) if to == next(iter(site.ways)) else None


PLANTED: dict[str, tuple[object, str, object]] = {
    "what is assumed is not proved": (Site, "broken", nothing_breaks),
    "a fault is not looked for": (Site, "state_with", no_fault_at),
    "a fault is dropped": (Scope, "fault", no_fault),
    "of the ways of a step one is looked at": (Site, "broken", one_way_only),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_caught(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, name, wrongly = PLANTED[bug]
    monkeypatch.setattr(sample, "NEAR", 0)  # a fault is not met before the proof
    monkeypatch.setattr(where, name, wrongly)
    programs = (with_candidates(seed) for seed in range(60))
    assert any(program is not None and wrong(program) is not None for program in programs)


SEVEN = """\
    program seven()
    shared n: 0..9 = 3
    process reader
      entry: goto reader_1
      at reader_1:
        rmw n := 7 if $ == 7 else 9
        goto reader_1
    always "n is not nine": n != 9
    lemma "n is seven": n == 7
    """


def test_a_base_case_that_is_left_out_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lemma is inductive, and false where runs begin; from it would follow what is violated."""
    seven, asked = small_programs.program(SEVEN), ("n is not nine",)
    assert proved(induction.explore(seven, Limits(), asked)) == set()
    assert reference.explore(seven, Limits(), asked).outcome == "VIOLATED"
    monkeypatch.setattr(Claims, "false_at", lambda claims, begins: set())
    assert proved(induction.explore(seven, Limits(), asked)) == {("always", "n is not nine")}


# ------------------------------------------------------------------------------------ the mutants

WAITING = [m for m in MUTANTS if m.spec == "per_page_cmpxchg" and m.fails != DEADLOCK]


@pytest.mark.slow
@pytest.mark.parametrize("mutant", WAITING, ids=lambda m: m.story)
def test_no_mutant_of_a_proved_design_is_proved(mutant: Mutant, tmp_path: Path) -> None:
    path = tmp_path / f"{mutant.spec}.py"
    path.write_text(mutated(mutant), encoding="utf-8")
    _, changed = compile_spec(str(path), mutant.sets)
    found = induction.explore(changed, Limits())
    assert mutant.fails not in {sentence for _, sentence in proved(found)}
