"""Which elements and which processes are interchangeable."""

import pytest

from modelcheck.notation import parse_program
from modelcheck.passes.liveness import liveness
from modelcheck.passes.symmetry import symmetry

DESIGN = """\
program p()
sort Page 3
sort process 3
enum Pattern { ZERO EARLIER OF_DOMAIN_0 OF_DOMAIN_1 }
shared heap.head: Page? = Page[1]
shared Page.next[Page]: Page? = all None
shared Page.bytes[Page]: Pattern = all EARLIER
ghost Page.owner[Page]: process? = all None
shared heap.count: 0..2 = 0

process domain[2]
  local pg: Page?
  local seen: Pattern
  entry: goto domain_1
  at domain_1 resting:
    load heap.head
    pg := $
    if pg == Page.None: goto domain_1
    goto domain_2
  at domain_2 resting:
    store Page.bytes[pg] := element(Pattern, me, 2)
    ghost Page.owner[pg] := self
    goto domain_3
  at domain_3 resting:
    load Page.bytes[pg]
    seen := $
    assert seen != Pattern.ZERO, "not wiped"
    goto domain_1

process idle_loop
  local pg: Page?
  entry: goto idle_loop_1
  at idle_loop_1 resting:
    load heap.head
    pg := $
    if pg == Page.None: goto idle_loop_1
    goto idle_loop_2
  at idle_loop_2 resting:
    store heap.head := pg
    goto idle_loop_1

always "owned": all(pg in Page: Page.owner[pg] == process.None or Page.bytes[pg] != Pattern.ZERO)
sometimes "listed": any(pg in chain(heap.head, Page.next): Page.bytes[pg] != Pattern.EARLIER)
"""

PAGES, DOMAINS = ("Page",), ("domain with Pattern from 2",)
LOADED = "    load Page.bytes[pg]\n    seen := $\n"

CHANGES = {
    "as it is": ("", "", PAGES, DOMAINS),
    "a page by name": ("store heap.head := pg\n", "store heap.head := Page[0]\n", (), DOMAINS),
    "where a run begins need not be symmetric": ("entry: goto idle_loop_1",
                                                 "entry:\n    pg := Page[2]\n    goto idle_loop_1",
                                                 PAGES, DOMAINS),
    "the next page in memory": (
        "store heap.head := pg\n", "store heap.head := element(Page, index_of(pg), 1)\n",
        (), DOMAINS),
    "a page beside another": (
        "store Page.bytes[pg]", "store Page.bytes[element(Page, index_of(pg), 1)]", (), DOMAINS),
    "a page by who it is": (
        "store Page.bytes[pg]", "store Page.bytes[element(Page, me, 1)]", (), ()),
    "a property counts pages": (
        "all(pg in Page: ", "all(pg in Page: index_of(pg) < 3 and ", (), DOMAINS),
    "a range over pages": ("all(pg in Page: Page.owner[pg]",
                           "all(n in range(0, 3): Page.owner[element(Page, n)]", (), DOMAINS),
    "what may go wrong halfway through the pages": (
        "any(pg in chain(heap.head, Page.next): Page.bytes[pg]",
        "any(pg in Page: Page.bytes[not_null(Page.next[pg])]", (), DOMAINS),
    "a domain's pattern by name": (
        "seen != Pattern.ZERO", "seen != Pattern.OF_DOMAIN_1", PAGES, ()),
    "a domain's pattern in a property": (
        "Page.bytes[pg] != Pattern.EARLIER", "Page.bytes[pg] == Pattern.OF_DOMAIN_0", PAGES, ()),
    "patterns in order": ("seen != Pattern.ZERO", "seen == element(Pattern, me + 2)", PAGES, ()),
    # A mutant lived in which only `index_of` made a class one by number.
    "pages in order": ("seen != Pattern.ZERO", "pg <= pg", (), DOMAINS),
    "a page and a number": ("seen != Pattern.ZERO", "pg + 1 != 5", (), DOMAINS),
    "who it is, as a number": ("seen != Pattern.ZERO", "me < 2", PAGES, ()),
    "a process by name": ("Page.owner[pg] == process.None", "Page.owner[pg] == process[0]",
                          PAGES, ()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_may_be_exchanged(change: str) -> None:
    old, new, classes, templates = CHANGES[change]
    assert old in DESIGN
    found = symmetry(liveness(parse_program(DESIGN.replace(old, new, 1), "test")))
    assert found.classes == classes
    assert tuple(
        f"{t.name} with " + ", ".join(f"{a.name} from {a.offset}" for a in t.along)
        for t in found.templates
    ) == templates


