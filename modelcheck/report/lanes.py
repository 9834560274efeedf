"""A trace for people: a lane per process, the spec's own line at each step, only what changed, and
the heap beside it.

          idle_loop          domain[0]                    changed         heap.head  Page[0]
       1  109 pg = heap.head                              pg = Page[0]    0          CLEAN zero
                             97 pg = alloc_heap_pages()
       2                       68 spin_lock(heap_lock)    heap_lock taken by domain[0]

Only one process moves in a step, so a line may run on over the lanes to its right.  A call has a
row of its own, without a number, above the first step inside it; what is inside stands two columns
further in.  A line of another file has that file's name before its number.  So has an interrupt,
where it comes, and what its handler does stands further in:

       3    49 rest = pg.next
              120 interrupt timer comes
       4        121 spin_lock(heap_lock)
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import replace
from pathlib import PurePath

from modelcheck.ir import ASKED
from modelcheck.records import dataclass
from modelcheck.report.heap_block import Column, HeapBlock, Memory, brief, heap_block, states
from modelcheck.report.pieces import Piece, Row, row
from modelcheck.trace import Change, Choice, Failure, Line, Trace, TraceStep

WIDTH = 132  # off a terminal
NUMBERS = 6  # the margin for the number of a step, and the arrow
GAP = 2
MOST_THROUGH = 20  # lines within one step that are shown
NARROWEST = 44  # columns for the last lane's lines
CHANGED = 30  # columns for what changed
LANE_STYLES = ("cyan", "yellow", "magenta", "green", "blue")
LEGEND = (
    "a page's bytes: zero; old: what an earlier domain left; d0: domain[0]'s pattern; "
    "first half|second half"
)
IN_A_STEP = ("assert", "none", "index", "range", "choose", "ghost", "runaway")


@dataclass(frozen=True)
class Layout:
    """A trace and where things stand: the processes that take a step, the width of a lane and of
    all lanes together, the heap's columns, and memory at the start and after each step."""

    trace: Trace
    full: bool
    processes: tuple[str, ...]
    lane: int
    lanes: int
    block: HeapBlock
    memories: tuple[Memory, ...]

    def offset(self, process: str) -> int:
        """The column where a process's lane begins."""
        return self.processes.index(process) * self.lane

    def style(self, process: str) -> str:
        """The colour of a lane."""
        return LANE_STYLES[self.processes.index(process) % len(LANE_STYLES)]


def trace_rows(trace: Trace, width: int = WIDTH, full: bool = False) -> list[Row]:
    """The trace as a table about `width` columns wide.  `full`: every line whole, all of the heap
    at every step, and changes that the heap's columns show already."""
    layout = _layout(trace, width, full)
    rows = [_heading(layout), *_start(layout)]
    chains: dict[str, tuple[Line, ...]] = {}
    running = ""
    for number, step in enumerate(trace.steps, 1):
        if running not in ("", step.process):
            rows.append(())
        running = step.process
        rows += _call_rows(step, chains.get(step.process, ()), layout)
        chains[step.process] = _before_the_next(step)
        rows += _step_rows(number, step, layout)
    if trace.failure is not None:
        rows += _unbegun(trace.failure, chains, layout)
        rows.append(_failure_row(trace.failure, layout))
    if layout.block.has_bytes:
        rows += [(), row(" " * NUMBERS + LEGEND, "dim")]
    return rows


def _layout(trace: Trace, width: int, full: bool) -> Layout:
    block = heap_block(trace)
    took = {s.process for s in trace.steps}
    processes = tuple(p for p in trace.processes if p in took)
    heap = sum(_width(c) + GAP for c in block.columns)
    lanes = width - NUMBERS - GAP - CHANGED - heap
    longest = max((len(p) for p in processes), default=0) + GAP
    lane = max(longest, min(28, (lanes - NARROWEST) // max(1, len(processes) - 1)))
    lanes = max(lanes, lane * (len(processes) - 1) + NARROWEST)
    layout = Layout(trace, full, processes, lane, lanes, block, states(trace))
    needed = max((_needed(s, layout) for s in trace.steps), default=0)
    return replace(layout, lanes=min(lanes, max(needed, lane * len(processes))))


def _needed(step: TraceStep, layout: Layout) -> int:
    """The columns that a step's line and the calls around it take up, whole."""
    lines = (*step.chain, step.source, *step.through)
    return max(
        sum(len(p.text) for p in _source(step.process, line, min(d, len(step.chain)), layout, 999))
        for d, line in enumerate(lines)
    )


def _width(column: Column) -> int:
    return max(len(column.title), *(len(t) for t in column.texts))


def _heading(layout: Layout) -> Row:
    names = "".join(p.ljust(layout.lane) for p in layout.processes).rstrip()
    titles = [c.title.ljust(_width(c)) for c in layout.block.columns]
    changed = "changed, or read".ljust(CHANGED)
    text = " " * NUMBERS + names.ljust(layout.lanes) + " " * GAP + changed
    return row(text + "".join(" " * GAP + t for t in titles), "bold underline")


def _start(layout: Layout) -> list[Row]:
    chosen = [
        first_choice_text(c) for c in layout.trace.initial if c.local.partition(".")[2] != ASKED
    ]
    return _table_rows("", (Piece("at boot", "dim"),), chosen, _heap_pieces(layout, 0), layout)


def _call_rows(step: TraceStep, before: tuple[Line, ...], layout: Layout) -> list[Row]:
    """The calls around this step that were not around this process's last one."""
    known = 0
    for old, new in zip(before, step.chain, strict=False):
        if old != new:
            break
        known += 1
    return [
        (Piece(" " * NUMBERS), *_source(step.process, line, depth, layout, layout.lanes, "dim"))
        for depth, line in enumerate(step.chain)
        if depth >= known and not (line.handler and line == step.source)  # that is its first step
    ]


def _unbegun(
    failure: Failure, chains: dict[str, tuple[Line, ...]], layout: Layout
) -> list[Row]:
    """The interrupt that somebody is stuck in before its first step."""
    if failure.process not in layout.processes:
        return []
    known = chains.get(failure.process, ())
    return [
        (Piece(" " * NUMBERS), *_source(failure.process, line, depth, layout, layout.lanes, "dim"))
        for depth, line in enumerate(failure.chain) if line.handler and line not in known
    ]


def _before_the_next(step: TraceStep) -> tuple[Line, ...]:
    """The calls that a process is in behind this step, where another interrupt may come at once."""
    handler = next((n for n, line in enumerate(step.chain) if line.handler), None)
    comes = any(c.local == ASKED and c.value != "0" for c in step.choices)
    return step.chain[:handler] if comes else step.chain


def _step_rows(number: int, step: TraceStep, layout: Layout) -> list[Row]:
    last = number == len(layout.trace.steps)
    changed = effects(step, layout.block, layout.memories[number], layout.full)
    if last:
        changed += [text for text in _locals_of_last_line(layout.trace) if text not in changed]
    room = layout.lanes + GAP + CHANGED
    source = _source(
        step.process, step.source, len(step.chain), layout, room, layout.style(step.process)
    )
    heap = _heap_pieces(layout, number, whole=last)
    margin = f"->{number:>2}" if last else str(number)
    return [
        *_table_rows(margin, source, changed, heap, layout),
        *_through_rows(step, room, layout),
    ]


def _through_rows(step: TraceStep, room: int, layout: Layout) -> list[Row]:
    """The lines that a step goes through behind its access; of very many (a loop that never ends)
    the first, and how many more."""
    depth, style = len(step.chain), layout.style(step.process)
    margin = Piece(" " * NUMBERS)
    shown = step.through if layout.full else step.through[:MOST_THROUGH]
    rows: list[Row] = [
        (margin, *_source(step.process, line, depth, layout, room, style)) for line in shown
    ]
    if left := len(step.through) - len(shown):
        indent = layout.offset(step.process) + 2 * depth
        rows.append((margin, Piece(f"{' ' * indent}... and so on: {left:,} more in this step")))
    return rows


def _table_rows(
    margin: str, source: Row, changed: list[str], heap: list[Piece], layout: Layout
) -> list[Row]:
    """One row, and as many more as the changes need."""
    lines = [w for text in changed for w in textwrap.wrap(text, CHANGED, subsequent_indent="  ")]
    used = sum(len(p.text) for p in source)
    if used > layout.lanes:
        lines.insert(0, "")  # the source line runs on over this column
    gap = max(0, layout.lanes + GAP - used)
    first_cell = max(0, CHANGED - max(0, used - layout.lanes - GAP))
    style = "bold red" if margin.startswith("->") else ""
    first = (
        Piece(margin.rjust(NUMBERS - 2) + "  ", style), *source,
        Piece(" " * gap),
    )
    blank = (Piece(" " * (NUMBERS + layout.lanes + GAP)),)
    rows: list[Row] = []
    for i, text in enumerate(lines or [""]):
        if i == 0:
            rows.append((*first, Piece(text.ljust(first_cell)), *heap))
        else:
            rows.append((*blank, Piece(text)))
    return rows


def _source(
    process: str, line: Line, depth: int, layout: Layout, width: int, style: str = ""
) -> Row:
    """A source line in its process's lane: `71 pg = heap.head`."""
    where = str(line.line)
    if line.file != layout.trace.spec:
        where = f"{PurePath(line.file).name}:{line.line}"
    text = line.text if layout.full else shortened(line.text)
    if line.handler:
        text = f"interrupt {line.handler} comes"
    offset = layout.offset(process) + 2 * depth
    room = width - offset
    said = f"{where} {text}"
    if len(said) > room and not layout.full:
        said = said[:max(0, room - 3)] + "..."
    return (Piece(" " * offset), Piece(said, style))


def shortened(text: str) -> str:
    """A line without its comment, and without the sentence of an assert, which stands elsewhere."""
    text = re.sub(r"\s+#[^'\"]*$", "", text)
    return re.sub(r',\s*"[^"]*"$', "", text) if text.startswith("assert ") else text


def _heap_pieces(layout: Layout, at: int, whole: bool = False) -> list[Piece]:
    """The heap after step `at`: what changed there, or all of it."""
    pieces = []
    for column in layout.block.columns:
        text = column.texts[at]
        changed = at == 0 or column.texts[at - 1] != text
        shown = text if changed or whole or layout.full else ""
        style = "bold" if changed and at > 0 else ""
        pieces.append(Piece(" " * GAP + shown.ljust(_width(column)), style))
    return pieces


def effects(step: TraceStep, block: HeapBlock, memory: Memory, full: bool) -> list[str]:
    """What a step changed, and if it changed nothing in memory, what it found there.  `memory` is
    what it left."""
    said = [choice_text(c) for c in step.choices if c.local != ASKED]
    said += _locks(step.changed) if not full else []
    hidden = frozenset() if full else block.cells | _of_locks(step.changed)
    said += [f"{c.name} = {_value(c.new, full)}" for c in step.changed if c.name not in hidden]
    chosen = {c.local for c in step.choices}
    said += [f"{local_name(c.name)} = {c.new}" for c in step.locals if c.name not in chosen]
    touch = step.touch
    if touch is None or not touch.cell or step.changed:
        return said
    if touch.read is None:
        return [*said, f"{touch.cell} stays {_value(memory[touch.cell], full)}"]
    told = any(c.new == touch.read for c in step.locals)
    return said if told else [*said, f"{touch.cell} is {_value(touch.read, full)}"]


def _value(value: str, full: bool) -> str:
    """A value; of a word, unless all is wanted, only what is set in it."""
    return value if full or not value.endswith(")") else brief("", value) or value


def local_name(name: str) -> str:
    """`alloc_heap_pages.pg` as the spec's line has it: `pg`."""
    return name.rstrip("'").partition(".")[2] or name


def choice_text(choice: Choice) -> str:
    """What was chosen.  The local of a spec's `choose(...)` has no name, but it has a line."""
    name = local_name(choice.local)
    line = re.fullmatch(r"choice_(\d+)_\d+", name)
    return f"line {line[1]} chooses {choice.value}" if line else f"{name} = {choice.value} (chosen)"


def first_choice_text(choice: Choice) -> str:
    """What a process (or boot) chose before its first step: no step says whose choice it was."""
    process, _, local = choice.local.partition(".")
    return f"{process}: {choice_text(replace(choice, local=local))}"


def _locals_of_last_line(trace: Trace) -> list[str]:
    """What the locals that the last line speaks of are: they say what failed."""
    last = trace.steps[-1]
    values = {
        local_name(c.name): c.new
        for s in trace.steps if s.process == last.process for c in s.locals
    }
    words = re.findall(r"\w+", last.source.text.partition('"')[0])
    return [f"{w} = {values[w]}" for w in dict.fromkeys(words) if w in values]


def _locks(changed: tuple[Change, ...]) -> list[str]:
    """A lock taken or released, in the words of people."""
    return [
        f"{c.name.removesuffix('.holder')} released" if c.new == "None"
        else f"{c.name.removesuffix('.holder')} taken by {c.new}"
        for c in changed if c.name in _of_locks(changed) and c.ghost
    ]


def _of_locks(changed: tuple[Change, ...]) -> frozenset[str]:
    """The cells of a lock's `locked` and its ghost `holder`, where both change."""
    names = {c.name for c in changed}
    locks = {c.name.removesuffix(".holder") for c in changed if c.name.endswith(".holder")}
    both = {lock for lock in locks if f"{lock}.locked" in names}
    return frozenset(f"{lock}.{part}" for lock in both for part in ("locked", "holder"))


def _failure_row(failure: Failure, layout: Layout) -> Row:
    """The arrow under the last step: what is wrong there."""
    trace = layout.trace
    last = trace.steps[-1].process if trace.steps else ""
    offset = layout.offset(last) + 2 * len(trace.steps[-1].chain) if last else 0
    where = str(failure.source.line)
    if failure.source.file != trace.spec:
        where = f"{PurePath(failure.source.file).name}:{where}"
    if failure.kind in IN_A_STEP:
        elsewhere = not trace.steps or failure.source.line != trace.steps[-1].source.line
        line = f" (line {where})" if elsewhere else ""
        text = f"here {failure.process or last} breaks it{line}: {failure.sentence}"
        if not (failure.process or last):
            text = f"before the first step, {where} {failure.source.text}: {failure.sentence}"
    elif failure.kind == "deadlock":
        inside = f" in interrupt {failure.interrupt}" if failure.interrupt else ""
        text = f"from here {failure.process} is stuck{inside} at {where} {failure.source.text}"
        call = failure.call_in(trace.spec)
        if call is not None:
            text += f", called at {call.line} {call.text}"
    else:
        text = f"here it is no longer true (line {where}): {failure.sentence}"
    return (Piece(" " * (NUMBERS + offset)), Piece(f"^-- {text}", "bold red"))
