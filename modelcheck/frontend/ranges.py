"""The ranges of ints that no annotation bounds: intervals, from location to location, narrowed by
the branches taken (`while i < n` bounds i).  What cannot be bounded so needs an annotation."""

from __future__ import annotations

from dataclasses import replace

from modelcheck import ir
from modelcheck.flow import exprs_in
from modelcheck.frontend.definitions import UNBOUNDED
from modelcheck.source import SpecError

Interval = tuple[int, int]
Env = dict[str, Interval]
WIDEST = 2**31
EVERYTHING: Interval = (-WIDEST * 4, WIDEST * 4)


def infer_ranges(program: ir.Program) -> ir.Program:
    """The Program with a range for each local int; SpecError at one that has none."""
    boot = None if program.boot is None else Ranges(program, program.boot).process_with_ranges()
    processes = tuple(Ranges(program, p).process_with_ranges() for p in program.processes)
    return replace(program, boot=boot, processes=processes)


class Ranges:
    """The intervals of the numbers of one process, at each of its locations: too wide, if not
    exact."""

    def __init__(self, program: ir.Program, process: ir.Process) -> None:
        self.program = program
        self.process = process
        self.sorts = {v.name: v.sort for v in process.locals}
        self.variables = {v.name: v for v in program.variables}
        self.actions = {a.at: a for a in process.actions}
        self.wanted = {v.name for v in process.locals if v.sort == UNBOUNDED}
        self.arriving: dict[str, Env] = {}
        self.found: dict[str, Interval] = {}
        self.thresholds = sorted(self._constants())

    # ---------------------------------------------------------------------------- the fixpoint

    def process_with_ranges(self) -> ir.Process:
        if not self.wanted:
            return self.process
        self.settle()
        variables = []
        for v in self.process.locals:
            if v.name not in self.wanted:
                variables.append(v)
                continue
            lo, hi = self.found.get(v.name, (0, 0))
            if lo <= -WIDEST or hi >= WIDEST:
                name = v.name.split(".", 1)[-1]
                raise SpecError(
                    v.span, f"the range of {name} cannot be inferred",
                    f"{name}: Annotated[int, between(0, 4)] = ..., with its bounds",
                )
            variables.append(replace(v, sort=ir.Int(lo, hi), checked=False))
        return replace(self.process, locals=tuple(variables))

    def _constants(self) -> set[int]:
        found = {0, 1, -1}
        blocks = [self.process.entry, *(a.body for a in self.process.actions)]
        for block in blocks:
            for below in (below for expr in exprs_in(block) for below in ir.walk(expr)):
                if isinstance(below, ir.Const) and type(below.value) is int:
                    found |= {below.value - 1, below.value, below.value + 1}
        for variable in self.program.variables:
            if isinstance(variable.sort, ir.Int):
                found |= {variable.sort.lo, variable.sort.hi}
        for _, size in self.program.index_sorts:
            found |= {size - 1, size}
        return found

    def settle(self) -> None:
        """Find what arrives at each location."""
        self._widened()
        for _ in range(3):
            self._narrow()

    def _widened(self) -> None:
        visits: dict[str, int] = {}
        work = list(dict.fromkeys(t for t, _ in self._arrivals(self.process.entry, {}, None)))
        self._merge(self._arrivals(self.process.entry, {}, None), visits)
        while work:
            at = work.pop(0)
            if at not in self.actions:
                continue
            action = self.actions[at]
            out = self._arrivals(action.body, dict(self.arriving.get(at, {})), action)
            work += [t for t in self._merge(out, visits) if t not in work]

    def _merge(self, arrivals: list[tuple[str, Env]], visits: dict[str, int]) -> list[str]:
        changed = []
        for at, env in arrivals:
            old = self.arriving.get(at)
            if old is None:
                self.arriving[at] = dict(env)
                changed.append(at)
                continue
            visits[at] = visits.get(at, 0) + 1
            new = joined(old, env)
            if visits[at] > 6:
                new = {k: self._widen(old.get(k), v) for k, v in new.items()}
            if new != old:
                self.arriving[at] = new
                changed.append(at)
        return changed

    def _widen(self, old: Interval | None, new: Interval) -> Interval:
        if old is None or old == new:
            return new
        lo, hi = new
        if lo < old[0]:
            lo = max((t for t in self.thresholds if t <= lo), default=EVERYTHING[0])
        if hi > old[1]:
            hi = min((t for t in self.thresholds if t >= hi), default=EVERYTHING[1])
        return lo, hi

    def _narrow(self) -> None:
        self.found = {}
        fresh: dict[str, Env] = {}
        arrivals = self._arrivals(self.process.entry, {}, None)
        for at, env in list(self.arriving.items()):
            if at in self.actions:
                action = self.actions[at]
                arrivals += self._arrivals(action.body, dict(env), action)
        for at, env in arrivals:
            fresh[at] = joined(fresh[at], env) if at in fresh else dict(env)
        self.arriving = fresh

    # ------------------------------------------------------------------------------ statements

    def _arrivals(
        self, block: ir.Block, env: Env, action: ir.Action | None
    ) -> list[tuple[str, Env]]:
        out: list[tuple[str, Env]] = []
        self._block(block, env, action, out)
        return out

    def _block(
        self, block: ir.Block, env: Env | None, action: ir.Action | None,
        out: list[tuple[str, Env]],
    ) -> Env | None:
        for statement in block:
            if env is None:
                return None
            env = self.statement(statement, env, action, out)
        return env

    def statement(
        self, statement: ir.Statement, env: Env, action: ir.Action | None,
        out: list[tuple[str, Env]],
    ) -> Env | None:
        """What is known behind a statement; None if nothing comes there.  `out` gains where it
        leads."""
        match statement:
            case ir.Assign(local, value):
                return self._set(local, self.interval(value, env, action), env)
            case ir.Choose(local, options):
                return self._set(local, self._options(options, env, action), env)
            case ir.Assert(condition) | ir.Assume(condition):
                return self.refine(condition, True, env, action)
            case ir.If(condition, then, other):
                yes = self.refine(condition, True, dict(env), action)
                no = self.refine(condition, False, dict(env), action)
                after_yes = None if yes is None else self._block(then, yes, action, out)
                after_no = None if no is None else self._block(other, no, action, out)
                if after_yes is None:
                    return after_no
                return after_yes if after_no is None else joined(after_yes, after_no)
            case ir.Goto(location):
                out.append((location, env))
                return None
            case ir.SetGhost():
                return env

    def _set(self, local: str, interval: Interval, env: Env) -> Env:
        sort = self.sorts.get(local)
        if not isinstance(sort, ir.Int):
            return env
        if sort != UNBOUNDED:
            interval = (sort.lo, sort.hi)
        else:
            old = self.found.get(local)
            self.found[local] = interval if old is None else _hull(old, interval)
        return {**env, local: interval}

    def _options(
        self, options: tuple[ir.Expr, ...] | ir.Domain, env: Env, action: ir.Action | None
    ) -> Interval:
        match options:
            case ir.Range(lo, hi):
                a, b = self.interval(lo, env, action), self.interval(hi, env, action)
                return a[0], max(a[0], b[1] - 1)
            case tuple() if options:
                result = self.interval(options[0], env, action)
                for option in options[1:]:
                    result = _hull(result, self.interval(option, env, action))
                return result
            case _:
                return 0, 0

    # ----------------------------------------------------------------------------- expressions

    def interval(self, expr: ir.Expr, env: Env, action: ir.Action | None) -> Interval:
        """The numbers that an expression can be; of what is no number, 0..0."""
        match expr:
            case ir.Const(value):
                return (value, value) if type(value) is int else (0, 0)
            case ir.Local(name):
                sort = self.sorts.get(name)
                declared = sort if isinstance(sort, ir.Int) and sort != UNBOUNDED else None
                default = (declared.lo, declared.hi) if declared else (0, 0)
                return env.get(name, default)
            case ir.Loaded():
                access = action.access if action is not None else None
                if isinstance(access, (ir.Load, ir.Rmw)):
                    return _of_sort(self.variables[access.place.variable].sort)
                return 0, 0
            case ir.Cell(place):
                return _of_sort(self.variables[place.variable].sort)
            case ir.Field(_, name, sort):
                return _of_sort(dict(sort.fields)[name])
            case ir.Me():
                return 0, self.process.count - 1
            case ir.Unary("-", operand):
                lo, hi = self.interval(operand, env, action)
                return -hi, -lo
            case ir.Unary("index_of", _):
                return 0, max((n for _, n in self.program.index_sorts), default=1) - 1
            case ir.Binary(op, left, right):
                a, b = self.interval(left, env, action), self.interval(right, env, action)
                return _clip(_arithmetic(op, a, b))
            case ir.Cond(test, then, other):
                yes = self.refine(test, True, dict(env), action)
                no = self.refine(test, False, dict(env), action)
                if yes is None:
                    return self.interval(other, env if no is None else no, action)
                mine = self.interval(then, yes, action)
                return mine if no is None else _hull(mine, self.interval(other, no, action))
            case ir.NotNull(operand) | ir.After(_, operand):
                return self.interval(operand, env, action)
            case ir.Fit(ir.Int(lo, hi) as sort, operand):
                found = self.interval(operand, env, action)
                within = max(found[0], lo), min(found[1], hi)
                fits = within == found if sort.wraps else within[0] <= within[1]
                return within if fits else (lo, hi)
            case ir.Fit(_, operand):
                return self.interval(operand, env, action)
            case ir.Quantified("sum"):
                return 0, WIDEST - 1
            case ir.Unary() | ir.Self() | ir.Make() | ir.Element() | ir.Quantified() | ir.AtRest():
                return 0, 0

    def refine(
        self, condition: ir.Expr, truth: bool, env: Env, action: ir.Action | None
    ) -> Env | None:
        """What is known where a condition has this truth; None if it cannot have it."""
        match condition:
            case ir.Const(value):
                return env if bool(value) == truth else None
            case ir.Unary("not", operand):
                return self.refine(operand, not truth, env, action)
            case ir.After(_, operand):
                return self.refine(operand, truth, env, action)
            case ir.Binary("and" | "or" as op, left, right) if (op == "and") == truth:
                first = self.refine(left, truth, env, action)
                return None if first is None else self.refine(right, truth, first, action)
            case ir.Binary("and" | "or"):
                return env
            case ir.Binary("<" | "<=" | ">" | ">=" | "==" | "!=" as op, left, right):
                symbol = op if truth else _NEGATED[op]
                narrowed = self._compare(symbol, left, right, env, action)
                if narrowed is None:
                    return None
                return self._compare(_MIRRORED[symbol], right, left, narrowed, action)
            case _:
                return env

    def _compare(
        self, op: str, left: ir.Expr, right: ir.Expr, env: Env, action: ir.Action | None
    ) -> Env | None:
        offset = 0
        left = _itself(left)
        match left:
            case ir.Binary("+", ir.Local() as local, ir.Const(int(value))):
                left, offset = local, value
            case ir.Binary("-", ir.Local() as local, ir.Const(int(value))):
                left, offset = local, -value
            case _:
                pass
        if not isinstance(left, ir.Local) or not isinstance(self.sorts.get(left.name), ir.Int):
            return env
        lo, hi = self.interval(left, env, action)
        other = self.interval(right, env, action)
        bound_lo, bound_hi = other[0] - offset, other[1] - offset
        match op:
            case "<":
                hi = min(hi, bound_hi - 1)
            case "<=":
                hi = min(hi, bound_hi)
            case ">":
                lo = max(lo, bound_lo + 1)
            case ">=":
                lo = max(lo, bound_lo)
            case "==":
                lo, hi = max(lo, bound_lo), min(hi, bound_hi)
            case _:
                if bound_lo == bound_hi == hi:
                    hi -= 1
                elif bound_lo == bound_hi == lo:
                    lo += 1
        return {**env, left.name: (lo, hi)} if lo <= hi else None


_NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def _itself(expr: ir.Expr) -> ir.Expr:
    """The expression whose number this one is, unless something goes wrong."""
    match expr:
        case ir.After(_, operand):
            return _itself(operand)
        case ir.Fit(ir.Int(wraps=False), operand):
            return _itself(operand)
        case _:
            return expr


def _of_sort(sort: ir.Sort) -> Interval:
    return (sort.lo, sort.hi) if isinstance(sort, ir.Int) else (0, 0)


def _hull(a: Interval, b: Interval) -> Interval:
    return min(a[0], b[0]), max(a[1], b[1])


def joined(a: Env, b: Env) -> Env:
    """What is known where two ways meet."""
    both = dict(a)
    for name, interval in b.items():
        both[name] = _hull(both[name], interval) if name in both else interval
    return both


def _clip(interval: Interval) -> Interval:
    lo, hi = interval
    return max(EVERYTHING[0], min(lo, EVERYTHING[1])), min(EVERYTHING[1], max(hi, EVERYTHING[0]))


def _arithmetic(op: str, a: Interval, b: Interval) -> Interval:
    match op:
        case "+":
            return a[0] + b[0], a[1] + b[1]
        case "-":
            return a[0] - b[1], a[1] - b[0]
        case "*":
            corners = [x * y for x in a for y in b]
            return min(corners), max(corners)
        case "//":
            if b[0] > 0:
                corners = [x // y for x in a for y in b]
                return min(corners), max(corners)
            widest = max(abs(a[0]), abs(a[1]))
            return -widest, widest
        case "%":
            if b[0] > 0:
                return 0, b[1] - 1
            widest = max(abs(b[0]), abs(b[1]))
            return -widest, widest
        case "<<":
            shifts = (max(0, min(b[0], 40)), max(0, min(b[1], 40)))
            corners = [x << y for x in a for y in shifts]
            return min(corners), max(corners)
        case ">>":
            shifts = (max(0, min(b[0], 40)), max(0, min(b[1], 40)))
            corners = [x >> y for x in a for y in shifts]
            return min(corners), max(corners)
        case "&" if a[0] >= 0 and b[0] >= 0:
            return 0, min(a[1], b[1])
        case "&" | "|" | "^":
            if a[0] >= 0 and b[0] >= 0:
                return 0, (1 << max(a[1].bit_length(), b[1].bit_length())) - 1
            widest = 1 << max(abs(x).bit_length() for x in (*a, *b))
            return -widest, widest
        case _:
            return 0, 0
