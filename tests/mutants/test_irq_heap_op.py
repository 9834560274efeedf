"""specs/history/irq_heap_op.py: more mutants, and the mending that Xen did not take."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.engines.reference import explore
from modelcheck.frontend.compile import compile_spec
from modelcheck.frontend.definitions import RELEASED
from modelcheck.trace import Limits
from tests.mutants.test_mutants import HELD, failed

SPEC = Path(__file__).resolve().parents[2] / "specs" / "history" / "irq_heap_op.py"
BUFFER = "a device gets its buffer"
MUTANTS = {
    "an allocation does not take heap_lock": (
        "    spin_lock(heap_lock)\n    pg =", "    pg =", HELD),
    "an allocation releases heap_lock twice": (
        "    spin_unlock(heap_lock)\n    return pg",
        "    spin_unlock(heap_lock)\n    spin_unlock(heap_lock)\n    return pg", RELEASED),
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
    calls = (
        "    pg = alloc_heap_pages(element(Cpu, me))       #",
        "        free_heap_pages(pg, element(Cpu, me))     #",
    )
    for call in calls:
        assert text.count(call) == 1
        begin = call[: len(call) - len(call.lstrip())]
        text = text.replace(call, f"{begin}with irqs_off():\n    {call}")
    path = tmp_path / SPEC.name
    path.write_text(text, encoding="utf-8")
    _, program = compile_spec(str(path), {})
    assert explore(program, Limits()).outcome == "HOLDS"
