"""The words that stand on a line of their own: locks, waits, barriers, flags, assume."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from modelcheck import ir
from modelcheck.frontend import places
from modelcheck.frontend.definitions import RELEASED, Function, Word
from modelcheck.frontend.points import (
    Block, Keep, Point, Seq, Way, atomic,
)
from modelcheck.frontend.reading import Reading
from modelcheck.frontend.types import called
from modelcheck.frontend.values import (
    Scope, with_part,
)
from modelcheck.frontend.words import BARRIERS, STATEMENT_WORDS, argument
from modelcheck.source import SpecError

if TYPE_CHECKING:
    from modelcheck.frontend.steps import Steps


def call_statement(
    s: Steps, call: ast.Call, node: ast.Expr, here: Seq, after: Point, way: Way
) -> Block:
    scope = here.scope
    definition = scope.definition(called(call.func))
    if isinstance(definition, Word) and definition.name in STATEMENT_WORDS:
        return _word(s, definition.name, call, node, here, after, way)
    inlined = s.inlined(call, scope)
    if inlined is not None:
        return s.enter(inlined, call, scope, (None, "", None), after, here, way)
    if isinstance(definition, Function):
        raise SpecError(
            scope.module.span(call), f"{definition.name} does nothing but compute",
            f"x = {ast.unparse(call)}",
        )
    return s.expand(
        s.points.make(Keep, call, scope, None, "", after, here), way
    )


def _word(
    s: Steps, word: str, call: ast.Call, node: ast.Expr, here: Seq, after: Point, way: Way
) -> Block:
    _arity(s, word, call, here.scope)
    match word:
        case "cpu_relax":
            return s.expand(after, way)
        case "spin_lock" | "spin_unlock":
            return _lock(s, word, call, node, here, after, way)
        case "wait_until":
            return _wait(s, call, node, here, after, way)
        case "assume":
            return _assume(s, call, node, here, after, way)
        case "set_bit" | "clear_bit" | "store_part":
            return _part(s, word, call, node, here, after, way)
        case _:
            assert word in BARRIERS
            if s.boot:
                return s.expand(after, way)
            return s.location(
                here, node, ir.Fence(word), way, lambda: s.go(after)
            )


def _arity(s: Steps, word: str, call: ast.Call, scope: Scope) -> None:
    wanted = {"store_part": 2, "cpu_relax": 0, **dict.fromkeys(BARRIERS, 0)}.get(word, 1)
    strong = [k for k in call.keywords if word == "wait_until" and k.arg == "strong"]
    if len(call.args) != wanted or len(call.keywords) != len(strong):
        raise SpecError(
            scope.module.span(call), f"{word} takes {wanted} argument{'s'[:wanted != 1]}",
            f"see {word} in modelcheck.lang",
        )


def _lock(
    s: Steps, word: str, call: ast.Call, node: ast.Expr, here: Seq, after: Point, way: Way
) -> Block:
    scope = here.scope
    span = scope.module.span(call).first_line()
    lock = places.object_place(s.expressions, call.args[0], scope, s.reading(), "Lock")
    locked = ir.Place(f"{lock.prefix}.locked", lock.index, span)
    holder = ir.Place(f"{lock.prefix}.holder", lock.index, span)
    me, nobody = ir.Self(span), ir.Const(None, s.expressions.types.process_ref(True), span)
    yes, no = ir.Const(True, ir.Bool(), span), ir.Const(False, ir.Bool(), span)
    if word == "spin_lock":
        free = ir.Unary("not", ir.Loaded(span), span)
        return s.location(
            here, node, ir.Rmw(locked, yes, word), way,
            lambda: [ir.SetGhost(holder, me, span), *s.go(after)],
            wait=None if s.boot else free,
        )
    held = ir.Assert(
        ir.Binary("==", ir.Cell(holder, span), me, span),
        RELEASED, span,
    )
    return s.location(
        here, node, ir.Store(locked, no, (), word), way,
        lambda: [held, ir.SetGhost(holder, nobody, span), *s.go(after)],
    )


def _wait(
    s: Steps, call: ast.Call, node: ast.Expr, here: Seq, after: Point, way: Way
) -> Block:
    scope = here.scope
    if call.keywords:
        raise SpecError(
            scope.module.span(call), "fairness is not checked by any engine yet",
            f"wait_until({ast.unparse(call.args[0])})",
        )
    span = scope.module.span(call)
    block = atomic(here)
    if block is not None and not block.fresh:
        raise SpecError(
            span.first_line(),
            "an atomic block is one step: all that it waits for must be true at once, before it",
            f"wait_until({_with_the_first(call.args[0], scope)}) as the first line of the block",
        )
    observed = None if block is None or s.boot else _observed(s, call.args[0], scope)
    reading = s.reading()
    if observed is None:
        reading.fused = True
        condition = s.expressions.test(call.args[0], scope, reading)
    else:
        condition = ir.Loaded(span.first_line())
        reading.access = ir.Observe(observed, "wait_until")
    if reading.access is None or reading.before:
        raise SpecError(
            span, "nothing that others change is waited for",
            "a condition with one load, such as wait_until(pg.state == Scrub.CLEAN)",
        )
    return s.location(
        here, node, reading.access, way, lambda: s.go(after), wait=condition
    )


def _observed(s: Steps, node: ast.expr, scope: Scope) -> ir.Expr | None:
    """The condition of a wait that begins an atomic block, if it reads several places: they are
    seen at one instant, which the block's reason answers for."""
    seen = Reading("instant", why_not="a wait only reads", quiet=True, steers=True)
    condition = s.expressions.test(node, scope, seen)
    read = {e.place for e in ir.walk(condition) if isinstance(e, ir.Cell)}
    quantified = any(isinstance(e, ir.Quantified) for e in ir.walk(condition))
    return condition if len(read) > 1 or quantified else None


def _with_the_first(condition: ast.expr, scope: Scope) -> str:
    """The conditions of this wait, and of the one that begins the atomic block around it."""
    function = scope.instance.function.node if scope.instance is not None else None
    around = [
        below.body[0] for below in (ast.walk(function) if function is not None else ())
        if isinstance(below, ast.With) and any(n is condition for n in ast.walk(below))
    ]
    wanted: list[ast.expr] = [condition]
    match around:
        case [*_, ast.Expr(ast.Call(ast.Name("wait_until"), [first]))]:
            wanted.insert(0, first)
    texts = [f"({ast.unparse(w)})" if isinstance(w, ast.IfExp) or (
        isinstance(w, ast.BoolOp) and isinstance(w.op, ast.Or)
    ) else ast.unparse(w) for w in wanted]
    return " and ".join(texts) if len(texts) > 1 else ast.unparse(condition)


def _assume(
    s: Steps, call: ast.Call, node: ast.Expr, here: Seq, after: Point, way: Way
) -> Block:
    scope = here.scope
    span = scope.module.span(call).first_line()
    reading = s.reading()
    condition = s.expressions.test(call.args[0], scope, reading)
    reason = f"assume: {ast.unparse(call.args[0])} ({span})"
    if reason not in s.reasons:
        s.reasons.append(reason)
    cut: Block = [ir.Assume(condition, span)]
    if reading.access is None:
        return [*reading.before, *cut, *s.expand(after, way)]
    return s.location(
        here, node, reading.access, way,
        lambda: [*reading.after, *cut, *s.go(after)], reading.before,
    )


def _part(
    s: Steps, word: str, call: ast.Call, node: ast.Expr, here: Seq, after: Point, way: Way
) -> Block:
    scope = here.scope
    span = scope.module.span(call).first_line()
    place = places.cell(s.expressions, call.args[0], scope, s.reading(), word)
    access: ir.Access
    if word == "store_part":
        value = argument(
            s.expressions, call.args[1], place.part_sort, scope, s.reading()
        )
        access = ir.Store(place.place, value, place.part, word)
    else:
        if not isinstance(place.part_sort, ir.Bool):
            raise SpecError(
                scope.module.span(call), f"{word} takes a flag", "a bool field"
            )
        flag = ir.Const(word == "set_bit", ir.Bool(), span)
        whole = with_part(ir.Loaded(span), place.sort, place.part, flag)
        access = ir.Rmw(place.place, whole, word)
    return s.location(here, node, access, way, lambda: s.go(after))
