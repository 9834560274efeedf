"""Where everything lies: the classes of a spec as layouts, its objects as views at addresses.

Annotations are read here from the syntax tree, and not taken from the front end's typing, so that
the two check each other."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from types import CodeType
from typing import Any

from modelcheck.frontend.definitions import (
    ArrayType, EnumClass, Module, ObjectType, ProtocolClass, SharedClass, Spec, TypeAlias_, Word,
    WordClass,
)  # fmt: skip
from modelcheck.frontend.types import is_ghost, lock_class
from modelcheck.heap.arena import HALF, PAGE
from modelcheck.heap.encoding import (
    Encoding, EnumView, Flag, Member, Number, Packed, Reference, WordView, word_class,
)  # fmt: skip
from modelcheck.heap.generate import expression_of
from modelcheck.heap.objects import (
    ArrayView, At, HalfPage, Inside, Location, Memory, NeighbourView, View, numbered,
)  # fmt: skip
from modelcheck.records import dataclass

INT = Number(-(2**31), 2**31 - 1)  # an int that no annotation bounds
Names = dict[str, Any]


@dataclass(frozen=True)
class Layout:
    """The views of one @shared class: their Python class, how many bytes of record one takes, the
    objects inside (name, offset, layout), and the locations with their default expressions.
    `owned`: they are locks that only their holder releases."""

    view: type[View]
    size: int
    inside: tuple[tuple[str, int, Layout], ...]
    defaults: tuple[tuple[Location, ast.expr, Module], ...]
    is_page: bool
    owned: bool


def is_page_contents(cls: SharedClass) -> bool:
    """Whether objects of this class are the bytes of a page."""
    return cls.name == "PageContents" and cls.module.name == "modelcheck.xen.page"


class Layouts:
    """Makes layouts and views for one Spec.  `names`: what the names of each module stand for."""

    def __init__(self, spec: Spec, memory: Memory) -> None:
        self.spec = spec
        self.memory = memory
        self.names: dict[str, Names] = {m.file: {} for m in spec.modules}
        self.sorts = [name for name, _ in spec.index_sorts]
        self.elements: list[list[Any]] = [[] for _ in self.sorts]
        self.pages: list[str] = []  # whose bytes each page of the arena is: `Page[0].contents`
        self.records = 0
        self.in_records: list[View] = []
        self.owned: list[View] = []  # the locks that only their holder releases
        self.defaults: list[tuple[View, Location, ast.expr, Module]] = []
        self._known: dict[tuple[int, tuple[tuple[str, object], ...]], Layout] = {}
        self._lock = lock_class()

    # ----------------------------------------------------------------------------- annotations

    def encoding(self, node: ast.expr, module: Module, bound: Mapping[str, object]) -> Encoding:
        """How a value of this annotation is stored."""
        match node:
            case ast.Constant(value=str(text)):
                return self.encoding(ast.parse(text, mode="eval").body, module, bound)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                del left, right
                return Reference(self.elements, nullable=True)
            case ast.Subscript(value=ast.Name(id=name), slice=inner):
                match module.scope[name], inner:
                    case Word("Ghost"), _:
                        return self.encoding(inner, module, bound)
                    case Word("Annotated"), ast.Tuple(elts=[_, ast.Call() as call]):
                        return self._range(call, module)
                raise AssertionError(ast.unparse(node))
            case ast.Name(id=name):
                return self._named(name, module, bound)
        raise AssertionError(ast.unparse(node))

    def _range(self, call: ast.Call, module: Module) -> Encoding:
        values = [self.evaluate(a, module) for a in call.args]
        assert isinstance(call.func, ast.Name)
        if module.scope[call.func.id] == Word("wrapping"):
            return Number(0, values[0] - 1, wraps=True)
        return Number(values[0], values[1])

    def _named(self, name: str, module: Module, bound: Mapping[str, object]) -> Encoding:
        if name in bound:
            return Reference(self.elements, nullable=True)
        match module.scope.get(name):
            case EnumClass():
                return Member(tuple(self.names[module.file][name]))
            case WordClass():
                return self._packed(self.names[module.file][name])
            case TypeAlias_(_, annotation, home):
                return self.encoding(annotation, home, bound)
            case Word("Pattern"):
                return Member(self.memory.patterns.members)
            case _:
                if name in ("bool", "int"):
                    return Flag() if name == "bool" else INT
                return Reference(self.elements, nullable=False)

    def _packed(self, word: type[WordView]) -> Encoding:
        return Packed(word, word.__stored__)

    def fits(self, node: ast.expr, module: Module) -> Encoding | None:
        """What a local with this annotation is checked against: a range, or not being None."""
        match node:
            case ast.Name(id=name):
                match module.scope.get(name):
                    case TypeAlias_(_, annotation, home):
                        return self.fits(annotation, home)
                    case SharedClass(count=int()) | ProtocolClass() | Word("Process"):
                        return Reference(self.elements, nullable=False)
            case ast.Constant(value=str(text)):
                return self.fits(ast.parse(text, mode="eval").body, module)
            case ast.Subscript(value=ast.Name(id=name)):
                if module.scope.get(name) == Word("Annotated"):
                    return self.encoding(node, module, {})
        return None

    def evaluate(self, node: ast.expr, module: Module) -> Any:
        """The value of an expression outside functions."""
        return self.run(expression_of(node, module), module)

    def run(self, code: CodeType, module: Module) -> Any:
        """The value of an expression that was compiled before."""
        names = self.names.get(module.file, {})
        return eval(code, {**names, "__builtins__": SAFE})  # as globals: a generator sees no others

    # --------------------------------------------------------------------------- enums and words

    def enum(self, sort: EnumClass) -> EnumView:
        """An Enum with the same members."""
        return EnumView(sort.sort.name, sort.sort.members)

    def word(self, node: ast.ClassDef, module: Module) -> type[WordView]:
        """A frozen record class, which knows how its fields are stored."""
        stored: list[tuple[str, Encoding]] = []
        defaults: Names = {}
        for item in node.body:
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                name = item.target.id
                stored.append((name, self.encoding(item.annotation, module, {})))
                if item.value is not None:
                    defaults[name] = self.evaluate(item.value, module)
        return word_class(node.name, tuple(stored), defaults)

    # --------------------------------------------------------------------------------- layouts

    def layout(
        self, cls: SharedClass, bindings: tuple[tuple[str, object], ...] = ()
    ) -> Layout:
        """The layout of a class, its type variables bound."""
        key = (id(cls), bindings)
        if key not in self._known:
            self._known[key] = self._make_layout(cls, bindings)
        return self._known[key]

    def _make_layout(
        self, cls: SharedClass, bindings: tuple[tuple[str, object], ...]
    ) -> Layout:
        base = NeighbourView if cls.count is not None and cls.indexed else View
        is_page = is_page_contents(cls)
        members: Names = {"__slots__": ()}
        inside: list[tuple[str, int, Layout]] = []
        defaults: list[tuple[Location, ast.expr, Module]] = []
        size = 0
        for found in cls.fields:
            embedded = self._embedded(found.annotation, cls.module)
            if embedded is not None:
                members[found.name] = Inside(found.name)
                inside.append((found.name, size, embedded))
                size += 0 if embedded.is_page else embedded.size
                continue
            encoding = self.encoding(found.annotation, cls.module, dict(bindings))
            ghost = is_ghost(found.annotation, cls.module)
            if is_page:
                location: Location = HalfPage(self.memory, size, encoding)
                size += HALF
            else:
                location = Location(self.memory, size, encoding, ghost)
                size += location.size
            members[found.name] = location
            if found.default is not None:
                defaults.append((location, found.default, cls.module))
        view = type(cls.name, (base,), members)
        return Layout(view, size, tuple(inside), tuple(defaults), is_page, cls.owned)

    def _embedded(self, annotation: ast.expr, module: Module) -> Layout | None:
        """The layout of a field that is itself an object; None for a location."""
        bindings: tuple[tuple[str, object], ...] = ()
        name = annotation
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            return self._embedded(ast.parse(annotation.value, mode="eval").body, module)
        if isinstance(annotation, ast.Subscript):
            name = annotation.value
            parts = annotation.slice
            texts = parts.elts if isinstance(parts, ast.Tuple) else [parts]
            bindings = tuple((ast.unparse(t), None) for t in texts)
        if not isinstance(name, ast.Name):
            return None
        match module.scope.get(name.id):
            case SharedClass(count=None, typevars=typevars) as cls:
                bound = tuple((t, b[0]) for t, b in zip(typevars, bindings, strict=False))
                return self.layout(cls, bound)
            case Word("Lock"):
                return self.layout(self._lock)
        return None

    # ----------------------------------------------------------------------------------- views

    def elements_of(self, cls: SharedClass) -> list[Any]:
        """The elements of an index sort, made one after another: the frame table."""
        assert cls.count is not None
        sort = self.sorts.index(cls.name)
        layout = self.layout(cls)
        for number in range(cls.count):
            numbered(self._view(layout, f"{cls.name}[{number}]"), sort, self.elements[sort])
        return self.elements[sort]

    def object(self, name: str, kind: ObjectType | ArrayType) -> View | ArrayView:
        """A module's object."""
        match kind:
            case ObjectType(cls, bindings):
                bound = tuple((t, str(b)) for t, b in bindings)
                return self._view(self.layout(cls, bound), name)
            case ArrayType(element, sizes):
                rest = ArrayType(element, sizes[1:]) if sizes[1:] else element
                return ArrayView([self.object(f"{name}[{i}]", rest) for i in range(sizes[0])])

    def _view(self, layout: Layout, name: str) -> View:
        address = self.records
        self.records += layout.size
        return self._at(layout, name, address)

    def _at(self, layout: Layout, name: str, address: int) -> View:
        if layout.is_page:
            address = len(self.pages) * PAGE
            self.pages.append(name)
        embedded = {
            part: self._at(inner, f"{name}.{part}", address + offset)
            for part, offset, inner in layout.inside
        }
        view = layout.view(At(address, name, embedded))
        if not layout.is_page:
            self.in_records.append(view)
        if layout.owned:
            self.owned.append(view)
        for location, default, module in layout.defaults:
            self.defaults.append((view, location, default, module))
        return view

    def place_records(self) -> None:
        """Once all views are made: the records lie behind the pages."""
        for view in self.in_records:
            view.__at__.address += len(self.pages) * PAGE


SAFE: Names = {
    "range": range, "all": all, "any": any, "sum": sum, "min": min, "max": max, "bool": bool,
    "int": int,
}  # fmt: skip
