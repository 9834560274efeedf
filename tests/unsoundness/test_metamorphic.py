"""What a verdict must not depend on: names, the order of the processes, local statements that do
nothing, a property that is there twice.  (An extra load: in test_litmus.py.)

loom#166 is what they are for: an extra load, which changes nothing, made a failure vanish."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from modelcheck.engines.reference import explore
from modelcheck.frontend.compile import compile_spec
from modelcheck.ir import (
    END, Action, Assign, Chain, Choose, Goto, Local, Place, Process, Program, Quantified, SetGhost,
    Variable,
)
from modelcheck.legal import steps as legal_steps
from modelcheck.passes import liveness as dead_locals
from modelcheck.semantics import Semantics, Step
from modelcheck.source import lines_of
from modelcheck.trace import Limits
from tests.classics.table import Sets
from tests.unsoundness.designs import HOLDING, VIOLATING, begun

DESIGNS = (*HOLDING, *VIOLATING)
SEEDS = range(60)


class Counts(NamedTuple):
    """What a search finds: with a violation, up to its length."""

    outcome: str
    states: int
    transitions: int
    depth: int
    length: int | None
    statuses: dict[str, tuple[str, int | None]]


def counts(program: Program) -> Counts:
    verdict = explore(program, Limits())
    return Counts(
        verdict.outcome, verdict.states, verdict.transitions, verdict.depth,
        None if verdict.trace is None else len(verdict.trace.steps),
        {p.sentence: (p.status, p.depth) for p in verdict.properties},
    )


# ------------------------------------------------------------------------------ on the Program


def backwards(name: str) -> str:
    """Another name, so that names sort the other way round."""
    return "".join(chr(ord("a") + ord("z") - ord(c)) if "a" <= c <= "z" else c for c in name)


def renamed(node: Any) -> Any:
    """With every variable, local, process and location called something else."""
    if isinstance(node, tuple):
        return tuple(map(renamed, node))
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return node
    changes = {f.name: renamed(getattr(node, f.name)) for f in dataclasses.fields(node)}
    for kind, field in (
        (Variable, "name"), (Local, "name"), (Process, "name"), (Action, "at"), (Goto, "location"),
        (Place, "variable"), (Assign, "local"), (Choose, "local"), (Quantified, "name"),
        (Chain, "variable"),
    ):
        if isinstance(node, kind) and changes[field] != END:
            changes[field] = backwards(changes[field])
    if isinstance(node, Action):
        changes["live"] = tuple(map(backwards, node.live))
    return dataclasses.replace(node, **changes)


def other_way_round(program: Program) -> Program:
    """With its process templates in the opposite order."""
    return dataclasses.replace(program, processes=program.processes[::-1])


def with_idle_statements(program: Program) -> Program:
    """With a local set to what it is, before everything that a step does."""
    def process(of: Process) -> Process:
        idle = tuple(Assign(v.name, Local(v.name)) for v in of.locals[:2])
        return dataclasses.replace(of, actions=tuple(
            dataclasses.replace(a, body=(*idle, *a.body)) for a in of.actions
        ))

    return dataclasses.replace(program, processes=tuple(map(process, program.processes)))


CHANGES: dict[str, Callable[[Program], Program]] = {
    "other names": renamed, "processes the other way round": other_way_round,
    "statements that do nothing": with_idle_statements,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_program_that_is_said_otherwise_has_the_same_verdict(change: str) -> None:
    """loom#166: with a change that says nothing new, interleavings were hidden.  Here states,
    transitions, depth, the length of the violation or the fate of a property would differ."""
    for path, sets in DESIGNS:
        print(path.name, sets)
        program = compile_spec(str(path), sets)[1]
        assert counts(CHANGES[change](program)) == counts(program)
    for seed, program in begun(SEEDS):
        print(f"seed {seed}")
        if not any(isinstance(s, SetGhost) for p in program.processes for s in p.entry):
            assert counts(CHANGES[change](program)) == counts(program)


def with_properties_twice(program: Program) -> Program:
    """With each property once more, under another name, behind all others."""
    again = tuple(
        dataclasses.replace(p, sentence=f"{p.sentence} again") for p in program.properties
    )
    return dataclasses.replace(program, properties=(*program.properties, *again))


def check_the_doubles(program: Program) -> None:
    before, after = counts(program), counts(with_properties_twice(program))
    for p in program.properties:
        assert after.statuses.pop(f"{p.sentence} again") == before.statuses[p.sentence]
    assert after == before


def test_a_property_that_is_there_twice_has_one_fate() -> None:
    """loom#166: a second question changes the answer to neither."""
    for path, sets in DESIGNS:
        print(path.name, sets)
        check_the_doubles(compile_spec(str(path), sets)[1])
    for seed, program in begun(SEEDS):
        print(f"seed {seed}")
        check_the_doubles(program)


# --------------------------------------------------------------------------- on a spec's text

PROPERTIES = ("always", "sometimes", "predicate", "boot")


def is_run(node: ast.FunctionDef) -> bool:
    """Whether a function has steps."""
    return not any(word in ast.unparse(d) for d in node.decorator_list for word in PROPERTIES)


class Split(ast.NodeTransformer):
    """`pg.state = FREE` becomes `value_1 = FREE`, then `pg.state = value_1`; and each function with
    steps begins with a local that nobody reads."""

    def __init__(self) -> None:
        self.number = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        if is_run(node):
            self.generic_visit(node)
            node.body.insert(0, ast.Assign([ast.Name("nothing", ast.Store())], ast.Constant(False)))
        return node

    def visit_Assign(self, node: ast.Assign) -> Any:
        if not isinstance(node.targets[0], ast.Attribute) or isinstance(node.value, ast.Constant):
            return node
        if any(isinstance(n, ast.Attribute) and ast.unparse(n)[0].islower()
               for n in ast.walk(node.value)):
            return node  # of a ghost: it reads memory where it stands
        self.number += 1
        name = f"value_{self.number}"
        first = ast.Assign([ast.Name(name, ast.Store())], node.value)
        return first, ast.Assign(node.targets, ast.Name(name, ast.Load()))


class Rename(ast.NodeTransformer):
    """Functions, parameters of functions, locals and objects have other names."""

    def __init__(self, tree: ast.Module) -> None:
        self.names: set[str] = set()
        for node in ast.walk(tree):
            match node:
                case ast.FunctionDef() if is_run(node):
                    self.names |= {node.name, *(a.arg for a in node.args.args)}
                    self.names |= {
                        n.id for n in ast.walk(node)
                        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
                    }
                case ast.Assign([ast.Name(name)], ast.Call(ast.Name(made))) if (
                    made not in ("param", "instance", "holds", "violates", "promises")
                ):
                    self.names.add(name)
                case _:
                    pass

        self.names.discard("me")  # the one parameter of a process has this name

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        return node  # the library knows fields by their names

    def other(self, name: str) -> str:
        return f"zz_{backwards(name)}" if name in self.names else name

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.other(node.id), node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(self.other(node.arg), node.annotation)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.name = self.other(node.name)
        return node


def rewritten(path: Path, how: str) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    transformer = Split() if how == "split" else Rename(tree)
    return ast.unparse(ast.fix_missing_locations(transformer.visit(tree)))


def check_the_text(path: Path, sets: Sets, how: str, folder: Path) -> None:
    (folder / path.name).write_text(rewritten(path, how), encoding="utf-8")
    lines_of.cache_clear()
    again = compile_spec(str(folder / path.name), sets)[1]
    assert counts(again) == counts(compile_spec(str(path), sets)[1])


@pytest.mark.parametrize("how", ["split", "rename"])
@pytest.mark.parametrize(("path", "sets"), DESIGNS, ids=lambda part: str(getattr(part, "stem", "")))
def test_a_spec_that_is_written_otherwise_has_the_same_verdict(
    path: Path, sets: Sets, how: str, tmp_path: Path
) -> None:
    """loom#166, of the front end: a local more is no step more, and no name means anything."""
    assert rewritten(path, how) != ast.unparse(ast.parse(path.read_text(encoding="utf-8")))
    check_the_text(path, sets, how, tmp_path)


# ----------------------------------------------------------------------------- what is planted


def first_comes_first(semantics: Semantics, steps: list[Step]) -> list[Step]:
    """Whoever comes first in the Program runs alone, as long as it can."""
    return [s for s in steps if s.process == steps[0].process]


def last_name_waits(semantics: Semantics, steps: list[Step]) -> list[Step]:
    """Of those that could step, the one whose name comes last does not."""
    names = sorted({semantics.names[s.process] for s in steps})
    return [s for s in steps if len(names) == 1 or semantics.names[s.process] != names[-1]]


Plant = Callable[[Semantics, list[Step]], list[Step]]


def planted(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    true = Semantics.successors
    monkeypatch.setattr(
        Semantics, "successors", lambda semantics, state: plant(semantics, true(semantics, state))
    )


@pytest.mark.parametrize(
    ("change", "plant"),
    [("processes the other way round", first_comes_first), ("other names", last_name_waits)],
)
def test_an_engine_that_depends_on_it_would_be_seen(
    change: str, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted(plant, monkeypatch)
    with pytest.raises(AssertionError):
        test_a_program_that_is_said_otherwise_has_the_same_verdict(change)


def all_alive(process: Process) -> dict[str, frozenset[str]]:
    """No local is ever done with."""
    names = frozenset(v.name for v in process.locals)
    return {action.at: names for action in process.actions}


@pytest.mark.parametrize("how", ["split", "rename"])
def test_a_text_that_means_more_than_it_says_would_be_seen(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A local that keeps its value for ever makes states differ; and names again."""
    if how == "split":
        for where in (dead_locals, legal_steps):
            monkeypatch.setattr(where, "live_locals", all_alive)
    else:
        planted(last_name_waits, monkeypatch)
    with pytest.raises(AssertionError):
        for path, sets in DESIGNS:
            check_the_text(path, sets, how, tmp_path)
