"""One line of specs/history/irq_heap_op.py changed, and what must fail for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.engines.reference import explore
from modelcheck.frontend.compile import compile_spec
from modelcheck.trace import Limits
from tests.mutants.test_mutants import DEADLOCK, HELD, WHOLE, failed

SPEC = Path(__file__).resolve().parents[2] / "specs" / "history" / "irq_heap_op.py"
RELEASE = "a lock is released by the CPU that holds it"
BUFFER = "a device gets its buffer"
TO_SOFTIRQ = "        element(Cpu, me).softirq_pending = True\n    else:\n"
ADD = "    page_list_add_tail(pg, heap)\n"
MUTANTS = {
    "the handler uses the heap all the same": (
        TO_SOFTIRQ, "        refill(element(Cpu, me))\n    else:\n", DEADLOCK),
    "a page that is freed is left in use": (
        "    pg.count_info = replace(info, state=PGC.FREE)\n", "", HELD),
    "a page that is freed is put on the list twice": (
        f"{ADD}    spin_unlock", f"{ADD}{ADD}    spin_unlock", WHOLE),
    "an allocation does not take heap_lock": (
        "    spin_lock(heap_lock)\n    pg =", "    pg =", HELD),
    "an allocation releases heap_lock twice": (
        "    spin_unlock(heap_lock)\n    return pg",
        "    spin_unlock(heap_lock)\n    spin_unlock(heap_lock)\n    return pg", RELEASE),
    "nobody takes up the softirq": (
        "    if FIXED:\n        do_softirq(element(Cpu, me))\n", "", BUFFER),
}


@pytest.mark.parametrize("story", MUTANTS)
def test_a_mutant_fails_as_named(story: str, tmp_path: Path) -> None:
    line, by, fails = MUTANTS[story]
    text = SPEC.read_text(encoding="utf-8")
    assert text.count(line) == 1
    path = tmp_path / SPEC.name
    path.write_text(text.replace(line, by), encoding="utf-8")
    _, program = compile_spec(str(path), {"FIXED": True, "PAGES": 1})
    assert fails in failed(explore(program, Limits()))


def test_with_interrupts_off_around_every_heap_operation_it_would_hold_too(tmp_path: Path) -> None:
    """The other way to mend it, which Xen did not take; and without them it is the deadlock."""
    text = SPEC.read_text(encoding="utf-8")
    calls = ("    pg = alloc_heap_pages()       #", "        free_heap_pages(pg)       #")
    for call in calls:
        assert text.count(call) == 1
        begin = call[: len(call) - len(call.lstrip())]
        text = text.replace(call, f"{begin}with irqs_off():\n    {call}")
    path = tmp_path / SPEC.name
    path.write_text(text, encoding="utf-8")
    _, program = compile_spec(str(path), {})
    assert explore(program, Limits()).outcome == "HOLDS"


@pytest.mark.parametrize(
    ("sets", "outcome", "length"),
    [({}, "VIOLATED", 2), ({"CPUS": 2}, "VIOLATED", 2), ({"FIXED": True}, "HOLDS", None)],
)
def test_what_it_shows(
    sets: dict[str, int | bool], outcome: str, length: int | None
) -> None:
    spec, program = compile_spec(str(SPEC), sets)
    verdict = explore(program, Limits())
    assert verdict.outcome == outcome
    assert [e.violates for e in spec.expectations] == [DEADLOCK if length else None]
    if verdict.trace is not None:
        assert len(verdict.trace.steps) == length
        assert failed(verdict) == {DEADLOCK}
        assert verdict.trace.failure is not None and verdict.trace.failure.interrupt == "device"
