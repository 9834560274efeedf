"""A gate for CI: every spec against what its EXPECT says, in both directions.

Each instance is checked in a process of its own, some at a time: one that hangs, or that the system
kills for its memory, is inconclusive and hurts no other.  Nothing passes vacuously: a spec without
EXPECT, a folder without specs, a property that was not decided are all errors."""

from __future__ import annotations

import ast
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from modelcheck import pipeline
from modelcheck.apart import Told, in_processes
from modelcheck.exit_codes import Exit
from modelcheck.frontend.compile import read_spec
from modelcheck.frontend.definitions import Expectation, Spec
from modelcheck.frontend.faults import DEADLOCK, FAULTS
from modelcheck.frontend.load import unread
from modelcheck.gated import Finding, Gated
from modelcheck.project import FILE, Project, real
from modelcheck.records import dataclass
from modelcheck.source import ConfigurationError, Span, SpecError
from modelcheck.trace import Limits, PropertyResult, Verdict, exit_code

GRACE = 5.0  # seconds after its budget in which a process may still read deadlocks off its graph


@dataclass(frozen=True)
class Instance:
    """A spec, by the path that reports name, and the parameters that are set.

    folder  where it must be when its links are followed: the folder that is gated; "": anywhere"""

    spec: str
    sets: tuple[tuple[str, int | bool], ...] = ()
    folder: str = ""

    def shown(self) -> tuple[str, ...]:
        """The parameters as `--set` takes them."""
        return tuple(f"{name}={value}" for name, value in self.sets)


@dataclass(frozen=True)
class Rules:
    """What every instance is held to: seconds and memory, whether a counterexample counts only if
    it was run on the executable allocator, and on how many random walks there a verdict without
    one is tried."""

    budget: float
    memory: int | None = None
    require_validated: bool = False
    walks: int = pipeline.WALKS


# ------------------------------------------------------------------------------- what is gated


def instances(paths: list[str], project: Project) -> tuple[Instance, ...]:
    """Every instance to gate, in the order of reports: the paths as given, a folder's specs by
    name, each spec as it stands and then at the instances that the project lists.

    paths  those of the command line; none: the project's"""
    asked = paths or [pipeline.shown_path(str(path)) for path in project.paths]
    if not asked:
        raise ConfigurationError(
            f"nothing to gate: write modelcheck gate specs, or paths in [tool.modelcheck] of {FILE}"
        )
    specs: dict[Path, tuple[str, str]] = {}
    for path in asked:
        _check_that_it_leads_nowhere(path)
        folder = str(real(path if Path(path).is_dir() else Path(path).parent))
        for found in _specs(Path(path)):
            specs.setdefault(real(found), (pipeline.shown_path(str(found)), folder))
    for listed in project.instances:
        if not paths and real(listed.spec) not in specs:
            name = pipeline.shown_path(str(listed.spec))
            raise ConfigurationError(f"instances: {name} is not in paths, and would not be gated")
    gated: list[Instance] = []
    for resolved, (spec, folder) in specs.items():
        gated.append(Instance(spec, (), folder))
        for listed in project.instances:
            if real(listed.spec) == resolved:
                gated.append(Instance(spec, tuple(listed.sets.items()), folder))
    for instance in gated:
        if gated.count(instance) > 1:
            twice = " ".join((instance.spec, *instance.shown()))
            raise ConfigurationError(f"instances: {twice} is there twice")
    return tuple(gated)


def _check_that_it_leads_nowhere(path: str) -> None:
    """ConfigurationError for a path of the working directory that a link in it leads out of."""
    here = Path.cwd()
    lexically = Path(os.path.normpath(here / path))
    if lexically.is_relative_to(here) and not real(path).is_relative_to(here):
        text = "is a link that leads out of this folder; name the file or folder that is meant"
        raise ConfigurationError(f"{path} {text}")


def _specs(path: Path) -> list[Path]:
    """A file itself; the specs of a folder and those below it.  What begins with _ is a part that
    specs import, and a folder that begins with a dot is nobody's."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        hint = f": write --set {path}, for verify" if "=" in str(path) else ""
        raise ConfigurationError(f"there is no file or folder {path}{hint}")
    found = sorted(
        file for file in path.rglob("*.py") if not file.name.startswith("_")
        if not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    if not found:
        raise ConfigurationError(f"no specs in {path}: nothing would be checked")
    return found


def check_that_it_is_inside(instance: Instance) -> None:
    """SpecError for a link that leads out of what is gated: who asks for a merge must not have the
    lines of another file (a secret of the CI, say) printed in an error."""
    if instance.folder and not real(instance.spec).is_relative_to(instance.folder):
        raise unread(
            instance.spec, "this is a link that leads out of the folder that is gated",
            "the file itself in its place",
        )


# ----------------------------------------------------------------------------------- one of them


def gated(instance: Instance, rules: Rules) -> Gated:
    """Check one instance and judge it."""
    began = time.monotonic()
    clauses = ""
    verdict: Verdict | None = None
    try:
        expected = _clauses(instance)
        clauses = pipeline.said(expected)
        verdict = verify(instance, (), rules, began)
        findings = judged(expected, verdict, rules.require_validated)
        if all(finding in failures(verdict) for finding in findings):
            for asked in undecided(expected, verdict):
                further = verify(instance, _searched_for(asked), rules, began)
                findings += judged_further(expected, asked, further, rules.require_validated)
    except Exception as error:
        findings = (kept_from(error),)
    seconds = time.monotonic() - began
    worst_first = tuple(sorted(dict.fromkeys(findings), key=lambda finding: finding.code))
    return Gated(instance.spec, instance.shown(), clauses, verdict, worst_first, seconds)


def kept_from(error: Exception) -> Finding:
    """What keeps an instance from a verdict.  Whatever it is, a defect of ours in one spec too, it
    must not hide what the others say."""
    match error:
        case SpecError():
            return Finding(Exit.REFUSED, error.text())
        case ConfigurationError():
            return Finding(Exit.CONFIGURATION, str(error))
        case MemoryError():
            return Finding(Exit.NO_MEMORY, "there was no more memory")
        case _:
            return Finding(Exit.INTERNAL, f"internal error: {type(error).__name__}: {error}")


def _clauses(instance: Instance) -> tuple[Expectation, ...]:
    """What EXPECT says of an instance; SpecError if that is nothing, or contradicts itself."""
    check_that_it_is_inside(instance)
    spec = read_spec(instance.spec, dict(instance.sets))
    if not spec.expectations:
        values = " ".join(f"{p.name}={p.value}" for p in spec.parameters) or "no parameters"
        raise SpecError(
            _expect(spec),
            f"EXPECT says nothing of this instance ({values}), so nothing can be gated",
            'EXPECT = holds(), or EXPECT = violates("the sentence", when=...)',
        )
    if len({clause.holds for clause in spec.expectations}) > 1:
        raise SpecError(
            spec.expectations[1].span,
            f"EXPECT says both holds() and {_other(spec.expectations)}(...) of this instance",
            "when=... on each, so that one of them applies",
        )
    return spec.expectations


def _other(clauses: tuple[Expectation, ...]) -> str:
    """The word of a clause that is not holds()."""
    return next(str(clause) for clause in clauses if not clause.holds).partition("(")[0]


def _expect(spec: Spec) -> Span:
    """Where EXPECT stands; where there is none, the top of the file."""
    for node in spec.module.tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="EXPECT") as name]):
                return spec.module.span(name)
            case _:
                pass
    return Span(spec.path, 1, 1, 1, 2)


def verify(
    instance: Instance, properties: tuple[str, ...], rules: Rules, began: float
) -> Verdict:
    """The verdict on these properties (none: all), in what is left of the budget.

    began  when the work on this instance did, by time.monotonic()"""
    return checked(instance, properties, rules, began).verdict


def checked(
    instance: Instance, properties: tuple[str, ...], rules: Rules, began: float
) -> pipeline.Checked:
    """The same, with what is said beside the verdict."""
    return pipeline.verify(
        instance.spec, dict(instance.sets), properties, left(rules, began),
        lambda states, depth, queue: None, walks=rules.walks,
    )


def left(rules: Rules, began: float) -> Limits:
    """What is left of the budget."""
    seconds = max(0.0, rules.budget - (time.monotonic() - began))
    return Limits(seconds=seconds, memory=rules.memory)


# -------------------------------------------------------------------------------------- judging


def judged(
    clauses: tuple[Expectation, ...], verdict: Verdict, require_validated: bool
) -> tuple[Finding, ...]:
    """Why a verdict does not pass; what the search left open is not judged here (`undecided`)."""
    doubt = doubts(verdict, require_validated)
    if doubt:
        return doubt
    absent = _absent(clauses)
    findings = [*failures(verdict)]
    findings += [
        Finding(Exit.UNREACHED, f'"{p.sentence}" is never reached')
        for p in verdict.properties if p.status == "not reached" and p.sentence not in absent
    ]
    promised, broken = _promised(clauses), pipeline.broken(verdict)
    what = f"EXPECT says {pipeline.said(clauses)}, but"
    order = "" if not promised else " too" if set(promised) & set(broken) else " first"
    for sentence in broken:
        if sentence not in promised:
            wrong = "there is a deadlock" if sentence == DEADLOCK else f'"{sentence}" is broken'
            findings.append(Finding(Exit.UNTRUE, f"{what} {wrong}{order}, after {_steps(verdict)}"))
    if verdict.outcome == "HOLDS" or verdict.exhaustive:
        unseen = [sentence for sentence in promised if sentence not in broken]
        seen = f"{len(promised) - len(unseen)} of {len(promised)} seen: " * (len(promised) > 1)
        findings += [_not_broken(sentence, verdict, seen) for sentence in unseen]
    findings += [_reached(p) for p in verdict.properties if _is_reached(p, absent)]
    if verdict.outcome == "HOLDS":
        findings += [
            Finding(Exit.INCONCLUSIVE, f'"{name_of(p)}" was not checked')
            for p in verdict.properties if p.status == "not checked"
        ]
    return tuple(findings)


def undecided(
    clauses: tuple[Expectation, ...], verdict: Verdict
) -> Iterator[tuple[str, ...]]:
    """What a search that ended at a promised violation left open, by the searches that decide it:
    one for each further violation that is promised, one for what must be reachable."""
    open_ = [p for p in verdict.properties if p.status == "not checked"]
    broken = pipeline.broken(verdict)
    for sentence in _promised(clauses):
        if sentence not in broken:
            yield (sentence,)
    reachable = tuple(p.sentence for p in open_ if p.kind == "sometimes")
    if reachable:
        yield reachable


def _searched_for(asked: tuple[str, ...]) -> tuple[str, ...]:
    """What to search for: a fault is met by every search, and a deadlock looked for where there is
    none."""
    return tuple(DEADLOCK if sentence in FAULTS else sentence for sentence in asked)


def judged_further(
    clauses: tuple[Expectation, ...], asked: tuple[str, ...], verdict: Verdict,
    require_validated: bool,
) -> tuple[Finding, ...]:
    """Why the verdict on what was left open does not pass."""
    doubt = doubts(verdict, require_validated)
    if doubt:
        return tuple(replace(d, reason=f'{" and ".join(asked)}: {d.reason}') for d in doubt)
    findings = [*failures(verdict)]
    broken = pipeline.broken(verdict)
    promised, absent = _promised(clauses), _absent(clauses)
    seen = f"{len(promised) - 1} of {len(promised)} seen: " if len(promised) == 2 else ""
    for fault in (a for a in asked if a in FAULTS and a not in broken):
        if verdict.exhaustive or verdict.outcome == "HOLDS":
            findings.append(_not_broken(fault, verdict, seen))
        else:
            findings.append(_undecided(fault, broken))
    for p in verdict.properties:
        if name_of(p) not in asked or name_of(p) in broken:
            continue
        match p.status:
            case "not reached":
                if p.sentence not in absent:
                    findings.append(Finding(Exit.UNREACHED, f'"{p.sentence}" is never reached'))
            case "holds" | "vacuous":
                findings.append(_not_broken(name_of(p), verdict, seen))
            case "not checked":
                findings.append(_undecided(name_of(p), broken))
            case "reached":
                if p.sentence in absent:
                    findings.append(_reached(p))
            case "violated":
                pass
    return tuple(findings)


def doubts(verdict: Verdict, require_validated: bool) -> tuple[Finding, ...]:
    """Why nothing can be said: the search ended early, its counterexample is not to be had, or the
    executable allocator does otherwise."""
    if verdict.outcome == "UNKNOWN":
        how_far = str(verdict.stopped or "not everything was looked at")
        stopped = Finding(exit_code(replace(verdict, validation=None)), how_far)
        return (stopped, *failures(verdict))
    found = verdict.validation
    if found is not None and found.mark == "DISAGREES":
        other = "a random walk" if found.by == "walks" else "its run"
        text = f"the verdict is {verdict.outcome}, and {other} DISAGREES"
        return (Finding(found.code, f"{text}: {found.detail}"),)
    if verdict.trace is None:
        return ()
    if found is None and require_validated:
        text = "the counterexample was not run on the executable allocator"
        return (Finding(Exit.DISAGREES, text),)
    if found is not None and found.mark == "NOT REPRODUCED":
        text = f"the counterexample is NOT REPRODUCED on the executable allocator: {found.detail}"
        return (Finding(Exit.DISAGREES, text),)
    return ()


def failures(verdict: Verdict) -> tuple[Finding, ...]:
    """That something failed after the search.  It is no doubt about the verdict: EXPECT is judged
    besides."""
    found = verdict.validation
    if found is None or found.mark != "failed":
        return ()
    return (Finding(found.code, found.failed),)


def _promised(clauses: tuple[Expectation, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(c.violates for c in clauses if c.violates is not None))


def _absent(clauses: tuple[Expectation, ...]) -> tuple[str, ...]:
    """Each @sometimes that EXPECT says no run reaches."""
    return tuple(dict.fromkeys(c.unreached for c in clauses if c.unreached is not None))


def _is_reached(p: PropertyResult, absent: tuple[str, ...]) -> bool:
    return p.status == "reached" and p.sentence in absent


def _reached(p: PropertyResult) -> Finding:
    after = f"after {p.depth} step{'' if p.depth == 1 else 's'}"
    text = f'EXPECT says unreached("{p.sentence}"), but a run reaches it {after}'
    return Finding(Exit.UNTRUE, text)


def _undecided(sentence: str, broken: tuple[str, ...]) -> Finding:
    stands = f"{' and '.join(sorted(broken))} stands before it"
    return Finding(Exit.INCONCLUSIVE, f'"{sentence}" is not decided: {stands}')


def name_of(p: PropertyResult) -> str:
    """A property as EXPECT and `--property` name it."""
    return DEADLOCK if p.kind == "deadlock" else p.sentence


def _steps(verdict: Verdict) -> str:
    n = 0 if verdict.trace is None else len(verdict.trace.steps)
    return f"{n} step{'' if n == 1 else 's'}"


def _not_broken(sentence: str, verdict: Verdict, seen: str = "") -> Finding:
    none = "there is none" if sentence == DEADLOCK else "nothing breaks it"
    in_all = f"in any of the {verdict.states:,} states"
    return Finding(Exit.UNTRUE, f'{seen}EXPECT says violates("{sentence}"), but {none} {in_all}')


# ------------------------------------------------------------------------------ all of them


def run(
    wanted: tuple[Instance, ...], rules: Rules, jobs: int, told: Told, grace: float = GRACE
) -> tuple[Gated, ...]:
    """Every instance judged, in the order given, whichever ends first.  After Ctrl-C: what was
    found by then, the others as interrupted."""

    def work(number: int) -> Gated:
        return gated(wanted[number], rules)

    def without(number: int, finding: Finding, seconds: float) -> Gated:
        instance = wanted[number]
        return Gated(instance.spec, instance.shown(), "", None, (finding,), seconds)

    names = tuple(instance.spec for instance in wanted)
    return in_processes(names, work, without, rules.budget + grace, jobs, told)
