"""The text of a Program, compiled: each location when a process first stands there.

Only what this package writes is compiled and run, never a word of a spec.

What a process does depends on its own number and on the memory that its template names, not on
where the others stand.  So each step is computed once for all states that agree in these, and is
kept as the bits in which its end differs from its beginning.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeAlias

from modelcheck.engines.packed import ENDLESS, Layout
from modelcheck.engines.places import Places
from modelcheck.engines.quick.actions import Step
from modelcheck.engines.quick.called import CALLED, Wrong
from modelcheck.engines.quick.expressions import Scope, number
from modelcheck.flow import memory_of, memory_read
from modelcheck.ir import Action, AtRest, Process, Property, walk
from modelcheck.semantics import MOST_WAYS, Semantics, State
from modelcheck.semantics.actions import Script
from modelcheck.semantics.expressions import Faulted

Take: TypeAlias = Callable[[int], int]
"""Takes a state a step on; returns what the process has still to leave."""

MOST_KEPT = 1 << 20  # steps of one process that are kept


class Several(NamedTuple):
    """What a process does that has not just one step on, or that has still something to leave."""

    changes: tuple[int, ...]
    left: int
    failing: int
    cut: bool


class Code:
    """A Program's functions, and where they put what they find.

    out      the successors
    failing  the states from which a step fails, once for each that does
    cuts     the states in which an `assume` cuts a run short
    taken    (process template, location) of every action that some step takes
    steps    what each process does
    floor    below it are the numbers of `Several` in these
    expand   takes each process of some states a step on, and tells of each state what is still to
             be left in it
    """

    def __init__(self, semantics: Semantics) -> None:
        self.semantics = semantics
        self.layout = Layout(semantics, ENDLESS)
        self.places = Places(semantics.program)
        self.out: list[int] = []
        self.failing: list[int] = []
        self.cuts: set[int] = set()
        self.taken: set[tuple[str, str]] = set()
        self.several: list[Several] = []
        self._numbers: dict[Several, int] = {}
        # of the step at hand
        self._ends: list[int] = []
        self._passed: set[int] = set()
        self._failing = 0
        self._cut = False
        self._makers: dict[tuple[str, int], tuple[Step, Callable[[int, int, int, int], Any]]] = {}
        shared = {v.name for v in semantics.program.variables if not v.ghost}
        self._names = {
            **CALLED, "FAULTS": (Wrong, Faulted), "put": self._ends.append,
            "note": self._passed.add, "cut": self._cuts, "failed": self._fails,
            "ALL": (1 << sum(self.layout.bits)) - 1, "SHARED": self.layout.bits_of(shared)[0],
            "rests": [_Rests(self.layout, process) for process, _, _ in semantics.processes],
        }
        processes = range(len(semantics.processes))
        self.floor = -(1 << self.places.width * len(processes)) - 1
        self.steps = [_Steps(self, n) for n in processes]
        self.expand = self._expand()

    def _cuts(self, _: int) -> int:
        self._cut = True
        return 0

    def _fails(self, _: int) -> int:
        self._failing += 1
        return 0

    def _run(self, text: str) -> dict[str, Any]:
        names = dict(self._names)
        exec(compile(text, "<quick>", "exec"), names)
        return names

    # ------------------------------------------------------------------------------------- steps

    def _expand(self) -> Callable[[list[int], Callable[[int, int], object]], None]:
        """A step is what changes, if it is the only one and leaves everything; the complement of
        what is to be left, if there is none; else less than `floor`, and says which of several."""
        floor = self.floor
        kept = {f"of{n}": steps for n, steps in enumerate(self.steps)}
        each = "".join(
            f"            d = of{n}[o & {steps.mask}]\n"
            f"            if d >= 0:\n"
            f"                put(o ^ d)\n"
            f"            elif d > {floor}:\n"
            f"                left |= ~d\n"
            f"            else:\n"
            f"                left |= more(o, {floor} - d)\n"
            for n, steps in enumerate(self.steps)
        )
        text = (
            f"def make(put, more, {', '.join(kept)}):\n"
            f"    def expand(states, stays):\n"
            f"        for o in states:\n"
            f"            left = 0\n"
            f"{each}"
            f"            if left:\n"
            f"                stays(o, left)\n"
            f"    return expand\n"
        )
        made: Callable[[list[int], Callable[[int, int], object]], None]
        made = self._run(text)["make"](self.out.append, self._more, **kept)
        return made

    def _more(self, state: int, which: int) -> int:
        """A state is taken on in several ways, or in none that leads anywhere."""
        changes, left, failing, cut = self.several[which]
        self.out.extend([state ^ change for change in changes])
        if failing:
            self.failing.extend([state] * failing)
        if cut:
            self.cuts.add(state)
        return left

    def number_of(self, several: Several) -> int:
        """Its number, for `more`."""
        found = self._numbers.setdefault(several, len(self.several))
        if found == len(self.several):
            self.several.append(several)
        return found

    def take(self, own: int, at: int, code: int) -> tuple[Take, list[Action]]:
        """The function that takes process number `own` on from location number `at`, where its
        number is so much more than the location's first; and the actions in it."""
        process, me, _ = self.semantics.processes[own]
        if at == len(process.actions):
            return _ended, []
        if (process.name, at) not in self._makers:
            step = Step(process, process.actions[at], self.layout, self.places)
            self._makers[process.name, at] = step, self._run(step.text)["make"]
        step, make = self._makers[process.name, at]
        take = make(me, own, self.layout.processes[own][1], code)
        return self._each_way(take, own) if step.forks else take, step.inside

    def _each_way(self, take: Callable[[int, Script], int], own: int) -> Take:
        """Every way in which a step can be chosen, in lexicographic order."""

        def each_way(state: int) -> int:
            script: Script | None = Script()
            left = -1
            for _ in range(MOST_WAYS):
                assert script is not None
                left &= take(state, script)
                script = script.following()
                if script is None:
                    return left
            self.semantics.steps(self.unpack(state), own)
            raise AssertionError("a step forks too often, and semantics does not say so")

        return each_way

    def taken_from(self, take: Take, state: int, process: Process, at: int) -> Several:
        """What a process at this location does in a state."""
        self._ends.clear()
        self._passed.clear()
        self._failing, self._cut = 0, False
        left = take(state)
        if self._ends:
            inside = self._makers[process.name, at][0].inside
            passed = {n for n in range(1, len(inside)) for p in self._passed if p >> n & 1}
            self.taken.update((process.name, inside[n].at) for n in {0, *passed})
        changes = tuple([state ^ end for end in self._ends])
        return Several(changes, left, self._failing, self._cut)

    def unpack(self, state: int) -> State:
        """A state as `semantics` has it."""
        return self.layout.unpack((state,))

    # -------------------------------------------------------------------------------- properties

    def holds(self, property: Property) -> Callable[[int], bool]:
        """Whether a property is true in a state: as `Semantics.holds`.  Wrong if it fails."""
        scope = Scope(self.layout, {}, number(0), number(0))
        test = scope.value(property.condition).text
        if property.when is not None:
            when = scope.value(property.when).text
            always = property.invariant
            test = f"(not {when} or {test})" if always else f"({when} and {test})"
        made: Callable[[int], bool] = self._run(f"def holds(s):\n    return {test}\n")["holds"]
        return made

    def bits_of(self, property: Property) -> int:
        """The bits of a state that decide whether a property is true."""
        exprs = [e for e in (property.condition, property.when) if e is not None]
        bits = self.layout.bits_of({name for e in exprs for name in memory_read(e)})[0]
        if any(isinstance(e, AtRest) for one in exprs for e in walk(one)):
            for n, (_, shift) in enumerate(self.layout.processes):
                bits |= self.layout.mask(n) << shift
        return bits


class _Steps(dict[int, int]):
    """What a process does, by its bits and those of the memory that its template names; what is
    not yet known, by those that its action names."""

    def __init__(self, code: Code, own: int) -> None:
        super().__init__()
        process, _, _ = code.semantics.processes[own]
        self._code = code
        self._own = own
        self._process = process
        self._shift = code.layout.processes[own][1]
        self._bits = code.layout.mask(own)
        self._numbers = code.layout.controls[process.name].first
        self._takes: dict[int, tuple[Take, int, int]] = {}
        self._of_action: dict[int, int] = {}
        self.mask = self.mask_of(process.actions)

    def mask_of(self, actions: Iterable[Action]) -> int:
        """The bits of the process, and those of the memory that these actions name."""
        return self._bits << self._shift | self._code.layout.bits_of(memory_of(actions))[0]

    def __missing__(self, key: int) -> int:
        step = self._step(key)
        if len(self) == MOST_KEPT:
            self.clear()
            self._of_action.clear()
        self[key] = step
        return step

    def _step(self, state: int) -> int:
        number = state >> self._shift & self._bits
        if number not in self._takes:
            at = bisect_right(self._numbers, number) - 1
            take, inside = self._code.take(self._own, at, number - self._numbers[at])
            self._takes[number] = take, at, self.mask_of(inside)
        take, at, mask = self._takes[number]
        fewer = state & mask
        step = self._of_action.get(fewer)
        if step is None:
            step = self._coded(self._code.taken_from(take, fewer, self._process, at))
            self._of_action[fewer] = step
        return step

    def _coded(self, done: Several) -> int:
        if not (done.failing or done.cut):
            if len(done.changes) == 1 and not done.left:
                return done.changes[0]
            if not done.changes:
                return ~done.left
        return self._code.floor - self._code.number_of(done)

    def outcome(self, state: int) -> tuple[tuple[int, ...], int]:
        """What the process's steps change in a state of which its action's bits are given, and what
        it has then still to leave."""
        step = self._step(state)
        if step >= 0:
            return (step,), 0
        if step > self._code.floor:
            return (), ~step
        changes, left, _, _ = self._code.several[self._code.floor - step]
        return changes, left


class _Rests(dict[int, bool]):
    """For each number of a process, whether it has ended or stands at the head of its loop."""

    def __init__(self, layout: Layout, process: Process) -> None:
        super().__init__()
        self._numbers = layout.controls[process.name].first
        self._rests = [*(action.head for action in process.actions), True]

    def __missing__(self, number: int) -> bool:
        self[number] = self._rests[bisect_right(self._numbers, number) - 1]
        return self[number]


def _ended(_: int) -> int:
    """A process that has ended takes no step."""
    return 0
