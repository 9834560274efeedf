"""Programs in the notation, for the tests of semantics, traces and engines; and steps as text."""

from __future__ import annotations

from textwrap import dedent

from modelcheck.ir import Program
from modelcheck.notation import parse_program
from modelcheck.semantics import Semantics, State, Step


def program(text: str) -> Program:
    """A Program from indented text."""
    return parse_program(dedent(text), "small.txt")


def meaning(text: str) -> Semantics:
    """Its semantics."""
    return Semantics(program(text))


def start(semantics: Semantics) -> State:
    """The only beginning."""
    (begin,) = semantics.initial()
    assert begin.state is not None, begin.fault
    return begin.state


def shown(semantics: Semantics, state: State) -> str:
    """A state in a line: the cells that have a value, then each process's location and locals."""
    cells = " ".join(f"{name}={value}" for name, value in semantics.show_cells(state))
    processes = " | ".join(
        " ".join([
            name, semantics.location(state, number),
            *(f"{n}={v}" for n, v in semantics.locals(state, number).items()),
        ])
        for number, name in enumerate(semantics.names)
    )
    return f"{cells} | {processes}"


def shown_step(semantics: Semantics, step: Step) -> str:
    """A step in a line: who, from where, with which choices, to which state or fault."""
    choices = f" {list(step.choices)}" if step.choices else ""
    who = f"{semantics.names[step.process]}@{step.action.at}{choices}"
    if step.fault is not None:
        return f"{who}: {step.fault.kind}: {step.fault.sentence}"
    assert step.target is not None
    return f"{who}: {shown(semantics, step.target)}"


def shown_steps(semantics: Semantics, state: State) -> list[str]:
    """All steps from a state."""
    return [shown_step(semantics, step) for step in semantics.successors(state)]


LOST_UPDATE = """\
    program lost_update()
    sort process 2
    shared counter: 0..8 = 0
    process adder[2]
      local n: 0..8
      entry: goto adder_1
      at adder_1:
        load counter
        n := $
        goto adder_2
      at adder_2 live n:
        store counter := n + 1
        goto end
    always "no addition is lost" when at_rest: counter == 2
    """
"""Two processes, each of which loads, adds one and stores."""
