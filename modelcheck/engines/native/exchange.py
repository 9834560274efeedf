"""Of states that differ in nothing but an exchange of elements and processes, one for all, in C.

`passes/symmetry.py` says what may be exchanged, `passes/tickets.py` which numbers may be turned.
A state is a row of parts (a leaf of a cell, a process), and an exchange puts each part's code,
itself exchanged, where its part then stands: so that the whole is put together from tables that
have, for some parts at a time, what becomes of all their codes.  The least of the states that the
exchanges make stands for all.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cached_property

from modelcheck.engines.packed import Field, Layout
from modelcheck.flow import sorts
from modelcheck.ir import Enum, Process, Record, Ref, Sort, Variable
from modelcheck.passes.symmetry import PROCESS, Symmetry, dimensions
from modelcheck.passes.tickets import Counters, turned
from modelcheck.records import dataclass
from modelcheck.semantics import State

MOST_EXCHANGES = 5040
MOST_NUMBERS = 400_000  # in the tables of the C text, for all exchanges: of more, fewer are made


@dataclass(frozen=True)
class Exchange:
    """One exchange: for each class, enum and `process` what each number becomes (others stay); and
    by how much counters are turned."""

    of: tuple[tuple[str, tuple[int, ...]], ...]
    turns: tuple[tuple[Counters, int], ...] = ()

    def number(self, name: str, n: int) -> int:
        """What a number becomes."""
        for known, becomes in self.of:
            if known == name:
                return becomes[n]
        return n


    @property
    def swaps(self) -> bool:
        """Whether elements or processes are exchanged."""
        return any(becomes != tuple(range(len(becomes))) for _, becomes in self.of)

    @property
    def turns_counters(self) -> bool:
        """Whether counters are turned."""
        return any(by for _, by in self.turns)


@dataclass(frozen=True)
class Part:
    """A part of a state: where it stands, and how many codes it has."""

    word: int
    shift: int
    bits: int
    codes: int


def exchanges(symmetry: Symmetry, layout: Layout) -> list[Exchange]:
    """Every exchange, the one that changes nothing first; fewer kinds of them if there are too
    many."""
    program = layout.states.program
    sizes = dict(program.index_sorts)
    counts = {p.name: p.count for p in program.processes}
    numbers = sum(control.first[-1] for control in layout.controls.values())
    most = min(MOST_EXCHANGES, MOST_NUMBERS // numbers)
    kinds: list[tuple[int, str]] = sorted(
        [(sizes[name], f"class {name}") for name in symmetry.classes]
        + [(counts[t.name], f"template {t.name}") for t in symmetry.templates]
    )
    chosen: dict[str, list[tuple[int, ...]]] = {}
    total = 1
    turns: list[list[tuple[Counters, int]]] = []
    for counters in symmetry.counters:
        if total * counters.size <= most:
            total *= counters.size
            turns.append([(counters, by) for by in range(counters.size)])
    for size, name in kinds:
        if total * math.factorial(size) <= most:
            total *= math.factorial(size)
            chosen[name] = list(itertools.permutations(range(size)))
    return [
        _exchange(dict(zip(chosen, ways, strict=True)), symmetry, layout, turned)
        for turned in itertools.product(*turns)
        for ways in itertools.product(*chosen.values())
    ]


def _exchange(
    ways: dict[str, tuple[int, ...]], symmetry: Symmetry, layout: Layout,
    turns: tuple[tuple[Counters, int], ...],
) -> Exchange:
    program = layout.states.program
    of: dict[str, list[int]] = {PROCESS: list(range(len(layout.processes)))}
    for name in symmetry.classes:
        if f"class {name}" in ways:
            of[name] = list(ways[f"class {name}"])
    first = 0
    for process in program.processes:
        way = ways.get(f"template {process.name}")
        if way is not None:
            of[PROCESS][first : first + process.count] = [first + n for n in way]
            template = next(t for t in symmetry.templates if t.name == process.name)
            for along in template.along:
                becomes = of.setdefault(along.name, list(range(_size(along.name, layout))))
                for n, m in enumerate(way):
                    becomes[along.offset + n] = along.offset + m
        first += process.count
    return Exchange(tuple((name, tuple(becomes)) for name, becomes in of.items()), turns)


def _size(name: str, layout: Layout) -> int:
    """How many elements a class, or members an enum, has."""
    sizes = dimensions(layout.states.program)
    if name in sizes:
        return sizes[name]
    return next(len(e.members) for e in _enums(layout) if e.name == name)


def _enums(layout: Layout) -> Iterator[Enum]:
    return (sort for sort in sorts(layout.states.program) if isinstance(sort, Enum))


# -------------------------------------------------------------------------------------- the parts


def scalar(sort: Sort, path: tuple[str, ...]) -> Sort:
    """The sort of a leaf."""
    for name in path:
        assert isinstance(sort, Record)
        sort = dict(sort.fields)[name]
    return sort


def _code(code: int, sort: Sort, exchange: Exchange) -> int:
    """What the code of a leaf becomes."""
    match sort:
        case Ref(cls, _, nullable):
            n = code - nullable
            return code if n < 0 else exchange.number(cls, n) + nullable
        case Enum(name):
            return exchange.number(name, code)
        case _:
            return code


def _cell(cell: int, variable: Variable, exchange: Exchange) -> int:
    """Where a cell of an array goes."""
    becomes, stride = 0, 1
    for name, size in reversed(variable.index):
        becomes += exchange.number(name, cell % size) * stride
        cell //= size
        stride *= size
    return becomes


class _Parts:
    """The parts of a state, and what each exchange makes of them."""

    def __init__(self, layout: Layout, every: list[Exchange]) -> None:
        self.layout = layout
        self.every = every
        self.parts: list[Part] = []
        self.to: list[list[tuple[int, int]]] = []
        self.maps: list[tuple[tuple[int, ...], ...]] = []
        for fields in layout.fields.values():
            for field in fields:
                if field.joined.bits and (field.variable, field.leaf) == field.joined.leaves[0]:
                    codes = field.joined.values
                    table = tuple(
                        tuple(_number(c, field, x) for c in range(codes)) for x in every
                    )
                    for cell in range(field.variable.cells):
                        self.parts.append(Part(*field.at(cell), field.joined.bits, codes))
                        self.maps.append(table)
                        self.to.append([
                            field.at(_cell(cell, field.variable, x)) for x in every
                        ])
        tables = {
            p.name: tuple(tuple(_numbers(p, layout, x)) for x in every)
            for p in layout.states.program.processes
        }
        for n, (process, _, _) in enumerate(layout.states.processes):
            control = layout.controls[process.name]
            word, shift = layout.processes[n]
            if not control.bits:  # it has ended before its first step
                continue
            self.parts.append(Part(word, shift, control.bits, control.first[-1]))
            self.maps.append(tables[process.name])
            self.to.append([layout.processes[x.number(PROCESS, n)] for x in every])
        order = sorted(range(len(self.parts)), key=lambda n: (
            self.parts[n].word, self.parts[n].shift
        ))
        self.parts = [self.parts[n] for n in order]
        self.maps = [self.maps[n] for n in order]
        self.to = [self.to[n] for n in order]


def _number(number: int, field: Field, exchange: Exchange) -> int:
    """What the number of a cell becomes, in which the field's leaf is joined with others."""
    becomes, unit = 0, 1
    for variable, leaf in field.joined.leaves:
        code = number // unit % leaf.values
        sort = scalar(variable.sort, leaf.path)
        code = turned(_code(code, sort, exchange), ("", variable.name), exchange.turns, sort)
        becomes += code * unit
        unit *= leaf.values
    return becomes


def _numbers(process: Process, layout: Layout, exchange: Exchange) -> Iterator[int]:
    """What each number of a process becomes: its locals, exchanged."""
    control = layout.controls[process.name]
    for first, kept in zip(control.first, control.kept, strict=False):
        becomes = [first]
        for k in kept:
            sort, holder = scalar(k.local.sort, k.leaf.path), (process.name, k.local.name)
            codes = [
                turned(_code(code, sort, exchange), holder, exchange.turns, sort) * k.unit
                for code in range(k.values)
            ]
            becomes = [number + code for code in codes for number in becomes]
        yield from becomes


def exchange_in_c(symmetry: Symmetry, layout: Layout) -> str:
    """The tables of `canonical` in runtime/exchange.c; without an exchange, that there is none."""
    every = exchanges(symmetry, layout)
    if len(every) == 1:
        return "#define EXCHANGES 1"
    parts = _Parts(layout, every)
    return _tables(parts, list(dict.fromkeys(parts.maps)), every)


def _tables(
    parts: _Parts, distinct: list[tuple[tuple[int, ...], ...]], every: list[Exchange]
) -> str:
    lines = [f"#define EXCHANGES {len(every)}", f"#define PARTS {len(parts.parts)}"]
    for n, table in enumerate(distinct):
        flat = ", ".join(str(code) for row in table for code in row)
        lines.append(f"static const uint32_t becomes_{n}[] = {{{flat}}};")
    lines.append("static const struct part parts[PARTS] = {")
    for part, table in zip(parts.parts, parts.maps, strict=True):
        name = distinct.index(table)
        lines.append(
            f"    {{{part.word}, {part.shift}, {part.bits}, {part.codes}, becomes_{name}}},"
        )
    lines.append("};")
    lines.append("static const uint8_t part_to[PARTS][EXCHANGES][2] = {")
    for to in parts.to:
        lines.append("    {" + ", ".join(f"{{{w}, {s}}}" for w, s in to) + "},")
    lines.append("};")
    lines.append("static const uint8_t process_to[EXCHANGES][PROCESSES] = {")
    for x in every:
        row = ", ".join(str(x.number(PROCESS, n)) for n in range(len(parts.layout.processes)))
        lines.append(f"    {{{row}}},")
    lines.append("};")
    return "\n".join(lines)


class Exchanger:
    """What `stand_for_all` in runtime/exchange.c does, on states of `semantics`."""

    def __init__(self, symmetry: Symmetry, layout: Layout) -> None:
        self.layout = layout
        self.every = exchanges(symmetry, layout)

    @property
    def exchanges(self) -> bool:
        """Whether there is anything to exchange."""
        return len(self.every) > 1

    @cached_property
    def parts(self) -> _Parts:
        """What the exchanges make of each part: made when a run is told, not for each search."""
        return _Parts(self.layout, self.every)

    def one_for_all(self, state: State) -> tuple[State, tuple[int, ...]]:
        """The state that stands for this one, and what each process is called there."""
        if not self.exchanges:
            return state, tuple(range(len(self.layout.processes)))
        words, x = self.least(state)
        becomes = tuple(x.number(PROCESS, n) for n in range(len(self.layout.processes)))
        return self.layout.unpack(words), becomes

    def least(self, state: State) -> tuple[tuple[int, ...], Exchange]:
        """The state that stands for this one, packed, and the exchange that makes it."""
        words = self.layout.pack(state)
        which = min(range(len(self.every)), key=lambda x: (self._exchanged(words, x), x))
        return self._exchanged(words, which), self.every[which]

    def _exchanged(self, words: tuple[int, ...], x: int) -> tuple[int, ...]:
        found = [0] * self.layout.words
        for part, table, to in zip(
            self.parts.parts, self.parts.maps, self.parts.to, strict=True
        ):
            code = words[part.word] >> part.shift & (1 << part.bits) - 1
            word, shift = to[x]
            found[word] |= table[x][code] << shift
        return tuple(found)
