"""The words that stand on a line of their own: locks, waits, barriers, flags, assume."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from modelcheck import ir
from modelcheck.frontend import places
from modelcheck.frontend.definitions import RELEASED, Function, Word
from modelcheck.frontend.points import (
    Block, Keep, Point, Seq, Way,
)
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
    reading = s.reading()
    if call.keywords:
        raise SpecError(
            scope.module.span(call), "fairness is not checked by any engine yet",
            f"wait_until({ast.unparse(call.args[0])})",
        )
    reading.fused = True
    condition = s.expressions.test(call.args[0], scope, reading)
    if reading.access is None or reading.before:
        raise SpecError(
            scope.module.span(call), "nothing that others change is waited for",
            "a condition with one load, such as wait_until(pg.state == Scrub.CLEAN)",
        )
    return s.location(
        here, node, reading.access, way, lambda: s.go(after), wait=condition
    )


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
