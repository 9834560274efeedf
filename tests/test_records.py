"""Our `@dataclass` against the standard library's, on the same classes."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field, fields, replace
from typing import Any

import pytest

from modelcheck import records

Make = Callable[..., Any]
BOTH = pytest.mark.parametrize("dataclass", [dataclasses.dataclass, records.dataclass])


def page(dataclass: Make) -> Any:
    @dataclass(frozen=True)
    class Page:
        """A field, and what `__init__` used, had one name once."""

        number: int
        put: str = "clean"
        span: int = field(default=0, compare=False)
        seen: list[int] = field(default_factory=list, compare=False)

    return Page


@BOTH
def test_frozen(dataclass: Make) -> None:
    Page = page(dataclass)
    one = Page(1, span=7)
    assert one == Page(1) != Page(2) and hash(one) == hash(Page(1)) and one != (1, "clean")
    assert one.seen == [] and one.seen is not Page(1).seen
    assert repr(one).endswith("Page(number=1, put='clean', span=7, seen=[])")
    assert replace(one, number=2) == Page(2) and replace(one, number=2).span == 7
    assert [f.name for f in fields(one)] == list(Page.__match_args__)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'number'"):
        one.number = 2
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'put'"):
        del one.put
    for wrong in ((), (1, "clean", 0, [], 5)):
        with pytest.raises(TypeError, match=r"Page\.__init__\(\)"):
            Page(*wrong)


@BOTH
def test_what_a_class_says_itself_is_kept(dataclass: Make) -> None:
    @dataclass
    class Counted:
        count: int = 1

        def __post_init__(self) -> None:
            self.count += 1

        def __repr__(self) -> str:
            return "counted"

    @dataclass(frozen=True)
    class Close(page(dataclass)):  # type: ignore[misc]
        near: int = 0

        def __eq__(self, other: object) -> bool:
            return True

    assert Counted().count == 2 and repr(Counted()) == "counted" and Counted(3) == Counted(3)
    with pytest.raises(TypeError, match="unhashable"):
        hash(Counted())
    assert Close(1) == Close(2) and hash(Close(1)) == hash(Close(1)) != hash(Close(2))


@BOTH
def test_without_eq(dataclass: Make) -> None:
    @dataclass(frozen=True, eq=False)
    class Point:
        at: int

    assert Point(1) != Point(1) and len({Point(1), Point(1)}) == 2


@records.dataclass(frozen=True)
class Kept:
    """At the top of a module, for pickle."""

    at: int


def test_it_goes_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(Kept(3))) == Kept(3)
