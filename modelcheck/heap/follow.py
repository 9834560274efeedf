"""Following the model on the executable allocator: the same step on both, then every cell compared.

Before a step: is the thread parked at the line that the model says, and can it go on?  After it: do
all shared and ghost cells hold the same, did the process end or fail alike?  The first difference
is raised, never papered over.

A fault in the local part of a line that also accesses memory (`pg.next = not_null(x)`, or in a
function that it calls) is met by the thread on its way to the access, by the model in the step of
the access.  Such a thread counts as parked at that line, and its fault as that of its next step.
"""

from __future__ import annotations

from modelcheck.frontend.definitions import Spec
from modelcheck.heap.allocator import Allocator
from modelcheck.heap.faults import Difference, fault_of
from modelcheck.heap.generate import statement_lines
from modelcheck.heap.scheduler import Cpu, Line
from modelcheck.ir import Action, Value
from modelcheck.semantics import Fault, Initial, Semantics, State, Step
from modelcheck.source import Span


class Follower:
    """One allocator beside the semantics of its Program; reusable, each `begin` begins anew."""

    def __init__(self, allocator: Allocator, semantics: Semantics) -> None:
        self.allocator = allocator
        self.semantics = semantics
        self.processes = semantics.program.instances()
        self.begins = semantics.initial()
        spec: Spec = allocator.spec
        self._shown = {str(m.path): m.file for m in spec.modules}
        self._statements = {
            (m.file, line): first for m in spec.modules
            for line, first in statement_lines(m).items()
        }
        self._lines_of: dict[int, frozenset[Line]] = {}
        self._cells = [
            found for variable in semantics.program.variables
            for found in allocator.locations(variable.name, tuple(n for _, n in variable.index))
        ]
        allocator.scheduler.stops = frozenset(
            (str(m.path), a.span.line) for p in semantics.program.processes for a in p.actions
            for m in spec.modules
            if a.access is None and a.wait is None and not a.transit and m.file == a.span.file
        )
        self._functions = {spec.sentence(f): f for f in spec.properties}

    # ---------------------------------------------------------------------------------- lines

    def line(self, line: Line) -> Line:
        """A line of generated code, as the model says it: its statement's first line."""
        file, number = self._shown.get(line[0], line[0]), line[1]
        return file, self._statements.get((file, number), number)

    def lines_of(self, action: Action) -> frozenset[Line]:
        """The lines at which a thread may be parked where the model's process is at this action."""
        lines = self._lines_of.get(id(action))
        if lines is None:
            spans = (action.span, *action.also)
            lines = frozenset(self.line((s.file, s.line)) for s in spans)
            self._lines_of[id(action)] = lines
        return lines

    # ---------------------------------------------------------------------------------- steps

    def begin(self, initial: Initial) -> None:
        """Boot with these choices, and compare."""
        try:
            self.allocator.boot(initial.choices)
        except Exception as error:
            if initial.fault is None or fault_of(error) is None:
                raise
            self._same_kind("boot", initial.fault, error)
            return
        if initial.fault is not None:
            self._failed_at_entry(initial.fault)
            return
        assert initial.state is not None
        self.compare(initial.state)
        for cpu in self.allocator.cpus:
            self._stands(cpu, initial.state)

    def _failed_at_entry(self, fault: Fault) -> None:
        for cpu in self.allocator.cpus:
            if cpu.fault is not None:
                self._same_fault(cpu, fault)
                return
        raise Difference(f"the model says: {fault.sentence}; no thread failed")

    def step(self, step: Step) -> None:
        """Take a step that the model takes from where both stand, and compare."""
        cpu = self.allocator.cpus[step.process]
        self.can_go(cpu)
        if cpu.state == "parked":
            self.allocator.step(step.process, step.choices)
        if step.fault is not None:
            merged = any(
                set(action.also) - {action.span} for action in (step.action, *step.through)
            )
            self._same_fault(cpu, step.fault, merged)
            return
        assert step.target is not None
        self.compare(step.target)
        self._stands(cpu, step.target)

    def at_line(self, process: int, line: Line) -> None:
        """Difference if a CPU that is parked is not at the line that a trace shows."""
        cpu = self.allocator.cpus[process]
        if cpu.at is not None and self.line(line) not in self._lines_at(cpu):
            file, number = line
            raise Difference(
                f"the trace shows {cpu.name} at {file}:{number}; its thread: {self._where(cpu)}"
            )

    def can_go(self, cpu: Cpu) -> None:
        """Difference if a CPU cannot take the step that the model takes."""
        if cpu.state != "failed" and not cpu.can_go():
            raise Difference(f"{cpu.name} can take no step here: {self._where(cpu)}")

    def same_ways(self, state: State) -> list[Step]:
        """The model's steps from a state; Difference if other CPUs can go on the allocator."""
        steps: list[Step] = []
        for cpu in self.allocator.cpus:
            found: list[Step] = []
            cut = False
            if self.semantics.process_action(state, cpu.number) is not None:
                found, cut = self.semantics.steps(state, cpu.number)
            possible = cpu.state == "failed" or cpu.can_go()
            if possible != (bool(found) or cut):
                can = "can take a step" if possible else "can take no step"
                raise Difference(f"{cpu.name} {can}, unlike the model: {self._where(cpu)}")
            steps += found
        return steps

    def same_properties(self, state: State) -> None:
        """Difference if a property is true of the model's state and false of the arena, or so."""
        for prop in self.semantics.program.properties:
            modelled = self.semantics.holds(prop, state)
            try:
                live: bool | str = self.allocator.holds(self._functions[prop.sentence])
            except Exception as error:
                fault = fault_of(error)
                if fault is None:
                    raise
                live = fault.kind
            if live != (modelled.kind if isinstance(modelled, Fault) else modelled):
                raise Difference(
                    f"'{prop.sentence}' is {modelled} of the model and {live} of the memory"
                )

    # ------------------------------------------------------------------------------ comparing

    def compare(self, state: State) -> None:
        """Difference at the first cell that does not hold what the model says."""
        for cell, (view, location) in enumerate(self._cells):
            try:
                found = location.plain(view)
            except Difference as mixture:
                raise Difference(f"{self.semantics.cell_name(cell)}: {mixture}") from None
            if found != state[cell]:
                raise Difference(self._differs(cell, found, state))

    def shared(self) -> list[Value]:
        """What all cells hold that are no ghosts."""
        return [at.plain(v) for v, at in self._cells if not at.ghost]

    def _differs(self, cell: int, found: Value, state: State) -> str:
        variable, _ = self.semantics.owners[cell]
        name = self.semantics.cell_name(cell)
        said = self.semantics.show_cell(state, cell)
        return (
            f"{name} is {said} in the model and {self.semantics.show(found, variable.sort)}"
            " on the allocator"
        )

    def _stands(self, cpu: Cpu, state: State) -> None:
        """Difference if a CPU has not come to where the model says."""
        action = self.semantics.process_action(state, cpu.number)
        if (action is None) != (cpu.state == "ended"):
            said = "has ended" if action is None else f"is at {action.at}"
            raise Difference(f"{cpu.name} {said} in the model; its thread: {self._where(cpu)}")
        if action is None:
            return
        if not self.lines_of(action) & self._lines_at(cpu):
            said = " or ".join(f"{file}:{n}" for file, n in sorted(self.lines_of(action)))
            where = self._where(cpu)
            raise Difference(f"{cpu.name} is at {said} in the model; its thread: {where}")

    def _lines_at(self, cpu: Cpu) -> set[Line]:
        """The line where a CPU is parked; of one that has failed, those of the calls around it."""
        lines = cpu.stack if cpu.state == "failed" else () if cpu.at is None else (cpu.at,)
        return {self.line(line) for line in lines}

    def _where(self, cpu: Cpu) -> str:
        if cpu.at is None:
            return cpu.state
        file, line = self.line(cpu.at)
        failed = "" if cpu.fault is None else f" ({cpu.fault})"
        return f"{cpu.state} at {file}:{line}{failed}"

    def _same_fault(self, cpu: Cpu, fault: Fault, merged: bool = False) -> None:
        """Difference if a CPU has not failed so.  In a step of merged locations the model knows the
        lines of the first of them only."""
        if cpu.fault is None or cpu.error is None:
            raise Difference(
                f"{cpu.name} fails in the model ({fault.kind}: {fault.sentence}); its thread:"
                f" {self._where(cpu)}"
            )
        self._same_kind(cpu.name, fault, cpu.error)
        if fault.kind == "runaway":
            return  # where in the endless loop each gave up depends on what each counts
        lines = {self.line(line) for line in cpu.stack}
        if lines and not merged and self.line(_start(fault.span)) not in lines:
            raise Difference(
                f"{cpu.name} fails at {fault.span.file}:{fault.span.line} in the model; its thread:"
                f" {self._where(cpu)}"
            )

    def _same_kind(self, name: str, fault: Fault, error: BaseException) -> None:
        found = fault_of(error) if isinstance(error, Exception) else None
        same = found is not None and found.kind == fault.kind and (
            fault.kind != "assert" or found.sentence == fault.sentence
        )
        if not same:
            raise Difference(
                f"{name} fails in the model ({fault.kind}: {fault.sentence}) and on the allocator"
                f" otherwise ({found or error})"
            )


def _start(span: Span) -> Line:
    return span.file, span.line
