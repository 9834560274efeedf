"""Expressions, sorts, values and places -> text."""

from __future__ import annotations

from modelcheck.ir import (
    After,
    AtRest,
    Binary,
    Bool,
    Cell,
    Chain,
    Cond,
    Const,
    Domain,
    Element,
    Enum,
    Expr,
    Field,
    Fit,
    Instances,
    Int,
    Loaded,
    Local,
    Make,
    Me,
    NotNull,
    Place,
    Quantified,
    Range,
    Record,
    Ref,
    Self,
    Sort,
    Unary,
    Value,
)
from modelcheck.notation.names import (
    COMPARE,
    LEVEL,
    NOT,
    PLAIN,
    POSTFIX,
    UNARY,
    Meaning,
    Names,
    written,
)


def sort_text(sort: Sort, names: Names) -> str:
    match sort:
        case Bool():
            return "bool"
        case Int(lo, hi, wraps):
            return f"{lo}..{hi} wraps" if wraps else f"{lo}..{hi}"
        case Enum(name) | Record(name):
            return written(name)
        case Ref(cls, _, nullable):
            return written(cls) + "?" * nullable


def value_text(value: Value, sort: Sort) -> str:
    """A value where its sort is known."""
    match sort:
        case Bool() | Int():
            return str(value)
        case Enum(_, members):
            assert isinstance(value, int)
            return written(members[value])
        case Ref(cls):
            return "None" if value is None else f"{written(cls)}[{value}]"
        case Record(_, fields):
            assert isinstance(value, tuple)
            parts = (value_text(v, s) for v, (_, s) in zip(value, fields, strict=True))
            return f"{{{', '.join(parts)}}}"


def place_text(place: Place, names: Names) -> str:
    index = f"[{', '.join(expr_text(i, names) for i in place.index)}]" if place.index else ""
    return written(place.variable) + index


def domain_text(domain: Domain, names: Names) -> str:
    match domain:
        case Instances(sort):
            return sort_text(sort, names)
        case Range(lo, hi):
            return f"range({expr_text(lo, names)}, {expr_text(hi, names)})"
        case Chain(start, variable):
            return f"chain({expr_text(start, names)}, {written(variable)})"


def expr_text(e: Expr, names: Names, at_least: int = 0) -> str:
    """An expression, in parentheses if it binds looser than its place asks for."""
    text, level = _expr(e, names)
    return text if level >= at_least else f"({text})"


def _expr(e: Expr, names: Names) -> tuple[str, int]:
    """The text and how tightly it binds (LEVEL)."""
    match e:
        case Const(value, sort):
            return _const(value, sort, names)
        case Local(name):
            return _name(name, Meaning("local", name), names), POSTFIX
        case Loaded():
            return "$", POSTFIX
        case Me():
            return "me", POSTFIX
        case Self():
            return "self", POSTFIX
        case AtRest():
            return "at_rest", POSTFIX
        case Cell(place):
            return _cell(place, names), POSTFIX
        case Unary("not", a):
            return f"not {expr_text(a, names, NOT)}", NOT
        case Unary("-", a):
            # -1 is the constant; the negation of the constant 1, or of its field, stands apart
            text = expr_text(a, names, UNARY)
            return f"-({text})" if text[0].isdecimal() else f"-{text}", UNARY
        case Unary(op, a):
            return f"{op}({expr_text(a, names)})", POSTFIX
        case Binary(op, a, b):
            level = LEVEL[op]
            left = expr_text(a, names, level + 1 if level == COMPARE else level)
            return f"{left} {op} {expr_text(b, names, level + 1)}", level
        case Cond(test, then, other):
            texts = expr_text(then, names, 1), expr_text(test, names, 1), expr_text(other, names)
            return "{} if {} else {}".format(*texts), 0
        case Field():
            return _field(e, names), POSTFIX
        case Make(sort, parts):
            inner = zip(sort.fields, parts, strict=True)
            fields = ", ".join(f"{written(n)}={expr_text(p, names)}" for (n, _), p in inner)
            return f"{written(sort.name)}({fields})", POSTFIX
        case Element(sort, number, offset):
            by = f", {offset}" if offset else ""
            return f"element({sort_text(sort, names)}, {expr_text(number, names)}{by})", POSTFIX
        case NotNull(a):
            return f"not_null({expr_text(a, names)})", POSTFIX
        case Fit(sort, a):
            return f"fit({sort_text(sort, names)}, {expr_text(a, names)})", POSTFIX
        case After(first, a):
            return f"after({expr_text(first, names)}, {expr_text(a, names)})", POSTFIX
        case Quantified(op, name, domain, body):
            inside = expr_text(body, names.within(name))
            return f"{op}({written(name)} in {domain_text(domain, names)}: {inside})", POSTFIX


def _const(value: Value, sort: Sort, names: Names) -> tuple[str, int]:
    match sort:
        case Bool():
            return value_text(value, sort), POSTFIX
        case Int(lo, hi, wraps):
            assert isinstance(value, int)
            own = lo == hi == value and not wraps
            return f"{value}" if own else f"{value}:{sort_text(sort, names)}", (
                UNARY if value < 0 else POSTFIX
            )
        case Enum(name, members):
            assert isinstance(value, int)
            member = members[value]
            return _name(f"{name}.{member}", Meaning("member", name, (member,)), names), POSTFIX
        case Ref(cls, _, nullable):
            if value is None:
                return _name(f"{cls}.None", Meaning("none", cls), names), POSTFIX
            return f"{written(cls)}{'?' * nullable}[{value}]", POSTFIX
        case Record(name):
            return written(name) + value_text(value, sort), POSTFIX


def _name(text: str, meaning: Meaning, names: Names) -> str:
    plain = written(text)
    if plain == text and names.meaning(text) != meaning:
        raise ValueError(f"{text} has two meanings")
    if plain != text and meaning.kind != "local":
        raise ValueError(f"a name that cannot be printed: {text!r}")
    return plain


def _cell(place: Place, names: Names) -> str:
    text = place_text(place, names)
    known = place.index or names.meaning(text) == Meaning("cell", place.variable)
    return text if known else text + "[]"


def _field(e: Field, names: Names) -> str:
    operand = expr_text(e.operand, names, POSTFIX)
    field = e.name if names.words_with(e.name) == [e.sort] else f"({e.sort.name}.{e.name})"
    joined = f"{operand}.{field}"
    if operand[-1] in "$)]}`" or field[0] == "(":
        return joined
    if PLAIN.fullmatch(joined) and names.meaning(joined) == _path(e):
        return joined
    return f"({operand}).{field}"


def _path(e: Expr) -> Meaning | None:
    """A local or a cell without index, with the fields taken of it."""
    match e:
        case Local(name):
            return Meaning("local", name)
        case Cell(Place(variable, ())):
            return Meaning("cell", variable)
        case Field(operand, name):
            inner = _path(operand)
            return inner and Meaning(inner.kind, inner.name, (*inner.rest, name))
        case _:
            return None
