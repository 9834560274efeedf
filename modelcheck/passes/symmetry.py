"""Which elements and which processes are interchangeable.

Preserves whether each property holds, the length of the shortest way to break one, and who is stuck
for ever: if the elements of a class are exchanged in a state, and with them every reference to
them, its steps lead to what the same exchange makes of the steps of the state, so that of states
that differ in nothing but such an exchange one may stand for all.  Where a run begins need not be
symmetric.

A class may be exchanged if nothing says one of its elements by number: no constant but None, no
`index_of`, no `element(...)`, no array over it with an index that is a number.  The processes of a
template, if `me` is used for nothing but to name what goes with a process: `element(Cpu, me)`, or
the members of an enum from some offset on (`OF_DOMAIN_0`, `OF_DOMAIN_1`, ...), which are exchanged
along with them and, like the elements of a class, are nowhere else said by name.  And nothing that
runs over a class may go wrong in the middle, as it would depend on the order.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelcheck.ir import (
    Access, After, Binary, Bool, Cell, Chain, Choose, Cond, Const, Element, Enum, Expr, Field, Fit,
    Instances, Int, Load, Loaded, Local, Make, Me, NotNull, Observe, Place, Process, Program,
    Quantified, Range, Record, Ref, Rmw, Self, SetGhost, Sort, Statement, Store, Unary, Value,
    Variable, statement_exprs, statements, walk,
)

from modelcheck.passes.tickets import Counters
from modelcheck.records import dataclass

PROCESS = "process"
Sorts = Mapping[str, Sort]


@dataclass(frozen=True)
class Along:
    """What goes along with the processes of a template: the elements of a class (offset 0), or the
    members of an enum from `offset` on."""

    name: str
    offset: int


@dataclass(frozen=True)
class Template:
    """A template whose processes are interchangeable, and what goes along with them."""

    name: str
    along: tuple[Along, ...]


@dataclass(frozen=True)
class Symmetry:
    """The classes whose elements, and the templates whose processes, are interchangeable; and the
    counters of which only the distance matters (`passes/tickets.py`)."""

    classes: tuple[str, ...]
    templates: tuple[Template, ...]
    counters: tuple[Counters, ...] = ()

    @property
    def some(self) -> bool:
        """Whether anything can be exchanged."""
        return bool(self.classes or self.templates or self.counters)


def symmetry(program: Program) -> Symmetry:
    """What may be exchanged in every state of a Program."""
    looked = _Looked(program)
    sizes = dimensions(program)
    templates = []
    for process in program.processes:
        along = looked.along.get(process.name, set())
        if process.count < 2 or process.name in looked.by_number:
            continue
        if looked.processes_by_number or any(_is_said(a, process, looked, sizes) for a in along):
            continue
        templates.append(Template(process.name, tuple(sorted(along, key=lambda a: a.name))))
    free = tuple(
        name for name, size in program.index_sorts
        if name != PROCESS and size > 1 and name not in looked.said_classes
        and name not in looked.along_classes
    )
    return Symmetry(free, tuple(templates))


def dimensions(program: Program) -> dict[str, int]:
    """The size of each class, and of each other thing that an array may run over."""
    arrays = {name: size for v in program.variables for name, size in v.index}
    return {**arrays, **dict(program.index_sorts)}


def _is_said(
    along: Along, process: Process, looked: _Looked, sizes: Mapping[str, int]
) -> bool:
    """Whether what goes along with a template is said in some other way too."""
    others = {
        (name, a) for name, alongs in looked.along.items() for a in alongs
        if a.name == along.name and name != process.name
    }
    if along.name in sizes:
        elsewhere = along.name in looked.said_classes or bool(others)
        return elsewhere or sizes[along.name] != process.count
    mine = range(along.offset, along.offset + process.count)
    theirs = {
        n for name, a in others
        for n in range(a.offset, a.offset + looked.counts[name])
    }
    own = {a for a in looked.along[process.name] if a.name == along.name}
    said = looked.said_members.get(along.name, set())
    return (
        along.name in looked.numbered_enums or len(own) > 1
        or bool(set(mine) & (theirs | said))
    )


class _Looked:
    """What was seen in the processes and properties of a Program.

    by_number            templates that use `me` as a number
    along                what each template names by `me`
    said_classes         classes of which an element is said by number, or that are run over in an
                         order that matters
    along_classes        classes of which an element is named by `me`
    said_members         the members of each enum that are said by name
    numbered_enums       enums whose members are taken for numbers
    processes_by_number  some process is said by number
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.counts = {p.name: p.count for p in program.processes}
        self.shared = {v.name: v for v in program.variables}
        self.by_number: set[str] = set()
        self.along: dict[str, set[Along]] = {}
        self.said_classes: set[str] = set()
        self.along_classes: set[str] = set()
        self.said_members: dict[str, set[int]] = {}
        self.numbered_enums: set[str] = set()
        for process in program.processes:
            self._process(process)
        for property in program.properties:
            for expr in (property.condition, property.when):
                if expr is not None:
                    self._look(expr, {}, None, "")

    @property
    def processes_by_number(self) -> bool:
        """Whether some process is said by number."""
        return PROCESS in self.said_classes

    def _process(self, process: Process) -> None:
        sorts: Sorts = {v.name: v.sort for v in process.locals}
        for action in process.actions:
            loaded = self._access(action.access, sorts, process.name)
            roots: list[Expr] = [] if action.wait is None else [action.wait]
            for statement in statements(action.body):
                roots += statement_exprs(statement)
                self._statement(statement, sorts, loaded, process.name)
            for root in roots:
                self._look(root, sorts, loaded, process.name)

    def _access(self, access: Access | None, sorts: Sorts, template: str) -> Sort | None:
        """Looks at an access; the sort of what it reads."""
        match access:
            case Load(place):
                self._place(place, sorts, None, template)
                return self.shared[place.variable].sort
            case Store(place, value) | Rmw(place, value):
                self._place(place, sorts, None, template)
                loaded = self.shared[place.variable].sort if isinstance(access, Rmw) else None
                self._look(value, sorts, loaded, template)
                return loaded
            case Observe(value):
                self._look(value, sorts, None, template)
                return class_of(value, sorts, self.shared, None)
            case _:
                return None

    def _statement(
        self, statement: Statement, sorts: Sorts, loaded: Sort | None, template: str
    ) -> None:
        if isinstance(statement, SetGhost):
            self._place(statement.place, sorts, loaded, template)
        if isinstance(statement, Choose) and isinstance(statement.options, Range):
            target = sorts[statement.local]
            if isinstance(target, Ref):
                self.said_classes.add(target.cls)

    def _place(self, place: Place, sorts: Sorts, loaded: Sort | None, template: str) -> None:
        """The place of an access."""
        for index in place.index:
            if not isinstance(index, Me):
                self._look(index, sorts, loaded, template)
        self._indexed(place, sorts, loaded, template)

    def _look(self, root: Expr, sorts: Sorts, loaded: Sort | None, template: str) -> None:
        indexed = {id(i) for e in walk(root) if isinstance(e, Cell) for i in e.place.index}
        named = {id(e.number) for e in walk(root) if isinstance(e, Element)}
        for e in walk(root):
            within = bound_sorts(root, e, sorts, self.shared, loaded)
            match e:
                case Const(value, sort):
                    self._constant(value, sort)
                case Unary("index_of", operand):
                    self._numbered(class_of(operand, within, self.shared, loaded))
                case Element(sort, number, offset):
                    self._element(sort, number, offset, template)
                case Cell(place):
                    self._indexed(place, within, loaded, template)
                case Me() if id(e) not in indexed and id(e) not in named:
                    self.by_number.add(template)
                case Binary(op, left, right) if op not in ("==", "!=", "and", "or"):
                    for operand in (left, right):
                        self._numbered(class_of(operand, within, self.shared, loaded))
                case Quantified(_, _, domain, body):
                    if may_fail(body) and isinstance(domain, Instances):
                        self.said_classes.add(domain.sort.cls)
                case _:
                    pass

    def _indexed(
        self, place: Place, sorts: Sorts, loaded: Sort | None, template: str
    ) -> None:
        """An array over a class is indexed by an element of the class, or it is by number."""
        for index, (name, _) in zip(place.index, self.shared[place.variable].index, strict=True):
            found = class_of(index, sorts, self.shared, loaded)
            if isinstance(index, Me):
                self.along.setdefault(template, set()).add(Along(name, 0))
                self.along_classes.add(name)
            elif not (isinstance(found, Ref) and found.cls == name):
                self.said_classes.add(name)

    def _constant(self, value: Value, sort: Sort) -> None:
        match sort:
            case Ref(cls) if value is not None:
                self.said_classes.add(cls)
            case Enum(name):
                assert isinstance(value, int)
                self.said_members.setdefault(name, set()).add(value)
            case Record(_, fields):
                assert isinstance(value, tuple)
                for part, (_, inner) in zip(value, fields, strict=True):
                    self._constant(part, inner)
            case _:
                pass

    def _numbered(self, sort: Sort | None) -> None:
        match sort:
            case Ref(cls):
                self.said_classes.add(cls)
            case Enum(name):
                self.numbered_enums.add(name)
            case Record() | None:
                self.said_classes.update(name for name, _ in self.program.index_sorts)
            case _:
                pass

    def _element(self, sort: Ref | Enum, number: Expr, offset: int, template: str) -> None:
        name = sort.cls if isinstance(sort, Ref) else sort.name
        if isinstance(number, Me) and (isinstance(sort, Enum) or offset == 0):
            self.along.setdefault(template, set()).add(Along(name, offset))
            if isinstance(sort, Ref):
                self.along_classes.add(name)
        elif isinstance(sort, Ref):
            self.said_classes.add(name)
            if isinstance(number, Me):
                self.by_number.add(template)
        else:
            self.numbered_enums.add(name)


def bound_sorts(
    root: Expr, inner: Expr, sorts: Sorts, shared: Mapping[str, Variable], loaded: Sort | None
) -> Sorts:
    """The sorts of locals, and of the names that the quantifiers around `inner` bind."""
    found = dict(sorts)
    for e in walk(root):
        if isinstance(e, Quantified) and any(below is inner for below in walk(e)):
            match e.domain:
                case Instances(sort):
                    found[e.name] = sort
                case Chain(start, _):
                    first = class_of(start, found, shared, loaded)
                    if isinstance(first, Ref):
                        found[e.name] = Ref(first.cls, first.count, False)
                case Range():
                    found[e.name] = Int(0, 0)
    return found


def class_of(
    expr: Expr, sorts: Sorts, shared: Mapping[str, Variable], loaded: Sort | None
) -> Sort | None:
    """The sort of an expression, as far as it can be a Ref, an Enum or a word; of others any Int or
    Bool.  None: not known."""
    match expr:
        case Const(_, sort):
            return sort
        case Local(name):
            return sorts.get(name)
        case Loaded():
            return loaded
        case Self():
            return Ref(PROCESS, 0, False)
        case Cell(place):
            return shared[place.variable].sort
        case Cond(_, then, other):
            first = class_of(then, sorts, shared, loaded)
            return first if first is not None else class_of(other, sorts, shared, loaded)
        case Field(_, name, sort):
            return dict(sort.fields)[name]
        case Make(sort, _):
            return sort
        case Element(sort, _, _) | Fit(sort, _):
            return sort
        case NotNull(operand) | After(_, operand):
            return class_of(operand, sorts, shared, loaded)
        case Binary("==" | "!=" | "<" | "<=" | ">" | ">=" | "and" | "or"):
            return Bool()
        case _:
            return Int(0, 0)


def may_fail(expr: Expr) -> bool:
    """Whether an expression may go wrong, for all that is seen of it alone."""
    return any(_fails(e) for e in walk(expr))


def _fails(e: Expr) -> bool:
    match e:
        case Cell(place):
            return any(not isinstance(i, Local | Self) for i in place.index)
        case NotNull() | Element() | Make() | Fit():
            return True
        case Unary("index_of"):
            return True
        case Binary("//" | "%" | "<<" | ">>"):
            return True
        case _:
            return False

