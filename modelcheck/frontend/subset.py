"""What a spec may say: a small subset of Python, checked on the syntax tree alone.

`parse` reads a text, `check_subset` refuses the first construct outside the language, each with the
place, what is wrong, and what to write instead.  What needs types is refused later.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable
from typing import Any, TypeAlias

from modelcheck.frontend import subset_definitions as definitions
from modelcheck.frontend import subset_expressions as expressions
from modelcheck.frontend import subset_statements as statements
from modelcheck.frontend.kernel_c import meant_by
from modelcheck.frontend.subset_walk import Refusal, Where, nodes, too_deep
from modelcheck.source import HIDDEN, Span, SpecError, lines_of

Rule: TypeAlias = Callable[[Any, Where], Refusal | None]

EVERYWHERE: tuple[Rule, ...] = (expressions.identifier, expressions.written_type)
STATEMENTS: tuple[Rule, ...] = (statements.unreachable, definitions.class_body)
LAST: tuple[Rule, ...] = (statements.at_module_level, definitions.falls_off)

RULES: dict[type[ast.AST], tuple[Rule, ...]] = {
    # definitions
    ast.Import: (definitions.imported_module,),
    ast.ImportFrom: (definitions.imported_names,),
    ast.ClassDef: (definitions.nested_class, definitions.decorators, definitions.class_kind),
    ast.FunctionDef: (
        definitions.nested_def,
        definitions.decorators,
        definitions.parameters,
        definitions.unreturned,
        definitions.special_function,
    ),
    ast.AsyncFunctionDef: (statements.asynchronous,),
    ast.arg: (definitions.untyped_parameter,),
    ast.alias: (),
    ast.keyword: (),
    # statements
    ast.Assign: (
        statements.several_targets,
        statements.tuple_target,
        statements.outside_boot,
    ),
    ast.AnnAssign: (statements.typed_place,),
    ast.AugAssign: (statements.augmented, expressions.augmented_arithmetic),
    ast.If: (statements.main_guard, definitions.conditional_import),
    ast.While: (statements.loop_else, statements.while_one, statements.idle_loop),
    ast.For: (statements.loop_else, statements.for_target, statements.for_over),
    ast.With: (statements.with_what,),
    ast.Break: (),
    ast.Continue: (),
    ast.Pass: (),
    ast.Return: (statements.process_returns, statements.returned_tuple),
    ast.Assert: (statements.sentence,),
    ast.Expr: (statements.no_effect,),
    ast.Raise: (statements.raised,),
    ast.Try: (definitions.conditional_import, statements.tried),
    ast.Global: (statements.declared_global,),
    ast.Nonlocal: (statements.declared_global,),
    ast.Delete: (statements.deleted,),
    ast.Match: (statements.matched,),
    ast.AsyncFor: (statements.asynchronous,),
    ast.AsyncWith: (statements.asynchronous,),
    # expressions
    ast.Constant: (expressions.constant,),
    ast.Name: (statements.loop_variable, expressions.word),
    ast.Attribute: (),
    ast.Subscript: (),
    ast.Call: (expressions.called,),
    ast.BoolOp: (),
    ast.UnaryOp: (expressions.inverted,),
    ast.BinOp: (expressions.arithmetic,),
    ast.Compare: (expressions.chained, expressions.compared_to_none, expressions.contained),
    ast.IfExp: (),
    ast.GeneratorExp: (expressions.comprehension,),
    ast.ListComp: (expressions.comprehension,),
    ast.SetComp: (expressions.comprehension,),
    ast.DictComp: (expressions.comprehension,),
    ast.List: (expressions.collection,),
    ast.Set: (expressions.collection,),
    ast.Dict: (expressions.collection,),
    ast.Tuple: (expressions.tuple_value,),
    ast.JoinedStr: (expressions.formatted,),
    ast.Slice: (expressions.sliced,),
    ast.Starred: (expressions.starred,),
    ast.NamedExpr: (expressions.walrus,),
    ast.Lambda: (expressions.anonymous,),
    ast.Yield: (statements.asynchronous,),
    ast.YieldFrom: (statements.asynchronous,),
    ast.Await: (statements.asynchronous,),
}


def check_subset(tree: ast.Module, file: str) -> None:
    """Raise a SpecError at the first construct, in source order, that is not in the language."""
    for node, where in nodes(tree):
        for rule in _rules(node):
            refusal = rule(node, where)
            if refusal is not None:
                span = span_of(refusal.node, file)
                raise SpecError(span, refusal.problem, refusal.instead)


def _rules(node: ast.AST) -> tuple[Rule, ...]:
    own = RULES.get(type(node), (_unknown,))
    if isinstance(node, ast.stmt):
        return (*EVERYWHERE, *STATEMENTS, *own, *LAST)
    return (*EVERYWHERE, *own)


def _unknown(node: ast.AST, where: Where) -> Refusal:
    """What a newer Python has and the language has not."""
    return Refusal(node, "this is not in the language", "assignments, if, while, for and calls")


def span_of(node: ast.AST, file: str) -> Span:
    """Where a node stands.  Python counts columns in bytes of UTF-8, a Span counts characters."""
    line = getattr(node, "lineno", 1)
    end_line = getattr(node, "end_lineno", None) or line
    start = getattr(node, "col_offset", 0)
    end = getattr(node, "end_col_offset", None) or start + 1
    return Span(file, line, _column(file, line, start), end_line, _column(file, end_line, end))


def _column(file: str, line: int, offset: int) -> int:
    lines = lines_of(file)
    if not 0 < line <= len(lines):
        return offset + 1
    text = lines[line - 1]
    if text.isascii():
        return min(offset, len(text)) + 1
    return len(text.encode()[:offset].decode(errors="ignore")) + 1


# ------------------------------------------------------------------------------------------ parsing


def parse(text: str, file: str) -> ast.Module:
    """A spec's text as a syntax tree that is at most DEEPEST levels deep; a SpecError otherwise."""
    text = text.removeprefix("\ufeff")
    _check_characters(text, file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an odd backslash in a docstring, for one
            tree = ast.parse(text, file)  # for an error CPython reads the file of this name anew
    except SyntaxError as error:
        raise _not_python(error, text, file) from None
    except (RecursionError, MemoryError):
        raise SpecError(_longest_line(text, file), *TOO_DEEP) from None
    deep = too_deep(tree)
    if deep is not None:
        raise SpecError(span_of(deep, file), *TOO_DEEP)
    return tree


TOO_DEEP = ("this is nested too deeply", "its parts in lines or functions of their own")


def _check_characters(text: str, file: str) -> None:
    hidden = HIDDEN.search(text.replace("\f", " "))  # Python lets a form feed stand as a blank
    if hidden is not None:
        before = text[: hidden.start()].split("\n")
        line, column = len(before), len(before[-1]) + 1
        problem = f"a character that cannot be seen, U+{ord(hidden.group()):04X}"
        raise SpecError(Span(file, line, column, line, column + 1), problem, "the line without it")


def _not_python(error: SyntaxError, text: str, file: str) -> SpecError:
    lines = text.count("\n") + 1
    line = min(max(error.lineno or 1, 1), lines)
    column = max(error.offset or 1, 1)
    end_line = error.end_lineno or line
    end = error.end_offset or 0
    if end_line == line and end <= column:
        end = column + 1
    message = error.msg
    if "integer string conversion" in message:
        start = Span(file, line, 1, line, 2)
        return SpecError(start, "a number here has thousands of digits", expressions.SMALL)
    instead = meant_by(text.split("\n")[line - 1])
    return SpecError(Span(file, line, column, end_line, end), f"not Python: {message}", instead)


def _longest_line(text: str, file: str) -> Span:
    lines = text.split("\n")
    number = max(range(len(lines)), key=lambda i: len(lines[i])) + 1
    return Span(file, number, 1, number, 2)
