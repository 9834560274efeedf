"""A process's source -> actions: a location wherever shared memory is accessed, and between two of
them the local and ghost work as a block of statements.

`expand` says what follows from a point up to the next accesses; a point with an access becomes a
location, whose action is built later (so loops end where they began)."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import field
from typing import Literal

from modelcheck import ir
from modelcheck.frontend import branches, loops, statement_words, stores
from modelcheck.frontend.definitions import UNBOUNDED, Function, NoneType, Word
from modelcheck.frontend.points import (
    AtomicEnd, Block, End, Fail, For, IrqsOn, Keep, Point, Points, Results, Return, Seq, StoreKept,
    Test, Way, While, above, atomic, calls, frame, interrupts, loops_around, synthetic,
)
from modelcheck.frontend.expressions import Expressions
from modelcheck.frontend.instances import Compiled, Instances
from modelcheck.frontend.reading import Reading
from modelcheck.frontend.types import called
from modelcheck.frontend.values import (
    Scope, Value, assign, checked, returned,
)
from modelcheck.records import dataclass
from modelcheck.source import Span, SpecError

MOST_ACTIONS = 5_000
MOST_STATEMENTS = 400_000
AGAIN = "_again"  # behind the name of a loop or wait that was left and come into within one step


@dataclass
class Pending:
    """A location whose action is still to be built."""

    at: str
    point: Point
    span: Span
    access: ir.Access | None
    wait: ir.Expr | None
    body: Callable[[], Block]
    local: bool = False  # the head of a loop without accesses: no step of its own
    again: bool = False  # the step here has left the loops around it, and come into them anew


def _block(location: Pending) -> AtomicEnd | None:
    """The atomic block of a location; none of a loop of local work before its first access."""
    block = atomic(location.point)
    return None if location.local and block is not None and block.fresh else block


@dataclass
class Template:
    """What a process (or boot, or an interrupt) was compiled to; `reasons` of its atomic blocks and
    assumes; `come` and `before` are the locations where interrupts do (`points.interrupts`)."""

    entry: ir.Block
    actions: list[ir.Action] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    come: set[str] = field(default_factory=set)
    before: set[str] = field(default_factory=set)
    ambiguous_head: Pending | None = None


class Steps:
    """The actions of one process, or of boot (then memory is read at once and all is transit), or
    of an interrupt (which `ends`: it may not stay in a loop)."""

    def __init__(
        self, expressions: Expressions, instances: Instances, boot: bool, ends: bool = False
    ) -> None:
        self.expressions = expressions
        self.instances = instances
        self.boot = boot
        self.ends = ends
        self.points = Points()
        self.location_of: dict[tuple[int, bool], str] = {}
        # The outermost loop that can be left around what is being built, unless it has another name
        # there: then whatever leads on has left it.  "any" where it is not known whether.
        self.inside: Point | Literal["any"] | None = None
        self.before: dict[str, Block] = {}  # choices made on the way to a location
        self.pending: list[Pending] = []
        self.names: dict[str, int] = {}
        self.heads: set[str] = set()
        self.not_heads: set[str] = set()
        self.reasons: list[str] = []
        self.size = 0

    # ---------------------------------------------------------------------------- the whole

    def process(self, compiled: Compiled) -> Template:
        """The actions of a process."""
        return self._template(self._body(compiled, self.points.make(End)))

    def boots(self, all_compiled: list[Compiled]) -> Template:
        """The actions of boot: these functions, one after another."""
        point: Point = self.points.make(End)
        for compiled in reversed(all_compiled):
            point = self._body(compiled, point)
        return self._template(point)

    def _body(self, compiled: Compiled, following: Point) -> Point:
        scope = compiled.scope
        back = self.points.make(Return, None, "", None, None, scope, following)
        return self.points.make(Seq, compiled.instance.function.node.body, 0, scope, back)

    def _template(self, start: Point) -> Template:
        entry = tuple(self.expand(start, Way()))
        built: list[tuple[Pending, ir.Block]] = []
        while self.pending:
            location = self.pending.pop(0)
            if self._is_transit(location):
                self.inside = "any"
            else:
                self.inside = None if location.again else loops.to_be_left(location.point)
            built.append((location, tuple(location.body())))
            if len(built) > MOST_ACTIONS:
                raise SpecError(
                    location.span, f"the inlined process has over {MOST_ACTIONS} steps",
                    "smaller functions, or fewer calls",
                )
        template = Template(entry, [self._action(p, body) for p, body in built], self.reasons)
        for p, _ in built:
            if not p.local and interrupts(p.point) != "off":
                (template.come if interrupts(p.point) == "come" else template.before).add(p.at)
        both = self.heads & self.not_heads
        template.ambiguous_head = next((p for p, _ in built if p.at in both), None)
        return template

    def _action(self, location: Pending, body: ir.Block) -> ir.Action:
        point, block = location.point, _block(location)
        around = loops_around(point)
        endless = bool(around) and loops.has_no_way_out(around[0])
        if endless and self.ends:
            raise SpecError(
                around[0].scope.module.span(around[0].node).first_line(),
                "an interrupt runs to its end, and this loop has none",
                "a condition, a break or a return",
            )
        names = tuple(
            ir.Loop(
                f"loop_{p.node.lineno}_{i}{AGAIN * location.again}",
                p.scope.module.span(p.node),
            )
            for i, p in enumerate(around)
        )[endless:]
        waits = location.wait is not None
        if waits:
            names = (*names, ir.Loop(f"wait_{location.at}", location.span))
        return ir.Action(
            at=location.at,
            access=location.access,
            body=body,
            wait=location.wait,
            loops=names,
            resting=endless and not names,
            head=location.at in self.heads - self.not_heads,
            transit=self._is_transit(location),
            reason=block.reason if block is not None else None,
            span=location.span,
            chain=calls(point),
        )

    def _is_transit(self, location: Pending) -> bool:
        block = _block(location)
        return self.boot or location.local or (block is not None and not block.fresh)

    # -------------------------------------------------------------------------------- locations

    def location(
        self, point: Point, node: ast.AST, access: ir.Access | None, way: Way,
        body: Callable[[], Block], before: Block | None = None, wait: ir.Expr | None = None,
        local: bool = False,
    ) -> Block:
        """A Goto to the location at this point, which is made now."""
        scope = frame(point).scope
        span = scope.module.span(node).first_line()
        if wait is not None:
            block = atomic(point)
            if block is not None and not block.fresh:
                raise SpecError(
                    span, "an atomic block may wait at its first access only",
                    "the wait before the block",
                )
        function = scope.instance.function.name if scope.instance else "boot"
        base = f"{function}_{span.line}"
        self.names[base] = self.names.get(base, 0) + 1
        at = base if self.names[base] == 1 else f"{base}_{self.names[base]}"
        again = loops.come_into_again(point, way)
        self.location_of[id(point), again] = at
        self.before[at] = before or []
        self.pending.append(Pending(at, point, span, access, wait, body, local, again))
        return self._goto(point, way)

    def _goto(self, point: Point, way: Way) -> Block:
        at = self.location_of[id(point), loops.come_into_again(point, way)]
        at_head = way.main is not None and way.main in loops_around(point)
        (self.heads if at_head else self.not_heads).add(at)
        span = next((p.span for p in self.pending if p.at == at), None)
        return [*self.before[at], ir.Goto(at, span) if span else ir.Goto(at)]

    def go(self, point: Point) -> Block:
        """What follows an access: the rest of the step."""
        return self.expand(self.points.stale(point), Way(inside=self.inside))

    # ------------------------------------------------------------------------------- expanding

    def expand(self, point: Point, way: Way) -> Block:
        """The statements from a point up to the next accesses."""
        self.size += 1
        if self.size > MOST_STATEMENTS:
            scope = frame(point).scope
            raise SpecError(
                scope.module.span(scope.module.tree.body[0]), "this design is too large to compile",
                "smaller functions, fewer branches between two accesses",
            )
        if (id(point), loops.come_into_again(point, way)) in self.location_of:
            return self._goto(point, way)
        match point:
            case End():
                return [ir.Goto(ir.END)]
            case Seq(block, i, _, following):
                if i >= len(block):
                    return self.expand(following, way)
                after = self.points.make(Seq, block, i + 1, point.scope, following)
                return self._statement(block[i], point, after, way)
            case While():
                return loops.while_head(self, point, way)
            case For():
                return loops.for_next(self, point, way)
            case Test():
                return branches.test(self, point, way)
            case Keep():
                return self.keep(point, way)
            case StoreKept(place, scope, name, following):
                kind = scope.instance.locals[name] if scope.instance else UNBOUNDED
                value = self.expressions.value(
                    ast.copy_location(ast.Name(name, ast.Load()), place), scope, self.reading()
                )
                kept = Value(value.expr, kind)
                return stores.store(self, place, kept, point, scope, following, way)
            case Fail(sentence, span):
                no = ir.Const(False, ir.Bool(), span)
                return [ir.Assert(no, sentence, span), ir.Goto(ir.END, span)]
            case Return(next=following) | AtomicEnd(next=following) | IrqsOn(next=following):
                return self.expand(following, way)

    def reading(self, how: str = "step") -> Reading:
        if self.boot:
            return Reading("instant", why_not="boot is sequential: a plain store does")
        return Reading(how)

    def _statement(self, node: ast.stmt, here: Seq, after: Point, way: Way) -> Block:
        scope = here.scope
        make = self.points.make
        match node:
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                return self.expand(after, way)
            case ast.Assign(targets=[ast.Tuple() as targets], value=ast.Tuple() as values):
                return stores.assign_tuple(self, node, targets, values, here, after, way)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                return self.expand(make(Keep, value, scope, scope, name, after, here), way)
            case ast.Assign(targets=[target], value=value):
                return stores.assign_place(self, target, value, node, here, after, way)
            case ast.AnnAssign(target=ast.Name(id=name), value=value):
                if value is None:
                    return self.expand(after, way)
                return self.expand(make(Keep, value, scope, scope, name, after, here), way)
            case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=value):
                load = ast.copy_location(ast.Name(name, ast.Load()), target)
                (both,) = synthetic(node, "value", ast.BinOp(load, op, value))
                return self.expand(make(Keep, both, scope, scope, name, after, here), way)
            case ast.If(test=test, body=then, orelse=other):
                short = branches.local_if(self, node, here, after, way)
                if short is not None:
                    return short
                yes = make(Seq, then, 0, scope, after)
                no = make(Seq, other, 0, scope, after)
                return self.expand(make(Test, test, scope, yes, no, here, "step"), way)
            case ast.While():
                return self.expand(make(While, node, scope, after), way)
            case ast.For():
                return loops.for_start(self, node, here, after, way)
            case ast.Break():
                loop = next(p for p in above(here) if isinstance(p, (While, For)))
                return self.expand(loop.next, way)
            case ast.Continue():
                return self.expand(
                    next(p for p in above(here) if isinstance(p, (While, For))), way
                )
            case ast.Return(value=value):
                return self._return(value, here, way)
            case ast.Assert(test=test, msg=ast.Constant(value=str(sentence))):
                return self._assert(node, test, sentence, here, after, way)
            case ast.With(items=[item], body=body):
                return self._with(item.context_expr, body, here, after, way)
            case ast.Expr(value=ast.Call() as call):
                return statement_words.call_statement(self, call, node, here, after, way)
            case _:
                raise SpecError(
                    scope.module.span(node), "this statement is not of the language",
                    "an assignment, if, while, for, assert, a call or return",
                )

    # ------------------------------------------------------------------------ values and stores

    def keep(self, point: Keep, way: Way) -> Block:
        node, scope, make = point.node, point.scope, self.points.make
        inlined = self.inlined(node, scope)
        if inlined is not None:
            return self.enter(
                inlined, node, scope, (point.target, point.name, None), point.next, point, way,
                point.results,
            )
        if isinstance(node, ast.IfExp) and self.touches([node.body, node.orelse], scope):
            yes, no = (self._instead(point, arm) for arm in (node.body, node.orelse))
            return self.expand(make(Test, node.test, scope, yes, no, point.at, "step"), way)
        if isinstance(node, ast.BoolOp) and self.touches(node.values[1:], scope):
            true, false = synthetic(node, "truths", ast.Constant(True), ast.Constant(False))
            yes, no = (self._instead(point, value) for value in (true, false))
            return self.expand(make(Test, node, scope, yes, no, point.at, "step"), way)
        reading = self.reading()
        value = self.expressions.value(node, scope, reading)
        kept = self._kept(point, value, scope.module.span(node).first_line())
        if reading.access is None:
            return [*reading.before, *kept, *self.expand(point.next, way)]
        return self.location(
            point, node, reading.access, way,
            lambda: [*reading.after, *kept, *self.go(point.next)], reading.before,
        )

    def _instead(self, point: Keep, node: ast.expr) -> Point:
        """The same, of another value."""
        return self.points.make(
            Keep, node, point.scope, point.target, point.name, point.next, point.at, point.results
        )

    def _kept(self, point: Keep, value: Value, span: Span) -> Block:
        """A value put where it is wanted: what functions declare to return binds it, and so does
        the local.  Where it is dropped, it may go wrong all the same."""
        results = [] if point.results is None else list(point.results.types)
        if point.target is None:
            return checked(returned(value, results).expr, span)
        instance = point.target.instance
        assert instance is not None
        kind = instance.locals[point.name]
        again = isinstance(kind, ir.Int) or point.name in instance.annotated
        if results and again and results[-1] == (kind, span):
            results.pop()  # the local is of that very type
        found = returned(value, results)
        return assign(f"{instance.prefix}.{point.name}", kind, found.expr, span)

    def touches(self, nodes: list[ast.expr], scope: Scope) -> bool:
        """Whether evaluating any of these accesses memory (not in boot, where reading is free)."""
        if self.boot:
            return False
        reading = Reading("instant", dry=True)
        for node in nodes:
            self.expressions.value(node, scope, reading)
        return reading.touched

    # ------------------------------------------------------------------ asserts, atomic, return

    def observes(self, node: ast.expr, scope: Scope) -> bool:
        for below in ast.walk(node):
            if isinstance(below, ast.Call):
                definition = scope.definition(called(below.func))
                if isinstance(definition, Function) and definition.role == "predicate":
                    return True
        return False

    def _assert(
        self, node: ast.Assert, test: ast.expr, sentence: str, here: Seq, after: Point, way: Way
    ) -> Block:
        scope, make = here.scope, self.points.make
        span = scope.module.span(node).first_line()
        if isinstance(test, ast.BoolOp) and self.touches(test.values, scope):
            observed = [self.observes(value, scope) for value in test.values]
            if not observed[0]:
                first: ast.expr = test
                yes: Point = after
                no: Point = make(Fail, sentence, span, here)
                if any(observed):
                    first, rest = self._observe_later(
                        node, test, observed.index(True), here, after
                    )
                    yes, no = (rest, no) if isinstance(test.op, ast.And) else (yes, rest)
                return self.expand(make(Test, first, scope, yes, no, here, "assert"), way)
        if (
            isinstance(test, ast.IfExp) and self.touches([test.body, test.orelse], scope)
            and not self.observes(test, scope)
        ):
            fail = make(Fail, sentence, span, here)
            return self.expand(make(Test, test, scope, after, fail, here, "assert"), way)
        if self.observes(test, scope):
            condition = self.expressions.test(test, scope, Reading("instant"))
            seen = ir.Loaded(span)
            return self.location(
                here, node, ir.Observe(condition), way,
                lambda: [ir.Assert(seen, sentence, span), *self.go(after)],
            )
        reading = self.reading("assert")
        condition = self.expressions.test(test, scope, reading)
        checked: Block = [ir.Assert(condition, sentence, span)]
        if reading.access is None:
            return [*reading.before, *checked, *self.expand(after, way)]
        return self.location(
            here, node, reading.access, way,
            lambda: [*reading.after, *checked, *self.go(after)], reading.before,
        )

    def _observe_later(
        self, node: ast.Assert, test: ast.BoolOp, at: int, here: Seq, after: Point
    ) -> tuple[ast.expr, Point]:
        """`assert local and seen(...)`: what is tested first, and the assert of the rest, which
        from its first predicate on is observed at one instant."""
        first = test.values[0]
        if at > 1:
            (first,) = synthetic(test, "earlier", ast.BoolOp(test.op, test.values[:at]))
        values = test.values[at:]
        rest = ast.Assert(values[0] if len(values) == 1 else ast.BoolOp(test.op, values), node.msg)
        block = synthetic(node, "rest", rest)
        return first, self.points.make(Seq, block, 0, here.scope, after)

    def _with(
        self, item: ast.expr, body: list[ast.stmt], here: Seq, after: Point, way: Way
    ) -> Block:
        scope = here.scope
        span = scope.module.span(item)
        word = scope.definition(called(item)) if isinstance(item, ast.Call) else None
        if word == Word("irqs_off") and isinstance(item, ast.Call):
            if item.args or item.keywords:
                raise SpecError(
                    span, "irqs_off takes no arguments: it is of this CPU", "with irqs_off():"
                )
            on = self.points.make(IrqsOn, True, after)
            return self.expand(self.points.make(Seq, body, 0, scope, on), way)
        match item:
            case ast.Call(args=[ast.Constant(value=str(reason))]) if word == Word("atomic"):
                pass
            case _:
                raise SpecError(
                    span, "only atomic(...) and irqs_off() here", 'with atomic("the reason"):'
                )
        if atomic(here) is not None:
            raise SpecError(span, "this is atomic already", "one atomic block")
        self.reasons.append(f"atomic: {reason}")
        end = self.points.make(AtomicEnd, reason, True, after)
        return self.expand(self.points.make(Seq, body, 0, scope, end), way)

    def _return(self, value: ast.expr | None, here: Seq, way: Way) -> Block:
        back = frame(here)
        make = self.points.make
        if value is None:
            return self.expand(back.next, way)
        if back.branches is not None:
            then, other = back.branches
            return self.expand(make(Test, value, here.scope, then, other, here, "step"), way)
        assert here.scope.instance is not None
        line = here.scope.module.span(value).first_line()
        results = self.points.results(here.scope.instance.returns, line, back.results)
        return self.expand(
            make(Keep, value, here.scope, back.target, back.name, back.next, here, results), way
        )

    # ---------------------------------------------------------------------------------- calls

    def inlined(self, node: ast.expr, scope: Scope) -> Function | None:
        """The function that a whole expression calls, if its steps are put in place of the call."""
        if not isinstance(node, ast.Call):
            return None
        function = scope.definition(called(node.func))
        if not isinstance(function, Function) or function.role == "predicate":
            return None
        reading = Reading("instant", dry=True)
        compiled, _ = self.instances.of_call(node, function, scope, reading)
        nothing = isinstance(compiled.instance.returns, NoneType)
        return function if compiled.accesses or compiled.loops or nothing else None

    def enter(
        self, function: Function, node: ast.expr, scope: Scope,
        target: tuple[Scope | None, str, tuple[Point, Point] | None], following: Point,
        here: Point, way: Way, results: Results | None = None,
    ) -> Block:
        assert isinstance(node, ast.Call)
        reading = self.reading()
        compiled, arguments = self.instances.of_call(node, function, scope, reading)
        span = scope.module.span(node).first_line()
        block: Block = list(reading.before)
        values = [
            (name, kind, self.expressions.value(argument, scope, self.reading()).expr)
            for name, argument, kind in arguments.values
        ]
        for _, _, value in values if len(values) + len(arguments.checks) > 1 else ():
            block += checked(value, span)  # all arguments are computed before one is passed
        for check in arguments.checks:
            block += checked(check, span)
        for name, kind, value in values:
            block += assign(f"{compiled.instance.prefix}.{name}", kind, value, span)
        make = self.points.make
        to, name_, branches = target
        back = make(Return, to, name_, branches, span, compiled.scope, following, results)
        return [*block, *self.expand(make(Seq, function.node.body, 0, compiled.scope, back), way)]
