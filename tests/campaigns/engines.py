"""Random Programs, half of them from spec texts, through the engines: whoever is asked says what
the reference engine says.  `asked.py` is the table of who is asked, and of what is compared.

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

from modelcheck.engines import reference
from modelcheck.engines.native import NotNative
from modelcheck.frontend.compile import compile_spec
from modelcheck.ir import Program
from modelcheck.semantics import Semantics
from modelcheck.source import SpecError, lines_of
from modelcheck.trace import Limits, Verdict
from tests.agree.built import AT_ONCE, CROWDED, compiled, in_one_thread, small_tables
from tests.agree.guarded_specs import guarded_spec, as_no_text_says
from tests.agree.random_locking import random_locking
from tests.agree.random_programs import random_program
from tests.agree.random_specs import random_spec
from tests.campaigns.asked import Asked, asked_about

STATES = Limits(states=5_000)
MOST_CHOICES = 40  # before the first step: a loop that chooses and does not end has more


@dataclass(frozen=True)
class Tried:
    """What became of the Program of a number: the verdict, or "refused" or "large"; who answered;
    and what should not be so."""

    number: int
    outcome: str
    answered: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()


def program_of(number: int, folder: Path) -> Program | None:
    """The Program of a number; None if it is refused, or no run begins.  Of even numbers a random
    one, of odd ones what a random spec text is compiled to; of each every other is of the shapes
    that reductions act on."""
    path, seed = folder / f"spec{number}.py", number // 4
    try:
        if number % 4 == 0:
            program = random_program(number // 2)
        elif number % 4 == 2:
            program = random_locking(seed)
        elif number % 4 == 1:
            program = _compiled(random_spec(seed), path)
        else:
            program = _compiled(guarded_spec(seed), path)
            program = as_no_text_says(program) if seed % 2 else program
        begins = Semantics(program).initial()
    except SpecError:
        return None
    few = all(len(begin.choices) <= MOST_CHOICES for begin in begins)
    return program if begins and few else None


def _compiled(text: str, path: Path) -> Program:
    path.write_text(text, encoding="utf-8")
    lines_of.cache_clear()
    try:
        return compile_spec(str(path), {})[1]
    finally:
        path.unlink()


def tried(everything: bool, folder: Path, number: int) -> Tried:
    """Everything that is asked about the Program of one number."""
    program = program_of(number, folder)
    if program is None:
        return Tried(number, "refused")
    try:
        expected = reference.explore(program, STATES)
    except SpecError:
        return Tried(number, "refused")
    if expected.stopped is not None:
        return Tried(number, "large")
    flags = (*AT_ONCE, *CROWDED) if number // 4 % 2 == 0 else AT_ONCE
    answered: list[str] = []
    findings: list[str] = []
    with (
        tempfile.TemporaryDirectory(dir=folder) as cache,
        compiled(flags, Path(cache)), small_tables(),
    ):
        for asked in asked_about(program, number, everything):
            try:
                found = None
                if not asked.threads:
                    with in_one_thread(flags):
                        found = _answer(asked, program, expected)
                if asked.threads or found is not None:  # tcc is wrong once in ten thousand Programs
                    found = _answer(asked, program, expected)
            except NotNative:
                continue
            answered.append(asked.who)
            if found is not None:
                findings.append(f"{asked.who}: {found}"[:300])
    return Tried(number, expected.outcome, tuple(answered), tuple(findings))


def _answer(asked: Asked, program: Program, expected: Verdict) -> str | None:
    """What somebody says otherwise, or what went wrong.  NotNative if there is no answer."""
    try:
        return asked.question(program, expected)
    except NotNative:
        raise
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def campaign(numbers: range, everything: bool, jobs: int = 1) -> Iterator[Tried]:
    """Each of these in order, in so many processes: what is found does not depend on how many."""
    with tempfile.TemporaryDirectory() as folder:
        one = partial(tried, everything, Path(folder))
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
    began, outcomes, answered = time.monotonic(), Counter[str](), Counter[str]()
    findings, interrupted = 0, False
    try:
        numbers = range(chosen.seed, chosen.seed + chosen.programs)
        for found in campaign(numbers, True, chosen.jobs):
            outcomes[found.outcome] += 1
            answered.update(found.answered)
            findings += len(found.findings)
            for what in found.findings:
                print(f"number {found.number}: {what}", flush=True)
            if outcomes.total() % 1_000 == 0:
                print(f"{outcomes.total():,} programs, {findings:,} findings", flush=True)
    except KeyboardInterrupt:
        interrupted = True
    print(f"{outcomes.total():,} programs: {tally(outcomes)}\nasked: {tally(answered)}")
    ended = "interrupted after" if interrupted else "in"
    print(f"{findings:,} findings, {ended} {time.monotonic() - began:.0f} s")
    return 130 if interrupted else 1 if findings else 0


def tally(counts: Counter[str]) -> str:
    """`HOLDS 12, VIOLATED 30`."""
    return ", ".join(f"{name} {n:,}" for name, n in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main())
