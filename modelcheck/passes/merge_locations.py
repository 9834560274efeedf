"""Locations with equal code, equal live locals and equal successors become one.

`val = load; while bad(val): val = load` is one wait, not two.  Preserves every property, and
whether some process is stuck: at the merged location the process stands in the loops of the member
that stands deepest, since standing before a loop that begins with the same step is doing the loop's
first turn.  For that to be so,

1. the others rest there or stand in no loop, and the deepest one's outer loops are theirs, with
   names and all: about them nothing is asked, so that no answer is lost;
2. a step that left a loop must still leave it, so that nobody looks stuck who is not; and
3. whoever goes round must come to stand in the loop for real, so that its being stuck there is a
   state of the unmerged Program too.

Where one of these fails, only locations that stand in the very same loops are merged.  `head`
counts only where a property asks for `at_rest`.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable
from dataclasses import replace

from modelcheck.flow import gotos, reachable, uses_at_rest, with_gotos
from modelcheck.ir import END, Action, Block, Goto, Loop, Process, Program
from modelcheck.passes.liveness import liveness
from modelcheck.source import Span

Classes = dict[str, int]  # the class of each location, numbered in the order of the actions


def merge_locations(program: Program) -> Program:
    """The Program with equal locations merged, and without those that nothing goes to.

    The first line of the merged ones names the location; the others are its `also`."""
    rests = uses_at_rest(program)
    return liveness(
        replace(
            program,
            boot=None if program.boot is None else _process(program.boot, rests),
            processes=tuple(_process(p, rests) for p in program.processes),
        )
    )


def _process(process: Process, rests: bool) -> Process:
    left = reachable(process)
    actions = tuple(a for a in process.actions if a.at in left)
    strict: frozenset[str] = frozenset()  # locations merged only with those in the same loops
    while True:
        classes = _classes(actions, strict, rests)
        disturbed = _disturbed(actions, classes)
        if disturbed <= strict:
            break
        strict |= disturbed
    members = _members(actions, classes)
    merged = {c: _merged(same) for c, same in members.items()}
    names = {at: merged[c].at for at, c in classes.items()}

    def renamed(goto: Goto) -> Block:
        return (replace(goto, location=names.get(goto.location, goto.location)),)

    kept = [merged[classes[a.at]] for a in actions if merged[classes[a.at]].at == a.at]
    return replace(
        process,
        entry=with_gotos(process.entry, renamed),
        actions=tuple(replace(a, body=with_gotos(a.body, renamed)) for a in kept),
    )


def _members(actions: Iterable[Action], classes: Classes) -> dict[int, list[Action]]:
    members: dict[int, list[Action]] = {}
    for action in actions:
        members.setdefault(classes[action.at], []).append(action)
    return members


def _classes(actions: tuple[Action, ...], strict: frozenset[str], rests: bool) -> Classes:
    """The coarsest classes of which all members do the same and go to the same classes."""

    def code(a: Action) -> Hashable:
        loops = (a.loops, a.resting) if a.at in strict else None
        head = a.head if rests else None
        return a.access, a.wait, a.live, a.transit, a.reason, a.interrupt, head, loops

    by_code: dict[Hashable, dict[str, Action]] = {}
    sources: dict[str, list[Action]] = {}
    for a in actions:
        by_code.setdefault(code(a), {})[a.at] = a
        for target in {g.location for g in gotos(a.body)}:
            sources.setdefault(target, []).append(a)
    members = dict(enumerate(by_code.values()))
    classes: Classes = {at: c for c, same in members.items() for at in same}

    def to_class(goto: Goto) -> Block:
        return (goto if goto.location == END else Goto(f"class {classes[goto.location]}"),)

    waiting: Collection[Action] = actions  # only for these may it have changed where they go
    while waiting:
        parts: dict[int, dict[Hashable, dict[str, Action]]] = {}
        for a in waiting:
            c = classes[a.at]
            del members[c][a.at]
            parts.setdefault(c, {}).setdefault(with_gotos(a.body, to_class), {})[a.at] = a
        moved: list[str] = []
        for c, split in parts.items():
            *smaller, largest = sorted((members[c], *split.values()), key=len)
            members[c] = largest  # keeps the number, so that most are not looked at again
            for part in filter(None, smaller):
                classes.update(dict.fromkeys(part, len(members)))
                members[len(members)] = part
                moved += part
        waiting = {a.at: a for at in moved for a in sources.get(at, ())}.values()
    return classes


def _deepest(same: list[Action]) -> Action:
    return max(same, key=lambda a: len(a.loops))


def _disturbed(actions: tuple[Action, ...], classes: Classes) -> frozenset[str]:
    """The locations for whose classes the conditions above fail."""
    members = _members(actions, classes)
    loops = {a.at: _deepest(members[classes[a.at]]).loops for a in actions}
    own = {a.at: a.loops for a in actions}
    wrong = {a.at for a in actions if not _may_stand_in(a, loops[a.at])}
    edges = [(a.at, g.location) for a in actions for g in gotos(a.body) if g.location != END]
    for source, target in edges:
        left = set(own[source]) - set(own[target])
        if left & set(loops[target]):
            wrong.add(target)
    gained = {at: set(loops[at]) - set(own[at]) for at in own}
    for loop in {loop for more in gained.values() for loop in more}:
        wrong |= _on_cycles({at for at in own if loop in gained[at]}, edges)
    wrong_classes = {classes[at] for at in wrong}
    return frozenset(at for at, c in classes.items() if c in wrong_classes)


def _may_stand_in(action: Action, loops: tuple[Loop, ...]) -> bool:
    asks_nothing = action.resting or not action.loops
    same_so_far = loops[: len(action.loops)] == action.loops
    return loops == action.loops or (asks_nothing and same_so_far)


def _on_cycles(among: set[str], edges: list[tuple[str, str]]) -> set[str]:
    """Those locations from which one can go on for ever among them."""
    while True:
        going_on = {s for s, t in edges if s in among and t in among}
        if going_on == among:
            return among
        among = going_on


def _merged(same: list[Action]) -> Action:
    def place(span: Span) -> tuple[str, int, int]:
        return span.file, span.line, span.column

    first = min(same, key=lambda a: (a.span.line, a.span.column))
    deepest = _deepest(same)
    spans = {s for a in same for s in (a.span, *a.also)} - {first.span}
    if any(a.span == first.span and a.chain != first.chain for a in same):
        spans.add(first.span)  # called from elsewhere too
    loops: tuple[Loop, ...] = deepest.loops
    return replace(
        first,
        loops=loops,
        resting=deepest.resting,
        head=all(a.head for a in same),
        also=tuple(sorted(spans, key=place)),
    )
