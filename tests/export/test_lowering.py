"""What is exported has the states and steps of the Program: each Model is run as it is written, by
a plain interpreter, and held against `semantics`."""

from __future__ import annotations

from itertools import count, islice

import pytest

from modelcheck.export.lowering import lowered
from modelcheck.export.model import Model
from modelcheck.export.terms import (
    FALSE, LEAST, MOST, TRUE, Beyond, Cells, Num, Read, Term, arithmetic, equal, less,
    minus, read,
)
from modelcheck.ir import Program
from modelcheck.semantics import Semantics
from modelcheck.source import SpecError
from tests.agree.random_programs import random_program
from tests.export.interpret import Memory, explored
from tests.export.planted import PLANTED, Plant
from tests.small_programs import LOST_UPDATE, program

MANY = 1_500  # states at which a random Program is too large


def reached(program: Program) -> tuple[int, int, bool] | None:
    """The states, the steps, and whether anything is broken, where a step that goes wrong leads
    nowhere; None if there are many states."""
    semantics = Semantics(program)
    always = [p for p in program.properties if p.kind == "always"]
    states = {begin.state for begin in semantics.initial() if begin.state is not None}
    todo, steps, broken = list(states), 0, False
    while todo:
        if len(states) > MANY:
            return None
        state = todo.pop()
        broken |= any(semantics.holds(p, state) is not True for p in always)
        for step in semantics.successors(state):
            steps += 1
            broken |= step.fault is not None
            if step.target is not None and step.target not in states:
                states.add(step.target)
                todo.append(step.target)
    return len(states), steps, broken


def model_of(program: Program) -> Model | None:
    """Its Model; None if it goes wrong before the first step."""
    try:
        return lowered(program, "random", "random", "")
    except SpecError as error:
        assert "before the first step" in error.problem or "no run begins" in error.problem
        return None


def check_random(seeds: range) -> None:
    compared = 0
    for seed in seeds:
        made = random_program(seed)
        model, expected = model_of(made), reached(made)
        if model is None or expected is None:
            continue
        states, steps, broken = expected
        found = explored(model, MANY)
        assert (len(found.states), bool(found.broken)) == (states, broken), f"seed {seed}"
        # What goes wrong before it has chosen does so once for each way to choose.
        assert found.steps == steps or (broken and found.steps > steps), f"seed {seed}"
        compared += 1
    assert compared > 0.8 * len(seeds)


def test_random_programs_have_the_same_states_and_steps() -> None:
    check_random(range(60))


@pytest.mark.slow
def test_many_random_programs_have_the_same_states_and_steps() -> None:
    check_random(range(60, 3_000))


@pytest.mark.parametrize("plant", PLANTED, ids=lambda p: p.__name__)
def test_a_planted_defect_shows_in_the_states_of_random_programs(plant: Plant) -> None:
    """Each is found within the first few Programs in which it can be made."""
    tried = 0
    for made in map(random_program, islice(count(1), 200)):
        model, expected = model_of(made), reached(made)
        worse = None if model is None else plant(model)
        if worse is None or expected is None or expected[2]:
            continue
        tried += 1
        found = explored(worse, MANY)
        if (len(found.states), found.steps, bool(found.broken)) != expected:
            return
    raise AssertionError(f"{tried} Programs do not show it")


# ----------------------------------------------------------------------------------------- terms

X = Cells("x", "x", 1, False, -3, 3)
Y = Cells("y", "y", 1, False, -2, 4)


def value(a: Term, x: int, y: int) -> int:
    return Memory({"x": [x], "y": [y]}).value(a)


@pytest.mark.parametrize("op", ["+", "-", "*", "//", "%", "<<", ">>", "&", "|", "^"])
@pytest.mark.parametrize(("a", "b"), [(X, Y), (X, 2), (2, Y), (3, 3), (-3, 2), (X, -2), (0, Y)])
def test_arithmetic_is_python_s_and_stays_in_its_bounds(
    op: str, a: Cells | int, b: Cells | int
) -> None:
    """Every value of every operand: the interpreter asserts that the bounds hold."""
    left, right = (read(c, Num(0)) if isinstance(c, Cells) else Num(c) for c in (a, b))
    if right == Num(-2) and op in ("<<", ">>"):
        return  # a fault whatever the values, and noted by another
    made = arithmetic(op, left, right)
    for x in range(X.lo, X.hi + 1):
        for y in range(Y.lo, Y.hi + 1):
            p, q = (a if isinstance(a, int) else x), (b if isinstance(b, int) else y)
            if (q == 0 and op in ("//", "%")) or (q < 0 and op in ("<<", ">>")):
                continue
            assert value(made, x, y) == eval(f"p {op} q", {"p": p, "q": q})


def test_what_leaves_32_bits_is_beyond() -> None:
    wide = Read(Cells("w", "w", 1, False, LEAST, MOST), Num(0), LEAST, MOST, "")
    assert arithmetic("+", wide, Num(0)) == wide
    for worse in (lambda: arithmetic("+", wide, Num(1)), lambda: minus(wide)):
        with pytest.raises(Beyond):
            worse()


def test_comparisons_fold_what_is_known() -> None:
    x = read(X, Num(0))
    assert (equal(x, Num(4)), less(x, Num(4)), less(Num(3), x)) == (FALSE, TRUE, FALSE)
    assert equal(x, x) == TRUE and less(x, x, or_equal=True) not in (TRUE, FALSE)


def test_a_small_model() -> None:
    """Two processes that each load, add one and store."""
    found = explored(lowered(program(LOST_UPDATE), "lost_update.txt", "lost_update", ""), MANY)
    assert (len(found.states), found.steps) == (12, 14)
    assert found.broken == {"no addition is lost"}
