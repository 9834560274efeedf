"""Small specs whose things are given hostile names: keywords of Python, C, Promela, Murphi and
TLA+, names of our own classes and of generated code, names that differ in little.  Each is refused,
or is what it was before:

- the reference engine and quick, native for a share, find the same outcome, states, steps, lines;
- the trace is validated on the executable allocator, and random walks agree;
- the notation reads back, and the exports can be made; SPIN and Rumur, where they are installed,
  find as many states and steps, for a share.

    python -m tests.campaigns.names --specs 2000
"""

from __future__ import annotations

import argparse
import ast
import builtins
import keyword
import random
import re
import sys
import tempfile
import time
import traceback
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import modelcheck.engines
import modelcheck.heap
from modelcheck.agreement import agrees
from modelcheck.crosscheck import ask, only_safety, reference, task_of
from modelcheck.engines import reference as referee
from modelcheck.engines.native import NotNative
from modelcheck.engines.native import search as native
from modelcheck.engines.native.search import in_c
from modelcheck.engines.quick import search as quick
from modelcheck.export import LANGUAGES, exported, murphi, promela, tlaplus
from modelcheck.frontend.compile import compile_with_lines
from modelcheck.frontend.definitions import Spec
from modelcheck.frontend.load import lang_words
from modelcheck.heap.walk import random_walk
from modelcheck.heap.walk import tried as walked
from modelcheck.ir import Program
from modelcheck.notation import parse_program, print_program
from modelcheck.peers import known
from modelcheck.semantics import Semantics
from modelcheck.source import SpecError, lines_of
from modelcheck.trace import Limits, Verdict
from modelcheck.validate import by_its_lines, validated
from tests.agree.built import AT_ONCE, compiled, in_one_thread, small_tables
from tests.agree.said import whole
from tests.campaigns.engines import tally
from tests.campaigns.templates import KINDS, NAMES, TEMPLATES

STATES = Limits(states=5_000)
WALKS = 3
NATIVE_EACH, PEERS_EACH = 4, 25  # one of so many is asked of these
MOST_STATES = 1_000  # of what peers are asked
LONG = 200

WORDS = """
_ __ ___ a A O l I match case type self cls super me x_1 x__2 f_2 i_end i_index i_start i_2 _1 _x
x_ x__ __x __x__ __init__ __class__ __dict__ __slots__ __name__ __module__ __doc__ __file__
__builtins__ __annotations__ __eq__ __hash__ __getattr__ __debug__ __import__ next iter
register main errno stdin NULL assert volatile restrict unix linux bool true false char short
long signed unsigned struct union typedef static extern inline const goto switch default do sizeof
void auto double float enum int8_t uint64_t size_t malloc free calloc abort exit printf read write
signal fork time index stderr stdout EOF INT_MAX UINT64_MAX offsetof alloca asm typeof __LINE__
__attribute__ __typeof__ _Bool _Atomic _Thread_local thread_local nullptr alignas static_assert
proctype chan init run timeout _pid skip never atomic d_step mtype active byte bit hidden xr xs len
empty full nempty nfull enabled eval of od fi ltl show trace notrace priority provided select
pc_value np_ _last _nr_pr pid local unless
rule ruleset begin startstate undefine scalarset clear multiset isundefined forall exists
endfor by var procedure invariant liveness cover property put record alias program traceuntil
MODULE EXTENDS VARIABLES VARIABLE CONSTANT CONSTANTS LET IN Nat Int Next Init Spec UNCHANGED vars
ASSUME THEOREM CHOOSE DOMAIN SUBSET UNION ENABLED EXCEPT INSTANCE LAMBDA BOOLEAN TRUE FALSE STRING
TLC Integers Naturals Sequences FiniteSets Assert Print Len Append WF_x SF_x WF_ SF_ i choice
number name sort address siblings value offset size memory arena view state program process step
größe µ ﬁeld 名 ñ Ω ℌ ª x² ΐ
PARAMETERS EXPECT PROMISES END None_ int0 none zero pc at count index_1 holder locked fault
"""
"""What is a keyword or a known name somewhere, or looks like one that is made from another."""


@cache
def pool() -> tuple[str, ...]:
    """Every hostile name, in order."""
    found = set(WORDS.split()) | set(dir(builtins)) | set(keyword.softkwlist) | lang_words()
    for keywords in (promela.KEYWORDS, murphi.KEYWORDS, tlaplus.KEYWORDS):
        for word in keywords.split():
            found |= {word, word.upper(), word.capitalize()}
    for package in (modelcheck.heap, modelcheck.engines):
        for path in Path(*package.__path__).rglob("*.py"):
            found |= _names_in(ast.parse(path.read_text(encoding="utf-8")))
        for path in Path(*package.__path__).rglob("*.[ch]"):
            found |= set(re.findall(r"[A-Za-z_]\w*", path.read_text(encoding="utf-8")))
    return tuple(sorted(name for name in found if _is_name(name)))


@cache
def known_words() -> tuple[str, ...]:
    """Those of these names that mean something to somebody."""
    found = set(WORDS.split()) | set(dir(builtins)) | set(keyword.softkwlist) | lang_words()
    return tuple(sorted(name for name in found if _is_name(name)))


def _hostile(chance: random.Random) -> list[str]:
    return list(chance.choice((pool, known_words))())


def _names_in(tree: ast.AST) -> set[str]:
    """What anything is called in a module, attributes and arguments included."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Constant(value=str(text)):  # generated text, most of it
                found |= set(re.findall(r"[A-Za-z_]\w*", text))
    return found


def _is_name(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name)


# ------------------------------------------------------------------------------ who is called what


@dataclass(frozen=True)
class Renamed:
    """A template, and the new names of what it names."""

    template: str
    names: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        new = dict(self.names)
        return NAMES.sub(lambda found: new.get(found[0], found[0]), TEMPLATES[self.template])

    def __str__(self) -> str:
        some = ", ".join(f"{old} is {new:.30}" for old, new in self.names[:8])
        return f"{self.template}, {some}{' ...' if len(self.names) > 8 else ''}"


def renamed(number: int) -> Renamed:
    """The template of a number, renamed: one name, a kind, or all; all to names that are alike;
    to what generated text for this template has; or many things to the same name."""
    chance = random.Random(number)
    template = list(TEMPLATES)[number % len(TEMPLATES)]
    every = names_of(template)
    way = chance.choice((_one, _a_kind, _all, _alike, _generated, _the_same))
    return Renamed(template, tuple(sorted(way(chance, template, every).items())))


@cache
def names_of(template: str) -> tuple[str, ...]:
    """All names of a template that may be replaced, in the order in which they come."""
    return tuple(dict.fromkeys(NAMES.findall(TEMPLATES[template])))


def _apart(chance: random.Random, names: list[str], hostile: list[str]) -> dict[str, str]:
    """Each of these names with another of the hostile ones, none of which stands in a template (as
    Python reads it)."""
    chance.shuffle(hostile)
    as_read = {unicodedata.normalize("NFKC", h): h for h in hostile if h not in KEPT}
    return dict(zip(names, as_read.values(), strict=False))


def _one(chance: random.Random, template: str, every: tuple[str, ...]) -> dict[str, str]:
    return _apart(chance, [chance.choice(every)], _hostile(chance))


def _a_kind(chance: random.Random, template: str, every: tuple[str, ...]) -> dict[str, str]:
    kind = chance.choice([k for k in KINDS if any(name.startswith(k) for name in every)])
    return _apart(chance, [n for n in every if n.startswith(kind)], _hostile(chance))


def _all(chance: random.Random, template: str, every: tuple[str, ...]) -> dict[str, str]:
    return _apart(chance, list(every), _hostile(chance))


def _generated(chance: random.Random, template: str, every: tuple[str, ...]) -> dict[str, str]:
    some = chance.sample(every, chance.randint(1, 4))
    words = list(generated(template))
    if chance.random() < 0.5:  # those that are made of one of its names
        words = [word for word in words if any(name in word for name in every)]
    return _apart(chance, some, words)


def _alike(chance: random.Random, template: str, every: tuple[str, ...]) -> dict[str, str]:
    """Names that differ in case, or in how they end."""
    stem = chance.choice(("a", "x", "f_2", "Ab", "get", "p0", "_x", "é", "y" * LONG))
    ends = ("", "_", "__", "_1", "_2", "__1", "__2", "1", "2", "_end", "_index", "_a", "_x", "_0")
    alike = [s + end + more for s in (stem, stem.swapcase()) for end in ends for more in ends]
    return _apart(chance, list(every), list(dict.fromkeys(alike)))


def _the_same(chance: random.Random, template: str, every: tuple[str, ...]) -> dict[str, str]:
    """One name for a thing of each scope, where Python tells them apart, and at times for one of
    the file."""
    name = chance.choice([n for n in _hostile(chance) if n not in KEPT])
    files = [n for n in every if n.startswith(("Object", "Param", "Const", "Process", "Function"))]
    top = chance.choice(files) if chance.random() < 0.3 else ""
    names: dict[str, str] = {top: name} if top else {}
    for scope in ast.parse(TEMPLATES[template]).body:
        text = ast.unparse(scope)
        match scope:
            case ast.ClassDef():
                own = NAMES.findall("\n".join(re.findall(r"^ +(\w+)(?=:| =)", text, re.MULTILINE)))
            case ast.FunctionDef():
                own = [word for word in NAMES.findall(text) if word.startswith("Local")]
            case _:
                continue
        own = [word for word in own if word not in names]
        if own and top not in NAMES.findall(text):
            names[chance.choice(own)] = name
    return names


KEPT = frozenset({"me", *(name for t in TEMPLATES for name in names_of(t))})


@cache
def generated(template: str) -> tuple[str, ...]:
    """The identifiers of all texts that are made of a template."""
    _, program, _ = _compiled(TEMPLATES[template])
    texts = [file.text for lang in LANGUAGES for file in exported(program, lang, "", "design")]
    texts += [print_program(program), in_c(program, Semantics(program))[0]]
    words = {word for text in texts for word in re.findall(r"[A-Za-z_]\w*", text)}
    return tuple(sorted(w for w in words if _is_name(w)))


# ------------------------------------------------------------------------------ what they say of it


@dataclass(frozen=True)
class Tried:
    """What became of the text of a number: "refused" or the verdict; who was asked beside those who
    always are; and what should not be so."""

    number: int
    outcome: str
    why: str = ""
    asked: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()


def _compiled(text: str) -> tuple[Spec, Program, Program]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spec.py"
        path.write_text(text, encoding="utf-8")
        lines_of.cache_clear()
        return compile_with_lines(str(path), {})


def shape(verdict: Verdict) -> dict[str, object]:
    """What a verdict says, without a name."""
    trace, failure = verdict.trace, verdict.trace and verdict.trace.failure
    return {
        "outcome": verdict.outcome,
        "states": (verdict.states, verdict.transitions, verdict.depth, verdict.exhaustive),
        "properties": [(p.kind, p.status, p.depth, p.source.line) for p in verdict.properties],
        "never taken": sorted(
            (n.source.line, *(line.line for line in n.calls)) for n in verdict.never_taken
        ),
        "trace": trace and [(s.source.line, *(a.line for a in s.through)) for s in trace.steps],
        "failure": failure and failure.kind,
        "others": len(verdict.others),
    }


@cache
def as_it_is(template: str) -> dict[str, object]:
    """What the reference engine says of a template, without a name."""
    return shape(referee.explore(_compiled(TEMPLATES[template])[1], STATES))


def tried(number: int, everything: bool = True) -> Tried:
    """Everything that is asked of the text of one number."""
    return looked_at(number, renamed(number), everything)


def looked_at(number: int, here: Renamed, everything: bool) -> Tried:
    """As `tried`, of this text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spec.py"
        path.write_text(here.text, encoding="utf-8")
        lines_of.cache_clear()
        try:
            spec, program, unmerged = compile_with_lines(str(path), {})
        except SpecError as refused:
            return Tried(number, "refused", refused.problem)
        except Exception as error:
            return Tried(number, "refused", findings=(f"the front end: {_said(error)}",))
        return _compared(number, here.template, everything, spec, program, unmerged, Path(folder))


def _compared(
    number: int, template: str, everything: bool, spec: Spec, program: Program, unmerged: Program,
    folder: Path,
) -> Tried:
    findings: list[str] = []
    asked: list[str] = []

    def ask_of(who: str, question: Callable[[], str | None]) -> None:
        try:
            found = question()
        except NotNative:
            return
        except Exception as error:
            found = _said(error)
        if found is not None:
            findings.append(f"{who}: {found}"[:400])

    try:
        verdict = referee.explore(program, STATES)
    except Exception as error:
        return Tried(number, "not run", findings=(f"the reference engine: {_said(error)}",))

    def peers() -> str | None:
        only = only_safety(program)
        ours = reference(only, STATES)
        for peer in known(None):
            if peer.installed():
                asked.append(peer.tool)
                theirs = ask(peer, only, "spec.py", task_of(only, ours, Limits()))
                if agrees(ours, theirs) is not True:
                    return f"{ours} {theirs}"
        return None

    def in_native() -> str | None:
        with compiled(AT_ONCE, folder), small_tables(), in_one_thread(AT_ONCE):
            found = _differ(whole(native.explore(program, Limits())), whole(verdict))
        if found is not None:  # tcc is wrong once in ten thousand Programs
            with compiled(AT_ONCE, folder), small_tables():
                found = _differ(whole(native.explore(program, Limits())), whole(verdict))
        asked.append("native")
        return found

    ask_of("the reference engine", lambda: _differ(shape(verdict), as_it_is(template)))
    ask_of("quick", lambda: _differ(whole(quick.explore(program, Limits())), whole(verdict)))
    ask_of("the notation", lambda: _printed(program))
    ask_of("the trace", lambda: _not_validated(verdict, spec, program, unmerged))
    ask_of("a walk", lambda: _parted(verdict, spec, program))
    if number % NATIVE_EACH == 0:
        ask_of("native", in_native)
    if everything and number % PEERS_EACH == 0:
        ask_of("a peer", peers)
    else:
        ask_of("an export", lambda: _exported(program))
    return Tried(number, verdict.outcome, "", tuple(asked), tuple(findings))


def _differ(here: dict[str, object], there: dict[str, object]) -> str | None:
    differ = [f"{n} is {here[n]}, not {value}" for n, value in there.items() if here[n] != value]
    return "; ".join(differ) or None


def _printed(program: Program) -> str | None:
    return None if parse_program(print_program(program)) == program else "reads back otherwise"


def _exported(program: Program) -> None:
    for language in LANGUAGES:
        exported(program, language, "spec.py", "design")


def _not_validated(
    verdict: Verdict, spec: Spec, program: Program, unmerged: Program
) -> str | None:
    found = validated(by_its_lines(verdict, unmerged), spec, program).validation
    return None if found is None or found.mark == "validated" else f"{found.mark}: {found.detail}"


def _parted(verdict: Verdict, spec: Spec, program: Program) -> str | None:
    """How the first walk parts: without a trace also from what the verdict says."""
    if verdict.trace is None:
        found = walked(verdict, spec, program, WALKS)
        return None if found.mark == "tried" else f"{found.mark}: {found.detail}"
    semantics = Semantics(program)
    runs = (random_walk(spec, program, semantics, seed, 40) for seed in range(WALKS))
    return next((run.difference for run in runs if run.difference is not None), None)


def _said(error: BaseException) -> str:
    at = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}, {Path(at.filename).name}:{at.lineno}: {error}"[:300]


# --------------------------------------------------------------------------------- many of them


def campaign(numbers: range, everything: bool = True) -> Iterator[Tried]:
    """Each of these, in order."""
    return (tried(number, everything) for number in numbers)


def main(arguments: list[str] | None = None) -> int:
    """Run the campaign; 0 if nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.names")
    parser.add_argument("--specs", type=int, default=2_000, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="the first one's number")
    parser.add_argument("--refused", action="store_true", help="show why those are refused")
    chosen = parser.parse_args(arguments)
    began, outcomes, asked = time.monotonic(), Counter[str](), Counter[str]()
    findings, interrupted = 0, False
    try:
        for found in campaign(range(chosen.seed, chosen.seed + chosen.specs)):
            outcomes[found.outcome] += 1
            asked.update(found.asked)
            findings += len(found.findings)
            for what in found.findings:
                print(f"number {found.number} ({renamed(found.number)}): {what}", flush=True)
            if chosen.refused and found.why:
                print(f"number {found.number} ({renamed(found.number)}): refused: {found.why}")
            if outcomes.total() % 1_000 == 0:
                print(f"{outcomes.total():,} specs, {findings:,} findings", flush=True)
    except KeyboardInterrupt:
        interrupted = True
    print(f"{outcomes.total():,} specs: {tally(outcomes)}\nasked beside: {tally(asked)}")
    ended = "interrupted after" if interrupted else "in"
    print(f"{findings:,} findings, {ended} {time.monotonic() - began:.0f} s")
    return 130 if interrupted else 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
