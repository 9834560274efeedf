"""A share of the campaign on random programs, and that it finds what is planted in each of those
whom it compares.

The whole: `python -m tests.campaigns.programs --programs 20000`."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import z3

from modelcheck import ir
from modelcheck.engines import reference
from modelcheck.engines.symbolic.actions import Outcome
from modelcheck.engines.symbolic.expressions import Scope
from modelcheck.engines.symbolic.terms import Num, Terms, bits
from modelcheck.frontend import compile as compiling
from modelcheck.flow import with_gotos
from modelcheck.frontend import loops, pure
from modelcheck.frontend.values import Value
from modelcheck.heap.encoding import Reference
from modelcheck.heap.objects import Location, Place, View
from modelcheck.heap.words import Words
from modelcheck.semantics import Semantics, State, Step
from modelcheck.semantics import expressions as semantics_expressions
from tests.agree.random_specs import random_spec
from tests.agree.spec_parts import SIZES
from tests.agree.test_symbolic_agrees import no_fault, no_guards
from tests.campaigns import programs
from tests.campaigns.programs import SHARE, Effort, Tally, campaign, main

PROGRAMS = range(500)
LITTLE = Effort(runs=10, steps=12, ahead=4, farthest=6, states=2, naive=60)


def test_a_share_of_the_campaign() -> None:
    """And that there is something to find in these programs: of each kind, near and far."""
    tally = Tally()
    found = [tried for tried in campaign(PROGRAMS, SHARE, jobs=2) if not tally.add(tried)]
    print(tally.text())
    assert [(t.number, t.findings) for t in found if t.findings] == []
    assert tally.tried == len(PROGRAMS)
    assert tally.checked > 0.85 * tally.tried
    assert 1 / 3 < tally.violated < 2 / 3
    assert tally.outcomes["UNKNOWN"] < 0.1 * tally.tried
    for kind in ("assert", "safety", "deadlock", "range", "index", "none"):
        assert tally.kinds[kind] > 0.01 * tally.tried, kind
    assert set(range(11)) <= set(tally.lengths)
    assert sum(n for length, n in tally.lengths.items() if length > 10) > 0.03 * tally.tried
    assert tally.naive > tally.tried / 3
    assert tally.steps > 500 * tally.tried


def test_the_texts_are_of_all_sizes() -> None:
    """Ranges that end at, and go through, zero: another checker once took such loops for empty."""
    texts = [random_spec(seed) for seed in range(400)]
    whole = "\n".join(texts)
    for cls in ("Page", "Slot"):
        counted = {
            int(n) for n in re.findall(rf"@shared\(count=(\d+)\)\nclass {cls}", whole)
        } | {int(n) for n in re.findall(rf"array\({cls}, (\d+)\)", whole)}
        assert counted == set(SIZES), cls
    processes = [sum(map(int, re.findall(r"@process\(count=(\d)\)", text))) for text in texts]
    assert set(processes) == {1, 2, 3, 4}
    ranges = set(re.findall(r"between\((-?\d+), (-?\d+)\)", whole))
    assert {("-1", "1"), ("-2", "0"), ("-3", "-1"), ("-2", "2"), ("1", "3")} <= ranges
    for loop in ("range(-1, 1)", "range(-2, n)", "range(n, 1)", "range(2, 0)", "range(1, 3)"):
        assert f" in {loop}:" in whole, loop
    assert re.search(r"choose\(range\(-\d, \d\)\)", whole)
    for word in (
        "spin_lock", "spin_unlock", "spin_trylock", "cmpxchg", "xchg", "fetch_add", "fetch_update",
        "test_and_set_bit", "set_bit", "clear_bit", "store_part", "replace", "wait_until", "atomic",
        "choose", "this_process", "instances", "not_null", "element", "chain", "irqs_off",
        "@interrupt",
    ):
        assert len(re.findall(rf"(?<!\w){word}\(", whole)) > 20, word
    for start in ("while ", "for ", "assert ", "@always", "@sometimes", "@boot", "return "):
        assert len(re.findall(rf"^ *{start}", whole, re.MULTILINE)) > 60, start


def test_what_is_found_does_not_depend_on_the_processes() -> None:
    few = range(40, 45)
    assert list(campaign(few, LITTLE, 1)) == list(campaign(few, LITTLE, 2))


def test_the_command_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--programs", "3", "--jobs", "1", "--seed", "7"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("3 programs: ")
    assert re.search(r"\n0 findings, in \d+ s\n$", said)


def test_ctrl_c_ends_it_with_what_there_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = programs.tried

    def interrupted(effort: Effort, folder: Path, number: int) -> programs.Tried:
        if number == 2:
            signal.raise_signal(signal.SIGINT)
        return tried(effort, folder, number)

    monkeypatch.setattr(programs, "tried", interrupted)
    assert main(["--programs", "9", "--jobs", "1"]) == 130
    said = capsys.readouterr().out
    assert said.startswith("2 programs: ")
    assert "0 findings, interrupted after " in said


# ------------------------------------------------------------------ that it finds what is planted

# ---- in the reference engine


class Losing(Semantics):
    def successors(self, state: State) -> list[Step]:
        steps = super().successors(state)
        return steps[:-1] if len(steps) > 1 else steps


meet = reference._Expansion._meet


def forgetful(expand: reference._Expansion, state: State, depth: int) -> int:
    """Two states that differ in their last number are one."""
    for known in expand.search.numbers:
        if known[:-1] == state[:-1]:
            return meet(expand, known, depth)
    return meet(expand, state, depth)


def nobody_is_stuck(*_: object) -> dict[int, list[int]]:
    return {}


def the_first_is_stuck(*_: object) -> dict[int, list[int]]:
    return {0: [0]}


# ---- in z3's terms


def zeros_in_front(terms: Terms, a: Num, width: int) -> Any:
    """A number is made wider without its sign."""
    if a.term is not None and a.term.size() < width:
        return z3.ZeroExt(width - a.term.size(), a.term)
    return vector(terms, a, width)


def no_room(terms: Terms, a: Num, b: Num, lo: int, hi: int, compute: Any) -> Num:
    """A sum is given no more bits than its operands have."""
    width = max(bits(a.lo, a.hi), bits(b.lo, b.hi))
    return Num(compute(terms.vector(a, width), terms.vector(b, width)), lo, hi)


vector = Terms.vector


# ---- in the front end

merge, live, bounds = compiling.merge_locations, compiling.liveness, loops._bounds


def a_step_too_few(program: ir.Program) -> ir.Program:
    """A store as the last step of a process is none."""
    merged = merge(program)
    last = {
        a.at for p in merged.processes for a in p.actions
        if isinstance(a.access, ir.Store) and a.body == (ir.Goto(ir.END),)
    }

    def ended(goto: ir.Goto) -> ir.Block:
        return (ir.Goto(ir.END),) if goto.location in last else (goto,)

    return merge(replace(merged, processes=tuple(
        replace(p, entry=with_gotos(p.entry, ended), actions=tuple(
            replace(a, body=with_gotos(a.body, ended)) for a in p.actions
        )) for p in merged.processes
    )))


def forgotten_locals(program: ir.Program) -> ir.Program:
    """Of the locals that matter at a location, the last is reset."""
    program = live(program)
    return replace(program, processes=tuple(
        replace(p, actions=tuple(replace(a, live=a.live[:-1]) for a in p.actions))
        for p in program.processes
    ))


def empty_below_zero(*arguments: Any) -> tuple[ir.Expr, ir.Expr]:
    """A `for` over a range that begins below zero has no turns."""
    lo, hi = bounds(*arguments)
    below = isinstance(lo, ir.Const) and isinstance(lo.value, int) and lo.value < 0
    return lo, lo if below else hi


def as_it_is(value: Value, *_: object) -> ir.Expr:
    """The locals and results of a function without accesses are as if nothing were declared."""
    return value.expr


def dropped(_: ir.Expr, value: ir.Expr) -> ir.Expr:
    """What such a function computes and does not use cannot go wrong."""
    return value


# ---- on the executable allocator

write, write_part = Location.write, Place.write


def stale_links(location: Location, view: View, value: Any) -> None:
    """A link is not cleared."""
    if not (isinstance(location.encoding, Reference) and value is None and not location.ghost):
        write(location, view, value)


def neighbours_cleared(place: Place, value: Any) -> None:
    """A part of a word is stored as if it were all of it."""
    if place.part:
        arena, address = place.location.memory.arena, place.view.address + place.location.offset
        arena.store(address, place.location.size, 0)
    write_part(place, value)


def never_busy(words: Words, lock: View) -> bool:
    words.scheduler.gate()
    words._locked(lock).write(True)
    words._hold(lock, words._self())
    return True


# ---- in the semantics

fit, domain = semantics_expressions.fit, semantics_expressions.domain


def one_too_wide(sort: ir.Sort, *arguments: Any) -> Any:
    """A number that is one too large or too small is stored."""
    if isinstance(sort, ir.Int) and not sort.wraps:
        sort = ir.Int(sort.lo - 1, sort.hi + 1)
    return fit(sort, *arguments)


def nothing_below_zero(of: ir.Domain, scope: Any) -> Callable[[Any], Iterator[Any]]:
    """A quantifier over a range has no element below zero."""
    each = domain(of, scope)
    if isinstance(of, ir.Range):
        return lambda s: (n for n in each(s) if n >= 0)
    return each


NAIVE, TRACE, RUN, Z3, STEP = (
    "the naive interpreter: ", "the trace: NOT REPRODUCED: ", "a run: ", "z3: ", "a step of z3: "
)
PLANTED: dict[str, tuple[object, str, object, int, str]] = {
    "reference: a step is lost": (reference, "Semantics", Losing, 0, NAIVE),
    "reference: two states are one": (reference._Expansion, "_meet", forgetful, 40, NAIVE),
    "reference: a deadlock is missed": (reference, "stuck_processes", nobody_is_stuck, 9, NAIVE),
    "reference: a deadlock that is none": (
        reference, "stuck_processes", the_first_is_stuck, 0, TRACE
    ),
    "z3: a guard is dropped": (Outcome, "_on", no_guards, 68, Z3),
    "z3: a fault is dropped": (Scope, "fault", no_fault, 6, Z3),
    "z3: a number loses its sign": (Terms, "vector", zeros_in_front, 29, STEP),
    "z3: a sum is cut": (Terms, "_result", no_room, 29, Z3),
    "front end: a step too few": (compiling, "merge_locations", a_step_too_few, 5, RUN),
    "front end: a local is forgotten": (
        compiling, "liveness", forgotten_locals, 0, "the front end: Illegal, "
    ),
    "front end: a range below zero is empty": (loops, "_bounds", empty_below_zero, 6, RUN),
    "front end: what is declared in a function does not bind": (
        pure, "fit", as_it_is, 145, RUN
    ),
    "front end: what a function does not use is dropped": (pure, "after", dropped, 0, RUN),
    "allocator: a link is stale": (Location, "write", stale_links, 0, RUN),
    "allocator: a word loses its other parts": (Place, "write", neighbours_cleared, 5, RUN),
    "allocator: a lock is taken twice": (Words, "spin_trylock", never_busy, 6, RUN),
    "semantics: a range is too wide": (semantics_expressions, "fit", one_too_wide, 29, RUN),
    "semantics: a quantifier skips": (semantics_expressions, "domain", nothing_below_zero, 8, RUN),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In ten programs; the share of the campaign has them too, and finds nothing there."""
    where, name, wrongly, first, said = PLANTED[bug]
    monkeypatch.setattr(where, name, wrongly)
    found = (what for t in campaign(range(first, first + 10), LITTLE) for what in t.findings)
    assert any(what.startswith(said) for what in found)
