"""Who may go on alone: what he does next has to do with nothing that others may still do.

Preserves whether each property holds, which assert can fail, and which process is stuck for ever;
not the length of runs, nor the number of states.

In a state one process may be the only one to take a step (an ample set) if its step waits for
nothing, is cut short by nothing, no property sees it, and of what it accesses nothing is accessed,
from where they stand now, by any step that others may still come to, one of the two writing.  Then
each run from there is, but for the order of such steps, one that begins with this step: others can
do what they could, before it and after it.  That is decided by locations alone: for each one, at
which locations of others a process must not stand.

Of each circle in a process one location is not such a one.  (A run that comes back to a state has
taken each process that moved round a circle; so that in some state on the way all may move, and
nobody is passed over for ever.)  So who can ever change memory, or leave a loop or a wait, still
can, by a run of those that remain; and who is stuck is so in a state that remains, since a run to
any other goes on to one, and who is stuck remains it.

Where owned memory is accessed at once, whether two access it together must be seen: what a process
has accessed since its last step counts as accessed by its next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modelcheck.flow import exprs_of, gotos, reachable, uses_at_rest
from modelcheck.ir import (
    END, Action, Assume, Cell, Chain, Choose, Const, Element, Expr, Load, Me, Place, Program,
    Quantified, Rmw, Self, SetGhost, Store, statements, walk,
)
from modelcheck.passes.circles import without_circles
from modelcheck.passes.locks import read_by
from modelcheck.passes.ownership import Owned
from modelcheck.records import dataclass

Cells = tuple[str, tuple[int | None, ...]]
"""A variable, and the index of a cell; None: any."""

Standing = tuple[int, str]
"""The number of a process, and a location."""


@dataclass(frozen=True)
class Accesses:
    """The cells that are read and those that are written."""

    reads: frozenset[Cells] = frozenset()
    writes: frozenset[Cells] = frozenset()

    def __or__(self, other: Accesses) -> Accesses:
        return Accesses(self.reads | other.reads, self.writes | other.writes)

    def concern(self, other: Accesses) -> bool:
        """Whether one of the two writes what the other one accesses."""
        return _meet(self.writes, other.reads | other.writes) or _meet(self.reads, other.writes)


@dataclass(frozen=True)
class Ample:
    """For each process and location where it may go on alone: where the others must not stand."""

    unless: dict[Standing, frozenset[Standing]]

    @property
    def some(self) -> bool:
        """Whether anyone ever may."""
        return bool(self.unless)


ALL_MOVE = Ample({})


def ample(program: Program, owned: Owned | None = None) -> Ample:
    """Who may go on alone, and where."""
    looked = [_Looked(program, owned, n) for n in range(len(program.instances()))]
    unless: dict[Standing, frozenset[Standing]] = {}
    for mine in looked:
        others = [other for other in looked if other is not mine]
        for at in mine.alone() if others else ():
            concerned = [
                {m for m in other.future if mine.steps[at].concern(other.future[m])}
                for other in others
            ]
            if all(len(c) < len(o.future) for c, o in zip(concerned, others, strict=True)):
                unless[mine.number, at] = frozenset(
                    (other.number, m)
                    for c, other in zip(concerned, others, strict=True) for m in c
                )
    return Ample(unless)


class _Looked:
    """What is known of one process.

    steps   for each location where it may stand, what its step there accesses, and has accessed
    future  and what the steps access that it may still come to; at END none"""

    def __init__(self, program: Program, owned: Owned | None, number: int) -> None:
        self.program = program
        self.number = number
        self.process, self.me = program.instances()[number]
        self.actions = {a.at: a for a in self.process.actions}
        entered = reachable(self.process)
        self.standing = [
            a for a in self.process.actions if not a.transit and a.at in entered
        ]
        self.ends = {a.at: self._ends(a) for a in self.standing}
        own = {a.at: self._step(a) for a in self.standing}
        behind = {a.at: self._behind(a.at, owned) for a in self.standing}
        self.steps = {at: own[at] | behind[at] for at in own}
        self.future = self._futures(own)

    def alone(self) -> list[str]:
        """The locations where it may go on alone, as far as that is its own affair."""
        seen = {name for p in self.program.properties for name in read_by(p)}
        rests = uses_at_rest(self.program)
        found = {
            a.at for a in self.standing
            if not any(self._may_not(b) for b in [a, *self._through(a)])
            and not {variable for variable, _ in self.steps[a.at].writes} & seen
            and not (rests and self._moves_rest(a))
        }
        return without_circles(found, self.ends)

    def _may_not(self, action: Action) -> bool:
        return action.wait is not None or any(
            isinstance(s, Assume) for s in statements(action.body)
        )

    def _moves_rest(self, action: Action) -> bool:
        ends = self.ends[action.at]
        return any(self._at_rest(at) != action.head for at in ends)

    def _at_rest(self, at: str) -> bool:
        return at == END or self.actions[at].head

    # ----------------------------------------------------------------------------------- its steps

    def _through(self, action: Action) -> list[Action]:
        """The further actions that its step may take."""
        found: dict[str, Action] = {}
        todo = [action]
        while todo:
            for goto in gotos(todo.pop().body):
                target = self.actions.get(goto.location)
                if target is not None and target.transit and target.at not in found:
                    found[target.at] = target
                    todo.append(target)
        return list(found.values())

    def _ends(self, action: Action) -> frozenset[str]:
        """Where its step may end."""
        targets = {g.location for a in [action, *self._through(action)] for g in gotos(a.body)}
        return frozenset(
            at for at in targets if at == END or not self.actions[at].transit
        )

    def _step(self, action: Action) -> Accesses:
        found = Accesses()
        for one in [action, *self._through(action)]:
            found |= self._accesses(one)
        return found

    def _accesses(self, action: Action) -> Accesses:
        reads: set[Cells] = set()
        writes: set[Cells] = set()
        if isinstance(action.access, Load | Rmw):
            reads.add(self._cells(action.access.place))
        if isinstance(action.access, Store | Rmw):
            writes.add(self._cells(action.access.place))
        for statement in statements(action.body):
            if isinstance(statement, SetGhost):
                writes.add(self._cells(statement.place))
            if isinstance(statement, Choose) and isinstance(statement.options, Chain):
                reads.add(self._any(statement.options.variable))
        for expr in exprs_of(action):
            reads.update(self._read(expr))
        return Accesses(frozenset(reads), frozenset(writes))

    def _read(self, expr: Expr) -> Iterator[Cells]:
        for e in walk(expr):
            match e:
                case Cell(place):
                    yield self._cells(place)
                case Quantified(domain=Chain(variable=variable)):
                    yield self._any(variable)
                case _:
                    pass

    def _behind(self, at: str, owned: Owned | None) -> Accesses:
        """What it has accessed of owned memory, where it stands."""
        if owned is None:
            return Accesses()
        touched = owned.touched.get((self.process.name, at), frozenset())
        return Accesses(
            frozenset(self._any(t.variable) for t in touched if not t.writes),
            frozenset(self._any(t.variable) for t in touched if t.writes),
        )

    def _any(self, variable: str) -> Cells:
        return variable, (None,) * len(self.program.variable(variable).index)

    def _cells(self, place: Place) -> Cells:
        return place.variable, tuple(self._index(e) for e in place.index)

    def _index(self, expr: Expr) -> int | None:
        match expr:
            case Const(value):
                return value if type(value) is int else None
            case Me():
                return self.me
            case Self():
                return self.number
            case Element(_, Me(), offset):
                return self.me + offset
            case _:
                return None

    def _futures(self, own: dict[str, Accesses]) -> dict[str, Accesses]:
        future = {**own, END: Accesses()}
        changed = True
        while changed:
            changed = False
            for at, ends in self.ends.items():
                now = future[at]
                for end in ends:
                    now |= future[end]
                changed |= now != future[at]
                future[at] = now
        if not any(END in ends for ends in self.ends.values()):
            del future[END]
        return future


def _meet(some: Iterable[Cells], others: Iterable[Cells]) -> bool:
    return any(
        a == b and all(m is None or n is None or m == n for m, n in zip(i, j, strict=True))
        for a, i in some for b, j in others
    )
