"""Invariants by name: what `@invariant`, PROMISES and an assert without a sentence mean, and each
refusal, word for word.

Each spec is HEADER and the lines shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.engines.reference import explore
from modelcheck.frontend.compile import compile_spec
from modelcheck.frontend.declare import sentences
from modelcheck.ir import Program
from modelcheck.source import SpecError, lines_of
from modelcheck.trace import Limits

HEADER = '''\
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol, TypeVar
from modelcheck.lang import (
    Array, Ghost, Indexed, Lock, Process, always, array, free, instances, invariant, predicate,
    process, promises, shared, spin_lock, spin_unlock, this_process, violates,
)
class State(Enum):
    CLEAN = auto()
    DIRTY = auto()
class HasState(Protocol):
    state: State
class HasHolder(Protocol):
    holder: Ghost[Process | None]
P = TypeVar("P", bound=HasState)
@invariant("S1", "a page that is handed over is clean")
def clean_handover(pg: HasState) -> bool:
    return pg.state == State.CLEAN
@invariant("S2", "every page is clean")
def all_clean(pages: type[P]) -> bool:
    return all(pg.state == State.CLEAN for pg in instances(pages))
@shared
class Head:
    state: State = State.CLEAN
@invariant("L1", "every list is clean")
def lists_clean(heads: Array[Head]) -> bool:
    return all(head.state == State.CLEAN for head in heads)
@invariant("S9", "a clean page becomes dirty, and a dirty one clean")
def legal_transition(old: State, new: State) -> bool:
    return old != new
@invariant("K1", "memory changes under the lock only")
def under_lock(lock: HasHolder) -> bool:
    return lock.holder == this_process()
@shared(count=2)
class Page:
    state: State = State.CLEAN
    was: Ghost[State] = State.CLEAN
@shared(count=2)
class Cpu:
    busy: bool = False
heap = array(Head, 2)
one = Head()
heap_lock = Lock("heap_lock")
@process
def cpu() -> None:
    spin_lock(heap_lock)
    for pg in instances(Page):
        pg.state = State.DIRTY
    spin_unlock(heap_lock)
'''


def compiled(body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.chdir(tmp_path)
    Path("spec.py").write_text(HEADER + body, encoding="utf-8")
    lines_of.cache_clear()
    return compile_spec("spec.py", {})[1]


def test_each_promise_is_an_always_at_its_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = compiled(
        '''\
PROMISES = promises(all_clean(Page), lists_clean(heap), when=free(heap_lock)), promises(
    clean_handover(one))
''', tmp_path, monkeypatch)
    assert [(p.kind, p.sentence, str(p.span)) for p in program.properties] == [
        ("always", "every page is clean", "spec.py:50:21"),
        ("always", "every list is clean", "spec.py:50:38"),
        ("always", "a page that is handed over is clean", "spec.py:51:5"),
    ]
    assert [p.when is not None for p in program.properties] == [True, True, False]
    verdict = explore(program, Limits())
    assert [(p.sentence, p.depth) for p in verdict.properties if p.status == "violated"] == [
        ("every page is clean", 4)
    ]


def test_a_promise_whose_when_is_false_here_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = compiled("PROMISES = promises(all_clean(Page), when=1 > 2)\n", tmp_path, monkeypatch)
    assert program.properties == ()


def test_expect_names_an_invariant_by_its_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled(
        'EXPECT = violates("every page is clean")\nPROMISES = promises(all_clean(Page))\n',
        tmp_path, monkeypatch,
    )


ASSERTING = '''\
@process
def asserting() -> None:
    spin_lock(heap_lock)
    for pg in instances(Page):
        state = pg.state
        assert legal_transition(state, State.DIRTY)
        pg.state = State.DIRTY
        assert under_lock(heap_lock)
        assert legal_transition(pg.was, State.DIRTY)
        pg.was = State.DIRTY
    assert clean_handover(one)
    spin_unlock(heap_lock)
'''


def test_an_assert_of_an_invariant_needs_no_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of words and ghosts it is no step of its own: only the last is a location."""
    program = compiled(ASSERTING, tmp_path, monkeypatch)
    steps = [a.at for a in program.processes[1].actions]
    assert steps == ["asserting_52", "asserting_54", "asserting_56", "asserting_60", "asserting_61"]
    assert {
        "a page that is handed over is clean", "memory changes under the lock only",
        "a clean page becomes dirty, and a dirty one clean",
    } <= set(sentences(compile_spec("spec.py", {})[0]))


def test_a_spec_knows_the_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled("", tmp_path, monkeypatch)
    assert compile_spec("spec.py", {})[0].labels == {
        "a page that is handed over is clean": "S1",
        "every page is clean": "S2",
        "every list is clean": "L1",
        "a clean page becomes dirty, and a dirty one clean": "S9",
        "memory changes under the lock only": "K1",
    }


CASES = {
    "an assert of a predicate": (
        '''\
@predicate
def is_clean(pg: HasState) -> bool:
    return pg.state == State.CLEAN
@process
def other() -> None:
    for pg in instances(Page):
        assert is_clean(pg)
''',
        """\
spec.py:56:9: error: an assert says in a sentence what must be true
    assert is_clean(pg)
    ^~~~~~~~~~~~~~~~~~~
  write instead: assert is_clean(pg), "what must be true here"
""",
    ),
    "an assert of a function that is not there": (
        '''\
@process
def other() -> None:
    assert is_clean(heap)
''',
        """\
spec.py:52:5: error: an assert says in a sentence what must be true
    assert is_clean(heap)
    ^~~~~~~~~~~~~~~~~~~~~
  write instead: assert is_clean(heap), "what must be true here"
""",
    ),
    "no label": (
        '''\
@invariant("a page is clean")
def is_clean(pg: HasState) -> bool:
    return pg.state == State.CLEAN
''',
        """\
spec.py:50:2: error: an invariant has a short label and a sentence
    @invariant("a page is clean")
     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~
  write instead: @invariant("S2", "a free page that is not scrubbed says need_scrub")
""",
    ),
    "a label of two words": (
        '''\
@invariant("S 2", "a page is clean")
def is_clean(pg: HasState) -> bool:
    return pg.state == State.CLEAN
''',
        """\
spec.py:50:2: error: an invariant has a short label and a sentence
    @invariant("S 2", "a page is clean")
     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  write instead: @invariant("S2", "a free page that is not scrubbed says need_scrub")
""",
    ),
    "not called": (
        '''\
@invariant
def is_clean(pg: HasState) -> bool:
    return pg.state == State.CLEAN
''',
        """\
spec.py:50:2: error: an invariant has a short label and a sentence
    @invariant
     ^~~~~~~~~
  write instead: @invariant("S2", "a free page that is not scrubbed says need_scrub")
""",
    ),
    "not a bool": (
        '''\
@invariant("S3", "a page is clean")
def is_clean(pg: HasState) -> State:
    return pg.state
''',
        """\
spec.py:51:31: error: an @invariant function returns True or False
    def is_clean(pg: HasState) -> State:
                                  ^~~~~
  write instead: def is_clean(pg: HasState) -> bool:
""",
    ),
    "one sentence, two labels": (
        '''\
@invariant("S3", "every page is clean")
def is_clean(pg: HasState) -> bool:
    return pg.state == State.CLEAN
''',
        """\
spec.py:50:2: error: S2 says this already (spec.py:20:1)
    @invariant("S3", "every page is clean")
     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  write instead: another sentence
""",
    ),
    "promises of a predicate": (
        '''\
@predicate
def is_clean(pg: HasState) -> bool:
    return pg.state == State.CLEAN
PROMISES = promises(is_clean(one))
''',
        """\
spec.py:53:21: error: is_clean(one) is no invariant
    PROMISES = promises(is_clean(one))
                        ^~~~~~~~~~~~~
  write instead: a call of an @invariant; what is this spec's own, as an @always function
""",
    ),
    "promises of a condition": (
        '''\
PROMISES = promises(all_clean(Page) and lists_clean(heap))
''',
        """\
spec.py:50:21: error: all_clean(Page) and lists_clean(heap) is no invariant
    PROMISES = promises(all_clean(Page) and lists_clean(heap))
                        ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  write instead: a call of an @invariant; what is this spec's own, as an @always function
""",
    ),
    "promises of a name": (
        '''\
PROMISES = promises(all_clean)
''',
        """\
spec.py:50:21: error: all_clean is promised of something
    PROMISES = promises(all_clean)
                        ^~~~~~~~~
  write instead: all_clean(pages)
""",
    ),
    "promises of words": (
        '''\
PROMISES = promises(legal_transition(State.CLEAN, State.DIRTY))
''',
        """\
spec.py:50:21: error: legal_transition is said of words, and not of memory
    PROMISES = promises(legal_transition(State.CLEAN, State.DIRTY))
                        ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  write instead: assert legal_transition(State.CLEAN, State.DIRTY), in the process that has them
""",
    ),
    "promises of nothing": (
        '''\
PROMISES = promises()
''',
        """\
spec.py:50:12: error: promises(...) of nothing
    PROMISES = promises()
               ^~~~~~~~~~
  write instead: PROMISES = promises(page_lists(heap), when=free(heap_lock))
""",
    ),
    "no promises": (
        '''\
PROMISES = all_clean(Page)
''',
        """\
spec.py:50:12: error: PROMISES says promises(...)
    PROMISES = all_clean(Page)
               ^~~~~~~~~~~~~~~
  write instead: PROMISES = promises(page_lists(heap), when=free(heap_lock))
""",
    ),
    "promises at a time": (
        '''\
PROMISES = promises(all_clean(Page), unless=free(heap_lock))
''',
        """\
spec.py:50:38: error: promises(...) takes no unless
    PROMISES = promises(all_clean(Page), unless=free(heap_lock))
                                         ^~~~~~~~~~~~~~~~~~~~~~
  write instead: when=...
""",
    ),
    "PROMISES twice": (
        '''\
PROMISES = promises(all_clean(Page))
PROMISES = promises(lists_clean(heap))
''',
        """\
spec.py:51:1: error: PROMISES stands in line 50 already
    PROMISES = promises(lists_clean(heap))
    ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  write instead: PROMISES = promises(...), promises(...), in one place
""",
    ),
    "an invariant twice": (
        '''\
PROMISES = promises(all_clean(Page)), promises(all_clean(Page), when=free(heap_lock))
''',
        """\
spec.py:50:48: error: all_clean is promised in line 50 already
    PROMISES = promises(all_clean(Page)), promises(all_clean(Page), when=free(heap_lock))
                                                   ^~~~~~~~~~~~~~~
  write instead: one promise, or another @invariant that says what is meant of both
""",
    ),
    "an always that says the same": (
        '''\
PROMISES = promises(all_clean(Page))
@always
def every_page_is_clean() -> bool:
    return all_clean(Page)
''',
        """\
spec.py:52:1: error: spec.py:50:21 says the same
    def every_page_is_clean() -> bool:
    ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  write instead: one of the two
""",
    ),
    "an object where a class is meant": (
        '''\
PROMISES = promises(all_clean(one))
''',
        """\
spec.py:50:31: error: one is no class with a count
    PROMISES = promises(all_clean(one))
                                  ^~~
  write instead: a class with @shared(count=...)
""",
    ),
    "a class without count": (
        '''\
PROMISES = promises(all_clean(Head))
''',
        """\
spec.py:50:31: error: Head has no count: it has no instances
    PROMISES = promises(all_clean(Head))
                                  ^~~~
  write instead: a class with @shared(count=...)
""",
    ),
    "a class without the field": (
        '''\
PROMISES = promises(all_clean(Cpu))
''',
        """\
spec.py:50:31: error: Cpu has no field state, which all_clean reads
    PROMISES = promises(all_clean(Cpu))
                                  ^~~
  write instead: a field state in class Cpu
""",
    ),
    "a class where an array is meant": (
        '''\
PROMISES = promises(lists_clean(Page))
''',
        """\
spec.py:50:33: error: Page is not an array of Head
    PROMISES = promises(lists_clean(Page))
                                    ^~~~
  write instead: array(Head, n)
""",
    ),
    "an object where an array is meant": (
        '''\
PROMISES = promises(lists_clean(one))
''',
        """\
spec.py:50:33: error: one is not an array of Head
    PROMISES = promises(lists_clean(one))
                                    ^~~
  write instead: array(Head, n)
""",
    ),
    "a class where a page is meant": (
        '''\
PROMISES = promises(clean_handover(Page))
''',
        """\
spec.py:50:36: error: Page is a class, not one of its elements
    PROMISES = promises(clean_handover(Page))
                                       ^~~~
  write instead: element(Page, 0), or choose(instances(Page))
""",
    ),
    "an array where an object is meant": (
        '''\
PROMISES = promises(clean_handover(heap))
''',
        """\
spec.py:50:36: error: heap is an array, not one of its objects
    PROMISES = promises(clean_handover(heap))
                                       ^~~~
  write instead: heap[i]
""",
    ),
    "too many arguments": (
        '''\
PROMISES = promises(all_clean(Page, heap))
''',
        """\
spec.py:50:21: error: all_clean takes 1 argument: pages
    PROMISES = promises(all_clean(Page, heap))
                        ^~~~~~~~~~~~~~~~~~~~~
  write instead: all_clean(pages)
""",
    ),
    "the fields of a class": (
        '''\
@invariant("S3", "the class is clean")
def is_clean(pages: type[P]) -> bool:
    return pages.state == State.CLEAN
PROMISES = promises(is_clean(Page))
''',
        """\
spec.py:52:12: error: pages is a class, not one of its elements
    return pages.state == State.CLEAN
           ^~~~~
  write instead: element(pages, 0), or choose(instances(pages))
""",
    ),
    "an array of pages": (
        '''\
@invariant("S3", "all is clean")
def is_clean(pages: Array[Page]) -> bool:
    return all(pg.state == State.CLEAN for pg in pages)
PROMISES = promises(is_clean(heap))
''',
        """\
spec.py:51:21: error: Array[...] is of a @shared class without count
    def is_clean(pages: Array[Page]) -> bool:
                        ^~~~~~~~~~~
  write instead: heads: Array[PageListHead[P]]
""",
    ),
    "the type of an object": (
        '''\
@invariant("S3", "all is clean")
def is_clean(pages: type[Head]) -> bool:
    return all(pg.state == State.CLEAN for pg in instances(pages))
PROMISES = promises(is_clean(Page))
''',
        """\
spec.py:51:21: error: type[...] is of a class with a count, or a type variable
    def is_clean(pages: type[Head]) -> bool:
                        ^~~~~~~~~~
  write instead: pages: type[P]
""",
    ),
    "promises of a process": (
        '''\
@invariant("S3", "this process does it")
def by_me(pages: type[P]) -> bool:
    return all(pg.state == State.CLEAN and this_process() == this_process()
               for pg in instances(pages))
PROMISES = promises(by_me(Page))
''',
        """\
spec.py:52:44: error: a property is of all memory, and of no process
    return all(pg.state == State.CLEAN and this_process() == this_process()
                                           ^~~~~~~~~~~~~~
  write instead: an assert in the process, or a field that says who
""",
    ),
    "a ghost steers": (
        '''\
def is_dirty(state: State) -> bool:
    return state == State.DIRTY
@process
def other() -> None:
    for pg in instances(Page):
        if is_dirty(pg.was):
            pg.state = State.CLEAN
''',
        """\
spec.py:55:21: error: pg.was is a ghost: it may not steer
    if is_dirty(pg.was):
                ^~~~~~
  write instead: a field that is no Ghost, or read pg.was in an assert or a property
""",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_refusal_reads(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body, expected = CASES[name]
    with pytest.raises(SpecError) as refusal:
        compiled(body, tmp_path, monkeypatch)
    assert refusal.value.text() + "\n" == expected
