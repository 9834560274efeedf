"""How values lie in memory: each kind of value as a number of some bits, a word as its fields'
bits side by side in one packed integer.

    CountInfo(state: PGC, need_scrub: bool)     bit 0: state    bit 1: need_scrub
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Protocol

from modelcheck.heap.faults import Fault
from modelcheck.ir import Value
from modelcheck.records import dataclass


class Encoding(Protocol):
    """What a memory location, or a part of a word, holds."""

    @property
    def bits(self) -> int:
        """How many bits it takes."""

    def fit(self, value: Any) -> Any:
        """The value as it is stored (a wrapping counter wraps); Fault if it has no room."""

    def encode(self, value: Any) -> int:
        """A fitting value's bits."""

    def decode(self, number: int) -> Any:
        """The value that these bits stand for."""

    def plain(self, value: Any) -> Value:
        """The value as the model writes it."""


class EnumMember:
    """A member of an Enum of the spec; a debugger shows it as it is written: `Scrub.NEED_SCRUB`."""

    __slots__ = ("__shown__",)

    def __init__(self, shown: str, /) -> None:
        self.__shown__ = shown

    def __repr__(self) -> str:
        return self.__shown__


class EnumView:
    """An Enum of the spec.  Its attributes are its members, whatever they are called (an
    `enum.Enum` has no room for `mro`)."""

    def __init__(self, name: str, members: Sequence[str], /) -> None:
        vars(self).update((member, EnumMember(f"{name}.{member}")) for member in members)

    def __iter__(self) -> Iterator[EnumMember]:
        return iter(vars(self).values())


class WordView:
    """A word as a value: a frozen record.  Its attributes are its fields, whatever they are called;
    `word_class` makes a class for each word of a spec."""

    __slots__ = ()
    __stored__: tuple[tuple[str, Encoding], ...] = ()
    __defaults__: ClassVar[dict[str, Any]] = {}

    def __init__(self, /, *values: Any, **fields: Any) -> None:
        given = self.__defaults__ | dict(
            zip((n for n, _ in self.__stored__), values, strict=False)
        ) | fields
        for name, encoding in self.__stored__:
            object.__setattr__(self, name, encoding.fit(given[name]))

    def __setattr__(self, name: str, value: Any, /) -> None:
        raise AssertionError(f"a word is replaced, never changed in part: {name}")

    def __eq__(self, other: object, /) -> bool:
        return type(self) is type(other) and values_of(self) == values_of(other)

    def __hash__(self) -> int:
        return hash(values_of(self))

    def __repr__(self) -> str:
        parts = zip(self.__stored__, values_of(self), strict=True)
        return f"{type(self).__name__}({', '.join(f'{n}={v!r}' for (n, _), v in parts)})"


def values_of(word: WordView) -> tuple[Any, ...]:
    """The values of its fields, in order."""
    return tuple(getattr(word, name) for name, _ in word.__stored__)


def replaced(word: WordView, fields: dict[str, Any]) -> WordView:
    """The word with other values in these fields."""
    now = dict(zip((n for n, _ in word.__stored__), values_of(word), strict=True))
    return type(word)(**(now | fields))


def word_class(
    name: str, stored: tuple[tuple[str, Encoding], ...], defaults: dict[str, Any]
) -> type[WordView]:
    """The class of a word: how each of its fields is stored, and what some are if nothing is
    said."""
    slots = tuple(n for n, _ in stored)
    members = {"__slots__": slots, "__stored__": stored, "__defaults__": defaults}
    return type(name, (WordView,), members)


@dataclass(frozen=True)
class Flag:
    """A bool: one bit."""

    bits: int = 1

    def fit(self, value: Any) -> Any:
        return value

    def encode(self, value: Any) -> int:
        return int(value)

    def decode(self, number: int) -> Any:
        return number == 1

    def plain(self, value: Any) -> Value:
        return bool(value)


@dataclass(frozen=True)
class Number:
    """An int in lo..hi; `wraps`: modulo hi + 1."""

    lo: int
    hi: int
    wraps: bool = False

    @property
    def bits(self) -> int:
        return max(1, (self.hi - self.lo).bit_length())

    def fit(self, value: Any) -> Any:
        if self.wraps:
            return value % (self.hi + 1)
        if not self.lo <= value <= self.hi:
            raise Fault("range", f"{value} is outside {self.lo}..{self.hi}")
        return value

    def encode(self, value: Any) -> int:
        return int(value) - self.lo

    def decode(self, number: int) -> Any:
        return number + self.lo

    def plain(self, value: Any) -> Value:
        return int(value)


@dataclass(frozen=True)
class Member:
    """A member of an Enum, as its ordinal."""

    members: tuple[EnumMember, ...]

    @property
    def bits(self) -> int:
        return max(1, (len(self.members) - 1).bit_length())

    def fit(self, value: Any) -> Any:
        return value

    def encode(self, value: Any) -> int:
        return self.members.index(value)

    def decode(self, number: int) -> Any:
        return self.members[number]

    def plain(self, value: Any) -> Value:
        return self.members.index(value)


class Numbers(Protocol):
    """Which element of which index sort something is."""

    sort: int
    number: int


class Numbered(Protocol):
    """An element of an index sort: a page, a process."""

    @property
    def __at__(self) -> Numbers: ...


NO_ELEMENT = 0xFFFF
NUMBER_BITS = 10


@dataclass(frozen=True)
class Reference:
    """An element of any index sort: the number of its sort above its own, or 0xFFFF for None."""

    elements: Sequence[Sequence[Any]]
    nullable: bool
    bits: int = 16

    def fit(self, value: Any) -> Any:
        if value is None and not self.nullable:
            raise Fault("none", "None is put where only an element may be")
        return value

    def encode(self, value: Numbered | None) -> int:
        if value is None:
            return NO_ELEMENT
        return value.__at__.sort << NUMBER_BITS | value.__at__.number

    def decode(self, number: int) -> Any:
        if number == NO_ELEMENT:
            return None
        return self.elements[number >> NUMBER_BITS][number & (1 << NUMBER_BITS) - 1]

    def plain(self, value: Numbered | None) -> Value:
        return None if value is None else value.__at__.number


@dataclass(frozen=True)
class Packed:
    """A word: the bits of its fields side by side, the first lowest.  `make` builds the record."""

    make: Callable[..., Any]
    fields: tuple[tuple[str, Encoding], ...]

    @property
    def bits(self) -> int:
        return sum(e.bits for _, e in self.fields)

    def fit(self, value: Any) -> Any:
        return value

    def encode(self, value: Any) -> int:
        number = shift = 0
        for name, encoding in self.fields:
            number |= encoding.encode(getattr(value, name)) << shift
            shift += encoding.bits
        return number

    def decode(self, number: int) -> Any:
        parts = []
        for _, encoding in self.fields:
            parts.append(encoding.decode(number & (1 << encoding.bits) - 1))
            number >>= encoding.bits
        return self.make(*parts)

    def plain(self, value: Any) -> Value:
        return tuple(e.plain(getattr(value, n)) for n, e in self.fields)

    def part(self, name: str) -> tuple[Encoding, int]:
        """A field's encoding, and how many bits lie below it."""
        shift = 0
        for field, encoding in self.fields:
            if field == name:
                return encoding, shift
            shift += encoding.bits
        raise KeyError(name)
