"""Which lines no run takes, told from the actions that no run takes.

An action is not a line.  A line has one action for each access in it, for each call that led to it
and for each turn of a loop that is compiled apart; equal ones are merged.  No run takes a line if
none of its actions is taken, and nothing of it stands in what a taken action does.  A line that is
taken from one call and never from another is told with that call."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TypeAlias

from modelcheck.ir import Action, Block, Goto, If, Process
from modelcheck.source import Span
from modelcheck.trace import Line, NeverTaken, line_of

Place: TypeAlias = tuple[str, int]  # a line: its file and number


def never_taken(process: Process, taken: Collection[tuple[str, str]]) -> Iterator[NeverTaken]:
    """The actions whose lines, or whose lines as called from there, no run takes.

    taken  (process template, location) of every action that some step takes"""
    missed = {a.at: a for a in process.actions if (process.name, a.at) not in taken}
    leads_to = {at: _place(a.span) for at, a in missed.items()}
    anyhow = set(_lines_of(process.entry, leads_to))  # lines that are taken from any call, perhaps
    called: dict[Place, list[tuple[Place, ...]]] = {}
    for action in process.actions:
        if action.at not in missed:
            own = _place(action.span)
            also = {_place(span) for span in action.also}  # itself too, if called from elsewhere
            anyhow |= also | (set(_lines_of(action.body, leads_to)) - {own})
            called.setdefault(own, []).append(tuple(map(_place, _calls(action))))
    for action in missed.values():
        here = _place(action.span)
        if here in anyhow or _is_turn(action):
            continue
        calls = _calls(action)
        enough = _enough(tuple(map(_place, calls)), called.get(here, []))
        if enough is not None:
            shown = tuple(line_of(call) for call in calls[len(calls) - enough :])
            yield NeverTaken(process.name, action.at, line_of(action.span), shown)


def _enough(calls: tuple[Place, ...], others: list[tuple[Place, ...]]) -> int | None:
    """How many of the calls, the innermost first, tell this one from all the others; None if they
    do not."""
    for n in range(len(calls) + 1):
        innermost = calls[len(calls) - n :]
        if all(other[max(0, len(other) - n) :] != innermost for other in others):
            return n
    return None


def _place(span: Span) -> Place:
    return span.file, span.line


def _calls(action: Action) -> tuple[Span, ...]:
    """The calls that led to an action; of an interrupt's, those in its handler: it is there once
    for each place where it may come."""
    if action.interrupt is None:
        return action.chain
    lines: list[Line] = [line_of(span) for span in action.chain]
    heads = [n for n, line in enumerate(lines) if line.handler == action.interrupt]
    return action.chain[heads[-1] + 1 if heads else 0 :]  # none: the file is no longer there


def _is_turn(action: Action) -> bool:
    """Whether this is the head of a loop of local work: it is passed where the loop comes round,
    and the line has been taken before."""
    return action.access is None and action.wait is None and action.transit


def _lines_of(block: Block, leads_to: Mapping[str, Place]) -> Iterator[Place]:
    """The lines that have a statement in a block; without what is done there only on the way to
    an action of the same line that is never taken (`leads_to`)."""
    last = block[-1] if block else None
    ahead = leads_to.get(last.location) if isinstance(last, Goto) else None
    for statement in block:
        match statement:
            case Goto():
                continue
            case If(then=then, other=other):
                yield from _lines_of(then, leads_to)
                yield from _lines_of(other, leads_to)
            case _:
                pass
        if _place(statement.span) != ahead:
            yield _place(statement.span)
