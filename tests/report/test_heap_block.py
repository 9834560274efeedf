"""The heap's columns, from the names and values of cells alone."""

from dataclasses import replace

from modelcheck.report.heap_block import Column, heap_block
from modelcheck.trace import Trace
from tests.report.made import TRACE, line, step

SOURCE = line(1, "...")


def trace(cells: dict[str, str], *changed: str) -> Trace:
    """A trace of these cells, one step for each change."""
    steps = tuple(step("domain", SOURCE, None, (c,)) for c in changed)
    return replace(TRACE, cells=tuple(cells.items()), steps=steps)


def columns(*args: object) -> dict[str, list[str]]:
    block = heap_block(trace(*args))  # type: ignore[arg-type]
    return {c.title: list(c.texts) for c in block.columns}


def test_a_list_and_its_pages() -> None:
    cells = {
        "Page[0].scrub": "CLEAN", "Page[0].next": "None", "Page[1].scrub": "CLEAN",
        "Page[1].next": "None", "heap.head": "Page[0]",
    }
    assert columns(cells, "Page[1].next: None -> Page[0]", "heap.head: Page[0] -> Page[1]") == {
        "heap.head": ["0", "0", "1 0"],
        "Page[0]": ["CLEAN"] * 3,
        "Page[1]": ["CLEAN"] * 3,
    }


def test_a_list_that_has_become_a_ring() -> None:
    cells = {"Page[0].next": "Page[1]", "Page[1].next": "None", "heap.head": "Page[0]"}
    assert columns(cells, "Page[1].next: None -> Page[0]") == {"heap.head": ["0 1", "0 1 0 ..."]}


def test_xens_list_heads_are_followed_from_next_not_from_tail() -> None:
    cells = {
        "heap.tail": "Page[1]", "heap.next": "Page[0]",
        "Page[0].next": "Page[1]", "Page[0].prev": "None",
        "Page[1].next": "None", "Page[1].prev": "Page[0]",
    }
    assert columns(cells) == {"heap.next": ["0 1"]}


def test_a_list_for_each_order() -> None:
    cells = {
        "heap[0].next": "Page[1]", "heap[1].next": "None",
        "Page[0].next": "None", "Page[1].next": "None",
    }
    assert columns(cells, "heap[1].next: None -> Page[0]") == {
        "heap[0].next": ["1", "1"], "heap[1].next": ["-", "0"],
    }


def test_a_buddy_on_the_list_of_its_order_is_shown_with_all_its_pages() -> None:
    """A page of another list keeps its order from when it was a buddy's head: it is one page."""
    cells = {
        "heap[0].next": "None", "heap[1].next": "Page[2]", "offlined.next": "None",
        "Page[0].next": "None", "Page[0].order": "1",
        "Page[2].next": "None", "Page[2].order": "1",
    }
    assert columns(
        cells, "Page[2].order: 1 -> 0", "heap[1].next: Page[2] -> None",
        "heap[0].next: None -> Page[2]", "offlined.next: None -> Page[0]",
    ) == {
        "heap[0].next": ["-", "-", "-", "2", "2"], "heap[1].next": ["2-3", "2", "-", "-", "-"],
        "offlined.next": ["-", "-", "-", "-", "0"],
    }


def test_a_second_memory_of_a_page_is_shown_behind_its_name() -> None:
    cells = {
        "Page[0].ram.first": "EARLIER", "Page[0].ram.second": "EARLIER",
        "Page[0].contents.first": "ZERO", "Page[0].contents.second": "ZERO",
    }
    assert columns(cells, "Page[0].ram.first: EARLIER -> ZERO") == {
        "Page[0]": ["ram old, zero", "ram zero|old, zero"]
    }


def test_the_word_of_a_page_that_nothing_refers_to_is_shown() -> None:
    """Without a list a page had a column for its bytes, and its state was left out of it."""
    cells = {"Page[0].count_info": "CountInfo(state=FREE)", "Page[0].contents.first": "EARLIER"}
    assert columns(cells) == {"Page[0]": ["FREE old"]}


def test_bytes_by_halves() -> None:
    cells = {"Page[0].contents.first": "EARLIER", "Page[0].contents.second": "EARLIER"}
    assert columns(
        cells, "Page[0].contents.first: EARLIER -> ZERO",
        "Page[0].contents.second: EARLIER -> ZERO", "Page[0].contents.first: ZERO -> OF_DOMAIN_1",
    ) == {"Page[0]": ["old", "zero|old", "zero", "d1|zero"]}


def test_a_word_is_shown_by_what_is_set_in_it() -> None:
    free = "CountInfo(state=FREE, need_scrub=True)"
    cells = {"Page[0].count_info": free, "heap.head": "Page[0]"}
    assert columns(
        cells, f"Page[0].count_info: {free} -> CountInfo(state=INUSE, need_scrub=False)"
    ) == {"Page[0]": ["FREE need_scrub", "INUSE"]}


def test_ghosts_are_not_memory() -> None:
    cells = {"Page[0].contents.first": "ZERO", "Page[0].owned": "False"}
    assert columns(cells, "ghost Page[0].owned: False -> True") == {"Page[0]": ["zero", "zero"]}


def test_of_many_pages_only_those_that_change_have_a_column() -> None:
    cells = {f"Page[{n}].contents.first": "EARLIER" for n in range(8)}
    block = heap_block(trace(cells, "Page[5].contents.first: EARLIER -> ZERO"))
    assert block.columns == (Column("Page[5]", ("old", "zero")),)


def test_a_design_without_pages_has_no_block() -> None:
    assert columns({"counter.value": "0", "lock.holder": "None"}) == {}
