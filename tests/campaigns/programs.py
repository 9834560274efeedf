"""Random spec texts through everything that gives a program its meaning.  Of each that the front
end accepts:

- z3 finds the reference engine's shortest violation, and none where there is none;
- a naive interpreter of the Program finds the same states, steps and shortest trace;
- where interrupts come, a naive interpreter of processes and handlers apart finds the same states,
  as far from the start, and whether anybody is stuck;
- the trace is validated on the executable allocator;
- random runs agree step by step between `semantics` and the executable allocator, on which the
  spec's own functions run in CPython;
- no line that is never taken, as the verdict says, is taken by one of these, or by the trace.

    python -m tests.campaigns.programs --programs 20000
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from modelcheck.engines.reference import explore
from modelcheck.frontend.compile import compile_with_lines
from modelcheck.frontend.definitions import Spec
from modelcheck.heap.allocator import Allocator
from modelcheck.heap.faults import Difference
from modelcheck.heap.follow import Follower
from modelcheck.heap.walk import walk
from modelcheck.ir import Program
from modelcheck.notation import parse_program, print_program
from modelcheck.semantics import Semantics, Step
from modelcheck.source import SpecError, lines_of
from modelcheck.trace import Limits, Verdict
from modelcheck.validate import by_its_lines, validated
from tests.agree.naive_graph import agrees
from tests.agree.naive_interrupts import interrupts_agree
from tests.agree.random_specs import random_spec
from tests.agree.symbolic import against, step_wrong

STATES = Limits(states=1_000)
MOST_CHOICES = 40  # before the first step: a loop that chooses and does not end has more


@dataclass(frozen=True)
class Effort:
    """How closely each program is looked at.

    runs, steps      random runs on the executable allocator, and the most steps of each
    ahead, farthest  the steps that z3 looks ahead where there is no violation, and to find one
    states           from how many states all steps are compared with those that z3 sees
    naive            the states up to which the naive interpreter is asked too"""

    runs: int = 100
    steps: int = 40
    ahead: int = 8
    farthest: int = 16
    states: int = 3
    naive: int = 150


WHOLE = Effort()
SHARE = Effort(steps=10, ahead=4, farthest=8, states=0, naive=60)  # what CI has time for


@dataclass(frozen=True)
class Tried:
    """What became of one text.

    outcome   "refused", "not run" (no run begins, or a step forks too often), or the verdict
    kind      of the violation, if one was found: "assert", "deadlock", ...
    length    of its trace
    steps     those that the model and the allocator took together
    findings  what should not be so"""

    number: int
    outcome: str
    kind: str = ""
    length: int = 0
    steps: int = 0
    naive: bool = False
    findings: tuple[str, ...] = ()


def tried(effort: Effort, folder: Path, number: int) -> Tried:
    """Everything that is asked of the program of one number."""
    path = folder / f"spec{number}.py"
    path.write_text(random_spec(number), encoding="utf-8")
    try:
        return _tried(number, effort, path)
    finally:
        path.unlink()


def _tried(number: int, effort: Effort, path: Path) -> Tried:
    lines_of.cache_clear()
    try:
        spec, program, unmerged = compile_with_lines(str(path), {})
    except SpecError:
        return Tried(number, "refused")
    except Exception as error:
        return Tried(number, "refused", findings=(f"the front end: {_said(error)}",))
    try:
        semantics = Semantics(program)
        if any(len(begin.choices) > MOST_CHOICES for begin in semantics.initial()):
            return Tried(number, "not run")
        verdict = explore(program, STATES)
    except SpecError:
        return Tried(number, "not run")
    except Exception as error:
        return Tried(number, "not run", findings=(f"the reference engine: {_said(error)}",))
    return _compared(number, effort, spec, program, unmerged, semantics, verdict)


def _compared(
    number: int, effort: Effort, spec: Spec, program: Program, unmerged: Program,
    semantics: Semantics, verdict: Verdict,
) -> Tried:
    """The program of one number, whose verdict is known, as all others see it."""
    findings: list[str] = []

    def ask(who: str, question: Callable[[], str | None]) -> None:
        try:
            found = question()
        except (Exception, AssertionError) as error:
            found = _said(error)
        if found is not None:
            findings.append(f"{who}: {found}")

    naive, steps, never = False, 0, _never_taken(verdict)

    def naively() -> None:
        nonlocal naive
        naive = verdict.stopped is None and agrees(program, effort.naive)
        if spec.interrupts:
            interrupts_agree(spec.path, effort.naive)

    def live() -> str | None:
        nonlocal steps
        steps, parted = _walked(spec, semantics, effort, never)
        return parted

    ask("the notation", lambda: _printed(program))
    ask("z3", lambda: against(verdict, program, effort.ahead, effort.farthest))
    if effort.states:
        ask("a step of z3", lambda: step_wrong(program, effort.states))
    ask("the naive interpreter", naively)
    ask("the trace", lambda: _not_validated(verdict, spec, program, unmerged))
    ask("a run", live)
    failure = None if verdict.trace is None else verdict.trace.failure
    return Tried(
        number, verdict.outcome, "" if failure is None else failure.kind,
        0 if verdict.trace is None else len(verdict.trace.steps), steps, naive, tuple(findings),
    )


def _printed(program: Program) -> str | None:
    return None if parse_program(print_program(program)) == program else "reads back otherwise"


def _not_validated(
    verdict: Verdict, spec: Spec, program: Program, unmerged: Program
) -> str | None:
    shown = by_its_lines(verdict, unmerged)
    if shown.trace is not None:
        for step in shown.trace.steps:
            process = step.process.partition("[")[0]
            wrong = {(process, line.line) for line in (step.source, *step.through)}
            if wrong & _never_taken(verdict):
                return f"{wrong} is never taken, it is said, and the trace takes it"
    validation = validated(shown, spec, program).validation
    if validation is None or validation.mark == "validated":
        return None
    return f"{validation.mark}: {validation.detail}"


def _never_taken(verdict: Verdict) -> frozenset[tuple[str, int]]:
    """The lines that a verdict says no run takes, whoever calls, each with its process."""
    return frozenset((n.process, n.source.line) for n in verdict.never_taken if not n.calls)


class _Watching(Follower):
    """A follower that looks at which lines the threads take a step."""

    def __init__(
        self, allocator: Allocator, semantics: Semantics, never: frozenset[tuple[str, int]]
    ) -> None:
        super().__init__(allocator, semantics)
        self.never = never
        self.templates = [process.name for process, _ in semantics.program.instances()]

    def step(self, step: Step) -> None:
        at = self.allocator.cpus[step.process].at
        if at is not None and (self.templates[step.process], self.line(at)[1]) in self.never:
            raise Difference(f"line {self.line(at)[1]} is never taken, it is said, and it is")
        super().step(step)


def _walked(
    spec: Spec, semantics: Semantics, effort: Effort, never: frozenset[tuple[str, int]]
) -> tuple[int, str | None]:
    """The steps of all random runs, and how the first that parts does so."""
    steps = 0
    with Allocator(spec) as allocator:
        follower = _Watching(allocator, semantics, never)
        for seed in range(effort.runs):
            run = walk(follower, seed, effort.steps)
            steps += run.steps
            if run.difference is not None:
                return steps, f"number {seed}: {run.difference}"
    return steps, None


def _said(error: BaseException) -> str:
    at = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}, {Path(at.filename).name}:{at.lineno}: {error}"[:300]


# --------------------------------------------------------------------------------- many of them


def campaign(numbers: range, effort: Effort, jobs: int = 1) -> Iterator[Tried]:
    """Each of these in order, in so many processes: what is found does not depend on how many."""
    with tempfile.TemporaryDirectory() as folder:
        one = partial(tried, effort, Path(folder))
        if jobs == 1:
            yield from map(one, numbers)
            return
        spawn = multiprocessing.get_context("spawn")  # the threads of this process stay here
        with spawn.Pool(jobs, _worker, (spawn.Value("i", 0),)) as pool:
            yield from pool.imap(one, numbers, chunksize=4)


def _worker(count: Any) -> None:
    """Begin a process that tries programs.  Ctrl-C is for the one that counts, which ends the
    others.  It keeps to one CPU, as the threads of an allocator take turns: to wake one on another
    CPU takes two thirds of the time, measured."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with count.get_lock():
        number, count.value = count.value, count.value + 1
    if hasattr(os, "sched_setaffinity"):
        cpus = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cpus[number % len(cpus)]})


class Tally:
    """What was found so far."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.lengths: Counter[int] = Counter()
        self.steps = 0
        self.naive = 0
        self.findings = 0

    def add(self, found: Tried) -> None:
        self.outcomes[found.outcome] += 1
        self.steps += found.steps
        self.naive += found.naive
        self.findings += len(found.findings)
        if found.kind:
            self.kinds[found.kind] += 1
            self.lengths[found.length] += 1

    @property
    def tried(self) -> int:
        return self.outcomes.total()

    @property
    def checked(self) -> int:
        """Those that were accepted, and whose runs begin."""
        return self.tried - self.outcomes["refused"] - self.outcomes["not run"]

    @property
    def violated(self) -> float:
        """The share of those that break a promise, an unreached `@sometimes` included."""
        return self.outcomes["VIOLATED"] / max(1, self.checked)

    def text(self) -> str:
        kinds = ", ".join(f"{n:,} {kind}" for kind, n in self.kinds.most_common())
        lengths = ", ".join(f"{length}: {n:,}" for length, n in sorted(self.lengths.items()))
        return (
            f"{self.tried:,} programs: {self.outcomes['refused']:,} refused, "
            f"{self.outcomes['not run']:,} accepted and not run, {self.checked:,} checked\n"
            f"{self.violated:.0%} violated, {self.outcomes['UNKNOWN']:,} larger than "
            f"{STATES.states:,} states\n"
            f"traces by kind: {kinds}\ntraces by length: {lengths}\n"
            f"{self.naive:,} in all their states by the naive interpreter too, "
            f"{self.steps:,} steps on the executable allocator"
        )


def main(arguments: list[str] | None = None) -> int:
    """Run the campaign; 0 if nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.programs")
    parser.add_argument("--programs", type=int, default=20_000, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="the first one's seed")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--text", action="store_true", help="show the texts of what is found")
    chosen = parser.parse_args(arguments)
    began, tally, interrupted = time.monotonic(), Tally(), False
    try:
        numbers = range(chosen.seed, chosen.seed + chosen.programs)
        for found in campaign(numbers, WHOLE, chosen.jobs):
            tally.add(found)
            for what in found.findings:
                print(f"seed {found.number}: {what}", flush=True)
            if found.findings and chosen.text:
                print(random_spec(found.number))
            if tally.tried % 1_000 == 0:
                print(f"{tally.tried:,} programs, {tally.findings:,} findings", flush=True)
    except KeyboardInterrupt:
        interrupted = True
    print(tally.text())
    seconds = time.monotonic() - began
    ended = "interrupted after" if interrupted else "in"
    print(f"{tally.findings:,} findings, {ended} {seconds:.0f} s")
    return 130 if interrupted else 1 if tally.findings else 0


if __name__ == "__main__":
    sys.exit(main())
