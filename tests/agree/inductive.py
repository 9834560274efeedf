"""What is proved by induction against the reference engine: no run violates it.  `wrong` says what
is proved wrongly, or None."""

from __future__ import annotations

from modelcheck.engines import reference
from modelcheck.engines.symbolic import induction
from modelcheck.ir import Program
from modelcheck.trace import Disagreement, Limits, Verdict

FEW = Limits(states=3_000)


def proved(verdict: Verdict) -> set[tuple[str, str]]:
    """What is said to hold."""
    return {(p.kind, p.sentence) for p in verdict.properties if p.status == "holds"}


def wrong(program: Program, seconds: float | None = None) -> str | None:
    """What is proved and violated, if anything is: each promise is searched for by itself."""
    try:
        found = induction.explore(program, Limits(seconds=seconds))
    except Disagreement as error:
        return f"z3 is refuted: {error}"
    for kind, sentence in sorted(proved(found)):
        expected = reference.explore(program, FEW, (sentence,))
        if any(p.sentence == sentence and p.status == "violated" for p in expected.properties):
            return f"proved, and violated: {kind} {sentence}"
    return _wrong_in_all(program, found)


def _wrong_in_all(program: Program, found: Verdict) -> str | None:
    """What is wrong with the verdict as a whole."""
    expected = reference.explore(program, FEW)
    deadlock = expected.trace is not None and expected.trace.failure is not None and (
        expected.trace.failure.kind == "deadlock"
    )
    bad = expected.trace is not None and not deadlock
    if found.outcome == "HOLDS":
        return "HOLDS, and deadlock was not looked for"
    if found.outcome == "VIOLATED" and not bad and expected.stopped is None:
        return "VIOLATED, and there is no violation"
    if found.proof is not None and not found.proof.gaps and bad:
        return "everything is proved, and something is violated"
    taken = {(n.process, n.action) for n in expected.never_taken}
    never = {(n.process, n.action) for n in found.never_taken}
    if expected.exhaustive and not never <= taken:
        return f"never taken, it is said, and some run does: {never - taken}"
    return None
