"""A spec's names are its own: none is taken for a name of the tool."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.pipeline import verify
from modelcheck.trace import Limits

FIELDS = ("number", "name", "sort", "address", "siblings", "embedded", "self", "encodings", "mro")
CLASS = """from dataclasses import dataclass
from enum import Enum, auto
from modelcheck.lang import always, element, process, shared

class State(Enum):
    value = auto()
    {0} = auto()

@dataclass(frozen=True)
class W:
    {0}: bool = False
    word: bool = False

@shared(count=2)
class C:
    {0}: bool = False
    w: W = W()
    s: State = State.value

@process
def p() -> None:
    c = element(C, 1)
    c.w = W({0}=True)
    c.s = State.{0}
    c.{0} = True

@always
def it_is_false() -> bool:
    return not element(C, 1).{0}
"""
TAGGED = """from dataclasses import dataclass
from modelcheck.lang import always, array, boot, element, instances, process, shared

@shared(count=2)
class Node:
    next: "Outer"

@dataclass(frozen=True)
class Pointer:
    node: "Node | None" = None
    tag: bool = False

@dataclass(frozen=True)
class Outer:
    inner: Pointer = Pointer(None, False)
    head: "Node | None" = None

@shared
class Head:
    first: Outer = Outer()

heads = array(Head, 2)

@boot
def empty() -> None:
    for node in instances(Node):
        node.next = Outer()

@process
def pusher() -> None:
    element(Node, 0).next = Outer(Pointer(element(Node, 1), True), None)
    heads[1].first = Outer(Pointer(element(Node, 0), False), element(Node, 1))

@always
def the_head_points_nowhere() -> bool:
    return heads[1].first.inner.node is None
"""


def validated(text: str, folder: Path) -> str:
    """What became of the trace of the violation on the executable allocator."""
    (folder / "spec.py").write_text(text)
    checked = verify(str(folder / "spec.py"), {}, (), Limits(), lambda *_: None)
    assert checked.verdict.outcome == "VIOLATED"
    validation = checked.verdict.validation
    return validation.mark if validation is not None else "none"


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_may_be_called_as_the_allocators_own(name: str, tmp_path: Path) -> None:
    """The allocator's views had attributes of these names, which a spec's fields hid; an enum.Enum
    has no member mro; a word had an attribute encodings."""
    assert validated(CLASS.format(name), tmp_path) == "validated"


def test_a_class_and_a_word_refer_to_each_other(tmp_path: Path) -> None:
    """The tagged pointer of a lock-free queue: the allocator laid out the class before it knew the
    word (KeyError), and the verdict was lost."""
    assert validated(TAGGED, tmp_path) == "validated"


def test_a_local_of_the_tool_is_no_local_of_the_spec(tmp_path: Path) -> None:
    """The end of a loop over `i` was kept in a local i_end, which the spec's own i_end overwrote:
    the loop ended early, and what it would have found was missed."""
    text = """from typing import Annotated
from modelcheck.lang import always, between, process, shared

@shared
class C:
    n: Annotated[int, between(0, 3)] = 3
    turns: Annotated[int, between(0, 3)] = 0

c = C()

@process
def p() -> None:
    n = c.n
    i_end = 0
    for i in range(n):
        i_end = 1
        c.turns = i + i_end

@always
def it_never_turns_thrice() -> bool:
    return c.turns != 3
"""
    assert validated(text, tmp_path) == "validated"


def test_two_functions_never_share_a_local(tmp_path: Path) -> None:
    """f's second variant kept its locals as f_2.v; so did a function called f_2, and where one
    calls the other, the caller's local was overwritten: the violation was missed."""
    text = """from typing import Protocol, TypeVar
from modelcheck.lang import always, element, process, shared

class Marked(Protocol):
    x: bool

T = TypeVar("T", bound=Marked)

@shared(count=1)
class A:
    x: bool = False

@shared(count=2)
class B:
    x: bool = False
    y: bool = False

def f_2() -> None:
    v = element(B, 0)
    v.y = True

def f(it: T) -> None:
    v = it
    f_2()
    v.x = True

@process
def p() -> None:
    f(element(A, 0))
    f(element(B, 1))

@always
def the_second_is_not_marked() -> bool:
    return not element(B, 1).x
"""
    assert validated(text, tmp_path) == "validated"
