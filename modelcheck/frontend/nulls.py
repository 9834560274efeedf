"""None, wherever it stands, is given the sort of what it is stored in or compared with, so that
each expression of a Program has one sort."""

from __future__ import annotations

from dataclasses import replace

from modelcheck import ir
from modelcheck.frontend.definitions import UNBOUNDED

Sorts = dict[str, ir.Sort]


def type_nulls(program: ir.Program) -> ir.Program:
    """The Program with a sort for each None."""
    variables = {v.name: v.sort for v in program.variables}
    retype = _Nulls(variables)
    boot = None if program.boot is None else retype.process(program.boot)
    properties = tuple(
        replace(
            p,
            condition=retype.expr(p.condition, {}, ir.Bool()),
            when=None if p.when is None else retype.expr(p.when, {}, ir.Bool()),
        )
        for p in program.properties
    )
    processes = tuple(retype.process(p) for p in program.processes)
    return replace(program, boot=boot, processes=processes, properties=properties)


class _Nulls:
    def __init__(self, variables: Sorts) -> None:
        self.variables = variables

    def process(self, process: ir.Process) -> ir.Process:
        locals_ = {v.name: v.sort for v in process.locals}
        return replace(
            process,
            entry=self.block(process.entry, locals_),
            actions=tuple(self.action(a, locals_) for a in process.actions),
        )

    def action(self, action: ir.Action, locals_: Sorts) -> ir.Action:
        env = dict(locals_)
        access = action.access
        match access:
            case ir.Load(place) | ir.Rmw(place):
                env["$"] = self.variables[place.variable]
            case ir.Observe():
                env["$"] = ir.Bool()
            case ir.Store() | ir.Fence() | None:
                pass
        match access:
            case ir.Load(place):
                access = replace(access, place=self.place(place, env))
            case ir.Rmw(place, value):
                sort = self.variables[place.variable]
                access = replace(
                    access, place=self.place(place, env), value=self.expr(value, env, sort)
                )
            case ir.Store(place, value, part):
                sort = self.variables[place.variable]
                for name in part:
                    assert isinstance(sort, ir.Record)
                    sort = dict(sort.fields)[name]
                access = replace(
                    access, place=self.place(place, env), value=self.expr(value, env, sort)
                )
            case ir.Observe(value):
                access = replace(access, value=self.expr(value, env, ir.Bool()))
            case ir.Fence() | None:
                pass
        wait = None if action.wait is None else self.expr(action.wait, env, ir.Bool())
        return replace(action, access=access, wait=wait, body=self.block(action.body, env))

    def block(self, block: ir.Block, env: Sorts) -> ir.Block:
        return tuple(self.statement(s, env) for s in block)

    def statement(self, statement: ir.Statement, env: Sorts) -> ir.Statement:
        match statement:
            case ir.Assign(local, value):
                return replace(statement, value=self.expr(value, env, env.get(local)))
            case ir.SetGhost(place, value):
                sort = self.variables[place.variable]
                return replace(
                    statement, place=self.place(place, env), value=self.expr(value, env, sort)
                )
            case ir.Assert(condition) | ir.Assume(condition):
                return replace(statement, condition=self.expr(condition, env, ir.Bool()))
            case ir.Choose(local, tuple() as options):
                sort_ = env.get(local)
                return replace(statement, options=tuple(self.expr(o, env, sort_) for o in options))
            case ir.Choose(_, (ir.Instances() | ir.Range() | ir.Chain()) as domain):
                return replace(statement, options=self.domain(domain, env))
            case ir.If(condition, then, other):
                return replace(
                    statement, condition=self.expr(condition, env, ir.Bool()),
                    then=self.block(then, env), other=self.block(other, env),
                )
            case _:
                return statement

    def place(self, place: ir.Place, env: Sorts) -> ir.Place:
        return replace(place, index=tuple(self.expr(i, env, None) for i in place.index))

    def domain(self, domain: ir.Domain, env: Sorts) -> ir.Domain:
        match domain:
            case ir.Instances():
                return domain
            case ir.Range(lo, hi):
                return ir.Range(self.expr(lo, env, UNBOUNDED), self.expr(hi, env, UNBOUNDED))
            case ir.Chain(start, variable):
                return ir.Chain(self.expr(start, env, self.variables[variable]), variable)

    def expr(self, expr: ir.Expr, env: Sorts, wanted: ir.Sort | None) -> ir.Expr:
        """The expression, each None in it typed; `wanted` is the sort that it must have."""
        match expr:
            case ir.Const(None) if isinstance(wanted, ir.Ref):
                return replace(expr, sort=replace(wanted, nullable=True))
            case ir.Const(int(value)) if expr.sort == UNBOUNDED:
                return replace(expr, sort=ir.Int(value, value))
            case ir.Const() | ir.Local() | ir.Loaded() | ir.Me() | ir.Self() | ir.AtRest():
                return expr
            case ir.Cell(place):
                return replace(expr, place=self.place(place, env))
            case ir.Unary(_, operand) | ir.Field(operand) | ir.NotNull(operand):
                return replace(expr, operand=self.expr(operand, env, wanted))
            case ir.Fit(kind, operand):
                return replace(expr, operand=self.expr(operand, env, kind))
            case ir.After(first, operand):
                return replace(
                    expr, first=self.expr(first, env, None),
                    operand=self.expr(operand, env, wanted),
                )
            case ir.Element(_, number):
                return replace(expr, number=self.expr(number, env, UNBOUNDED))
            case ir.Binary(op, left, right):
                sides: ir.Sort | None = None
                if op in ("==", "!="):
                    sides = self.sort(left, env) or self.sort(right, env)
                return replace(
                    expr, left=self.expr(left, env, sides), right=self.expr(right, env, sides)
                )
            case ir.Cond(test, then, other):
                sort = wanted or self.sort(expr, env)
                return replace(
                    expr, test=self.expr(test, env, ir.Bool()), then=self.expr(then, env, sort),
                    other=self.expr(other, env, sort),
                )
            case ir.Make(sort, parts):
                typed = (self.expr(p, env, s) for p, (_, s) in zip(parts, sort.fields, strict=True))
                return replace(expr, parts=tuple(typed))
            case ir.Quantified(_, name, domain, body):
                bound: ir.Sort = UNBOUNDED
                if isinstance(domain, ir.Instances):
                    bound = domain.sort
                elif isinstance(domain, ir.Chain):
                    bound = self.variables[domain.variable]
                inner = {**env, name: bound}
                return replace(
                    expr, domain=self.domain(domain, env), body=self.expr(body, inner, None)
                )

    def sort(self, expr: ir.Expr, env: Sorts) -> ir.Sort | None:
        """The sort of an expression that may be a reference; None where it does not tell."""
        match expr:
            case ir.Const(None):
                return None
            case ir.Const(_, sort) | ir.Make(sort) | ir.Element(sort):
                return sort
            case ir.Local(name):
                return env.get(name)
            case ir.Loaded():
                return env.get("$")
            case ir.Cell(place):
                return self.variables[place.variable]
            case ir.Field(_, name, record):
                return dict(record.fields)[name]
            case ir.Cond(_, then, other):
                return self.sort(then, env) or self.sort(other, env)
            case ir.Fit(sort):
                return sort
            case ir.NotNull(operand) | ir.After(_, operand):
                return self.sort(operand, env)
            case ir.Self():
                return None
            case ir.Unary() | ir.Binary() | ir.Quantified() | ir.Me() | ir.AtRest():
                return None
