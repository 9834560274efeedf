"""The subset, on the syntax tree alone: each refusal word for word (refusals_syntax.txt), what is
accepted, and texts that are made to break the reader."""

from __future__ import annotations

import ast
import asyncio.base_events
import tarfile
import turtle
import typing
from pathlib import Path

import pytest

from modelcheck.frontend import subset
from modelcheck.frontend.subset_walk import nodes
from tests.frontend.refusal import Case, cases, told_of

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
CASES = cases(HERE / "refusals_syntax.txt")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_refusal_says_what_to_write_instead(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told_of(case.spec, tmp_path, monkeypatch) == case.told


def test_every_rule_has_a_case() -> None:
    used = set()
    for case in CASES:
        try:
            tree = ast.parse(case.spec)
        except SyntaxError:
            continue
        for node, where in nodes(tree):
            rules = (*subset.EVERYWHERE, *subset.STATEMENTS, *subset.RULES[type(node)], *subset.LAST)
            refusing = [r for r in rules if isinstance(node, ast.stmt) or r not in STATEMENT_RULES]
            first = next((r for r in refusing if r(node, where)), None)
            if first is not None:
                used.add(first)
                break
    every = {rule for rules in subset.RULES.values() for rule in rules}
    every |= {*subset.EVERYWHERE, *STATEMENT_RULES}
    assert [r.__name__ for r in every - used] == []


STATEMENT_RULES = (*subset.STATEMENTS, *subset.LAST)

ACCEPTED = '''"""A design."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Annotated, Callable

from modelcheck.lang import Ghost, Indexed, Lock, Process, atomic, between, boot, chain, choose
from modelcheck.lang import cmpxchg, cpu_relax, holds, instances, param, process, replace, shared
from modelcheck.lang import always, array, spin_lock, spin_unlock, violates, wait_until
from modelcheck.xen.page import scrub_one_page

PAGES = param(2, 1, 8)
WAIT: bool = param(False)
LAST = PAGES - 1
Order = Annotated[int, between(0, LAST)]
EXPECT = violates("no dirty page is returned", when=not WAIT), holds(when=WAIT)


class Scrub(Enum):
    """How far a page is."""

    DIRTY = auto()
    CLEAN = auto()


@dataclass(frozen=True)
class CountInfo:
    need_scrub: bool = False
    order: Order = 0


@shared(count=PAGES)
class Page(Indexed):
    count_info: CountInfo = CountInfo(True, order=0)
    next: "Page | None" = None
    owner: Ghost[Process | None] = None


@shared
class Heap:
    head: Page | None = None


heap = array(Heap, 2)
heap_lock = Lock("heap_lock")


@boot
def link_every_page() -> None:
    for pg in instances(Page):
        pg.next, heap[0].head = heap[0].head, pg


def with_each(pg: Page, todo: Callable[[Page], bool]) -> Page | None:
    """Both ways of an if return."""
    info = pg.count_info
    if info.need_scrub and info.order not in (0, -1):
        info = replace(info, order=(info.order + 1) % 2 << 1)
        return pg
    elif todo(pg):
        order: Order = 1 if WAIT else 0
        order += 1
        return pg[order]
    else:
        assert False, "one of the two"


@process(count=2)
def domain(me: int) -> None:
    while True:
        with atomic("the hypercall is serialised"):
            pg = heap[me].head
        if pg is None:
            continue
        for i in range(0, LAST + 1):
            if choose(False, True):
                break
            pass
        scrub_one_page(pg)
        while cmpxchg(pg.count_info.need_scrub, False, True):
            cpu_relax()
        wait_until(pg.next is not None)


@always
def no_page_is_on_the_list_twice() -> bool:
    return all(
        sum(1 for other in chain(heap[0].head, "next") if other == pg) <= 1
        for pg in instances(Page)
    )
'''


def test_a_design_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told_of(ACCEPTED, tmp_path, monkeypatch) == ""


@pytest.mark.parametrize(
    "file",
    [*sorted((REPOSITORY / "specs").rglob("*.py")), *sorted(REPOSITORY.glob("modelcheck/xen/*.py"))],
    ids=lambda file: file.name,
)
def test_what_is_shipped_is_accepted(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told_of(file.read_text(encoding="utf-8"), tmp_path, monkeypatch) == ""


# -------------------------------------------------------------------- texts made to break the reader

TOO_DEEP = "spec.py:1:1: error: this is nested too deeply"


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("x = 1  # \0\n", "spec.py:1:10: error: a character that cannot be seen, U+0000"),
        ("x = 1\n# \x1b[2J\n", "spec.py:2:3: error: a character that cannot be seen, U+001B"),
        ("# é\u202e\n", "spec.py:1:4: error: a character that cannot be seen, U+202E"),
        ("# \ud800\n", "spec.py:1:3: error: a character that cannot be seen, U+D800"),
        ("x = " + "-" * 150 + "1\n", "spec.py:1:102: error: this is nested too deeply"),
        ("x = " + "-" * 30000 + "1\n", TOO_DEEP),
        ("x = 1" + " + 1" * 30000 + "\n", TOO_DEEP),
        ("x = pg" + ".next" * 30000 + "\n", TOO_DEEP),
        ("if a:\n  pass\n" + "elif b:\n  pass\n" * 200, "spec.py:195:6: error: this is nested"),
        ("x = " + "(" * 300 + "\n", "spec.py:1:20"),
        ("x = " + "9" * 9000 + "\n", "spec.py:1:1: error: a number here has thousands of digits"),
        ("x = 0x" + "f" * 9000 + "\n", "spec.py:1:5: error: this number has more than 63 bits"),
        ("x = 'Page'; " * 5000 + "\n", "spec.py:1:5: error: a string is no value of the language"),
        ("if a:\n" * 3, "spec.py:2:1: error: not Python: expected an indented block after 'if'"),
        ("def f(pg: '" + "-" * 5000 + "x') -> None: pass\n", "spec.py:1:11: error: this is not a type"),
    ],
    ids=range(15),
)
def test_a_text_made_to_break_the_reader_is_refused_with_its_place(
    spec: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = told_of(spec, tmp_path, monkeypatch)
    assert text.startswith(told)
    assert all(len(line) < 250 and line.isprintable() for line in text.split("\n"))


def test_columns_count_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = '"""Für é. \u2028"""\r\ndef f() -> None:\r\n    assert ok(), "é ü"; x = 1.5  # \f\r\n    y = 1\r\n'
    assert told_of("\ufeff" + spec, tmp_path, monkeypatch).split("\n") == [
        "spec.py:3:29: error: float is not finite",
        '    assert ok(), "é ü"; x = 1.5  # \ufffd',
        "                            ^~~",
        "  write instead: an int, in units that are small enough",
    ]


@pytest.mark.parametrize("module", [typing, turtle, tarfile, asyncio.base_events])
def test_any_python_gets_a_sentence_and_no_traceback(module: object) -> None:
    file = Path(str(getattr(module, "__file__")))  # noqa: B009
    tree = subset.parse(file.read_text(encoding="utf-8"), str(file))
    refusals = [
        refusal
        for node, where in nodes(tree)
        for rule in subset.RULES.get(type(node), ())
        if (refusal := rule(node, where))
    ]
    assert len(refusals) > 100
    for refusal in refusals:
        assert refusal.problem and refusal.instead
        assert "\n" not in refusal.problem + refusal.instead
