"""Who is asked about a program of the campaign through the engines, how, and what of the answer is
compared with the reference engine's: a row each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from modelcheck.engines.native import reduced
from modelcheck.engines.native import search as native
from modelcheck.engines.native.reduced import SYMMETRY
from modelcheck.engines.quick import search as quick
from modelcheck.ir import Program
from modelcheck.passes import REDUCTIONS
from modelcheck.trace import Limits, Verdict
from tests.agree import inductive
from tests.agree.said import misnamed, what_matters, whole
from tests.agree.symbolic import against

Question = Callable[[Program, Verdict], str | None]
"""What somebody says of a Program otherwise than this Verdict of the reference engine, if anything.

NotNative if there is no answer."""

NO_LIMITS = Limits()


@dataclass(frozen=True)
class Asked:
    """Somebody who is asked, and what."""

    who: str
    question: Question
    threads: bool = False


def same(
    explore: Callable[..., Verdict], said: Callable[[Verdict], dict[str, Any]],
    also: Callable[[Verdict, Verdict], str | None] = lambda found, expected: None,
) -> Question:
    """Whether an engine says the same; `also`: and what else is wrong with what it says."""

    def question(program: Program, expected: Verdict) -> str | None:
        found = explore(program, NO_LIMITS)
        here, there = said(expected), said(found)
        differ = [f"{n} is {there[n]}, not {value}" for n, value in here.items()
                  if there[n] != value]
        return "; ".join(differ) or also(found, expected)

    return question


def _but_the_odds(verdict: Verdict) -> dict[str, Any]:
    return whole(replace(verdict, odds=None))


ENGINES = (
    Asked("quick", same(quick.explore, whole)),
    Asked("native", same(native.explore, whole)),
    Asked("native, two threads", same(partial(native.explore, jobs=2), whole), threads=True),
)
BY_FINGERPRINTS = Asked(
    "native by fingerprints", same(partial(native.explore, fingerprints=True), _but_the_odds)
)
Z3 = Asked("z3", lambda program, expected: against(expected, program, ahead=4, farthest=8))
PROOFS = Asked("induction", lambda program, expected: inductive.wrong(program, seconds=5))
PROOFS_EACH = 25


def asked_about(program: Program, number: int, everything: bool) -> tuple[Asked, ...]:
    """Who is asked about the Program of this number; if not `everything`, those that CI has time
    for: z3 not about the texts about which `programs.py` asks it, fingerprints of one in four, and
    of the single reductions one, in turn, of one in three."""
    seed = number // 4
    fingerprints = (BY_FINGERPRINTS,) if everything or seed % 4 == 0 else ()
    z3 = (Z3,) if everything or number % 4 != 1 else ()
    proofs = (PROOFS,) if everything and number % PROOFS_EACH == 0 else ()
    names = reduced.reduced(program, frozenset(REDUCTIONS)).names
    turn = seed // 3 % len(names) if names else 0
    alone = names if everything else names[turn:][:1] if seed % 3 == 0 else ()
    subsets = dict.fromkeys([frozenset(names), *(frozenset([name]) for name in alone)])
    reductions = (asked for wanted in subsets if wanted for asked in _with(wanted))
    return (*ENGINES, *fingerprints, *z3, *proofs, *reductions)


# ------------------------------------------------------------------------------------- reductions


def _with(wanted: frozenset[str]) -> tuple[Asked, ...]:
    names = ", ".join(sorted(wanted))
    explore = partial(reduced.explore, wanted=wanted)
    return (
        Asked(f"native with {names}", same(explore, what_matters, misnamed)),
        Asked(f"a run with {names}", partial(_told, wanted)),
    )


def _told(wanted: frozenset[str], program: Program, expected: Verdict) -> str | None:
    """Whether the run that a search with reductions finds, told in full, is one: no shorter than
    the shortest; as short, with symmetry alone.  (`reduced` replays it on `semantics`.)"""
    if expected.trace is None:
        return None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reduced, "MORE", 0)
        patch.setattr(reduced, "SOME", 0)
        found = reduced.explore(program, NO_LIMITS, wanted=wanted)
    if found.trace is None or found.trace.failure is None:
        return f"{found.outcome}, without a trace"
    shortest, steps = len(expected.trace.steps), len(found.trace.steps)
    if found.trace.failure.kind == "deadlock":
        return None  # another may be shown than the nearest that is settled
    if steps < shortest or (wanted == {SYMMETRY} and steps > shortest):
        return f"{steps} steps, and the shortest has {shortest}"
    return None
