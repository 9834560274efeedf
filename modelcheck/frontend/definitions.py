"""What the names of a spec stand for, once its modules are read: parameters, enums, words, shared
classes, objects and functions.  Frozen data; `declare.py` fills it in.  `Spec` is what the rest of
the front end compiles, and what the live engine runs (through its checked syntax trees)."""

from __future__ import annotations

import ast
from dataclasses import field
from pathlib import Path
from typing import TypeAlias

from modelcheck import ir
from modelcheck.frontend.subset import span_of
from modelcheck.records import dataclass
from modelcheck.source import Span

UNBOUNDED = ir.Int(-(2**62), 2**62)  # an int whose range is still to be inferred
RELEASED = "a lock is released by the CPU that holds it"  # asserted wherever spin_unlock stands
HELD_AT_END = "no process ends holding a lock: "  # and its name: asserted where a process ends


@dataclass(frozen=True)
class NoneType:
    """The type of None alone, and of a function that returns nothing."""


@dataclass(frozen=True)
class ObjectType:
    """A place: an object of a @shared class without count (`heap`, `pg.contents`)."""

    cls: SharedClass
    bindings: tuple[tuple[str, Type], ...] = ()  # its type variables


@dataclass(frozen=True)
class ArrayType:
    """Several objects: `array(PageListHead, 3)`.  Of a parameter, `heads: Array[PageListHead]`:
    no sizes, for any number of them."""

    element: ObjectType
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class ClassOf:
    """The type of a parameter that takes a class with a count: `pages: type[P]`."""

    element: Type


@dataclass(frozen=True)
class CallableType:
    """The type of a parameter that takes a function by its name: `cb: Callable[[S], S]`."""


@dataclass(frozen=True)
class AnyOf:
    """A Protocol or a type variable: takes the type of the argument."""

    name: str
    nullable: bool = False


Type: TypeAlias = ir.Sort | NoneType | ObjectType | ArrayType | AnyOf | ClassOf | CallableType


@dataclass(frozen=True)
class Parameter:
    """`PAGES = param(2, 1, 8)`, with the value that it has in this instance."""

    name: str
    value: bool | int
    default: bool | int
    lo: int
    hi: int
    span: Span


@dataclass(frozen=True)
class Constant:
    """A module-level name for a value: `LAST = PAGES - 1`."""

    name: str
    value: ir.Value
    sort: ir.Sort


@dataclass(frozen=True)
class EnumClass:
    """`class Scrub(Enum)`, or the builtin Pattern."""

    sort: ir.Enum


@dataclass(frozen=True)
class WordClass:
    """A frozen dataclass: several fields in one location."""

    sort: ir.Record
    defaults: tuple[tuple[str, ir.Value], ...]


@dataclass(frozen=True)
class SharedField:
    """A field of a @shared class, its annotation still to be resolved for its type variables."""

    name: str
    annotation: ast.expr
    default: ast.expr | None
    span: Span


@dataclass(frozen=True, eq=False)
class SharedClass:
    """A @shared class: an index sort if `count` is given, else a class of objects.  `owned`: of
    locks that only their holder releases."""

    name: str
    module: Module
    count: int | None
    indexed: bool
    typevars: tuple[str, ...]
    fields: tuple[SharedField, ...]
    span: Span
    owned: bool = False


@dataclass(frozen=True)
class ProtocolClass:
    """A Protocol, or a TypeVar: a parameter of this type takes the type of its argument.  `fields`:
    those that a Protocol asks for, each with whether it is a ghost."""

    name: str
    fields: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, eq=False)
class Object:
    """`heap = Heap()`, `heap_lock = Lock("heap_lock")`, `heap = array(PageListHead, 3)`."""

    name: str
    type: ObjectType | ArrayType
    span: Span


@dataclass(frozen=True)
class TypeAlias_:
    """`Order = Annotated[int, between(0, 2)]`."""

    name: str
    annotation: ast.expr
    module: Module


@dataclass(frozen=True)
class Invariant:
    """What `@invariant(label, sentence)` says of a function."""

    label: str
    sentence: str


@dataclass(frozen=True, eq=False)
class Function:
    """A function; `role` is plain, boot, process, interrupt, predicate, always, lemma or sometimes.

    of         the process to whose CPU an interrupt comes
    invariant  of an @invariant, whose role is predicate (or plain, if it reads no memory), and of
               the @always that promises it
    """

    name: str
    module: Module
    node: ast.FunctionDef
    role: str
    count: int
    when: ast.expr | None
    span: Span
    of: Function | None = None
    invariant: Invariant | None = None


@dataclass(frozen=True)
class Word:
    """A word of modelcheck.lang, `enum`, `dataclasses` or `typing`, or a builtin."""

    name: str


Definition: TypeAlias = (
    Parameter | Constant | EnumClass | WordClass | SharedClass | ProtocolClass | Object
    | TypeAlias_ | Function | Word
)


@dataclass(eq=False)
class Module:
    """One file of a spec: its checked syntax tree, and what its names stand for."""

    name: str  # "specs.per_page_cmpxchg", "modelcheck.xen.page"
    path: Path
    file: str  # as errors show it
    text: str
    tree: ast.Module
    imports: dict[str, tuple[Module, str]] = field(default_factory=dict)
    scope: dict[str, Definition] = field(default_factory=dict)

    def span(self, node: ast.AST) -> Span:
        """Where a node of this module stands."""
        return span_of(node, self.file)


@dataclass(frozen=True)
class Expectation:
    """One clause of EXPECT that applies to this instance: `violates(sentence)`,
    `unreached(sentence)` of a @sometimes, or (neither) `holds()`."""

    violates: str | None
    span: Span
    unreached: str | None = None

    def __str__(self) -> str:
        """As a spec says it."""
        if self.unreached is not None:
            return f'unreached("{self.unreached}")'
        return "holds()" if self.violates is None else f'violates("{self.violates}")'

    @property
    def holds(self) -> bool:
        """Whether it says that nothing is wrong."""
        return self.violates is None and self.unreached is None


@dataclass(frozen=True, eq=False)
class Spec:
    """A spec with everything it imports (each module after those it imports; the spec itself is
    last) at one instance.  `functions` are those that run or are checked: the spec's own boot,
    processes, interrupts and properties.  `asserted`: the one sentence that spin_unlock and the end
    of a process may assert; None: any."""

    path: str
    modules: tuple[Module, ...]
    parameters: tuple[Parameter, ...]
    processes: tuple[Function, ...]
    boots: tuple[Function, ...]
    properties: tuple[Function, ...]
    index_sorts: tuple[tuple[str, int], ...]
    classes: tuple[SharedClass, ...]  # those with a count
    objects: tuple[Object, ...]
    interrupts: tuple[Function, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    asserted: str | None = None

    @property
    def module(self) -> Module:
        """The spec's own module."""
        return self.modules[-1]

    def asserts(self, sentence: str) -> bool:
        """Whether an assert that no line of it says may fail."""
        return self.asserted in (None, sentence)

    def sentence(self, function: Function) -> str:
        """What a property says: its invariant's sentence, else its name as one."""
        if function.invariant is not None:
            return function.invariant.sentence
        return function.name.replace("_", " ")

    @property
    def labels(self) -> dict[str, str]:
        """The sentence of each invariant that its modules define, with its label."""
        found = (f.invariant for m in self.modules for f in m.scope.values()
                 if isinstance(f, Function) and f.invariant is not None)
        return {i.sentence: i.label for i in found}
