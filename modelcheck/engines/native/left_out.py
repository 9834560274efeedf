"""Which reductions left anything out of a search: a verdict names these, and no others.

A reduction that had something to do in the Program need not have left out a state or a step of it:
what it would have done at once is never come to, or the state that stands for others stands for
itself alone.  What is not known to have left something out, and may have, is named with `perhaps`.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable

from modelcheck.engines.native.exchange import Exchange, Exchanger
from modelcheck.engines.native.running import Said
from modelcheck.ir import Assume, Program, statements
from modelcheck.passes import REDUCTIONS
from modelcheck.passes.copies import AT_ONCE, BEFORE, BEHIND, copied, original
from modelcheck.semantics import Semantics, State

LOCKS, OWNERSHIP, AMPLE, SYMMETRY, TICKETS = REDUCTIONS
PERHAPS = "perhaps "
LOOKED_AT = 400  # states: the first ones, and again so many of each random run
RUNS = 2
MOST_WORK = 400_000  # exchanges of a part of a state, in all


def left_something_out(
    names: tuple[str, ...], said: Said, taken: Iterable[tuple[str, str]],
    exchanger: Exchanger, semantics: Semantics,
) -> tuple[str, ...]:
    """Those of the reductions, in their order, that left something out, or perhaps did.

    taken      (process template, location) of every action that the search took
    semantics  of the Program that was searched"""
    taken = set(taken)
    copies = {suffix for _, at in taken for suffix in copied(at)}
    passed = {  # by copies of a location where no state stands: the states there are left out
        suffix for name, at in taken if (name, original(at)) not in taken for suffix in copied(at)
    }
    made = [
        x for x, was in zip(exchanger.every, said.exchanged, strict=False) if was == "1"
    ] if exchanger.exchanges else []
    # whom an `assume` cuts short could take no step
    surely = bool(said.figures["ahead"]) and not _assumes(semantics.program)
    sure: dict[str, bool] = {  # those that are missing left nothing out
        **({LOCKS: bool(passed & {BEFORE, BEHIND})} if copies & {BEFORE, BEHIND} else {}),
        **({OWNERSHIP: AT_ONCE in passed} if AT_ONCE in copies else {}),
        **({AMPLE: surely} if said.figures["alone"] else {}),
        **({SYMMETRY: False} if any(x.swaps for x in made) else {}),
        **({TICKETS: False} if any(x.turns_counters for x in made) else {}),
    }
    if {SYMMETRY, TICKETS} & set(sure) & set(names):
        sure.update(dict.fromkeys(_told_as_one(exchanger, semantics), True))
    return tuple(n if sure[n] else PERHAPS + n for n in names if n in sure)


def _assumes(program: Program) -> bool:
    return any(
        isinstance(s, Assume) for p in program.processes for a in p.actions
        for s in statements(a.body)
    )


def _told_as_one(exchanger: Exchanger, semantics: Semantics) -> set[str]:
    """By what two states are told as one, of which both can be reached; nothing if none are met."""
    first: dict[tuple[int, ...], tuple[State, Exchange]] = {}
    work = len(exchanger.every) * max(1, len(exchanger.parts.parts))
    found: set[str] = set()
    for n, state in enumerate(_some_states(semantics)):
        if n * work > MOST_WORK or found == {SYMMETRY, TICKETS}:
            break
        one, x = exchanger.least(state)
        other, y = first.setdefault(one, (state, x))
        if other != state:
            found |= {SYMMETRY} if x.of != y.of else set()
            found |= {TICKETS} if x.turns != y.turns else set()
    return found


def _some_states(semantics: Semantics) -> Iterable[State]:
    """Some of the states that can be reached: the first ones, and those of random runs."""
    begins = [begin.state for begin in semantics.initial() if begin.state is not None]
    known, queue = set(begins), deque(begins)
    for _ in range(LOOKED_AT):
        if not queue:
            break
        state = queue.popleft()
        yield state
        after = [s.target for s in semantics.successors(state) if s.target is not None]
        queue += [t for t in dict.fromkeys(after) if t not in known]
        known.update(after)
    for seed in range(RUNS):
        chance, here = random.Random(seed), begins[0]
        for _ in range(LOOKED_AT):
            steps = [s.target for s in semantics.successors(here) if s.target is not None]
            if not steps:
                break
            here = chance.choice(steps)
            yield here
