"""What holds because no run ever comes to where it is asserted, or meant to hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from modelcheck.ir import Assert, Block, Program, Property, Unary, statements
from modelcheck.search import Engine, search
from modelcheck.semantics import Semantics
from modelcheck.trace import Limits, Verdict


def with_vacuous(
    verdict: Verdict, program: Program, engine: Engine, limits: Callable[[], Limits]
) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict, in which what holds for want of an occasion is vacuous; and the sentences of
    which that is not decided within the limits."""
    holding = {p.sentence for p in verdict.properties if p.status == "holds"}
    vacuous = {
        p.sentence for p in verdict.properties
        if p.status == "holds" and p.kind == "assert" and (verdict.exhaustive or verdict.proof)
        and never_asserted(p.sentence, program, verdict)
    }
    undecided: tuple[str, ...] = ()
    if verdict.exhaustive:
        asserted = {p.sentence for p in verdict.properties if p.kind == "assert"}
        meant = tuple(m for m in seldom_meant(program) if m.sentence in holding - asserted)
        never, undecided = _never_meant(program, meant, engine, limits)
        vacuous |= never
    if not vacuous:
        return verdict, undecided
    return replace(verdict, properties=tuple(
        replace(p, status="vacuous") if p.status == "holds" and p.sentence in vacuous else p
        for p in verdict.properties
    )), undecided


def never_asserted(sentence: str, program: Program, verdict: Verdict) -> bool:
    """Whether no run takes any step at which this is asserted, as a search of all states found."""
    never = {(n.process, n.action) for n in verdict.never_taken}

    def asserts(body: Block) -> bool:
        return any(isinstance(s, Assert) and s.sentence == sentence for s in statements(body))

    return not any(
        asserts(process.entry) or any(
            asserts(action.body) and (process.name, action.at) not in never
            for action in process.actions
        )
        for process in program.processes
    )


def seldom_meant(program: Program) -> tuple[Property, ...]:
    """That the `when` of an @always or a @lemma is ever true, for each whose `when` is not true at
    once: each an @always, with the same sentence, that it never is."""
    semantics = Semantics(program)
    begins = [begin.state for begin in semantics.initial() if begin.state is not None]
    never = [
        Property("always", p.sentence, Unary("not", p.when, p.span), None, p.span)
        for p in program.properties if p.invariant and p.when is not None
    ]
    return tuple(n for n in never if all(semantics.holds(n, s) is True for s in begins))


def _never_meant(
    program: Program, meant: tuple[Property, ...], engine: Engine, limits: Callable[[], Limits]
) -> tuple[set[str], tuple[str, ...]]:
    """Which of these are true in all states; and which are left open at a limit.  A search ends at
    the first that is not, and goes on without it."""
    while meant:
        asks = replace(program, properties=meant)
        sentences = tuple(m.sentence for m in meant)
        found = search(asks, engine, limits(), sentences, lambda states, depth, queue: None)
        if found.outcome == "HOLDS":
            return {m.sentence for m in meant}, ()
        broken = {p.sentence for p in found.properties if p.status == "violated"}
        if found.outcome == "UNKNOWN" or not broken:
            return set(), sentences
        meant = tuple(m for m in meant if m.sentence not in broken)
    return set(), ()
