"""What is done before anybody is shown a verdict: its trace is run again, on `semantics` and on the
executable allocator.  A verdict that shows no trace is tried there, on random walks.  Whatever goes
wrong in that, there is a verdict: `Kept`.

A trace of one property that was asked for (`--property`) may go on where another assert fails.  It
is then followed without the others: in the Program, and in the functions that the threads run."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from typing import Literal, TypeAlias, TypeVar

from modelcheck.engines.asked import only, sentences
from modelcheck.frontend.compile import compile_spec
from modelcheck.frontend.definitions import Spec
from modelcheck.ir import Program
from modelcheck.semantics import Semantics
from modelcheck.trace import (
    Disagreement, Failure, NotPossible, PropertyResult, Status, Trace, Validation, Verdict, end_of,
    failure_of_deadlock, failure_of_property, told, with_lines,
)  # fmt: skip
from modelcheck.trace import replay as walk

PROPERTY_KINDS = {
    "safety": ("always", "lemma"), "assert": ("assert",), "deadlock": ("deadlock",),
}
DECIDED: frozenset[Status] = frozenset(("holds", "vacuous", "violated", "not checked"))
STATUSES: dict[str, frozenset[Status]] = {
    "always": DECIDED, "lemma": DECIDED, "assert": DECIDED, "deadlock": DECIDED,
    "sometimes": frozenset(("reached", "not reached", "not checked")),
}


T = TypeVar("T")
D = TypeVar("D")
By: TypeAlias = Literal["walks", "lines", "vacuous", "remarks"] | None


class Kept:
    """A verdict, and what is done with it: what fails there is marked on it, and loses nothing."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict

    def become(self, by: By, work: Callable[[Verdict], Verdict]) -> None:
        """The verdict that it makes of this one; this one, if that fails."""
        found = self.said(by, lambda: work(self.verdict), None)
        if found is not None:
            self.verdict = found

    def said(self, by: By, work: Callable[[], T], instead: D) -> T | D:
        """What it says of the verdict, or `instead`."""
        try:
            return work()
        except Exception as error:
            self.verdict = marked(self.verdict, failure(by, error))
            return instead


def failure(by: By, error: Exception) -> Validation:
    """What an exception says of a validation.  Where the engine and `semantics` disagree, that is
    what it says."""
    if isinstance(error, Disagreement):
        return Validation("DISAGREES", by, str(error))
    return Validation("failed", by, f"{type(error).__name__}: {error}")


def marked(verdict: Verdict, found: Validation) -> Verdict:
    """The verdict with this mark, unless it has a worse one."""
    before = verdict.validation
    if before is not None and (not found.code or 0 < before.code <= found.code):
        return verdict
    return replace(verdict, validation=found)


def by_its_lines(verdict: Verdict, unmerged: Program) -> Verdict:
    """The verdict, its trace told by the lines that it really goes through."""
    trace = verdict.trace
    if trace is None or trace.failure is None:
        return verdict
    return told(verdict, Semantics(_followed(trace, trace.failure, unmerged)))


def tried(verdict: Verdict, spec: Spec, program: Program, walks: int) -> Verdict:
    """The verdict, marked with what became of so many random walks on the executable allocator; as
    it is if it shows a trace, or is UNKNOWN, or no walk is wanted.  Whatever happens there, there
    is a verdict."""
    if verdict.trace is not None or verdict.outcome == "UNKNOWN" or not walks:
        return verdict
    try:
        from modelcheck.heap.walk import tried as walk_on  # mmap, threads

        found = walk_on(verdict, spec, program, walks)
    except Exception as error:
        found = failure("walks", error)
    return marked(verdict, found)


def validated(verdict: Verdict, spec: Spec, program: Program) -> Verdict:
    """The verdict, its trace marked with what the executable allocator did.  Whatever happens
    there, there is a verdict."""
    trace = verdict.trace
    if trace is None or trace.failure is None:
        return verdict
    try:
        from modelcheck.heap.replay import replay  # mmap, threads: for counterexamples only

        spec, kept = to_follow(trace, trace.failure, spec, program)
        found = replay(spec, kept, Semantics(kept), trace)
    except Exception as error:
        found = failure(None, error)
    return marked(verdict, found)


def to_follow(
    trace: Trace, failure: Failure, spec: Spec, program: Program
) -> tuple[Spec, Program]:
    """The spec and the Program on which a trace can be followed to its failure."""
    kept = _followed(trace, failure, program)
    return (spec if kept is program else _with_asserts(spec, failure.sentence)), kept


def is_a_trace_of(trace: Trace, spec: Spec, program: Program, unmerged: Program) -> bool:
    """Whether the schedule of a trace still makes that very trace."""
    failure = trace.failure
    if failure is None:
        return False
    if failure.kind == "safety" and not any(
        failure == failure_of_property(p, False) for p in program.properties
    ):
        return False
    kept = Semantics(_followed(trace, failure, program))
    try:
        again = walk(kept, trace.schedule, failure if failure.kind == "safety" else None)
    except NotPossible:
        return False
    if failure.kind == "deadlock":
        again = replace(again, failure=_stuck_there(failure, trace, kept))
    lines = Semantics(_followed(trace, failure, unmerged))
    return replace(with_lines(again, lines), spec=spec.path) == trace


def _stuck_there(failure: Failure, trace: Trace, semantics: Semantics) -> Failure | None:
    """What is said of the process that a deadlock names, where the run ends."""
    state = end_of(semantics, trace.schedule)
    if state is None or failure.process not in semantics.names:
        return None
    return failure_of_deadlock(semantics, state, semantics.names.index(failure.process))


def is_what_its_run_says(verdict: Verdict, trace: Trace, program: Program) -> bool:
    """Whether what a verdict claims beside its trace agrees with it, and with itself."""
    claimed = [(p.kind, p.sentence, p.source) for p in verdict.properties]
    return (
        (verdict.parameters, verdict.spec) == (trace.parameters, trace.spec)
        and (verdict.stopped, verdict.assumptions) == (None, program.assumptions)
        and claimed == list(sentences(program))
        and all(_agrees(p, verdict, trace) for p in verdict.properties)
        and _can_be_together(verdict, trace)
    )


def _agrees(p: PropertyResult, verdict: Verdict, trace: Trace) -> bool:
    """Whether a property is violated if, and only if, a failure says so."""
    broken = any(
        f.kind == "deadlock" if p.kind == "deadlock"
        else (p.kind in PROPERTY_KINDS.get(f.kind, ()) and f.sentence == p.sentence)
        or f.sentence.endswith(f", in the property '{p.sentence}'")
        for f in (trace.failure, *verdict.others) if f is not None
    )
    if p.status not in STATUSES[p.kind] or (p.status == "not reached" and not verdict.exhaustive):
        return False
    return broken == (p.status == "violated") and (not broken or p.depth == len(trace.steps))


def _can_be_together(verdict: Verdict, trace: Trace) -> bool:
    """Whether one search can have ended in these failures."""
    failures = [f for f in (trace.failure, *verdict.others) if f is not None]
    known = {(p.kind, p.sentence) for p in verdict.properties}
    for f in failures:
        kinds = PROPERTY_KINDS.get(f.kind, ())
        if f.kind in ("safety", "assert") and not any((k, f.sentence) in known for k in kinds):
            return False
        if not kinds and f.sentence in {sentence for _, sentence in known}:
            return False
    stuck = [f.kind == "deadlock" for f in failures]  # looked for where nothing else is found
    distinct = len({(f.kind, f.sentence) for f in failures}) == len(failures)
    return distinct and (not trace.steps or all(stuck) or not any(stuck))


def _followed(trace: Trace, failure: Failure, program: Program) -> Program:
    """The Program; if the trace cannot be followed there, with nothing but what it violates."""
    semantics = Semantics(program)
    try:
        there = walk(semantics, trace.schedule).failure
    except NotPossible:
        return only(program, frozenset([failure.sentence]))
    in_a_step = failure.process and failure.kind != "deadlock"
    if in_a_step and there is not None:
        ends_so = (there.kind, there.sentence) == (failure.kind, failure.sentence)
    else:
        ends_so = bool(in_a_step) or end_of(semantics, trace.schedule) is not None
    return program if ends_so else only(program, frozenset([failure.sentence]))


def _with_asserts(spec: Spec, sentence: str) -> Spec:
    """The spec, read again, in which all other asserts look at memory and never fail; so do those
    that no line of it says (Spec.asserted)."""
    again, _ = compile_spec(spec.path, {p.name: p.value for p in spec.parameters})
    for module in again.modules:
        for node in ast.walk(module.tree):
            match node:
                case ast.Assert(test, msg=ast.Constant(value=other)) if other != sentence:
                    either = ast.BoolOp(ast.Or(), [test, ast.Constant(True)])
                    node.test = ast.fix_missing_locations(ast.copy_location(either, test))
                case _:
                    pass
    return replace(again, asserted=sentence)
