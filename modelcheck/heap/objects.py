"""Views of what lies in the arena: `pg.state` is a load of its location, `pg.state = x` a store.

A view has an address and nothing else; a load or store of a field that is no ghost first waits at
the `gate` until the scheduler lets this process take its step.

The attributes of a view are the fields of the spec, whatever they are called.  What the tool keeps
of it stands behind the one name `__at__`: a spec has no name that begins with two underscores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Any

from modelcheck.heap.arena import PAGE, Arena, Patterns
from modelcheck.heap.encoding import Encoding, Packed
from modelcheck.heap.faults import Fault
from modelcheck.ir import Value
from modelcheck.records import dataclass


@dataclass
class Memory:
    """The arena, and what happens at an access.

    gate        called before each access that is no ghost's
    booting     a ghost may be set again: no step shows it yet
    ghosts_set  the ghosts that were set in the present step, with their bits
    bytes_read  the addresses of the half pages that were read in the present step
    asked_for   the domains whose pattern an observation of the present step wanted to see
    """

    arena: Arena
    patterns: Patterns
    gate: Callable[[], None]
    booting: bool = True
    ghosts_set: dict[int, int] = field(default_factory=dict)
    bytes_read: list[int] = field(default_factory=list)
    asked_for: list[int] = field(default_factory=list)


class Location:
    """A field of a @shared class as a location in its record: `offset` from the view's address."""

    def __init__(
        self, memory: Memory, offset: int, encoding: Encoding, ghost: bool = False
    ) -> None:
        self.memory = memory
        self.offset = offset
        self.encoding = encoding
        self.ghost = ghost
        self.size = (encoding.bits + 7) // 8
        self._plain: dict[int, Value] = {}

    def plain(self, view: View) -> Value:
        """What the location holds, as the model writes it.  A number means the same each time."""
        number = self.memory.arena.load(view.__at__.address + self.offset, self.size)
        if number not in self._plain:
            self._plain[number] = self.encoding.plain(self.encoding.decode(number))
        return self._plain[number]

    def read(self, view: View) -> Any:
        """What the location holds, at no step."""
        number = self.memory.arena.load(view.__at__.address + self.offset, self.size)
        return self.encoding.decode(number)

    def write(self, view: View, value: Any) -> None:
        """Store, at no step.  Fault if the value is outside the field's range."""
        number = self.encoding.encode(self.encoding.fit(value))
        address = view.__at__.address + self.offset
        if self.ghost and not self.memory.booting:
            set_before = self.memory.ghosts_set.setdefault(address, number)
            if set_before != number:
                raise Fault("ghost")
        self.memory.arena.store(address, self.size, number)

    def __get__(self, view: View, owner: type) -> Any:
        if not self.ghost:
            self.memory.gate()
        return self.read(view)

    def __set__(self, view: View, value: Any) -> None:
        if not self.ghost:
            self.memory.gate()
        self.write(view, value)


class HalfPage(Location):
    """`contents.first` or `contents.second`: 2048 bytes of a page, and stored nowhere else."""

    def plain(self, view: View) -> Value:
        half = self.memory.arena.half(view.__at__.address + self.offset)
        return self.encoding.plain(self.memory.patterns.decode(half))

    def read(self, view: View) -> Any:
        address = view.__at__.address + self.offset
        self.memory.bytes_read.append(address)
        return self.memory.patterns.decode(self.memory.arena.half(address))

    def write(self, view: View, value: Any) -> None:
        letters = self.memory.patterns.letters[value]
        self.memory.arena.fill(view.__at__.address + self.offset, letters)


class At:
    """What the tool knows of an object in memory: where it is, what a trace calls it, the objects
    inside it; of an element, which sort it is of, its number in that, and all elements of it."""

    __slots__ = ("address", "embedded", "name", "number", "siblings", "sort")

    def __init__(self, address: int, name: str, embedded: dict[str, View]) -> None:
        self.address = address
        self.name = name
        self.embedded = embedded
        self.sort = self.number = -1
        self.siblings: list[Any] = []


class View:
    """An object in memory.  Its class is made for one @shared class of one spec."""

    __slots__ = ("__at__",)

    def __init__(self, at: At, /) -> None:
        self.__at__ = at

    def __repr__(self) -> str:
        return self.__at__.name


class Inside:
    """A field that is itself an object in memory (`pg.contents`): a place, no access."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, view: View, owner: type) -> View:
        return view.__at__.embedded[self.name]


class NeighbourView(View):
    """An element of an Indexed class: `pg[i]` is C's `pg + i`."""

    __slots__ = ()

    def __getitem__(self, i: int) -> Any:
        return element_at(self.__at__.siblings, self.__at__.number + i)


def numbered(view: View, sort: int, siblings: list[Any]) -> View:
    """The view as the next element of an index sort: `Page[1]`, or a process as a value."""
    view.__at__.sort, view.__at__.number, view.__at__.siblings = sort, len(siblings), siblings
    siblings.append(view)
    return view


class ArrayView:
    """Several objects: `heap[order]`, in as many dimensions as it was given."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __repr__(self) -> str:
        return repr(self.items)

    def __getitem__(self, i: int) -> Any:
        return element_at(self.items, i)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)


def element_at(items: list[Any], i: int) -> Any:
    """One of these; Fault for a number outside."""
    if not 0 <= i < len(items):
        raise Fault("index", f"{i} is outside 0..{len(items) - 1}")
    return items[i]


@dataclass(frozen=True)
class Place:
    """What an atomic is given: a location, or (with `part`) a part of the word in it."""

    view: View
    location: Location
    part: tuple[str, ...] = ()

    def read(self) -> Any:
        """The value at the place, at no step."""
        value = self.location.read(self.view)
        for name in self.part:
            value = getattr(value, name)
        return value

    def write(self, value: Any) -> None:
        """Store it at the place, at no step: of a part, its own bits in the packed integer."""
        if not self.part:
            self.location.write(self.view, value)
            return
        encoding, shift = self.location.encoding, 0
        for name in self.part:
            assert isinstance(encoding, Packed)
            encoding, below = encoding.part(name)
            shift += below
        arena, size = self.location.memory.arena, self.location.size
        address = self.view.__at__.address + self.location.offset
        mask = ((1 << encoding.bits) - 1) << shift
        number = encoding.encode(encoding.fit(value)) << shift
        arena.store(address, size, arena.load(address, size) & ~mask | number)


def place_of(base: object, path: tuple[str, ...]) -> Place:
    """The place that `base.path` names."""
    if base is None:
        raise Fault("none")
    assert isinstance(base, View)
    found = vars(type(base))[path[0]]
    if isinstance(found, Inside):
        return place_of(base.__at__.embedded[path[0]], path[1:])
    return Place(base, found, path[1:])


def page_of(address: int) -> int:
    """The number of the page that an address is in."""
    return address // PAGE
