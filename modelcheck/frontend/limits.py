"""How large a spec may be, and why.  Each limit is far beyond any design that can be searched: what
is too large is refused within seconds, with its place and what to make smaller, and not met as a
hang or a full memory.

A text's own limits (its bytes, how deep it is nested) are at `load.LONGEST_FILE` and
`subset_walk.DEEPEST`; those of one step are the semantics' (`LONGEST`, `MOST_WAYS`)."""

from __future__ import annotations

from collections.abc import Iterator

from modelcheck import ir
from modelcheck.flow import exprs_of
from modelcheck.source import Span, SpecError

MOST_OF_A_CLASS = 1_024  # a reference in the executable allocator has ten bits for the number
MOST_CLASSES = 62  # with a count: such a reference has six bits for the class, one is None's
MOST_PROCESSES = 1_024  # as of a class; each is a thread there
MOST_CELLS = 16_384  # a state has a place for each: 100,000 states of these are over 10 GB
MOST_ACTIONS = 5_000  # of one process: each is compiled, to Python and to C
MOST_STATEMENTS = 100_000  # that one process unfolds to before it has its steps: some seconds
MOST_UNFOLDED = 20_000  # calls and statements that expressions unfold to: some seconds
MOST_NODES = 10_000  # of one expression, once what it calls is put in place: it is walked often
MOST_VALUES = 1_000_000  # that the quantifiers of one expression run over: a second, in each state
MOST_OPTIONS = 1_024  # of one `choose`: each is a step, and two in a row are a million
DEEPEST_QUANTIFIERS = 16  # nested in each other: the semantics has so many places for them


def within(number: int, most: int, span: Span, what: str, instead: str) -> None:
    """Refuse more of something than there may be: `what` is said behind the number."""
    if number > most:
        raise SpecError(span, f"{number:,} {what}: at most {most:,} can be searched", instead)


class Sizes:
    """The sizes of expressions as trees.  They share parts (`y = x + x`, then `z = y + y`), so that
    a size is not found by walking: each part is counted once, and kept."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[ir.Expr, int]] = {}  # the expression, so that it stays

    def of(self, expr: ir.Expr) -> int:
        """How many nodes this has."""
        known = self._known.get(id(expr))
        if known is None:
            size = 1 + sum(self.of(child) for child in ir.children(expr))
            known = self._known[id(expr)] = expr, size
        return known[1]

    def check(self, expr: ir.Expr, span: Span) -> None:
        """Refuse an expression of over MOST_NODES."""
        within(
            self.of(expr), MOST_NODES, span, "parts in this expression, with what it calls",
            "an `if` with statements, or fewer uses of a local that stands for so much",
        )


def check_sizes(program: ir.Program) -> None:
    """Refuse quantifiers that run over too many values, and a `choose` among too many."""
    sorts = {v.name: v.sort for v in program.variables}
    for process in (*program.processes, *((program.boot,) if program.boot else ())):
        locals_ = {v.name: v.sort for v in process.locals}
        for statement in ir.statements(process.entry):
            _check_options(statement, locals_)
        for action in process.actions:
            for statement in ir.statements(action.body):
                _check_options(statement, locals_)
            for expr in exprs_of(action):
                _check_quantifiers(expr, sorts)
    for prop in program.properties:
        for expr in (prop.condition, *((prop.when,) if prop.when is not None else ())):
            _check_quantifiers(expr, sorts)


def _check_options(statement: ir.Statement, sorts: dict[str, ir.Sort]) -> None:
    match statement:
        case ir.Choose(local, options, span):
            count = len(options) if isinstance(options, tuple) else _count(options, sorts)
            match sorts.get(local):
                case ir.Int(lo, hi) if not isinstance(options, tuple):
                    count = min(count, hi - lo + 1)
            within(
                count, MOST_OPTIONS, span, "ways to choose", "a smaller range, or a smaller class"
            )


def _check_quantifiers(expr: ir.Expr, sorts: dict[str, ir.Sort]) -> None:
    for values, deep, quantified in _values(expr, sorts):
        within(
            deep, DEEPEST_QUANTIFIERS, quantified.span, "quantifiers nested in each other",
            "several properties, or a predicate of fewer",
        )
        within(
            values, MOST_VALUES, quantified.span,
            "values in each state, over which all(...), any(...) and sum(...) here run",
            "fewer `for` in one, or smaller classes",
        )


def _values(
    expr: ir.Expr, sorts: dict[str, ir.Sort]
) -> Iterator[tuple[int, int, ir.Quantified]]:
    """Each quantifier that stands in no other, with how often its body and those within are looked
    at, and how deep they are nested."""
    if isinstance(expr, ir.Quantified):
        inside = list(_values(expr.body, sorts))
        values = _count(expr.domain, sorts) * max(1, sum(n for n, _, _ in inside))
        yield values, 1 + max((d for _, d, _ in inside), default=0), expr
        return
    for child in ir.children(expr):
        yield from _values(child, sorts)


def _count(domain: ir.Domain, sorts: dict[str, ir.Sort]) -> int:
    """How many elements a domain has at most, where that stands in it: else 1."""
    match domain:
        case ir.Instances(sort):
            return sort.count
        case ir.Chain(_, variable):
            sort_ = sorts.get(variable)
            return sort_.count if isinstance(sort_, ir.Ref) else 1
        case ir.Range(lo, hi):
            return max(_most(hi, sorts) - _least(lo, sorts), 1)


def _most(expr: ir.Expr, sorts: dict[str, ir.Sort]) -> int:
    match expr:
        case ir.Const(int(value)):
            return value
        case ir.Cell(place):
            return _bounds(sorts.get(place.variable))[1]
        case ir.Local(name):
            return _bounds(sorts.get(name))[1]
        case _:
            return 1


def _least(expr: ir.Expr, sorts: dict[str, ir.Sort]) -> int:
    match expr:
        case ir.Const(int(value)):
            return value
        case ir.Cell(place):
            return _bounds(sorts.get(place.variable))[0]
        case ir.Local(name):
            return _bounds(sorts.get(name))[0]
        case _:
            return 0


def _bounds(sort: ir.Sort | None) -> tuple[int, int]:
    return (sort.lo, sort.hi) if isinstance(sort, ir.Int) else (0, 1)
