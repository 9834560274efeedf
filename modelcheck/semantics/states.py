"""Where everything stands in a state, and how it is shown.

A state is a flat tuple: every shared and ghost cell in the order of the Program's variables, then
for each process the number of its location and its locals.
"""

from __future__ import annotations

import itertools
from typing import TypeAlias

from modelcheck.ir import (
    END,
    Action,
    Process,
    Program,
    Record,
    Ref,
    Sort,
    Value,
    Variable,
    show_value,
)

State: TypeAlias = tuple[Value, ...]


class States:
    """The states of a Program.

    names      the processes, in order
    owners     for each cell of a state, in order, its variable and its number within that
    cells      each variable, with the number of its first cell
    processes  each process: its template, its `me`, and where its location stands in a state (its
               locals follow)
    width      the length of a state
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.cells: dict[str, tuple[int, Variable]] = {}
        owners: list[tuple[Variable, int]] = []
        for variable in program.variables:
            self.cells[variable.name] = (len(owners), variable)
            owners += [(variable, n) for n in range(variable.cells)]
        self.owners = tuple(owners)
        instances = program.instances()
        self.names = tuple(process.instance(me) for process, me in instances)
        sizes = (1 + len(process.locals) for process, _ in instances)
        *heres, self.width = itertools.accumulate(sizes, initial=len(owners))
        self.processes = tuple(
            (process, me, here) for (process, me), here in zip(instances, heres, strict=True)
        )

    def process_action(self, state: State, process: int) -> Action | None:
        """What a process does next; None if it has ended."""
        template, _, here = self.processes[process]
        number = state[here]
        assert isinstance(number, int)
        return None if number == len(template.actions) else template.actions[number]

    def location(self, state: State, process: int) -> str:
        """The name of the location where a process stands."""
        action = self.process_action(state, process)
        return END if action is None else action.at

    def locals(self, state: State, process: int) -> dict[str, str]:
        """The locals of a process, shown."""
        template, _, here = self.processes[process]
        values = state[here + 1 : here + 1 + len(template.locals)]
        return {
            v.name: self.show(value, v.sort)
            for v, value in zip(template.locals, values, strict=True)
        }

    def cell(self, state: State, variable: str, index: tuple[int, ...] = ()) -> Value:
        """The value of one cell of a shared or ghost variable."""
        return state[self.number_of(variable, index)]

    def number_of(self, variable: str, index: tuple[int, ...] = ()) -> int:
        """Where a cell stands in a state."""
        first, v = self.cells[variable]
        at = 0
        for i, (_, size) in zip(index, v.index, strict=True):
            at = at * size + i
        return first + at

    def cell_name(self, cell: int) -> str:
        """A cell as the author would write it: `heap.head`, `Page[0].contents.first`."""
        variable, within = self.owners[cell]
        indices: list[str] = []
        for _, size in reversed(variable.index):
            indices.append(f"[{within % size}]")
            within //= size
        base, dot, field = variable.name.partition(".")
        return base + "".join(reversed(indices)) + dot + field

    def show(self, value: Value, sort: Sort) -> str:
        """A value as the author would write it; a process by its name."""
        match sort:
            case Ref("process") if isinstance(value, int):
                return self.names[value]
            case Record(name, fields) if isinstance(value, tuple):
                parts = zip(value, fields, strict=True)
                return f"{name}({', '.join(f'{n}={self.show(v, s)}' for v, (n, s) in parts)})"
            case _:
                return show_value(value, sort)

    def show_cell(self, state: State, cell: int) -> str:
        """A cell's value, shown."""
        return self.show(state[cell], self.owners[cell][0].sort)

    def show_cells(self, state: State) -> tuple[tuple[str, str], ...]:
        """Every shared and ghost cell with its value, in order."""
        return tuple(
            (self.cell_name(cell), self.show_cell(state, cell)) for cell in range(len(self.owners))
        )


def numbers(process: Process) -> tuple[str, ...]:
    """The locations of a process by number; END comes last."""
    return (*(a.at for a in process.actions), END)
