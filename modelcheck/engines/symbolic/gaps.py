"""Why a property is not inductive: a state like the first, and a step, for its author to read."""

from __future__ import annotations

from typing import Any

from modelcheck import trace as tr
from modelcheck.engines.symbolic.consecution import Site
from modelcheck.engines.symbolic.terms import both
from modelcheck.ir import Property
from modelcheck.semantics import Semantics, State


def gap(
    semantics: Semantics, sites: list[Site], alive: set[int], start: State,
    broken: tuple[int, Property] | None,
) -> tr.Gap:
    """A state that satisfies these claims, and a step from it that breaks a property; None: that
    faults.  Of the first place of these where there is one.

    start  what the state shall be like, as far as it can"""
    believed = alive if broken is None else alive | {broken[0]}
    for site in sites:
        goal = site.faults if broken is None else site.breaks(broken[0])
        state = site.state_with(goal, believed)
        if state is not None:
            state = _nearest(site, goal, believed, start, state)
            return _shown(semantics, site, state, start, broken)
    raise tr.Disagreement("a property is not inductive, and no step breaks it")


def _nearest(site: Site, goal: Any, believed: set[int], start: State, state: State) -> State:
    """A state like this one in which as much as can be is as it is at the start: where the others
    stand first, then memory, then locals."""
    semantics = site.claims.semantics
    cells = len(semantics.owners)
    heres = [here for _, _, here in semantics.processes]
    rest = [n for n in range(cells, semantics.width) if n not in heres]
    same: list[int] = []
    for slot in (*heres, *range(cells), *rest):
        if state[slot] != start[slot]:
            wanted = site.literal(both(goal, site.is_as(start, (*same, slot))))
            nearer = site.state_with(wanted, believed)
            if nearer is None:
                continue
            state = nearer
        same.append(slot)
    return state


def _shown(
    semantics: Semantics, site: Site, state: State, start: State,
    broken: tuple[int, Property] | None,
) -> tr.Gap:
    """The step from this state that breaks the property, or faults, as `semantics` has it."""
    for step in semantics.steps(state, site.number)[0]:
        if broken is None:
            sentence = None if step.fault is None else step.fault.sentence
        elif step.target is None or semantics.holds(broken[1], step.target) is True:
            sentence = None
        else:
            sentence = broken[1].sentence
        detail = semantics.detail(state, site.number, step.choices)
        if sentence is not None and detail is not None:
            return tr.Gap(
                sentence,
                tuple(
                    (semantics.cell_name(n), semantics.show_cell(state, n))
                    for n in range(len(semantics.owners)) if state[n] != start[n]
                ),
                tuple(_stands(semantics, state, n) for n in range(len(semantics.names))),
                tr.step_shown(semantics, state, detail),
            )
    raise tr.Disagreement(f"z3 breaks a property by a step from {state}, semantics does not")


def _stands(semantics: Semantics, state: State, number: int) -> tr.Stands:
    action = semantics.process_action(state, number)
    shown = semantics.locals(state, number)
    return tr.Stands(
        semantics.names[number], None if action is None else tr.line_of(action.span),
        tuple((name, shown[name]) for name in (() if action is None else action.live)),
    )
