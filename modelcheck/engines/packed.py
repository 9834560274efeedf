"""Where everything stands in a packed state: an array of words, or one number.

Each scalar part ("leaf") of a shared or ghost variable is a packed array of codes, as many bits as
its sort has values; a code is the value less the least one (None, of a Ref, is -1).  A process is
one number: those of its locations follow one another, and each has as many as the locals that are
live there have values (all others hold their defaults).  Shared memory fills the first words,
processes the last, unless fewer words do.

The native engine has words of 64 bits; a number of Python's (the quick engine) is one endless word.
Where that saves a word, leaves of variables of one class are joined: one number, of as many values
as they have together (two halves of five contents are 25, which is 5 bits and not 6).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from math import prod

from modelcheck.ir import (
    END, Bool, Enum, Int, Process, Record, Ref, Sort, Value, Variable, default_value,
)
from modelcheck.records import dataclass
from modelcheck.semantics import State
from modelcheck.semantics.states import States

WORD = 64
ENDLESS = 1 << 60  # bits of a number in Python
JOINED = 8  # bits of leaves that are joined


@dataclass(frozen=True)
class Leaf:
    """A scalar part of a sort: its path of field names, and its least and greatest number."""

    path: tuple[str, ...]
    lo: int
    hi: int

    @property
    def bits(self) -> int:
        """How many bits its code takes: none where there is one value."""
        return (self.hi - self.lo).bit_length()

    @property
    def values(self) -> int:
        """How many there are."""
        return self.hi - self.lo + 1


def leaves(sort: Sort) -> tuple[Leaf, ...]:
    """The scalar parts of a sort, in order."""
    match sort:
        case Bool():
            return (Leaf((), 0, 1),)
        case Int(lo, hi, _):
            return (Leaf((), lo, hi),)
        case Enum(_, members):
            return (Leaf((), 0, len(members) - 1),)
        case Ref(_, count, nullable):
            return (Leaf((), -1 if nullable else 0, count - 1),)
        case Record(_, fields):
            return tuple(
                Leaf((name, *leaf.path), leaf.lo, leaf.hi)
                for name, part in fields for leaf in leaves(part)
            )


def flat(value: Value, sort: Sort) -> Iterator[int]:
    """A value's scalar parts, as numbers."""
    if isinstance(sort, Record):
        assert isinstance(value, tuple)
        for part, (_, inner) in zip(value, sort.fields, strict=True):
            yield from flat(part, inner)
    else:
        assert not isinstance(value, tuple)
        yield -1 if value is None else int(value)


def whole(numbers: Iterator[int], sort: Sort) -> Value:
    """The value whose scalar parts come next: the inverse of `flat`."""
    match sort:
        case Record(_, fields):
            return tuple(whole(numbers, inner) for _, inner in fields)
        case Bool():
            return bool(next(numbers))
        case Int() | Enum():
            return next(numbers)
        case Ref():
            number = next(numbers)
            return None if number == -1 else number


@dataclass(frozen=True)
class Joined:
    """Leaves of variables with the same index as one number: the first counts least."""

    leaves: tuple[tuple[Variable, Leaf], ...]

    @cached_property
    def values(self) -> int:
        """How many there are."""
        return prod(leaf.values for _, leaf in self.leaves)

    @property
    def cells(self) -> int:
        """How many such numbers."""
        return self.leaves[0][0].cells

    @cached_property
    def bits(self) -> int:
        """How many bits they take."""
        return (self.values - 1).bit_length()


@dataclass(frozen=True)
class Field:
    """A leaf of a variable, in each of its cells: the number of cell i stands in word `word` +
    i // `each`, at bit `shift` + `joined.bits` * (i % `each`); the leaf's code is that number //
    `unit` % `leaf.values`."""

    variable: Variable
    leaf: Leaf
    word: int
    shift: int
    each: int
    joined: Joined
    unit: int

    def at(self, cell: int) -> tuple[int, int]:
        """The word and the bit of a cell."""
        return self.word + cell // self.each, self.shift + self.joined.bits * (cell % self.each)


@dataclass(frozen=True)
class Kept:
    """A live local's leaf at a location: its code is number // `unit` % `values`."""

    local: Variable
    leaf: Leaf
    unit: int

    @property
    def values(self) -> int:
        """How many there are."""
        return self.leaf.values


@dataclass(frozen=True)
class Control:
    """How a process template is one number.

    bits   of the greatest number
    first  for each location, END last, the first of its numbers; and behind them the first unused
    kept   for each location, what its number less the first says
    """

    bits: int
    first: tuple[int, ...]
    kept: tuple[tuple[Kept, ...], ...]


def control(process: Process) -> Control:
    """The numbers of a process."""
    first, kept = [0], list[tuple[Kept, ...]]()
    for action in process.actions:
        here: list[Kept] = []
        unit = 1
        for local in process.locals:
            if local.name in action.live:
                for leaf in leaves(local.sort):
                    here.append(Kept(local, leaf, unit))
                    unit *= here[-1].values
        kept.append(tuple(here))
        first.append(first[-1] + unit)
    first.append(first[-1] + 1)
    return Control((first[-1] - 1).bit_length(), tuple(first), (*kept, ()))


@dataclass(frozen=True)
class Block:
    """So many bits that stand together: a field of one word, or whole words of it."""

    bits: int
    words: int = 1


class Layout:
    """Where everything stands.

    words       how many words a state has
    bits        how many bits of them are used, of each word
    fields      the leaves of each variable, by its name
    controls    the layout of each process template, by its name
    processes   for each process, the word and the bit where its field begins
    """

    def __init__(self, states: States, word: int = WORD) -> None:
        self.states = states
        program = states.program
        self.controls = {p.name: control(p) for p in program.processes}
        apart = [Joined(((v, leaf),)) for v in program.variables for leaf in leaves(v.sort)]
        processes = [Block(self.controls[p.name].bits) for p, _, _ in states.processes]
        shared, packed = min(
            (
                (row, _packed([_block(joined, word) for joined in row], processes, word))
                for row in (apart, list(_joined(apart)))
            ),
            key=lambda found: found[1][0],
        )
        self.words, places, self.bits = packed
        fields: dict[tuple[str, Leaf], Field] = {}
        for joined, (at, shift) in zip(shared, places, strict=False):
            each = min(joined.cells, word // joined.bits) if joined.bits else joined.cells
            unit = 1
            for variable, leaf in joined.leaves:
                fields[variable.name, leaf] = Field(variable, leaf, at, shift, each, joined, unit)
                unit *= leaf.values
        self.fields = {
            v.name: [fields[v.name, leaf] for leaf in leaves(v.sort)] for v in program.variables
        }
        self.processes = tuple(places[len(shared) :])

    def mask(self, process: int) -> int:
        """The bits of a process, as they are when they are shifted down."""
        return (1 << self.controls[self.states.processes[process][0].name].bits) - 1

    def bits_of(self, variables: set[str]) -> tuple[int, ...]:
        """For each word, the bits of these variables."""
        masks = [0] * self.words
        for name in variables:
            for field in self.fields[name]:
                for cell in range(field.variable.cells):
                    word, bit = field.at(cell)
                    masks[word] |= (1 << field.joined.bits) - 1 << bit
        return tuple(masks)

    def pack(self, state: State) -> tuple[int, ...]:
        """A state of `semantics` as words."""
        words = [0] * self.words
        for cell, (variable, within) in enumerate(self.states.owners):
            numbers = flat(state[cell], variable.sort)
            for field, number in zip(self.fields[variable.name], numbers, strict=True):
                word, bit = field.at(within)
                words[word] += (number - field.leaf.lo) * field.unit << bit
        for (process, _, here), (word, shift) in zip(
            self.states.processes, self.processes, strict=True
        ):
            words[word] |= self._number(process, state, here) << shift
        return tuple(words)

    def _number(self, process: Process, state: State, here: int) -> int:
        """The number of a process, of which the location stands at `here` in a state."""
        location = state[here]
        assert isinstance(location, int)
        layout = self.controls[process.name]
        codes = {
            v.name: flat(state[here + 1 + n], v.sort) for n, v in enumerate(process.locals)
        }
        return layout.first[location] + sum(
            (next(codes[kept.local.name]) - kept.leaf.lo) * kept.unit
            for kept in layout.kept[location]
        )

    def numbers(self, process: Process) -> Iterator[tuple[str, dict[str, Value]]]:
        """What each number of a process says: its location, and its live locals."""
        layout = self.controls[process.name]
        names = (*(a.at for a in process.actions), END)
        for here, (first, end) in enumerate(pairwise(layout.first)):
            for number in range(end - first):
                codes = [
                    (kept, number // kept.unit % kept.values + kept.leaf.lo)
                    for kept in layout.kept[here]
                ]
                yield names[here], {
                    local.name: whole(
                        iter([code for kept, code in codes if kept.local is local]), local.sort
                    )
                    for local in dict.fromkeys(kept.local for kept, _ in codes)
                }

    def unpack(self, words: tuple[int, ...]) -> State:
        """The inverse of `pack`."""
        state: list[Value] = []
        for variable, within in self.states.owners:
            numbers = [
                _value(words, field, within) for field in self.fields[variable.name]
            ]
            state.append(whole(iter(numbers), variable.sort))
        for (process, _, _), (word, shift) in zip(
            self.states.processes, self.processes, strict=True
        ):
            layout = self.controls[process.name]
            number = words[word] >> shift & (1 << layout.bits) - 1
            here = bisect_right(layout.first, number) - 1
            state.append(here)
            for local in process.locals:
                numbers = [
                    (number - layout.first[here]) // kept.unit % kept.values + kept.leaf.lo
                    for kept in layout.kept[here] if kept.local.name == local.name
                ]
                state.append(
                    whole(iter(numbers), local.sort) if numbers else default_value(local.sort)
                )
        return tuple(state)


def _value(words: tuple[int, ...], field: Field, cell: int) -> int:
    word, shift = field.at(cell)
    number = words[word] >> shift & (1 << field.joined.bits) - 1
    return number // field.unit % field.leaf.values + field.leaf.lo


def _joined(apart: list[Joined]) -> Iterator[Joined]:
    """The same leaves; those that leave codes of their bits unused, joined to numbers of up to
    JOINED bits."""
    open: dict[tuple[object, bool], Joined] = {}
    for one in apart:
        ((variable, leaf),) = one.leaves
        if leaf.values == 1 << leaf.bits or leaf.bits >= JOINED:
            yield one
            continue
        kind = (variable.index, variable.ghost)
        more = Joined((*open[kind].leaves, *one.leaves)) if kind in open else one
        if more.bits > JOINED:
            yield open[kind]
            more = one
        open[kind] = more
    yield from open.values()


def _block(joined: Joined, word: int) -> Block:
    if joined.cells * joined.bits <= word:
        return Block(joined.cells * joined.bits)
    each = word // joined.bits
    return Block(word, -(-joined.cells // each))


Places = list[tuple[int, int]]


def _packed(
    shared: list[Block], processes: list[Block], size: int
) -> tuple[int, Places, tuple[int, ...]]:
    """How many words, where each block begins, and the bits used of each word: all in 63 bits of
    one word if they fit (native's runtime needs a code that is no state), else processes in words
    of their own, unless that takes more."""
    every = [*shared, *processes]
    places, used = _filled(every, size)
    if len(used) <= 1 and sum(used) < size:
        return 1, places, tuple(used) or (0,)
    first, taken = _filled(shared, size)
    behind, also = _filled(processes, size)
    if len(taken) + len(also) <= max(2, len(used)):
        begin = len(taken) if also else 0  # who is nowhere but at its end takes no bits
        places = [*first, *((word + begin, shift) for word, shift in behind)]
        used = [*taken, *also]
    used += [0] * (2 - len(used))
    return len(used), places, tuple(used)


def _filled(blocks: list[Block], size: int) -> tuple[Places, list[int]]:
    """First fit, the largest first; and the bits taken of each word."""
    room: list[int] = []
    places: dict[int, tuple[int, int]] = {}
    order = sorted(range(len(blocks)), key=lambda n: (-blocks[n].words, -blocks[n].bits, n))
    for n in order:
        block = blocks[n]
        if block.words > 1:
            places[n] = (len(room), 0)
            room += [size] * block.words
            continue
        if not block.bits:
            places[n] = (0, 0)
            continue
        fits = (w for w, taken in enumerate(room) if taken + block.bits <= size)
        word = next(fits, len(room))
        if word == len(room):
            room.append(0)
        places[n] = (word, room[word])
        room[word] += block.bits
    return [places[n] for n in range(len(blocks))], room
