"""The words of modelcheck.lang where they stand in an expression: atomics (the action's access),
`choose` (a fork before it), and plain values."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from modelcheck import ir
from modelcheck.frontend import places, quantifiers
from modelcheck.frontend.definitions import UNBOUNDED, Function, NoneType, Type
from modelcheck.frontend.pure import declarations, pure
from modelcheck.frontend.reading import Reading
from modelcheck.frontend.types import describe
from modelcheck.frontend.values import (
    CellPlace, Scope, Value, after, checked, field_of, fit, join, take_part, with_part,
)
from modelcheck.source import Span, SpecError

if TYPE_CHECKING:
    from modelcheck.frontend.expressions import Expressions

ATOMICS = {  # word: how many arguments after the place
    "cmpxchg": 2, "xchg": 1, "fetch_add": 1, "fetch_update": 1, "test_and_set_bit": 0,
    "test_and_clear_bit": 0,
}
BARRIERS = ("smp_mb", "smp_wmb", "smp_rmb", "sfence")
STATEMENT_WORDS = (
    "spin_lock", "spin_unlock", "wait_until", "set_bit", "clear_bit", "store_part", "assume",
    "cpu_relax", *BARRIERS,
)


def word_value(
    e: Expressions, word: str, node: ast.Call, scope: Scope, reading: Reading
) -> Value:
    """The value of a call of a word."""
    span = scope.module.span(node)
    if word in ATOMICS:
        return _atomic(e, word, node, scope, reading)
    if word in STATEMENT_WORDS:
        raise SpecError(span, f"{word}(...) has no value", "a line of its own")
    match word:
        case "spin_trylock":
            return _trylock(e, node, scope, reading)
        case "choose":
            return _choose(e, node, scope, reading)
        case "at_rest":
            _instant_only(word, span, reading)
            return Value(ir.AtRest(span), ir.Bool())
        case "this_process":
            return Value(ir.Self(span), e.types.process_ref())
        case "not_null" | "index_of" | "free" | "pattern_of":
            return _of_one(e, word, _one(node, word, scope), node, scope, reading)
        case "element":
            return _element(e, node, scope, reading)
        case "replace":
            return _replace(e, node, scope, reading)
        case "instances" | "chain":
            raise SpecError(span, f"{word}(...) is run over", f"all(... for pg in {word}(...))")
        case "leads_to":
            raise SpecError(
                span, f"{word} is not checked by any engine yet", "leave it out for now"
            )
        case "irqs_off":
            raise SpecError(span, "irqs_off() is not a value", "with irqs_off():")
        case _:
            raise SpecError(span, f"{word}(...) is not a value", "a word that has one")


def _one(node: ast.Call, word: str, scope: Scope) -> ast.expr:
    if len(node.args) != 1 or node.keywords:
        raise SpecError(scope.module.span(node), f"{word} takes one argument", f"{word}(x)")
    return node.args[0]


def _instant_only(word: str, span: Span, reading: Reading) -> None:
    if reading.how != "instant":
        raise SpecError(span, f"{word}() reads all processes at once", "a property")


# ----------------------------------------------------------------------------------------- values


def _of_one(
    e: Expressions, word: str, argument: ast.expr, node: ast.Call, scope: Scope, reading: Reading
) -> Value:
    span = scope.module.span(node)
    if word == "free":
        meaning = e.meaning(
            ast.copy_location(ast.Attribute(argument, "holder", ast.Load()), node), scope, reading
        )
        holder = e.read(meaning, node, scope, reading)
        if not isinstance(holder.type, ir.Ref) or not holder.type.nullable:
            raise SpecError(
                span, "free(...) asks a lock whose field holder may be None",
                "holder: Ghost[Process | None] = None",
            )
        nobody = ir.Const(None, holder.type, span)
        return Value(ir.Binary("==", holder.expr, nobody, span), ir.Bool())
    value = e.value(argument, scope, reading)
    match word, value.type:
        case "not_null", ir.Ref(cls, count):
            return Value(ir.NotNull(value.expr, span), ir.Ref(cls, count, False))
        case "not_null", _:
            raise SpecError(span, "not_null(...) takes a reference", ast.unparse(argument))
        case "index_of", ir.Ref():
            return Value(ir.Unary("index_of", value.expr, span), UNBOUNDED)
        case "index_of", _:
            raise SpecError(
                span, f"index_of({ast.unparse(argument)}): {ast.unparse(argument)} is"
                f" {describe(value.type)}, not a reference", ast.unparse(argument),
            )
        case _, ir.Int():
            return Value(ir.Element(e.types.pattern, value.expr, 2, span), e.types.pattern)
        case _:
            raise SpecError(span, "pattern_of(...) takes a domain's number", "pattern_of(me)")


def _element(e: Expressions, node: ast.Call, scope: Scope, reading: Reading) -> Value:
    span = scope.module.span(node)
    if len(node.args) != 2:
        raise SpecError(span, "element takes a class and a number", "element(Page, n)")
    known = scope.elements(node.args[0])
    sort = known.sort if known else e.types.resolve(node.args[0], scope.module)
    number = e.value(node.args[1], scope, reading)
    if not isinstance(sort, ir.Ref) or not isinstance(number.type, ir.Int):
        raise SpecError(span, "element takes a class with a count and a number", "element(Page, n)")
    return Value(ir.Element(sort, number.expr, 0, span), sort)


def _replace(e: Expressions, node: ast.Call, scope: Scope, reading: Reading) -> Value:
    span = scope.module.span(node)
    if len(node.args) != 1:
        raise SpecError(span, "replace takes a word and fields", "replace(info, need_scrub=False)")
    value = e.value(node.args[0], scope, reading)
    sort = value.type
    if not isinstance(sort, ir.Record):
        raise SpecError(
            span, f"{ast.unparse(node.args[0])} is {describe(sort)}, not a word",
            "replace(info, need_scrub=False) of a word in a local",
        )
    changes = {k.arg or "": k.value for k in node.keywords}
    for name in changes:
        places.field_exists(sort, name, span)
    parts = tuple(
        e.fitting(changes[n], s, scope, reading) if n in changes
        else field_of(value.expr, n, sort, span)
        for n, s in sort.fields
    )
    made: ir.Expr = ir.Make(sort, parts, span)
    for name in reversed(changes):  # what they replace may go wrong all the same
        made = after(field_of(value.expr, name, sort, span), made)
    return Value(made, sort)


def _choose(e: Expressions, node: ast.Call, scope: Scope, reading: Reading) -> Value:
    span = scope.module.span(node)
    if reading.how == "instant" and not reading.dry and reading.why_not == "a property only reads":
        raise SpecError(span, "a property does not choose", "any(...) or all(...)")
    if reading.quiet and not reading.dry:
        raise SpecError(
            span, "choose(...) behind `and`, `or` or in an arm", "a line of its own before"
        )
    if scope.instance is None and not reading.dry:
        raise SpecError(
            span, "choose(...) in a function that is called within an expression",
            "the call alone on its line",
        )
    reading.forks = True
    name = f"choice_{node.lineno}_{node.col_offset}"
    if len(node.args) == 1:
        domain, element = quantifiers.domain(e, node.args[0], scope, reading)
        if not isinstance(element, Value) or isinstance(domain, ir.Chain):
            raise SpecError(
                span, "choose among values", "choose(instances(Page)), choose(range(3))"
            )
        options: tuple[ir.Expr, ...] | ir.Domain = domain
        kind: Type = element.type
    else:
        values = [e.value(a, scope, reading) for a in node.args]
        if not values:
            raise SpecError(span, "choose among what?", "choose(False, True)")
        kind = values[0].type
        for value, arg in zip(values, node.args, strict=True):
            joined = join(kind, value.type)
            if joined is None:
                raise SpecError(
                    scope.module.span(arg), "the options are of different types", "one type"
                )
            kind = joined
        options = tuple(v.expr for v in values)
        for option in options:  # each is computed, whichever is taken
            reading.before += checked(option, span)
    if isinstance(kind, (ir.Record, NoneType)):
        raise SpecError(span, "choose among bools, numbers, members or references", "a field each")
    prefix = scope.instance.prefix if scope.instance else "boot"
    local = f"{prefix}.{name}"
    if scope.instance is not None:
        scope.instance.locals[name] = kind
        scope.instance.spans.setdefault(name, span)
    reading.before.append(ir.Choose(local, options, span))
    return Value(ir.Local(local, span), kind)


# ---------------------------------------------------------------------------------------- atomics


def _no_atomic(word: str, node: ast.Call, scope: Scope, reading: Reading) -> None:
    span = scope.module.span(node)
    if reading.dry:
        return
    if reading.how == "instant":
        raise SpecError(span, f"{word}(...) here: {reading.why_not}", "an atomic in a process")
    if reading.how == "assert":
        raise SpecError(
            span, f"an assert only reads: no {word}(...)",
            f"old = {ast.unparse(node)}, then assert ... old ...",
        )
    if reading.quiet:
        raise SpecError(
            span, f"{word}(...) behind `and`, `or` or in an arm",
            f"test the other condition first, then {word}(...) in an `if` of its own",
        )


def _atomic(
    e: Expressions, word: str, node: ast.Call, scope: Scope, reading: Reading
) -> Value:
    span = scope.module.span(node)
    if len(node.args) != ATOMICS[word] + 1 or node.keywords:
        raise SpecError(
            span, f"{word} takes a place and {ATOMICS[word]} more", f"see {word} in modelcheck.lang"
        )
    _no_atomic(word, node, scope, reading)
    place = places.cell(e, node.args[0], scope, reading, word)
    old = take_part(ir.Loaded(span), place.sort, place.part)
    new = _new_part(e, word, place, old, node, scope, reading)
    whole = with_part(ir.Loaded(span), place.sort, place.part, new)
    if word == "cmpxchg":  # keep the comparison visible: the whole word is left or replaced
        assert isinstance(new, ir.Cond)
        replaced = with_part(ir.Loaded(span), place.sort, place.part, new.then)
        whole = ir.Cond(new.test, replaced, ir.Loaded(span), span)
    e.take(ir.Rmw(place.place, whole, word), node, scope, reading)
    result = old if not reading.dry else ir.Cell(place.place, span)
    return Value(result, place.part_sort)


def _new_part(
    e: Expressions, word: str, place: CellPlace, old: ir.Expr, node: ast.Call, scope: Scope,
    reading: Reading,
) -> ir.Expr:
    span = scope.module.span(node)
    sort = place.part_sort
    rest = node.args[1:]
    match word:
        case "test_and_set_bit" | "test_and_clear_bit":
            if not isinstance(sort, ir.Bool):
                raise SpecError(
                    span, f"{word} takes a flag, and this is {describe(sort)}", "a bool field"
                )
            return ir.Const(word == "test_and_set_bit", ir.Bool(), span)
        case "xchg":
            return argument(e, rest[0], sort, scope, reading)
        case "cmpxchg":
            expected = argument(e, rest[0], sort, scope, reading)
            new = argument(e, rest[1], sort, scope, reading)
            equal = after(new, ir.Binary("==", old, expected, span))  # computed in any case
            return ir.Cond(equal, new, old, span)
        case "fetch_add":
            if not isinstance(sort, ir.Int):
                raise SpecError(span, f"fetch_add takes a number, not {describe(sort)}", "an int")
            amount = argument(e, rest[0], UNBOUNDED, scope, reading)
            return ir.Binary("+", old, amount, span)
        case _:
            return _updated(e, place, old, rest[0], scope, reading)


def _updated(
    e: Expressions, place: CellPlace, old: ir.Expr, update: ast.expr, scope: Scope,
    reading: Reading,
) -> ir.Expr:
    span = scope.module.span(update)
    function = scope.definition(update.id) if isinstance(update, ast.Name) else None
    if not isinstance(function, Function) or len(function.node.args.args) != 1:
        raise SpecError(
            span, "fetch_update takes the name of a function of one argument",
            "def one_more(c: Count) -> Count: return replace(c, n=c.n + 1)",
        )
    name = function.node.args.args[0].arg
    inside = Reading("instant", dry=reading.dry, why_not="the update function is one step")
    declared = declarations(e, function)
    before = Value(old, place.part_sort)
    e.check_fits(before, declared.names[name], update, scope)
    given = Value(fit(before, declared.names[name], span), declared.names[name])
    result = pure(e, function, {name: given}, inside, declared)
    if inside.touched:
        raise SpecError(
            span, f"{function.name} accesses memory itself", "a function of its argument"
        )
    e.check_fits(result, place.part_sort, update, scope)
    return after(given.expr, result.expr)


def argument(
    e: Expressions, node: ast.expr, sort: Type, scope: Scope, reading: Reading
) -> ir.Expr:
    """An argument of an atomic or a call: local, of this type."""
    inner = Reading(reading.how, dry=reading.dry, quiet=True)
    value = e.value(node, scope, inner)
    if inner.touched and not reading.dry and reading.how != "instant":
        raise shared_argument(node, scope)
    reading.touched = reading.touched or inner.touched
    if sort == UNBOUNDED and isinstance(value.type, ir.Int):
        return value.expr
    e.check_fits(value, sort, node, scope)
    return value.expr


def shared_argument(node: ast.expr, scope: Scope) -> SpecError:
    """What is said of an argument that would be read from memory."""
    text = ast.unparse(node)
    last = text.rpartition(".")[2]
    name = last if last.isidentifier() else "x"
    return SpecError(
        scope.module.span(node), f"the argument {text} is shared memory: an access of its own",
        f"{name} = {text} on a line before, then {name}",
    )


def _trylock(e: Expressions, node: ast.Call, scope: Scope, reading: Reading) -> Value:
    span = scope.module.span(node)
    _no_atomic("spin_trylock", node, scope, reading)
    lock = places.object_place(e, _one(node, "spin_trylock", scope), scope, reading, "Lock")
    locked = ir.Place(f"{lock.prefix}.locked", lock.index, span)
    holder = ir.Place(f"{lock.prefix}.holder", lock.index, span)
    e.take(ir.Rmw(locked, ir.Const(True, ir.Bool(), span), "spin_trylock"), node, scope, reading)
    was = ir.Loaded(span) if not reading.dry else ir.Cell(locked, span)
    mine = ir.Cond(was, ir.Cell(holder, span), ir.Self(span), span)
    reading.after.append(ir.SetGhost(holder, mine, span))
    return Value(ir.Unary("not", was, span), ir.Bool())
