"""Real threads, one step at a time, none left behind."""

import threading
from pathlib import Path

import pytest

from modelcheck.frontend.compile import compile_spec
from modelcheck.heap.allocator import Allocator
from modelcheck.heap.faults import Difference
from modelcheck.heap.follow import Follower
from modelcheck.heap.replay import follow
from modelcheck.heap.walk import walk
from modelcheck.semantics import Semantics
from tests.heap.small import SPECS, compiled, failing_run

COUNTER = """
    from typing import Annotated
    from modelcheck.lang import between, process, shared

    @shared
    class Counter:
        n: Annotated[int, between(0, 2)] = 0

    counter = Counter()

    @process(count=2)
    def cpu(me: int) -> None:
        n = counter.n
        counter.n = n + 1
"""


def test_one_access_and_the_local_work_behind_it(tmp_path: Path) -> None:
    """Two CPUs load, then both store: the update of one is lost."""
    spec, _ = compiled(tmp_path, COUNTER)
    with Allocator(spec) as allocator:
        allocator.boot([])
        names = allocator.layouts.names[spec.module.file]
        seen = []
        for cpu in (0, 1, 0, 1):
            allocator.step(cpu, [])
            seen.append((names["counter"].n, [c.state for c in allocator.cpus]))
    assert seen == [
        (0, ["parked", "parked"]),
        (0, ["parked", "parked"]),
        (1, ["ended", "parked"]),
        (1, ["ended", "ended"]),
    ]


def test_the_threads_are_real(tmp_path: Path) -> None:
    spec, _ = compiled(tmp_path, COUNTER)
    with Allocator(spec) as allocator:
        allocator.boot([])
        assert {t.name for t in threading.enumerate()} >= {"cpu[0]", "cpu[1]"}
    assert {t.name for t in threading.enumerate()}.isdisjoint({"cpu[0]", "cpu[1]"})


def test_a_loop_that_never_comes_to_an_access_is_a_fault(tmp_path: Path) -> None:
    spec, _ = compiled(tmp_path, """
        from modelcheck.lang import process, shared

        @shared
        class Flag:
            up: bool = False

        flag = Flag()

        @process
        def cpu() -> None:
            up = flag.up
            while not up:
                pass
            flag.up = True
    """)
    with Allocator(spec) as allocator:
        allocator.boot([])
        allocator.step(0, [])
        fault = allocator.cpus[0].fault
    assert fault is not None and fault.kind == "runaway"


def test_a_thousand_replays_leave_no_thread() -> None:
    spec, program = compile_spec(str(SPECS / "per_page_cmpxchg.py"), {})
    trace = failing_run(spec, program)
    before = threading.active_count()
    with Allocator(spec) as allocator:
        follower = Follower(allocator, Semantics(program))
        marks = {follow(follower, trace).mark for _ in range(1_000)}
    assert marks == {"validated"}
    assert threading.active_count() == before


def test_an_error_leaves_no_thread(tmp_path: Path) -> None:
    spec, program = compiled(tmp_path, COUNTER)
    before = threading.active_count()
    with pytest.raises(Difference), Allocator(spec) as allocator:
        allocator.boot([])
        allocator.step(0, [1])
    assert threading.active_count() == before
    with Allocator(spec) as allocator:
        assert walk(Follower(allocator, Semantics(program)), 1, 10).ended == "nothing more"
