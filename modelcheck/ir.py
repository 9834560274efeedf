"""Program: finite variables, and one guarded action at each location of each process.

Everything the tool knows of a design is one frozen `Program`.  A process stands at a location; its
action there may wait for a condition, makes at most one shared access, then does local and ghost
work (a small tree of statements) that ends in a `Goto`.  That is one step.  A `Goto` to a location
marked `transit` does not end the step: the action there follows at once (this is how
`with atomic(...)` and loops over locals are said).  `semantics/` is what all this means.

    process idle_loop count 1                          (as notation/ prints it)
      at idle_loop_71: load heap.head -> { pg := $; if pg != None goto idle_loop_73 ... }
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import TypeAlias

from modelcheck.records import dataclass
from modelcheck.source import NOWHERE, Span

# ---------------------------------------------------------------------------------------- sorts


@dataclass(frozen=True)
class Bool:
    """False or True.  Values are Python bools."""


@dataclass(frozen=True)
class Int:
    """Integers lo..hi, both included.  `wraps`: values are taken modulo hi + 1 (then lo is 0)."""

    lo: int
    hi: int
    wraps: bool = False


@dataclass(frozen=True)
class Enum:
    """Named members.  A value is the member's ordinal, an int from 0."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Ref:
    """An instance of an index sort (`Page`, ...).  A value is its number from 0, or None."""

    cls: str
    count: int
    nullable: bool


@dataclass(frozen=True)
class Record:
    """A word: several fields in one memory location.  A value is a tuple, in field order."""

    name: str
    fields: tuple[tuple[str, Sort], ...]

    def position(self, name: str) -> int:
        """Where field `name` stands in a value."""
        return [n for n, _ in self.fields].index(name)


Sort: TypeAlias = Bool | Int | Enum | Ref | Record
Value: TypeAlias = bool | int | tuple["Value", ...] | None


def default_value(sort: Sort) -> Value:
    """The value that a dead or unset variable of this sort is given."""
    match sort:
        case Bool():
            return False
        case Int(lo, hi, _):
            return 0 if lo <= 0 <= hi else lo
        case Enum():
            return 0
        case Ref(_, _, nullable):
            return None if nullable else 0
        case Record(_, fields):
            return tuple(default_value(s) for _, s in fields)


def show_value(value: Value, sort: Sort) -> str:
    """A value as the author of the spec would write it."""
    match sort:
        case Bool():
            return "True" if value else "False"
        case Int():
            return str(value)
        case Enum(_, members):
            assert isinstance(value, int)
            return members[value]
        case Ref(cls, _, _):
            return "None" if value is None else f"{cls}[{value}]"
        case Record(name, fields):
            assert isinstance(value, tuple)
            inner = ", ".join(
                f"{n}={show_value(v, s)}" for v, (n, s) in zip(value, fields, strict=True)
            )
            return f"{name}({inner})"


# -------------------------------------------------------------------------------------- variables


@dataclass(frozen=True)
class Variable:
    """A shared variable, a ghost, or (inside a Process) a local.

    A shared variable is an array over `index` (each a (name, size) index sort; () for a single
    cell), row-major.  `initial` has one value per cell; None in `initial` as a whole means that no
    default was given and boot must set every cell.  Locals have index () and initial None.
    `checked`: a store (or an assignment, for a local) outside the sort is a fault, not impossible.
    `passing`: a ghost that may be set twice in one step (a lock's holder, where an atomic block
    takes and releases it).
    """

    name: str
    sort: Sort
    index: tuple[tuple[str, int], ...] = ()
    initial: tuple[Value, ...] | None = None
    ghost: bool = False
    checked: bool = True
    passing: bool = False
    span: Span = field(default=NOWHERE, compare=False)

    @property
    def cells(self) -> int:
        """How many cells the array has."""
        n = 1
        for _, size in self.index:
            n *= size
        return n


# ------------------------------------------------------------------------------------ expressions


@dataclass(frozen=True)
class Const:
    """A literal; its sort says how to print it."""

    value: Value
    sort: Sort
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Local:
    """A local of the process at hand, or a variable bound by a Quantified around it."""

    name: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Loaded:
    """What this action's access read (printed `$`): for Rmw the old value, for Observe the result.
    """

    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Me:
    """The number of this process among those of its template, from 0."""

    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Self:
    """This process as an element of the index sort `process` (all processes, in order)."""

    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Place:
    """One cell: a shared variable and an index expression per dimension.

    A None index is the fault 'none'; an index out of range is the fault 'index'.
    """

    variable: str
    index: tuple[Expr, ...] = ()
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Cell:
    """The present value of a cell, read as part of a ghost, an assert, an Observe or a property."""

    place: Place
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Unary:
    """`not`, `-`, or `index_of` (the number of a Ref; None is the fault 'none')."""

    op: str
    operand: Expr
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Binary:
    """+ - * // % << >> & | ^ == != < <= > >= and or.  `and` and `or` short-circuit.

    // and % by zero, and a shift by a negative count, are the fault 'range'.
    """

    op: str
    left: Expr
    right: Expr
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Cond:
    """`then if test else other`; only the arm taken is evaluated."""

    test: Expr
    then: Expr
    other: Expr
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Field:
    """A field of a word's value."""

    operand: Expr
    name: str
    sort: Record
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Make:
    """A word's value from its fields, in order.  A part out of its sort is the fault 'range'
    (a wrapping Int is reduced)."""

    sort: Record
    parts: tuple[Expr, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Element:
    """The element with this number of an index sort or Enum, plus `offset`.

    A number outside is the fault 'index'.
    """

    sort: Ref | Enum
    number: Expr
    offset: int = 0
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class NotNull:
    """The operand, known not to be None; None is the fault 'none'."""

    operand: Expr
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Fit:
    """The operand as it is when it is put where `sort` is wanted (the value of an annotated local
    of a function that stands within an expression): a wrapping Int is reduced, an Int out of its
    sort is the fault 'range', None where only an element may be is the fault 'none'."""

    sort: Sort
    operand: Expr
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class After:
    """The operand, once `first` has been evaluated: of that matters only what goes wrong in it (a
    value that a function computes, and does not use)."""

    first: Expr
    operand: Expr
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Instances:
    """Every element of an index sort, in order."""

    sort: Ref


@dataclass(frozen=True)
class Range:
    """The integers lo..hi-1."""

    lo: Expr
    hi: Expr


@dataclass(frozen=True)
class Chain:
    """`start`, then what its cell of `variable` (one index) refers to, and so on; ends at None or
    where an element would repeat."""

    start: Expr
    variable: str


Domain: TypeAlias = Instances | Range | Chain


@dataclass(frozen=True)
class Quantified:
    """`all`, `any` or `sum` of `body` with Local(`name`) running over `domain`.

    `all` and `any` stop at the first element that decides.
    """

    op: str
    name: str
    domain: Domain
    body: Expr
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class AtRest:
    """Every process has ended or stands at the head of its outermost loop (properties only)."""

    span: Span = field(default=NOWHERE, compare=False)


Expr: TypeAlias = (
    Const | Local | Loaded | Me | Self | Cell | Unary | Binary | Cond | Field | Make | Element
    | NotNull | Fit | After | Quantified | AtRest
)

# --------------------------------------------------------------------------------------- accesses


@dataclass(frozen=True)
class Load:
    """Read one cell; `$` is its value."""

    place: Place
    by: str = "load"


@dataclass(frozen=True)
class Store:
    """Write one cell (or one part of a word that the hardware can address by itself: a path of
    field names).  `value` does not mention `$`."""

    place: Place
    value: Expr
    part: tuple[str, ...] = ()
    by: str = "store"


@dataclass(frozen=True)
class Rmw:
    """Read and write one cell atomically: `$` is the old value, `value` (over `$`) the new one."""

    place: Place
    value: Expr
    by: str = "rmw"


@dataclass(frozen=True)
class Observe:
    """Evaluate an expression over all of memory at one instant; `$` is its value.  (A `@predicate`
    in an assert.)"""

    value: Expr
    by: str = "observe"


@dataclass(frozen=True)
class Fence:
    """A memory barrier, by its name in the language (`smp_mb`, ...).  sc removes it."""

    by: str


Access: TypeAlias = Load | Store | Rmw | Observe | Fence

# ------------------------------------------------------------------------------------- statements


@dataclass(frozen=True)
class Assign:
    """Set a local.  A value outside a checked local's sort is the fault 'range'; a wrapping Int is
    reduced."""

    local: str
    value: Expr
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class SetGhost:
    """Set a ghost cell, within this step."""

    place: Place
    value: Expr
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Assert:
    """The fault 'assert' with this sentence if the condition is false."""

    condition: Expr
    sentence: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Assume:
    """Where the condition is false this run is cut short: there is no step."""

    condition: Expr
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Choose:
    """Fork: set a local to one of the options.  No option (an empty Domain) is the fault 'choose'.

    `options` is a tuple of expressions, or a Domain."""

    local: str
    options: tuple[Expr, ...] | Domain
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class If:
    """A local branch.  An arm that does not end in a Goto falls through to what follows."""

    condition: Expr
    then: tuple[Statement, ...]
    other: tuple[Statement, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Goto:
    """Go to a location; ends the step unless that location is `transit`."""

    location: str
    span: Span = field(default=NOWHERE, compare=False)


Statement: TypeAlias = Assign | SetGhost | Assert | Assume | Choose | If | Goto
Block: TypeAlias = tuple[Statement, ...]

# ---------------------------------------------------------------------------- actions, processes

NO_DEADLOCK = "no process is stuck for ever"  # what is promised of every Program
END = "end"  # the location of a process that has ended: it has no action
ASKED = "interrupt"  # the local that is set by the choice which interrupt comes next: 0 for none


@dataclass(frozen=True)
class Loop:
    """A loop or wait that a location stands in.  `name` is unique within its process."""

    name: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Action:
    """What a process does at one location.

    at       the location's name: function_line, unique within the process
    wait     the step is possible only when this holds (over locals and `$`); None: always
    body     local and ghost work; every path ends in a Goto
    live     locals whose value matters here; all others hold their sort's default value
    loops    the loops and the wait that a process standing here must leave some time, outermost
             first; an outermost loop that has no way out is not among them
    resting  a process may stay here: it is in nothing but an outermost loop that has no way out
    head     it is reached only from the head of the outermost loop (for AtRest)
    transit  a Goto here does not end the step
    reason   the reason of the `atomic` that this location stands in, if any
    interrupt  the handler that this is a location of, in the process that it interrupts, if any:
             what is stored here is no progress of that process
    chain    the calls that led here, outermost first (the spans of the call statements)
    also     the other lines that were merged into this one; its own, if from another call
    """

    at: str
    access: Access | None
    body: Block
    wait: Expr | None = None
    live: tuple[str, ...] = ()
    loops: tuple[Loop, ...] = ()
    resting: bool = False
    head: bool = False
    transit: bool = False
    reason: str | None = None
    interrupt: str | None = None
    span: Span = field(default=NOWHERE, compare=False)
    chain: tuple[Span, ...] = field(default=(), compare=False)
    also: tuple[Span, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Process:
    """A template: `count` processes that run the same actions.

    entry    local and ghost work before the first access; it is part of the initial state
    """

    name: str
    count: int
    indexed: bool  # its instances are called name[0], name[1], ..., not plain name
    locals: tuple[Variable, ...]
    entry: Block
    actions: tuple[Action, ...]
    span: Span = field(default=NOWHERE, compare=False)

    def instance(self, me: int) -> str:
        """The name of one of its processes."""
        return f"{self.name}[{me}]" if self.indexed else self.name


@dataclass(frozen=True)
class Property:
    """`always`: true in every reachable state in which `when` is true; so is a `lemma`, which is
    there to help a proof.  `sometimes`: true (with `when`) in at least one."""

    kind: str  # "always" | "lemma" | "sometimes"
    sentence: str
    condition: Expr
    when: Expr | None = None
    span: Span = field(default=NOWHERE, compare=False)

    @property
    def invariant(self) -> bool:
        """Whether it is said of every state."""
        return self.kind in ("always", "lemma")


@dataclass(frozen=True)
class Program:
    """A design at one instance.  `boot` is a process whose actions are all transit: it is run once
    from the variables' `initial` values, and what it leaves (one state per choice) is where the
    other processes begin.  `index_sorts`: name and size, `process` included."""

    name: str
    parameters: tuple[tuple[str, Value], ...]
    index_sorts: tuple[tuple[str, int], ...]
    variables: tuple[Variable, ...]
    boot: Process | None
    processes: tuple[Process, ...]
    properties: tuple[Property, ...]
    assumptions: tuple[str, ...] = ()
    memory: str = ""  # the memory model it was compiled for; "" before that stage

    def variable(self, name: str) -> Variable:
        """The shared or ghost variable of that name (KeyError if there is none)."""
        for v in self.variables:
            if v.name == name:
                return v
        raise KeyError(name)

    def instances(self) -> tuple[tuple[Process, int], ...]:
        """Every process with its `me`, in order: the elements of the index sort `process`."""
        return tuple((p, me) for p in self.processes for me in range(p.count))


# ---------------------------------------------------------------------------------------- walking


def children(expr: Expr) -> tuple[Expr, ...]:
    """The expressions directly below one."""
    match expr:
        case Const() | Local() | Loaded() | Me() | Self() | AtRest():
            return ()
        case Cell(place):
            return place.index
        case Unary(_, a) | Field(a) | NotNull(a) | Element(_, a) | Fit(_, a):
            return (a,)
        case Binary(_, a, b) | After(a, b):
            return (a, b)
        case Cond(a, b, c):
            return (a, b, c)
        case Make(_, parts):
            return parts
        case Quantified(_, _, domain, body):
            return (*domain_children(domain), body)


def domain_children(domain: Domain) -> tuple[Expr, ...]:
    """The expressions directly in a domain."""
    match domain:
        case Instances():
            return ()
        case Range(lo, hi):
            return (lo, hi)
        case Chain(start, _):
            return (start,)


def walk(expr: Expr) -> Iterator[Expr]:
    """An expression and everything below it."""
    yield expr
    for child in children(expr):
        yield from walk(child)


def access_exprs(access: Access | None) -> tuple[Expr, ...]:
    """The expressions directly in an access: its index, then its value."""
    match access:
        case None | Fence():
            return ()
        case Load(place):
            return place.index
        case Store(place, value) | Rmw(place, value):
            return (*place.index, value)
        case Observe(value):
            return (value,)


def statements(block: Block) -> Iterator[Statement]:
    """Every statement of a block, arms included."""
    for statement in block:
        yield statement
        if isinstance(statement, If):
            yield from statements(statement.then)
            yield from statements(statement.other)


def statement_exprs(statement: Statement) -> tuple[Expr, ...]:
    """The expressions directly in a statement (not those of an If's arms)."""
    match statement:
        case Assign(_, value):
            return (value,)
        case SetGhost(place, value):
            return (*place.index, value)
        case Assert(condition) | Assume(condition) | If(condition):
            return (condition,)
        case Choose(_, options):
            return options if isinstance(options, tuple) else domain_children(options)
        case Goto():
            return ()
