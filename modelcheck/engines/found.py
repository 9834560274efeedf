"""What an explicit search found, and the Verdict that it makes of it; the same for each engine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import field
from modelcheck import trace as tr
from modelcheck.engines.asked import PropertyKind, sentences
from modelcheck.engines.coverage import never_taken
from modelcheck.engines.graph import Digraph
from modelcheck.engines.shortest import End, ShortestPaths
from modelcheck.ir import Program
from modelcheck.records import dataclass
from modelcheck.semantics import Initial, Semantics


@dataclass
class Found:
    """A search at its end.

    engine      its name; `asked` the sentences that it was asked for (empty: all)
    states, transitions   as the reference engine counts them
    depth       of the state that lies furthest away
    complete    every reachable state was expanded
    failures    what is broken, at the length of the trace
    broken      the sentences of the properties that are false, or cannot be evaluated
    reached     each `sometimes` with the depth where it was first true
    taken       (process template, location) of every action that some step takes
    odds        by fingerprints: the probability, at most, that a state was overlooked
    remark      as Verdict.remark
    reductions  by which the states are fewer, and runs perhaps shorter, than the Program's own
    """

    engine: str
    program: Program
    asked: frozenset[str]
    limits: tr.Limits
    began: float
    states: int = 0
    transitions: int = 0
    depth: int = 0
    complete: bool = False
    stopped: tr.Stopped | None = None
    failures: list[tr.Failure] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    reached: dict[str, int] = field(default_factory=dict)
    taken: set[tuple[str, str]] = field(default_factory=set)
    trace: tr.Trace | None = None
    reductions: tuple[str, ...] = ()
    odds: float | None = None
    remark: str = ""


def shortest_trace(
    semantics: Semantics, begins: list[Initial], graph: Digraph, depths: list[int],
    stillborn: list[tuple[Initial, tr.Failure]], failures: list[tuple[End, tr.Failure]],
) -> tuple[tr.Trace, End | None]:
    """The trace to show of violations that all lie at the same distance, and where it ends.

    begins     the states 0, 1, ... of the graph
    depths     of each state of the graph, how far it lies from these
    stillborn  what goes wrong before there is a state"""
    at_once = [(begin.choices, failure) for begin, failure in stillborn]
    if at_once:
        at_once += [(begins[end.state].choices, failure) for end, failure in failures]
        choices, failure = min(at_once, key=lambda found: found[0])
        return tr.replay(semantics, tr.Schedule(choices, ()), failure), None
    actions = {
        (number, action.at): action.span.line
        for number, (process, _) in enumerate(semantics.program.instances())
        for action in process.actions
    }
    paths = ShortestPaths(
        graph, depths, [end for end, _ in failures], lambda label: actions[label[0], label[1]]
    )
    begin, labels, at = paths.first()
    schedule = tr.Schedule(
        begins[begin].choices, tuple((process, choices) for process, _, choices in labels)
    )
    return tr.replay(semantics, schedule, next(f for end, f in failures if end == at)), at


def verdict_of(found: Found) -> tr.Verdict:
    """The verdict."""
    results = tuple(
        _result(kind, sentence, line, found) for kind, sentence, line in sentences(found.program)
    )
    bad = found.failures or any(r.status == "not reached" for r in results)
    return tr.Verdict(
        outcome="VIOLATED" if bad else "UNKNOWN" if found.stopped else "HOLDS",
        engine=found.engine,
        spec=found.program.name,
        parameters=tr.parameters_of(found.program),
        memory_model=found.program.memory or "sc",
        assumptions=found.program.assumptions,
        states=found.states,
        transitions=found.transitions,
        depth=found.depth,
        exhaustive=found.complete,
        limits=found.limits,
        stopped=found.stopped,
        properties=results,
        never_taken=tuple(_never_taken(found)) if found.complete else (),
        trace=found.trace,
        others=_others(found.failures, None if found.trace is None else found.trace.failure),
        seconds=time.monotonic() - found.began,
        reductions=found.reductions,
        odds=found.odds,
        remark=found.remark,
    )


def _result(
    kind: PropertyKind, sentence: str, line: tr.Line, found: Found
) -> tr.PropertyResult:
    """What became of a property."""
    length = None if found.trace is None else len(found.trace.steps)
    wanted = not found.asked or sentence in found.asked
    status: tr.Status = "not checked"
    depth: int | None = None
    match kind:
        case "sometimes":
            if sentence in found.reached:
                status, depth = "reached", found.reached[sentence]
            elif wanted and found.complete:
                status = "not reached"
        case "always" | "lemma" | "assert" | "deadlock":
            broken = any(_breaks(f, kind, sentence) for f in found.failures)
            if sentence in found.broken or broken:
                status, depth = "violated", length
            elif wanted and found.complete:
                status = "holds"
    return tr.PropertyResult(kind, sentence, status, depth, line)


def _breaks(failure: tr.Failure, kind: str, sentence: str) -> bool:
    return failure.kind == kind and (kind == "deadlock" or failure.sentence == sentence)


def _others(found: list[tr.Failure], shown: tr.Failure | None) -> tuple[tr.Failure, ...]:
    """The violations that the trace does not show, each sentence once, in an order that does not
    depend on the engine's: of those with one sentence, the same for each."""
    others: dict[tuple[str, str], tr.Failure] = {}
    for failure in sorted(found, key=repr):
        if shown is None or (failure.kind, failure.sentence) != (shown.kind, shown.sentence):
            others.setdefault((failure.kind, failure.sentence), failure)
    return tuple(others.values())


def _never_taken(found: Found) -> Iterator[tr.NeverTaken]:
    for process in found.program.processes:
        yield from never_taken(process, found.taken)
