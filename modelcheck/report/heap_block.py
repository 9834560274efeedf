"""The heap beside a trace: the lists as they stand, then each page's state and bytes, per step.

    heap.head   Page[0]              Page[1]
    1 0         NEED_SCRUB old       NEED_SCRUB old
    0                                SCRUBBING zero|old

Read off the names and values of a trace's cells alone.  A class is an index sort (`Page`); a list
is an object's cell that refers to one and can be followed along `next`; a page's bytes are its
`contents`: `zero`, `old` (what an earlier domain left), `d0` (domain[0]'s pattern), and, where the
two halves differ, `first|second`.  Bytes in another field are a second memory of the page, and are
shown with its name: `zero, ram old`.  In `heap[2]`, a list of buddies of that order, a buddy is
shown with all its pages: `4-7`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from modelcheck.records import dataclass
from modelcheck.trace import Trace

LINK = "next"
ELEMENT = re.compile(r"([A-Za-z_]\w*)\[(\d+)\]")
CELL = re.compile(r"([A-Za-z_]\w*)\[(\d+)\]\.([\w.]+)")
CONSTANT = re.compile(r"[A-Z][A-Z0-9_]*")
FLAGS = ("True", "False")
HALVES = (".first", ".second")  # of a PageContents
BYTES = re.compile(r"ZERO|EARLIER|OF_DOMAIN_\d+")
OF_ORDER = re.compile(r"\w+\[(\d+)\]\.next")
CONTENTS = "contents"  # the bytes that a CPU sees, if there are others behind them
FEW = 4  # elements that are all shown, touched or not

Memory = Mapping[str, str]


@dataclass(frozen=True)
class Column:
    """What stands under a title at the start (`texts[0]`) and after each step."""

    title: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class HeapBlock:
    """The columns of a trace, the cells that can be read off them, and whether a page's bytes are
    among those."""

    columns: tuple[Column, ...]
    cells: frozenset[str]
    has_bytes: bool


def heap_block(trace: Trace) -> HeapBlock:
    """The block of a trace; no columns if it has no index sort besides its processes."""
    return block_of(states(trace), {c.name for s in trace.steps for c in s.changed if c.ghost})


def block_of(memories: tuple[Memory, ...], ghosts: set[str]) -> HeapBlock:
    """The block of these states of memory, one after the other."""
    elements = _elements(memories[0], memories)
    columns: list[Column] = []
    covered: set[str] = set()
    for name in _lists(memories[0], memories, elements):
        texts = tuple(_follow(m, name) for m in memories)
        columns.append(Column(name, texts))
        covered.add(name)
    for element, fields in elements.items():
        shown = tuple(f for f in fields if _is_state(element, f, memories, ghosts))
        if not shown:
            continue
        covered |= {f"{element}.{f}" for f in shown}
        halves = tuple(f for f in shown if _holds_bytes(f"{element}.{f}", memories))
        texts = tuple(_describe(m, element, shown, halves) for m in memories)
        if len(elements) <= FEW or len(set(texts)) > 1:
            columns.append(Column(element, texts))
    has_bytes = any(_holds_bytes(name, memories) for name in covered)
    return HeapBlock(tuple(columns), frozenset(covered), has_bytes)


def states(trace: Trace) -> tuple[dict[str, str], ...]:
    """The value of every cell, at the start and after each step."""
    memories = [dict(trace.cells)]
    for step in trace.steps:
        memories.append(memories[-1] | {c.name: c.new for c in step.changed})
    return tuple(memories)


def _elements(first: Memory, memories: tuple[Memory, ...]) -> dict[str, tuple[str, ...]]:
    """`Page[0]`, ... with the names of their fields: what is referred to, or has contents."""
    values = (v for m in memories for v in m.values())
    classes = {match[1] for v in values if (match := ELEMENT.fullmatch(v))}
    cells = [match for name in first if (match := CELL.fullmatch(name))]
    classes |= {match[1] for match in cells if _holds_bytes(match[0], memories)}
    found: dict[str, list[str]] = {}
    for match in cells:
        cls, number, field = match.groups()
        if cls in classes:
            found.setdefault(f"{cls}[{number}]", []).append(field)
    return {element: tuple(fields) for element, fields in found.items()}


def _lists(
    first: Memory, memories: tuple[Memory, ...], elements: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """Cells of objects that refer to an element with a link at some time; not a list's tail."""
    linked = {e for e, fields in elements.items() if LINK in fields}
    heads: dict[str, str] = {}
    for name in first:
        owner = name.rpartition(".")[0]
        if owner in elements or not any(m[name] in linked for m in memories):
            continue
        if owner not in heads or name.endswith((f".{LINK}", ".head")):
            heads[owner] = name
    return tuple(heads.values())


def _follow(memory: Memory, head: str) -> str:
    """The numbers of a list's elements, in order; `...` where one would repeat."""
    numbers: list[str] = []
    order = match[1] if (match := OF_ORDER.fullmatch(head)) else "0"
    seen: set[str] = set()
    element = memory[head]
    while match := ELEMENT.fullmatch(element):
        if element in seen:
            numbers.append(f"{match[2]} ...")
            break
        number, above = match[2], (1 << int(order)) - 1
        if above and memory.get(f"{element}.order") == order:
            number += f"-{int(number) + above}"
        numbers.append(number)
        seen.add(element)
        element = memory.get(f"{element}.{LINK}", "None")
    return " ".join(numbers) or "-"


def _is_state(
    element: str, field: str, memories: tuple[Memory, ...], ghosts: set[str]
) -> bool:
    """Members of enums, words, and flags that change; the links are the lists' affair."""
    name = f"{element}.{field}"
    values = {m[name] for m in memories}
    if name in ghosts:
        return False
    if values <= set(FLAGS):
        return len(values) > 1
    return all(CONSTANT.fullmatch(v) or v.endswith(")") for v in values)


def _holds_bytes(name: str, memories: tuple[Memory, ...]) -> bool:
    """Whether a cell is half of a page's bytes."""
    return name.endswith(HALVES) and all(BYTES.fullmatch(m[name]) for m in memories)


def _describe(
    memory: Memory, element: str, fields: tuple[str, ...], halves: tuple[str, ...]
) -> str:
    words = [
        text for f in fields if f not in halves
        if (text := brief(f, memory[f"{element}.{f}"]))
    ]
    levels: dict[str, list[str]] = {}
    for field in halves:
        level = field.rpartition(".")[0]
        levels.setdefault(level, []).append(_bytes(memory[f"{element}.{field}"]))
    said = [
        ("" if level == CONTENTS else f"{level} ")
        + (found[0] if len(set(found)) == 1 else "|".join(found))
        for level, found in levels.items()
    ]
    return " ".join([*words, ", ".join(said)] if said else words)


def brief(field: str, value: str) -> str:
    """SCRUBBING; a flag that is set, by its name; the same of each part of a word."""
    if value in FLAGS:
        return field if value == "True" else ""
    if not value.endswith(")"):
        return value
    inner = value[value.index("(") + 1:-1]
    parts = (part.partition("=") for part in inner.split(", "))
    return " ".join(word for name, _, v in parts if (word := brief(name, v)))


def _bytes(pattern: str) -> str:
    if pattern.startswith("OF_DOMAIN_"):
        return "d" + pattern.removeprefix("OF_DOMAIN_")
    return {"ZERO": "zero", "EARLIER": "old"}.get(pattern, pattern)
