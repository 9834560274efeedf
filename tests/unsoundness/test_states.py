"""What other checkers got wrong about states and values: changed in passing, evaluated to something
else the second time, taken for one another, or left out at the edge of a range."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from modelcheck import ir
from modelcheck.engines import reference
from modelcheck.engines.symbolic import bounded
from modelcheck.frontend import loops
from modelcheck.frontend.compile import compile_spec
from modelcheck.ir import Program
from modelcheck.semantics import Initial, Semantics, State, Step, expressions
from modelcheck.trace import Limits, Verdict
from tests.small_programs import program
from tests.unsoundness.designs import HOLDING, VIOLATING, begun, compiled, some_states

# --------------------------------------------------------------- values that change, or differ


def frozen(value: object) -> bool:
    """Whether nothing of a value can be changed."""
    if isinstance(value, tuple):
        return all(map(frozen, value))
    return value is None or isinstance(value, bool | int)


def all_that_is_said(semantics: Semantics, state: State) -> object:
    """A state's steps, its texts (what converts its values), and what holds in it."""
    told = [
        (semantics.location(state, n), semantics.locals(state, n))
        for n in range(len(semantics.names))
    ]
    held = [semantics.holds(p, state) for p in semantics.program.properties]
    return semantics.successors(state), semantics.show_cells(state), told, held


def check_that_states_stay(program: Program, most: int = 150) -> None:
    """Nothing in a state can be changed, and what is said of it is the same a second time, when
    everything else has been asked in between."""
    semantics = Semantics(program)
    assert all(begin.state is None or frozen(begin.state) for begin in semantics.initial())
    states = some_states(semantics, most)
    said = [all_that_is_said(semantics, state) for state in states]
    for state, before in zip(reversed(states), reversed(said), strict=True):
        assert frozen(state)
        assert all_that_is_said(semantics, state) == before


def test_a_state_stays_what_it_is() -> None:
    """tlaplus#1302, #1316 (TLC): converting a value changed it in place, so that states were missed
    and violations were bogus.  Here a state that was printed, or evaluated, would step differently
    afterwards."""
    for path, sets in (*HOLDING, *VIOLATING):
        check_that_states_stay(compile_spec(str(path), sets)[1])


def test_a_step_evaluated_twice_is_the_same_step() -> None:
    """tlaplus#866, #169 (TLC): a function of the spec gave something else each time, and the state
    graph depended on when it was asked.  Here the steps of a state would."""
    for seed, random in begun(range(60)):
        print(f"seed {seed}")
        check_that_states_stay(random, 60)


def with_lists(begins: Callable[[Semantics], list[Initial]], semantics: Semantics) -> list[Initial]:
    def thawed(value: Any) -> Any:
        return [*map(thawed, value)] if isinstance(value, tuple) else value

    return [
        begin._replace(state=tuple(map(thawed, begin.state)) if begin.state else None)
        for begin in begins(semantics)
    ]


def every_other_time(
    successors: Callable[[Semantics, State], list[Step]], semantics: Semantics, state: State,
    *, count: Iterator[int],
) -> list[Step]:
    return successors(semantics, state)[next(count) % 2 :]


@pytest.mark.parametrize(
    ("method", "plant"),
    [
        ("initial", partial(with_lists, Semantics.initial)),
        ("successors", partial(every_other_time, Semantics.successors, count=itertools.count())),
    ],
    ids=["words that are lists", "a step that is there every other time"],
)
def test_values_that_change_would_be_seen(
    method: str, plant: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, sets = next(design for design in HOLDING if design[0].stem == "treiber_stack")
    treiber = compile_spec(str(path), sets)[1]
    check_that_states_stay(treiber)
    monkeypatch.setattr(Semantics, method, lambda *args: plant(*args))
    with pytest.raises(AssertionError):
        check_that_states_stay(treiber)


# ------------------------------------------------------------------- states that look the same

ALIKE = """\
    program alike()
    sort process 1
    shared n: -2..0 = 0
    process p
      local m: -2..0
      entry: goto p_1
      at p_1:
        store n := 0
        choose m in [-1, -2]
        goto p_2
      at p_2 live m:
        store n := m
        goto end
    sometimes "n is -1": n == -1
    sometimes "n is -2": n == -2
    """


class ByHash(dict[State, int]):
    """A set of states that keeps their fingerprints only."""

    def setdefault(self, key: State, default: int = 0) -> int:
        return super().setdefault((hash(key),), default)


def check_that_both_are_met(program: Program) -> None:
    verdict = reference.explore(program, Limits())
    assert (verdict.outcome, verdict.states) == ("HOLDS", 5)
    assert [p.depth for p in verdict.properties if p.kind == "sometimes"] == [2, 2]


def test_states_with_equal_hashes_are_two_states(monkeypatch: pytest.MonkeyPatch) -> None:
    """TLC, fingerprints: it keeps no more of a state, and prints the odds that two shared one and
    the second was never expanded.  Here states are compared whole: -1 and -2 have one hash in
    Python, and a search that trusted it would never reach the second."""
    assert hash((-1,)) == hash((-2,))
    alike = program(ALIKE)
    check_that_both_are_met(alike)
    monkeypatch.setattr(reference, "Search", partial(reference.Search, numbers=ByHash()))
    with pytest.raises(AssertionError):
        check_that_both_are_met(alike)


# ------------------------------------------------------------------------ the edges of a range

RANGE = '''
"""A loop, a choice and sums over one range."""
from typing import Annotated

from modelcheck.lang import always, between, choose, process, shared, sometimes


@shared
class Node:
    turns: Annotated[int, between(0, 6)] = 0
    total: Annotated[int, between(-6, 6)] = 0
    pick: Annotated[int, between(-3, 3)] = 3


node = Node()


@process
def cpu() -> None:
    turns: Annotated[int, between(0, 6)] = 0
    total: Annotated[int, between(-6, 6)] = 0
    for i in range(LO, HI):
        turns += 1
        total += i
    node.turns = turns
    node.total = total
    node.pick = choose(range(LO, HI))


@always
def the_sum_is_right() -> bool:
    return sum(i for i in range(LO, HI)) == SUM


@always
def no_turn_is_taken_twice() -> bool:
    return node.turns in (0, TURNS) and node.total in (0, SUM)


@always
def a_pick_is_in_the_range() -> bool:
    return node.pick == 3 or any(i == node.pick for i in range(LO, HI))


@sometimes
def all_turns_are_taken() -> bool:
    return node.turns == TURNS and node.total == SUM
'''
PICKED = '''

@sometimes
def VALUE_is_picked() -> bool:
    return node.pick == VALUE
'''
PAIRS = [(lo, hi) for lo in range(-2, 2) for hi in range(-1, 3)]
EXPLORE: dict[str, Callable[[Program, Limits], Verdict]] = {
    "reference": reference.explore, "symbolic": bounded.explore,
}


def range_spec(lo: int, hi: int) -> str:
    """With a property for each value that can be picked; without the choice where there is none."""
    text = RANGE
    for value in range(lo, hi):
        name = f"number_{value}".replace("-", "minus_")
        text += PICKED.replace("VALUE_is", f"{name}_is").replace("VALUE", str(value))
    if lo >= hi:
        text = text.replace("    node.pick = choose(range(LO, HI))\n", "")
        text = text.replace("choose, ", "")
    turns = len(range(lo, hi))
    for word, number in (("TURNS", turns), ("SUM", sum(range(lo, hi))), ("LO", lo), ("HI", hi)):
        text = text.replace(word, str(number))
    return text


def check_the_range(engine: str, lo: int, hi: int, folder: Path) -> None:
    """Every turn is taken and every value picked: as many as Python's own range has."""
    verdict = EXPLORE[engine](compiled(range_spec(lo, hi), folder), Limits())
    assert verdict.outcome == ("HOLDS" if engine == "reference" else "UNKNOWN")
    reached = [p.status for p in verdict.properties if p.kind == "sometimes"]
    assert reached == ["reached"] * (1 + len(range(lo, hi)))


@pytest.mark.parametrize("engine", EXPLORE)
def test_a_range_through_zero_has_all_its_elements(engine: str, tmp_path: Path) -> None:
    """rumur, v2019.07.21: loops and rulesets over a range through 0 became empty, and the states
    behind them were never explored.  Here a value would never be picked, or a turn not taken."""
    for lo, hi in PAIRS:
        print(f"range({lo}, {hi})")
        check_the_range(engine, lo, hi, tmp_path)


@pytest.mark.parametrize("engine", EXPLORE)
@pytest.mark.parametrize(("lo", "hi"), [(0, 0), (1, 0), (-1, -1), (-1, -2)])
def test_a_choice_of_nothing_is_not_passed_over(
    engine: str, lo: int, hi: int, tmp_path: Path
) -> None:
    """rumur, v2019.07.21, the other way round: where a range is empty indeed, the run does not end
    in silence."""
    text = range_spec(-1, 1).replace("choose(range(-1, 1))", f"choose(range({lo}, {hi}))")
    verdict = EXPLORE[engine](compiled(text, tmp_path), Limits())
    assert verdict.trace is not None and verdict.trace.failure is not None
    assert verdict.trace.failure.kind == "choose"


@pytest.mark.parametrize("engine", EXPLORE)
@pytest.mark.parametrize(("lo", "hi"), [(-2, 1), (0, 0), (-1, 0), (-3, -3)])
def test_both_ends_of_a_range_belong_to_it_and_nothing_beyond(
    engine: str, lo: int, hi: int
) -> None:
    """rumur, v2019.07.21: the edges of ranges.  Storing lo and hi is fine, one further is not."""
    for value in range(lo - 2, hi + 3):
        stores = program(f"""\
            program p()
            sort process 1
            shared n: {lo}..{hi} = {lo}
            process p
              local m: -9..9
              entry: goto p_1
              at p_1:
                load n
                m := $ - {lo} + {value}
                goto p_2
              at p_2 live m:
                store n := m
                goto end
            """)
        failure = EXPLORE[engine](stores, Limits()).trace
        assert (failure is None) == (lo <= value <= hi)


def none_through_zero(bounds: Callable[..., tuple[ir.Expr, ir.Expr]]) -> Callable[..., object]:
    def planted(*args: object) -> tuple[ir.Expr, ir.Expr]:
        lo, hi = bounds(*args)
        assert isinstance(lo, ir.Const) and isinstance(hi, ir.Const)
        assert isinstance(lo.value, int) and isinstance(hi.value, int)
        return (hi, hi) if lo.value < 0 < hi.value else (lo, hi)

    return planted


def from_zero_on(domain: Callable[..., Callable[..., Iterator[Any]]]) -> Callable[..., object]:
    def planted(of: ir.Domain, scope: Any) -> Callable[..., Iterator[Any]]:
        elements = domain(of, scope)
        if not isinstance(of, ir.Range):
            return elements
        return lambda s: (n for n in elements(s) if n >= 0)

    return planted


@pytest.mark.parametrize(
    ("where", "name", "plant"),
    [
        (loops, "_bounds", none_through_zero(loops._bounds)),
        (expressions, "domain", from_zero_on(expressions.domain)),
    ],
    ids=["a loop", "a sum"],
)
def test_a_range_cut_at_zero_would_be_seen(
    where: Any, name: str, plant: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, name, plant)
    with pytest.raises(AssertionError):
        check_the_range("reference", -2, 2, tmp_path)
