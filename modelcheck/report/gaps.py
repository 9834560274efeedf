"""What a proof by induction rests on, and why a property is not inductive, for people.

A state that induction stops at may be one that no run reaches.  It is shown as a state and a step,
never as a run, so that nobody takes it for a violation.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelcheck.report.pieces import Row, labelled, place
from modelcheck.trace import Gap, Line, Proof, Stands, Verdict


def proof_rows(verdict: Verdict) -> list[Row]:
    """What is proved, on what it rests, and the first gap."""
    proof = verdict.proof
    if proof is None:
        return []
    rows: list[Row] = []
    if any(p.status == "holds" for p in verdict.properties):
        text = "what holds is proved by induction (z3), for runs of every length"
        rows += [labelled("proof", text), labelled("", f"it rests on {_rests_on(proof)}")]
    if not proof.moves:
        text = "no step is ever possible: what is proved says nothing"
        rows.append(labelled("warning", text, "yellow"))
    sentences = list(dict.fromkeys(gap.sentence for gap in proof.gaps))
    if sentences:
        rows += [labelled("" if n else "gap", text) for n, text in enumerate(
            _gap(proof.gaps[0], verdict.spec)
        )]
    if len(sentences) > 1:
        many = "1 other is" if len(sentences) == 2 else f"{len(sentences) - 1} others are"
        rows.append(labelled("", f"{many} not inductive: --property shows one, --json all"))
    return rows


def _rests_on(proof: Proof) -> str:
    lemmas = [f"the lemma '{lemma}'" for lemma in proof.lemmas]
    facts = f"{proof.facts:,} facts of where processes stand, inferred and proved"
    return " and ".join([*lemmas, facts])


def _gap(gap: Gap, spec: str) -> Iterator[str]:
    """A state and a step."""
    yield f"not inductive: {gap.sentence}"
    yield "a state that satisfies all that is proved, though perhaps no run reaches it:"
    differ = ", ".join(f"{name} = {value}" for name, value in gap.cells)
    yield f"  memory as at the start, but {differ}" if differ else "  memory as at the start"
    yield from (f"  {_stands(stands, spec)}" for stands in gap.stands)
    step = gap.step
    yield f"and a step from it: {step.process} takes {_line(step.source, spec)}"
    changes = ", ".join(f"{c.name} = {c.new}" for c in step.changed)
    if changes:
        yield f"  {changes}"
    yield "a @lemma that is false of this state, or of those before it, may be what is missing"


def _line(line: Line, spec: str) -> str:
    return f"{place(line, spec)}, {line.text}" if line.text else place(line, spec)


def _stands(stands: Stands, spec: str) -> str:
    if stands.source is None:
        return f"{stands.process} has ended"
    held = "".join(f", {name} = {value}" for name, value in stands.locals)
    return f"{stands.process} at {_line(stands.source, spec)}{held}"
