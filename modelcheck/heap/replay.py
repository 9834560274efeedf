"""A trace, run for real: the spec's own functions on the executable allocator, step by step beside
the model, and at the end the failure judged by what the memory holds.

    validated by bytes: domain[1] received page 0 with 2048 bytes of domain[0]'s pattern
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from modelcheck.frontend.definitions import Spec
from modelcheck.heap.allocator import Allocator
from modelcheck.heap.faults import Difference, fault_of
from modelcheck.heap.follow import Follower
from modelcheck.heap.objects import page_of
from modelcheck.heap.scheduler import Cpu
from modelcheck.ir import Action, Program
from modelcheck.semantics import Semantics, State, Step
from modelcheck.trace import Failure, Trace, Validation

Watcher = Callable[[int | None], None]
MORE_STEPS = 2_000  # in which a stuck process must make no progress


def replay(spec: Spec, program: Program, semantics: Semantics, trace: Trace) -> Validation:
    """Whether the executable allocator does what the trace says, and fails as it says."""
    assert semantics.program is program
    with Allocator(spec) as allocator:
        return follow(Follower(allocator, semantics), trace)


def follow(follower: Follower, trace: Trace, watch: Watcher | None = None) -> Validation:
    """As replay, on an allocator that is there already.  `watch` is told the number of each step
    that is about to be taken, and None after the last."""
    number = 0
    try:
        state = _begin(follower, trace)
        last: Step | None = None
        for shown, (process, choices) in zip(trace.steps, trace.schedule.steps, strict=True):
            number += 1
            if state is None:
                raise Difference("the run has ended before")
            last = _step_of(follower.semantics, state, process, choices)
            follower.at_line(process, (shown.source.file, shown.source.line))
            if watch is not None:
                watch(number)
            follower.step(last)
            state = last.target
        if watch is not None:
            watch(None)
        if trace.failure is None:
            done = f"{number} steps left what the model says in memory"
            return Validation("validated", "memory", done)
        return _judge(follower, trace.failure, state, last)
    except Difference as difference:
        where = f"step {number}" if number else "the start"
        return Validation("NOT REPRODUCED", None, f"{where}: {difference}")


def _begin(follower: Follower, trace: Trace) -> State | None:
    for initial in follower.begins:
        if initial.choices == trace.schedule.initial:
            follower.begin(initial)
            return initial.state
    raise Difference("the model has no such beginning: the trace is of another spec or instance")


def _step_of(
    semantics: Semantics, state: State, process: int, choices: tuple[int, ...]
) -> Step:
    if process < len(semantics.names) and semantics.process_action(state, process) is not None:
        for step in semantics.steps(state, process)[0]:
            if step.choices == choices:
                return step
    raise Difference("the model has no such step: the trace is of another spec or instance")


# ------------------------------------------------------------------------------------ the failure


def _judge(
    follower: Follower, failure: Failure, state: State | None, last: Step | None
) -> Validation:
    """What the memory says of the failure at the end of a trace."""
    if failure.kind == "deadlock":
        if state is None:
            raise Difference("the run ends in a fault, where nobody can be stuck")
        return _stuck(follower, failure, state)
    if last is None and state is None:
        return Validation("validated", "memory", f"before the first step: {failure.sentence}")
    if not failure.process:
        return _property(follower, failure)
    assert last is not None
    cpu = follower.allocator.cpus[last.process]
    if cpu.fault is None:
        raise Difference(f"{cpu.name} did not fail")
    read = sorted({page_of(a) for a in follower.allocator.memory.bytes_read})
    if failure.kind == "assert" and read:
        said = "; ".join(_bytes(follower, cpu, page) for page in read)
        return Validation("validated", "bytes", said)
    what = f"'{failure.sentence}' is false" if failure.kind == "assert" else failure.sentence
    return Validation("validated", "memory", f"in the thread of {cpu.name}: {what}")


def _property(follower: Follower, failure: Failure) -> Validation:
    """A property, evaluated again by its own function on what the arena holds."""
    allocator = follower.allocator
    said = allocator.spec.sentence
    found = next(
        (
            f for f in allocator.spec.properties
            if said(f) == failure.sentence
            or failure.sentence.endswith(f", in the property '{said(f)}'")
        ),
        None,
    )
    if found is None:
        raise Difference(f"the spec has no property '{failure.sentence}'")
    try:
        holds = allocator.holds(found)
    except Exception as error:
        fault = fault_of(error)
        if fault is None:
            raise
        if fault.kind != failure.kind:
            raise Difference(f"'{said(found)}' fails otherwise on the memory: {fault}") from None
        return Validation("validated", "memory", f"evaluated on the memory it fails: {fault}")
    if holds or failure.kind != "safety":
        raise Difference(f"'{failure.sentence}' is true of what memory holds")
    return Validation(
        "validated", "memory", f"'{failure.sentence}' is false of what the arena holds"
    )


def _bytes(follower: Follower, cpu: Cpu, page: int) -> str:
    """What was found in the bytes of the page that an assert of this CPU looked at, where it wants
    zeros, or the patterns that it asked for."""
    memory, writers = follower.allocator.memory, follower.allocator.words.writers
    wanted: set[int | str] = set(memory.asked_for) or {"zeros"}
    counts = memory.arena.counts(page)
    called, level = _name_of(follower.allocator.layouts.pages[page])
    others = [
        f"{n} bytes of {_whose(whose, writers, cpu)}"
        for whose, n in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
        if whose not in wanted
    ]
    if not others:
        return f"{cpu.name} looked at {called}{level}: all its bytes are as the assert wants them"
    found = "finds in its" if memory.asked_for else "received"
    with_ = ": " if memory.asked_for else " with "
    return f"{cpu.name} {found} {called}{with_}{' and '.join(others)}{level}"


def _name_of(contents: str) -> tuple[str, str]:
    """`Page[0].contents` is "page 0"; and `Page[0].ram`, a second memory of it, is its " ram"."""
    owner, _, field = contents.rpartition(".")
    called = f"page {owner[5:-1]}" if owner.startswith("Page[") else owner
    return called, "" if field == "contents" else f" in its {field}"


def _whose(whose: int | str, writers: dict[int, str], cpu: Cpu) -> str:
    if isinstance(whose, str):
        return whose
    writer = writers.get(whose, f"domain number {whose}")
    return "its own pattern" if writer == cpu.name else f"{writer}'s pattern"


# ---------------------------------------------------------------------------------------- stuck


def _stuck(follower: Follower, failure: Failure, state: State) -> Validation:
    """Let all threads run on in turn, and see that this one makes no progress."""
    allocator = follower.allocator
    cpu = next((c for c in allocator.cpus if c.name == failure.process), None)
    if cpu is None:
        raise Difference(f"there is no process {failure.process!r}")
    follower.same_ways(state)
    action = follower.semantics.process_action(state, cpu.number)
    if action is None:
        raise Difference(f"{cpu.name} has ended")
    inside = _lines_of_loop(follower, cpu.number, action)
    assert cpu.at is not None
    file, line = follower.line(cpu.at)  # as the verdict says: in a loop it does not stay there
    taken = 0
    while taken < MORE_STEPS:
        before = taken
        for other in allocator.cpus:
            if other.state == "parked" and other.can_go():
                _further_step(follower, other, other is cpu, inside, taken)
                taken += 1
        if taken == before:
            break
    said = [f"{cpu.name} makes no progress at {file}:{line}"]
    if taken:
        said.append(f"in {taken:,} further steps of all CPUs")
    if taken < MORE_STEPS:
        said.append("and no CPU can take another step")
    return Validation("validated", "stuck", ", ".join(said) + _others(follower, cpu))


def _others(follower: Follower, stuck: Cpu) -> str:
    """Where the other CPUs stand by then: it is one of them that the stuck one waits for."""
    waiting = [
        (cpu.name, *follower.line(cpu.at))
        for cpu in follower.allocator.cpus if cpu is not stuck and cpu.at is not None
        if cpu.state == "parked" and not cpu.finds()
    ]
    stand = [f"{name} waits at {PurePath(file).name}:{line}" for name, file, line in waiting]
    return f"; by then {' and '.join(stand)}" if stand else ""


def _further_step(
    follower: Follower, cpu: Cpu, is_stuck: bool, inside: frozenset[tuple[str, int]], taken: int
) -> None:
    before, handling = follower.shared() if is_stuck else [], cpu.handling
    follower.allocator.step(cpu.number, None)
    if not is_stuck:
        return
    changed = follower.shared() != before and not handling  # what an interrupt does is no progress
    if changed or cpu.state != "parked" or cpu.at is None or follower.line(cpu.at) not in inside:
        left = "left its wait" if cpu.state == "parked" else cpu.state
        how = "changed memory" if changed else left
        raise Difference(f"{cpu.name} is not stuck: it {how} after {taken} further steps")


def _lines_of_loop(
    follower: Follower, number: int, action: Action
) -> frozenset[tuple[str, int]]:
    """The lines of the outermost loop, or of the wait, that an action stands in and must leave some
    time; none if it is in none.  Who is stuck in an inner one stays in the outermost too."""
    process, _ = follower.processes[number]
    if not action.loops:
        return frozenset()
    outermost = action.loops[0]
    return frozenset(
        line for a in process.actions if outermost in a.loops for line in follower.lines_of(a)
    )
