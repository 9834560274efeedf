"""A spec, and what other model checkers say of it: the same verdict, states and steps?"""

from __future__ import annotations

import time
from dataclasses import replace

from modelcheck import __version__
from modelcheck.agreement import Answer, Crosscheck, Said
from modelcheck.engines.limits import most_of_the_machine
from modelcheck.engines.reference import searched
from modelcheck.export import exported
from modelcheck.frontend.compile import compile_spec
from modelcheck.ir import Program
from modelcheck.peers import Peer, Task
from modelcheck.peers.tools import NAME
from modelcheck.pipeline import Progress, Sets, shown_path
from modelcheck.semantics import Semantics
from modelcheck.source import SpecError
from modelcheck.trace import Limits

MANY_STATES = 100_000


def crosscheck(
    path: str, sets: Sets, peers: list[Peer], limits: Limits, progress: Progress | None = None
) -> Crosscheck:
    """What we say of a spec and what the peers that are installed say, each within the limits."""
    spec, program = compile_spec(shown_path(path), sets)
    asked = only_safety(program)
    ours = reference(asked, limits, progress)
    here = [peer for peer in peers if peer.installed()]
    task = task_of(asked, ours, limits)
    return Crosscheck(
        spec.path, " ".join(f"{name}={value}" for name, value in program.parameters), ours,
        tuple(ask(peer, asked, spec.path, task) for peer in here),
        tuple(peer.install for peer in peers if peer not in here),
    )


def task_of(program: Program, ours: Answer, limits: Limits) -> Task:
    """What the peers are told of a Program that we have looked at."""
    large = ours.said == "NOT KNOWN" or (ours.states or 0) > MANY_STATES
    return Task(
        len(Semantics(program).initial()), ours.states, limits.seconds,
        limits.memory or most_of_the_machine(), "-O2" if large else "-O0",
    )


def only_safety(program: Program) -> Program:
    """The Program without what no peer is asked: whether something is reachable."""
    return replace(
        program, properties=tuple(p for p in program.properties if p.kind == "always")
    )


def reference(program: Program, limits: Limits, progress: Progress | None = None) -> Answer:
    """What the reference engine says; of deadlock it is not asked."""
    began = time.monotonic()
    search = searched(program, limits, progress)
    said: Said = "HOLDS"
    why, states, steps = "", None, None
    if search.failures or search.stillborn:
        said = "VIOLATED"
        failures = [failure for _, failure in (*search.stillborn, *search.failures)]
        why = failures[0].sentence
    elif search.stopped is not None:
        if search.stopped.reason == "interrupted":
            raise KeyboardInterrupt
        said, why = "NOT KNOWN", str(search.stopped)
    else:
        states, steps = len(search.states), search.transitions
    return Answer("modelcheck", __version__, said, states, steps, time.monotonic() - began, why=why)


def ask(peer: Peer, program: Program, spec: str, task: Task) -> Answer:
    """What a peer says; that it is not known where its language cannot say the Program."""
    try:
        files = exported(program, peer.language, spec, NAME)
    except SpecError as error:
        return Answer(peer.tool, "", "NOT KNOWN", None, None, 0.0, why=str(error))
    return peer.answer({file.suffix: file.text for file in files}, task)
