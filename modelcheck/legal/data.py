"""Rules about what a Program declares: sorts, variables, constants, properties."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modelcheck.flow import sorts
from modelcheck.ir import (
    Bool,
    Const,
    Enum,
    Int,
    Program,
    Quantified,
    Record,
    Ref,
    Sort,
    Value,
    walk,
)
from modelcheck.legal.illegal import Illegal, processes
from modelcheck.legal.sites import sites


def in_sort(value: Value, sort: Sort) -> bool:
    """Whether this is a value of the sort."""
    number = isinstance(value, int) and not isinstance(value, bool)
    match sort:
        case Bool():
            return isinstance(value, bool)
        case Int(lo, hi):
            return number and isinstance(value, int) and lo <= value <= hi
        case Enum(_, members):
            return number and isinstance(value, int) and 0 <= value < len(members)
        case Ref(_, count, nullable):
            if value is None:
                return nullable
            return number and isinstance(value, int) and 0 <= value < count
        case Record(_, fields):
            return (
                isinstance(value, tuple)
                and len(value) == len(fields)
                and all(in_sort(v, s) for v, (_, s) in zip(value, fields, strict=True))
            )


def _first_twice(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def sorts_are_sane(program: Program) -> Iterator[Illegal]:
    index_sorts = dict(program.index_sorts)
    named: dict[str, Sort] = {}
    for sort in sorts(program):
        match sort:
            case Bool():
                pass
            case Int(lo, hi, wraps):
                if lo > hi:
                    yield Illegal(sort, "", f"the range {lo}..{hi} is empty")
                if wraps and lo != 0:
                    yield Illegal(sort, "", f"a counter that wraps begins at 0, not at {lo}")
            case Enum(name, members):
                if not members or _first_twice(members):
                    yield Illegal(sort, "", f"{name} needs members, each once")
            case Record(name, fields):
                if not fields or _first_twice(n for n, _ in fields):
                    yield Illegal(sort, "", f"{name} needs fields, each once")
            case Ref(cls, count, _):
                if index_sorts.get(cls) != count:
                    yield Illegal(sort, "", f"there is no index sort {cls} of size {count}")
        if isinstance(sort, Enum | Record) and named.setdefault(sort.name, sort) != sort:
            yield Illegal(sort, "", f"two sorts are called {sort.name}")
    for name, size in program.index_sorts:
        if size < 1:
            yield Illegal(program, "", f"the index sort {name} is empty")
    instances = sum(p.count for p in program.processes)
    if index_sorts.get("process", instances) != instances:
        yield Illegal(program, "", f"the index sort process must have size {instances}")


def names_mean_one_thing(program: Program) -> Iterator[Illegal]:
    shared = [v.name for v in program.variables]
    if name := _first_twice(shared):
        yield Illegal(program.variable(name), "", f"two variables are called {name}")
    if name := _first_twice(n for n, _ in program.index_sorts):
        yield Illegal(program, "", f"two index sorts are called {name}")
    if name := _first_twice(p.name for p in program.processes):
        yield Illegal(program, "", f"two processes are called {name}")
    for process in processes(program):
        own = [v.name for v in process.locals]
        for v in process.locals:
            if v.name in shared or own.count(v.name) > 1:
                yield Illegal(v, process.name, f"two variables are called {v.name}")
        if process.count < 1 or (process.count > 1 and not process.indexed):
            yield Illegal(process, process.name, "its instances have no names of their own")
    for site in sites(program):
        for e in walk(site.expr):
            if isinstance(e, Quantified) and e.name in (*shared, *site.names):
                yield Illegal(e, site.where, f"{e.name} is bound, but has a meaning already")


def variables_have_their_values(program: Program) -> Iterator[Illegal]:
    for v in program.variables:
        for name, size in v.index:
            if dict(program.index_sorts).get(name, size) != size or size < 1:
                yield Illegal(v, v.name, f"its index {name} has not size {size}")
        if v.initial is None:
            if program.boot is None:
                yield Illegal(v, v.name, "no initial value, and no boot to set it")
            continue
        if len(v.initial) != v.cells:
            yield Illegal(v, v.name, f"{len(v.initial)} initial values for {v.cells} cells")
        for value in v.initial:
            if not in_sort(value, v.sort):
                yield Illegal(v, v.name, f"the initial value {value} is not in its sort")


def locals_are_plain(program: Program) -> Iterator[Illegal]:
    for process in processes(program):
        for v in process.locals:
            if v.index or v.initial is not None or v.ghost:
                yield Illegal(v, process.name, f"the local {v.name} is no single plain value")


def constants_are_in_their_sorts(program: Program) -> Iterator[Illegal]:
    for site in sites(program):
        for e in walk(site.expr):
            if isinstance(e, Const) and not in_sort(e.value, e.sort):
                yield Illegal(e, site.where, f"the constant {e.value} is not in its sort")


def properties_are_named(program: Program) -> Iterator[Illegal]:
    for p in program.properties:
        if p.kind not in ("always", "lemma", "sometimes"):
            yield Illegal(p, "", f"no property is of the kind {p.kind}")
    if sentence := _first_twice(p.sentence for p in program.properties):
        yield Illegal(program, "", f"two properties say: {sentence}")
