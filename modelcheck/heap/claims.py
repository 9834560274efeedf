"""What a verdict says of every run, held against one run of the model: a search that overlooked
something is caught by whoever happens to go there."""

from __future__ import annotations

from modelcheck.semantics import Fault, Semantics, State, Step
from modelcheck.trace import Verdict


class Untrue(Exception):
    """A run of the model does what a verdict says that no run does."""


class Claims:
    """What a verdict that shows no trace says of every run; of no verdict, nothing.  Each method
    raises Untrue for what it is told of a run, where that is claimed not to be."""

    def __init__(self, semantics: Semantics, verdict: Verdict | None) -> None:
        self.semantics = semantics
        self.processes = [process.name for process, _ in semantics.program.instances()]
        self.any = verdict is not None
        results = () if verdict is None else verdict.properties
        self.status = {p.sentence: p.status for p in results if p.kind != "deadlock"}
        self.alive = any(p.kind == "deadlock" and p.status == "holds" for p in results)
        never = () if verdict is None else verdict.never_taken
        self.never = {(n.process, n.action) for n in never}

    def fault(self, fault: Fault) -> None:
        """A run fails.  Who was asked for other properties than an assert says nothing of it."""
        asked = fault.kind != "assert" or self.status.get(fault.sentence) == "holds"
        if self.any and asked:
            raise Untrue(f"the search says that no run fails so: {fault.sentence}")

    def state(self, state: State) -> None:
        """A run comes to a state."""
        for p in self.semantics.program.properties:
            match self.status.get(p.sentence):
                case "holds" | "vacuous" if (found := self.semantics.holds(p, state)) is not True:
                    so = found.sentence if isinstance(found, Fault) else "is false in the model"
                    raise Untrue(f"the search says that '{p.sentence}' holds, and here it {so}")
                case "not reached" if self.semantics.holds(p, state) is True:
                    raise Untrue(
                        f"the search says that '{p.sentence}' is never reached, and here it is true"
                    )
                case _:
                    pass

    def step(self, step: Step) -> None:
        """A run takes a step."""
        for action in (step.action, *step.through):
            if (self.processes[step.process], action.at) in self.never:
                who, line = self.semantics.names[step.process], action.span
                raise Untrue(f"the search says that {who} never takes {line.file}:{line.line}")
        if step.fault is not None:
            self.fault(step.fault)

    def end(self, state: State) -> None:
        """A run comes to a state from which nobody takes a step.  What an `assume` cuts short might
        have gone on."""
        if not self.alive:
            return
        actions = [self.semantics.process_action(state, n) for n in range(len(self.processes))]
        left = [(n, a) for n, a in enumerate(actions) if a is not None]
        if any(self.semantics.steps(state, n)[1] for n, _ in left):
            return
        for n, action in left:
            if not action.resting:
                stuck = f"{self.semantics.names[n]} at {action.span.file}:{action.span.line}"
                raise Untrue(f"the search says that nobody is stuck for ever, and here {stuck} is")
