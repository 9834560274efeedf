"""What holds because no run ever comes to where it is asserted, or meant to hold."""

from __future__ import annotations

from dataclasses import replace

from modelcheck.ir import Assert, Block, Bool, Const, Program, Property, statements
from modelcheck.search import Engine, search
from modelcheck.semantics import Semantics
from modelcheck.trace import Limits, Verdict


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
    once: each a @sometimes with the same sentence."""
    semantics = Semantics(program)
    begins = [begin.state for begin in semantics.initial() if begin.state is not None]
    meant = [
        Property("sometimes", p.sentence, Const(True, Bool()), p.when, p.span)
        for p in program.properties if p.invariant and p.when is not None
    ]
    return tuple(m for m in meant if not any(semantics.holds(m, s) is True for s in begins))


def whether_meant(program: Program, meant: tuple[Property, ...], limits: Limits) -> Verdict:
    """Which of these are ever true."""
    asks = replace(program, properties=meant)
    sentences = tuple(m.sentence for m in meant)
    return search(asks, Engine(), limits, sentences, lambda states, depth, queue: None)
