"""What is declared of a local, an argument or a result means the same everywhere: in a function
that takes steps, and in one that stands within an expression (in a process, an assert, a wait, a
property, boot or an interrupt), whether its value is used or not.

In each spec below `# here` is on the line that goes wrong, and nowhere if nothing does.  It was
that HOLDS was said of most of them by all engines, since what was declared in a function without
accesses was not looked at."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from modelcheck.engines.quick.search import explore as quick
from modelcheck.engines.reference import explore
from modelcheck.frontend.compile import compile_with_lines
from modelcheck.trace import Limits, Verdict
from modelcheck.validate import by_its_lines, validated
from tests.agree.naive_graph import agrees
from tests.agree.symbolic import against
from tests.heap.small import agreed

HEAD = '''\
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Annotated, Protocol, TypeVar
from modelcheck.lang import (
    Ghost, Indexed, Lock, always, array, atomic, between, boot, choose, cmpxchg, element,
    fetch_update, index_of, instances, interrupt, irqs_off, not_null, param, predicate, process,
    shared, sometimes, spin_lock, spin_unlock, wait_until, wrapping, xchg,
)

@shared(count=2)
class Page(Indexed):
    n: Annotated[int, between(0, 9)] = 0
    next: "Page | None" = None

@dataclass(frozen=True)
class Word:
    n: Annotated[int, between(0, 2)] = 0
    w: Annotated[int, wrapping(2)] = 0
    b: bool = False

@shared
class R:
    one: Annotated[int, wrapping(2)] = 1
    got: Annotated[int, between(0, 9)] = 5
    flag: bool = False
    pg: Page | None = None
    word: Word = Word()

r = R()

class HasN(Protocol):
    n: Annotated[int, between(0, 9)]

P = TypeVar("P", bound=HasN)
Bit = Annotated[int, wrapping(2)]
Small = Annotated[int, between(0, 1)]

def bit(h: int) -> int:
    n: Bit = h + 1
    return n
def small(h: int) -> int:
    n: Small = h + 1
    return n
def unused(h: int) -> int:
    n: Small = h + 1
    return 3
def not_used(h: Small) -> int:
    return 3
def wraps_argument(h: Bit) -> int:
    return h
def wraps_result(h: int) -> Bit:
    return h + 1
def small_result(h: int) -> Small:
    return h + 1
def twice(h: Bit) -> int:
    h = h + 1
    h += 1
    return h
def needs(p: Page | None) -> int:
    q = not_null(p)
    return 3
def says(p: Page | None) -> int:
    not_null(p)
    return 3
def page_local(p: Page | None) -> int:
    q: Page = p
    return 3
def page_argument(p: Page) -> int:
    return 3
def page_result(p: Page | None) -> Page:
    return p
def any_page(p: P) -> int:
    return 3
def word_of(h: int) -> Word:
    return Word(n=h)
def only_flag(h: int) -> bool:
    return Word(n=h + 2, b=True).b
def turned(h: int) -> int:
    return Word(w=h + 1).w
def third(h: int) -> Page:
    return element(Page, h)
def of_next(h: int) -> int:
    return small(h) + 1
def early(h: int) -> int:
    if h > 0:
        return 0
    n: Small = h + 2
    return n
def takes_a_step(h: Small) -> Small:
    r.flag = True
    return h + 1
def in_turn(h: int) -> Bit:
    return takes_a_step(h)
def to_bit(h: int) -> Bit:
    r.flag = True
    return h + 1
def in_its_turn(h: int) -> int:
    return to_bit(h)
@predicate
def is_small(h: Bit) -> bool:
    n: Small = h + r.got
    return n < 9
'''

PROCESS = """
@process
def p() -> None:
    h = r.one
"""

# ------------------------------------------------------------------------ in a process's own lines

HOLDING = (
    "r.got = bit(h)\n    got = r.got\n    assert got == 0, 'wrapped'",
    "n = bit(h)\n    assert n == 0, 'wrapped'",
    "n = wraps_argument(h + 1)\n    assert n == 0, 'wrapped'",
    "n = wraps_argument(5)\n    assert n == 1, 'wrapped'",
    "n = wraps_result(h)\n    assert n == 0, 'wrapped'",
    "assert wraps_result(h) == 0, 'wrapped'",
    "assert wraps_result(h) != h, 'of one modulus'",
    "n = twice(h + 1)\n    assert n == 0, 'wrapped at each'",
    "n = turned(h)\n    assert n == 0, 'wrapped in the word'",
    "n = Word(w=h + 1).w\n    assert n == 0, 'wrapped in the word'",
    "n = to_bit(h)\n    assert n == 0, 'a result wraps'",
    "n: Annotated[int, between(0, 9)] = to_bit(h)\n    assert n == 0, 'and then is stored'",
    "n: Annotated[int, between(0, 9)] = in_its_turn(h)\n    assert n == 0, 'and returned again'",
    "n = small(h) if h == 0 else 4\n    assert n == 4, 'the arm is not taken'",
    "b = h == 0 and small(h) == 0\n    assert not b, 'no need to look'",
    "b = h == 1 or small(h) == 0\n    assert b, 'no need to look'",
    "n = early(h)\n    assert n == 0, 'it has returned'",
    "if h == 0 and unused(h) == 3:\n        r.flag = True",
    "q = element(Page, 0)\n    n = page_argument(q)\n    n = any_page(q)\n    q = page_result(q)",
    "q = r.pg\n    if q is not None:\n        n = page_argument(q)",
    "q = r.pg\n    n = page_argument(q) if q is not None else 0",
    "with atomic('at once'):\n        n = bit(h)\n        r.got = n\n    got = r.got\n"
    "    assert got == 0, 'wrapped'",
)

GOING_WRONG = (
    ("range", "r.got = small(h)"),
    ("range", "n = small(h)"),
    ("range", "r.got = unused(h)"),
    ("range", "n = unused(h)"),
    ("range", "n = not_used(h + 1)  # here"),
    ("range", "n = small_result(h)"),
    ("range", "b = small_result(h) == 0"),
    ("range", "assert small_result(h) != 9, 'never'"),
    ("range", "n = of_next(h)"),
    ("range", "n = early(h - 1)"),
    ("range", "if unused(h) == 3:\n        pass"),
    ("range", "if unused(h) == 4:\n        r.flag = True"),
    ("range", "while unused(h) != 3:\n        h = r.one"),
    ("range", "n = 4 if unused(h) == 3 else 4"),
    ("range", "wait_until(r.got == unused(h))"),
    ("range", "n = choose(unused(h), 3)"),
    ("range", "for i in range(unused(h)):\n        r.flag = True"),
    ("range", "q = element(Page, unused(h) - 3)"),
    ("range", "n = xchg(r.got, unused(h))"),
    ("range", "n = cmpxchg(r.got, 0, unused(h))"),
    ("range", "w = word_of(h + 2)"),
    ("range", "b = word_of(h + 2).b"),
    ("range", "b = only_flag(h)"),
    ("range", "b = Word(n=h + 2, b=True).b  # here"),
    ("range", "w = replace(Word(n=h + 2), n=0)  # here"),
    ("range", "with atomic('at once'):\n        n = unused(h)"),
    ("range", "n = takes_a_step(h)"),
    ("range", "takes_a_step(h)"),
    ("range", "n = in_turn(h)"),
    ("range", "n: Annotated[int, between(0, 9)] = takes_a_step(h)"),
    ("range", "assert is_small(h), 'asked'"),
    ("range", "assert h == 0 or is_small(h), 'asked'"),
    ("none", "v = r.pg\n    r.got = needs(v)"),
    ("none", "v = r.pg\n    n = says(v)"),
    ("none", "v = r.pg\n    n = page_local(v)"),
    ("none", "v = r.pg\n    n = page_argument(v)  # here"),
    ("none", "v = r.pg\n    n = any_page(v)  # here"),
    ("none", "v = r.pg\n    q = page_result(v)"),
    ("none", "v = r.pg\n    b = page_result(v) == element(Page, 0)"),
    ("none", "v = r.pg\n    not_null(v)  # here"),
    ("none", "v = r.pg\n    if not_null(v) == element(Page, 0):  # here\n        pass"),
    ("none", "v = r.pg\n    n = cmpxchg(r.got, 0, index_of(v))  # here"),
    ("index", "q = third(h + 1)"),
    ("index", "n = not_used(index_of(element(Page, h + 1)))  # here"),
)

LINES = {  # of the functions above, the line that goes wrong
    "small": "n: Small = h + 1", "unused": "n: Small = h + 1", "early": "n: Small = h + 2",
    "small_result": "return h + 1", "takes_a_step": "return h + 1", "needs": "q = not_null(p)",
    "says": "not_null(p)", "page_local": "q: Page = p", "page_result": "return p",
    "word_of": "return Word(n=h)", "only_flag": "return Word(n=h + 2, b=True).b",
    "third": "return element(Page, h)", "is_small": "n: Small = h + r.got",
}  # fmt: skip


def lines_of(text: str, body: str) -> set[int]:
    """The lines that may be said to go wrong: the one marked, or those of the functions called."""
    lines = text.splitlines()
    marked = {n for n, line in enumerate(lines, 1) if line.endswith("# here")}
    if marked:
        return marked
    called = set(re.findall(r"\w+(?=\()", body)) & {*LINES, "of_next", "in_turn"}
    called = {{"of_next": "small", "in_turn": "takes_a_step"}.get(name, name) for name in called}
    found = set()
    for name in called:
        begin = next(n for n, line in enumerate(lines) if line.startswith(f"def {name}("))
        found.add(next(n for n in range(begin, len(lines)) if LINES[name] in lines[n]) + 1)
    return found


def looked_at(text: str, folder: Path, naively: bool = True) -> Verdict:
    """What the engines and the executable allocator say of a spec, which is the same; and a naive
    interpreter, which knows no properties that go wrong."""
    path = folder / "spec.py"
    path.write_text(text, encoding="utf-8")
    spec, program, unmerged = compile_with_lines(str(path), {})
    verdict = explore(program, Limits())
    assert quick(program, Limits()).outcome == verdict.outcome
    assert against(verdict, program, 6, 8) is None
    assert not naively or agrees(program, 200)
    agreed(spec, program, 5, 20)
    by_lines = by_its_lines(verdict, unmerged)
    validation = validated(by_lines, spec, program).validation
    assert validation is None or validation.mark == "validated", validation
    return by_lines


@pytest.mark.parametrize("body", HOLDING)
def test_it_holds(body: str, tmp_path: Path) -> None:
    assert looked_at(f"{HEAD}{PROCESS}    {body}\n", tmp_path).outcome == "HOLDS"


@pytest.mark.parametrize(("kind", "body"), GOING_WRONG)
def test_it_goes_wrong(kind: str, body: str, tmp_path: Path) -> None:
    text = f"{HEAD}{PROCESS}    {body}\n"
    failed(looked_at(text, tmp_path), kind, lines_of(text, body))


def failed(verdict: Verdict, kind: str, lines: set[int]) -> None:
    assert verdict.outcome == "VIOLATED"
    assert verdict.trace is not None and verdict.trace.failure is not None
    assert verdict.trace.failure.kind == kind
    assert verdict.trace.failure.source is not None
    assert verdict.trace.failure.source.line in lines


# ---------------------------------------------------------------------- elsewhere than in processes

STEP = """
@process
def p() -> None:
    r.flag = True
"""

ELSEWHERE = {
    "an interrupt": (
        "range",
        "@process\ndef p() -> None:\n    r.flag = True\n    r.flag = False\n"
        "@interrupt(of=p)\ndef irq() -> None:\n    h = r.one\n    n = unused(h)\n",
        "n: Small = h + 1",
    ),
    "boot": (
        "range", f"{STEP}@boot\ndef begin() -> None:\n    r.got = unused(r.one)\n",
        "n: Small = h + 1",
    ),
    "two at once in boot": (
        "range",
        f"{STEP}@boot\ndef begin() -> None:\n    n: Small = 0\n    n, r.got = r.got, n\n",
        "n, r.got = r.got, n",
    ),
    "a loop's variable": (
        "range",
        "@process\ndef p() -> None:\n    n: Small = 0\n    for n in range(3):\n"
        "        r.got = n\n",
        "for n in range(3):",
    ),
    "a ghost": (
        "range",
        "@shared\nclass G:\n    seen: Ghost[Annotated[int, between(0, 9)]] = 0\ng = G()\n"
        "@process\ndef p() -> None:\n    h = r.one\n    g.seen = unused(h)\n",
        "n: Small = h + 1",
    ),
    "an update": (
        "range",
        "def update(w: Word) -> Word:\n    n: Small = w.n + 2\n    return w\n"
        "@process\ndef p() -> None:\n    w = fetch_update(r.word, update)\n",
        "n: Small = w.n + 2",
    ),
    "an update's argument": (
        "range",
        "def update(n: Small) -> int:\n    return 0\n"
        "@process\ndef p() -> None:\n    old = fetch_update(r.got, update)\n",
        "old = fetch_update(r.got, update)",
    ),
    "a wait": (
        "range", "@process\ndef p() -> None:\n    n = 5\n    wait_until(r.got == unused(n))\n",
        "n: Small = h + 1",
    ),
}


@pytest.mark.parametrize("where", ELSEWHERE)
def test_it_goes_wrong_elsewhere(where: str, tmp_path: Path) -> None:
    kind, body, wrong = ELSEWHERE[where]
    text = f"{HEAD}{body}"
    lines = {n for n, line in enumerate(text.splitlines(), 1) if line.strip() == wrong}
    failed(looked_at(text, tmp_path), kind, lines)


PROPERTIES = (
    "@always\ndef so() -> bool:\n    n: Small = r.got\n    return True\n",
    "@always\ndef so() -> bool:\n    return unused(r.one) == 3\n",
    "@always\ndef so() -> bool:\n    return is_small(r.one)\n",
    "@always(when=unused(r.one) == 3)\ndef so() -> bool:\n    return True\n",
    "@always\ndef so() -> bool:\n    return all(unused(pg.n + 1) == 3 for pg in instances(Page))\n",
    "@sometimes\ndef so() -> bool:\n    return unused(r.one) == 3\n",
    "@always\ndef so() -> bool:\n    q: Page = r.pg\n    return True\n",
    "@always\ndef so() -> bool:\n    not_null(r.pg)\n    return True\n",
)


@pytest.mark.parametrize("text", PROPERTIES)
def test_a_property_in_which_something_goes_wrong_is_a_violation(text: str, tmp_path: Path) -> None:
    """As one that leaves an array, or dereferences None: it has no value there, and says so."""
    verdict = looked_at(f"{HEAD}{STEP}{text}", tmp_path, naively=False)
    assert verdict.outcome == "VIOLATED"
    assert verdict.trace is not None and verdict.trace.failure is not None
    assert verdict.trace.failure.kind in ("range", "none")
    assert verdict.trace.failure.sentence.endswith(", in the property 'so'")


LAZY = (
    "return r.got != 5 or not r.flag or unused(0) == 3",
    "return r.one == 1 or unused(r.one) == 3",
    "return all(pg.n == 0 or unused(pg.n) == 3 for pg in instances(Page))",
    "return 3 == (unused(r.one) if r.one == 0 else 3)",
    "return all(pg.next is None or page_argument(pg.next) == 3 for pg in instances(Page))",
    "if r.one == 0:\n        n: Small = r.got\n        return n == 0\n    return True",
    "n: Bit = r.one + 1\n    return n == 0",
    "return bit(r.one) == 0 and wraps_argument(r.one + 2) == r.one",
)


@pytest.mark.parametrize("body", LAZY)
def test_what_is_not_looked_at_does_not_go_wrong(body: str, tmp_path: Path) -> None:
    text = f"{HEAD}{STEP}@always\ndef so() -> bool:\n    {body}\n"
    assert looked_at(text, tmp_path).outcome == "HOLDS"
