"""Which design keeps which promise: every instance that a gate looks at, each of its promises
decided, those by an invariant's name and its own.

A search ends at its first violation; what that leaves open is searched for again, without what is
broken, until nothing is open.  What meets a limit is unknown, never said to hold; nor is what
cannot be searched because runs fault before it is broken: no run goes on after that.

`python -m modelcheck.table` in the root of a checkout writes the table in README.md anew, and what
it is made from, specs/table.json."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from modelcheck import pipeline
from modelcheck.apart import Told, in_processes
from modelcheck.engines.asked import NO_DEADLOCK, sentences
from modelcheck.engines.limits import most_of_the_machine
from modelcheck.exit_codes import Exit
from modelcheck.frontend.compile import compile_spec
from modelcheck.frontend.definitions import Spec
from modelcheck.gate import (
    GRACE, Instance, Rules, check_that_it_is_inside, checked, doubts, failures, instances,
    kept_from,
)
from modelcheck.gated import Finding
from modelcheck.ir import Program
from modelcheck.project import Project, project
from modelcheck.report.pieces import write
from modelcheck.report.progress import ProgressLine
from modelcheck.report.promises import markdown, table_rows
from modelcheck.tabled import Promise, Tabled, exit_code, from_json, to_json
from modelcheck.trace import Verdict
from modelcheck.writing import write_whole

NO_DEADLOCK_LABEL = "X1"  # every design promises it, and none has to say so
KEPT, README = Path("specs/table.json"), Path("README.md")
TOUR = Path("specs/first_steps")  # of the language: no designs
BEGIN, END = "<!-- by python -m modelcheck.table -->\n", "<!-- end of the table -->"


# ------------------------------------------------------------------------------ one instance


def promised(spec: Spec, program: Program) -> dict[str, str | None]:
    """Each sentence that an instance promises, with its label; None if it is the spec's own."""
    return labelled([said for _, said, _ in sentences(program)], spec.labels)


def labelled(said: Iterable[str], labels: Mapping[str, str]) -> dict[str, str | None]:
    """What an instance says that it is so, each sentence with its label, if it has one."""
    known = {**labels, NO_DEADLOCK: NO_DEADLOCK_LABEL}
    return {sentence: known.get(sentence) for sentence in said}


def tabled(instance: Instance, rules: Rules) -> Tabled:
    """One instance, each of its promises decided as far as the budget goes."""
    began = time.monotonic()
    row = Tabled(instance.spec, instance.shown(), ())
    try:
        check_that_it_is_inside(instance)
        spec, program = compile_spec(instance.spec, dict(instance.sets))
        row = replace(row, sources=pipeline.sources(spec), promises=tuple(
            Promise(label, said, "unknown") for said, label in promised(spec, program).items()
        ))
        return _decided(row, instance, rules, began)
    except Exception as error:
        return replace(row, findings=(kept_from(error),))


def _decided(row: Tabled, instance: Instance, rules: Rules, began: float) -> Tabled:
    """The row with what can be decided; why, where something cannot."""
    open_: tuple[str, ...] = ()  # it holds, and nobody knows whether it is ever meant to
    while still_open := tuple(p.sentence for p in row.promises if p.status == "unknown"):
        found = checked(instance, still_open, rules, began)
        verdict = found.verdict
        doubt = (*doubts(verdict, rules.require_validated), *failures(verdict))
        if doubt:
            return replace(row, findings=doubt)
        row = replace(row, promises=tuple(
            _decide(p, verdict) if p.status == "unknown" else p for p in row.promises
        ))
        open_ += found.undecided
        if still_open == tuple(p.sentence for p in row.promises if p.status == "unknown"):
            assert verdict.trace is not None, "a search of all states decides all"
            row = _faulted(row, len(verdict.trace.steps))
    return _undecided(row, open_)


def _undecided(row: Tabled, sentences: tuple[str, ...]) -> Tabled:
    """The row, in which these are not known."""
    if not sentences:
        return row
    text = "it is not decided whether a promise is ever meant to hold"
    undecided = Finding(Exit.INCONCLUSIVE, text)
    return replace(row, findings=(*row.findings, undecided), promises=tuple(
        replace(p, status="unknown") if p.sentence in sentences and p.status == "holds" else p
        for p in row.promises
    ))


def _faulted(row: Tabled, length: int) -> Tabled:
    """The row, where runs go wrong of themselves and no search gets further."""
    return replace(row, promises=tuple(
        replace(p, status="faults", length=length) if p.status == "unknown" else p
        for p in row.promises
    ))


def _decide(promise: Promise, verdict: Verdict) -> Promise:
    """What a verdict says of a promise; the same if that is nothing."""
    found = [p for p in verdict.properties if p.sentence == promise.sentence]
    lengths = [p.depth for p in found if p.status == "violated" and p.depth is not None]
    if lengths:
        return replace(promise, status="fails", length=min(lengths))
    if any(p.status == "not reached" for p in found):
        return replace(promise, status="unreached")
    if not all(p.status in ("holds", "reached", "vacuous") for p in found):
        return promise
    vacuous = all(p.status == "vacuous" for p in found)
    return replace(promise, status="vacuous" if vacuous else "holds")


# -------------------------------------------------------------------------------- all of them


def run(
    wanted: tuple[Instance, ...], rules: Rules, jobs: int, told: Told, grace: float = GRACE
) -> tuple[Tabled, ...]:
    """The rows.  The specs of a folder come before those of the folders in it."""

    def work(number: int) -> Tabled:
        return tabled(wanted[number], rules)

    def without(number: int, finding: Finding, seconds: float) -> Tabled:
        instance = wanted[number]
        return Tabled(instance.spec, instance.shown(), (), findings=(finding,))

    names = tuple(instance.spec for instance in wanted)
    rows = in_processes(names, work, without, rules.budget + grace, jobs, told)
    return tuple(sorted(rows, key=lambda row: len(Path(row.spec).parts)))


# ---------------------------------------------------------------------------------- README's


def for_readme(readme: str, rows: tuple[Tabled, ...]) -> str:
    """README's text with the table between its markers made anew."""
    try:
        return pipeline.between_markers(readme, BEGIN, END, markdown(rows))
    except ValueError as error:
        raise SystemExit(f"{README} {error}") from None


def designs(project: Project) -> tuple[Instance, ...]:
    """What README's table is about: all that the gate looks at, without the tour."""
    return tuple(i for i in instances([], project) if TOUR not in Path(i.spec).parents)


def main() -> None:
    """Write both anew, unless a row came to nothing."""
    parser = argparse.ArgumentParser(description="The table in README.md, and specs/table.json.")
    parser.add_argument("--budget", type=float, metavar="SECONDS", help="for each row")
    parser.add_argument("--again", action="store_true", help="README.md, from what is kept")
    chosen = parser.parse_args()
    if chosen.again:
        rows = from_json(KEPT.read_text(encoding="utf-8"))
    else:
        settings = project(Path.cwd())
        budget = settings.budget if chosen.budget is None else chosen.budget
        at_once = settings.jobs or os.cpu_count() or 1
        rules = Rules(budget, most_of_the_machine(at_once), settings.require_validated)
        with ProgressLine("table", sys.stderr) as progress:
            rows = run(designs(settings), rules, at_once, progress.show)
    write(table_rows(rows), sys.stdout)
    if all(row.promises for row in rows):
        write_whole(KEPT, to_json(rows))
        write_whole(README, for_readme(README.read_text(encoding="utf-8"), rows))
    else:
        print("nothing is written: not every spec could be read and searched", file=sys.stderr)
    sys.exit(exit_code(rows))


if __name__ == "__main__":
    main()
