"""Random Programs, half of them from spec texts and a quarter that reductions are about,
through the engines that search: the quick and the native engine say the very same as the reference
engine, and with each reduction, and all of them, the native engine says what matters of it.

    python -m tests.campaigns.engines --programs 20000
"""

from __future__ import annotations

import argparse
import multiprocessing
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from modelcheck.engines import reference
from modelcheck.engines.native import NotNative, reduced
from modelcheck.engines.native import search as native
from modelcheck.engines.quick import search as quick
from modelcheck.frontend.compile import compile_spec
from modelcheck.ir import Program
from modelcheck.passes import REDUCTIONS
from modelcheck.semantics import Semantics
from modelcheck.source import SpecError, lines_of
from modelcheck.trace import Limits
from tests.agree.built import AT_ONCE, compiled
from tests.agree.random_locking import random_locking
from tests.agree.random_programs import random_program
from tests.agree.random_specs import random_spec
from tests.agree.said import what_matters, whole

STATES = Limits(states=5_000)
MOST_CHOICES = 40  # before the first step: a loop that chooses and does not end has more


@dataclass(frozen=True)
class Tried:
    """What became of the Program of a number: the verdict, or "refused" or "large"; the reductions
    that had something to do; and what should not be so."""

    number: int
    outcome: str
    reductions: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()


def program_of(number: int, folder: Path) -> Program | None:
    """Of even numbers in turn a random Program and one that reductions are about, of odd ones what
    a random spec text is compiled to; None if it is refused, or no run begins."""
    try:
        if number % 4 == 0:
            program = random_program(number // 2)
        elif number % 4 == 2:
            program = random_locking(number // 4)
        else:
            path = folder / f"spec{number}.py"
            path.write_text(random_spec(number // 2), encoding="utf-8")
            lines_of.cache_clear()
            program = compile_spec(str(path), {})[1]
            path.unlink()
        begins = Semantics(program).initial()
    except SpecError:
        return None
    few = all(len(begin.choices) <= MOST_CHOICES for begin in begins)
    return program if begins and few else None


def tried(folder: Path, number: int) -> Tried:
    """Everything that is asked of the Program of one number."""
    program = program_of(number, folder)
    if program is None:
        return Tried(number, "refused")
    try:
        expected = reference.explore(program, STATES)
    except SpecError:
        return Tried(number, "refused")
    if expected.stopped is not None:
        return Tried(number, "large")
    findings: list[str] = []

    def ask(who: str, found: Any, said: Any) -> None:
        try:
            other = said(found())
        except NotNative:
            return
        except Exception as error:
            findings.append(f"{who}: {type(error).__name__}: {error}"[:300])
            return
        mine = said(expected)
        findings.extend(
            f"{who}: {name} is {other[name]}, not {value}"[:300]
            for name, value in mine.items() if other[name] != value
        )

    names = reduced.reduced(program, frozenset(REDUCTIONS)).names
    subsets = [frozenset([name]) for name in names if len(names) > 1] + [frozenset(names)]
    with tempfile.TemporaryDirectory(dir=folder) as cache, compiled(AT_ONCE, Path(cache)):
        ask("quick", lambda: quick.explore(program, Limits()), whole)
        ask("native", lambda: native.explore(program, Limits()), whole)
        for wanted in subsets if names else ():
            found = partial(reduced.explore, program, Limits(), wanted=wanted)
            ask(f"native with {', '.join(sorted(wanted))}", found, what_matters)
    return Tried(number, expected.outcome, names, tuple(findings))


def campaign(numbers: range, jobs: int = 1) -> Iterator[Tried]:
    """Each of these in order, in so many processes: what is found does not depend on how many."""
    with tempfile.TemporaryDirectory() as folder:
        one = partial(tried, Path(folder))
        if jobs == 1:
            yield from map(one, numbers)
            return
        with multiprocessing.get_context("spawn").Pool(jobs, _worker) as pool:
            yield from pool.imap(one, numbers, chunksize=4)


def _worker() -> None:
    """Ctrl-C is for the process that counts, which ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def main(arguments: list[str] | None = None) -> int:
    """Run the campaign; 0 if nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.engines")
    parser.add_argument("--programs", type=int, default=20_000, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="the first one's number")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    chosen = parser.parse_args(arguments)
    began, outcomes, used = time.monotonic(), Counter[str](), Counter[str]()
    findings, interrupted = 0, False
    try:
        for found in campaign(range(chosen.seed, chosen.seed + chosen.programs), chosen.jobs):
            outcomes[found.outcome] += 1
            used.update(found.reductions)
            findings += len(found.findings)
            for what in found.findings:
                print(f"number {found.number}: {what}", flush=True)
            if outcomes.total() % 1_000 == 0:
                print(f"{outcomes.total():,} programs, {findings:,} findings", flush=True)
    except KeyboardInterrupt:
        interrupted = True
    print(f"{outcomes.total():,} programs: {tally(outcomes)}; reduced by {tally(used)}")
    ended = "interrupted after" if interrupted else "in"
    print(f"{findings:,} findings, {ended} {time.monotonic() - began:.0f} s")
    return 130 if interrupted else 1 if findings else 0


def tally(counts: Counter[str]) -> str:
    """`HOLDS 12, VIOLATED 30`."""
    return ", ".join(f"{name} {n:,}" for name, n in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main())
