"""Designs by invariants, for people: a row for each instance, a column for each label, and a last
one for what has none.

                                S1        S6     L1  X1     own
    per_page_cmpxchg            fails 10  holds  -   holds  holds
    per_page_cmpxchg WAIT=True  holds     holds  -   holds  holds
"""

from __future__ import annotations

import os
import shlex
from collections import Counter
from itertools import groupby
from pathlib import Path

from modelcheck.exit_codes import MEANING
from modelcheck.quoting import quoted
from modelcheck.report.gate_table import told
from modelcheck.report.pieces import Piece, Row, argument, row
from modelcheck.tabled import Tabled, exit_code, labels

NONE, UNKNOWN = "-", "?"
OWN = "own"
OWN_SAYS = (
    "what the design checks besides: the @always, @sometimes and asserts that only it has"
)
STYLES = {
    "holds": "green", "fails": "bold red", "faults": "red", "unreached": "red",
    "vacuous": "yellow", UNKNOWN: "yellow",
}
MEANS = {
    "holds": "in every reachable state of this instance",
    "fails": "after so many steps, and no run fails in fewer",
    "faults": "a run leaves a range, follows None, ... after so many steps, before this is broken",
    "unreached": "no run reaches what a @sometimes wants to be reached",
    "vacuous": "no run comes to where it is asserted, or meant to hold",
    UNKNOWN: "not known",
    NONE: "not promised",
}
COUNTED = (
    ("holds", "hold"), ("fails", "fail"), ("faults", "fault"), ("unreached", "unreached"),
    ("vacuous", "vacuous"), (UNKNOWN, "not known"),
)


def table_rows(rows: tuple[Tabled, ...]) -> list[Row]:
    """The table, what its labels and words mean, which of the designs' own do not hold, the reasons
    for what is not known, how to see what fails, a last line."""
    said = _said(rows)
    if not said:  # nothing was come to
        return [*reasons(rows), _end(rows, [])]
    cells = _cells(rows)
    lines = [[name, *line] for name, line in zip(_names(rows), cells, strict=True)]
    heads = ["", *(head for head, _ in said)]
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
    text = [_row(heads, widths, "dim"), *(_row(line, widths, "") for line in lines), ()]
    wide = max((len(head) for head, _ in said), default=0)
    text += [row(f"{head:<{wide}}  {says}") for head, says in said]
    text += [(), *(row(f"{word}: {meaning}", "dim") for word, meaning in _words(cells).items()), ()]
    broken = [row(f"  {name}: {cell}: {sentence}") for name, cell, sentence in _own_broken(rows)]
    if broken:
        text += [row(f"{OWN}, what does not hold:"), *broken, ()]
    return [*text, *reasons(rows), *_how_to_see(rows), _end(rows, cells)]


def markdown(rows: tuple[Tabled, ...]) -> str:
    """The same as Markdown, without the reasons and the last line; a design links to its spec."""
    said = _said(rows)
    cells = _cells(rows)
    lines = [["design", *(head for head, _ in said)], ["---"] * (1 + len(said))]
    for result, name, line in zip(rows, _names(rows), cells, strict=True):
        name = name.partition(" ")[0]
        link = f"[{quoted(name, 'markdown')}]({quoted(result.spec, 'link')})"
        link = " ".join((link, *(f"`{s}`" for s in result.sets)))
        lines.append([link, *(f"**{c}**" if c.startswith("fails") else c for c in line)])
    text = [f"| {' | '.join(line)} |" for line in lines]
    text += ["", "; ".join(f"*{word}*: {meaning}" for word, meaning in _words(cells).items()) + "."]
    text += ["", *(f"- {head}: {quoted(says, 'markdown')}" for head, says in said)]
    for name, cell, sentence in _own_broken(rows):
        design, blank, sets = name.partition(" ")
        code = quoted(sets, "row").replace("`", "'")  # the rest of a path, if that has a blank
        shown = quoted(design, "markdown") + (f" `{code}`" if blank else "")
        text.append(f"  - {shown}: {cell}: {quoted(sentence, 'markdown')}")
    return "".join(line + "\n" for line in text)


def reasons(rows: tuple[Tabled, ...]) -> list[Row]:
    """Why something is not known; told once of instances in a row that share it."""
    text: list[Row] = []
    for (spec, findings), same in groupby(rows, lambda r: (r.spec, r.findings)):
        if findings:
            text += [*told(f"{spec} {', '.join(r.instance for r in same)}", findings), ()]
    return text


def _names(rows: tuple[Tabled, ...]) -> list[str]:
    """Each spec below the folder that all lie in, with the parameters that are set."""
    paths = [Path(r.spec).absolute().with_suffix("") for r in rows]
    folder = os.path.commonpath([path.parent for path in paths]) if paths else ""
    return [
        " ".join((path.relative_to(folder).as_posix(), *result.sets))
        for path, result in zip(paths, rows, strict=True)
    ]


def _columns(rows: tuple[Tabled, ...]) -> tuple[str | None, ...]:
    """The labels, and None for what has none, if any has such."""
    own = any(p.label is None for r in rows for p in r.promises)
    return (*labels(rows), *((None,) if own else ()))


def _said(rows: tuple[Tabled, ...]) -> list[tuple[str, str]]:
    """The head of each column, with what it means."""
    known = labels(rows)
    return [
        (OWN, OWN_SAYS) if label is None else (label, "; ".join(known[label]))
        for label in _columns(rows)
    ]


def _cells(rows: tuple[Tabled, ...]) -> list[list[str]]:
    """What stands in each column, row by row."""
    return [[_cell(*result.cell(label)) for label in _columns(rows)] for result in rows]


def _cell(status: str, length: int | None) -> str:
    word = {"unknown": UNKNOWN, "not promised": NONE}.get(status, status)
    return word if length is None else f"{word} {length}"


def _own_broken(rows: tuple[Tabled, ...]) -> list[tuple[str, str, str]]:
    """Of the designs' own sentences those that do not hold, each with its row's name and a cell."""
    return [
        (name, _cell(p.status, p.length), p.sentence)
        for name, result in zip(_names(rows), rows, strict=True) for p in result.promises
        if p.label is None and p.status in ("fails", "unreached", "vacuous")
    ]


def _how_to_see(rows: tuple[Tabled, ...]) -> list[Row]:
    """The command that shows the first failure's trace."""
    for result in rows:
        for p in result.promises:
            if p.status == "fails":
                words = ["modelcheck", "verify", argument(result.spec)]
                words += [word for one in result.sets for word in ("--set", one)]
                shown = shlex.join([*words, "--property", p.sentence])
                return [row(f"to see how one fails: {shown}", "dim"), ()]
    return []


def _words(cells: list[list[str]]) -> dict[str, str]:
    """Those words that the table has, with what they mean."""
    there = {cell.partition(" ")[0] for line in cells for cell in line}
    return {word: meaning for word, meaning in MEANS.items() if word in there}


def _row(cells: list[str], widths: list[int], style: str) -> Row:
    return tuple(
        Piece(cell.ljust(width) + "  ", style or STYLES.get(cell.partition(" ")[0], ""))
        for cell, width in zip(cells, widths, strict=True)
    )


def _end(rows: tuple[Tabled, ...], cells: list[list[str]]) -> Row:
    words = Counter(cell.partition(" ")[0] for line in cells for cell in line)
    counted = ", ".join(
        f"{words[word]} {says}"
        for word, says in COUNTED if words[word]
    )
    code = exit_code(rows)
    exits = f"exit code {code}, {MEANING[code]}" if code else ""
    return row("; ".join(filter(None, (counted, exits))), "bold red" if code else "bold")
