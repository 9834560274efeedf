"""A verdict for people: what was found, then how far that goes, then the trace.

    specs/per_page_cmpxchg.py: VIOLATED  no dirty page is returned to a caller
      expected    yes: EXPECT = violates("no dirty page is returned to a caller")
      instance    PAGES=2 DOMAINS=2 IDLE_CPUS=1 WAIT=False, memory model sc
      searched    3,412 states, 7,025 transitions, depth 9 in 0.21 s (reference engine): not all ...
"""

from __future__ import annotations

from pathlib import PurePath

from modelcheck.exit_codes import Exit
from modelcheck.report.gaps import proof_rows
from modelcheck.report.lanes import WIDTH, trace_rows
from modelcheck.report.pieces import Piece, Row, labelled, place, row
from modelcheck.trace import Failure, Line, NeverTaken, PropertyResult, Validation, Verdict

STYLES = {"HOLDS": "bold green", "VIOLATED": "bold red", "UNKNOWN": "bold yellow"}
FEW = 4  # lines that a process never takes: so many are shown with their texts


def verdict_rows(
    verdict: Verdict, expected: str = "", width: int = WIDTH, full: bool = False,
    helps: tuple[str, ...] = (), idle: tuple[str, ...] = (), unchecked: tuple[str, ...] = (),
) -> list[Row]:
    """The whole report of one verdict.  `expected`: what the spec's EXPECT makes of it; `helps`:
    what would have helped a search that met a limit; `idle`: which functions never run;
    `unchecked`: what was not looked at."""
    rows = [_headline(verdict)]
    if expected:
        rows.append(labelled("expected", expected, _style_of_expected(expected)))
    rows += _limits(verdict, helps)
    rows += _properties(verdict)
    rows += [labelled("" if n else "unchecked", text) for n, text in enumerate(unchecked)]
    rows += proof_rows(verdict)
    rows += [labelled("warning", text, "yellow") for text in idle]
    rows += _never_taken(verdict, full)
    rows += _others(verdict)
    found = verdict.validation
    if verdict.trace is not None:
        rows += [(), *trace_rows(verdict.trace, width, full), ()]
        rows += validation_rows(found)
    elif found is not None and found.by != "walks":
        rows += validation_rows(found)
    return rows


def _style_of_expected(expected: str) -> str:
    return "" if expected.startswith("yes") else "bold yellow"


def _headline(verdict: Verdict) -> Row:
    doubted = verdict.validation is not None and verdict.validation.code == Exit.DISAGREES
    return (
        Piece(f"{verdict.spec}: ", "bold"),
        Piece(verdict.outcome, STYLES["VIOLATED" if doubted else verdict.outcome]),
        Piece(f"  {_said(verdict)}"),
    )


def _said(verdict: Verdict) -> str:
    """The verdict in one sentence."""
    tried = verdict.validation
    match verdict.outcome:
        case "HOLDS" if tried is not None and tried.code == Exit.DISAGREES:
            return "says the search; do not believe it: it was tried, and a run shows otherwise"
        case "HOLDS":
            asked = any(p.status == "not checked" for p in verdict.properties)
            every = "every property that was asked for" if asked else "every property"
            how = ": by induction, for runs of every length" if verdict.proof else ""
            return f"{every}, in every reachable state of this instance{how}"
        case "UNKNOWN" if verdict.stopped is not None and verdict.stopped.broken is not None:
            return "something is broken, and it cannot be shown how"
        case "UNKNOWN":
            return "nothing wrong was found, but not everything was looked at"
        case "VIOLATED":
            failure = verdict.trace.failure if verdict.trace else None
            if failure is None:
                missed = [p.sentence for p in verdict.properties if p.status == "not reached"]
                return "never reached: " + "; ".join(missed)
            return _wrong(failure, verdict.spec)


def _wrong(failure: Failure, spec: str) -> str:
    """What is wrong, in a sentence."""
    if failure.kind == "deadlock":
        at = f"{place(failure.source, spec)}, {failure.source.text}"
        call = failure.call_in(spec)
        if call is not None:
            at += f", called at {place(call, spec)}, {call.text}"
        inside = f" in interrupt {failure.interrupt}" if failure.interrupt else ""
        return f"deadlock: {failure.process} is stuck for ever{inside} at {at}"
    return failure.sentence


def _limits(verdict: Verdict, helps: tuple[str, ...]) -> list[Row]:
    instance = " ".join(f"{n}={v}" for n, v in verdict.parameters) or "no parameters"
    time = "" if verdict.seconds is None else f" in {verdict.seconds:.3f} s"
    how_far = "all reachable states" if verdict.exhaustive else "not all reachable states"
    counts = (
        f"{how_far}: {_count(verdict.states, 'state')}, "
        f"{_count(verdict.transitions, 'transition')}, depth {verdict.depth}"
    )
    if verdict.engine == "induction":
        counts = "some thousand states, then one step from any state that satisfies what is proved"
    elif verdict.engine == "symbolic":  # it looks at runs, and counts none
        counts = f"not all reachable states: runs of up to {_count(verdict.depth, 'step')}"
    rows = [
        labelled("instance", f"{instance}, memory model {verdict.memory_model}"),
        labelled("searched", f"{counts}{time} ({verdict.engine} engine)"),
    ]
    if verdict.odds is not None:
        rows.append(labelled("", f"by fingerprints of 64 bits: {_odds(verdict.odds)}"))
    if verdict.reductions:
        names = ", ".join(verdict.reductions)
        rows.append(labelled("", f"reduced by {names} (--no-reductions: all states)"))
    if verdict.remark:
        rows.append(labelled("", verdict.remark))
    if verdict.stopped is not None:
        rows.append(labelled("stopped", str(verdict.stopped), "bold yellow"))
    given = [
        f"{n} {v:,}" for n, v in (
            ("states", verdict.limits.states), ("seconds", verdict.limits.seconds),
            ("bytes", verdict.limits.memory),
        ) if v is not None
    ]
    if given:
        rows.append(labelled("limits", ", ".join(given)))
    rows += [labelled("" if n else "would help", text) for n, text in enumerate(helps)]
    rows += [labelled("assumes", a) for a in verdict.assumptions]
    if verdict.trace is not None:
        steps = _count(len(verdict.trace.steps), "step")
        switches = _count(verdict.trace.switches, "CPU switch", "CPU switches")
        shortest = "none is shorter"
        if verdict.engine == "induction" or verdict.reductions:
            shortest = "there may be a shorter one"
        elif verdict.trace.failure is not None and verdict.trace.failure.kind == "deadlock":
            shortest = "no shorter way to where everyone waits who will wait for ever"
        rows.append(labelled("trace", f"{steps}, {switches}; {shortest}"))
    return [*rows, *_tried(verdict)]


def _tried(verdict: Verdict) -> list[Row]:
    """What became of random walks, of a verdict that shows no trace."""
    found = verdict.validation
    if found is None or found.by != "walks":
        return []
    match found.mark:
        case "tried":
            return [labelled("tried", found.detail)]
        case "failed":
            return [labelled("tried", found.failed, "bold red")]
        case _:
            return [labelled("tried", f"{found.mark}: {found.detail}", "bold red")]


def _odds(odds: float) -> str:
    """How likely it is that something was overlooked."""
    if odds > 0.5:
        return "some states were surely taken for others, and what follows from them overlooked"
    in_ = f"1 in {1 / odds:,.0f}" if odds else "none"
    return f"the odds that a state was taken for another, and so overlooked, are {in_}"


def _count(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def _properties(verdict: Verdict) -> list[Row]:
    """What became of each; what was not decided only because of a violation, as a number."""
    ended = verdict.outcome == "VIOLATED" and not verdict.exhaustive
    shown = [p for p in verdict.properties if not (ended and p.status == "not checked")]
    rows: list[Row] = []
    for p in shown:
        style = {"violated": "red", "not reached": "yellow", "not checked": "yellow",
                 "not inductive": "yellow", "vacuous": "yellow"}.get(p.status)
        rows.append(labelled("" if rows else "properties", _property(p), style or ""))
    if len(shown) < len(verdict.properties):
        left = _count(len(verdict.properties) - len(shown), "other")
        rows.append(labelled("", f"{left} not decided: the search ended at this violation"))
    return rows


def _property(p: PropertyResult) -> str:
    depth = f" at depth {p.depth}" if p.depth is not None else ""
    return f"{p.status + depth:<21} {p.kind:<9} {p.sentence}"


def _never_taken(verdict: Verdict, full: bool) -> list[Row]:
    """What a reader must know before believing a verdict: of each process the lines that no run
    takes; where they are many, by their numbers."""
    taken_by: dict[str, dict[Line, None]] = {}
    called: dict[str, dict[str, None]] = {}
    for never in verdict.never_taken:
        if never.calls:
            text = f"{place(never.source, verdict.spec)}{_called(never, verdict.spec)}"
            called.setdefault(never.process, {})[f"{text}: {never.source.text}"] = None
        else:
            taken_by.setdefault(never.process, {})[never.source] = None
    rows: list[Row] = []
    for process in dict.fromkeys((*taken_by, *called)):
        lines = list(taken_by.get(process, ()))
        texts = [f"{place(line, verdict.spec)}: {line.text}" for line in lines]
        if not full and len(lines) > FEW:
            texts = [f"{len(lines)} lines: {_numbers(lines, verdict.spec)}"]
        by_call = list(called.get(process, ()))
        if not full and len(by_call) > FEW:
            more = f"nor {len(by_call) - 1} other lines, each as called from somewhere (--full)"
            texts.append(f"{by_call[0]}; {more}")
        else:
            texts += by_call
        rows += [labelled("warning", f"{process} never takes {text}", "yellow") for text in texts]
    return rows


def _called(never: NeverTaken, spec: str) -> str:
    """` as called from line 16`, and that from where; it is taken when called from elsewhere."""
    calls = [place(call, spec) for call in reversed(never.calls)]
    return f" as called from {', called from '.join(calls)}"


def _numbers(lines: list[Line], spec: str) -> str:
    """`235, 261; of page_list.py 36, 51-53`."""
    parts = []
    for file in sorted({line.file for line in lines}, key=lambda file: (file != spec, file)):
        numbers = sorted({line.line for line in lines if line.file == file})
        first = [n for n in numbers if n - 1 not in numbers]
        last = [n for n in numbers if n + 1 not in numbers]
        shown = [str(a) if a == b else f"{a}-{b}" for a, b in zip(first, last, strict=True)]
        parts.append(("" if file == spec else f"of {PurePath(file).name} ") + ", ".join(shown))
    return "; ".join(parts)


def _others(verdict: Verdict) -> list[Row]:
    """What else is broken."""
    rows: list[Row] = []
    for other in verdict.others:
        where = "" if other.kind == "deadlock" else f" ({place(other.source, verdict.spec)})"
        how = "there too" if other.kind == "deadlock" else "as short"
        rows.append(labelled("also", f"{_wrong(other, verdict.spec)}{where}; {how}", "red"))
    return rows


def validation_rows(validation: Validation | None) -> list[Row]:
    """Whether the executable allocator did the same."""
    if validation is None:
        return [row("not validated: this trace was not run on the executable allocator", "yellow")]
    if validation.mark == "failed":
        return [row(validation.failed, "bold red")]
    style = "bold" if validation.mark == "validated" else "bold red"
    by = f" ({validation.by})" if validation.by else ""
    return [(Piece(f"{validation.mark}{by}: ", style), Piece(validation.detail))]
