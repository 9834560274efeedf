"""One step of one process from one location: can it break a claim, if all claims are true before?

Each location has a solver of its own, in which the process is known to stand there: most terms fold
away.  Claims are assumed one by one, as a model shows that they are wanted: `semantics` says which
are false in its state.  A model that is left satisfies every claim, on `semantics` too.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import z3

from modelcheck import trace as tr
from modelcheck.engines.symbolic.actions import Inputs, Outcome, Way, arrived, merged
from modelcheck.engines.symbolic.bounded import ask
from modelcheck.engines.symbolic.claims import Claims, Picture
from modelcheck.engines.symbolic.facts import Fact
from modelcheck.engines.symbolic.system import at_head, state_sorts, value_of
from modelcheck.engines.symbolic.terms import Bit, Num, Terms, both, either, no
from modelcheck.ir import Action, default_value
from modelcheck.records import dataclass
from modelcheck.semantics import State

class GaveUp(Exception):
    """z3 did not answer: "seconds", or "solver"."""

    def __init__(self, reason: tr.Reason) -> None:
        super().__init__(reason)
        self.reason: tr.Reason = reason


@dataclass(frozen=True)
class Clock:
    """Until when z3 may think; None: as long as it takes."""

    end: float | None

    def left(self) -> int | None:
        """The milliseconds that are left."""
        return None if self.end is None else int(1000 * (self.end - time.monotonic()))

    def spent(self) -> bool:
        """Whether nothing is left."""
        return self.end is not None and time.monotonic() >= self.end


@dataclass(frozen=True)
class Assumed:
    """A literal that makes all these claims true before the step."""

    literal: Any
    claims: frozenset[int]


@dataclass(frozen=True)
class Goals:
    """A literal for each claim that a step breaks it, and one that says that it breaks some."""

    one: Any
    each: dict[int, Any]


class States:
    """The state before a step, in terms, and what is true of every state: each code is one of a
    value, and nobody stands at a location where a step does not end."""

    def __init__(self, claims: Claims) -> None:
        semantics = claims.semantics
        self.terms = Terms()
        self.claims = claims
        self.sorts = state_sorts(semantics)
        self.present = Picture(self.terms, claims, {
            slot: self.terms.variable(f"s{slot}", sort) for slot, sort in enumerate(self.sorts)
        })
        self.heads = tuple((here, at_head(p)) for p, _, here in semantics.processes)
        self.is_one = self.terms.bit(both(
            *(self.terms.in_domain(self.present.memory[slot]) for slot in range(semantics.width)),
            *(
                no(self.present.stands(number, action.at))
                for number, (process, _, _) in enumerate(semantics.processes)
                for action in process.actions if action.transit
            ),
        ))
        self.alike: dict[object, list[int]] = {}
        for n in range(len(claims.every)):
            self.alike.setdefault(self.kind(n), []).append(n)

    def kind(self, number: int) -> object:
        """What claims have in common that are wanted together: one thing, of all locations."""
        claim = self.claims.every[number]
        if isinstance(claim, Fact):
            return claim.clause, tuple(name for name, _ in claim.stands)
        return number

    def read(self, model: Any) -> State:
        """The state of a model; what is dead in it holds its default."""
        semantics = self.claims.semantics
        state = [
            value_of(self.present.memory[slot], sort, model) for slot, sort in enumerate(self.sorts)
        ]
        for number, (process, _, here) in enumerate(semantics.processes):
            action = semantics.process_action(tuple(state), number)
            live = () if action is None else action.live
            for n, v in enumerate(process.locals, here + 1):
                if v.name not in live:
                    state[n] = default_value(v.sort)
        return tuple(state)


class Site:
    """What one process can do from one location.

    ways    where a step ends, by the number of that location
    faults, beyond, moves   literals: the step faults, does more than is followed, ends well
    needed  the claims that the last "no" needed
    """

    def __init__(self, states: States, number: int, action: Action, clock: Clock) -> None:
        self.states, self.claims, self.terms = states, states.claims, states.terms
        self.number, self.action, self.clock = number, action, clock
        process, _, here = self.claims.semantics.processes[number]
        at = self.claims.locations[number][action.at]
        memory = arrived(self.terms, process, here, at, states.present.memory)
        self.before = Picture(self.terms, self.claims, memory, states.present)
        inputs = Inputs(self.terms)
        outcome = Outcome(self.claims.semantics, number, action, memory, inputs, states.heads)
        self.solver = z3.SolverFor("QF_FD", ctx=self.terms.context)
        self.solver.add(states.is_one, self.terms.bit(both(
            *(self.terms.in_domain(n) for n in inputs.known.values()),
            *(self.terms.equal(states.present.memory[s], memory[s]) for s in self.before.changed),
        )))
        self._named = 0
        self.assumed: dict[object, Assumed] = {}
        self.needed: frozenset[int] = frozenset()
        self.faults = self.literal(outcome.wrong.fault)
        self.beyond = self.literal(outcome.wrong.beyond)
        self.moves = self.literal(either(*(way.test for way in outcome.ends)))
        by_end: dict[int, list[Way]] = {}
        for way in outcome.ends:
            to = way.memory[here]
            assert isinstance(to, Num)
            by_end.setdefault(to.lo, []).append(way)
        self.ways = {to: merged(self.terms, ways) for to, ways in by_end.items()}
        self._goals: dict[int, Goals] = {}

    def literal(self, bit: Bit) -> Any:
        """A literal that, if it is true, makes this true."""
        literal = z3.Bool(f"literal{self._named}", self.terms.context)
        self._named += 1
        self.solver.add(either(no(literal), bit))
        return literal

    # --------------------------------------------------------------------------------- the question

    def broken(self, to: int, alive: set[int]) -> State | None:
        """A state, of which all these claims are true, from which a step to the location `to`
        breaks one of them."""
        if to not in self._goals:
            self._goals[to] = self._breaking(to)
        goals = self._goals[to]
        for n in [n for n in goals.each if n not in alive]:
            self.solver.add(no(goals.each.pop(n)))
        return self.state_with(goals.one, alive) if goals.each else None

    def _breaking(self, to: int) -> Goals:
        """The claims that a step to `to` may break."""
        after = self._after(to)
        each: dict[int, Any] = {}
        for n in sorted({n for n, _ in self.claims.touched(after.changed, self.number, to)}):
            bit = self._breaks(after, to, n)
            if bit is not False:
                each[n] = self.literal(bit)
        return Goals(self.literal(either(*each.values())), each)

    def _after(self, to: int) -> Picture:
        return Picture(self.terms, self.claims, self.ways[to].memory, self.before)

    def _breaks(self, after: Picture, to: int, claim: int) -> Bit:
        wrong = (no(after.true(claim, who)) for who in self.claims.instances[claim])
        return both(self.ways[to].test, either(*wrong))

    def breaks(self, claim: int) -> Any:
        """A literal: a step from here breaks this claim."""
        return self.literal(either(*(self._breaks(self._after(to), to, claim) for to in self.ways)))

    def is_as(self, state: State, slots: Iterable[int]) -> Bit:
        """That these numbers of the state before the step are as in this one."""
        present, sorts = self.states.present.memory, self.states.sorts
        return both(*(
            self.terms.equal(present[n], self.terms.constant(state[n], sorts[n])) for n in slots
        ))

    def state_with(self, goal: Any, alive: set[int]) -> State | None:
        """A state, of which all these claims are true, in which the literal `goal` can be true."""
        self._forget_but(alive)
        while True:
            literals = [a.literal for a in self.assumed.values()]
            answer = ask(self.solver, [goal, *literals], self.clock.left())
            if answer == "unknown":
                raise GaveUp("solver" if self.clock.end is None else "seconds")
            if answer == "no":
                core = {literal.get_id() for literal in self.solver.unsat_core()}
                self.needed = frozenset(
                    n for a in self.assumed.values() if a.literal.get_id() in core for n in a.claims
                )
                return None
            state = self.states.read(self.solver.model())
            false = [n for n in self.claims.false_in(state) if n in alive]
            if not false:
                return state
            new = {self.states.kind(n) for n in false} - self.assumed.keys()
            if not new:
                raise tr.Disagreement(f"z3 takes for true what is false of {state}")
            for kind in new:
                self._assume(kind, alive)

    def _assume(self, kind: object, alive: set[int]) -> None:
        """Assume all claims of one kind that are alive."""
        claims = frozenset(n for n in self.states.alike[kind] if n in alive)
        true = (self.before.true(n, who) for n in claims for who in self.claims.instances[n])
        self.assumed[kind] = Assumed(self.literal(both(*true)), claims)

    def _forget_but(self, alive: set[int]) -> None:
        """What is no longer alive may not be assumed."""
        for kind, assumed in list(self.assumed.items()):
            if not assumed.claims <= alive:
                self.solver.add(no(assumed.literal))
                if assumed.claims & alive:
                    self._assume(kind, alive)
                else:
                    del self.assumed[kind]
