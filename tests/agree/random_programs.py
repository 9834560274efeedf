"""Random small Programs: two or three processes over words, arrays, references and ghosts, with
waits, choices, asserts, transit locations and dead locals.  `random_program(seed)` is the same
everywhere.

Well sorted, but not well behaved: ranges are left and None is dereferenced now and then, as the
checker must say which step does so.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from random import Random

from modelcheck.ir import (
    END,
    Access,
    Action,
    After,
    Assert,
    Assign,
    Assume,
    AtRest,
    Binary,
    Block,
    Bool,
    Cell,
    Chain,
    Choose,
    Cond,
    Const,
    Element,
    Enum,
    Expr,
    Field,
    Fit,
    Goto,
    If,
    Instances,
    Int,
    Load,
    Loaded,
    Local,
    Loop,
    Make,
    Me,
    NotNull,
    Observe,
    Place,
    Process,
    Program,
    Property,
    Quantified,
    Range,
    Record,
    Ref,
    Rmw,
    SetGhost,
    Sort,
    Statement,
    Store,
    Unary,
    Value,
    Variable,
    access_exprs,
    statement_exprs,
    statements,
    walk,
)

BOOL, NUMBER, WRAPS = Bool(), Int(0, 2), Int(0, 3, wraps=True)
PAGE, MAYBE = Ref("Page", 2, False), Ref("Page", 2, True)
STATE = Enum("State", ("DIRTY", "CLEAN"))
WORD = Record("Info", (("count", WRAPS), ("owner", MAYBE)))

SHARED = (
    Variable("lock", BOOL, initial=(False,)),
    Variable("heap.head", MAYBE, initial=(1,)),
    Variable("heap.count", NUMBER, initial=(0,)),
    Variable("Page.next", MAYBE, (("Page", 2),), (None, 0)),
    Variable("Page.info", WORD, (("Page", 2),), ((0, None), (1, 0))),
    Variable("Page.state", STATE, (("Page", 2),), (0, 0)),
    Variable("seen", NUMBER, initial=(0,), ghost=True),
)
LOCALS = (
    Variable("flag", BOOL), Variable("n", NUMBER), Variable("w", WRAPS), Variable("pg", PAGE),
    Variable("maybe", MAYBE), Variable("state", STATE), Variable("info", WORD),
)  # fmt: skip


class Maker:
    """Makes one Program.  `readable`: an expression may look at all of memory (as ghosts do).

    wild  this Program soon leaves a range, dereferences None, ...; a tame one runs long enough for
          waits and deadlocks to matter"""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.apart = Random(~seed)  # of what is declared: all else is as if nothing were
        self.wild = seed % 4 == 0

    # --------------------------------------------------------------------------- expressions

    def expr(self, sort: Sort, depth: int, readable: bool, loaded: Sort | None) -> Expr:
        """An expression of this sort, which now and then is declared to be so, or stands behind
        another one that may go wrong."""
        made = self.undeclared(sort, depth, readable, loaded)
        kind = self.apart.random()
        if kind < 0.04:
            return Fit(sort, made)
        if kind < 0.06 and sort in (NUMBER, WRAPS):
            return Fit(replace(sort, wraps=True), Binary("+", made, Const(2, NUMBER)))
        if kind < 0.08 and self.wild and sort in (NUMBER, PAGE):
            wrong = Binary("+", made, Const(1, NUMBER)) if sort == NUMBER else Local("maybe")
            return Fit(sort, wrong)
        if kind < 0.11:
            return After(self.checked(), made)
        return made

    def checked(self) -> Expr:
        """What goes wrong now and then, in a wild Program; its value is dropped."""
        n, maybe = Local("n"), Local("maybe")
        wild: list[Expr] = [
            NotNull(maybe), Fit(PAGE, maybe), Fit(NUMBER, Binary("-", n, Local("w"))),
            Element(PAGE, n), Binary("%", n, Local("w")),
            Make(WORD, (n, Cond(Local("flag"), NotNull(maybe), maybe))),
        ]
        tame: list[Expr] = [
            Fit(WRAPS, Binary("-", n, Local("w"))), Fit(NUMBER, n), Fit(PAGE, Local("pg")),
            Element(PAGE, Fit(Int(0, 1, wraps=True), n)),
        ]
        return self.apart.choice(wild if self.wild else tame)

    def undeclared(self, sort: Sort, depth: int, readable: bool, loaded: Sort | None) -> Expr:
        """An expression of this sort."""
        simple: list[Expr] = [Const(self.constant(sort), sort)]
        simple += [Local(v.name) for v in LOCALS if v.sort == sort] * 2
        if loaded == sort:
            simple += [Loaded()] * 3
        if sort == Int(0, 2):
            simple += [Me(), Unary("index_of", Local("pg"))]
        if readable:
            simple += [Cell(self.place(v)) for v in SHARED if v.sort == sort]
        if depth <= 0 or self.random.random() < 0.3:
            return self.random.choice(simple)
        if self.random.random() < 0.2:
            return Cond(
                self.expr(BOOL, depth - 1, readable, loaded),
                self.expr(sort, depth - 1, readable, loaded),
                self.expr(sort, depth - 1, readable, loaded),
            )
        match sort:
            case Bool():
                return self.condition(depth, readable, loaded)
            case Int():
                return self.arithmetic(sort, depth, readable, loaded)
            case Ref(_, _, False):
                number = self.expr(NUMBER, depth - 1, readable, loaded)
                if self.wild:
                    return Element(sort, number, self.random.choice((-1, 0, 0)))
                return Element(sort, Binary("%", number, Const(2, Int(2, 2))))
            case Ref():
                return Field(self.expr(WORD, depth - 1, readable, loaded), "owner", WORD)
            case Record(_, fields):
                return Make(sort, tuple(
                    self.expr(s, depth - 1, readable, loaded) for _, s in fields
                ))
            case Enum():
                return self.random.choice(simple)

    def arithmetic(self, sort: Int, depth: int, readable: bool, loaded: Sort | None) -> Expr:
        ops = ("+", "*", "&", "|", "^", "-", "//", "%", "<<", ">>")[: 10 if self.wild else 5]
        result = Binary(
            self.random.choice(ops), self.expr(sort, depth - 1, readable, loaded),
            self.expr(NUMBER, depth - 1, readable, loaded),
        )
        if self.wild or sort.wraps:
            return result
        return Binary("%", result, Const(sort.hi + 1, Int(sort.hi + 1, sort.hi + 1)))

    def constant(self, sort: Sort) -> Value:
        match sort:
            case Bool():
                return self.random.random() < 0.5
            case Int(lo, hi, _):
                return self.random.randint(lo, hi)
            case Enum(_, members):
                return self.random.randrange(len(members))
            case Ref(_, count, nullable):
                return None if nullable and self.random.random() < 0.4 else (
                    self.random.randrange(count))
            case Record(_, fields):
                return tuple(self.constant(s) for _, s in fields)

    def condition(self, depth: int, readable: bool, loaded: Sort | None) -> Expr:
        """A comparison, a connective, or (over all of memory) a quantifier."""
        kind = self.random.random()
        if kind < 0.15:
            return Unary("not", self.expr(BOOL, depth - 1, readable, loaded))
        if kind < 0.4:
            return Binary(self.random.choice(("and", "or")),
                          self.expr(BOOL, depth - 1, readable, loaded),
                          self.expr(BOOL, depth - 1, readable, loaded))
        if readable and kind < 0.55:
            return self.quantified()
        sort: Sort = self.random.choice((NUMBER, NUMBER, MAYBE, STATE, WORD, WRAPS))
        ops = ("==", "!=", "<", "<=", ">", ">=") if isinstance(sort, Int) else ("==", "!=")
        return Binary(self.random.choice(ops), self.expr(sort, depth - 1, readable, loaded),
                      self.expr(sort, depth - 1, readable, loaded))

    def quantified(self) -> Expr:
        op = self.random.choice(("all", "any", "sum"))
        domain = self.random.choice((
            Instances(PAGE), Chain(Cell(Place("heap.head")), "Page.next"),
            Range(Const(0, NUMBER), Cell(Place("heap.count"))),
        ))
        bound = Local("each")
        body: Expr = Binary("==", bound, Cell(Place("heap.count")))
        if not isinstance(domain, Range):
            body = Binary("==", Cell(Place("Page.state", (bound,))), Const(1, STATE))
        if op != "sum":
            return Quantified(op, "each", domain, body)
        one = Cond(body, Const(1, NUMBER), Const(0, NUMBER))
        return Binary("<", Quantified(op, "each", domain, one), Const(1, NUMBER))

    def place(self, variable: Variable) -> Place:
        """A cell of a variable; the index may be None."""
        options: list[Expr] = [Local("pg"), Local("pg"), Const(0, PAGE)]
        if self.wild:
            options.append(Local("maybe"))
        return Place(variable.name, tuple(self.random.choice(options) for _ in variable.index))

    # ---------------------------------------------------------------------------- statements

    def block(self, locations: tuple[str, ...], depth: int, loaded: Sort | None) -> Block:
        """Statements, the last of which ends every path in a Goto."""
        body: list[Statement] = []
        for _ in range(self.random.randint(0, 2)):
            body.append(self.statement(loaded))
        if depth > 0 and self.random.random() < 0.5:
            condition = self.expr(BOOL, 2, False, loaded)
            then = self.block(locations, depth - 1, loaded)
            if self.random.random() < 0.3:
                then = tuple(s for s in then if not isinstance(s, Goto | If))
            body.append(If(condition, then, self.block(locations, depth - 1, loaded)))
        body.append(Goto(self.random.choice(locations)))
        return tuple(body)

    def statement(self, loaded: Sort | None) -> Statement:
        kind = self.random.random()
        local = self.random.choice(LOCALS)
        if kind < 0.55:
            return Assign(local.name, self.expr(local.sort, 2, False, loaded))
        if kind < 0.6 and self.wild:
            return SetGhost(Place("seen"), self.expr(NUMBER, 1, True, loaded))
        if kind < 0.68:
            arms = 2 if self.wild else 6
            weak = [self.expr(BOOL, 2, True, loaded) for _ in range(arms)]
            return Assert(
                reduce(lambda a, b: Binary("or", a, b), weak), self.random.choice(("one", "two"))
            )
        if kind < 0.7:
            return Assume(self.expr(BOOL, 2, False, loaded))
        if kind < 0.8:
            return Choose("pg", Instances(PAGE))
        if kind < 0.84:
            last = Local("n") if self.wild else Const(2, NUMBER)
            return Choose("n", Range(Const(0, NUMBER), last))
        options = tuple(self.expr(local.sort, 1, False, loaded) for _ in range(2))
        return Choose(local.name, options)

    def access(self) -> tuple[Access | None, Sort | None]:
        """An access, and the sort of what it reads."""
        shared = [v for v in SHARED if not v.ghost]
        variable = self.random.choice([*shared, *shared[:3], SHARED[2]])
        place, sort = self.place(variable), variable.sort
        match self.random.randrange(8):
            case 0 | 1 | 2:
                return Load(place), sort
            case 3 | 4:
                value = self.expr(sort, 1, False, None)
                other = Const(self.constant(sort), sort)
                return Store(place, self.random.choice((value, other))), None
            case 5:
                return Rmw(place, self.expr(sort, 1, False, sort)), sort
            case 6:
                part = Place("Page.info", (Local("pg"),))
                return Store(part, self.expr(MAYBE, 1, False, None), ("owner",)), None
            case _:
                return Observe(self.expr(BOOL, 2, True, None)), BOOL

    def wait(self, loaded: Sort | None) -> Expr:
        """A condition on what was read, if that says anything, else on locals."""
        if loaded == BOOL:
            return Unary("not", Loaded())
        if loaded == NUMBER:
            return Binary("<", Loaded(), Const(2, NUMBER))
        if loaded == MAYBE:
            return Binary("!=", Loaded(), Const(self.constant(MAYBE), MAYBE))
        return Binary("or", self.expr(BOOL, 1, False, loaded), Unary("not", Local("flag")))

    # ----------------------------------------------------------------------------- processes

    def process(self, name: str, count: int) -> Process:
        names = tuple(f"{name}_{n}" for n in range(self.random.randint(3, 6)))
        actions = tuple(self.action(at, n, names) for n, at in enumerate(names))
        entry = self.block(names[:1], 0, None) if self.wild else (Goto(names[0]),)
        process = Process(name, count, count > 1, LOCALS, entry, actions)
        return replace(process, actions=tuple(
            replace(a, live=_live(process, a.at)) for a in actions
        ))

    def action(self, at: str, n: int, names: tuple[str, ...]) -> Action:
        transit = n > 0 and self.random.random() < 0.2
        access, loaded = (None, None) if transit else self.access()
        onward = (*names[n + 1 :], END) if transit else (*names * 2, END)
        wait = self.wait(loaded) if self.random.random() < 0.25 else None
        loops = tuple(Loop(f"loop_{m}") for m in range(self.random.choice((0, 0, 0, 1, 2))))
        if wait is not None:
            loops = (*loops, Loop(f"wait_{at}"))
        resting = not loops and self.random.random() < 0.5
        body = self.block(onward, 1, loaded)
        for local in LOCALS:
            if local.sort == loaded and self.random.random() < 0.7:
                body = (Assign(local.name, Loaded()), *body)
        if not transit and self.random.random() < 0.3:
            body = (SetGhost(Place("seen"), self.expr(NUMBER, 1, True, loaded)), *body)
        return Action(
            at, access, body, wait, loops=loops, resting=resting,
            head=n == 0, transit=transit,
        )

    def program(self) -> Program:
        """Two processes, or three of which two are of one template."""
        processes = (
            self.process("a", self.random.choice((1, 1, 2))), self.process("b", 1)
        )
        total = sum(p.count for p in processes)
        properties = (
            Property("always", "sound", Unary("not", Binary("and", self.expr_of_memory(),
                     Binary("==", Cell(Place("heap.count")), Const(2, NUMBER))))),
            Property("sometimes", "busy", self.quantified(), when=self.expr_of_memory()),
            Property("sometimes", "quiet", AtRest()),
        )
        boot = None
        if self.random.random() < 0.5:
            pick = Choose("n", (Const(0, NUMBER), Const(1, NUMBER)))
            first = Action("boot_1", Store(Place("heap.count"), Local("n")), (Goto(END),),
                           live=("n",), transit=True)
            boot = Process("boot", 1, False, LOCALS, (pick, Goto("boot_1")), (first,))
        return Program(
            "random", (), (("Page", 2), ("process", total)), SHARED, boot, processes, properties
        )

    def expr_of_memory(self) -> Expr:
        return Binary("!=", Cell(Place("heap.head")), Const(self.constant(MAYBE), MAYBE))


def _live(process: Process, at: str) -> tuple[str, ...]:
    """Which locals matter at a location: those that some path reads before it sets them.  Here more
    than that: all that any action reads that can be reached from it."""
    actions = {a.at: a for a in process.actions}
    met: set[str] = set()
    read: set[str] = set()
    todo = [at]
    while todo:
        here = todo.pop()
        if here in met or here == END:
            continue
        met.add(here)
        action = actions[here]
        exprs = [*access_exprs(action.access), *([action.wait] if action.wait else [])]
        for statement in statements(action.body):
            exprs += statement_exprs(statement)
            if isinstance(statement, SetGhost):
                exprs += statement.place.index
            if isinstance(statement, Goto):
                todo.append(statement.location)
        read |= {e.name for expr in exprs for e in walk(expr) if isinstance(e, Local)}
    return tuple(v.name for v in process.locals if v.name in read)


def random_program(seed: int) -> Program:
    """The Program of this seed."""
    return Maker(seed).program()


