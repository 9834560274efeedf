"""Which imports, classes and functions a spec may have: one function per refusal, from a node and
what stands around it to a Refusal or None.  `subset.py` has the table of them."""

from __future__ import annotations

import ast
import difflib

from modelcheck.frontend.subset_walk import Refusal, Where, code, decorator_name, ends, is_text

IMPORTABLE = {
    "__future__": ("annotations",),
    "enum": ("Enum", "auto"),
    "dataclasses": ("dataclass", "replace"),
    "typing": ("Annotated", "Callable", "ClassVar", "Final", "Generic", "Protocol", "Self",
               "TypeAlias", "TypeVar"),
}  # fmt: skip
FUNCTION_DECORATORS: dict[str, tuple[str, ...]] = {  # and the keywords that each takes
    "boot": (),
    "process": ("count",),
    "interrupt": ("of",),
    "predicate": (),
    "invariant": (),
    "always": ("when",),
    "lemma": ("when",),
    "sometimes": ("when",),
    "eventually": (),
}
EXAMPLES = {
    "count": "count=2",
    "frozen": "frozen=True",
    "of": "of=idle_loop",
    "when": "when=free(heap_lock)",
}
NAMED = '@invariant("S2", "a free page that is not scrubbed says need_scrub")'
CLASS_DECORATORS: dict[str, tuple[str, ...]] = {"shared": ("count",), "dataclass": ("frozen",)}
INSTEAD_OF_IMPORT = {
    "Any": "the type itself",
    "Literal": "an Enum",
    "NamedTuple": "@dataclass(frozen=True)",
    "Optional": "Page | None",
    "TYPE_CHECKING": "the import alone, under no condition",
    "Union": "Page | None",
    "field": "name: type = default",
}
PROPERTIES = ("always", "lemma", "sometimes", "eventually")


def imported_module(node: ast.Import, where: Where) -> Refusal | None:
    """`import os`."""
    name = node.names[0].name
    if not _known_module(name):
        return _stranger(node, name)
    problem = "a spec imports names, not a module"
    names = ", ".join(IMPORTABLE.get(name, ("...",))[:2])
    return Refusal(node, problem, f"from {name} import {names}")


def imported_names(node: ast.ImportFrom, where: Where) -> Refusal | None:
    """`from os import path`, `from modelcheck.lang import *`, `from enum import Flag`."""
    name = node.module or ""
    if node.level:
        problem = "an import names its module in full"
        return Refusal(node, problem, f"from specs.{name or '...'} import {_names(node)}")
    if not _known_module(name):
        return _stranger(node, name)
    if not isinstance(where.parent, ast.Module):
        return Refusal(node, "imports stand at the top of the file", f"{code(node)}, at the top")
    allowed = IMPORTABLE.get(name)
    for alias in node.names:
        if alias.name == "*":
            instead = f"from {name} import {', '.join(allowed[:2]) if allowed else 'Lock, shared'}"
            return Refusal(node, "each name is imported by itself", f"{instead}, ...")
        if alias.asname:
            problem = f"{alias.name} keeps its name, so that a trace shows it"
            return Refusal(alias, problem, f"from {name} import {alias.name}")
        if allowed is not None and alias.name not in allowed:
            listed = ", ".join(allowed)
            problem = f"{alias.name} of {name} is not in the language"
            return Refusal(alias, problem, INSTEAD_OF_IMPORT.get(alias.name, f"one of {listed}"))
    return None


def conditional_import(node: ast.If | ast.Try, where: Where) -> Refusal | None:
    """An import that depends on something."""
    if where.function is not None:
        return None
    for inner in ast.walk(node):
        match inner:
            case ast.Import([ast.alias(name), *_]) | ast.ImportFrom(str(name)):
                if not _known_module(name):
                    return _stranger(inner, name)
                problem = "an import stands alone, under no condition"
                return Refusal(node, problem, f"{code(inner)}, at the left margin")
    return None


def _names(node: ast.ImportFrom) -> str:
    return ", ".join(alias.name for alias in node.names)


def _known_module(name: str) -> bool:
    known = ("modelcheck.lang", "modelcheck.xen", "specs", *IMPORTABLE)
    return name in known or name.startswith(("modelcheck.xen.", "specs."))


def _stranger(node: ast.AST, name: str) -> Refusal:
    problem = f"{name} cannot be imported: a spec is read, never run"
    instead = "modelcheck.lang, modelcheck.xen.*, specs.*, enum, dataclasses or typing"
    near = difflib.get_close_matches(name, IMPORTABLE, 1, 0.8)
    if near:
        return Refusal(node, problem, f"from {near[0]} import ...")
    return Refusal(node, problem, f"an import from {instead}")


# ------------------------------------------------------------------------------------- decorators


def decorators(node: ast.FunctionDef | ast.ClassDef, where: Where) -> Refusal | None:
    """A decorator that the language does not have, and two of them."""
    is_class = isinstance(node, ast.ClassDef)
    known, other = FUNCTION_DECORATORS, CLASS_DECORATORS
    kind, other_kind = "function", "class"
    if is_class:
        known, other, kind, other_kind = other, known, other_kind, kind
    for decorator in node.decorator_list:
        name, keywords = _decorator(decorator)
        if name in other:
            problem = f"@{name} is for a {other_kind}, and this is a {kind}"
            return Refusal(decorator, problem, _one_of(known))
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            problem = f"@{code(decorator)} is not a decorator of the language"
            return Refusal(decorator, problem, f"@{near[0]}" if near else _one_of(known))
        if name == "invariant":
            if not _is_named(decorator):
                return Refusal(decorator, "an invariant has a short label and a sentence", NAMED)
            continue
        if keywords is not None and (not keywords or any(k not in known[name] for k in keywords)):
            only = ", ".join(f"{k}=..." for k in known[name])
            problem = f"@{name} takes {'only ' + only if only else 'nothing'}"
            inside = ", ".join(EXAMPLES[k] for k in known[name])
            return Refusal(decorator, problem, f"@{name}({inside})" if inside else f"@{name}")
    if len(node.decorator_list) > 1:
        first = decorator_name(node)
        problem = f"a {kind} has one decorator, and this is @{first} already"
        instead = f"two functions, each with its own, or only @{first}"
        if is_class:
            instead = "@shared for memory, or @dataclass(frozen=True) for a word"
        return Refusal(node.decorator_list[1], problem, instead)
    return None


def _is_named(decorator: ast.expr) -> bool:
    """`invariant("S2", "a free page ...")`: a label that fits over a column, and a sentence."""
    match decorator:
        case ast.Call(_, [ast.Constant(str(label)), sentence], []):
            return label.isascii() and label.isalnum() and len(label) <= 8 and is_text(sentence)
        case _:
            return False


def _decorator(node: ast.expr) -> tuple[str, list[str] | None]:
    """Its name, and the keywords of its call if it is one (an argument without a name is "")."""
    match node:
        case ast.Name(name):
            return name, None
        case ast.Call(ast.Name(name), args, keywords):
            return name, [*("" for _ in args), *(k.arg or "" for k in keywords)]
        case _:
            return "", None


def _one_of(names: dict[str, tuple[str, ...]]) -> str:
    listed = [f"@{n}" for n in names]
    return ", ".join(listed[:-1]) + f" or {listed[-1]}"


# ------------------------------------------------------------------------------------------ classes


def class_kind(node: ast.ClassDef, where: Where) -> Refusal | None:
    """A class that is neither shared nor a word nor an Enum; a word that is not frozen."""
    bases = [code(b) for b in node.bases]
    role = decorator_name(node)
    if node.keywords:
        return Refusal(node.keywords[0], "a class is told only its base", f"class {node.name}:")
    if getattr(node, "type_params", None):
        return Refusal(node, "a class has no type parameters in []", f"class {node.name}:")
    if role == "dataclass" and code(node.decorator_list[0]) != "dataclass(frozen=True)":
        problem = "a word is a value: it is replaced, never changed in part"
        return Refusal(node.decorator_list[0], problem, "@dataclass(frozen=True)")
    if role or bases in (["Enum"], ["Protocol"]):
        return None
    if any(b.endswith(("Enum", "Flag")) for b in bases):
        return Refusal(node, "an enum is a plain Enum", f"class {node.name}(Enum):")
    problem = f"{node.name} is neither shared memory nor a word nor an Enum"
    instead = "@shared above it (memory), @dataclass(frozen=True) (a word), or"
    return Refusal(node, problem, f"{instead} class {node.name}(Enum):")


def nested_class(node: ast.ClassDef, where: Where) -> Refusal | None:
    """A class in a class or a function."""
    if isinstance(where.parent, ast.Module):
        return None
    problem = "a class stands at the left margin"
    return Refusal(node, problem, f"class {node.name}: outside the {_outer(where)}")


def _outer(where: Where) -> str:
    return "class" if isinstance(where.parent, ast.ClassDef) else "function"


def class_body(node: ast.stmt, where: Where) -> Refusal | None:
    """Anything in a class but fields with a type, or members of an Enum."""
    parent = where.parent
    if not isinstance(parent, ast.ClassDef):
        return None
    is_enum = [code(b) for b in parent.bases] == ["Enum"]
    match node:
        case ast.FunctionDef() | ast.ClassDef() | ast.Pass():
            return None  # nested_def and nested_class say more
        case ast.Assign([ast.Name(name)], value) if is_enum:
            return None if _is_member(value) else _member(value, name)
        case ast.AnnAssign(ast.Name(name)) if is_enum:
            return Refusal(node, "a member of an Enum has no type", f"{name} = auto()")
        case ast.AnnAssign(ast.Name()):
            return None
        case ast.Assign([ast.Name(name)], value):
            return Refusal(node, "a field has a type", f"{name}: {_type_of(value)} = {code(value)}")
        case ast.Expr(ast.Constant(str())) if where.before is None or is_text(node.value):
            return None
        case ast.Expr(ast.Name(name)) if not is_enum:
            return Refusal(node, "a field has a type", f"{name}: bool")
        case _:
            members = "NAME = auto()" if is_enum else "name: type = default"
            return Refusal(node, "a class holds only its fields", members)


def _is_member(value: ast.expr) -> bool:
    match value:
        case ast.Call(ast.Name("auto"), [], []):
            return True
        case ast.Constant(int(number)):
            return not isinstance(number, bool)
        case _:
            return False


def _member(value: ast.expr, name: str) -> Refusal:
    return Refusal(value, "a member of an Enum is a name, not a value", f"{name} = auto()")


def _type_of(value: ast.expr) -> str:
    match value:
        case ast.Constant(bool()):
            return "bool"
        case ast.Constant(int(number)):
            return f"Annotated[int, between(0, {max(number, 3)})]"
        case ast.Constant(None):
            return "Page | None"
        case ast.Attribute(ast.Name(enum)) | ast.Call(ast.Name(enum)):
            return enum
        case _:
            return "bool"


# ---------------------------------------------------------------------------------------- functions


def nested_def(node: ast.FunctionDef, where: Where) -> Refusal | None:
    """A function in a function; a method."""
    match where.parent:
        case ast.Module() | ast.If():
            return None
        case ast.ClassDef(cls):
            others = [code(a) for a in node.args.args if a.arg != "self"]
            header = ", ".join([f"{cls.lower()}: {cls}", *others])
            returns = code(node.returns) if node.returns else "None"
            instead = f"def {node.name}({header}) -> {returns}: outside the class"
            return Refusal(node, "a class has fields and no functions", instead)
        case _:
            instead = f"def {node.name}(...) at the left margin, given what it needs"
            return Refusal(node, "a function stands at the left margin", instead)


def parameters(node: ast.FunctionDef, where: Where) -> Refusal | None:
    """`*args`, `**kwargs`, defaults, keyword-only and positional-only parameters."""
    args = node.args
    plain = [*args.posonlyargs, *args.args, *args.kwonlyargs]
    header = f"def {node.name}({', '.join(code(a) for a in plain)})"
    for starred, stars in ((args.vararg, "*"), (args.kwarg, "**")):
        if starred is not None:
            problem = f"a function says what it takes, one by one: no {stars}{starred.arg}"
            instead = f"{header[:-1]}{', ' if plain else ''}{code(starred)}), with a name for each"
            return Refusal(starred, problem, instead)
    for default in (*args.defaults, *(d for d in args.kw_defaults if d is not None)):
        problem = "a parameter has no default"
        return Refusal(default, problem, f"{header}, and pass {code(default)} where it is called")
    for special in (*args.posonlyargs, *args.kwonlyargs):
        return Refusal(special, "a parameter is a plain one: no / and no *", header)
    if getattr(node, "type_params", None):
        return Refusal(node, "a function has no type parameters in []", header)
    return None


def untyped_parameter(node: ast.arg, where: Where) -> Refusal | None:
    """`def f(pg):`"""
    if node.annotation is not None or where.role() in (*PROPERTIES, "boot", "process", "interrupt"):
        return None
    if not isinstance(where.parent, ast.arguments) or where.field == "vararg":
        return None
    instead = "me: int" if node.arg == "me" else f"{node.arg}: {_guess(node.arg)}"
    return Refusal(node, f"{node.arg} has no type", instead)


def _guess(name: str) -> str:
    return "Page" if name in ("pg", "page") else "Page, or what it is"


def unreturned(node: ast.FunctionDef, where: Where) -> Refusal | None:
    """A function without a return type."""
    if node.returns is not None:
        return None
    values = [n for n in ast.walk(node) if isinstance(n, ast.Return) and n.value is not None]
    returns = "None"
    if decorator_name(node) in (*PROPERTIES, "predicate", "invariant"):
        returns = "bool"
    elif values:
        returns = "bool, or the type that it returns"
    header = f"def {node.name}({', '.join(code(a) for a in node.args.args)}) -> "
    instead = f"{header}{returns}" + ("" if "," in returns else ":")
    return Refusal(node, f"{node.name} does not say what it returns", instead)


def special_function(node: ast.FunctionDef, where: Where) -> Refusal | None:
    """Parameters and return types of processes, boot and properties."""
    role, args = decorator_name(node), node.args.args
    name = node.name
    if role in ("process", "interrupt") and [code(a) for a in args] not in ([], ["me: int"]):
        problem = "a process is told only its number"
        if role == "interrupt":
            problem = "an interrupt is told only the number of the process that it comes to"
        return Refusal(args[0], problem, f"def {name}(me: int) -> None:")
    if role in ("boot", *PROPERTIES) and args:
        returns = "None" if role == "boot" else "bool"
        problem = f"{_marked(role)} takes nothing"
        return Refusal(args[0], problem, f"def {name}() -> {returns}:")
    wanted = {"process": "None", "boot": "None", "interrupt": "None", "predicate": "bool"}
    wanted |= dict.fromkeys((*PROPERTIES, "invariant"), "bool")
    if role in wanted and node.returns is not None and code(node.returns) != wanted[role]:
        header = f"def {name}({', '.join(code(a) for a in args)}) -> {wanted[role]}:"
        what = "nothing" if wanted[role] == "None" else "True or False"
        return Refusal(node.returns, f"{_marked(role)} returns {what}", header)
    return None


def _marked(role: str) -> str:
    return f"{'an' if role[0] in 'aei' else 'a'} @{role} function"


def falls_off(node: ast.stmt, where: Where) -> Refusal | None:
    """The end of a function that should have returned a value."""
    function = where.function
    if function is None or where.parent is not function or where.field != "body" or where.after:
        return None
    if function.returns is None or code(function.returns) == "None" or ends(node, asserts=True):
        return None
    returns = code(function.returns)
    problem = f"{function.name} can end after this without returning {returns}"
    value = "None" if "None" in returns else "False" if returns == "bool" else "<a value>"
    return Refusal(node, problem, f"return {value} after this, or in each branch")
