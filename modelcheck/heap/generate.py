"""A module's checked syntax tree -> its functions as Python code for the executable allocator.

Each statement stays on its own line, so that tracebacks and pdb show the spec's own text, and calls
stay calls.  What is changed:

    cmpxchg(pg.state, a, b)          cmpxchg(place(pg, ("state",)), a, b)
    wait_until(pg.state == CLEAN)    wait_until(lambda: pg.state == CLEAN)
    assert is_scrubbed(pg), "..."    assert observe(lambda: is_scrubbed(pg)), "..."
    while pg is not None:            while turn() and (pg is not None):     and so for each `for`
    i: Order = i + 1                 i = fit(0, i + 1)         and at later assignments of i,
                                     at the begin of a function for its arguments, and at return
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable
from types import CodeType
from typing import TypeVar

from modelcheck.frontend.definitions import Function, Module, Word
from modelcheck.frontend.loops import is_endless
from modelcheck.heap.encoding import Encoding

PLACE_WORDS = frozenset(
    ("cmpxchg", "xchg", "fetch_add", "fetch_update", "test_and_set_bit", "test_and_clear_bit",
     "set_bit", "clear_bit", "store_part")
)  # fmt: skip
# What generated code calls beside the words.  No name of a spec has a blank in it.
PLACE, OBSERVE, AT_ONCE, TURN, TURNS, HEAD, HEADS, LEFT, FIT = (
    "the place", "the observation", "at once", "a turn", "the turns", "the head", "the heads",
    "the loop is left", "what fits",
)  # fmt: skip
RESULT = "the result"  # among what a function declares
N = TypeVar("N", bound=ast.AST)
Fits = Callable[[ast.expr, Module], Encoding | None]


def functions_of(module: Module, fits: Fits, checks: list[Encoding]) -> CodeType:
    """The code that defines all functions of a module.

    `fits` is what a local or parameter with this annotation is checked against, if anything;
    `checks` gains those that the code refers to, by their place in it."""
    made: list[ast.stmt] = []
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef):
            made.append(_Runnable(module, node, fits, checks).function())
    tree = ast.fix_missing_locations(ast.Module(made, []))
    return compile(tree, str(module.path), "exec", dont_inherit=True, optimize=0)


def expression_of(node: ast.expr, module: Module) -> CodeType:
    """The code of an expression that stands outside functions: a default, a constant, a `when`."""
    body = ast.fix_missing_locations(ast.Expression(copy.deepcopy(node)))
    return compile(body, str(module.path), "eval", dont_inherit=True, optimize=0)


def statement_lines(module: Module) -> dict[int, int]:
    """For each line that a statement (or the header of one with a body) is on: its first line."""
    lines: dict[int, int] = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.stmt):
            match node:
                case ast.If(test=header) | ast.While(test=header) | ast.For(iter=header):
                    end = header.end_lineno or node.lineno
                case ast.With(items=[item]):
                    end = item.context_expr.end_lineno or node.lineno
                case ast.FunctionDef() | ast.ClassDef():
                    continue
                case _:
                    end = node.end_lineno or node.lineno
            lines.update(dict.fromkeys(range(node.lineno, end + 1), node.lineno))
    return lines


def lines_of_loops(module: Module) -> frozenset[int]:
    """The lines that loops stand on, heads included."""
    loops = (n for n in ast.walk(module.tree) if isinstance(n, ast.While | ast.For))
    return frozenset(n for loop in loops for n in range(loop.lineno, (loop.end_lineno or 0) + 1))


class _Runnable(ast.NodeTransformer):
    """One function, rewritten."""

    def __init__(
        self, module: Module, node: ast.FunctionDef, fits: Fits, checks: list[Encoding]
    ) -> None:
        self.module = module
        self.node = copy.deepcopy(node)
        self.fits = fits
        self.checks = checks
        self.checked: dict[str, int] = {}
        self.locals = {a.arg for a in node.args.args} | {
            n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        self.depth = 0

    def function(self) -> ast.FunctionDef:
        """The function without decorators and annotations, its body rewritten."""
        node = self.node
        if node.returns is not None:
            self._declare(RESULT, node.returns)
        node.decorator_list, node.returns = [], None
        arguments: list[ast.stmt] = []
        for a in node.args.args:
            if a.annotation is not None:
                self._declare(a.arg, a.annotation)
                a.annotation = None
            if a.arg in self.checked:
                arguments.append(self._refitted(a.arg, node))
        for inner in ast.walk(node):
            if isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name):
                self._declare(inner.target.id, inner.annotation)
        self.generic_visit(ast.Module(node.body, []))  # in place: a loop becomes two statements
        node.body[:0] = arguments
        return node

    def _declare(self, name: str, annotation: ast.expr) -> None:
        """Check this local from now on, if its annotation asks for it."""
        encoding = self.fits(annotation, self.module)
        if encoding is not None:
            self.checked[name] = len(self.checks)
            self.checks.append(encoding)

    def _fitted(self, name: str, value: ast.expr) -> ast.expr:
        if name not in self.checked:
            return value
        return _at(value, _call(FIT, ast.Constant(self.checked[name]), value))

    def _refitted(self, name: str, where: ast.AST) -> ast.stmt:
        """A local checked where something else has set it."""
        load = _at(where, ast.Name(name, ast.Load()))
        store = ast.Assign([ast.Name(name, ast.Store())], self._fitted(name, load))
        return _at(where, store)

    def _word(self, node: ast.expr) -> str:
        """Which word of the language is called here, if any."""
        if not isinstance(node, ast.Name) or node.id in self.locals:
            return ""
        definition = self.module.scope.get(node.id)
        return definition.name if isinstance(definition, Word) else ""

    # ----------------------------------------------------------------------------- statements

    def visit_Assign(self, node: ast.Assign) -> ast.stmt | list[ast.stmt]:
        self.generic_visit(node)
        match node.targets:
            case [ast.Tuple(elts=targets)]:
                names = [t.id for t in targets if isinstance(t, ast.Name) and t.id in self.checked]
                return [node, *(self._refitted(name, node) for name in names)]
            case [ast.Name(id=name)]:
                node.value = self._fitted(name, node.value)
            case _ if any(isinstance(n, ast.Attribute) for n in ast.walk(node.value)):
                # What a ghost is set to may be computed from memory, at no step.  (What is stored
                # in memory is computed from locals: there this changes nothing.)
                node.value = _at(node.value, _call(AT_ONCE, _lambda(node.value)))
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        assert isinstance(node.target, ast.Name)
        if node.value is None:
            return _at(node, ast.Pass())
        value = self._fitted(node.target.id, self.visit(node.value))
        return _at(node, ast.Assign([node.target], value))

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        self.generic_visit(node)
        assert isinstance(node.target, ast.Name)
        if node.target.id not in self.checked:
            return node
        both = _at(node, ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value))
        return _at(node, ast.Assign([node.target], self._fitted(node.target.id, both)))

    def visit_Return(self, node: ast.Return) -> ast.stmt:
        self.generic_visit(node)
        if node.value is not None:
            node.value = self._fitted(RESULT, node.value)
        return node

    def visit_While(self, node: ast.While) -> ast.stmt | list[ast.stmt]:
        head = HEAD if self._is_main(node) else TURN
        self._body(node)
        node.test = _at(node.test, ast.BoolOp(ast.And(), [_call(head), node.test]))
        return self._left(node) if head == HEAD else node

    def visit_For(self, node: ast.For) -> ast.stmt | list[ast.stmt]:
        heads = HEADS if self._is_main(node) else TURNS
        self._body(node)
        node.iter = _at(node.iter, _call(heads, node.iter))
        if isinstance(node.target, ast.Name) and node.target.id in self.checked:
            node.body.insert(0, self._refitted(node.target.id, node.target))
        return self._left(node) if heads == HEADS else node

    def _is_main(self, loop: ast.While | ast.For) -> bool:
        """As in the model (`frontend/loops.is_main`), unless a caller stands in a loop."""
        definition = self.module.scope.get(self.node.name)
        own = isinstance(definition, Function) and definition.role == "process"
        return self.depth == 0 and (own or is_endless(loop))

    def _body(self, loop: ast.While | ast.For) -> None:
        self.depth += 1
        self.generic_visit(loop)
        self.depth -= 1

    def _left(self, loop: ast.While | ast.For) -> list[ast.stmt]:
        """The loop; who has left it is not at its head."""
        return [loop, _at(loop, ast.Expr(_call(LEFT)))]

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        node.test = self._observed(node.test)
        return node

    def _observed(self, test: ast.expr) -> ast.expr:
        """An assert's condition: from its first part with a predicate on it is one
        observation."""
        match test:
            case ast.BoolOp(op=op, values=values) if not self._has_predicate(values[0]):
                at = next((i for i, v in enumerate(values) if self._has_predicate(v)), len(values))
                rest = values[at:]
                test.values = [self._observed(v) for v in values[:at]]
                if rest:
                    whole = rest[0] if len(rest) == 1 else _at(test, ast.BoolOp(op, rest))
                    test.values.append(self._observed(whole))
                return test
            case _ if self._has_predicate(test):
                seen = _lambda(self.visit(test))
                return _at(test, _call(OBSERVE, seen))
            case _:
                visited = self.visit(test)
                assert isinstance(visited, ast.expr)
                return visited

    def _has_predicate(self, test: ast.expr) -> bool:
        for below in ast.walk(test):
            if isinstance(below, ast.Call) and isinstance(below.func, ast.Name):
                definition = self.module.scope.get(below.func.id)
                if isinstance(definition, Function) and definition.role == "predicate":
                    return True
        return False

    # ---------------------------------------------------------------------------- expressions

    def visit_Call(self, node: ast.Call) -> ast.expr:
        word = self._word(node.func)
        self.generic_visit(node)
        if word in PLACE_WORDS:
            node.args[0] = self._place(node.args[0])
        elif word == "wait_until":
            node.args[0] = _lambda(node.args[0])
        return node

    def _place(self, node: ast.expr) -> ast.expr:
        """`pg.count_info.need_scrub` -> place(pg, ("count_info", "need_scrub"))."""
        path: list[ast.expr] = []
        base = node
        while isinstance(base, ast.Attribute):
            path.insert(0, ast.Constant(base.attr))
            base = base.value
        return _at(node, _call(PLACE, base, ast.Tuple(path, ast.Load())))


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _lambda(body: ast.expr) -> ast.expr:
    nothing = ast.arguments([], [], None, [], [], None, [])
    return _at(body, ast.Lambda(nothing, body))


def _at(where: ast.AST, made: N) -> N:
    """A node that we made, on the line of the one that it stands for."""
    ast.copy_location(made, where)
    return ast.fix_missing_locations(made)
