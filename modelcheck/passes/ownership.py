"""What is never accessed by two at once: its accesses take no step of their own.

Preserves whether each property holds, which assert can fail, and which process is stuck for ever;
not the length of runs, nor the number of states; and all that only if the search that uses it never
meets a state in which the same cell was accessed, or is about to be, by two processes, one of them
writing it, or in which a property depends on what is in a cell that was just written.  (Nobody
need say who owns what: a page that is being scrubbed, or that is allocated, is found to be accessed
by one CPU alone.)  A search that meets such a state must be done again without this pass.

In `Owned.program` the accesses to owned memory that follow a step are done at once, by copies of
their locations that are `transit`.  What was accessed so is known of each location that comes
behind, until the process takes its next step: for that long these cells are the process's own.
Then a run of the Program before this pass may differ in how far each process has come, and no
more: wherever it has got to, letting everyone do the accesses that are due to him leads to a state
that was searched, whatever their order, since the check says that they are to different cells.
And as nobody else has accessed these cells since, to have done it at once makes no difference to
him either.  A property that holds there whatever was written holds where only part of it was.

Memory may be owned if it is an array over a class, accessed by plain loads and stores and by
@predicates in asserts, each at an element that a local names, and by nothing else; and if it is
read by no property that must be true some time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace

from modelcheck.flow import exprs_in, gotos, memory_of, memory_read, with_gotos
from modelcheck.ir import (
    END, Action, Assume, AtRest, Block, Cell, Choose, Goto, Load, Local, Observe, Place, Process,
    Program, Quantified, SetGhost, Store, Value, statements, walk,
)
from modelcheck.passes.copies import AT_ONCE, BEHIND, without_unreached
from modelcheck.passes.locks import asks_of_rest
from modelcheck.passes.touched import ANY, Touched, about_to_touch, behind_steps
from modelcheck.records import dataclass

Cell_ = tuple[str, int]
"""A cell of owned memory: the variable, and the number of the element."""


@dataclass(frozen=True)
class Touches:
    """The cells that are read and those that are written."""

    reads: frozenset[Cell_] = frozenset()
    writes: frozenset[Cell_] = frozenset()


@dataclass(frozen=True)
class Owned:
    """The Program whose accesses to owned memory take no step of their own.

    variables  the owned memory
    touched    what a process has accessed, or is about to, by template and location: by which
               locals the elements are known there"""

    program: Program
    variables: tuple[str, ...]
    touched: Mapping[tuple[str, str], frozenset[Touched]] = field(default_factory=dict)

    def touches(self, process: Process, at: str, locals: Mapping[str, Value]) -> Touches:
        """What a process that stands somewhere with these locals has accessed of owned memory since
        it took a step, or is about to; of an element that is not known any more, any."""
        cells: dict[bool, set[Cell_]] = {False: set(), True: set()}
        for touched in self.touched.get((process.name, at), ()):
            count = self.program.variable(touched.variable).cells
            element = locals.get(touched.local) if touched.local != ANY else None
            if touched.local == ANY:
                cells[touched.writes].update((touched.variable, n) for n in range(count))
            elif isinstance(element, int) and 0 <= element < count:  # else the step fails
                cells[touched.writes].add((touched.variable, element))
        return Touches(frozenset(cells[False]), frozenset(cells[True]))


def ownership(program: Program) -> Owned:
    """A Program with all its memory owned that may be."""
    variables = _may_be_owned(program)
    processes: list[Process] = []
    touched: dict[tuple[str, str], frozenset[Touched]] = {}
    for template in program.processes:
        process = _AtOnce(template, variables, asks_of_rest(program)).process()
        known = behind_steps(process, variables, is_access)
        if known is None:
            return Owned(program, ())
        behind, process = known
        about = {
            a.at: about_to_touch(process, a, variables, is_access)
            for a in process.actions if not a.transit
        }
        for at in {*behind, *about}:
            touched[process.name, at] = behind.get(at, frozenset()) | about.get(at, frozenset())
        processes.append(process)
    return Owned(replace(program, processes=tuple(processes)), tuple(sorted(variables)), touched)


# ------------------------------------------------------------------------------ what may be owned


def _may_be_owned(program: Program) -> frozenset[str]:
    """The variables that may be owned, all together: one @predicate may read several."""
    actions = [a for p in program.processes for a in p.actions]
    sometimes = {
        name for p in program.properties if not p.invariant
        for part in (p.condition, *((p.when,) if p.when is not None else ()))
        for name in memory_read(part)
    }
    names = frozenset(
        v.name for v in program.variables
        if not v.ghost and len(v.index) == 1 and v.name in memory_of(actions)
        and v.name not in sometimes
    )
    while True:
        fewer = frozenset(
            name for name in names
            if all(is_access(a, names) for a in actions if name in memory_of([a]))
        )
        if fewer == names:
            return names
        names = fewer


def is_access(action: Action, names: frozenset[str]) -> bool:
    """Whether an action accesses these variables, does nothing else to memory, and cannot be made
    to wait."""
    if action.wait is not None or action.reason is not None:
        return False
    if action.transit and not action.at.endswith((BEHIND, AT_ONCE)):
        return False
    inner = [*statements(action.body)]
    if any(isinstance(s, Assume | Choose | SetGhost) for s in inner):
        return False
    if any(isinstance(e, Cell | Quantified) for root in exprs_in(action.body) for e in walk(root)):
        return False
    match action.access:
        case Load(Place(variable, (Local(),))) | Store(Place(variable, (Local(),))):
            return variable in names
        case Observe(value):
            cells = [e.place for e in walk(value) if isinstance(e, Cell)]
            others = any(isinstance(e, Quantified | AtRest) for e in walk(value))
            return bool(cells) and not others and all(
                place.variable in names and isinstance(place.index[0], Local) for place in cells
            )
        case _:
            return False


# --------------------------------------------------------------------------------- steps in a row


class _AtOnce:
    """A template, with the accesses to owned memory that follow a step done at once."""

    def __init__(
        self, template: Process, variables: frozenset[str], asks_of_rest: bool
    ) -> None:
        self.template = template
        self.variables = variables
        self.actions = {a.at: a for a in template.actions}
        self.seen = {END, *(a.at for a in template.actions if a.head and asks_of_rest)}
        self.copied: dict[str, Action] = {}

    def process(self) -> Process:
        """The template with its copies."""
        kept = [self._onward(a) for a in self.template.actions]
        if not self.copied:
            return self.template
        return without_unreached(
            replace(self.template, actions=(*kept, *self.copied.values()))
        )

    def _onward(self, action: Action) -> Action:
        return replace(action, body=with_gotos(action.body, self._instead))

    def _instead(self, goto: Goto) -> Block:
        target = self.actions.get(goto.location)
        if target is None or not self._follows(target):
            return (goto,)
        name = target.at + AT_ONCE
        if name not in self.copied:
            self.copied[name] = target  # a circle would end here: see _turns
            copy = replace(self._onward(target), at=name, transit=True)
            self.copied[name] = copy
        return (replace(goto, location=name),)

    def _follows(self, target: Action) -> bool:
        """Whether a location may follow at once: it is no head, which has to be seen, nor goes to
        where no local is known any more, or to a head if a property can tell; and no circle leads
        back to it over owned memory alone."""
        if target.transit or target.head or not is_access(target, self.variables):
            return False
        return not any(g.location in self.seen for g in gotos(target.body)) and not self._turns(
            target
        )

    def _turns(self, target: Action) -> bool:
        """Whether a circle leads back to it over owned memory, and what follows at once."""
        seen: set[str] = set()
        todo = [target]
        while todo:
            for goto in gotos(todo.pop().body):
                if goto.location == END or goto.location in seen:
                    continue
                behind = self.actions[goto.location]
                if behind.transit or is_access(behind, self.variables):
                    if behind.at == target.at:
                        return True
                    seen.add(behind.at)
                    todo.append(behind)
        return False
