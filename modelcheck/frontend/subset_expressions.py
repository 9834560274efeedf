"""Which expressions and types a spec may have: one function per refusal, from a node and what
stands around it to a Refusal or None.  `subset.py` has the table of them."""

from __future__ import annotations

import ast
import builtins

from modelcheck.frontend.subset_walk import Refusal, Where, code, is_text, local_for, quoted_type

BUILTINS = ("range", "all", "any", "sum", "min", "max", "int", "bool")
INSTEAD_OF_BUILTIN = {
    "abs": "max(x, -x), with x in a local",
    "enumerate": "for i in range(...):",
    "getattr": "pg.name, with the name of the field",
    "id": "index_of(pg)",
    "isinstance": "nothing: what a local is, is known from its type",
    "len": "the parameter that gives the size, or sum(1 for pg in chain(heap.head, \"next\"))",
    "next": "choose(...), or a while loop that walks the list",
    "open": "nothing: a spec has no files",
    "print": "nothing: the trace shows each step",
    "sorted": "a while loop that walks the list in its order",
}  # fmt: skip
NOT_FINITE = {
    "bytes": "PageContents, for the bytes of a page",
    "complex": "Annotated[int, between(0, 7)]",
    "dict": "a field in each element, as pg.owner",
    "float": "Annotated[int, between(0, 7)]",
    "frozenset": "a bool field in each element",
    "list": "array(Page, 4) for objects, or a linked list through pg.next",
    "object": "the type that it has",
    "set": "a bool field in each element",
    "str": "an Enum",
    "tuple": "a frozen dataclass with a field for each",
}
TEXT_ARGUMENTS = (
    "atomic", "chain", "Lock", "violates", "unreached", "packed", "TypeVar", "invariant",
)
AT_ONE_TIME = ("always", "lemma", "sometimes", "predicate", "invariant")  # may read it twice
QUANTIFIERS = ("all", "any", "sum")
LARGEST = 2**63
SMALL = "the smallest number that shows the same"


def walrus(node: ast.NamedExpr, where: Where) -> Refusal | None:
    """`while (pg := heap.head):`"""
    target = code(node.target)
    problem = f"{target} is set inside another statement"
    return Refusal(node, problem, f"{target} = {code(node.value)}, on a line of its own")


def anonymous(node: ast.Lambda, where: Where) -> Refusal | None:
    """`lambda old: old + 1`."""
    names = ", ".join(f"{a.arg}: ..." for a in node.args.args)
    instead = f"def f({names}) -> ...: return {code(node.body)}, and f here"
    return Refusal(node, "a function has a name", instead)


def comprehension(
    node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, where: Where
) -> Refusal | None:
    """`[pg for pg in ...]`, and a generator outside all, any and sum."""
    generator = node.generators[0]
    match where.parent:
        case ast.Call(ast.Name(name), [_], []) if name in QUANTIFIERS:
            if isinstance(node, ast.GeneratorExp):
                return _generator(node)
            if not isinstance(node, ast.DictComp):
                problem = f"{name} takes what stands in the brackets, without them"
                body = code(ast.GeneratorExp(node.elt, node.generators))[1:-1]
                return Refusal(node, problem, f"{name}({body})")
    each = f"for {code(generator.target)} in {code(generator.iter)}"
    instead = f"{each}: in a function, or all(... {each}) in a property"
    return Refusal(node, "a spec makes no collections", instead)


def _generator(node: ast.GeneratorExp) -> Refusal | None:
    for part in node.generators:
        if part.is_async:
            return Refusal(node, "nothing here is async", code(node)[1:-1].replace("async ", ""))
        if not isinstance(part.target, ast.Name):
            problem = "each `for` sets one name"
            return Refusal(part.target, problem, f"for pg in {code(part.iter)}")
    return None


def collection(node: ast.List | ast.Set | ast.Dict, where: Where) -> Refusal | None:
    """`[a, b]`, `{a, b}`, `{a: b}` as values."""
    if where.annotation and isinstance(node, ast.List):
        return None  # Callable[[Page], bool]
    match where.parent:
        case ast.Compare(left, [ast.In() | ast.NotIn()], [right]) if right is node:
            values = node.keys if isinstance(node, ast.Dict) else node.elts
            parts = ", ".join(code(value) for value in values if value is not None)
            return Refusal(node, "`in` asks a tuple", f"{code(left)} in ({parts})")
    kind = type(node).__name__.lower()
    return Refusal(node, f"{kind} is not finite", NOT_FINITE[kind])


def tuple_value(node: ast.Tuple, where: Where) -> Refusal | None:
    """`a, b` anywhere but after `in`, in a type, in EXPECT, in PROMISES and in boot."""
    if where.annotation:
        return None
    match where.parent:
        case ast.Compare(_, [ast.In() | ast.NotIn()], [right]) if right is node:
            return None
        case ast.Assign([ast.Name("EXPECT" | "PROMISES")]):
            return None
        case ast.Assign() if where.role() == "boot":
            return None
        case ast.Subscript(value):
            indices = "".join(f"[{code(e)}]" for e in node.elts)
            return Refusal(node, "each index has its own brackets", f"{code(value)}{indices}")
        case ast.Call(ast.Name("choose"), [_], []):
            values = ", ".join(code(e) for e in node.elts)
            return Refusal(node, "choose takes its options one by one", f"choose({values})")
        case ast.Compare(ast.Tuple(left), [op], [ast.Tuple(right)]):
            if len(left) == len(right) == 2:
                both = _in_order(left, op, right)
                return Refusal(node, "a tuple is no value of the language", both)
        case _:
            pass
    values = ", ".join(code(e) for e in node.elts)
    problem = "a tuple is no value of the language"
    return Refusal(node, problem, f"Pair({values}), with a frozen dataclass Pair")


def _in_order(left: list[ast.expr], op: ast.cmpop, right: list[ast.expr]) -> str:
    """The comparison of two pairs, spelled out."""
    (a, b), (c, d) = map(code, left), map(code, right)
    sign = code(ast.Compare(ast.Name("x"), [op], [ast.Name("y")])).split()[1]
    if sign in ("==", "!="):
        return f"{a} {sign} {c} {'and' if sign == '==' else 'or'} {b} {sign} {d}"
    return f"{a} {sign[0]} {c} or {a} == {c} and {b} {sign} {d}"


def formatted(node: ast.JoinedStr, where: Where) -> Refusal | None:
    """`f"page {n}"`."""
    problem = "a sentence is the same in every state: no f-string"
    return Refusal(node, problem, 'the words alone: "no dirty page is returned to a caller"')


def sliced(node: ast.Slice, where: Where) -> Refusal | None:
    """`heap[1:]`."""
    lower = code(node.lower) if node.lower else "0"
    upper = code(node.upper) if node.upper else "..."
    array = code(where.parent.value) if isinstance(where.parent, ast.Subscript) else "heap"
    instead = f"for i in range({lower}, {upper}): with {array}[i] in it"
    return Refusal(node, "an index picks one element", instead)


def starred(node: ast.Starred, where: Where) -> Refusal | None:
    """`f(*args)`."""
    return Refusal(node, "values are passed one by one", "each of them by its own name")


def constant(node: ast.Constant, where: Where) -> Refusal | None:
    """`1.5`, `b"..."`, `"..."` where no sentence stands, `...`, and numbers beyond 64 bits."""
    match node.value:
        case float() | complex():
            return Refusal(node, "float is not finite", "an int, in units that are small enough")
        case bytes():
            return Refusal(node, "bytes is not finite", NOT_FINITE["bytes"])
        case int(number) if abs(number) >= LARGEST:
            problem = "this number has more than 63 bits"
            return Refusal(node, problem, SMALL)
        case str(text) if not text.isprintable() and not isinstance(where.parent, ast.Expr):
            hidden = next(c for c in text if not c.isprintable())  # a log would obey an escape
            problem = f"a character that cannot be seen, U+{ord(hidden):04X}, in a sentence"
            return Refusal(node, problem, "the sentence without it, on one line")
        case str() if where.annotation:
            if quoted_type(node) is None:
                return Refusal(node, "this is not a type", '"Page | None"')
        case str() if not _text_place(node, where):
            return _text(node, where)
        case value if value is ... and not isinstance(where.parent, ast.Expr):
            return Refusal(node, "... is no value", "the value that is meant")
    return None


def _text_place(node: ast.Constant, where: Where) -> bool:
    match where.parent:
        case ast.Assert(_, msg):
            return node is msg
        case ast.Expr():
            return True  # a docstring, or refused as a statement
        case ast.Call(ast.Name(name)):
            return name in TEXT_ARGUMENTS
        case _:
            return False


def _text(node: ast.Constant, where: Where) -> Refusal:
    if isinstance(where.parent, ast.BinOp):
        return Refusal(where.parent, "strings are not joined", "one plain string")
    value = str(node.value)
    member = value.upper().replace(" ", "_")
    instead = "a member of an Enum"
    if where.function is None and isinstance(where.parent, ast.Assign) and " " in value.strip():
        return Refusal(
            node, "a sentence has no name", "the sentence itself in each assert and violates(...)"
        )
    if member.isascii() and member.isidentifier():
        instead += f", as State.{member}"
    return Refusal(node, "a string is no value of the language", instead)


def arithmetic(node: ast.BinOp, where: Where) -> Refusal | None:
    """`/`, `**`, `@`, and strings that are joined."""
    for side in (node.left, node.right):
        if isinstance(side, ast.Constant) and isinstance(side.value, str) and not where.annotation:
            return Refusal(node, "strings are not joined", "one plain string")
    refusal = _arithmetic(node.op, code(node.left), code(node.right), code(node))
    return Refusal(node, *refusal) if refusal else None


def augmented_arithmetic(node: ast.AugAssign, where: Where) -> Refusal | None:
    """`x /= 2`, `x **= 2`."""
    if not isinstance(node.target, ast.Name):
        return None
    refusal = _arithmetic(node.op, code(node.target), code(node.value), code(node))
    if refusal is None:
        return None
    return Refusal(node, refusal[0], f"{code(node.target)} = {refusal[1]}")


def _arithmetic(op: ast.operator, left: str, right: str, whole: str) -> tuple[str, str] | None:
    match op:
        case ast.Div():
            return "/ gives a float", f"{left} // {right}"
        case ast.Pow():
            instead = f"1 << {right}" if left == "2" else f"{left} * {left}"
            return "there is no **", instead
        case ast.MatMult():
            return "there is no @ between numbers", f"{left} * {right}"
        case _:
            return None


def inverted(node: ast.UnaryOp, where: Where) -> Refusal | None:
    """`~x`, `+x`."""
    operand = code(node.operand)
    match node.op:
        case ast.Invert():
            instead = f"all_bits ^ {operand}, with all_bits = (1 << n) - 1"
            return Refusal(node, "~ has no width here", instead)
        case ast.UAdd():
            return Refusal(node, "+ does nothing here", operand)
        case _:
            return None


def chained(node: ast.Compare, where: Where) -> Refusal | None:
    """`0 <= i < n`."""
    if len(node.ops) == 1:
        return None
    sides = [node.left, *node.comparators]
    parts = [
        code(ast.Compare(left, [op], [right]))
        for left, op, right in zip(sides, node.ops, node.comparators, strict=False)
    ]
    plain = all(isinstance(side, ast.Name | ast.Constant) for side in sides[1:-1])
    if where.function is None or plain or where.role() in AT_ONE_TIME:
        return Refusal(node, "a comparison has two sides", " and ".join(parts))
    first, *middle, last = sides
    name = local_for(middle[0], where.names)
    load = f"{name} = {code(middle[0])}"
    if len(middle) > 1:
        return Refusal(node, "a comparison has two sides", f"{load} on a line before, and so on")
    parts = [
        code(ast.Compare(first, node.ops[:1], [ast.Name(name)])),
        code(ast.Compare(ast.Name(name), node.ops[1:], [last])),
    ]
    return Refusal(
        node, "a comparison has two sides", f"{load}, then {' and '.join(parts)}"
    )


def compared_to_none(node: ast.Compare, where: Where) -> Refusal | None:
    """`pg == None`, `pg is other`."""
    match node:
        case ast.Compare(a, [ast.Eq() | ast.NotEq() as op], [ast.Constant(None)]):
            subject = a
        case ast.Compare(ast.Constant(None), [ast.Eq() | ast.NotEq() as op], [b]):
            subject = b
        case ast.Compare(a, [ast.Is() | ast.IsNot() as identity], [b]):
            if isinstance(b, ast.Constant) and b.value is None:
                return None
            symbol = "==" if isinstance(identity, ast.Is) else "!="
            return Refusal(node, "`is` asks only for None", f"{code(a)} {symbol} {code(b)}")
        case _:
            return None
    word = "is" if isinstance(op, ast.Eq) else "is not"
    return Refusal(node, "None is asked for with `is`", f"{code(subject)} {word} None")


def contained(node: ast.Compare, where: Where) -> Refusal | None:
    """`x in heap`: only a tuple of constants, a chain and an index sort can be asked."""
    match node:
        case ast.Compare(a, [ast.In() | ast.NotIn() as op], [right]):
            pass
        case _:
            return None
    match right:
        case ast.Call(ast.Name("chain" | "instances")) | ast.List() | ast.Set():
            return None  # lists and sets: `collection` says more
        case ast.Tuple(elts) if elts and all(_is_constant(e) for e in elts):
            return None
        case ast.Tuple([first, *_]):
            instead = f"{code(a)} == {code(first)} or ..."
        case ast.Call(ast.Name("range"), [end]):
            instead = f"0 <= {code(a)} and {code(a)} < {code(end)}"
        case _:
            instead = f'{code(a)} in chain({code(right)}, "next")'
    word = "in" if isinstance(op, ast.In) else "not in"
    problem = f"`{word}` asks a tuple of constants, chain(...) or instances(...)"
    return Refusal(right, problem, instead)


def _is_constant(node: ast.expr) -> bool:
    match node:
        case ast.Constant() | ast.Name() | ast.Attribute(ast.Name()):
            return True
        case ast.UnaryOp(ast.USub(), ast.Constant()):
            return True
        case _:
            return False


def called(node: ast.Call, where: Where) -> Refusal | None:
    """A method, `int(x)`, `atomic("...")` without `with`, `atomic()` without a reason, `f(**x)`."""
    for keyword in node.keywords:
        if keyword.arg is None:
            return Refusal(keyword, "values are passed one by one", "each of them by its own name")
    match node.func:
        case ast.Name("int"):
            problem = "int(...) is not a word of the language"
            return Refusal(node, problem, _as_int(node))
        case ast.Name("bool"):
            problem = "bool(...) is not a word of the language"
            argument = code(node.args[0]) if node.args else "x"
            return Refusal(node, problem, f"{argument} != 0, or {argument} is not None")
        case ast.Name("atomic"):
            return _atomic(node, where)
        case ast.Name() | ast.Subscript(ast.Name(), ast.Name()):  # PageListHead[Page]()
            return None
        case ast.Attribute(value, "acquire" | "lock" as name):
            return Refusal(node, f"a lock has no {name}()", f"spin_lock({code(value)})")
        case ast.Attribute(value, "release" | "unlock" as name):
            return Refusal(node, f"a lock has no {name}()", f"spin_unlock({code(value)})")
        case ast.Attribute(value, name):
            arguments = ", ".join(code(a) for a in (value, *node.args))
            return Refusal(node, "a function is called by its name", f"{name}({arguments})")
        case _:
            return Refusal(node, "a function is called by its name", "one call a line")


def _as_int(node: ast.Call) -> str:
    return f"1 if {code(node.args[0])} else 0" if node.args else "0"


def _atomic(node: ast.Call, where: Where) -> Refusal | None:
    if not (len(node.args) == 1 and is_text(node.args[0]) and not node.keywords):
        problem = "atomic needs its reason in a plain string: it is printed with the verdict"
        return Refusal(node, problem, 'with atomic("the hypercall is serialised"):')
    if not isinstance(where.parent, ast.withitem):
        return Refusal(node, "atomic(...) stands after `with`", f"with {code(node)}:")
    return None


def word(node: ast.Name, where: Where) -> Refusal | None:
    """`print`, `len`, `open`: names of Python that are no words of the language."""
    name = node.id
    bound = isinstance(node.ctx, ast.Store) or name in where.names
    if name == "type" and where.annotation and isinstance(where.parent, ast.Subscript):
        return None  # pages: type[P]
    if bound or name in BUILTINS or not hasattr(builtins, name):
        return None
    if where.annotation and name in NOT_FINITE:
        what = "no type of the language" if name == "tuple" else "not finite"
        return Refusal(node, f"{name} is {what}", NOT_FINITE[name])
    instead = INSTEAD_OF_BUILTIN.get(name, "a word of modelcheck.lang, or a function of the spec")
    return Refusal(node, f"{name} is not a word of the language", instead)


def identifier(node: ast.AST, where: Where) -> Refusal | None:
    """`__class__`, and names that C and a terminal cannot show."""
    match node:
        case (
            ast.Name(name) | ast.Attribute(_, name) | ast.FunctionDef(name) | ast.ClassDef(name)
            | ast.arg(name) | ast.alias(name)
        ):  # fmt: skip
            pass
        case ast.keyword(str(name)):
            pass
        case _:
            return None
    if name.startswith("__"):
        problem = f"{name} is a name of Python's own"
        return Refusal(node, problem, f"a name without __, as {name.strip('_') or 'ignored'}")
    if not name.isascii():
        problem = f"{name} is not written in ASCII letters"
        return Refusal(node, problem, "a name of the letters a-z, A-Z, digits and _")
    return None


def written_type(node: ast.AST, where: Where) -> Refusal | None:
    """What is no type, where a type should stand."""
    if not where.annotation or where.field == "ctx":
        return None
    match node:
        case ast.Name() | ast.Subscript() | ast.Tuple() | ast.List() | ast.Constant(None | str()):
            return None
        case ast.BinOp(_, ast.BitOr()) | ast.Call(ast.Name("between" | "wrapping")):
            return None
    return Refusal(node, "this is not a type", "bool, an Enum, Page | None or Annotated[int, ...]")
