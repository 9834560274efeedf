"""A process that ends while it holds a lock: nobody can release that lock any more.

So the end of each process that may hold one asserts that it does not, for every engine to check as
any other assert.  Which locks it may hold where is found here, and an end at which it can hold none
asserts nothing.  Meant are the locks whose class is an OwnedLock.  What another context releases
(a completion) is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Literal, TypeAlias

from modelcheck import ir
from modelcheck.frontend.definitions import HELD_AT_END
from modelcheck.records import dataclass
from modelcheck.source import NOWHERE, Span

Index: TypeAlias = tuple[tuple[str, int], ...]
Change: TypeAlias = Literal["kept", "mine", "nobody", "other"]


@dataclass(frozen=True)
class Held:
    """A lock that a process may hold: its ghost `holder`, which of several it is (None: any of
    them), and where it was taken."""

    holder: str
    index: tuple[ir.Expr, ...] | None
    span: Span


State: TypeAlias = frozenset[Held]


def asserted_at_ends(
    processes: tuple[ir.Process, ...], boot: ir.Process | None, holders: Mapping[str, Index],
    sorts: tuple[tuple[str, int], ...],
) -> tuple[ir.Process, ...]:
    """The processes, each of which asserts at its end that it holds none of the locks.

    `holders`: the ghost `holder` of each lock, or of several, with their index."""
    if not holders:
        return processes
    told = _set_to_others([*processes, *([boot] if boot else [])], holders)
    always = frozenset(Held(name, None, NOWHERE) for name in told)
    return tuple(_Ends(p, holders, dict(sorts), always).asserted() for p in processes)


def lock_name(holder: str) -> str:
    """What the lock is called whose ghost `holder` this is: `heap_lock`, `Page.lock`."""
    return holder.removesuffix(".holder")


def _set_to_others(processes: Iterable[ir.Process], holders: Mapping[str, Index]) -> Iterator[str]:
    """The locks that some step gives to a process that is not known to be its own."""
    for process in processes:
        for block in (process.entry, *(a.body for a in process.actions)):
            for s in ir.statements(block):
                if isinstance(s, ir.SetGhost) and s.place.variable in holders and (
                    "other" in _change(s.value, s.place)
                ):
                    yield s.place.variable


def _change(value: ir.Expr, place: ir.Place) -> set[Change]:
    """Who may hold a lock when its holder is set to this."""
    match value:
        case ir.Const(None):
            return {"nobody"}
        case ir.Self():
            return {"mine"}
        case ir.Cell(read) if read == place:
            return {"kept"}
        case ir.Cond(_, then, other):
            return _change(then, place) | _change(other, place)
        case _:
            return {"other"}


class _Ends:
    """One process: what it may hold where, then its asserts.  `always`: the locks that others may
    have given to it."""

    def __init__(
        self, process: ir.Process, holders: Mapping[str, Index], sorts: Mapping[str, int],
        always: State,
    ) -> None:
        self.process = process
        self.holders = holders
        self.sorts = sorts
        self.always = always

    def asserted(self) -> ir.Process:
        """The process with its asserts."""
        held: dict[str, State] = {}
        out: list[tuple[str, State]] = []
        self._block(self.process.entry, self.always, out)
        bodies = {a.at: a.body for a in self.process.actions}
        while out:
            at, coming = out.pop()
            if at == ir.END or (at in held and coming <= held[at]):
                continue
            held[at] = held.get(at, frozenset()) | coming
            self._block(bodies[at], held[at], out)
        entry, _ = self._block(self.process.entry, self.always, [])
        return replace(self.process, entry=entry, actions=tuple(
            replace(a, body=self._block(a.body, held[a.at], [])[0]) if a.at in held else a
            for a in self.process.actions
        ))

    def _block(
        self, block: ir.Block, held: State | None, out: list[tuple[str, State]]
    ) -> tuple[ir.Block, State | None]:
        """The block with its asserts; what is held where it falls through, None if it does not.
        `out` gains where it leads, with what is held there."""
        found: list[ir.Statement] = []
        for statement in block:
            if held is None:
                break
            match statement:
                case ir.SetGhost(place, value) if place.variable in self.holders:
                    held = _set(held, place, _change(value, place), statement.span)
                case ir.Assign(local) | ir.Choose(local):
                    held = frozenset(_without(h, local) for h in held)
                case ir.If(_, then, other):
                    yes, after_yes = self._block(then, held, out)
                    no, after_no = self._block(other, held, out)
                    statement = replace(statement, then=yes, other=no)
                    arms = [s for s in (after_yes, after_no) if s is not None]
                    held = frozenset[Held]().union(*arms) if arms else None
                case ir.Goto(location):
                    out.append((location, held))
                    if location == ir.END:
                        found += self._asserts(held)
                    held = None
                case ir.SetGhost() | ir.Assert() | ir.Assume():
                    pass
            found.append(statement)
        return tuple(found), held

    def _asserts(self, held: State) -> Iterator[ir.Assert]:
        """That none of these is held: one assert for each lock, or for several of one name."""
        for holder in sorted({h.holder for h in held}):
            them = [h for h in held if h.holder == holder]
            span = min((h.span for h in them), key=lambda s: (s == NOWHERE, s.file, s.line))
            if span == NOWHERE:
                span = self.process.span
            indexes = [h.index for h in them if h.index is not None and _is_fixed(h.index)]
            if len(indexes) == len(them):
                one, *more = sorted(dict.fromkeys(indexes), key=repr)
                condition = self._is_not_mine(holder, one, span)
                for index in more:
                    also = self._is_not_mine(holder, index, span)
                    condition = ir.Binary("and", condition, also, span)
            else:
                condition = self._none_is_mine(holder, span)
            yield ir.Assert(condition, HELD_AT_END + lock_name(holder), span)

    def _is_not_mine(self, holder: str, index: tuple[ir.Expr, ...], span: Span) -> ir.Expr:
        cell = ir.Cell(ir.Place(holder, index, span), span)
        return ir.Binary("!=", cell, ir.Self(span), span)

    def _none_is_mine(self, holder: str, span: Span) -> ir.Expr:
        index = self.holders[holder]
        names = [f"held{n}" for n in range(len(index))]
        places = tuple(ir.Local(name, span) for name in names)
        condition = self._is_not_mine(holder, places, span)
        for name, (sort, size) in reversed(list(zip(names, index, strict=True))):
            domain: ir.Domain
            if sort in self.sorts:
                domain = ir.Instances(ir.Ref(sort, size, False))
            else:
                number = ir.Int(0, size)
                domain = ir.Range(ir.Const(0, number, span), ir.Const(size, number, span))
            condition = ir.Quantified("all", name, domain, condition, span)
        return condition


def _set(held: State, place: ir.Place, change: set[Change], span: Span) -> State:
    """What may be held once a lock's holder is set."""
    if change == {"nobody"}:
        held = frozenset(h for h in held if (h.holder, h.index) != (place.variable, place.index))
    if "mine" in change:
        steady = all(isinstance(e, ir.Const | ir.Local | ir.Me | ir.Self) for e in place.index)
        held |= {Held(place.variable, place.index if steady else None, span)}
    return held


def _without(held: Held, local: str) -> Held:
    """The same, where a local is about to be set: the index that it stood for is not known then."""
    if held.index is not None and ir.Local(local) in held.index:
        return replace(held, index=None)
    return held


def _is_fixed(index: tuple[ir.Expr, ...]) -> bool:
    """Whether an index says the same at the end of the process as where the lock was taken."""
    return not any(isinstance(e, ir.Local) for e in index)
