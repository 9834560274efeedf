"""Candidates for a proof by induction: as terms, and as functions of a state.

A claim is a property, that a `sometimes` can be evaluated, or a `Fact` of where processes stand.
`Picture` says in terms what claims are worth on one memory, `Claims` which are false in a state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, TypeAlias

from modelcheck.engines.symbolic.expressions import Scope, Slot, Wrong, expression
from modelcheck.engines.symbolic.facts import Fact, atom_of, slots_of, standing
from modelcheck.engines.symbolic.system import at_head, property_in
from modelcheck.engines.symbolic.terms import Bit, Sym, Terms, both, either, no, num
from modelcheck.ir import AtRest, Cell, Chain, Expr, Local, Property, Quantified, walk
from modelcheck.semantics import Semantics, State
from modelcheck.semantics.states import numbers

Claim: TypeAlias = Property | Fact
Who: TypeAlias = tuple[int, ...]


class Claims:
    """The claims about the states of a Program.

    every      all of them; each is named by its number here
    instances  each with the processes that it is about: once for each choice of them
    """

    def __init__(
        self, semantics: Semantics, properties: Iterable[Property], facts: Iterable[Fact]
    ) -> None:
        self.semantics = semantics
        self.every: list[Claim] = [*properties, *facts]
        self.instances: list[list[Who]] = [
            [()] if isinstance(c, Property) else list(standing(semantics, c.stands))
            for c in self.every
        ]
        self.locations = [
            {at: n for n, at in enumerate(numbers(p))} for p, _, _ in semantics.processes
        ]
        self.reader = cache(self._reader)
        self.slots = cache(self._slots)
        self._by_slot: dict[int, list[tuple[int, Who]]] = {}
        self._standing: dict[tuple[tuple[int, int], ...], list[tuple[int, Who]]] = {}
        for n, claim in enumerate(self.every):
            for who in self.instances[n]:
                for slot in self.depends(n, who):
                    self._by_slot.setdefault(slot, []).append((n, who))
                key = () if isinstance(claim, Property) else self._places(claim, who)
                self._standing.setdefault(key, []).append((n, who))

    def _places(self, fact: Fact, who: Who) -> tuple[tuple[int, int], ...]:
        """Each process with the number of the location where the fact has it stand."""
        return tuple(
            (n, self.locations[n][at]) for n, (_, at) in zip(who, fact.stands, strict=True)
        )

    # ------------------------------------------------------------------------------- what they read

    def depends(self, number: int, who: Who) -> frozenset[int]:
        """The numbers of a state that a claim about these processes reads."""
        claim = self.every[number]
        if isinstance(claim, Property):
            when = () if claim.when is None else (claim.when,)
            return frozenset[int]().union(*(self.slots(e, ()) for e in (claim.condition, *when)))
        heres = (self.semantics.processes[n][2] for n in who)
        return frozenset(heres).union(*(self.slots(e, who) for e in claim.clause))

    def _slots(self, expr: Expr, who: Who) -> frozenset[int]:
        mine = slots_of(self.semantics, who)
        found: set[int] = set()
        for e in walk(expr):
            match e:
                case Local(name) if name in mine:
                    found.add(mine[name])
                case Cell(place):
                    found |= self._cells(place.variable)
                case Quantified(_, _, Chain(_, variable)):
                    found |= self._cells(variable)
                case AtRest():
                    found |= {here for _, _, here in self.semantics.processes}
                case _:
                    pass
        return frozenset(found)

    def _cells(self, variable: str) -> set[int]:
        first, v = self.semantics.cells[variable]
        return set(range(first, first + v.cells))

    def touched(self, changed: Iterable[int], number: int, to: int) -> set[tuple[int, Who]]:
        """The claims, with processes, that may be false after a step of process `number` to the
        location `to` that changes these."""
        here = self.semantics.processes[number][2]
        found: set[tuple[int, Who]] = set()
        for slot in changed:
            found.update(self._by_slot.get(slot, ()))
        return {
            (n, who) for n, who in found if number not in who or
            here not in changed or (number, to) in self._places_of(n, who)
        }

    def _places_of(self, number: int, who: Who) -> tuple[tuple[int, int], ...]:
        claim = self.every[number]
        return () if isinstance(claim, Property) else self._places(claim, who)

    # ----------------------------------------------------------------------------------- concretely

    def _reader(self, expr: Expr, who: Who) -> Callable[[State], Any]:
        return atom_of(self.semantics, expr, who)

    def false_in(self, state: State) -> Iterator[int]:
        """The claims that are false in a state, or cannot be evaluated there."""
        at = [
            (n, number) for n, (_, _, here) in enumerate(self.semantics.processes)
            if isinstance(number := state[here], int)
        ]
        keys = [(), *((a,) for a in at), *((a, b) for a in at for b in at if a != b)]
        for key in keys:
            for n, who in self._standing.get(key, ()):
                if not self._true_of(self.every[n], who, state):
                    yield n

    def false_at(self, begins: Iterable[State]) -> set[int]:
        """The claims that are false in one of the states where runs begin."""
        return {n for state in begins for n in self.false_in(state)}

    def _true_of(self, claim: Claim, who: Who, state: State) -> bool:
        if isinstance(claim, Fact):
            return any(self.reader(e, who)(state) is True for e in claim.clause)
        held = self.semantics.holds(claim, state)
        return isinstance(held, bool) if claim.kind == "sometimes" else held is True


class Picture:
    """What is claimed of one memory, as terms.

    before   the memory before a step, if this is the one after it; `changed` by the step"""

    def __init__(
        self, terms: Terms, claims: Claims, memory: dict[Slot, Sym], before: Picture | None = None
    ) -> None:
        self.terms = terms
        self.claims = claims
        self.memory = memory
        self.before = before
        self.changed = frozenset(
            slot for slot in range(claims.semantics.width)
            if before is not None and memory[slot] is not before.memory[slot]
        )
        self.heads = tuple((here, at_head(p)) for p, _, here in claims.semantics.processes)
        self.atom = cache(self._atom)

    def stands(self, process: int, at: str) -> Bit:
        """That a process stands there."""
        here = self.claims.semantics.processes[process][2]
        return self.terms.equal(self.memory[here], num(self.claims.locations[process][at]))

    def _atom(self, expr: Expr, who: Who) -> Bit:
        if self.before is not None and not self.changed & self.claims.slots(expr, who):
            return self.before.atom(expr, who)
        semantics, wrong = self.claims.semantics, Wrong()
        number = who[0] if who else 0
        scope = Scope(
            self.terms, semantics, self.memory, slots_of(semantics, who),
            semantics.processes[number][1], number, self.heads, True, wrong,
        )
        return both(expression(expr, scope), no(wrong.fault), no(wrong.beyond))

    def true(self, number: int, who: Who) -> Bit:
        """That a claim about these processes is true, and can be evaluated."""
        claim = self.claims.every[number]
        if isinstance(claim, Property):
            asked = property_in(claim, self.terms, self.claims.semantics, self.memory, self.heads)
            evaluable = no(asked.faults)
            return evaluable if claim.kind == "sometimes" else both(asked.holds, evaluable)
        elsewhere = (
            no(self.stands(n, at)) for n, (_, at) in zip(who, claim.stands, strict=True)
        )
        return either(*elsewhere, *(self.atom(e, who) for e in claim.clause))
