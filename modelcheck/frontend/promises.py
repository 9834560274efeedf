"""Invariants by name: what `@invariant` says of a function, and the two ways to promise it.

Both are put into the syntax tree, where whoever compiles or runs a spec finds them as if they had
been written out:

    assert clean_handover(pg)               assert clean_handover(pg), "no dirty page is returned"
    PROMISES = promises(unique(Page))       @always def the promise of unique() -> bool:
                                                return unique(Page)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from modelcheck.frontend.definitions import (
    Constant, EnumClass, Function, Invariant, Module, Parameter, ProtocolClass, SharedClass,
    TypeAlias_, Word, WordClass,
)
from modelcheck.frontend.subset_statements import without_sentence
from modelcheck.frontend.types import called, is_ghost
from modelcheck.source import SpecError

PROMISED = "the promise of "  # no name of a spec has a blank in it
EXAMPLE = "PROMISES = promises(page_lists(heap), when=free(heap_lock))"
OF_VALUES = ("replace", "index_of", "element", "not_null", "pattern_of", "this_process", "free")


def invariant_of(decorator: ast.expr) -> Invariant:
    """The label and the sentence of `@invariant(label, sentence)`."""
    match decorator:
        case ast.Call(args=[ast.Constant(value=str(label)), ast.Constant(value=str(sentence))]):
            return Invariant(label, sentence)
    raise AssertionError("the subset asks for both")


# ------------------------------------------------------------------------ does it read memory?


def reads_memory(module: Module, node: ast.FunctionDef) -> bool:
    """Whether a function may read memory that is no ghost, as far as its text shows: one that
    reads only its words and ghosts is no step of its own in an assert."""
    parameters = {a.arg: a.annotation for a in node.args.args}
    return any(_reads(below, parameters, module) for s in node.body for below in ast.walk(s))


def _reads(
    node: ast.AST, parameters: dict[str, ast.expr | None], module: Module
) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id=name), attr=field):
            if name in parameters:
                return not _is_of_a_value(parameters[name], field, module)
            return not isinstance(module.scope.get(name), EnumClass | Word)
        case ast.Attribute() | ast.Subscript() | ast.GeneratorExp():
            return True
        case ast.Name(id=name) if name not in parameters:
            match module.scope.get(name):
                case Constant() | EnumClass() | Parameter() | WordClass() | None:
                    return False
                case Word(word):
                    return word not in (*OF_VALUES, "Pattern")
                case Function(role="plain") as called_for:
                    return reads_memory(called_for.module, called_for.node)
                case _:
                    return True
        case _:
            return False


def _is_of_a_value(annotation: ast.expr | None, field: str, module: Module) -> bool:
    """Whether `x.field` of a parameter is a part of a word, or a ghost."""
    if not isinstance(annotation, ast.Name):
        return False
    match module.scope.get(annotation.id):
        case WordClass() | TypeAlias_():
            return True
        case ProtocolClass(_, fields):
            return dict(fields).get(field, False)
        case SharedClass(fields=declared, module=of):
            return any(f.name == field and is_ghost(f.annotation, of) for f in declared)
        case Word("Lock"):
            return field == "holder"
        case _:
            return False


# ------------------------------------------------------------------- asserts without a sentence


def give_sentences(module: Module) -> None:
    """Each assert that is a call of an invariant has its sentence from now on; SpecError for any
    other that has none."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Assert) or node.msg is not None:
            continue
        found = module.scope.get(called(node.test)) if isinstance(node.test, ast.Call) else None
        if not isinstance(found, Function) or found.invariant is None:
            refusal = without_sentence(node)
            raise SpecError(module.span(node), refusal.problem, refusal.instead)
        node.msg = ast.copy_location(ast.Constant(found.invariant.sentence), node.test)


# ------------------------------------------------------------------------------------- PROMISES


def promised(module: Module) -> list[Function]:
    """What PROMISES says, as @always functions, which are added to the module's tree."""
    found: list[Function] = []
    for argument, when in _promises(module):
        invariant = _invariant(argument, module)
        made = Function(
            PROMISED + invariant.name, module, _function(argument, invariant.name), "always", 1,
            when, module.span(argument), invariant=invariant.invariant,
        )
        for other in found:
            if other.invariant == made.invariant:
                raise SpecError(
                    made.span, f"{invariant.name} is promised in line {other.span.line} already",
                    "one promise, or another @invariant that says what is meant of both",
                )
        found.append(made)
    module.tree.body += [f.node for f in found]
    return found


def _promises(module: Module) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """Each argument of each promises(...), with its `when`."""
    before: ast.stmt | None = None
    for node in module.tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="PROMISES")], value=value):
                pass
            case _:
                continue
        if before is not None:
            raise SpecError(
                module.span(node), f"PROMISES stands in line {before.lineno} already",
                "PROMISES = promises(...), promises(...), in one place",
            )
        before = node
        for call in value.elts if isinstance(value, ast.Tuple) else [value]:
            if not isinstance(call, ast.Call) or module.scope.get(called(call)) != Word("promises"):
                raise SpecError(module.span(call), "PROMISES says promises(...)", EXAMPLE)
            when = None
            for keyword in call.keywords:
                if keyword.arg != "when":
                    raise SpecError(
                        module.span(keyword), f"promises(...) takes no {keyword.arg}", "when=..."
                    )
                when = keyword.value
            if not call.args:
                raise SpecError(module.span(call), "promises(...) of nothing", EXAMPLE)
            for argument in call.args:
                yield argument, when


def _invariant(argument: ast.expr, module: Module) -> Function:
    """The invariant that an argument of promises(...) is a call of."""
    span, text = module.span(argument), ast.unparse(argument)
    name = called(argument)
    found = module.scope.get(name)
    if isinstance(found, Function) and found.invariant is not None and found.role != "predicate":
        raise SpecError(
            span, f"{name} is said of words, and not of memory",
            f"assert {text}, in the process that has them",
        )
    if not isinstance(found, Function) or found.invariant is None:
        raise SpecError(
            span, f"{text} is no invariant",
            "a call of an @invariant; what is this spec's own, as an @always function",
        )
    if not isinstance(argument, ast.Call):
        of = ", ".join(a.arg for a in found.node.args.args)
        raise SpecError(span, f"{name} is promised of something", f"{name}({of})")
    return found


def _function(argument: ast.expr, name: str) -> ast.FunctionDef:
    """`def the promise of name() -> bool: return argument`, at the argument's place."""
    nothing = ast.arguments([], [], None, [], [], None, [])
    made = ast.FunctionDef(
        PROMISED + name, nothing, [ast.Return(argument)], [], ast.Name("bool", ast.Load())
    )
    for node in (made, made.body[0], made.returns):
        assert node is not None
        ast.copy_location(node, argument)
    return made
