"""Which facts are worth a proof: those of the templates that are true in a sample of states."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product

from modelcheck.engines.symbolic.facts import (
    OTHER, Fact, Term, Vocabulary, atom_of, comparable, conj, lists, not_, same, single_cells,
)
from modelcheck.ir import (
    Action, Binary, Bool, Cell, Chain, Cond, Const, Expr, Instances, Local, Place, Process, Program,
    Property, Quantified, Ref, Value,
)
from modelcheck.semantics import Fault, Semantics, State

Reader = Callable[[State], Value | Fault]


def guessed(program: Program, semantics: Semantics, states: Iterable[State]) -> list[Fact]:
    """The facts that are true in all of these states."""
    sample = list(states)
    found = [fact for fact in of_memory(program) if _never_false(semantics, fact, sample)]
    places = [
        Standing(program, semantics, process, action)
        for process in program.processes for action in process.actions if not action.transit
    ]
    at = {(p.process.name, p.action.at): p for p in places}
    for state in sample:
        for number, (process, _, _) in enumerate(semantics.processes):
            place = at.get((process.name, semantics.location(state, number)))
            if place is not None:
                place.look(number, state)
    for place in places:
        found += place.facts()
    return found + _apart(semantics, places, sample)


def _never_false(semantics: Semantics, fact: Fact, states: list[State]) -> bool:
    readers = [atom_of(semantics, e, ()) for e in fact.clause]
    return all(any(read(state) is True for read in readers) for state in states)


# ------------------------------------------------------------------------------ wherever they stand


def of_memory(program: Program) -> Iterator[Fact]:
    """Facts about memory alone."""
    holders = [
        t for t in single_cells(program) if isinstance(t.sort, Ref) and t.sort.cls == "process"
    ]
    free = [Binary("==", t.expr, Const(None, t.sort)) for t in holders]
    for cell in single_cells(program):
        if isinstance(cell.sort, Bool):
            for nobody in free:
                yield Fact((), (Binary("!=", cell.expr, nobody),))
                yield Fact((), (Binary("==", cell.expr, nobody),))
    promised = [p for p in program.properties if p.kind == "always"]  # a lemma is its author's
    for whole in (*ends(program), *(c for p in promised for c in parts(p))):
        yield Fact((), (whole,))
        yield from (Fact((), (not_(nobody), whole)) for nobody in free)


def ends(program: Program) -> Iterator[Expr]:
    """That a list ends, and does not come back to one of its own elements."""
    for head, link in lists(program):
        last = Binary("==", Cell(Place(link.name, (Local("each"),))), Const(None, link.sort))
        empty = Binary("==", head.expr, Const(None, head.sort))
        yield Binary("or", empty, Quantified("any", "each", Chain(head.expr, link.name), last))


def parts(property: Property) -> list[Expr]:
    """What an `always` or a `lemma` that has a `when` says, one by one."""
    if not property.invariant or property.when is None:
        return []
    return conjuncts(property.condition)


def conjuncts(expr: Expr) -> list[Expr]:
    """Conditions that together say the same, or more: each must make sense by itself, and what is
    said under a condition is tried without it too."""
    match expr:
        case Binary("and", a, b):
            return [*conjuncts(a), *conjuncts(b)]
        case Binary("or", a, b):
            return [Binary("or", a, part) for part in conjuncts(b)]
        case Cond(test, a, b):
            true = Const(True, Bool())
            return [
                *(Cond(test, part, true) for part in conjuncts(a)),
                *(Cond(test, true, part) for part in conjuncts(b)),
                *conjuncts(a), *conjuncts(b),
            ]
        case Quantified("all", name, domain, body):
            return [Quantified("all", name, domain, part) for part in conjuncts(body)]
        case Const(True):
            return []
        case _:
            return [expr]


def but_for(expr: Expr, hand: Term) -> Expr:
    """A condition on all elements of a class, but for the one that a process has in hand."""
    match expr:
        case Quantified("all", name, Instances() | Chain(), body):
            return replace(expr, body=Binary("or", Binary("==", Local(name), hand.expr), body))
        case Binary("or", a, b):
            return replace(expr, right=but_for(b, hand))
        case Cond(_, a, b):
            return replace(expr, then=but_for(a, hand), other=but_for(b, hand))
        case _:
            return expr


# ------------------------------------------------------------------------------------ at a location


class Standing:
    """What is true of a process of one template wherever it stands at one location."""

    def __init__(
        self, program: Program, semantics: Semantics, process: Process, action: Action
    ) -> None:
        self.process, self.action = process, action
        self.stands = ((process.name, action.at),)
        self.words = Vocabulary(program, process, action)
        values = list(self.words.values())
        self.atoms = [*values, *self.words.equalities(), *self.words.chains()]
        self.values = (1 << len(values)) - 1
        wholes = [*ends(program), *(c for p in program.properties for c in parts(p))]
        weak = [but_for(whole, hand) for whole in wholes for hand in self.words.held]
        self.wholes = list(dict.fromkeys([*wholes, *weak]))
        self.met: set[int] = set()
        self.readers: dict[int, list[Reader]] = {}
        self.whole_readers: dict[Expr, dict[int, Reader]] = {}
        self.semantics = semantics

    def look(self, number: int, state: State) -> None:
        """Note what is true in a state in which this process stands here."""
        reading = partial(atom_of, self.semantics, who=(number,))
        if number not in self.readers:
            self.readers[number] = [reading(expr) for expr in self.atoms]
            for expr in self.wholes:
                self.whole_readers.setdefault(expr, {})[number] = reading(expr)
        self.met.add(sum(
            1 << n for n, read in enumerate(self.readers[number]) if read(state) is True
        ))
        self.wholes = [e for e in self.wholes if self.whole_readers[e][number](state) is True]

    def facts(self) -> Iterator[Fact]:
        """What was true whenever a process stood here.  Where none did: that none does, and
        whatever can be said, for it may be that one does."""
        if not self.met:
            yield Fact(self.stands, ())
        yield from (Fact(self.stands, (whole,)) for whole in self.wholes)
        every = (1 << len(self.atoms)) - 1
        ones = zeros = every
        for mask in self.met:
            ones, zeros = ones & mask, zeros & ~mask
        known = [atom for n, atom in enumerate(self.atoms) if ones >> n & 1]
        yield from (Fact(self.stands, (atom,)) for atom in known)
        said = {term_of(atom) for atom in known} - {None}
        for n, atom in enumerate(self.atoms):
            if zeros >> n & 1 and term_of(atom) not in said:
                yield Fact(self.stands, (not_(atom),))
        yield from self._either(self.values & ~ones & ~zeros)

    def _either(self, mixed: int) -> Iterator[Fact]:
        """Of two atoms that are true here at times, what is always true of the two."""
        some = [n for n in range(len(self.atoms)) if mixed >> n & 1]
        for n in some:
            both = neither = with_n = without_n = mixed
            for mask in self.met:
                if mask >> n & 1:
                    with_n, both = with_n & mask, both & ~mask
                else:
                    without_n, neither = without_n & mask, neither & ~mask
            for m in some:
                a, b = self.atoms[n], self.atoms[m]
                if m != n and with_n >> m & 1:
                    yield Fact(self.stands, (not_(a), b))
                if m > n and both >> m & 1 and term_of(a) != term_of(b):
                    yield Fact(self.stands, (not_(a), not_(b)))
                if m > n and without_n >> m & 1:
                    yield Fact(self.stands, (a, b))


def term_of(atom: Expr) -> Expr | None:
    """Of which term an atom says that it has this value or that; None: it says something else."""
    match atom:
        case Binary("==", term, Const()):
            return term
        case Binary("and", _, equal):
            return term_of(equal)
        case _:
            return None


# -------------------------------------------------------------------------------------- two of them


def _apart(
    semantics: Semantics, places: list[Standing], states: list[State]
) -> list[Fact]:
    """That two processes have different things in hand."""
    together: set[tuple[object, ...]] = set()
    for state in states:
        held = [
            (number, place, hand, value)
            for number, (process, _, here) in enumerate(semantics.processes)
            for place, hand, value in _held(semantics, number, state)
        ]
        for n, p, h, v in held:
            together |= {(p, h, q, g) for m, q, g, w in held if m != n and v == w}
    found: list[Fact] = []
    for n, a in enumerate(places):
        for b in places[n:]:
            if a.process is b.process and a.process.count == 1:
                continue
            for x, y in product(a.words.in_hand, b.words.in_hand):
                key = (a.stands[0], x.name, b.stands[0], y.name)
                if comparable(x.sort, y.sort) and key not in together:
                    one, other = Term(Local(x.name), x.sort), Term(Local(OTHER + y.name), y.sort)
                    both = (*a.stands, *b.stands)
                    found.append(Fact(both, (not_(_same_and_there(one, other)),)))
    return found


def _held(
    semantics: Semantics, number: int, state: State
) -> Iterator[tuple[tuple[str, str], str, tuple[str, Value]]]:
    """What a process has in hand: where it stands, the local, and the element's class and number.
    """
    process, _, here = semantics.processes[number]
    action = semantics.process_action(state, number)
    if action is not None:
        for n, v in enumerate(process.locals, here + 1):
            if v.name in action.live and isinstance(v.sort, Ref) and state[n] is not None:
                yield (process.name, action.at), v.name, (v.sort.cls, state[n])


def _same_and_there(a: Term, b: Term) -> Expr:
    some = [
        not_(Binary("==", t.expr, Const(None, t.sort)))
        for t in (a, b) if isinstance(t.sort, Ref) and t.sort.nullable
    ]
    return conj(*some, same(a, b)) or same(a, b)
