"""Random schedules: the model and the allocator side by side, any step that the model can take."""

from __future__ import annotations

import random
from collections import Counter

from modelcheck.frontend.definitions import Spec
from modelcheck.heap.allocator import Allocator
from modelcheck.heap.claims import Claims, Untrue
from modelcheck.heap.faults import Difference
from modelcheck.heap.follow import Follower
from modelcheck.ir import Program
from modelcheck.records import dataclass
from modelcheck.semantics import Semantics, Step
from modelcheck.trace import Validation, Verdict

STEPS = 80  # of one of the walks that a verdict is tried on
CELLS = 40_000  # that may be compared in one of them: of a memory of many cells, fewer steps

Taken = Counter[tuple[int, str]]
"""How often which process took a step from which location."""


@dataclass(frozen=True)
class Walk:
    """How many steps a random schedule had, how it ended, and where the two sides parted, if so.

    ended   "steps" (there could be more), "failed" (a fault, the same on both sides), "nothing
            more" (every process has ended or waits, on both sides), "parted" or "untrue" (of the
            model something is not so that a verdict says)
    wrong   where they parted, or what is untrue
    """

    seed: int
    steps: int
    ended: str
    wrong: str | None

    @property
    def difference(self) -> str | None:
        """Where the two sides parted."""
        return self.wrong if self.ended == "parted" else None


def random_walk(spec: Spec, program: Program, semantics: Semantics, seed: int, steps: int) -> Walk:
    """One random schedule of at most this many steps."""
    assert semantics.program is program
    with Allocator(spec) as allocator:
        return walk(Follower(allocator, semantics), seed, steps)


def walk(
    follower: Follower, seed: int, steps: int, taken: Taken | None = None,
    claims: Claims | None = None,
) -> Walk:
    """As random_walk, on an allocator that is there already.

    A step that was taken seldom is likelier than one that was taken often: in this walk, and in
    those that `taken` comes from.  `claims`: what is to be true of every run."""
    chance = random.Random(seed)
    taken = Counter() if taken is None else taken
    claims = claims or Claims(follower.semantics, None)
    count, where = 0, "at the start"
    try:
        begin = chance.choice(follower.begins)
        if begin.fault is not None:
            claims.fault(begin.fault)
        follower.begin(begin)
        state = begin.state
        while state is not None:
            claims.state(state)
            follower.same_properties(state)
            ways = follower.same_ways(state)
            if not ways:
                claims.end(state)
                return Walk(seed, count, "nothing more", None)
            if count == steps:
                return Walk(seed, count, "steps", None)
            rare = [1 / (1 + taken[w.process, w.action.at]) ** 2 for w in ways]
            step = chance.choices(ways, rare)[0]
            taken[step.process, step.action.at] += 1
            count += 1
            where = f"in step {count}, {_shown(follower, step)}"
            claims.step(step)
            follower.step(step)
            where = f"after {where[3:]}"
            state = step.target
    except (Difference, Untrue) as error:
        ended = "parted" if isinstance(error, Difference) else "untrue"
        return Walk(seed, count, ended, f"{where}: {error}")
    return Walk(seed, count, "failed", None)


def _shown(follower: Follower, step: Step) -> str:
    span = step.action.span
    return f"{follower.semantics.names[step.process]} at {span.file}:{span.line}"


# ------------------------------------------------------------------------- a verdict, tried so


def tried(verdict: Verdict, spec: Spec, program: Program, walks: int) -> Validation:
    """A verdict that shows no trace, tried on this many walks from seed 0 on, until one parts or
    shows the verdict to be untrue.  They depend on the Program and on nothing else."""
    semantics = Semantics(program)
    claims, taken, steps = Claims(semantics, verdict), Taken(), 0
    most = max(1, min(STEPS, CELLS // max(1, len(semantics.owners))))
    with Allocator(spec) as allocator:
        follower = Follower(allocator, semantics)
        for seed in range(walks):
            found = walk(follower, seed, most, taken, claims)
            steps += found.steps
            if found.wrong is not None:
                which = f"walk {seed + 1} (seed {seed}; --walks {seed + 1} repeats it)"
                return Validation("DISAGREES", "walks", f"{which}, {found.wrong}")
    there = {
        (n, a.at): (a.span.file, a.span.line)
        for n, (process, _) in enumerate(program.instances()) for a in process.actions
        if not a.transit and (process.name, a.at) not in claims.never
    }
    lines, of = len({there[t] for t in taken}), len(set(there.values()))
    went = f"{_count(steps, 'step')} at {lines:,} of {_count(of, 'line')}"
    said = f"{_count(walks, 'random walk')}, {went}, seed 0: the executable allocator agrees"
    return Validation("tried", "walks", said)


def _count(n: int, one: str) -> str:
    return f"{n:,} {one}{'' if n == 1 else 's'}"
