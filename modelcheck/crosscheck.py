"""A Program, and what other model checkers say of it: the same verdict, states and steps?"""

from __future__ import annotations

import time
from dataclasses import replace

from modelcheck.agreement import Answer, Crosscheck, Said
from modelcheck.engines.reference import most_of_the_machine, searched
from modelcheck.export import exported
from modelcheck.ir import Program
from modelcheck.peers import Peer, Task
from modelcheck.peers.tools import NAME
from modelcheck.semantics import Semantics
from modelcheck.source import SpecError
from modelcheck.trace import Limits


def crosscheck(program: Program, spec: str, peers: list[Peer], limits: Limits) -> Crosscheck:
    """Our answer and those of the peers that are installed, each within the limits."""
    asked = only_safety(program)
    ours = reference(asked, limits)
    here = [peer for peer in peers if peer.installed()]
    instance = " ".join(f"{name}={value}" for name, value in program.parameters)
    beginnings = len(Semantics(asked).initial())
    task = Task(
        beginnings, ours.states, limits.seconds, limits.memory or most_of_the_machine()
    )
    return Crosscheck(
        spec, instance, ours, tuple(_asked(peer, asked, spec, task) for peer in here),
        tuple(peer.install for peer in peers if peer not in here),
    )


def only_safety(program: Program) -> Program:
    """The Program without what no peer is asked: whether something is reachable."""
    return replace(
        program, properties=tuple(p for p in program.properties if p.kind == "always")
    )


def reference(program: Program, limits: Limits) -> Answer:
    """What the reference engine says; of deadlock it is not asked."""
    began = time.monotonic()
    search = searched(program, limits)
    said: Said = "HOLDS"
    why, states, steps = "", None, None
    if search.failures or search.stillborn:
        said = "VIOLATED"
        failures = [failure for _, failure in (*search.stillborn, *search.failures)]
        why = failures[0].sentence
    elif search.stopped is not None:
        said, why = "NOT KNOWN", str(search.stopped)
    else:
        states, steps = len(search.states), search.transitions
    return Answer("modelcheck", "", said, states, steps, time.monotonic() - began, why=why)


def _asked(peer: Peer, program: Program, spec: str, task: Task) -> Answer:
    try:
        files = exported(program, peer.language, spec, NAME)
    except SpecError as error:
        return Answer(peer.tool, "", "NOT KNOWN", None, None, 0.0, why=str(error))
    return peer.answer({file.suffix: file.text for file in files}, task)
