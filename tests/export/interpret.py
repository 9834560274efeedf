"""A Model run as it is written, by Python: what every printer prints has these states and steps.

Slow and plain, so that lowering can be held against the reference engine on hundreds of Programs,
where a compile for each peer would take minutes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from modelcheck.export.model import Body, Branch, Check, Let, Model, Require, Set
from modelcheck.export.terms import Num, Op, Read, Scratch, Term, Truth

State = tuple[tuple[int, ...], ...]


class Broken(Exception):
    """A Check failed."""


@dataclass
class Memory:
    """The variables by name, and what a step has computed."""

    cells: dict[str, list[int]]
    scratches: dict[str, int] = field(default_factory=dict)

    def value(self, a: Term) -> int:
        """What a term is worth."""
        match a:
            case Num(value) | Truth(value):
                return int(value)
            case Scratch(name):
                return self.scratches[name]
            case Read(cells, index):
                at = self.value(index)
                assert 0 <= at < cells.size, f"{cells.name}[{at}] is read"
                return self.cells[cells.name][at]
            case Op(op, args):
                found = self.operation(op, args)
                assert a.lo <= found <= a.hi, f"{found} is not in {a.lo}..{a.hi}: {a}"
                return found

    def operation(self, op: str, args: tuple[Term, ...]) -> int:
        """What an operation gives, lazily where every language is lazy."""
        match op:
            case "and":
                return int(self.value(args[0]) and self.value(args[1]))
            case "or":
                return int(self.value(args[0]) or self.value(args[1]))
            case "not":
                return int(not self.value(args[0]))
            case "ite":
                return self.value(args[1] if self.value(args[0]) else args[2])
        a, b = map(self.value, args)
        match op:
            case "==":
                return int(a == b)
            case "<":
                return int(a < b)
            case "<=":
                return int(a <= b)
            case "+":
                return a + b
            case "-":
                return a - b
            case "*":
                return a * b
            case "//":
                return a // b
            case "%":
                return a % b
            case "<<":
                return a << b
            case ">>":
                return a >> b
            case "&":
                return a & b
            case "|":
                return a | b
            case "^":
                return a ^ b
        raise AssertionError(op)

    def run(self, body: Body) -> None:
        """Do what a body says; Broken where a Check fails."""
        for statement in body:
            match statement:
                case Let(scratch, value):
                    self.scratches[scratch.name] = self.value(value)
                case Set(cells, index, value):
                    new = self.value(value)
                    assert cells.lo <= new <= cells.hi, f"{cells.name} is set to {new}"
                    self.cells[cells.name][self.value(index)] = new
                case Check(bad, sentence):
                    if self.value(bad):
                        raise Broken(sentence)
                case Branch(test, then, other):
                    self.run(then if self.value(test) else other)
                case Require():
                    raise AssertionError("it is in the guard")


@dataclass
class Explored:
    """The states and steps of a Model; `broken`: what is violated, by the states."""

    states: set[State]
    steps: int
    broken: set[str]


def explored(model: Model, most: int) -> Explored:
    """The whole graph, or its first `most` states; a step that breaks something leads nowhere."""
    names = [cells.name for cells in model.variables]
    found = Explored(set(model.beginnings), 0, set())
    todo = list(dict.fromkeys(model.beginnings))
    while todo and len(found.states) <= most:
        state = todo.pop()

        def memory(state: State = state) -> Memory:
            return Memory({n: list(held) for n, held in zip(names, state, strict=True)})

        for invariant in model.invariants:
            if not memory().value(invariant.holds):
                found.broken.add(invariant.sentence)
        for command in model.commands:
            if not memory().value(command.guard):
                continue
            after = memory()
            found.steps += 1
            try:
                after.run(command.body)
            except Broken as broken:
                found.broken.add(str(broken))
                continue
            target = tuple(tuple(after.cells[name]) for name in names)
            if target not in found.states:
                found.states.add(target)
                todo.append(target)
    return found
