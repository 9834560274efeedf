"""A crosscheck for people: a row for each checker, ours first, then what the figures mean.

    tool        version       says   states  steps   time  bytes/state
    modelcheck  0.1           HOLDS   1,412  2,604  0.1 s
    SPIN        6.5.2         HOLDS   1,412  2,604  1.4 s           44  agrees
"""

from __future__ import annotations

from modelcheck.agreement import Answer, Crosscheck, agrees, exit_code
from modelcheck.report.pieces import Piece, Row, row

HEADS = ("tool", "version", "says", "states", "steps", "time", "bytes/state", "")
NUMBERS = ("states", "steps", "time", "bytes/state")  # at the right of their columns
MEANING = (
    row("compared: asserts, each @always, faults; states and steps where nothing is broken", "dim"),
    row("not compared: deadlock, and what must be reachable (@sometimes)", "dim"),
)
STYLES = {"agrees": "green", "DISAGREES": "bold red", "not known": "yellow"}


def crosscheck_rows(found: Crosscheck) -> list[Row]:
    """The table, what each says is broken, and one line that says how it ended."""
    instance = f"  {found.instance}" if found.instance else ""
    cells = [_cells(found.ours, ""), *(_cells(p, mark(found.ours, p)) for p in found.peers)]
    widths = [max(map(len, column)) for column in zip(HEADS, *cells, strict=True)]
    rows = [row(f"{found.spec}{instance}", "bold"), _row(HEADS, widths, "dim")]
    rows += [_row(line, widths, "") for line in cells]
    for answer in (found.ours, *found.peers):
        if answer.why:
            first, *others = f"{answer.tool}: {answer.why}".split("\n")
            rows += [row(first), *(row(f"    {line}") for line in others)]
    rows += [row(f"not here: {missing}") for missing in found.missing]
    return [*rows, *MEANING, _end(found)]


def mark(ours: Answer, peer: Answer) -> str:
    """Whether a peer agrees, in a word."""
    return {True: "agrees", False: "DISAGREES", None: "not known"}[agrees(ours, peer)]


def _cells(answer: Answer, agreed: str) -> tuple[str, ...]:
    def number(n: float | None) -> str:
        return "" if n is None else f"{n:,.0f}"

    return (
        answer.tool, answer.version, answer.said, number(answer.states), number(answer.steps),
        f"{answer.seconds:.1f} s", number(answer.bytes_per_state), agreed,
    )


def _row(cells: tuple[str, ...], widths: list[int], style: str) -> Row:
    pieces = []
    for head, cell, width in zip(HEADS, cells, widths, strict=True):
        text = cell.rjust(width) if head in NUMBERS else cell.ljust(width)
        pieces.append(Piece(text + "  ", style or STYLES.get(cell, "")))
    return tuple(pieces)


def _end(found: Crosscheck) -> Row:
    code = exit_code(found)
    if not found.peers:
        return row(f"no peer is installed; exit code {code}", "bold red")
    marks = [mark(found.ours, peer) for peer in found.peers]
    agreed = f"{marks.count('agrees')} of {len(marks)} agree"
    return row(agreed if code == 0 else f"{agreed}; exit code {code}", "bold red" if code else "")
