"""Rules about processes, locations and what one step may do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from modelcheck.flow import gotos, live_locals
from modelcheck.ir import END, Action, Block, Fence, Goto, If, Process, Program
from modelcheck.legal.illegal import Illegal, processes


def _bodies(process: Process) -> Iterator[tuple[str, Action | None, Block]]:
    yield f"{process.name}, entry", None, process.entry
    for action in process.actions:
        yield f"{process.name}, {action.at}", action, action.body


def locations_are_named(program: Program) -> Iterator[Illegal]:
    for process in processes(program):
        seen = {END}
        for action in process.actions:
            if action.at in seen:
                yield Illegal(action, process.name, f"a second location is called {action.at}")
            seen.add(action.at)
            names = [loop.name for loop in action.loops]
            if len(set(names)) < len(names):
                yield Illegal(action, f"{process.name}, {action.at}", "it is twice in a loop")
            if action.resting and action.loops:
                yield Illegal(
                    action, f"{process.name}, {action.at}", "a loop that must be left is no rest"
                )


def paths_end_in_one_goto(program: Program) -> Iterator[Illegal]:
    for process in processes(program):
        for where, action, body in _bodies(process):
            yield from _nothing_behind_a_goto(body, where)
            if not _ends(body):
                yield Illegal(action or process, where, "a path does not end in a goto")


def _ends(block: Block) -> bool:
    """Whether every path through the block meets a Goto."""
    return any(
        isinstance(s, Goto) or (isinstance(s, If) and _ends(s.then) and _ends(s.other))
        for s in block
    )


def _nothing_behind_a_goto(block: Block, where: str) -> Iterator[Illegal]:
    for statement, following in pairwise(block):
        if _ends((statement,)):
            yield Illegal(following, where, "no path leads to this statement")
    for statement in block:
        if isinstance(statement, If):
            yield from _nothing_behind_a_goto(statement.then, where)
            yield from _nothing_behind_a_goto(statement.other, where)


def gotos_lead_somewhere(program: Program) -> Iterator[Illegal]:
    for process in processes(program):
        known = {END, *(a.at for a in process.actions)}
        for where, _, body in _bodies(process):
            for goto in gotos(body):
                if goto.location not in known:
                    yield Illegal(goto, where, f"there is no location {goto.location}")


def one_access_in_a_step(program: Program) -> Iterator[Illegal]:
    """An access behind a transit needs an `atomic`, and an atomic is entered by its first access.
    Boot is free of this: it is one step altogether, and nothing else runs."""
    if program.boot is not None:
        for action in program.boot.actions:
            if not action.transit:
                yield Illegal(action, f"{program.boot.name}, {action.at}", "boot has no steps")
    for process in program.processes:
        by_name = {a.at: a for a in process.actions}
        for action in process.actions:
            if action.transit and action.access is not None and action.reason is None:
                where = f"{process.name}, {action.at}"
                yield Illegal(action, where, "a second access in a step that is not atomic")
        for where, source, body in _bodies(process):
            for goto in gotos(body):
                target = by_name[goto.location] if goto.location != END else None
                if target is None or not target.transit or target.reason is None:
                    continue
                if source is None or source.reason != target.reason:
                    yield Illegal(goto, where, f"it jumps into the atomic of {target.at}")


def waits_begin_a_step(program: Program) -> Iterator[Illegal]:
    for process in processes(program):
        for action in process.actions:
            where = f"{process.name}, {action.at}"
            if action.wait is not None and action.transit and action.reason is None:
                yield Illegal(action, where, "it waits in the middle of a step")
            if action.wait is not None and isinstance(action.access, Fence):
                yield Illegal(action, where, "a barrier waits for nothing")


def live_is_liveness(program: Program) -> Iterator[Illegal]:
    for process in processes(program):
        live = live_locals(process)
        for action in process.actions:
            right = tuple(v.name for v in process.locals if v.name in live[action.at])
            if action.live != right:
                problem = f"live is {', '.join(right) or 'nothing'}"
                yield Illegal(action, f"{process.name}, {action.at}", problem)


def live_is_enough(program: Program) -> Iterator[Illegal]:
    """More locals may be kept than matter to the process: they say what it has accessed."""
    for process in processes(program):
        live = live_locals(process)
        for action in process.actions:
            missing = [v.name for v in process.locals if v.name in live[action.at] - {*action.live}]
            in_order = tuple(v.name for v in process.locals if v.name in action.live)
            if missing or action.live != in_order:
                problem = f"live is not {', '.join(missing) or 'in the order of the locals'}"
                yield Illegal(action, f"{process.name}, {action.at}", problem)


def no_memory_model(program: Program) -> Iterator[Illegal]:
    if program.memory:
        yield Illegal(program, "", f"it is compiled for {program.memory} already")


def memory_model_is_in(program: Program) -> Iterator[Illegal]:
    if not program.memory:
        yield Illegal(program, "", "it is compiled for no memory model")
    for process in processes(program):
        for action in process.actions:
            if isinstance(action.access, Fence):
                where = f"{process.name}, {action.at}"
                yield Illegal(action, where, f"{action.access.by} should have been compiled away")
