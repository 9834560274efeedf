"""Actions as Python's text: for each location of a template a function that makes the function
which takes a step, once the process, and what its number says of its locals, are known.

What `semantics/actions.py` says in closures.  The action of a `transit` location stands in the
function of each location from which it is reached in one step, as a case of a loop.  A step gives
its successors to `put`, and returns what the process has still to leave, if it goes no other way:
see `places.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from modelcheck.engines.packed import Field as Stored
from modelcheck.engines.packed import Layout, leaves
from modelcheck.engines.places import Places
from modelcheck.engines.quick.called import CHECKS
from modelcheck.engines.quick.expressions import (
    Scope, Term, constant, fitted, flat, leaf, number, shift, whole,
)
from modelcheck.engines.quick.inside import Inside, needs
from modelcheck.ir import (
    END, Access, Action, Assert, Assign, Assume, Block, Choose, Fence, Goto, If, Load, Observe,
    Process, Record, Rmw, SetGhost, Sort, Statement, Store, Variable, default_value,
)
from modelcheck.records import dataclass
from modelcheck.semantics import LONGEST


MAY_FAIL = ("raise Wrong", "script.pick", *(f"{check.__name__}(" for check in CHECKS))


@dataclass(frozen=True)
class _Around:
    """Where a statement stands: in which action, with what it read."""

    action: Action
    loaded: Term | None


class Step:
    """The text of one location.

    text     defines `make(me, own, shift, here)`: which process it is, where its number stands, and
             the number less the first of this location
    inside   this action, and those of the transit locations behind it
    forks    it makes choices: the function takes a script of them too
    """

    def __init__(self, process: Process, action: Action, layout: Layout, places: Places) -> None:
        self._process = process
        self._action = action
        self._layout = layout
        self._places = places
        self._inside = Inside(process, action)
        self._actions = self._inside.targets
        self._order = {at: n for n, at in enumerate((*self._actions, END))}
        self.inside = self._inside.actions
        self.forks = any(isinstance(s, Choose) for s in self._inside.statements)
        self._again = {
            v for v in self._inside.set_twice if not layout.states.program.variable(v).passing
        }
        self._needs = needs(places, process, action)
        self._lines: list[str] = []
        self._depth = 2
        self._count = 0
        self._made: dict[str, str] = {}  # what `make` computes, by its text
        self._locals = self._declared()
        self.text = self._whole()

    # --------------------------------------------------------------------------------- the locals

    def _declared(self) -> dict[str, Term]:
        """The locals that matter in here; those that never change are known to `make`."""
        return {
            local.name: self._local(n, local, local.name in self._inside.changed)
            for n, local in enumerate(self._process.locals)
            if local.name in self._inside.named
        }

    def _local(self, n: int, local: Variable, changes: bool) -> Term:
        at = self._order[self._action.at]
        kept = [k for k in self._layout.controls[self._process.name].kept[at] if k.local is local]
        begins = [
            self._make(f"here // {k.unit} % {k.values} + {k.leaf.lo}") for k in kept
        ] or [term.text for term in self._default(local)]
        names = begins
        if changes:
            names = [f"l{n}_{m}" for m in range(len(begins))]
            self._line(f"{', '.join(names)}, = {', '.join(begins)},")
        elif not kept:
            return constant(default_value(local.sort), local.sort)
        parts = zip(names, leaves(local.sort), strict=True)
        return whole((Term(name, leaf.lo, leaf.hi) for name, leaf in parts), local.sort)

    def _default(self, local: Variable) -> list[Term]:
        return list(flat(constant(default_value(local.sort), local.sort), local.sort))

    def _make(self, text: str) -> str:
        """The name of what `make` computes once."""
        return self._made.setdefault(text, f"k{len(self._made)}")

    # -------------------------------------------------------------------------------- the function

    def _whole(self) -> str:
        if len(self.inside) == 1:
            self._run(self._action)
        else:
            self._line("at = passed = through = 0")
            with self._block("while True"):
                for n, action in enumerate(self.inside):
                    with self._block(f"if at == {n}"):
                        if n:
                            self._line(f"passed |= {1 << n}")
                        self._run(action)
        for variable in sorted(self._again):
            self._lines.insert(0, f"        {self._done(variable)} = 0")
        made = "".join(f"    {name} = {text}\n" for text, name in self._made.items())
        script = ", script" if self.forks else ""
        body = "\n".join(["        s = o", *self._lines])
        if any(word in body for word in MAY_FAIL):
            body = body.replace("\n", "\n    ")
            body = f"        try:\n    {body}\n        except FAULTS:\n            return failed(o)"
        return (
            f"def make(me, own, shift, here):\n"
            f"    keep = ALL ^ {self._mask()} << shift\n{made}"
            f"    def step(o{script}):\n{body}\n"
            f"    return step\n"
        )

    def _mask(self) -> int:
        return (1 << self._layout.controls[self._process.name].bits) - 1

    def _done(self, variable: str) -> str:
        names = [v.name for v in self._layout.states.program.variables]
        return f"done{names.index(variable)}"

    def _line(self, text: str) -> None:
        self._lines.append("    " * self._depth + text)

    @contextmanager
    def _block(self, head: str) -> Iterator[None]:
        self._line(f"{head}:")
        before = len(self._lines)
        self._depth += 1
        yield
        if len(self._lines) == before:
            self._line("pass")
        self._depth -= 1

    def _kept(self, term: Term) -> Term:
        """The same value under a name of its own."""
        if term.known or term.text.isidentifier():
            return term
        self._count += 1
        name = f"t{self._count}"
        self._line(f"{name} = {term.text}")
        return replace(term, text=name, chain="")

    def _leaves(self, term: Term, sort: Sort) -> list[Term]:
        if isinstance(sort, Record) and term.parts is None:
            term = self._kept(term)
        return list(flat(term, sort))

    def _scope(self, loaded: Term | None = None) -> Scope:
        count = self._process.count
        processes = len(self._layout.processes)
        return Scope(
            self._layout, self._locals, number(0) if count == 1 else Term("me", 0, count - 1),
            Term("own", 0, processes - 1), loaded,
        )

    def _stays(self, bits: int) -> str:
        """What a step returns that leaves all but these places."""
        return self._make(f"{bits} << own * {self._places.width}") if bits else "0"

    # ------------------------------------------------------------------------------------- actions

    def _run(self, action: Action) -> None:
        """Read, wait, write, local work."""
        access = action.access
        loaded, cell = self._reads(access)
        scope = self._scope(loaded)
        if action.wait is not None:
            with self._block(f"if not {scope.value(action.wait).text}"):
                self._line(f"return {self._stays(self._needs)}")
        if isinstance(access, Store | Rmw):
            self._access_writes(access, cell, scope)
        for statement in action.body:
            self._statement(statement, _Around(action, loaded))

    def _reads(self, access: Access | None) -> tuple[Term | None, Term]:
        scope = self._scope()
        match access:
            case None | Fence() | Store():
                return None, number(0)
            case Observe(value):
                return self._kept(scope.value(value)), number(0)
            case Load(place) | Rmw(place):
                at = self._kept(scope.index(place))
                stored = self._layout.fields[place.variable]
                sort = self._layout.states.program.variable(place.variable).sort
                return whole((self._kept(leaf(at, one)) for one in stored), sort), at

    def _access_writes(self, access: Store | Rmw, cell: Term, scope: Scope) -> None:
        variable = self._layout.states.program.variable(access.place.variable)
        stored, sort = list(self._layout.fields[variable.name]), variable.sort
        if isinstance(access, Store):
            for name in access.part:
                assert isinstance(sort, Record)
                parts = [len(leaves(inner)) for _, inner in sort.fields]
                position = sort.position(name)
                first = sum(parts[:position])
                stored = stored[first : first + parts[position]]
                sort = sort.fields[position][1]
        new = self._leaves(fitted(scope.value(access.value), sort, variable.checked), sort)
        if isinstance(access, Store):
            cell = self._kept(scope.index(access.place))
        self._write(cell, stored, new)

    def _write(self, cell: Term, stored: list[Stored], new: list[Term]) -> None:
        """Stores these leaves of a cell: as one expression, for they may be read off `s`."""
        fixed, masks, values = 0, [], []
        for one, value in zip(stored, new, strict=True):
            if not one.leaf.bits:
                if not value.known:
                    self._line(value.text)  # for its checks
                continue
            full = (1 << one.leaf.bits) - 1
            low = one.leaf.lo
            code = value.text if not low else f"({value.text} - {low})"
            if cell.known:
                at = one.at(int(cell.lo))[1]
                fixed |= full << at
                text = f"{code} << {at}"
                if value.known:
                    text = str(int(value.lo) - low << at)
            else:
                at_ = self._kept(Term(shift(cell, one))).text
                masks.append(f"{full} << {at_}")
                text = f"{code} << {at_}"
            if text != "0":
                values.append(text)
        if fixed:
            self._line(" | ".join([f"s = s & {self._all() ^ fixed}", *values]))
        elif masks:
            self._line(" | ".join([f"s = s & ~({' | '.join(masks)})", *values]))

    def _all(self) -> int:
        return (1 << sum(self._layout.bits)) - 1

    # ---------------------------------------------------------------------------------- statements

    def _statement(self, statement: Statement, around: _Around) -> None:
        scope = self._scope(around.loaded)
        match statement:
            case Assign(local, value):
                self._assign(local, scope.value(value))
            case SetGhost():
                self._set_ghost(statement, scope)
            case Assert(condition):
                with self._block(f"if not {scope.value(condition).text}"):
                    self._line("raise Wrong")
            case Assume(condition):
                with self._block(f"if not {scope.value(condition).text}"):
                    self._line("return cut(o)")
            case Choose():
                self._choose(statement, scope)
            case If():
                self._if(statement, scope, around)
            case Goto():
                self._goto(statement, around.action)

    def _if(self, statement: If, scope: Scope, around: _Around) -> None:
        """With `elif` where there is one: Python indents no more than 100 times."""
        self._arm(f"if {scope.value(statement.condition).text}", statement.then, around)
        other = statement.other
        while len(other) == 1 and isinstance(other[0], If):
            self._arm(f"elif {scope.value(other[0].condition).text}", other[0].then, around)
            other = other[0].other
        if other:
            self._arm("else", other, around)

    def _arm(self, head: str, arm: Block, around: _Around) -> None:
        with self._block(head):
            for statement in arm:
                self._statement(statement, around)

    def _assign(self, local: str, value: Term) -> None:
        variable = next(v for v in self._process.locals if v.name == local)
        term = fitted(value, variable.sort, variable.checked)
        into = [t.text for t in flat(self._locals[local], variable.sort)]
        new = [t.text for t in self._leaves(term, variable.sort)]
        if into != new:
            self._line(f"{', '.join(into)} = {', '.join(new)}")

    def _set_ghost(self, statement: SetGhost, scope: Scope) -> None:
        variable = self._layout.states.program.variable(statement.place.variable)
        stored = self._layout.fields[variable.name]
        cell = self._kept(scope.index(statement.place))
        term = fitted(scope.value(statement.value), variable.sort, variable.checked)
        new = self._leaves(term, variable.sort)
        if variable.name in self._again:
            new = [self._kept(value) for value in new]
            done = self._done(variable.name)
            other = " or ".join(
                f"{leaf(cell, one).text} != {value.text}"
                for one, value in zip(stored, new, strict=True)
            )
            with self._block(f"if {done} >> {cell.text} & 1 and ({other})"):
                self._line("raise Wrong")
            self._line(f"{done} |= 1 << {cell.text}")
        self._write(cell, stored, new)

    def _choose(self, statement: Choose, scope: Scope) -> None:
        """As semantics: of options that are expressions only the chosen one is evaluated."""
        options = statement.options
        if not isinstance(options, tuple):
            over, element = scope.domain(options)
            every = self._kept(Term(f"list({over})")).text
            with self._block(f"if not {every}"):
                self._line("raise Wrong")
            chosen = self._kept(replace(element, text=f"{every}[script.pick(len({every}))]"))
            self._assign(statement.local, chosen)
        elif not options:
            self._line("raise Wrong")
        else:
            pick = self._kept(Term(f"script.pick({len(options)})")).text
            for n, option in enumerate(options):
                with self._block(f"if {pick} == {n}"):
                    self._assign(statement.local, scope.value(option))

    def _goto(self, goto: Goto, action: Action) -> None:
        """The end of a step, or of its part at this location: dead locals hold their defaults."""
        target = self._actions.get(goto.location)
        if target is not None and target.transit:
            if action is not self._action and self._inside.turns:
                with self._block(f"if through == {LONGEST - 1}"):
                    self._line("raise Wrong")
                self._line("through += 1")
            for local in self._process.locals:
                if local.name in self._locals and local.name not in target.live:
                    into = flat(self._locals[local.name], local.sort)
                    for one, default in zip(into, self._default(local), strict=True):
                        self._line(f"{one.text} = {default.text}")
            self._line(f"at = {self.inside.index(target)}")
            self._line("continue")
            return
        if len(self.inside) > 1:
            self._line("if passed: note(passed)")
        self._line(f"put(s & keep | {self._number(goto.location)})")
        self._line(f"return {self._left(target)}")

    def _number(self, location: str) -> str:
        """The process's number at a location, where it stands in a state."""
        control = self._layout.controls[self._process.name]
        at = self._order[location]
        terms, known = [str(control.first[at])], True
        of = {
            local.name: flat(self._locals[local.name], local.sort)
            for local in self._process.locals if local.name in self._locals
        }
        for kept in control.kept[at]:
            one = next(of[kept.local.name])
            known &= one.known or one.text in self._made.values()
            terms.append(f"({one.text} - {kept.leaf.lo}) * {kept.unit}")
        text = f"({' + '.join(terms)}) << shift"
        return self._make(text) if known else text

    def _left(self, target: Action | None) -> str:
        """What the process has still to leave after this step."""
        if target is None:
            return "0"
        left = self._places.left(self._process, self._action, target)
        stays = self._stays(self._needs & ~left)
        if stays == "0" or not self._inside.writes or self._action.interrupt is not None:
            return stays
        return f"0 if (o ^ s) & SHARED else {stays}"
