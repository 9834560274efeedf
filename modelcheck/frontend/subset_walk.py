"""Every node of a spec's syntax tree with what stands around it, and small things that the rules
of the subset (`subset_*.py`) say about nodes: the code of one, a free name, whether control can
leave a block at its end."""

from __future__ import annotations

import ast

from modelcheck.records import dataclass

TYPE_FORMS = ("Annotated", "Callable", "ClassVar", "Final", "Generic", "Ghost")


@dataclass(frozen=True)
class Refusal:
    """What is wrong at a node, and what to write instead."""

    node: ast.AST
    problem: str
    instead: str


@dataclass(frozen=True)
class Where:
    """What stands around a node.

    field       its name in `parent`: "body", "annotation", ...
    before      the statement before it in the same block
    after       whether a statement follows it in the same block
    function    the function that it stands in (its header included)
    loops       the loops of that function whose body it stands in, outermost first
    annotation  it is part of a type
    names       every name that the file binds somewhere, fields left out
    """

    names: frozenset[str]
    parent: ast.AST | None = None
    field: str = ""
    before: ast.stmt | None = None
    after: bool = False
    function: ast.FunctionDef | None = None
    loops: tuple[ast.For | ast.While, ...] = ()
    annotation: bool = False

    def role(self) -> str:
        """The decorator's name of the function around, "" if it has none."""
        return decorator_name(self.function) if self.function else ""


def decorator_name(node: ast.FunctionDef | ast.ClassDef) -> str:
    """The name of the first decorator, without its arguments; "" if there is none."""
    match node.decorator_list:
        case [ast.Name(name) | ast.Call(ast.Name(name)), *_]:
            return name
        case _:
            return ""


def bound_names(tree: ast.Module) -> frozenset[str]:
    """Every name that is imported, defined, assigned or a parameter somewhere in a file; fields of
    classes are none, for `need_scrub = node.need_scrub` is how one writes it."""
    names, fields = set(), set()
    for node in ast.walk(tree):  # a class before what stands in it
        match node:
            case ast.Name(name, ast.Store()) | ast.arg(name):
                if node not in fields:
                    names.add(name)
            case ast.alias(name, asname):
                names.add(asname or name)
            case ast.FunctionDef(name) | ast.ClassDef(name):
                names.add(name)
        if isinstance(node, ast.ClassDef):
            fields |= {f.target for f in node.body if isinstance(f, ast.AnnAssign)}
    return frozenset(names)


def nodes(tree: ast.Module) -> list[tuple[ast.AST, Where]]:
    """Every node that has a place, in source order, the outer before the inner."""
    found: list[tuple[ast.AST, Where]] = []
    _below(tree, Where(bound_names(tree)), found)
    return sorted(found, key=lambda pair: (pair[0].lineno, pair[0].col_offset))  # type: ignore[attr-defined]


def _below(node: ast.AST, where: Where, found: list[tuple[ast.AST, Where]]) -> None:
    """Adds a node and all below it that have a place.  (What has neither a place nor parts, as the
    operator of `a + b`, stands nowhere.)"""
    if hasattr(node, "lineno"):
        found.append((node, where))
    if isinstance(node, ast.JoinedStr):
        return  # refused as a whole; before Python 3.12 the places inside are wrong
    if where.annotation and (quoted := quoted_type(node)) is not None:
        _below(quoted, where, found)
    for name, value in ast.iter_fields(node):
        children = value if isinstance(value, list) else [value]
        around, before = None, None
        for i, child in enumerate(children):
            if isinstance(child, ast.AST) and (child._fields or child._attributes):
                around = around or _around(where, node, name)
                after = i + 1 < len(children)
                _below(child, Where(where.names, node, name, before, after, *around), found)
                before = child if isinstance(child, ast.stmt) else None


def _around(
    where: Where, node: ast.AST, name: str
) -> tuple[ast.FunctionDef | None, tuple[ast.For | ast.While, ...], bool]:
    """Which function and loops stand around what is in this field, and whether it is a type."""
    function, loops = where.function, where.loops
    if isinstance(node, ast.FunctionDef) and name != "decorator_list":
        function, loops = node, ()
    if isinstance(node, (ast.For, ast.While)) and name == "body":
        loops = (*loops, node)
    annotation = where.annotation or name in ("annotation", "returns")
    if isinstance(node, ast.Subscript) and name == "slice":
        annotation = annotation or _is_type_form(node.value)
    if isinstance(node, ast.Call):
        annotation = False  # between(0, LAST - 1): the numbers are values
    return function, loops, annotation


def _is_type_form(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in TYPE_FORMS


def quoted_type(node: ast.AST) -> ast.expr | None:
    """What a type in quotes ("Page | None") says, placed where the string stands."""
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        return None
    try:
        parsed = ast.parse(node.value.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if too_deep(parsed) is not None:
        return None
    for inner in ast.walk(parsed):
        ast.copy_location(inner, node)
    return parsed


DEEPEST = 100  # levels of nesting; far beyond any design, and safe for recursive functions


def too_deep(tree: ast.AST) -> ast.AST | None:
    """A node that is nested more than DEEPEST levels deep.  (Not recursive: that is the point.)"""
    level = [(tree, tree)]  # each with the nearest node that has a place
    for _ in range(DEEPEST):
        level = [
            (child, child if hasattr(child, "lineno") else placed)
            for node, placed in level
            for child in ast.iter_child_nodes(node)
        ]
    return level[0][1] if level else None


def code(node: ast.AST) -> str:
    """A node as source text on one line, with strings in double quotes."""
    text = ast.unparse(node).split("\n")[0]
    return text if '"' in text else text.replace("'", '"')


def is_place(node: ast.AST) -> bool:
    """Whether this can name memory: `pg.next`, `heap[0]`."""
    return isinstance(node, (ast.Attribute, ast.Subscript))


def loads(node: ast.expr) -> bool:
    """Whether the value can come from memory.  (`Scrub.CLEAN` does not.)"""
    match node:
        case ast.Attribute(ast.Name(name)) if name[:1].isupper():
            return False
        case _:
            return is_place(node) or any(
                loads(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)
            )


def local_for(node: ast.expr, taken: frozenset[str]) -> str:
    """A name for a local that holds the value of `node`: `next` for `pg.next`, if it is free."""
    match node:
        case ast.Attribute(_, name):
            wanted = name
        case ast.Name(name):
            wanted = f"old_{name}"
        case _:
            wanted = "value"
    return next(n for n in (wanted, *(f"{wanted}_{i}" for i in range(2, 9999))) if n not in taken)


def ends(statement: ast.stmt, asserts: bool = False) -> bool:
    """Whether what follows the statement is never reached.  With `asserts`, `assert False, "..."`
    counts too."""
    match statement:
        case ast.Return() | ast.Break() | ast.Continue():
            return True
        case ast.If(_, body, orelse):
            return bool(orelse) and ends(body[-1], asserts) and ends(orelse[-1], asserts)
        case ast.With(_, body):
            return ends(body[-1], asserts)
        case ast.While(ast.Constant(True), body):
            return not any(breaks(s) for s in body)
        case ast.Assert(ast.Constant(False)):
            return asserts
        case _:
            return False


def breaks(statement: ast.stmt) -> bool:
    """Whether a `break` in here leaves the loop around it."""
    match statement:
        case ast.Break():
            return True
        case ast.If(_, body, orelse):
            return any(breaks(s) for s in (*body, *orelse))
        case ast.With(_, body):
            return any(breaks(s) for s in body)
        case _:
            return False


def is_text(node: ast.AST | None) -> bool:
    """Whether a node is a plain string with something in it."""
    match node:
        case ast.Constant(str(text)):
            return bool(text.strip())
        case _:
            return False
