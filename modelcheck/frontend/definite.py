"""Every local is set on every path before it is read."""

from __future__ import annotations

import ast

from modelcheck.frontend.definitions import Function
from modelcheck.source import SpecError


def check_bound(function: Function) -> None:
    """Refuse a function that may read a local which no path has set."""
    assigned = {
        n.id for n in ast.walk(function.node)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    generators = {
        n.target.id for n in ast.walk(function.node)
        if isinstance(n, ast.comprehension) and isinstance(n.target, ast.Name)
    }
    parameters = {a.arg for a in function.node.args.args}
    _Definite(function, (assigned - generators) - parameters).block(function.node.body, set())


class _Definite:
    """A walk over statements; each returns the locals set behind it (None: nothing follows)."""

    def __init__(self, function: Function, tracked: set[str]) -> None:
        self.function = function
        self.tracked = tracked
        self.breaks: list[list[set[str]]] = []

    def block(self, body: list[ast.stmt], bound: set[str]) -> set[str] | None:
        now: set[str] | None = set(bound)
        for statement in body:
            if now is None:
                return None
            now = self.statement(statement, now)
        return now

    def read(self, node: ast.AST | None, bound: set[str]) -> None:
        if node is None:
            return
        for below in ast.walk(node):
            if (
                isinstance(below, ast.Name) and isinstance(below.ctx, ast.Load)
                and below.id in self.tracked and below.id not in bound
            ):
                module = self.function.module
                raise SpecError(
                    module.span(below), f"{below.id} may be read here before it is set",
                    f"{below.id} = ... on every path that leads here",
                )

    def statement(self, node: ast.stmt, bound: set[str]) -> set[str] | None:
        match node:
            case ast.Assign(targets=targets, value=value):
                self.read(value, bound)
                return self._targets(targets, bound)
            case ast.AnnAssign(target=target, value=value):
                self.read(value, bound)
                return self._targets([target], bound) if value is not None else bound
            case ast.AugAssign(target=ast.Name(id=name) as target, value=value):
                self.read(value, bound)
                if name in self.tracked and name not in bound:
                    load = ast.copy_location(ast.Name(name, ast.Load()), target)
                    self.read(load, bound)
                return bound
            case ast.If(test=test, body=then, orelse=other):
                self.read(test, bound)
                return _meet(self.block(then, bound), self.block(other, bound))
            case ast.While(test=test, body=body):
                self.read(test, bound)
                self.breaks.append([])
                self.block(body, bound)
                left = self.breaks.pop()
                for_ever = isinstance(test, ast.Constant) and bool(test.value)
                result: set[str] | None = None if for_ever else bound
                for each in left:
                    result = _meet(result, each)
                return result
            case ast.For(target=target, iter=iterated, body=body):
                self.read(iterated, bound)
                inside = self._targets([target], bound)
                self.breaks.append([])
                self.block(body, inside)
                self.breaks.pop()
                return bound
            case ast.Break():
                if self.breaks:
                    self.breaks[-1].append(set(bound))
                return None
            case ast.Continue():
                return None
            case ast.Return(value=value):
                self.read(value, bound)
                return None
            case ast.With(body=body):
                return self.block(body, bound)
            case _:
                self.read(node, bound)
                return bound

    def _targets(self, targets: list[ast.expr], bound: set[str]) -> set[str]:
        now = set(bound)
        for target in targets:
            for below in ast.walk(target):
                if isinstance(below, ast.Name):
                    if isinstance(below.ctx, ast.Store):
                        now.add(below.id)
                    else:
                        self.read(below, bound)
        return now


def _meet(a: set[str] | None, b: set[str] | None) -> set[str] | None:
    if a is None:
        return b
    return a if b is None else a & b
