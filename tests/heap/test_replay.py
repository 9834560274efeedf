"""A trace on the allocator: validated, and by what; or where it parted."""

from dataclasses import replace
from pathlib import Path

import pytest

from modelcheck.engines.reference import explore
from modelcheck.frontend.compile import compile_spec, compile_with_lines
from modelcheck.frontend.definitions import Spec
from modelcheck.heap.replay import replay
from modelcheck.ir import Program
from modelcheck.semantics import Semantics
from modelcheck.source import NOWHERE
from modelcheck.trace import Failure, Limits, Trace, Validation, line_of, with_lines
from modelcheck.validate import validated
from tests.heap.small import SPECS, a_run, agreed, compiled, failing_run

HEAD = """
    from modelcheck.lang import (
        Enum, Lock, Pattern, always, auto, chain, choose, element, instances, process, shared,
        spin_lock, spin_unlock, wait_until,
    )
    from modelcheck.xen.page import (
        PageContents, fill_page, is_pattern_of, is_scrubbed, scrub_one_page,
    )
"""


def replayed(spec: Spec, program: Program, trace: Trace) -> Validation:
    return replay(spec, program, Semantics(program), trace)


BYTES = HEAD + """
    @shared(count=2)
    class Page:
        contents: PageContents

    @process(count=2)
    def domain(me: int) -> None:
        pg = element(Page, 1)
        assert not is_scrubbed(pg), "there is always something to read"
        fill_page(pg, me)
        assert is_pattern_of(pg, me), "no page is scrubbed under its owner"

    @process
    def idle_loop() -> None:
        pg = element(Page, 1)
        scrub_one_page(pg)

    @process
    def newcomer() -> None:
        assert is_scrubbed(element(Page, 1)), "no dirty page is returned to a caller"
"""


@pytest.mark.parametrize(
    ("steps", "detail"),
    [
        ([3], "newcomer received page 1 with 4096 bytes of an earlier domain's pattern"),
        (
            [0, 0, 3],
            "newcomer received page 1 with 2048 bytes of domain[0]'s pattern"
            " and 2048 bytes of an earlier domain's pattern",
        ),
        ([0, 1, 0, 1, 1, 2, 3], "newcomer received page 1 with 2048 bytes of domain[1]'s pattern"),
        (
            [0, 0, 0, 2, 0],
            "domain[0] finds in its page 1: 2048 bytes of zeros",
        ),
        (
            [0, 1, 0, 0, 1, 0],
            "domain[0] finds in its page 1: 2048 bytes of domain[1]'s pattern",
        ),
        (
            [2, 2, 0],
            "domain[0] looked at page 1: all its bytes are as the assert wants them",
        ),
    ],
)
def test_what_the_bytes_say(steps: list[int | tuple[int, tuple[int, ...]]], detail: str,
                            tmp_path: Path) -> None:
    spec, program = compiled(tmp_path, BYTES)
    trace = a_run(program, steps)
    assert trace.failure is not None and trace.failure.kind == "assert"
    assert replayed(spec, program, trace) == Validation("validated", "bytes", detail)


TWO_MEMORIES = HEAD + """
    from modelcheck.xen.cache import flush_page_to_ram, ram_is_scrubbed

    @shared(count=2)
    class Page:
        contents: PageContents
        ram: PageContents

    @process
    def domain(me: int) -> None:
        pg = element(Page, 1)
        fill_page(pg, me)
        flush_page_to_ram(pg)
        scrub_one_page(pg)
        assert is_scrubbed(pg), "a guest with its caches on reads no dirty page"
        assert ram_is_scrubbed(pg), "a guest with its caches off reads no dirty page"
"""


def test_each_memory_of_a_page_has_bytes_of_its_own(tmp_path: Path) -> None:
    """Zeros in the cache, a secret in RAM (XSA-364): it was said of page 3, of four."""
    spec, program = compiled(tmp_path, TWO_MEMORIES)
    found = replayed(spec, program, failing_run(spec, program, 1))
    assert found == Validation(
        "validated", "bytes",
        "domain[0] received page 1 with 4096 bytes of its own pattern in its ram",
    )
    agreed(spec, program)


def test_the_counterexample_of_the_e_mail() -> None:
    spec, program = compile_spec(str(SPECS / "per_page_cmpxchg.py"), {})
    found = replayed(spec, program, failing_run(spec, program))
    assert (found.mark, found.by) == ("validated", "bytes")
    assert "bytes of" in found.detail


PROPERTY = HEAD + """
    class Scrub(Enum):
        DIRTY = auto()
        CLEAN = auto()

    @shared(count=2)
    class Page:
        scrub: Scrub = Scrub.DIRTY

    @process
    def idle_loop() -> None:
        for pg in instances(Page):
            pg.scrub = Scrub.CLEAN

    @always
    def some_page_is_dirty() -> bool:
        return any(pg.scrub == Scrub.DIRTY for pg in instances(Page))
"""


def test_a_property_is_evaluated_again_on_what_the_arena_holds(tmp_path: Path) -> None:
    spec, program = compiled(tmp_path, PROPERTY)
    assert replayed(spec, program, a_run(program, [0, 0])) == Validation(
        "validated", "memory", "'some page is dirty' is false of what the arena holds"
    )


def test_a_property_that_is_true_of_the_arena_is_not_reproduced(tmp_path: Path) -> None:
    spec, program = compiled(tmp_path, PROPERTY)
    whole = a_run(program, [0, 0])
    short = replace(whole, steps=whole.steps[:1])
    assert replayed(spec, program, short) == Validation(
        "NOT REPRODUCED", None, "step 1: 'some page is dirty' is true of what memory holds"
    )


DEADLOCK = HEAD + """
    a = Lock("a")
    b = Lock("b")

    @shared
    class Cell:
        busy: bool = False

    cell = Cell()

    @process(count=2)
    def cpu(me: int) -> None:
        if me == 0:
            spin_lock(a)
            spin_lock(b)
        else:
            spin_lock(b)
            spin_lock(a)
        spin_unlock(a)
        spin_unlock(b)

    @process
    def other() -> None:
        while True:
            cell.busy = choose(False, True)
            busy = cell.busy
"""


def deadlocked(trace: Trace, process: str) -> Trace:
    failure = Failure("deadlock", "no process is stuck for ever", line_of(NOWHERE), process)
    return replace(trace, failure=failure)


def test_a_stuck_thread_makes_no_progress(tmp_path: Path) -> None:
    """ABBA: each waits for the lock that the other holds, while a third goes on."""
    spec, program = compiled(tmp_path, DEADLOCK)
    trace = deadlocked(a_run(program, [0, 1], initial=(0,)), "cpu[1]")
    file = tmp_path / "small.py"
    assert replayed(spec, program, trace) == Validation(
        "validated", "stuck", f"cpu[1] makes no progress at {file}:26, in 2,000 further steps of"
        " all CPUs; by then cpu[0] waits at small.py:23",
    )


@pytest.mark.parametrize(
    ("steps", "process", "detail"),
    [
        ([0], "cpu[1]", "step 1: cpu[1] is not stuck: it changed memory after 5 further steps"),
        ([0, 1], "other", "step 2: other is not stuck: it left its wait after 0 further steps"),
        ([0, 1], "nobody", "step 2: there is no process 'nobody'"),
    ],
)
def test_a_thread_that_goes_on_is_not_stuck(
    steps: list[int | tuple[int, tuple[int, ...]]], process: str, detail: str, tmp_path: Path
) -> None:
    spec, program = compiled(tmp_path, DEADLOCK)
    trace = deadlocked(a_run(program, steps, initial=(0,)), process)
    assert replayed(spec, program, trace) == Validation("NOT REPRODUCED", None, detail)


def test_who_is_stuck_may_leave_an_inner_loop(tmp_path: Path) -> None:
    """The outer loop is never left, and its turns change nothing.  The campaign on random programs
    found that this trace was NOT REPRODUCED: the thread had left its innermost loop."""
    spec, program = compiled(tmp_path, HEAD + """
    @shared
    class Cell:
        busy: bool = True
        ready: bool = False

    cell = Cell()

    @process
    def cpu() -> None:
        while cell.busy:
            for i in range(2):
                cell.ready = True
                ready = cell.ready
    """)
    verdict = validated(explore(program, Limits()), spec, program)
    assert verdict.trace is not None and verdict.trace.failure is not None
    assert verdict.trace.failure.kind == "deadlock"
    assert verdict.validation is not None and verdict.validation.mark == "validated"


def test_a_failure_on_a_line_that_was_merged_into_another(tmp_path: Path) -> None:
    """Both branches end alike and are one in the model, which knows the first one's line: that is
    what the trace showed.  The campaign on random programs found that the failure in the other was
    NOT REPRODUCED."""
    spec, program = compiled(tmp_path, HEAD + """
    @shared
    class Cell:
        busy: bool = False
        ready: bool = False

    cell = Cell()

    @process
    def cpu() -> None:
        if cell.busy:
            assert cell.ready, "it is ready"
        else:
            assert cell.ready, "it is ready"
    """)
    path = str(tmp_path / "small.py")
    run = a_run(program, [0, 0])
    assert run.steps[1].source.line == 20
    assert replayed(spec, program, run) == Validation(
        "NOT REPRODUCED", None,
        f"step 2: the trace shows cpu at {path}:20; its thread: parked at {path}:22",
    )
    _, _, unmerged = compile_with_lines(path, {})
    told = with_lines(run, Semantics(unmerged))
    assert told.failure is not None
    assert (told.steps[1].source.line, told.failure.source.line) == (22, 22)
    assert replayed(spec, program, told) == Validation(
        "validated", "memory", "in the thread of cpu: 'it is ready' is false"
    )


def test_when_no_cpu_can_take_a_step(tmp_path: Path) -> None:
    spec, program = compiled(tmp_path, HEAD + """
    lock = Lock("lock")

    @process
    def cpu() -> None:
        spin_lock(lock)
        spin_lock(lock)
    """)
    trace = deadlocked(a_run(program, [0]), "cpu")
    assert replayed(spec, program, trace).detail == (
        f"cpu makes no progress at {tmp_path / 'small.py'}:15, and no CPU can take another step"
    )


def test_the_trap_of_jans_rule() -> None:
    """An allocation waits under heap_lock for a scrub whose end needs heap_lock."""
    sets = {"WAIT_LOCKED": True, "DONE_LOCKED": True, "PAGES": 1, "DOMAINS": 1}
    spec, program = compile_spec(str(SPECS / "scrub_in_place.py"), sets)
    semantics = Semantics(program)
    state, steps = semantics.initial()[0].state, list[int | tuple[int, tuple[int, ...]]]()
    assert state is not None
    order = [1] * 6 + [0] * 30 + [1] * 30
    for process in order:
        found = semantics.steps(state, process)[0]
        if found:
            assert found[0].target is not None
            steps.append(process)
            state = found[0].target
    assert semantics.successors(state) == []
    for name in semantics.names:
        validation = replayed(spec, program, deadlocked(a_run(program, steps), name))
        assert (validation.mark, validation.by) == ("validated", "stuck")


def test_a_trace_of_another_instance_is_not_reproduced(tmp_path: Path) -> None:
    spec, program = compiled(tmp_path, PROPERTY)
    whole = a_run(program, [0, 0])
    other = replace(whole.steps[1], number=1)
    assert replayed(spec, program, replace(whole, steps=(whole.steps[0], other))) == Validation(
        "NOT REPRODUCED", None,
        "step 2: the model has no such step: the trace is of another spec or instance",
    )


def test_a_run_without_failure_leaves_what_the_model_says(tmp_path: Path) -> None:
    spec, program = compiled(tmp_path, PROPERTY)
    found = replayed(spec, program, a_run(program, [0]))
    assert found == Validation("validated", "memory", "1 steps left what the model says in memory")


def test_a_failure_before_another_process_begins(tmp_path: Path) -> None:
    """The second one is to choose, too, and the run has ended by then.  The campaign on random
    programs found that this was NOT REPRODUCED."""
    spec, program = compiled(tmp_path, HEAD + """
    @shared
    class Cell:
        busy: bool = False

    cell = Cell()

    @process
    def cpu() -> None:
        assert choose(True, False), "before anything is accessed"
        cell.busy = True

    @process
    def other() -> None:
        busy = choose(True, False)
        cell.busy = busy
    """)
    assert replayed(spec, program, a_run(program, [], initial=(1,))) == Validation(
        "validated", "memory", "before the first step: before anything is accessed"
    )


def test_a_failure_before_the_first_step(tmp_path: Path) -> None:
    spec, program = compiled(tmp_path, HEAD + """
    @shared
    class Cell:
        busy: bool = False

    cell = Cell()

    @process
    def cpu() -> None:
        assert choose(True, True, False), "before anything is accessed"
        cell.busy = True
    """)
    bad = next(i for i in Semantics(program).initial() if i.fault is not None)
    trace = a_run(program, [], initial=bad.choices)
    assert replayed(spec, program, trace) == Validation(
        "validated", "memory", "before the first step: before anything is accessed"
    )


def test_a_failure_that_is_none(tmp_path: Path) -> None:
    """`_judge` without its question whether the CPU failed, a mutant of the checker, lived: a trace
    whose last step goes well was validated as the failure that it was said to be."""
    spec, program = compiled(tmp_path, BYTES)
    run = a_run(program, [2])
    said = Failure("assert", "there is always something to read", line_of(NOWHERE), "idle_loop")
    found = replayed(spec, program, replace(run, failure=said))
    assert found.mark == "NOT REPRODUCED" and "idle_loop did not fail" in found.detail
