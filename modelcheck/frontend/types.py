"""Annotations -> types.  Index sorts have their size from their class, so a type can be resolved
as soon as the classes before it are declared; `process` and Pattern wait for the processes."""

from __future__ import annotations

import ast
from pathlib import Path

from modelcheck import ir
from modelcheck.frontend.definitions import (
    UNBOUNDED, AnyOf, ArrayType, CallableType, ClassOf, Constant, Definition, EnumClass, Function,
    Module, NoneType, Object, ObjectType, Parameter, ProtocolClass, SharedClass, SharedField, Type,
    TypeAlias_, Word, WordClass,
)
from modelcheck.source import Span, SpecError


def called(node: ast.expr) -> str:
    """The dotted name of a name or attribute ('' for anything else)."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            return f"{called(value)}.{attr}"
        case ast.Call(func=func):
            return called(func)
        case ast.Subscript(value=value):
            return called(value)
        case _:
            return ""


def pattern_sort(domains: int) -> ir.Enum:
    """What half a page may hold, for patterns of this many domains."""
    return ir.Enum(
        "Pattern", ("ZERO", "EARLIER", *(f"OF_DOMAIN_{d}" for d in range(domains)))
    )


def lock_class() -> SharedClass:
    """The builtin Lock: the flag, and a ghost that says who holds it."""
    module = Module("modelcheck.lang", Path(), "", "", ast.Module([], []))
    for name in ("bool", "int", "Ghost", "Process", "Annotated", "Pattern"):
        module.scope[name] = Word(name)
    nowhere = Span("modelcheck/lang.py", 1, 1, 1, 2)
    return SharedClass(
        "Lock", module, None, False, (),
        (
            SharedField("locked", _expression("bool"), _expression("False"), nowhere),
            SharedField(
                "holder", _expression("Ghost[Process | None]"), _expression("None"), nowhere
            ),
        ),
        nowhere,
        owned=True,
    )


def is_ghost(annotation: ast.expr | None, module: Module) -> bool:
    """Whether this annotation is Ghost[...] of modelcheck.lang, in quotes or not."""
    match annotation:
        case ast.Constant(value=str(text)):
            try:
                return is_ghost(ast.parse(text, mode="eval").body, module)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return False  # where its type is asked for, it is refused
        case ast.Subscript(value=ast.Name(id=name)):
            return module.scope.get(name) == Word("Ghost")
        case _:
            return False


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


class Types:
    """Resolves annotations.  The only state is what is known of sizes."""

    def __init__(self) -> None:
        self.processes = 0
        self.pattern = pattern_sort(0)
        self.lock = lock_class()

    def finish(self, index_sorts: tuple[tuple[str, int], ...], domains: int) -> None:
        """Told once all processes are declared."""
        self.processes = dict(index_sorts)["process"]
        self.pattern = pattern_sort(domains)

    def process_ref(self, nullable: bool = False) -> ir.Ref:
        """The index sort `process`."""
        return ir.Ref("process", self.processes, nullable)

    # ------------------------------------------------------------------------------- resolving

    def resolve(
        self, node: ast.expr, module: Module, bindings: dict[str, Type] | None = None
    ) -> Type:
        """The type that an annotation says.  `bindings`: what type variables stand for."""
        bound = bindings or {}
        match node:
            case ast.Constant(value=None):
                return NoneType()
            case ast.Constant(value=str(text)):
                return self.resolve(self._quoted(node, text, module), module, bound)
            case ast.Name(id=name):
                return self._named(node, name, module, bound)
            case ast.BinOp(op=ast.BitOr()):
                return self._union(node, module, bound)
            case ast.Subscript(value=value, slice=inner):
                return self._subscript(node, called(value), inner, module, bound)
            case _:
                raise SpecError(
                    module.span(node), "this is not a type of the language",
                    "bool, an Enum, Page | None, a word, or Annotated[int, between(0, 3)]",
                )

    def value_sort(
        self, node: ast.expr, module: Module, bindings: dict[str, Type] | None = None
    ) -> ir.Sort:
        """As resolve, for what a memory location or a word's field holds: no place, and no int
        without a range."""
        sort = self.resolve(node, module, bindings)
        if sort == UNBOUNDED:
            raise SpecError(
                module.span(node), "an int in memory needs a range",
                "Annotated[int, between(0, 3)]",
            )
        if not isinstance(sort, (ir.Bool, ir.Int, ir.Enum, ir.Ref, ir.Record)):
            raise SpecError(
                module.span(node), "a memory location holds a bool, an int, an Enum, a reference"
                " or a word", "one of these types",
            )
        return sort

    def _quoted(self, node: ast.expr, text: str, module: Module) -> ast.expr:
        try:
            inner = ast.parse(text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise SpecError(
                module.span(node), "the quotes do not hold a type", '"Page | None"'
            ) from None
        for below in ast.walk(inner):
            ast.copy_location(below, node)
        return inner

    def _named(
        self, node: ast.expr, name: str, module: Module, bound: dict[str, Type]
    ) -> Type:
        if name in bound:
            return bound[name]
        if name == "bool":
            return ir.Bool()
        if name == "int":
            return UNBOUNDED
        definition: Definition | None = module.scope.get(name)
        match definition:
            case EnumClass(sort) | WordClass(sort):
                return sort
            case SharedClass(count=None):
                return ObjectType(definition, tuple((t, AnyOf(t)) for t in definition.typevars))
            case SharedClass(count=int(count)):
                return ir.Ref(name, count, False)
            case ProtocolClass():
                return AnyOf(name)
            case TypeAlias_(_, annotation, home):
                return self.resolve(annotation, home, bound)
            case Word("Pattern"):
                return self.pattern
            case Word("Process"):
                return self.process_ref()
            case Word("Lock"):
                return ObjectType(self.lock)
            case None | Parameter() | Constant() | Object() | Function() | Word() | SharedClass():
                return self._not_a_type(node, name, module)

    def _not_a_type(self, node: ast.expr, name: str, module: Module) -> Type:
        if name in ("float", "str", "list", "dict", "set", "tuple", "bytes", "object", "Any"):
            raise SpecError(
                module.span(node), f"{name} is not finite",
                "bool, an Enum, Page | None, a word, or Annotated[int, between(0, 3)]",
            )
        if any(isinstance(d, ast.ClassDef) and d.name == name for d in module.tree.body):
            raise SpecError(
                module.span(node), f"{name} is declared further down",
                f"class {name} above this line",
            )
        raise SpecError(
            module.span(node), f"{name} is not a type that is declared above",
            "a class of this spec, of the library, or bool or int",
        )

    def _union(self, node: ast.BinOp, module: Module, bound: dict[str, Type]) -> Type:
        left = self.resolve(node.left, module, bound)
        right = self.resolve(node.right, module, bound)
        match left, right:
            case (ir.Ref(cls, count), NoneType()) | (NoneType(), ir.Ref(cls, count)):
                return ir.Ref(cls, count, True)
            case (AnyOf(name), NoneType()) | (NoneType(), AnyOf(name)):
                return AnyOf(name, True)
            case (ObjectType(cls), NoneType()) | (NoneType(), ObjectType(cls)):
                raise SpecError(
                    module.span(node), f"{cls.name} is one object, to which nothing refers",
                    f"@shared(count=2) above class {cls.name}, for as many as there are",
                )
            case _:
                raise SpecError(
                    module.span(node), "only a reference may also be None",
                    "Page | None; for other values an Enum member that says 'none'",
                )

    def _subscript(
        self, node: ast.expr, name: str, inner: ast.expr, module: Module, bound: dict[str, Type]
    ) -> Type:
        definition = module.scope.get(name)
        if definition is None and name == "type":
            return self._class_of(node, inner, module, bound)
        match definition:
            case Word("Ghost"):
                return self.resolve(inner, module, bound)
            case Word("Array"):
                element = self.resolve(inner, module, bound)
                if isinstance(element, ObjectType):
                    return ArrayType(element, ())
                raise SpecError(
                    module.span(node), "Array[...] is of a @shared class without count",
                    "heads: Array[PageListHead[P]]",
                )
            case Word("Annotated"):
                return self._annotated(node, inner, module, bound)
            case Word("Callable"):
                return CallableType()
            case SharedClass(count=None, typevars=typevars) if typevars:
                parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                if len(parts) == len(typevars):
                    resolved = [self.resolve(p, module, bound) for p in parts]
                    return ObjectType(definition, tuple(zip(typevars, resolved, strict=True)))
        raise SpecError(
            module.span(node), f"{name or 'this'} takes no type argument",
            "PageListHead[Page], Ghost[...] or Annotated[int, between(lo, hi)]",
        )

    def _class_of(
        self, node: ast.expr, inner: ast.expr, module: Module, bound: dict[str, Type]
    ) -> Type:
        element = self.resolve(inner, module, bound)
        if isinstance(element, (ir.Ref, AnyOf)):
            return ClassOf(element)
        raise SpecError(
            module.span(node), "type[...] is of a class with a count, or a type variable",
            "pages: type[P]",
        )

    def _annotated(
        self, node: ast.expr, inner: ast.expr, module: Module, bound: dict[str, Type]
    ) -> Type:
        from modelcheck.frontend.constants import evaluate

        match inner:
            case ast.Tuple(elts=[base, ast.Call(func=ast.Name(id=word), args=args)]) if (
                isinstance(module.scope.get(word), Word)
                and self.resolve(base, module, bound) == UNBOUNDED
            ):
                values = [evaluate(a, module, self) for a in args]
                plain = [v for v in values if isinstance(v, int) and not isinstance(v, bool)]
                if word == "between" and len(plain) == 2 and plain[0] <= plain[1]:
                    if max(abs(plain[0]), abs(plain[1])) >= 2**31:
                        raise SpecError(
                            module.span(node), "a range stays within 32 bits", "a smaller range"
                        )
                    return ir.Int(plain[0], plain[1])
                if word == "wrapping" and len(plain) == 1 and 2 <= plain[0] <= 2**16:
                    return ir.Int(0, plain[0] - 1, True)
        raise SpecError(
            module.span(node), "Annotated takes int and a range",
            "Annotated[int, between(lo, hi)] with lo <= hi, or Annotated[int, wrapping(n)]",
        )

    # ---------------------------------------------------------------------------------- checks

    def fits(self, value: ir.Value, sort: ir.Sort, module: Module, node: ast.AST) -> None:
        """Refuse a constant that a sort does not hold."""
        if not fits(value, sort):
            raise SpecError(
                module.span(node), "this value is not of the declared type", describe(sort)
            )


def fits(value: ir.Value, sort: ir.Sort) -> bool:
    """Whether a constant is a value of a sort."""
    match sort:
        case ir.Bool():
            return isinstance(value, bool)
        case ir.Int(lo, hi):
            return isinstance(value, int) and not isinstance(value, bool) and lo <= value <= hi
        case ir.Enum(_, members):
            return isinstance(value, int) and 0 <= value < len(members)
        case ir.Ref(_, count, nullable):
            return nullable if value is None else isinstance(value, int) and 0 <= value < count
        case ir.Record(_, fields):
            return (
                isinstance(value, tuple) and len(value) == len(fields)
                and all(fits(v, s) for v, (_, s) in zip(value, fields, strict=True))
            )


def describe(sort: Type) -> str:
    """A type, as a spec writes it."""
    match sort:
        case ir.Bool():
            return "bool"
        case ir.Int() if sort == UNBOUNDED:
            return "int"
        case ir.Int(lo, hi, wraps):
            return f"wrapping({hi + 1})" if wraps else f"int in {lo}..{hi}"
        case ir.Enum(name) | ir.Record(name):
            return name
        case ir.Ref(cls, _, nullable):
            shown = "Process" if cls == "process" else cls
            return f"{shown} | None" if nullable else shown
        case NoneType():
            return "None"
        case ObjectType(cls_):
            return cls_.name
        case AnyOf(name):
            return name
        case CallableType():
            return "function"
        case ClassOf(element):
            return f"type[{describe(element)}]"
        case ArrayType(element):
            return f"Array[{describe(element)}]"
