"""The symbolic engine against the reference engine: the same shortest violation, and none to the
depth to which there is none; on the specs, on mutants of theirs, and on random Programs with 2, 3,
5, 6 and 7 pages.  What can be wrong in the terms is planted, and found."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from modelcheck.engines import reference
from modelcheck.engines.symbolic import actions, system
from modelcheck.engines.symbolic.actions import Outcome, Way
from modelcheck.engines.symbolic.bounded import explore
from modelcheck.engines.symbolic.expressions import Scope, Slot
from modelcheck.engines.symbolic.terms import Bit, Sym, Terms, num
from modelcheck.frontend.compile import compile_spec
from modelcheck.ir import Process, Program, Ref, Variable
from modelcheck.semantics import Semantics
from modelcheck.trace import Limits
from tests.agree.random_programs import random_program
from tests.agree.symbolic import FEW, step_wrong, violation, wrong
from tests.mutants.test_mutants import DEADLOCK, MUTANTS, SPECS, Mutant, mutated

PAGES = (2, 3, 5, 6, 7)


def resized(node: Any, pages: int) -> Any:
    """A Program of random_programs.py, which has two pages, with so many; each further page is in
    its beginning like the first."""
    if isinstance(node, tuple):
        if node == ("Page", 2):
            return "Page", pages
        return tuple(resized(part, pages) for part in node)
    if isinstance(node, Ref):
        return dataclasses.replace(node, count=pages) if node.cls == "Page" else node
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return node
    made = dataclasses.replace(node, **{
        f.name: resized(getattr(node, f.name), pages)
        for f in dataclasses.fields(node) if f.name != "span"
    })
    if isinstance(made, Variable) and made.index and made.initial:
        return dataclasses.replace(
            made, initial=(*made.initial, *made.initial[:1] * (made.cells - len(made.initial)))
        )
    return made


def program_of(seed: int) -> Program | None:
    """The Program of a seed, with a number of pages that goes with it; None if no run begins."""
    program: Program = resized(random_program(seed), PAGES[seed % len(PAGES)])
    return program if Semantics(program).initial() else None


# ------------------------------------------------------------------------------ random Programs


@pytest.mark.parametrize("seed", range(100))
def test_the_engines_agree(seed: int) -> None:
    print(f"seed {seed}")
    program = program_of(seed)
    assert program is None or (wrong(program) or step_wrong(program)) is None


@pytest.mark.slow
def test_a_campaign() -> None:
    """20,000 of them."""
    for seed in range(100, 20_000):
        print(f"seed {seed}")
        program = program_of(seed)
        assert program is None or (wrong(program) or step_wrong(program, 12)) is None


def test_the_random_programs_have_something_to_find() -> None:
    """Violations of all lengths, and runs without any, with every number of pages."""
    lengths: dict[int, set[int | None]] = {pages: set() for pages in PAGES}
    for seed in range(100):
        program = program_of(seed)
        if program is not None:
            length = violation(reference.explore(program, FEW))
            lengths[PAGES[seed % len(PAGES)]].add(length)
    for pages, found in lengths.items():
        assert None in found and len(found) > 1, (pages, found)
    assert max(n for found in lengths.values() for n in found if n is not None) > 3


# ------------------------------------------------------------------------------------ planted bugs

on_way = Outcome._on


def no_guards(outcome: Outcome, way: Way, scope: Scope, test: Bit = True) -> Way:
    """A wait and an assume stop nobody."""
    return on_way(outcome, way, scope)


def no_fault(scope: Scope, test: Bit) -> None:
    """Whatever goes wrong, the run goes on."""


def no_reset(
    terms: Terms, process: Process, here: int, number: int, memory: dict[Slot, Sym]
) -> dict[Slot, Sym]:
    """A dead local keeps its value."""
    return {**memory, here: num(number)}


def first_only(terms: Terms, ways: list[Way]) -> Way:
    """Where two runs meet, only the first goes on."""
    return next((way for way in ways if way.test is not False), ways[0])


PLANTED: dict[str, tuple[object, str, Callable[..., Any]]] = {
    "a guard is dropped": (Outcome, "_on", no_guards),
    "a fault is dropped": (Scope, "fault", no_fault),
    "a dead local is not reset": (actions, "arrived", no_reset),
    "of two runs that meet one is lost": (actions, "merged", first_only),
    "of two processes one never moves": (system, "merged", first_only),
}


def first_caught(seeds: Iterable[int]) -> str | None:
    for seed in seeds:
        program = program_of(seed)
        found = None if program is None else wrong(program) or step_wrong(program)
        if found is not None:
            return found
    return None


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_caught(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, name, wrongly = PLANTED[bug]
    monkeypatch.setattr(where, name, wrongly)
    assert first_caught(range(40)) is not None


# ----------------------------------------------------------------------------- specs and mutants


@pytest.mark.parametrize(("spec", "length"), [
    ("per_page_cmpxchg", 10), ("per_page_cmpxchg_lists", 16),
])
def test_the_specs_that_are_violated(spec: str, length: int) -> None:
    _, program = compile_spec(str(SPECS / f"{spec}.py"), {})
    verdict = explore(program, Limits(), depth=length)
    expected = reference.explore(program, Limits())
    assert violation(verdict) == violation(expected) == length
    assert verdict.trace is not None and expected.trace is not None
    assert verdict.trace.switches == expected.trace.switches


@pytest.mark.parametrize("spec", sorted({m.spec for m in MUTANTS}))
@pytest.mark.parametrize("pages", [3, 5, 7])
def test_the_specs_with_more_pages(spec: str, pages: int) -> None:
    """To the depth that the reference engine reaches with as many states."""
    _, program = compile_spec(str(SPECS / f"{spec}.py"), {"PAGES": pages})
    assert wrong(program, Limits(states=300), ahead=7) is None


REAL = [mutant for mutant in MUTANTS if mutant.fails != DEADLOCK]


def compared(mutant: Mutant, folder: Path, reach: int) -> bool:
    """Whether z3 finds, within so many steps, what the reference engine finds, and nothing where
    that is longer (or a `@sometimes` that is not reached)."""
    path = folder / f"{mutant.spec}.py"
    path.write_text(mutated(mutant), encoding="utf-8")
    _, program = compile_spec(str(path), mutant.sets)
    named = tuple(p for p in program.properties if p.sentence == mutant.fails)
    program = dataclasses.replace(program, properties=named)
    expected = violation(reference.explore(program, Limits()))
    near = expected is not None and expected <= reach
    found = violation(explore(program, Limits(), depth=expected if near and expected else 8))
    return found == (expected if near else None)


@pytest.mark.parametrize("mutant", REAL, ids=lambda m: f"{m.spec}: {m.story}")
def test_mutants(mutant: Mutant, tmp_path: Path) -> None:
    assert compared(mutant, tmp_path, 12)


@pytest.mark.slow
@pytest.mark.parametrize("mutant", REAL, ids=lambda m: f"{m.spec}: {m.story}")
def test_mutants_to_more_steps(mutant: Mutant, tmp_path: Path) -> None:
    assert compared(mutant, tmp_path, 20)
