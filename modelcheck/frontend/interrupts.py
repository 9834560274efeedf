"""A process and the interrupt handlers of its CPU -> one process, in which they come.

A process with no step behind it yet, or at the end of a step, stands in front of its next access.
There an interrupt may come: then it stands in front of the first access of the handler instead, in
a copy of the handler's code that is made for this very place and leads back to it; the live locals
of the process are kept meanwhile.  Whether one comes is a choice (of `ir.ASKED`, 0 for none) at the
end of the step before, so that to enter a handler takes no step of its own; it is made again when
the handler has ended.  Nothing is lost by choosing early: whatever the others do meanwhile, they
may do before the first access of the handler as well as before its coming.

      goto alloc_49        choose interrupt in [0, 1]
                           if interrupt == 1: goto timer_31_at_alloc_49
                           else: goto alloc_49

Only who waits cannot choose early, since the interrupt may be what it waits for.  So where one may
come while a process waits, its attempt always is a step: one that finds nothing leads to the
handler, and neither changes memory nor leaves the wait.  A process that has turned interrupts off
does wait, and one that is about to do so chooses before (`Template.before`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias, TypeVar

from modelcheck import ir
from modelcheck.flow import exprs_in, gotos, memory_read, with_gotos
from modelcheck.frontend.limits import MOST_ACTIONS
from modelcheck.frontend.steps import AGAIN
from modelcheck.records import dataclass
from modelcheck.source import Span, SpecError

N = TypeVar("N")


@dataclass(frozen=True)
class Handler:
    """An interrupt handler, compiled as if it were a process of its own; where it is defined."""

    process: ir.Process
    span: Span

    @property
    def name(self) -> str:
        """The name of its function."""
        return self.process.name


Weave: TypeAlias = Callable[[ir.Process, tuple[Handler, ...], set[str], set[str]], ir.Process]


def begun(handler: Handler) -> Handler:
    """The handler, ready to be put between any two steps.  One that reads or sets ghosts before its
    first access does so in a step of its own, since then it matters when it comes."""
    process = handler.process
    if not process.actions:
        raise SpecError(
            handler.span,
            f"{handler.name} accesses no shared memory: whether it comes makes no difference",
            "an access, or no @interrupt",
        )
    seen = any(True for e in exprs_in(process.entry) for _ in memory_read(e))
    if not seen and not any(isinstance(s, ir.SetGhost) for s in ir.statements(process.entry)):
        return handler
    comes = ir.Action(f"{handler.name}_comes", None, process.entry, span=handler.span)
    actions = (comes, *process.actions)
    return replace(
        handler, process=replace(process, entry=(ir.Goto(comes.at),), actions=actions)
    )


def woven(
    process: ir.Process, handlers: tuple[Handler, ...], come: set[str], before: set[str]
) -> ir.Process:
    """The process, and its handlers wherever they may come: at the locations `come`, also while it
    waits there, and `before` others."""
    apart = tuple(_apart(handler, process) for handler in handlers)
    weave = _Weaver(apart, process, come, before)
    copies = sum(len(h.process.actions) for h in apart) * len(weave.asked)
    if copies + len(process.actions) > MOST_ACTIONS:
        raise SpecError(
            process.span, f"with its interrupts {process.name} has over {MOST_ACTIONS:,} steps",
            "with irqs_off(): where none matters, or a shorter handler",
        )
    number = ir.Int(0, len(handlers))
    asked = ir.Variable(ir.ASKED, number, span=handlers[0].span)
    return replace(
        process,
        locals=(*process.locals, *(v for h in apart for v in h.process.locals), asked),
        entry=with_gotos(process.entry, weave.arrival),
        actions=tuple(weave.actions()),
    )


def _apart(handler: Handler, process: ir.Process) -> Handler:
    """The handler with locals and loops of its own, where it calls what the process calls too."""
    taken = {v.name for v in process.locals}
    names = {v.name: f"{handler.name}_{v.name}" for v in handler.process.locals}
    while taken & set(names.values()):
        names = {old: f"{handler.name}_{new}" for old, new in names.items()}
    own = f"{handler.name}."
    names = {old: old if old.startswith(own) else new for old, new in names.items()}
    renamed = _with_locals(handler.process, names)
    return replace(handler, process=replace(renamed, actions=tuple(
        replace(a, loops=tuple(replace(x, name=f"{handler.name}_{x.name}") for x in a.loops))
        for a in renamed.actions
    )))


def _with_locals(node: N, names: dict[str, str]) -> N:
    """A process, or part of one, whose locals are called so."""
    match node:
        case tuple():
            return tuple(_with_locals(part, names) for part in node)  # type: ignore[return-value]
        case ir.Local(name):
            return replace(node, name=names.get(name, name))
        case ir.Variable(name=name):
            return replace(node, name=names[name])
        case ir.Assign(local=local) | ir.Choose(local=local):
            node = replace(node, local=names[local])
        case _:
            pass
    if not dataclasses.is_dataclass(node) or isinstance(node, type | Span):
        return node
    return replace(node, **{
        f.name: _with_locals(getattr(node, f.name), names) for f in dataclasses.fields(node)
    })


class _Weaver:
    """A process and its handlers.

    asked   where an interrupt may come
    before  those of them where none comes while the process waits"""

    def __init__(
        self, handlers: tuple[Handler, ...], process: ir.Process, come: set[str], before: set[str]
    ) -> None:
        self.handlers = handlers
        self.plain = {a.at: a for a in process.actions}
        self.before = before
        self.asked = {a.at for a in process.actions if a.at in come | before and _is_step(a)}
        self.copies: dict[tuple[str, str, str], str] = {}
        self.taken = {name for a in process.actions for name in (a.at, a.at + AGAIN)}

    def actions(self) -> Iterator[ir.Action]:
        """Those of the process, and those of the handlers at each place."""
        for action in self.plain.values():
            if action.wait is not None and action.at in self.asked - self.before:
                yield from self._tried(action)
                continue
            yield replace(action, body=with_gotos(action.body, self.arrival))
            if action.at in self.asked:
                yield from self._copies(action)

    def _tried(self, action: ir.Action) -> Iterator[ir.Action]:
        """A wait in which interrupts come: it looks, and where it has to wait on, one comes.

        Who comes straight back to the wait from which it went has left that wait.  So it comes to a
        second one like it, of another name."""
        if action.resting:  # nobody asks whether it is left
            yield self._attempt(action, action)
            yield from self._copies(action)
            return
        wait = action.loops[-1]
        again = replace(
            action, at=action.at + AGAIN,
            loops=(*action.loops[:-1], replace(wait, name=wait.name + AGAIN)),
        )
        comes_back = action.at in {g.location for g in gotos(action.body)}
        for here, other in ((action, again), (again, action))[:1 + comes_back]:
            yield self._attempt(here, other)
            yield from self._copies(here)

    def _attempt(self, wait: ir.Action, other: ir.Action) -> ir.Action:
        assert wait.wait is not None
        to_other = {**self.plain, wait.at: other, other.at: other}

        def onward(goto: ir.Goto) -> ir.Block:
            return self._arrival(to_other.get(goto.location), goto)

        access = wait.access
        if isinstance(access, ir.Rmw):
            kept = ir.Cond(wait.wait, access.value, ir.Loaded(wait.span), wait.span)
            access = replace(access, value=kept)
        got, comes = with_gotos(wait.body, onward), self._one_of(wait, ())
        return replace(
            wait, access=access, wait=None, body=(ir.If(wait.wait, got, comes, wait.span),)
        )

    # -------------------------------------------------------------------------------- arriving

    def arrival(self, goto: ir.Goto) -> ir.Block:
        """What a Goto of the process becomes: perhaps an interrupt comes first."""
        return self._arrival(self.plain.get(goto.location), goto)

    def _arrival(self, target: ir.Action | None, goto: ir.Goto) -> ir.Block:
        if target is None or goto.location not in self.asked:
            return (goto,)
        return self._one_of(target, (replace(goto, location=target.at),))

    def _one_of(self, at: ir.Action, none: ir.Block) -> ir.Block:
        """One of the handlers begins, or (with `none`) none does."""
        back = (ir.Goto(at.at, at.span),)
        ways = [with_gotos(h.process.entry, self._inside(h, at, back)) for h in self.handlers]
        first = 1
        if none:
            ways, first = [none, *ways], 0
        if len(ways) == 1:
            return ways[0]
        span, number = self.handlers[0].span, ir.Int(0, len(self.handlers))
        options = tuple(ir.Const(first + n, number, span) for n in range(len(ways)))
        block = ways[-1]
        for option, way in reversed(list(zip(options, ways, strict=True))[:-1]):
            it_is = ir.Binary("==", ir.Local(ir.ASKED, span), option, span)
            block = (ir.If(it_is, way, block, span),)
        return (ir.Choose(ir.ASKED, options, span), *block)

    # ------------------------------------------------------------------------------ the handlers

    def _copies(self, at: ir.Action) -> Iterator[ir.Action]:
        """The handlers, where this is the next action of the process."""
        again = self._one_of(at, (ir.Goto(at.at, at.span),))
        for handler in self.handlers:
            for action in handler.process.actions:
                yield replace(
                    action,
                    at=self._copy(handler, action.at, at),
                    body=with_gotos(action.body, self._inside(handler, at, again)),
                    loops=(*at.loops, *action.loops),
                    resting=False,
                    head=False,
                    interrupt=handler.name,
                    chain=(*at.chain, handler.span, *action.chain),
                )

    def _inside(
        self, handler: Handler, at: ir.Action, ended: ir.Block
    ) -> Callable[[ir.Goto], ir.Block]:
        """What a Goto of a handler becomes in front of this action; `ended`: where it has ended.
        One that ends without an access comes once: it has left nothing to come to."""
        def to(goto: ir.Goto) -> ir.Block:
            if goto.location == ir.END:
                return ended
            return (replace(goto, location=self._copy(handler, goto.location, at)),)

        return to

    def _copy(self, handler: Handler, location: str, at: ir.Action) -> str:
        """The name of a handler's location in front of an action of the process: one that nothing
        else has, though functions may be called as locations are."""
        key = handler.name, location, at.at
        if key not in self.copies:
            own = f"{handler.name}_"
            name = f"{own}{location.removeprefix(own)}_at_{at.at}"
            while name in self.taken:
                name += "_"
            self.taken.add(name)
            self.copies[key] = name
        return self.copies[key]


def _is_step(action: ir.Action) -> bool:
    """Not a barrier: where that does nothing, who comes in front of it may as well come behind it.
    But behind one that begins an atomic block it is too late."""
    return not isinstance(action.access, ir.Fence) or action.reason is not None


