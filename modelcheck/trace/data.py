"""Trace and Verdict: frozen data, in texts, with nothing of the machine that they were made on."""

from __future__ import annotations

import dataclasses
from typing import Literal

from modelcheck.exit_codes import Exit
from modelcheck.ir import Program
from modelcheck.records import dataclass
from modelcheck.source import Span, line_text

Outcome = Literal["HOLDS", "VIOLATED", "UNKNOWN"]
Kind = Literal[
    "safety", "deadlock", "unreached",
    "assert", "none", "index", "range", "choose", "ghost", "runaway",
]
Status = Literal[
    "holds", "vacuous", "violated", "not checked", "reached", "not reached", "not inductive",
]
Reason = Literal[
    "states", "seconds", "memory", "interrupted", "depth", "solver", "encoding", "induction",
]

EXIT_CODES: dict[Kind, Exit] = {
    "deadlock": Exit.DEADLOCK, "safety": Exit.PROPERTY, "unreached": Exit.UNREACHED,
    "assert": Exit.FAULT, "none": Exit.FAULT, "index": Exit.FAULT, "range": Exit.FAULT,
    "choose": Exit.FAULT, "ghost": Exit.FAULT, "runaway": Exit.FAULT,
}
UNKNOWN_CODES: dict[Reason, Exit] = {
    "states": Exit.INCONCLUSIVE, "seconds": Exit.INCONCLUSIVE, "memory": Exit.NO_MEMORY,
    "interrupted": Exit.INTERRUPTED, "depth": Exit.INCONCLUSIVE, "solver": Exit.INCONCLUSIVE,
    "encoding": Exit.INCONCLUSIVE, "induction": Exit.INCONCLUSIVE,
}

# ---------------------------------------------------------------------------------------- a trace


@dataclass(frozen=True)
class Line:
    """A line of a spec or of the library, and its text as it was when the trace was made."""

    file: str
    line: int
    column: int
    text: str

    @property
    def handler(self) -> str:
        """The interrupt handler that this line is the beginning of, if any: it stands in a chain of
        calls where the interrupt came."""
        name = self.text.removeprefix("def ").partition("(")[0]
        return name if self.text.startswith("def ") else ""


@dataclass(frozen=True)
class Change:
    """A cell or a local, before and after.  `ghost`: it is there for properties only."""

    name: str
    old: str
    new: str
    ghost: bool = False


@dataclass(frozen=True)
class Choice:
    """Which option was chosen (its number, from 0) for which local, and its value."""

    option: int
    local: str
    value: str


@dataclass(frozen=True)
class Touch:
    """An access: by which operation, on which cell ("" for an observation of all memory), and what
    it read (None for a plain store)."""

    by: str
    cell: str
    read: str | None


@dataclass(frozen=True)
class TraceStep:
    """One step.

    number    the process's place among all processes
    action    the location that it left; `arrives` the one that it reached, None if the step failed
    chain     the calls around it, outermost first
    touch     its (first) access
    changed   shared and ghost cells; `locals` the process's own that matter where it arrives; of a
              step that failed, what it had changed by then
    through   the lines of the further actions of this step (`with atomic(...)`, local loops)
    """

    process: str
    number: int
    action: str
    arrives: str | None
    source: Line
    chain: tuple[Line, ...]
    touch: Touch | None
    choices: tuple[Choice, ...]
    changed: tuple[Change, ...]
    locals: tuple[Change, ...]
    through: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Schedule:
    """What makes a run: the choices before the first step, then (process, choices) of each step."""

    initial: tuple[int, ...]
    steps: tuple[tuple[int, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Failure:
    """What is wrong at the end of a trace.  `source` is the property, the assert, or what is waited
    for; `process` is who failed or is stuck ("" for a property of memory).  `chain`: of who is
    stuck, the calls around it, outermost first (what failed in a step has that step's)."""

    kind: Kind
    sentence: str
    source: Line
    process: str = ""
    chain: tuple[Line, ...] = ()

    @property
    def interrupt(self) -> str:
        """The interrupt handler that who is stuck is in, if any."""
        return next((line.handler for line in self.chain if line.handler), "")

    def call_in(self, file: str) -> Line | None:
        """Where what lies in another file was called from this one."""
        calls = [line for line in self.chain if line.file == file and not line.handler]
        return calls[-1] if calls and self.source.file != file else None


@dataclass(frozen=True)
class Trace:
    """A run, from what boot leaves to a failure.

    cells     every shared and ghost cell with its value at the start
    failure   in the last step if that arrives nowhere, else in the state after it
    switches  how often the next step is another process's than the last
    """

    spec: str
    parameters: tuple[tuple[str, str], ...]
    processes: tuple[str, ...]
    initial: tuple[Choice, ...]
    cells: tuple[tuple[str, str], ...]
    steps: tuple[TraceStep, ...]
    failure: Failure | None
    switches: int

    @property
    def schedule(self) -> Schedule:
        """What to follow to walk this trace again."""
        return Schedule(
            tuple(c.option for c in self.initial),
            tuple((s.number, tuple(c.option for c in s.choices)) for s in self.steps),
        )


# -------------------------------------------------------------------------------------- a verdict


@dataclass(frozen=True)
class Limits:
    """Where a search gives up: states, seconds, bytes of resident memory.  None: no limit."""

    states: int | None = None
    seconds: float | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Stopped:
    """Why a search ended early and how far it had got: every state up to `depth` - 1 steps away was
    looked at, and `queue` states were waiting.  Of an engine that counts no states (0 states):
    every run of up to `depth` steps was looked at.

    broken  after so many steps something is broken, but the limit was met before the way there was
            found
    """

    reason: Reason
    states: int
    depth: int
    queue: int
    broken: int | None = None

    def __str__(self) -> str:
        limit = {
            "states": "the limit on states was reached", "seconds": "the time was spent",
            "memory": "the memory was spent", "interrupted": "interrupted",
            "depth": "the limit on depth was reached", "solver": "z3 gave no answer",
            "encoding": "a step does more than the symbolic engine follows",
            "induction": "induction does not decide everything that was asked",
        }[self.reason]
        if self.reason == "induction":
            return limit
        if self.broken is not None:
            after = f"after {self.broken} step{'' if self.broken == 1 else 's'}"
            return f"{limit}: something is broken {after}, and the way there was not found"
        if not self.states:  # runs were looked at, not states
            return f"{limit}: nothing wrong in any run of up to {self.depth} steps"
        return f"{limit}: {self.states:,} states, depth {self.depth}, {self.queue:,} in the queue"


@dataclass(frozen=True)
class PropertyResult:
    """`depth`: the number of steps to where it was reached or violated, else None.  Vacuous: it
    holds because no run comes to where it is asserted, or meant to hold.  Not inductive: it may
    hold all the same."""

    kind: Literal["always", "lemma", "sometimes", "assert", "deadlock"]
    sentence: str
    status: Status
    depth: int | None
    source: Line


@dataclass(frozen=True)
class NeverTaken:
    """An action whose line no run takes.

    calls  if it is taken when called from elsewhere: the calls, outermost first, from which it is
           not; they are not all, but enough to tell it from the others
    """

    process: str
    action: str
    source: Line
    calls: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Stands:
    """Where a process stands, and its locals that matter there.  `source`: None if it has ended."""

    process: str
    source: Line | None
    locals: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Gap:
    """Why a property is not inductive: a state that satisfies all that is proved, and the property,
    and a step from it that breaks the property.  No run may ever reach that state.

    sentence  the property, or the fault
    cells     those that are not as they are at the start
    """

    sentence: str
    cells: tuple[tuple[str, str], ...]
    stands: tuple[Stands, ...]
    step: TraceStep


@dataclass(frozen=True)
class Proof:
    """What induction adds to a verdict: whatever `holds` is proved for every length of run.

    lemmas  those of the author's that the proof rests on
    facts   how many facts of where processes stand it rests on, inferred and proved too
    moves   some step is possible from a state that satisfies what is proved
    gaps    of each property that is not inductive, why
    """

    lemmas: tuple[str, ...]
    facts: int
    moves: bool
    gaps: tuple[Gap, ...]


@dataclass(frozen=True)
class Validation:
    """What became of a trace on the executable allocator; of a verdict that shows none, what became
    of random walks there, beside the model.

    mark  "validated" and "tried": both sides did the same.  "NOT REPRODUCED" (of a trace) and
          "DISAGREES" (of walks): they did not, or a walk does what the verdict says that no run
          does.  "failed": it did not come to that
    by    how; where something failed, what that was: None for the trace on the executable
          allocator, else "walks", its "lines", whether the rest is ever meant to hold ("vacuous"),
          or what is said beside the verdict ("remarks")
    """

    mark: Literal["validated", "NOT REPRODUCED", "tried", "DISAGREES", "failed"]
    by: Literal["bytes", "memory", "stuck", "walks", "lines", "vacuous", "remarks"] | None
    detail: str

    @property
    def code(self) -> Exit:
        """The exit code that it leads to, whatever else was found; 0 if the rest decides."""
        match self.mark:
            case "validated" | "tried":
                return Exit.FINE
            case "NOT REPRODUCED" | "DISAGREES":
                return Exit.DISAGREES
            case "failed":
                return Exit.INTERNAL

    @property
    def failed(self) -> str:
        """What failed and how, in a sentence; of a mark that is "failed"."""
        return f"{self.by or 'validation'} failed: {self.detail}"


@dataclass(frozen=True)
class Verdict:
    """What an engine says of a Program.

    states, transitions  as the engine counts them (the reference engine's docstring says how)
    depth                the length of the longest shortest path looked at
    exhaustive           every reachable state was looked at
    stopped              for UNKNOWN: why, and how far the search got
    never_taken          the lines that no run takes; only of an exhaustive search, or of a proof
    others               violations at the same length as the trace's, not shown
    proof                what is proved of every length of run; None where nobody tried
    seconds              wall-clock; None where the same bytes are wanted every time
    remark               why another engine, that might have been faster, did not serve; "" for none
    odds                 of a search by fingerprints: the probability, at most, that a state was
                         taken for another, and what follows from it overlooked
    reductions           why states are fewer, and runs perhaps shorter, than the Program's own
    sources              each file that was read, with the hash of its text (pipeline.py sets it)
    """

    outcome: Outcome
    engine: str
    spec: str
    parameters: tuple[tuple[str, str], ...]
    memory_model: str
    assumptions: tuple[str, ...]
    states: int
    transitions: int
    depth: int
    exhaustive: bool
    limits: Limits
    stopped: Stopped | None
    properties: tuple[PropertyResult, ...]
    never_taken: tuple[NeverTaken, ...]
    trace: Trace | None
    others: tuple[Failure, ...]
    seconds: float | None
    proof: Proof | None = None
    validation: Validation | None = None
    remark: str = ""
    sources: tuple[tuple[str, str], ...] = ()
    reductions: tuple[str, ...] = ()
    odds: float | None = None


def exit_code(verdict: Verdict) -> Exit:
    """The exit code, as README.md lists them; of several the smallest; where the allocator does
    otherwise that is a disagreement, whatever else was found."""
    if verdict.validation is not None and verdict.validation.code:
        return verdict.validation.code
    match verdict.outcome:
        case "HOLDS":
            return Exit.FINE
        case "UNKNOWN":
            reason = verdict.stopped.reason if verdict.stopped else "states"
            return UNKNOWN_CODES[reason]
        case "VIOLATED":
            kinds: list[Kind] = [f.kind for f in verdict.others]
            if verdict.trace is not None and verdict.trace.failure is not None:
                kinds.append(verdict.trace.failure.kind)
            if any(p.status == "not reached" for p in verdict.properties):
                kinds.append("unreached")
            return min(EXIT_CODES[k] for k in kinds)


def line_of(span: Span) -> Line:
    """A span's line, with its text."""
    return Line(span.file, span.line, span.column, line_text(span))


def timeless(verdict: Verdict) -> Verdict:
    """A verdict without what differs from one run to the next."""
    return dataclasses.replace(verdict, seconds=None)


def of_spec(verdict: Verdict, path: str) -> Verdict:
    """A verdict that names the spec by its path: an engine knows only the Program's name."""
    trace = verdict.trace
    return dataclasses.replace(
        verdict, spec=path,
        trace=None if trace is None else dataclasses.replace(trace, spec=path),
    )


def parameters_of(program: Program) -> tuple[tuple[str, str], ...]:
    """The parameters of a Program, as texts."""
    return tuple((name, str(value)) for name, value in program.parameters)
