"""What can never be right, wherever a run gets to it: the spec's own slip, and no violation of the
design, which is refused.

A ghost that is set to one value, and in the same step, on every way there, to another.  An index
that is outside its array whatever the values are: by the intervals of `ranges`, which are too wide
rather than too narrow.  Such an index is no slip where no run gets to it (a smaller instance may
never take a line of a larger one), so `index_slip` is asked of the line at which a search has found
a run to fail.  What is wrong of some runs only is a violation.
"""

from __future__ import annotations

from modelcheck import ir
from modelcheck.flow import reachable
from modelcheck.frontend.ranges import EVERYTHING, Env, Interval, Ranges, joined
from modelcheck.source import Span, SpecError

NUMBERS = ("+", "-", "*", "//", "%", "<<", ">>", "&", "|", "^")
Set = tuple[str, tuple[ir.Expr, ...]]
Known = dict[Set, ir.SetGhost]
Slips = dict[Span, list[ir.SetGhost | None]]


def refuse_slips(program: ir.Program) -> None:
    """SpecError at a ghost that is overwritten in its step."""
    slips: Slips = {}
    for process in program.processes:
        _Ghosts(program, process, slips).check()
    for span, befores in slips.items():
        before = befores[0]
        if before is not None and None not in befores:
            raise SpecError(
                span, f"{before.place.variable} is set in this step already"
                f" ({before.span.file}:{before.span.line}), to another value: no state shows that",
                "an access between the two, or one of them",
            )


def index_slip(program: ir.Program, file: str, line: int) -> SpecError | None:
    """The index in a step at this line that is never right, if there is one."""
    for process in program.processes:
        found = _Indexes(program, process).slips()
        for error, spans in found:
            if any((s.file, s.line) == (file, line) for s in spans):
                return error
    return None


# ---------------------------------------------------------------------------------------- ghosts


class _Ghosts:
    """One process: which ghosts a step has set for certain, and to what.

    slips  for each place in the text where a ghost is set, and each way there (the steps have a
           copy for each): what has set it to another value before, or None"""

    def __init__(self, program: ir.Program, process: ir.Process, slips: Slips) -> None:
        self.process = process
        self.slips = slips
        self.looking = False  # whether slips are gathered yet
        self.ghosts = {v.name for v in program.variables if v.ghost and not v.passing}

    def check(self) -> None:
        """Gather the slips."""
        actions = {a.at: a for a in self.process.actions}
        found: dict[str, Known | None] = {
            at: None if actions[at].transit else {} for at in reachable(self.process)
        }
        todo = [at for at in found if not actions[at].transit]
        todo += self._flow(self.process.entry, {}, found)
        while todo:
            at = todo.pop()
            todo += self._flow(actions[at].body, found[at] or {}, found)
        self.looking = True
        self._block(self.process.entry, {}, [])
        for at, known in found.items():
            self._block(actions[at].body, dict(known or {}), [])

    def _flow(self, block: ir.Block, coming: Known, found: dict[str, Known | None]) -> list[str]:
        """Where something new comes to from a block, within the step."""
        out: list[tuple[str, Known]] = []
        self._block(block, dict(coming), out)
        news = []
        for at, state in out:
            if found.get(at, {}) == {}:  # another step begins there, or nothing is known already
                continue
            old = found[at]
            now = state if old is None else _both(old, state)
            if now != old:
                found[at] = now
                news.append(at)
        return news

    def _block(
        self, block: ir.Block, known: Known | None, out: list[tuple[str, Known]]
    ) -> Known | None:
        for statement in block:
            if known is None:
                return None
            match statement:
                case ir.SetGhost(place) if place.variable in self.ghosts:
                    self._set(statement, known)
                case ir.Assign(local) | ir.Choose(local):
                    known = {k: v for k, v in known.items() if ir.Local(local) not in k[1]}
                case ir.If(condition, then, other):
                    decided = condition.value if isinstance(condition, ir.Const) else None
                    yes = None if decided is False else self._block(then, dict(known), out)
                    no = None if decided is True else self._block(other, dict(known), out)
                    known = no if yes is None else yes if no is None else _both(yes, no)
                case ir.Goto(location):
                    out.append((location, known))
                    return None
                case ir.SetGhost() | ir.Assert() | ir.Assume():
                    pass
        return known

    def _set(self, new: ir.SetGhost, known: Known) -> None:
        place = new.place
        steady = all(isinstance(i, ir.Const | ir.Local | ir.Me | ir.Self) for i in place.index)
        old = known.get((place.variable, place.index)) if steady else None
        slip = old if old is not None and _differ(old.value, new.value) else None
        if self.looking:
            self.slips.setdefault(new.span, []).append(slip)
        if steady and isinstance(new.value, ir.Const | ir.Self):
            known[place.variable, place.index] = new


def _both(a: Known, b: Known) -> Known:
    """What is known on either of two ways."""
    return {k: v for k, v in a.items() if k in b and b[k].value == v.value}


def _differ(a: ir.Expr, b: ir.Expr) -> bool:
    """Whether two values are different for certain."""
    match a, b:
        case ir.Const(x), ir.Const(y):
            return x != y
        case (ir.Const(None), ir.Self()) | (ir.Self(), ir.Const(None)):
            return True
        case _:
            return False


# --------------------------------------------------------------------------------------- indexes


class _Indexes(Ranges):
    """One process: the interval of each index, where it is used."""

    def slips(self) -> list[tuple[SpecError, tuple[Span, ...]]]:
        """Each index that is never right, with the lines that a failure there may name."""
        self.never_right: list[tuple[SpecError, tuple[Span, ...]]] = []
        self.settle()
        self._body(self.process.entry, {}, None)
        for at, env in self.arriving.items():
            action = self.actions.get(at)
            if action is not None:
                self._action(action, dict(env))
        return self.never_right

    def _action(self, action: ir.Action, env: Env) -> None:
        match action.access:
            case ir.Load(place) | ir.Store(place) | ir.Rmw(place):
                self._place(place, env, action)
            case _:
                pass
        for expr in (*ir.access_exprs(action.access), *([action.wait] if action.wait else ())):
            self._looked(expr, env, action)
        after: Env | None = env
        if action.wait is not None:
            after = self.refine(action.wait, True, env, action)
        self._body(action.body, after, action)

    def _body(self, block: ir.Block, env: Env | None, action: ir.Action | None) -> Env | None:
        for statement in block:
            if env is None:
                return None
            if isinstance(statement, ir.SetGhost):
                self._place(statement.place, env, action)
            for expr in ir.statement_exprs(statement):
                self._looked(expr, env, action)
            if isinstance(statement, ir.If):
                yes = self.refine(statement.condition, True, dict(env), action)
                no = self.refine(statement.condition, False, dict(env), action)
                yes = self._body(statement.then, yes, action)
                no = self._body(statement.other, no, action)
                env = no if yes is None else yes if no is None else joined(yes, no)
            else:
                env = self.statement(statement, env, action, [])
        return env

    def _looked(self, expr: ir.Expr, env: Env, action: ir.Action | None) -> None:
        """Each index in an expression, where it is evaluated."""
        match expr:
            case ir.Binary("and" | "or" as op, left, right):
                self._looked(left, env, action)
                behind = self.refine(left, op == "and", dict(env), action)
                if behind is not None:
                    self._looked(right, behind, action)
            case ir.Cond(test, then, other):
                self._looked(test, env, action)
                for truth, arm in ((True, then), (False, other)):
                    there = self.refine(test, truth, dict(env), action)
                    if there is not None:
                        self._looked(arm, there, action)
            case ir.Quantified(_, name, domain, body):
                for below in ir.domain_children(domain):
                    self._looked(below, env, action)
                if isinstance(domain, ir.Range):
                    lo, _ = self.interval(domain.lo, env, action)
                    _, hi = self.interval(domain.hi, env, action)
                    if lo >= hi:
                        return
                    env = {**env, name: (lo, hi - 1)}
                self._looked(body, env, action)
            case ir.Cell(place):
                self._place(place, env, action)
                for below in place.index:
                    self._looked(below, env, action)
            case ir.Element(sort, number, offset, span):
                lo, hi = self.interval(number, env, action)
                size = sort.count if isinstance(sort, ir.Ref) else len(sort.members)
                if hi + offset < 0 or lo + offset >= size:
                    self._slip(_element(sort, (lo, hi), offset), span, action)
                self._looked(number, env, action)
            case _:
                for below in ir.children(expr):
                    self._looked(below, env, action)

    def _place(self, place: ir.Place, env: Env, action: ir.Action | None) -> None:
        for (name, size), index in zip(
            self.variables[place.variable].index, place.index, strict=True
        ):
            lo, hi = self.interval(index, env, action)
            if hi < 0 or lo >= size:
                problem = f"{name}[{_shown((lo, hi))}]: {name} has {_elements(size)}"
                self._slip(problem, place.span, action)

    def interval(self, expr: ir.Expr, env: Env, action: ir.Action | None) -> Interval:
        """As Ranges', which knows sums only to be small."""
        if isinstance(expr, ir.Quantified):
            return EVERYTHING
        return super().interval(expr, env, action)

    def _compare(
        self, op: str, left: ir.Expr, right: ir.Expr, env: Env, action: ir.Action | None
    ) -> Env | None:
        """As Ranges', and of numbers that are no locals too, where they decide it."""
        if self._is_number(left, env) and self._is_number(right, env) and not _possible(
            op, self.interval(left, env, action), self.interval(right, env, action)
        ):
            return None
        return super()._compare(op, left, right, env, action)

    def _is_number(self, expr: ir.Expr, env: Env) -> bool:
        match expr:
            case ir.Me() | ir.Unary("-" | "index_of") | ir.Const(_, ir.Int()):
                return True
            case ir.Local(name):
                return name in env or isinstance(self.sorts.get(name), ir.Int)
            case ir.Binary(op):
                return op in NUMBERS
            case _:
                return False

    def _slip(self, problem: str, span: Span, action: ir.Action | None) -> None:
        """At the spec's own line, where it is the library's that has the index."""
        own = self.process.span.file
        where, instead = span, "a number that is one of these"
        if span.file != own and action is not None:
            where = next((s for s in reversed(action.chain) if s.file == own), span)
        if where != span:
            problem += f" (at {span})"
        spans = (span,) if action is None else (span, action.span)
        self.never_right.append((SpecError(where, problem, instead), spans))


def _possible(op: str, a: Interval, b: Interval) -> bool:
    """Whether a comparison can be true of some numbers of these intervals."""
    match op:
        case "<":
            return a[0] < b[1]
        case "<=":
            return a[0] <= b[1]
        case ">":
            return a[1] > b[0]
        case ">=":
            return a[1] >= b[0]
        case "==":
            return a[0] <= b[1] and b[0] <= a[1]
        case _:
            return not a[0] == a[1] == b[0] == b[1]


def _element(sort: ir.Ref | ir.Enum, number: Interval, offset: int) -> str:
    if isinstance(sort, ir.Ref):
        return f"{sort.cls}[{_shown(number)}]: {sort.cls} has {_elements(sort.count)}"
    last = len(sort.members) - offset - 1
    those = "that is 0 alone" if last == 0 else f"0 to {last}"
    return (
        f"pattern_of({_shown(number)}): each number of a process of the largest group has a"
        f" pattern: {those}"
    )


def _shown(interval: Interval) -> str:
    lo, hi = interval
    return str(lo) if lo == hi else f"{lo}..{hi}"


def _elements(size: int) -> str:
    return "one element, 0" if size == 1 else f"{size} elements, 0 to {size - 1}"
