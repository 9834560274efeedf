"""D8 with one line changed: what is broken then, and that the run to it is one of real threads on
the executable allocator too."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.frontend.compile import compile_spec
from modelcheck.ir import Assert, statements
from modelcheck.pipeline import verify
from modelcheck.search import Engine
from modelcheck.trace import Limits
from tests.mutants.idle_scrub import (
    OF_ITS_PROMISES, OF_THE_DESIGN, OFFLINE, OPEN, SPEC, WAITS, Changed, changed,
)

MUTANTS = [
    *(pytest.param(m, id=m.story, marks=pytest.mark.slow if m.slow else ()) for m in OF_THE_DESIGN),
    *(pytest.param(m, id=m.story, marks=pytest.mark.slow) for m in OF_ITS_PROMISES),
]


def said_of(path: Path, mutant: Changed) -> tuple[str, str, str]:
    """The outcome, what is broken at the end of the trace, and whether the allocator agrees."""
    asked = (mutant.fails,) if mutant.fails not in ("", WAITS) else ()
    verdict = verify(
        str(path), mutant.sets, asked, Limits(), lambda *_: None, Engine("quick")
    ).verdict
    failure = None if verdict.trace is None else verdict.trace.failure
    return (
        verdict.outcome, "" if failure is None else failure.sentence,
        "" if verdict.validation is None else verdict.validation.mark,
    )


@pytest.mark.parametrize("mutant", MUTANTS)
def test_what_a_changed_line_breaks(mutant: Changed, tmp_path: Path) -> None:
    assert bool(mutant.fails) != bool(mutant.why)
    expected = ("VIOLATED", mutant.fails, "validated") if mutant.fails else ("HOLDS", "", "")
    assert said_of(changed(mutant, tmp_path), mutant) == expected


def test_every_promise_is_broken_by_some_change() -> None:
    """And every assert.  What is only `sometimes` true is reached, or the gate fails."""
    promised: set[str] = set()
    for path, sets in ((SPEC, {}), (OPEN, OFFLINE)):
        _, program = compile_spec(str(path), sets)
        promised |= {p.sentence for p in program.properties if p.kind != "sometimes"}
        promised |= {
            s.sentence for process in program.processes for action in process.actions
            for s in statements(action.body) if isinstance(s, Assert)
        }
    assert promised <= {m.fails for m in (*OF_THE_DESIGN, *OF_ITS_PROMISES)}
