"""Rules about expressions: what may stand where, and that what they name exists."""

from __future__ import annotations

from collections.abc import Iterator

from modelcheck.ir import (
    Access,
    Action,
    Assign,
    Block,
    Cell,
    Chain,
    Choose,
    Fence,
    Field,
    Load,
    Loaded,
    Local,
    Make,
    Observe,
    Place,
    Program,
    Quantified,
    Record,
    Ref,
    Rmw,
    Self,
    SetGhost,
    Sort,
    Store,
    Variable,
    statements,
    walk,
)
from modelcheck.legal.illegal import Illegal, Node, processes
from modelcheck.legal.sites import ALLOWED, ASSERT, OBSERVED, WAIT, WORK, sites, walk_bound


def _blocks(program: Program) -> Iterator[tuple[str, Action | None, Block, frozenset[str]]]:
    """Every body: where it is, its action (None for `entry`), and the locals declared there."""
    for process in processes(program):
        names = frozenset(v.name for v in process.locals)
        yield f"{process.name}, entry", None, process.entry, names
        for action in process.actions:
            yield f"{process.name}, {action.at}", action, action.body, names


def stand_where_they_may(program: Program) -> Iterator[Illegal]:
    for site in sites(program):
        for e in walk(site.expr):
            if type(e) not in ALLOWED[site.role]:
                yield Illegal(e, site.where, f"{type(e).__name__} may not stand in {site.role}")
            if isinstance(e, Self) and site.process is program.boot:
                yield Illegal(e, site.where, "boot is no process")
    for where, _, body, _ in _blocks(program):
        for statement in statements(body):
            if isinstance(statement, Choose) and isinstance(statement.options, Chain):
                yield Illegal(statement, where, "a chain reads memory: no local choice")


def loaded_was_loaded(program: Program) -> Iterator[Illegal]:
    for site in sites(program):
        reads = site.action and isinstance(site.action.access, Load | Rmw | Observe)
        for e in walk(site.expr):
            if isinstance(e, Loaded) and not reads:
                yield Illegal(e, site.where, "$ where nothing is read")


def observed_is_asserted(program: Program) -> Iterator[Illegal]:
    """What is seen of all memory at one instant may not steer a process; but an atomic block, whose
    reason answers for it, may wait for that."""
    ghosts = {v.name for v in program.variables if v.ghost}
    for site in sites(program):
        action = site.action
        if action is None or not isinstance(action.access, Observe):
            continue
        waits = action.access.by == "wait_until" and action.reason is not None
        if site.role in (WORK, WAIT) and not waits:
            for e in walk(site.expr):
                if isinstance(e, Loaded):
                    yield Illegal(e, site.where, "an observation may only be asserted")
        if site.role == OBSERVED and waits:
            for e in walk(site.expr):
                match e:
                    case Cell(Place(name)) | Quantified(domain=Chain(variable=name)):
                        if name in ghosts:
                            yield Illegal(e, site.where, f"it waits for the ghost {name}")
                    case _:
                        pass


def names_exist(program: Program) -> Iterator[Illegal]:
    for site in sites(program):
        for e, bound in walk_bound(site.expr):
            if isinstance(e, Local) and e.name not in bound | site.names:
                yield Illegal(e, site.where, f"there is no local {e.name}")
    for where, _, body, names in _blocks(program):
        for statement in statements(body):
            if isinstance(statement, Assign | Choose) and statement.local not in names:
                yield Illegal(statement, where, f"there is no local {statement.local}")


# ------------------------------------------------------------------------------------------ places


def _place_of(access: Access | None) -> Place | None:
    match access:
        case Load(place) | Store(place) | Rmw(place):
            return place
        case None | Observe() | Fence():
            return None


def _places(program: Program) -> Iterator[tuple[str, Place]]:
    """Every place that is read or written, ghosts and properties included."""
    for site in sites(program):
        for e in walk(site.expr):
            if isinstance(e, Cell):
                yield site.where, e.place
    for where, action, body, _ in _blocks(program):
        place = _place_of(action.access) if action else None
        if place is not None:
            yield where, place
        for statement in statements(body):
            if isinstance(statement, SetGhost):
                yield where, statement.place


def _variables(program: Program) -> dict[str, Variable]:
    return {v.name: v for v in program.variables}


def places_exist(program: Program) -> Iterator[Illegal]:
    variables = _variables(program)
    for where, place in _places(program):
        v = variables.get(place.variable)
        if v is None:
            yield Illegal(place, where, f"there is no variable {place.variable}")
        elif len(place.index) != len(v.index):
            yield Illegal(place, where, f"{v.name} has {len(v.index)} indices")
    for site in sites(program):
        for e in walk(site.expr):
            if isinstance(e, Quantified) and isinstance(e.domain, Chain):
                yield from _chain(e.domain, e, site.where, variables)


def _chain(
    chain: Chain, node: Node, where: str, variables: dict[str, Variable]
) -> Iterator[Illegal]:
    v = variables.get(chain.variable)
    if v is None:
        yield Illegal(node, where, f"there is no variable {chain.variable}")
    elif len(v.index) != 1 or not isinstance(v.sort, Ref) or v.index[0][0] != v.sort.cls:
        yield Illegal(node, where, f"{v.name} does not lead from an element to the next")


def words_have_their_fields(program: Program) -> Iterator[Illegal]:
    for site in sites(program):
        for e in walk(site.expr):
            if isinstance(e, Field) and e.name not in dict(e.sort.fields):
                yield Illegal(e, site.where, f"{e.sort.name} has no field {e.name}")
            if isinstance(e, Make) and len(e.parts) != len(e.sort.fields):
                yield Illegal(e, site.where, f"{e.sort.name} has {len(e.sort.fields)} fields")
    variables = _variables(program)
    for where, action, _, _ in _blocks(program):
        match action and action.access:
            case Store(place, _, part) as store if place.variable in variables:
                sort: Sort | None = variables[place.variable].sort
                for name in part:
                    sort = dict(sort.fields).get(name) if isinstance(sort, Record) else None
                if sort is None:
                    yield Illegal(store, where, f"{place.variable} has no part {'.'.join(part)}")
            case _:
                pass


def ghosts_do_not_steer(program: Program) -> Iterator[Illegal]:
    """Ghosts are set by ghost statements only and never loaded; an assert reads no real memory
    but by its access.  (Elsewhere in a process ALLOWED admits no Cell at all.)"""
    ghosts = {v.name for v in program.variables if v.ghost}
    real = {v.name for v in program.variables if not v.ghost}
    for where, action, body, _ in _blocks(program):
        place = _place_of(action.access) if action else None
        if place is not None and place.variable in ghosts:
            yield Illegal(place, where, f"{place.variable} is a ghost: no access reaches it")
        for statement in statements(body):
            if isinstance(statement, SetGhost) and statement.place.variable in real:
                problem = f"{statement.place.variable} is no ghost: only an access sets it"
                yield Illegal(statement, where, problem)
    for site in sites(program):
        for e in walk(site.expr) if site.role == ASSERT else ():
            match e:
                case Cell(Place(name)) | Quantified(domain=Chain(variable=name)):
                    if name in real:
                        yield Illegal(e, site.where, f"an assert reads {name} without an access")
                case _:
                    pass
