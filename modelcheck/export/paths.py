"""What one step does, path by path: the counterpart of `semantics/actions.py`.

A path ends where the step ends.  The tree of paths has no joins, so that what is known on a path
(a local's value, the ghosts set so far) is known when it is written out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from modelcheck.export.expressions import (
    Found, Scope, Tree, Worth, cell, constant, expression, fitted, offset, same, term,
)
from modelcheck.export.model import Body, Branch, Check, Let, Require, Set
from modelcheck.export.terms import (
    FALSE, TRUE, Beyond, Cells, Num, Scratch, Term, Truth, and_, equal, is_truth, less, not_, reads,
)
from modelcheck.flow import gotos
from modelcheck.ir import (
    END, Access, Action, Assert, Assign, Assume, Block, Chain, Choose, Expr, Fence, Goto, If,
    Instances, Load, Observe, Process, Range, Record, Rmw, SetGhost, Sort, Store, Variable,
    default_value, statements,
)
from modelcheck.records import dataclass
from modelcheck.semantics.expressions import CHOOSE, GHOST
from modelcheck.semantics.states import numbers
from modelcheck.source import NOWHERE, Span, SpecError

FAULT = "None, an index or a range"
MOST_STATEMENTS = 5_000  # in all that one step may do
MOST_THROUGH = 60  # locations that a step goes through
MOST_WAYS = 1_000  # to choose in one step


@dataclass(frozen=True)
class Instance:
    """One process: its template and number, and the variables of its location and its locals."""

    process: Process
    me: int
    number: int
    name: str
    pc: Cells
    own: Mapping[str, tuple[Variable, Tree]]

    def index(self, cells: Cells) -> Term:
        """Where it stands in an array of its template."""
        return Num(self.me if cells.array else 0)


@dataclass(frozen=True)
class _Path:
    """What is known on a path: of the locals, `$`, the ghosts set so far (variable, index, value),
    and how many choices were made."""

    known: Mapping[Cells, Term]
    loaded: Worth = FALSE
    ghosts: tuple[tuple[str, Term, Worth], ...] = ()
    choices: int = 0
    scratches: int = 0
    through: int = 0


def refusal(beyond: Beyond, span: Span) -> SpecError:
    """What to say where a number leaves 32 bits."""
    return SpecError(span, f"{beyond}: the peers count in 32 bits", "smaller ranges")


class Paths:
    """The steps of one process."""

    def __init__(
        self, instance: Instance, shared: Mapping[str, tuple[Variable, Tree]]
    ) -> None:
        self.instance = instance
        self.shared = shared
        self.names = numbers(instance.process)
        self.actions = {a.at: a for a in instance.process.actions}
        self.mine = frozenset(c for _, tree in instance.own.values() for c in _leaves(tree))
        self.begin = END
        self.here = NOWHERE  # where what is being followed stands in the spec
        self.script: tuple[int, ...] = ()
        self.widths: list[int] = []
        self.through: list[Span] = []
        self.tracked: frozenset[str] = frozenset()
        self.written = 0

    def of(self, action: Action) -> Iterator[tuple[tuple[int, ...], tuple[Span, ...], Body]]:
        """All that can be done from a location: for each way to choose, the lines gone through and
        the body."""
        self.begin, self.script = action.at, ()
        self.tracked = self._set_twice(action)
        for _ in range(MOST_WAYS):
            self.widths, self.through, self.written = [], [], 0
            try:
                body = self._action(action, _Path(self._defaults(action.at)))
            except Beyond as beyond:
                raise refusal(beyond, self.here) from None
            taken = (*self.script, *(0 for _ in self.widths[len(self.script) :]))
            yield taken, tuple(dict.fromkeys(self.through)), body
            if not (following := _following(taken, self.widths)):
                return
            self.script = following
        raise SpecError(
            action.span, f"this step can be taken in over {MOST_WAYS:,} ways, each of which would "
            "be written out", "fewer choices between two accesses",
        )

    def _defaults(self, at: str) -> dict[Cells, Term]:
        """What the dead locals are known to hold at a location."""
        live = self.actions[at].live if at != END else ()
        return {
            cells: value
            for name, (variable, tree) in self.instance.own.items() if name not in live
            for cells, value in _pairs(
                tree, constant(default_value(variable.sort), variable.sort)
            )
        }

    def _set_twice(self, action: Action) -> frozenset[str]:
        """The ghosts that a step from here may set more than once."""
        met, todo = {action.at}, [action]
        found: list[str] = []
        while todo:
            body = todo.pop().body
            found += [s.place.variable for s in statements(body) if isinstance(s, SetGhost)]
            for goto in gotos(body):
                if goto.location != END and self.actions[goto.location].transit:
                    if goto.location not in met:
                        todo.append(self.actions[goto.location])
                    met.add(goto.location)
        more = len(met) > 1
        return frozenset(
            name for name in found
            if (more or found.count(name) > 1) and not self.shared[name][0].passing
        )

    # ------------------------------------------------------------------------------------- actions

    def _scope(self, path: _Path) -> Scope:
        mine = self.instance
        return Scope(self.shared, FALSE, mine.own, mine.me, mine.number, path.known, path.loaded)

    def _action(self, action: Action, path: _Path) -> Body:
        self.here = action.span
        before, path = self._reads(action.access, path)
        if action.wait is not None:
            found = expression(action.wait, self._scope(path))
            before += (*_checked(found), Require(term(found.worth)))
        stored, path = self._writes(action.access, path)
        return (*before, *stored, *self._block(action.body, path))

    def _reads(self, access: Access | None, path: _Path) -> tuple[Body, _Path]:
        match access:
            case None | Fence() | Store():
                return (), path
            case Load(place) | Rmw(place):
                found = cell(place, self._scope(path))
            case Observe(value):
                found = expression(value, self._scope(path))
        lets, loaded, path = self._kept(found.worth, path)
        return (*_checked(found), *lets), replace(path, loaded=loaded)

    def _kept(self, worth: Worth, path: _Path) -> tuple[Body, Worth, _Path]:
        """A value that stays what it is now, whatever is set."""
        if isinstance(worth, tuple):
            lets: Body = ()
            parts: list[Worth] = []
            for part in worth:
                more, kept, path = self._kept(part, path)
                lets, parts = (*lets, *more), [*parts, kept]
            return lets, tuple(parts), path
        if isinstance(worth, Num | Truth):
            return (), worth, path
        path = replace(path, scratches=path.scratches + 1)
        truth = is_truth(worth)
        name = f"{'is_' if truth else ''}loaded__{path.scratches}"
        scratch = Scratch(name, truth, worth.lo, worth.hi, worth.none)
        return (Let(scratch, worth),), scratch, path

    def _writes(self, access: Access | None, path: _Path) -> tuple[Body, _Path]:
        part: tuple[str, ...] = ()
        match access:
            case None | Fence() | Load() | Observe():
                return (), path
            case Store(place, value, part):
                pass
            case Rmw(place, value):
                pass
        variable, tree = self.shared[place.variable]
        sort: Sort = variable.sort
        for name in part:
            assert isinstance(sort, Record) and isinstance(tree, tuple)
            tree, sort = tree[sort.position(name)], dict(sort.fields)[name]
        scope = self._scope(path)
        at = offset(place, scope)
        new = fitted(expression(value, scope), sort, variable.checked)
        sets, path = self._put(tree, term(at.worth), new.worth, path)
        return (*_checked(at), *_checked(new), *sets), path

    def _put(self, tree: Tree, index: Term, worth: Worth, path: _Path) -> tuple[Body, _Path]:
        """Set all variables of a value, at once."""
        pairs = list(_pairs(tree, worth))
        names = {cells.name for cells, _ in pairs}
        before: Body = ()
        if len(pairs) > 1 and any(names & (reads(value) | reads(index)) for _, value in pairs):
            before, kept, path = self._kept((index, worth), path)
            assert isinstance(kept, tuple)
            index, pairs = term(kept[0]), list(_pairs(tree, kept[1]))
        known = {c: v for c, v in path.known.items() if c.name not in names}
        known |= {c: v for c, v in pairs if c in self.mine and isinstance(v, Num | Truth)}
        sets = tuple(Set(cells, index, value) for cells, value in pairs)
        return (*before, *sets), replace(path, known=known)

    # ---------------------------------------------------------------------------------- statements

    def _block(self, block: Block, path: _Path) -> Body:
        """All that follows, to the end of the step on every path."""
        done: Body = ()
        for n, statement in enumerate(block):
            self.written += 1
            if statement.span != NOWHERE:
                self.here = statement.span
            if self.written > MOST_STATEMENTS or path.through > MOST_THROUGH:
                raise SpecError(
                    self.here, "what one step may do here is too much to be written out: it "
                    "branches too often, or goes round a loop over locals",
                    "an access in the loop, or less between two accesses",
                )
            match statement:
                case Goto(location):
                    return (*done, *self._goto(location, path))
                case If(condition, then, other):
                    found = expression(condition, self._scope(path))
                    test, rest = term(found.worth), block[n + 1 :]
                    done = (*done, *_checked(found))
                    if isinstance(test, Truth):
                        return (*done, *self._block((then if test.value else other) + rest, path))
                    arms = self._block(then + rest, path), self._block(other + rest, path)
                    return (*done, Branch(test, *arms))
                case Assign() | SetGhost() | Assert() | Assume() | Choose():
                    more, path = self._statement(statement, path)
                    done = (*done, *more)
        raise AssertionError("a path ends in a goto")

    def _statement(
        self, statement: Assign | SetGhost | Assert | Assume | Choose, path: _Path
    ) -> tuple[Body, _Path]:
        scope = self._scope(path)
        match statement:
            case Assign(local, value):
                variable, _ = self.instance.own[local]
                found = fitted(expression(value, scope), variable.sort, variable.checked)
                return self._assigned(local, found, path)
            case SetGhost():
                return self._set_ghost(statement, path)
            case Assert(condition, sentence):
                found = expression(condition, scope)
                broken = not_(term(found.worth))
                return (*_checked(found), *_checked(Found(FALSE, broken), sentence)), path
            case Assume(condition):
                found = expression(condition, scope)
                return (*_checked(found), Require(term(found.worth))), path
            case Choose():
                return self._choose(statement, path)

    def _assigned(self, local: str, found: Found, path: _Path) -> tuple[Body, _Path]:
        _, tree = self.instance.own[local]
        first = next(_leaves(tree))
        sets, path = self._put(tree, self.instance.index(first), found.worth, path)
        return (*_checked(found), *sets), path

    def _set_ghost(self, statement: SetGhost, path: _Path) -> tuple[Body, _Path]:
        scope, name = self._scope(path), statement.place.variable
        variable, tree = self.shared[name]
        at = offset(statement.place, scope)
        new = fitted(expression(statement.value, scope), variable.sort, variable.checked)
        before: Body = (*_checked(at), *_checked(new))
        index, worth = term(at.worth), new.worth
        if name in self.tracked:
            lets, kept, path = self._kept((index, worth), path)
            assert isinstance(kept, tuple)
            index, worth = term(kept[0]), kept[1]
            before = (*before, *lets)
            for other, where, first in path.ghosts:
                if other == name:
                    twice = and_(equal(where, index), not_(same(first, worth)))
                    before = (*before, *_checked(Found(FALSE, twice), GHOST))
            path = replace(path, ghosts=(*path.ghosts, (name, index, worth)))
        sets, path = self._put(tree, index, worth, path)
        return (*before, *sets), path

    def _choose(self, statement: Choose, path: _Path) -> tuple[Body, _Path]:
        at, path = path.choices, replace(path, choices=path.choices + 1)
        before, options = self._options(statement, self._scope(path))
        self.widths += [0] * (at + 1 - len(self.widths))
        self.widths[at] = max(self.widths[at], len(options))
        option = self.script[at] if at < len(self.script) else 0
        if option >= len(options):
            return (*before, Require(FALSE)), path
        there, value = options[option]
        variable, _ = self.instance.own[statement.local]
        scope = self._scope(path)
        found = Found(value, FALSE) if not isinstance(value, _Later) else value.found(scope)
        fits = fitted(found, variable.sort, variable.checked)
        sets, path = self._assigned(statement.local, fits, path)
        return (*before, *(() if there == TRUE else (Require(there),)), *sets), path

    def _options(
        self, statement: Choose, scope: Scope
    ) -> tuple[Body, list[tuple[Term, Term | _Later]]]:
        """What is checked first; then each option, and whether it is there."""
        match statement.options:
            case Instances(sort):
                return (), [(TRUE, Num(n)) for n in range(sort.count)]
            case Range(lo, hi):
                a, b = expression(lo, scope), expression(hi, scope)
                x, y = term(a.worth), term(b.worth)
                empty = Found(FALSE, less(y, x, or_equal=True))
                return (*_checked(a), *_checked(b), *_checked(empty, CHOOSE)), [
                    (and_(less(x, Num(n), True), less(Num(n), y)), Num(n))
                    for n in range(x.lo, y.hi)
                ]
            case Chain():
                raise AssertionError("a chain reads memory: no local choice")
            case options:
                return (), [(TRUE, _Later(option)) for option in options]

    def _goto(self, location: str, path: _Path) -> Body:
        resets: Body = ()
        for cells, value in self._defaults(location).items():
            if path.known.get(cells) != value:
                resets = (*resets, Set(cells, self.instance.index(cells), value))
                path = replace(path, known={**path.known, cells: value})
        action = self.actions.get(location)
        if action is not None and action.transit:
            self.through.append(action.span)
            onward = replace(path, through=path.through + 1)
            return (*resets, *self._action(action, onward))
        cut: Body = (Require(FALSE),) if any(self.script[path.choices :]) else ()
        number = self.names.index(location)
        pc = self.instance.pc
        if location == self.begin:
            return (*resets, *cut)
        return (*resets, *cut, Set(pc, self.instance.index(pc), Num(number, pc.names[number][1])))


@dataclass(frozen=True)
class _Later:
    """An option that is evaluated only if it is chosen."""

    option: Expr

    def found(self, scope: Scope) -> Found:
        """What it is worth."""
        return expression(self.option, scope)


def _following(taken: tuple[int, ...], widths: list[int]) -> tuple[int, ...]:
    """The next way to choose, in lexicographic order; () after the last."""
    for at in range(len(taken) - 1, -1, -1):
        if taken[at] + 1 < widths[at]:
            return (*taken[:at], taken[at] + 1)
    return ()


def _pairs(tree: Tree, worth: Worth) -> Iterator[tuple[Cells, Term]]:
    """Each variable of a value with the part of the value that it holds."""
    if isinstance(tree, tuple):
        assert isinstance(worth, tuple)
        for part, inner in zip(tree, worth, strict=True):
            yield from _pairs(part, inner)
    else:
        yield tree, term(worth)


def _leaves(tree: Tree) -> Iterator[Cells]:
    """The variables of a value."""
    if isinstance(tree, tuple):
        for part in tree:
            yield from _leaves(part)
    else:
        yield tree


def _checked(found: Found, sentence: str = FAULT) -> Body:
    return () if found.bad == FALSE else (Check(found.bad, sentence),)
