"""Locks that are taken in both orders: two processes that do so at once wait for each other.

What is said is surely so: a process that comes to the second line holds the first lock, on whatever
path, and waits for the other there.  So a lock that is taken on some paths only counts for nothing,
nor does one that is tried; of an element that is computed it is not known which lock it is.  Two
nestings under one more lock cannot meet, nor can two of one process.  A lock is an object with a
ghost `holder` (Lock, TasLock, TicketLock, and RwLock for writing)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import combinations

from modelcheck.flow import gotos
from modelcheck.ir import (
    END, Action, Block, Const, Element, Expr, Goto, If, Me, Place, Process, Program, Self, SetGhost,
    statements,
)
from modelcheck.passes.locks import HOLDER
from modelcheck.records import dataclass
from modelcheck.source import Span

Lock = tuple[str, tuple[int, ...]]
Held = dict[Lock, tuple[Span, ...]]
"""The locks that a process surely holds, each with the place where it took it: the calls, then the
step."""


@dataclass(frozen=True)
class Nesting:
    """A lock that is taken while another is held: the two, where each is taken, by the process of
    which number, and what else it holds then."""

    outer: Lock
    inner: Lock
    outer_at: tuple[Span, ...]
    inner_at: tuple[Span, ...]
    process: int
    held: frozenset[Lock]


def inversions(
    program: Program, never: Collection[tuple[str, str]]
) -> tuple[tuple[Nesting, Nesting], ...]:
    """Each two locks that are taken in both orders, by two processes, once.  `never`: the steps
    (process template, location) that no run takes."""
    nestings = [
        n for number, (process, me) in enumerate(program.instances())
        for n in _Nested(process, me, number, never).nestings()
    ]
    found: dict[frozenset[Lock], tuple[Nesting, Nesting]] = {}
    for one, other in combinations(nestings, 2):
        crossed = (one.outer, one.inner) == (other.inner, other.outer)
        if crossed and one.process != other.process and not one.held & other.held:
            found.setdefault(frozenset((one.outer, one.inner)), (one, other))
    return tuple(found.values())


def name_of(lock: Lock) -> str:
    """A lock, as a report names it: `heap_lock`, `nodes[1].lock`."""
    name, index = lock
    array, dot, rest = name.partition(".")
    return array + "".join(f"[{i}]" for i in index) + dot + rest


class _Nested:
    """The nestings of one process."""

    def __init__(
        self, process: Process, me: int, number: int, never: Collection[tuple[str, str]]
    ) -> None:
        self.process = process
        self.me = me
        self.number = number
        self.actions = {
            a.at: a for a in process.actions if (process.name, a.at) not in never
        }
        self.held: dict[str, Held] = {}

    def nestings(self) -> Iterator[Nesting]:
        """Each lock that is waited for with another one held."""
        todo: list[str] = []
        self._block(self.process.entry, {}, (), todo)
        while todo:
            action = self.actions[todo.pop()]
            self._block(action.body, self.held[action.at], (*action.chain, action.span), todo)
        for at, held in self.held.items():
            action = self.actions[at]
            for lock in self._waited_for(action):
                for outer, outer_at in held.items():
                    if outer != lock:
                        yield Nesting(
                            outer, lock, outer_at, (*action.chain, action.span), self.number,
                            frozenset(held),
                        )

    def _block(
        self, block: Block, held: Held, at: tuple[Span, ...], todo: list[str]
    ) -> Held | None:
        """What is held behind a block; None if nothing is behind it.  `todo` gains the locations
        that are come to with less than before."""
        held = dict(held)
        for statement in block:
            match statement:
                case SetGhost(place, value) if place.variable.endswith(HOLDER):
                    self._set(place, value, held, at)
                case If(_, then, other):
                    ways = [self._block(arm, held, at, todo) for arm in (then, other)]
                    left = [way for way in ways if way is not None]
                    if not left:
                        return None
                    held = left[0] if len(left) == 1 else _both(*left)
                case Goto(location):
                    if location != END and location in self.actions:
                        before = self.held.get(location)
                        now = held if before is None else _both(before, held)
                        if now != before:
                            self.held[location] = now
                            todo.append(location)
                    return None
                case _:
                    pass
        return held

    def _set(self, place: Place, value: Expr, held: Held, at: tuple[Span, ...]) -> None:
        lock = self._lock(place)
        name = place.variable.removesuffix(HOLDER)
        if isinstance(value, Self) and lock is not None:
            held[lock] = at
        else:
            for one in [one for one in held if one[0] == name and lock in (None, one)]:
                del held[one]

    def _lock(self, place: Place) -> Lock | None:
        index = [self._number(i) for i in place.index]
        known = [i for i in index if i is not None]
        if len(known) < len(index):
            return None
        return place.variable.removesuffix(HOLDER), tuple(known)

    def _number(self, expr: Expr) -> int | None:
        match expr:
            case Const(bool()):
                return None
            case Const(int(value)):
                return value
            case Me():
                return self.me
            case Element(_, number, offset):
                below = self._number(number)
                return None if below is None else below + offset
            case _:
                return None

    def _waited_for(self, action: Action) -> Iterator[Lock]:
        """The locks that an action takes, if it waits for them: it has a condition, or tries again
        where it found none."""
        again = any(g.location == action.at for g in gotos(action.body))
        if action.wait is None and not again:
            return
        for statement in statements(action.body):
            match statement:
                case SetGhost(place, Self()) if place.variable.endswith(HOLDER):
                    lock = self._lock(place)
                    if lock is not None:
                        yield lock
                case _:
                    pass


def _both(a: Held, b: Held) -> Held:
    """What is held on both ways."""
    return {lock: min(at, b[lock], key=_lines) for lock, at in a.items() if lock in b}


def _lines(at: tuple[Span, ...]) -> list[tuple[str, int]]:
    return [(span.file, span.line) for span in at]
