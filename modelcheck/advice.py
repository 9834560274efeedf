"""What would help a search that met its limit: of what can be asked for, what applies to it; and a
design whose lock is released by another context."""

from __future__ import annotations

from modelcheck.engines.limits import memory_to_be_had
from modelcheck.engines.native.ends import KILLED
from modelcheck.engines.packed import Layout
from modelcheck.frontend.definitions import HELD_AT_END, RELEASED, Spec
from modelcheck.ir import Program
from modelcheck.passes import REDUCTIONS
from modelcheck.search import Engine
from modelcheck.semantics.states import States
from modelcheck.trace import Reason, Verdict

IN_PYTHON = ("quick", "reference")
NATIVE = "takes less time and memory for a state, and looks at fewer"
ANY_CONTEXT = (
    "if another context is meant to release it: Completion, of modelcheck.xen.completion, which",
    "has no holder and which any context completes",
)
LIMITS: tuple[Reason, ...] = ("memory", "seconds", "states", "depth")


def would_help(
    verdict: Verdict, spec: Spec, program: Program, engine: Engine, asked: tuple[str, ...]
) -> tuple[str, ...]:
    """A line or two; none if no limit was met, and no lock released by another than its holder.
    `engine`, `asked`: the engine and the properties that were asked for (none: all)."""
    failure = verdict.trace.failure if verdict.trace is not None else None
    if failure is not None and failure.kind == "assert" and (
        failure.sentence == RELEASED or failure.sentence.startswith(HELD_AT_END)
    ):
        return ANY_CONTEXT
    if verdict.stopped is None or verdict.stopped.reason not in LIMITS:
        return ()
    now = [
        _more(verdict, engine), *_engines(verdict), *_reductions(verdict, engine),
        *_fingerprints(verdict, program, engine),
    ]
    fewer = " or ".join(f"--set {one}" for one in smaller(spec))
    later = [f"a smaller instance: {fewer}"] if fewer else []
    if _undecided(verdict, asked) and verdict.engine != "induction" and verdict.proof is None:
        later.append("--engine induction: proves what is always true, and counts no states")
    return tuple("; ".join(line) for line in (now, later) if line)


def smaller(spec: Spec) -> list[str]:
    """The parameters that can be made smaller, each as `--set` takes it."""
    return [
        f"{p.name}={p.value - 1}" for p in spec.parameters
        if not isinstance(p.value, bool) and p.value > p.lo
    ]


def _more(verdict: Verdict, engine: Engine) -> str:
    """More of what was spent."""
    assert verdict.stopped is not None
    match verdict.stopped.reason:
        case "memory" if verdict.remark == KILLED:  # it had not come to --max-memory
            return "more memory: the machine, or the container, had no more to give"
        case "memory":
            there = memory_to_be_had() / 2**30
            used = "" if verdict.limits.memory else ", of which three quarters were taken"
            return f"a larger --max-memory ({there:.1f} GB can be had here{used})"
        case "states" if engine.name == "auto" and engine.depth is None:
            return "a larger --max-states, or --max-depth besides: z3 then looks at longer runs"
        case reason:
            return f"a larger --max-{reason}"


def _engines(verdict: Verdict) -> list[str]:
    """The native engine, where it did not serve and could."""
    from modelcheck.engines.native.build import compiler

    if verdict.engine not in IN_PYTHON:
        return []
    if compiler() is None:
        return [f"a C compiler, for the native engine, which {NATIVE}"]
    return [] if verdict.remark else [f"--engine native, which {NATIVE}"]


def _reductions(verdict: Verdict, engine: Engine) -> list[str]:
    """Those that were switched off."""
    off = [name for name in REDUCTIONS if name not in engine.native.reductions]
    if verdict.engine != "native" or not off:
        return []
    return [f"the reductions that were switched off ({', '.join(off)})"]


def _fingerprints(verdict: Verdict, program: Program, engine: Engine) -> list[str]:
    """Less memory for a state that does not fit into one word."""
    assert verdict.stopped is not None
    served = verdict.engine == "native" and not engine.native.fingerprints
    if not served or verdict.stopped.reason != "memory" or Layout(States(program)).words == 1:
        return []
    return ["--fingerprints: keeps 64 bits of a state, and prints the odds"]


def _undecided(verdict: Verdict, asked: tuple[str, ...]) -> bool:
    """Whether something is left open that induction can prove."""
    return any(
        p.kind in ("always", "lemma", "assert") and p.status == "not checked"
        and (not asked or p.sentence in asked) for p in verdict.properties
    )
