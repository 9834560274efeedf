"""Does each statement of a design that holds matter to what it promises?  Each is dropped, weakened
or swapped with the next (`mutations.py`); what then still holds is a survivor: a statement that the
design can do without, or a promise that it does not make.

Survivors are listed in specs/survivors.toml, each with the reason.  One that is not listed is a
finding, and so is one that is listed and does not survive.

    python -m tests.campaigns.statements                      all but the large ones
    python -m tests.campaigns.statements --spec sync_scrub    one, or several
    python -m tests.campaigns.statements --share 40 --seed 1  as many mutants, anywhere

A mutant is tried on the instances at which its design holds, the smallest first, until one breaks
it.  One that holds, but of which some line is never taken that the design's runs do take, is
noticed: the verdict warns of it.  Counted apart: what the front end refuses; what compiles to the
very same steps everywhere; what is alike: memory comes to hold the very same, over all runs, in the
states in which nobody holds a lock, as when two stores under one lock change places; and what meets
a limit (of states, some times those of the design, so that no machine is too slow).

`not_yet` in the list are specs whose survivors are still to be listed: they are counted, and are no
findings.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from modelcheck.engines.quick import search as quick
from modelcheck.frontend.compile import compile_spec
from modelcheck.gate import instances
from modelcheck.ir import Program
from modelcheck.notation import print_program
from modelcheck.project import project
from modelcheck.semantics import Semantics
from modelcheck.source import ConfigurationError, SpecError, lines_of
from modelcheck.trace import Limits, Verdict
from tests.campaigns.mutations import Mutation, mutations

ROOT = Path(__file__).resolve().parents[2]
LISTED = ROOT / "specs" / "survivors.toml"
TOUR = "first_steps"
MOST_STATES = 6_000  # of an instance that is tried
TIMES = 4  # as many states as the design's, and some thousand, may a mutant have
Sets = Mapping[str, int | bool]
SMALL: dict[str, list[Sets]] = {  # besides those of pyproject.toml, where these are too large
    "xen_idle_scrub": [
        {"PAGES": 1, "MAX_ORDER": 0, "DOMAINS": 1},
        {"PAGES": 2, "MAX_ORDER": 1, "DOMAINS": 1},
    ],
    "deferred_populate": [{}], "boot_scrub": [{}], "per_cpu_batch": [{"RETRY": True}],
}
LARGE = ("xen_idle_scrub",)  # only where it is asked for


@dataclass(frozen=True)
class Tried:
    """A mutant, and what became of it: killed, noticed, survived, refused, same (as before), alike,
    or limit."""

    spec: str
    mutation: Mutation
    outcome: str


@dataclass(frozen=True)
class Holding:
    """An instance that holds: its Program as text, how many states it has, and which lines no run
    takes, by their processes and texts."""

    sets: Sets
    program: str
    states: int
    never: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Design:
    """A spec, and its instances that hold, the smallest first."""

    path: Path
    holding: tuple[Holding, ...]


def designs(only: tuple[str, ...] = ()) -> Iterator[Design]:
    """Those of specs/ and the folders in it, but for the tour."""
    for path in sorted((ROOT / "specs").rglob("*.py")):
        if path.parent.name != TOUR and (path.stem in only if only else path.stem not in LARGE):
            yield design(path)


@cache
def _by_spec() -> dict[str, list[Sets]]:
    found: dict[str, list[Sets]] = {}
    for i in instances([str(ROOT / "specs")], project(ROOT)):
        found.setdefault(Path(i.spec).stem, []).append(dict(i.sets))
    return found


@cache
def design(path: Path, most: int = MOST_STATES) -> Design:
    """A spec with those of its instances that hold, and are small."""
    found: list[Holding] = []
    wanted = [*_by_spec().get(path.stem, [{}]), *SMALL.get(path.stem, [])]
    most = 40_000 if path.stem in LARGE else most
    for sets in wanted:
        if dict(sets) in [dict(h.sets) for h in found]:
            continue
        spec, program = compile_spec(str(path), dict(sets))
        if any(e.violates is not None for e in spec.expectations):
            continue
        verdict = quick.explore(program, Limits(states=most), (), lambda *_: None)
        if verdict.outcome == "HOLDS":
            found.append(Holding(sets, _text(program), verdict.states, _never(verdict)))
    return Design(path, tuple(sorted(found, key=lambda f: f.states)))


def _never(verdict: Verdict) -> frozenset[tuple[str, str]]:
    return frozenset((n.process, n.source.text) for n in verdict.never_taken)


def _text(program: Program) -> str:
    """The Program without the names that come of lines and columns."""
    names: dict[str, str] = {}

    def renamed(match: re.Match[str]) -> str:
        return names.setdefault(match[0], f"name{len(names)}")

    return re.sub(r"\b[A-Za-z_.]\w*?_\d+\w*", renamed, print_program(program))


def tried(of: Design, mutation: Mutation, folder: Path) -> str:
    """What becomes of a mutant."""
    outcomes = []
    for text in mutation.texts:
        path = folder / of.path.name
        path.write_text(text, encoding="utf-8")
        lines_of.cache_clear()
        outcomes = [_outcome(path, instance) for instance in of.holding[:1]]
        if outcomes == ["refused"]:
            continue
        for instance in of.holding[1:]:
            if outcomes[-1] == "killed":
                break
            outcomes.append(_outcome(path, instance))
        break
    order = ("killed", "limit", "noticed", "survived", "same", "refused")
    worst = next(o for o in order if o in outcomes)
    if worst == "survived" and all(_is_alike(of, path, instance) for instance in of.holding):
        return "alike"
    return worst


def _is_alike(of: Design, mutant: Path, instance: Holding) -> bool:
    texts = (of.path, mutant)
    before, after = (_memory(compile_spec(str(p), dict(instance.sets))[1]) for p in texts)
    return before == after


def _memory(program: Program) -> set[tuple[tuple[str, object], ...]]:
    """What shared memory and ghosts hold in each state that can be reached, and in which nobody
    holds a lock."""
    semantics = Semantics(program)
    names = {v.name for v in program.variables}
    locks = {n for n in names if n.endswith(".holder") and names & {
        n.replace(".holder", ".locked"), n.replace(".holder", ".tail"),
    }}
    cells = [
        (semantics.cell_name(c), v.name) for c, (v, _) in enumerate(semantics.owners)
    ]
    held = [c for c, (_, name) in enumerate(cells) if name in locks]
    by_name = sorted(range(len(cells)), key=lambda c: cells[c][0])
    seen = {i.state for i in semantics.initial() if i.state is not None}
    todo, found = list(seen), set[tuple[tuple[str, object], ...]]()
    while todo:
        state = todo.pop()
        if all(state[c] is None for c in held):
            found.add(tuple((cells[c][0], state[c]) for c in by_name))
        for step in semantics.successors(state):
            if step.target is not None and step.target not in seen:
                seen.add(step.target)
                todo.append(step.target)
    return found


def _outcome(path: Path, instance: Holding) -> str:
    try:
        _, program = compile_spec(str(path), dict(instance.sets))
    except (SpecError, ConfigurationError):
        return "refused"
    if _text(program) == instance.program:
        return "same"
    limits = Limits(states=TIMES * instance.states + 2_000)
    try:
        verdict = quick.explore(program, limits, (), lambda *_: None)
    except SpecError:  # what a step forks into
        return "refused"
    if verdict.outcome == "HOLDS":
        return "noticed" if _never(verdict) - instance.never else "survived"
    return "killed" if verdict.outcome == "VIOLATED" else "limit"


# ------------------------------------------------------------------------------------ survivors


def listed(file: Path = LISTED) -> dict[tuple[str, tuple[str, str, str, int]], str]:
    """Each survivor that is known, with the reason."""
    if not file.exists():
        return {}
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    return {
        (s["spec"], (s["kind"], s["function"], s["statement"], s.get("nth", 1))): s["reason"]
        for s in table["survivor"]
    }


def not_yet(file: Path = LISTED) -> frozenset[str]:
    """The specs whose survivors are still to be listed."""
    if not file.exists():
        return frozenset()
    return frozenset(tomllib.loads(file.read_text(encoding="utf-8")).get("not_yet", ()))


def findings(
    results: list[Tried], known: Mapping[tuple[str, tuple[str, str, str, int]], str],
    whole: frozenset[str] = frozenset(),
) -> list[str]:
    """What is not as listed.  `whole`: the specs of which all mutants were tried."""
    found = []
    for t in results:
        key = t.spec, t.mutation.key
        if t.outcome == "survived" and key not in known:
            found.append(f"survived, and is not listed: {_shown(key)}")
        if t.outcome not in ("survived", "limit") and key in known:
            found.append(f"listed, and {t.outcome}: {_shown(key)}")
    there = {(t.spec, t.mutation.key) for t in results}
    return found + [
        f"listed, and no such statement: {_shown(key)}"
        for key in known if key[0] in whole and key not in there
    ]


def _shown(key: tuple[str, tuple[str, str, str, int]]) -> str:
    spec, (kind, function, statement, nth) = key
    return f"{spec}: {kind} in {function}: {statement}" + (f" ({nth})" if nth > 1 else "")


def as_toml(t: Tried) -> str:
    """A survivor as specs/survivors.toml has it, the reason to be filled in."""
    kind, function, statement, nth = t.mutation.key
    quoted = statement.replace("\\", "\\\\").replace('"', '\\"')
    lines = [f'spec = "{t.spec}"', f'kind = "{kind}"', f'function = "{function}"',
             f'statement = "{quoted}"', *([f"nth = {nth}"] if nth > 1 else []), 'reason = ""']
    return "[[survivor]]\n" + "\n".join(lines) + "\n"


def share(number: int, seed: int, among: tuple[str, ...]) -> list[tuple[Design, Mutation]]:
    """As many mutants, of these specs, by chance."""
    every = [(d, m) for d in designs(among) for m in mutations(d.path.read_text(encoding="utf-8"))]
    return random.Random(seed).sample(every, min(number, len(every)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--spec", action="append", default=[], help="sync_scrub, ...; else all")
    parser.add_argument("--share", type=int, help="so many mutants, by chance")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--list", action="store_true", help="also the survivors, as TOML")
    chosen = parser.parse_args()
    known, open_ = listed(), not_yet()
    total, bad = Counter[str](), list[str]()
    with tempfile.TemporaryDirectory() as name:
        for of in designs(tuple(chosen.spec)):
            every = list(mutations(of.path.read_text(encoding="utf-8")))
            if chosen.share is not None:
                picked = random.Random(f"{chosen.seed} {of.path.stem}")
                every = [m for m in every if picked.random() < chosen.share / 4_000]
            if not of.holding or not every:
                print(f"{of.path.stem}: no instance that holds is small enough" if every else
                      f"{of.path.stem}: nothing to change", flush=True)
                continue
            results = [Tried(of.path.stem, m, tried(of, m, Path(name))) for m in every]
            count = Counter(t.outcome for t in results)
            total += count
            print(f"{of.path.stem}: {_counts(count)}", flush=True)
            whole = frozenset([of.path.stem]) if chosen.share is None else frozenset[str]()
            if of.path.stem not in open_:
                bad += findings(results, known, whole)
            if chosen.list:
                print(*(as_toml(t) for t in results
                        if t.outcome == "survived" and (t.spec, t.mutation.key) not in known))
    print(f"all: {_counts(total)}")
    print(*bad, f"{len(bad)} findings", sep="\n")
    sys.exit(bool(bad))


def _counts(count: Counter[str]) -> str:
    judged = count["killed"] + count["noticed"] + count["survived"]
    rate = f"{100 * count['killed'] / judged:.0f} % killed of {judged}" if judged else "none judged"
    apart = ("noticed", "survived", "alike", "refused", "same", "limit")
    return f"{rate}; " + ", ".join(f"{count[o]} {o}" for o in apart)


if __name__ == "__main__":
    main()
