"""Where control and values go in a process: which locations follow which, which locals matter, and
of which sorts the values are.

Facts about ir that the legality table, the passes and the notation share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from modelcheck.ir import (
    END,
    Action,
    Assert,
    Assign,
    Assume,
    AtRest,
    Block,
    Cell,
    Chain,
    Choose,
    Const,
    Element,
    Expr,
    Fence,
    Field,
    Fit,
    Goto,
    If,
    Instances,
    Load,
    Local,
    Make,
    Observe,
    Process,
    Program,
    Quantified,
    Record,
    Rmw,
    SetGhost,
    Sort,
    Statement,
    Store,
    access_exprs,
    children,
    domain_children,
    statement_exprs,
    statements,
    walk,
)


def exprs_in(block: Block) -> Iterator[Expr]:
    """The expressions of a block, arms included."""
    return (expr for statement in statements(block) for expr in statement_exprs(statement))


def exprs_of(action: Action) -> Iterator[Expr]:
    """The expressions of an action: of its access, then what it waits for, then of its body."""
    yield from access_exprs(action.access)
    if action.wait is not None:
        yield action.wait
    yield from exprs_in(action.body)


def gotos(block: Block) -> Iterator[Goto]:
    """Every Goto of a block, arms included."""
    return (s for s in statements(block) if isinstance(s, Goto))


def with_gotos(block: Block, target: Callable[[Goto], Block]) -> Block:
    """The block with each Goto replaced by the statements that `target` gives for it."""
    found: list[Statement] = []
    for statement in block:
        match statement:
            case Goto():
                found += target(statement)
            case If(_, then, other):
                arms = with_gotos(then, target), with_gotos(other, target)
                found.append(replace(statement, then=arms[0], other=arms[1]))
            case Assign() | SetGhost() | Assert() | Assume() | Choose():
                found.append(statement)
    return tuple(found)


def reachable(process: Process) -> frozenset[str]:
    """The locations that can be reached from `entry`, by the Gotos alone."""
    bodies = {a.at: a.body for a in process.actions}
    seen: set[str] = set()
    open_ = [g.location for g in gotos(process.entry)]
    while open_:
        at = open_.pop()
        if at not in seen and at != END:
            seen.add(at)
            open_ += [g.location for g in gotos(bodies[at])]
    return frozenset(seen)


def uses_at_rest(program: Program) -> bool:
    """Whether a property asks for the state in which every process is at rest."""
    roots = [e for p in program.properties for e in (p.condition, p.when) if e is not None]
    return any(isinstance(e, AtRest) for root in roots for e in walk(root))


def locals_read(expr: Expr) -> frozenset[str]:
    """The locals whose values an expression may need; names bound in it are none."""
    match expr:
        case Local(name):
            return frozenset([name])
        case Quantified(_, name, domain, body):
            outside = (locals_read(e) for e in domain_children(domain))
            return (locals_read(body) - {name}).union(*outside)
        case _:
            return frozenset().union(*map(locals_read, children(expr)))


def memory_read(expr: Expr) -> Iterator[str]:
    """The shared and ghost variables that an expression reads."""
    for e in walk(expr):
        match e:
            case Cell(place):
                yield place.variable
            case Quantified(domain=Chain(variable=variable)):
                yield variable
            case _:
                pass


def memory_of(actions: Iterable[Action]) -> set[str]:
    """The shared and ghost variables that these actions read or write."""
    found = set[str]()
    for action in actions:
        found.update(name for root in exprs_of(action) for name in memory_read(root))
        match action.access:
            case Load(place) | Store(place) | Rmw(place):
                found.add(place.variable)
            case None | Observe() | Fence():
                pass
        for statement in statements(action.body):
            match statement:
                case SetGhost(place):
                    found.add(place.variable)
                case Choose(options=Chain(variable=variable)):
                    found.add(variable)
                case _:
                    pass
    return found


def live_locals(process: Process) -> dict[str, frozenset[str]]:
    """For each location, the locals that are read before they are set on some path from it."""
    live: dict[str, frozenset[str]] = {a.at: frozenset() for a in process.actions}
    changed = True
    while changed:
        changed = False
        for action in reversed(process.actions):
            now = _live_before(action, live)
            changed = changed or now != live[action.at]
            live[action.at] = now
    return live


def _live_before(action: Action, live: dict[str, frozenset[str]]) -> frozenset[str]:
    roots = access_exprs(action.access) + (() if action.wait is None else (action.wait,))
    return _before_block(action.body, frozenset(), live).union(*map(locals_read, roots))


def _before_block(
    block: Block, after: frozenset[str], live: dict[str, frozenset[str]]
) -> frozenset[str]:
    """What is live before a block, when `after` is live where it falls through."""
    for statement in reversed(block):
        read: frozenset[str] = frozenset().union(*map(locals_read, statement_exprs(statement)))
        match statement:
            case Goto(location):
                after = live.get(location, frozenset())
            case If(_, then, other):
                arms = _before_block(then, after, live) | _before_block(other, after, live)
                after = read | arms
            case Assign(local) | Choose(local):
                after = (after - {local}) | read
            case SetGhost() | Assert() | Assume():
                after = after | read
    return after


def sorts(program: Program) -> Iterator[Sort]:
    """Every sort that a Program mentions, as often as it does; those of a word's fields before the
    word, so that the notation can declare them in this order."""
    processes = [*((program.boot,) if program.boot else ()), *program.processes]
    for v in [*program.variables, *(v for p in processes for v in p.locals)]:
        yield from _parts(v.sort)
    for process in processes:
        for body in (process.entry, *(a.body for a in process.actions)):
            for statement in statements(body):
                if isinstance(statement, Choose) and isinstance(statement.options, Instances):
                    yield from _parts(statement.options.sort)
        actions = (expr for action in process.actions for expr in exprs_of(action))
        for expr in (*exprs_in(process.entry), *actions):
            yield from _sorts_in(expr)
    for p in program.properties:
        for expr in (p.condition,) if p.when is None else (p.when, p.condition):
            yield from _sorts_in(expr)


def _sorts_in(expr: Expr) -> Iterator[Sort]:
    for e in walk(expr):
        match e:
            case (
                Const(sort=sort) | Field(sort=sort) | Make(sort=sort) | Element(sort=sort)
                | Fit(sort=sort)
            ):
                yield from _parts(sort)
            case Quantified(domain=Instances(sort)):
                yield from _parts(sort)
            case _:
                pass


def _parts(sort: Sort) -> Iterator[Sort]:
    if isinstance(sort, Record):
        for _, part in sort.fields:
            yield from _parts(part)
    yield sort
