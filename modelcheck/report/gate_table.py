"""A gate for people: a row for each instance, then why each that does not pass does not.

    spec                      instance   verdict   expected  states    time
    specs/per_page_cmpxchg.py default    VIOLATED  yes          283   0.4 s
    specs/per_page_cmpxchg.py WAIT=True  HOLDS     yes       36,327   2.1 s
"""

from __future__ import annotations

import shlex
from itertools import groupby

from modelcheck.exit_codes import MEANING, Exit
from modelcheck.gated import Finding, Gated, exit_code
from modelcheck.report.pieces import Piece, Row, argument, row

HEADS = ("spec", "instance", "verdict", "expected", "states", "time")
NUMBERS = ("states", "time")  # at the right of their columns
STYLES = {"HOLDS": "green", "VIOLATED": "cyan", "yes": "green", "NO": "bold red"}


def gate_rows(results: tuple[Gated, ...]) -> list[Row]:
    """The table, the reasons, and one line that says how it ended."""
    cells = [_cells(result) for result in results]
    widths = [max(len(c) for c in column) for column in zip(HEADS, *cells, strict=True)]
    rows: list[Row] = [_row(HEADS, widths, "dim")]
    rows += [_row(line, widths, "") for line in cells]
    for _, same in groupby(filter(lambda r: r.findings, results), _told_once):
        rows += [(), *_reasons(list(same))]
    return [*rows, (), _end(results)]


def _cells(result: Gated) -> tuple[str, ...]:
    verdict = result.verdict
    states = "" if verdict is None else f"{verdict.states:,}"
    time = f"{result.seconds:.1f} s"
    return (result.spec, result.instance, outcome(result), as_expected(result), states, time)


def outcome(result: Gated) -> str:
    """The verdict in a word."""
    if result.verdict is not None:
        return result.verdict.outcome
    if result.code in (Exit.REFUSED, Exit.CONFIGURATION):
        return "REFUSED"
    return "ERROR" if result.code == Exit.INTERNAL else "UNKNOWN"


def as_expected(result: Gated) -> str:
    """Whether EXPECT is true."""
    if not result.findings:
        return "yes"
    return "NO" if result.code in (Exit.UNREACHED, Exit.UNTRUE) else "not known"


def _row(cells: tuple[str, ...], widths: list[int], style: str) -> Row:
    pieces = []
    for head, cell, width in zip(HEADS, cells, widths, strict=True):
        text = cell.rjust(width) if head in NUMBERS else cell.ljust(width)
        pieces.append(Piece(text + "  ", style or STYLES.get(cell, "")))
    return tuple(pieces)


def _told_once(result: Gated) -> tuple[str, tuple[Finding, ...], str]:
    """What instances in a row share if one report does for all: a spec refused at each of them."""
    return result.spec, result.findings, result.instance if result.verdict else ""


def _reasons(same: list[Gated]) -> list[Row]:
    """What does not pass, with the meaning of its exit code, and why."""
    result = same[0]
    which = ", ".join(r.instance for r in same)
    rows = told(f"{result.spec} {which}", result.findings)
    if result.verdict is not None and result.code != Exit.INTERRUPTED:
        rows.append(row(f"  to see it: {command(result)}", "dim"))
    return rows


def told(which: str, findings: tuple[Finding, ...]) -> list[Row]:
    """The reasons under the meaning of their exit code."""
    code = min(finding.code for finding in findings)
    rows = [row(f"{which}: {MEANING[code]} ({code})", "bold")]
    for finding in findings:
        rows += [row(f"  {line}") for line in finding.reason.split("\n")]
    return rows


def command(result: Gated) -> str:
    """The command that shows the whole report of an instance."""
    sets = (f"--set {shlex.quote(s)}" for s in result.sets)
    return " ".join(("modelcheck verify", shlex.quote(argument(result.spec)), *sets))


def _end(results: tuple[Gated, ...]) -> Row:
    passed = sum(not r.findings for r in results)
    code = exit_code(results)
    style = "bold red" if code else "bold green"
    exits = f"; exit code {code}, {MEANING[code]}" if code else ""
    return row(f"{passed} of {len(results)} as expected{exits}", style)
