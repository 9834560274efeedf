"""From a spec's path to a verdict with its trace validated: the whole way, for every command.

text -> steps -> legal -> memory model -> engine -> the executable allocator (a trace is replayed
there; where there is none, random walks)."""

from __future__ import annotations

import ast
import difflib
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from modelcheck.advice import smaller, would_help
from modelcheck.engines.asked import NO_DEADLOCK
from modelcheck.engines.native.kept import never_below
from modelcheck.exit_codes import Exit
from modelcheck.flow import gotos
from modelcheck.frontend.compile import compile_spec, compile_with_lines
from modelcheck.frontend.declare import sentences
from modelcheck.frontend.definitions import Expectation, Spec
from modelcheck.frontend.faults import DEADLOCK, as_named
from modelcheck.frontend.slips import index_slip
from modelcheck.ir import Program
from modelcheck.passes.circles import without_circles
from modelcheck.passes.lock_order import Nesting, inversions, name_of
from modelcheck.records import dataclass
from modelcheck.search import Engine, search
from modelcheck.semantics import Semantics
from modelcheck.source import ConfigurationError, Span, SpecError, Unreadable, file_text
from modelcheck.trace import Failure, Limits, Trace, Validation, Verdict, from_json, of_spec
from modelcheck.vacuous import with_vacuous
from modelcheck.validate import (
    Kept, by_its_lines, is_a_trace_of, is_what_its_run_says, to_follow, tried, validated,
)  # fmt: skip

if TYPE_CHECKING:
    from modelcheck.export import File

Sets = Mapping[str, int | bool]
Progress = Callable[[int, int, int], None]
AUTO = Engine()
WALKS = 4  # on which a verdict without a trace is tried, where nobody says how many
NONE = "there is no deadlock"
GRAPHS = {".dot": 150, ".graphml": 10_000}
"""How many states the graph in a file of this kind may have.  A picture of more cannot be read."""


@dataclass(frozen=True)
class Checked:
    """A verdict, what the spec's EXPECT makes of it, as a sentence; what would have helped a search
    that met a limit, which functions never run, and which locks are taken in both orders, and what
    was not checked, as lines; of which sentences it is not decided whether they are ever meant to
    hold."""

    verdict: Verdict
    expected: str
    helps: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()


def never_run(spec: Spec) -> tuple[str, ...]:
    """The spec's own functions that nothing calls, each in a sentence: that an author forgot to say
    @process would otherwise go unseen."""
    tree = spec.module.tree
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    checked = {f.node for f in spec.properties}  # what PROMISES asks for too
    return tuple(
        f"{f.name} (line {f.lineno}) never runs: nothing calls it, and it is no @process"
        for f in tree.body
        if isinstance(f, ast.FunctionDef) and not f.decorator_list and f.name not in used
        and f not in checked
    )


def in_both_orders(spec: Spec, program: Program, verdict: Verdict) -> tuple[str, ...]:
    """The locks that are taken in both orders, each two in a sentence; none where it is not known
    which lines are taken."""
    if not verdict.exhaustive:
        return ()
    never = {(n.process, n.action) for n in verdict.never_taken}
    return tuple(
        "lock order: " + ", ".join(_nesting(spec, n) for n in pair)
        for pair in inversions(program, never)
    )


def _nesting(spec: Spec, nesting: Nesting) -> str:
    outer, inner = _own(spec, nesting.outer_at), _own(spec, nesting.inner_at)
    called = f", called at line {inner[0]}" if outer[:1] == inner[:1] else ""
    return (
        f"{name_of(nesting.outer)} then {name_of(nesting.inner)} at lines {outer[-1]} and"
        f" {inner[-1]}{called}"
    )


def _own(spec: Spec, at: tuple[Span, ...]) -> list[int]:
    """The lines of these places that are in the spec's own file, that of the process first."""
    return [s.line for s in at if s.file == spec.module.file] or [at[-1].line]


def without_steps(program: Program) -> tuple[str, ...]:
    """The processes that do nothing, each in a sentence."""
    return tuple(
        f"{p.name} takes no step: it accesses no shared memory"
        for p in program.processes if not p.actions
    )


def nearest(word: str, known: list[str]) -> str:
    """What may have been meant: `did you mean X?`, or the whole list."""
    near = difflib.get_close_matches(word, known, 1, 0.5)
    return f"did you mean {near[0]!r}?" if near else "there is " + (", ".join(known) or "none")


def shown_path(path: str) -> str:
    """A path as reports and traces name it: relative where it lies below the working directory."""
    if Path(path).is_absolute() and Path(path).is_relative_to(Path.cwd()):
        return str(Path(path).relative_to(Path.cwd()))
    return path


def sources(spec: Spec) -> tuple[tuple[str, str], ...]:
    """Each file of a spec with the SHA-256 of its text."""
    return tuple(
        (m.file, hashlib.sha256(m.text.encode("utf-8")).hexdigest()) for m in spec.modules
    )


def verify(
    path: str, sets: Sets, properties: tuple[str, ...], limits: Limits, progress: Progress,
    engine: Engine = AUTO, walks: int = WALKS,
) -> Checked:
    """Search, and run what is found on the executable allocator; where nothing is found, this many
    random walks.

    SpecError for a spec that is not accepted; ConfigurationError for a parameter or property that
    it has not.  Once the search has ended nothing loses its verdict: what fails is marked on it."""
    began = time.monotonic()
    never_below(path)
    spec, program, unmerged = compile_with_lines(shown_path(path), sets)
    asked = tuple(chosen(spec, name) for name in properties)

    def left() -> Limits:
        if limits.seconds is None:
            return limits
        return replace(limits, seconds=max(0.0, limits.seconds - (time.monotonic() - began)))

    found = of_spec(search(program, engine, left(), asked, progress), spec.path)
    kept = Kept(replace(found, limits=limits, sources=sources(spec)))
    kept.become("lines", lambda verdict: by_its_lines(verdict, unmerged))
    slip = kept.said("remarks", lambda: _slip(kept.verdict, program), None)
    if slip is not None:
        raise slip
    kept.become(None, lambda verdict: validated(verdict, spec, program))
    nothing: tuple[str, ...] = ()
    verdict, undecided = kept.said(
        "vacuous", lambda: with_vacuous(kept.verdict, program, engine, left),
        (kept.verdict, nothing),
    )
    kept.verdict = replace(verdict, validation=kept.verdict.validation)
    kept.become("walks", lambda verdict: tried(verdict, spec, program, walks))
    helps = kept.said(
        "remarks", lambda: would_help(kept.verdict, spec, program, engine, asked), nothing
    )
    idle = kept.said("remarks", lambda: (
        *never_run(spec), *without_steps(program), *in_both_orders(spec, program, kept.verdict)
    ), nothing)
    not_looked_at = kept.said(
        "remarks", lambda: unchecked(kept.verdict, program, undecided), nothing
    )
    expected = "not judged: only what was asked for was checked"
    if not asked:
        expected = expectation(spec.expectations, kept.verdict)
    return Checked(kept.verdict, expected, helps, idle, not_looked_at, undecided)


def _slip(verdict: Verdict, program: Program) -> SpecError | None:
    """Why the spec is refused, if what fails is an index that is wrong of every run."""
    failure = None if verdict.trace is None else verdict.trace.failure
    if failure is None or failure.kind != "index":
        return None
    return index_slip(program, failure.source.file, failure.source.line)


def unchecked(verdict: Verdict, program: Program, undecided: tuple[str, ...]) -> tuple[str, ...]:
    """What a reader of HOLDS might think, and was not looked at, as lines."""
    if verdict.outcome != "HOLDS":
        return ()
    lines = [f"whether this is ever meant to hold: {sentence}" for sentence in undecided]
    if can_go_on_for_ever(program):
        lines.append("that anybody makes progress: starvation and livelock are not looked for")
    return tuple(lines)


def can_go_on_for_ever(program: Program) -> bool:
    """Whether some process has a way back to where it was: else each run ends."""
    return any(
        len(without_circles(targets, targets)) < len(targets)
        for p in program.processes
        if (targets := {a.at: [g.location for g in gotos(a.body)] for a in p.actions})
    )


def graph(
    path: str, sets: Sets, properties: tuple[str, ...], verdict: Verdict, suffix: str
) -> str:
    """The state graph of a spec, as the text of a file whose name ends so; `verdict` is what was
    found before.  ConfigurationError if it has too many states for such a file."""
    from modelcheck.report.state_graph import graph_text
    from modelcheck.state_graph import state_graph  # networkx: for this option only

    spec, program = compile_spec(shown_path(path), sets)
    asked = tuple(chosen(spec, name) for name in properties)
    most = GRAPHS[suffix]
    found = state_graph(program, asked, most)
    if found is None:
        counted = verdict.stopped is None and not verdict.reductions and verdict.states > most
        states = f"{verdict.states:,}" if counted else f"over {max(most, verdict.states - 1):,}"
        raise ConfigurationError(_too_many(spec, states, suffix))
    return graph_text(replace(found, spec=spec.path), suffix)


def _too_many(spec: Spec, states: str, suffix: str) -> str:
    """Why there is no graph, and what to do."""
    fewer = " or ".join(f"--set {one}" for one in smaller(spec))
    instead = [f"a smaller instance ({fewer})" if fewer else "a smaller instance"]
    instead += [
        f"a {other} file, for Gephi, which takes {number:,}"
        for other, number in GRAPHS.items() if number > GRAPHS[suffix]
    ]
    return (
        f"no graph is written: that of {spec.path} has {states} states here, and a {suffix} file "
        f"takes {GRAPHS[suffix]:,}; take {', or '.join(instead)}"
    )


def chosen(spec: Spec, name: str) -> str:
    """A property that was asked for, by its sentence or by the name of its function, or `deadlock`.
    """
    known = ["deadlock", NO_DEADLOCK, *sentences(spec)]
    for sentence in (name, name.replace("_", " ")):
        if sentence in known:
            return sentence
    raise ConfigurationError(f"{spec.path} has no property {name!r}: {nearest(name, known)}")


def expectation(clauses: tuple[Expectation, ...], verdict: Verdict) -> str:
    """Whether the verdict is what EXPECT says, in a sentence that begins with yes, NO, `1 of 2
    seen` (the search ended there, and a gate searches on) or not known."""
    if not clauses:
        return "nothing: the spec says no EXPECT for this instance"
    says = f"EXPECT says {said(clauses)}"
    if verdict.outcome == "UNKNOWN":
        return f"not known: {says}"
    if verdict.validation is not None and verdict.validation.code == Exit.DISAGREES:
        return "not known: a run on the executable allocator shows otherwise"
    wanted = expected(clauses)
    seen = dict.fromkeys((*broken(verdict), *missed(verdict)))
    other = [
        *(f'"{s}" is broken' for s in broken(verdict) if s not in wanted and s != DEADLOCK),
        *("there is a deadlock" for s in broken(verdict) if s not in wanted and s == DEADLOCK),
        *(f'"{s}" is never reached' for s in missed(verdict) if s not in wanted),
        *(f'"{p.sentence}" is reached' for p in verdict.properties
          if p.status == "reached" and p.sentence in wanted),
    ]
    if other:
        return f"NO: {says}, but {' and '.join(other)}"
    left = [sentence for sentence in wanted if sentence not in seen]
    if left and (verdict.exhaustive or verdict.outcome == "HOLDS"):
        nowhere = " and ".join(f'nothing breaks "{s}"' if s != DEADLOCK else NONE for s in left)
        return f"NO: {says}, but {nowhere}"
    if left:
        return f"{len(seen)} of {len(wanted)} seen: {says}; for the others run modelcheck gate"
    return f"yes: {says}"


def said(clauses: tuple[Expectation, ...]) -> str:
    """The clauses of EXPECT that apply, as a spec says them."""
    return ", ".join(map(str, clauses))


def expected(clauses: tuple[Expectation, ...]) -> tuple[str, ...]:
    """What EXPECT says is broken, or not reached."""
    wanted = (c.violates if c.unreached is None else c.unreached for c in clauses)
    return tuple(dict.fromkeys(w for w in wanted if w is not None))


def broken(verdict: Verdict) -> tuple[str, ...]:
    """What a verdict found broken, as EXPECT names it; faults such as an index too large too."""
    trace = verdict.trace
    shown = () if trace is None or trace.failure is None else (trace.failure,)
    return tuple(dict.fromkeys(
        failure.sentence if failure.kind in ("safety", "assert")
        else as_named(failure.sentence) or DEADLOCK
        for failure in (*shown, *verdict.others)
    ))


def missed(verdict: Verdict) -> tuple[str, ...]:
    """Each `@sometimes` that no run reaches."""
    return tuple(p.sentence for p in verdict.properties if p.status == "not reached")


def export(path: str, sets: Sets, language: str, name: str | None) -> list[File]:
    """A spec in the language of another model checker; `name` is what its files are to be called.

    SpecError for what cannot be said there; ConfigurationError for a language that there is not,
    or a name that a module of it cannot have."""
    from modelcheck.export import LANGUAGES, exported  # for this command only

    if language not in LANGUAGES:
        raise ConfigurationError(f"--to {language}: {nearest(language, list(LANGUAGES))}")
    spec, program = compile_spec(shown_path(path), sets)
    files = exported(program, language, spec.path, name)
    if language == "tlaplus" and name is not None and f"MODULE {name} -" not in files[0].text:
        raise ConfigurationError(
            f"-o {name}: TLC wants a module to be called as its file is, and this is no name for "
            "one: write letters and digits"
        )
    return files


@dataclass(frozen=True)
class Recorded:
    """A verdict with a trace, read from a document, and the spec as it stands."""

    verdict: Verdict
    trace: Trace
    failure: Failure
    spec: Spec
    program: Program


def recorded(path: str) -> Recorded:
    """What a JSON document says of a spec, if it can be so: nothing of it is believed but the
    schedule, and the figures of the search."""
    document = replace(from_json(_read(path), path), validation=None)
    if document.trace is None:
        raise ConfigurationError(f"{path} has no trace: its verdict is {document.outcome}")
    sets = {name: parameter(value) for name, value in document.parameters}
    if not Path(document.spec).is_file():
        raise ConfigurationError(
            f"{path} is a trace of {document.spec}, and there is no such file here: run this where "
            "it was made"
        )
    then = dict(document.sources)
    if _digest_of(document.spec) != then.get(document.spec):  # else an error may show its lines
        raise _changed(document.spec, path)
    spec, program, unmerged = compile_with_lines(document.spec, sets)
    now = dict(sources(spec))
    for file in {**now, **then}:
        if now.get(file) != then.get(file):
            raise _changed(file, path)
    failure = document.trace.failure
    if failure is None or not is_a_trace_of(document.trace, spec, program, unmerged):
        raise ConfigurationError(f"{path} was changed: its schedule makes another trace")
    if (document.outcome, document.memory_model) != ("VIOLATED", program.memory):
        raise ConfigurationError(
            f"{path} was changed: its trace is a violation, under memory model {program.memory}"
        )
    if not is_what_its_run_says(document, document.trace, program):
        raise ConfigurationError(f"{path} was changed: what it claims is not what its trace shows")
    return Recorded(document, document.trace, failure, spec, program)


def _digest_of(file: str) -> str | None:
    """The SHA-256 of a file's text, as `sources` has it; None if that cannot be read."""
    try:
        return hashlib.sha256(file_text(Path(file)).encode("utf-8")).hexdigest()
    except (OSError, ValueError, Unreadable):
        return None


def _changed(file: str, document: str) -> ConfigurationError:
    return ConfigurationError(
        f"{file} has changed since {document} was made: make it anew with modelcheck verify"
    )


def replay_file(path: str) -> Checked:
    """Run the trace of a JSON document again, on the spec as it stands."""
    found = recorded(path)
    verdict = validated(found.verdict, found.spec, found.program)
    return Checked(verdict, expectation(found.spec.expectations, verdict))


def debug(path: str, trace: str, cpu: str | None) -> Validation | None:
    """Follow a recorded trace of a spec with pdb: None if the user left before its end.

    `cpu`: whose steps to stop at; None: those of the CPU that fails, or that takes the last step
    before a property of memory is false."""
    found = recorded(trace)
    if Path(path).resolve() != Path(found.spec.path).resolve():
        raise ConfigurationError(f"{trace} is a trace of {found.spec.path}, not of {path}")
    steps = found.trace.steps
    if not steps:
        raise ConfigurationError(f"{trace} fails before its first step: there is nothing to follow")
    name = cpu or found.failure.process or steps[-1].process
    acting = sorted({step.process for step in steps})
    if name not in acting:
        known = nearest(name, acting)
        raise ConfigurationError(f"no CPU called {name!r} takes a step in {trace}: {known}")
    spec, program = to_follow(found.trace, found.failure, found.spec, found.program)
    from modelcheck.heap.debug import debug as follow  # pdb

    return follow(spec, Semantics(program), found.trace, found.trace.processes.index(name))


def parameter(text: str) -> int | bool:
    """`3`, `True` or `False` (also in small letters)."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return int(text)
    except ValueError:
        raise ConfigurationError(f"{text!r} is not an int, True or False") from None


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None


def between_markers(text: str, begin: str, end: str, made: str) -> str:
    """A text with what stands between two markers made anew; ValueError if it lacks one."""
    before, found, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"lacks the markers {begin.strip()} and {end.strip()}")
    return f"{before}{begin}{made}{end}{after}"
