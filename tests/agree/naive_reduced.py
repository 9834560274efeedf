"""The search of a reduced Program once more, slow and plain: over `semantics`, without C.

What passes say may be left out is left out here as the native engine leaves it out, so that many
random Programs can be held against the reference engine in the time that a compiler takes.  Who is
stuck is not asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from itertools import combinations

from modelcheck.engines.native.emit import cells_of
from modelcheck.engines.native.exchange import Exchanger
from modelcheck.engines.native.reduced import Reduced
from modelcheck.engines.packed import Layout
from modelcheck.ir import (
    END, Binary, Cond, Const, Expr, Int, Local, Property, Quantified, Unary,
)
from modelcheck.passes.locks import read_by
from modelcheck.passes.ownership import Touches
from modelcheck.passes.whatever import CELLS, whatever
from modelcheck.semantics import Fault, Semantics, State


class Meddled(Exception):
    """Owned memory is not owned: the search must be done without."""


@dataclass
class Naive:
    """The search: whether something is broken, which `sometimes` are reached, and the states."""

    fewer: Reduced
    broken: bool = False
    reached: set[str] = field(default_factory=set)
    states: set[State] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.program = self.fewer.program
        self.semantics = Semantics(self.program)
        self.exchanger = Exchanger(self.fewer.exchanged, Layout(self.semantics))
        self.cells = cells_of(self.program, self.fewer.owned)
        self.whatever = cache(self._whatever)
        self._search()

    def _search(self) -> None:
        todo: list[State] = []
        for begin in self.semantics.initial():
            assert begin.state is not None
            self._meet(begin.state, todo)
        while todo and not self.broken:
            state = todo.pop(0)
            for process in self._moving(state):
                for step in self.semantics.steps(state, process)[0]:
                    if step.target is None:
                        self.broken = True
                    else:
                        self._meet(step.target, todo)

    def _meet(self, state: State, todo: list[State]) -> None:
        one = self.exchanger.one_for_all(state)[0]
        if one in self.states:
            return
        self.states.add(one)
        todo.append(one)
        for property in self.program.properties:
            held = self.semantics.holds(property, one)
            if isinstance(held, Fault) or (property.invariant and not held):
                self.broken = True
            elif held and not property.invariant:
                self.reached.add(property.sentence)
        if not self.broken and self.fewer.owned is not None:
            self._look_for_meddling(one)

    def _standing(self, state: State) -> list[str]:
        actions = (
            self.semantics.process_action(state, n) for n in range(len(self.semantics.processes))
        )
        return [END if action is None else action.at for action in actions]

    def _moving(self, state: State) -> list[int]:
        standing = self._standing(state)
        everyone = [n for n, at in enumerate(standing) if at != END]
        for n in everyone:
            unless = self.fewer.alone.unless.get((n, standing[n]))
            if unless is not None and not unless & {*enumerate(standing)}:
                return [n]
        return everyone

    def _look_for_meddling(self, state: State) -> None:
        touched = [
            self._touched(state, n, at) for n, at in enumerate(self._standing(state))
        ]
        for a, b in combinations(touched, 2):
            if a.writes & (b.reads | b.writes) or a.reads & b.writes:
                raise Meddled
        written = sum({
            1 << self.cells[name][0] + n for t in touched for name, n in t.writes
        })
        semantics, properties = self.whatever(written)
        if any(semantics.holds(p, state) is not True for p in properties):
            raise Meddled

    def _touched(self, state: State, number: int, at: str) -> Touches:
        process, _, here = self.semantics.processes[number]
        live = next((a.live for a in process.actions if a.at == at), ())
        locals = {
            v.name: state[here + 1 + n] for n, v in enumerate(process.locals) if v.name in live
        }
        assert self.fewer.owned is not None
        return self.fewer.owned.touches(process, at, locals)

    def _whatever(self, written: int) -> tuple[Semantics, tuple[Property, ...]]:
        properties = tuple(
            Property("always", f"whatever {n}", _with_cells(whatever(p, self.cells), written))
            for n, p in enumerate(self.program.properties)
            if written and p.invariant and read_by(p) & {*self.cells}
        )
        return Semantics(replace(self.program, properties=properties)), properties


def _with_cells(expr: Expr, cells: int) -> Expr:
    def within(e: Expr) -> Expr:
        return _with_cells(e, cells)

    match expr:
        case Local(name) if name == CELLS:
            return Const(cells, Int(0, cells))
        case Unary(operand=operand):
            return replace(expr, operand=within(operand))
        case Binary(left=left, right=right):
            return replace(expr, left=within(left), right=within(right))
        case Cond(test, then, other):
            return replace(expr, test=within(test), then=within(then), other=within(other))
        case Quantified(body=body):
            return replace(expr, body=within(body))
        case _:
            return expr
