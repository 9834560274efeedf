"""A spec's own slip is refused, with its place: it was a violation of the design, found by a search
that had looked at no interleaving yet.  An index that is never right is one only where some run
comes to it: behind `if order == 1`, one page has no second, and no run asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelcheck.cli import app
from modelcheck.source import lines_of

HEAD = '''\
from typing import Annotated
from modelcheck.lang import (
    Ghost, Indexed, Process, array, atomic, between, choose, element, index_of, instances, param,
    process, shared, this_process,
)
from modelcheck.xen.page import PageContents, fill_page

CPUS = param(1, 1, 4)
PAGES = param(2, 1, 4)

@shared(count=PAGES)
class Page(Indexed):
    contents: PageContents
    busy: bool = False
    mark: Ghost[bool] = False

@shared
class Node:
    busy: bool = False
    n: Annotated[int, between(0, 3)] = 0
    mark: Ghost[bool] = False
    who: Ghost[Process | None] = None

node = Node()
nodes = array(Node, 2)

'''

REFUSED = {  # the process; then what its author reads behind the place, and in which line
    "a ghost": ('''\
@process
def cpu() -> None:
    node.busy = True
    node.mark = True
    node.mark = False
''', 5, "node.mark is set in this step already (spec.py:30), to another value: no state shows"
        " that"),
    "a ghost of this process": ('''\
@process
def cpu() -> None:
    node.busy = True
    node.who = this_process()
    node.who = None
''', 5, "node.who is set in this step already (spec.py:30), to another value: no state shows that"),
    "a ghost in an atomic block": ('''\
@process
def cpu() -> None:
    with atomic("why not"):
        node.busy = True
        node.mark = True
        node.n = 1
    node.mark = False
''', 7, "node.mark is set in this step already (spec.py:31), to another value: no state shows"
        " that"),
    "a ghost on each way": ('''\
@process
def cpu() -> None:
    pg = choose(instances(Page))
    pg.mark = True
    if index_of(pg) == 0:
        n = 1
    else:
        n = 2
    pg.mark = False
    node.n = n
''', 9, "Page.mark is set in this step already (spec.py:30), to another value: no state shows"
        " that"),
    "a pattern, in the library": ('''\
@process
def cpu() -> None:
    fill_page(element(Page, 0), 1)
''', 3, "pattern_of(1): each number of a process of the largest group has a pattern: that is 0"
        " alone (at modelcheck/xen/page.py:59:25)"),
    "an array": ('''\
@process
def cpu() -> None:
    nodes[2].busy = True
''', 3, "nodes[2]: nodes has 2 elements, 0 to 1"),
    "an element": ('''\
@process
def cpu() -> None:
    element(Page, PAGES).busy = True
''', 3, "Page[2]: Page has 2 elements, 0 to 1"),
    "a neighbour": ('''\
@process
def cpu() -> None:
    pg = choose(instances(Page))
    node.busy = True
    pg[PAGES].busy = True
''', 5, "Page[2..3]: Page has 2 elements, 0 to 1"),
}

ACCEPTED = {  # what is wrong on some runs at most, or never run: the process, and its exit code
    "right on one way": ('''\
@process(count=2)
def cpu(me: int) -> None:
    node.busy = True
    if me == 0:
        node.mark = True
    if me == 1:
        node.mark = False
''', 0),
    "wrong on one way": ('''\
@process
def cpu() -> None:
    node.busy = True
    if choose(False, True):
        node.mark = True
    node.mark = False
''', 14),
    "another ghost of as many": ('''\
@process
def cpu() -> None:
    node.busy = True
    for pg in instances(Page):
        pg.mark = index_of(pg) == 0
    node.busy = False
''', 0),
    "set anew in another step": ('''\
@process
def cpu() -> None:
    node.busy = True
    node.mark = True
    node.busy = False
    node.mark = False
''', 0),
    "a neighbour that only the larger instance has": ('''\
@process(count=CPUS)
def cpu(me: int) -> None:
    if me > 0:
        nodes[me - 1].busy = True
    if CPUS > 3 and me + 1 < CPUS:
        nodes[me + 2].busy = True
''', 0),
    "at the end of a loop that is not run": ('''\
@process
def cpu() -> None:
    for i in range(2, PAGES):
        element(Page, i).busy = True
    node.busy = True
''', 0),
    "behind a condition": ('''\
@process
def cpu() -> None:
    n = node.n
    assert n < 2 or node.n == 3, "small"
    if n < 2 and index_of(element(Page, n)) == n:
        nodes[n].busy = True
''', 0),
    "an index that is never right, where no run comes": ('''\
@process
def cpu() -> None:
    n = node.n
    if n > 1:
        nodes[n].busy = True
''', 0),
    "an index that may be right": ('''\
@process
def cpu() -> None:
    n = choose(1, 2)
    nodes[n].busy = True
''', 14),
}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines_of.cache_clear()


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_never_be_right_is_refused_at_its_place(name: str) -> None:
    text, line, told = REFUSED[name]
    Path("spec.py").write_text(HEAD + text, encoding="utf-8")
    result = CliRunner().invoke(app, ["verify", "spec.py"])
    first = HEAD.count("\n")
    place, _, problem = result.stderr.splitlines()[0].partition(": error: ")
    assert (place.split(":")[:2], problem) == (["spec.py", str(first + line)], told)
    assert result.exit_code == 150


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_may_be_right_is_for_the_search(name: str) -> None:
    text, code = ACCEPTED[name]
    Path("spec.py").write_text(HEAD + text, encoding="utf-8")
    result = CliRunner().invoke(app, ["verify", "spec.py"])
    assert result.exit_code == code, result.output
