"""The Program after each reduction that makes another Program of it."""

from __future__ import annotations

from collections.abc import Iterator

from modelcheck.ir import Program
from modelcheck.passes.lock_protected import lock_protected
from modelcheck.passes.ownership import ownership


def reduced_stages(program: Program) -> Iterator[tuple[str, Program]]:
    """Each with the reduction's name; the others are facts about the last one."""
    program = lock_protected(program)
    yield "lock-protected", program
    yield "ownership", ownership(program).program
