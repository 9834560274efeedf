"""The words of the spec language, typed, so that mypy and an editor understand a spec.

A spec is read by `modelcheck.frontend` and never run: nothing here is ever executed by the tool.
Each word's docstring says what it means and what it costs in steps.  Imports nothing of ours.
"""

from __future__ import annotations

import enum as _enum
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Annotated, Any, ClassVar, Generic, NoReturn, Self, TypeVar, overload

T = TypeVar("T")
C = TypeVar("C", bound=type[Any])
F = TypeVar("F", bound=Callable[..., Any])


def _never_run(*_: object) -> NoReturn:
    raise RuntimeError("a spec is read by modelcheck, never run; try: modelcheck verify SPEC.py")


# ------------------------------------------------------------------------------ types and objects


class Enum(_enum.Enum):
    """As `enum.Enum`, but mypy does not take memory for sequential: after `pg.state == A` a second
    load may well find B.  `enum.Enum` is accepted too."""

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return hash(self.name)


auto = _enum.auto


class Indexed:
    """Base of a @shared class whose elements are neighbours: `pg[i]` is C's `pg + i` (a value, no
    access; outside the array it is a violation)."""

    def __getitem__(self, i: int) -> Self:
        _never_run(i)


class Process:
    """A process, as a value: what `lock.holder` holds.  See `this_process()`."""


class Pattern:
    """What half a page holds: zeros, or the pattern that a domain wrote there."""

    ZERO: ClassVar[Pattern]
    EARLIER: ClassVar[Pattern]  # of a domain that is no longer there


Ghost = Annotated[T, "ghost"]
"""`owner: Ghost[Process | None] = None`: a field for properties only.  Setting it rides on the step
before it, and it may not steer."""


def between(lo: int, hi: int) -> object:
    """`Annotated[int, between(0, 3)]`: lo..hi, both included; leaving it is a violation, of a field
    and of an annotated local, argument or result alike, whether the value is used or not.  A
    property in which a value leaves its range has no value there, and that is a violation too."""
    _never_run(lo, hi)


def wrapping(modulus: int) -> object:
    """`Annotated[int, wrapping(4)]`: 0..3, and 3 + 1 is 0, as a counter that wraps by design: where
    it is stored, and where an annotated local, argument or result is bound."""
    _never_run(modulus)


@overload
def shared(cls: C, /) -> C: ...
@overload
def shared(*, count: int) -> Callable[[C], C]: ...
def shared(cls: Any = None, /, *, count: int = 1) -> Any:
    """A class whose fields are shared memory, one location each.  With `count` it is an index sort:
    `Page` names an element, `Page | None` may be stored, `instances(Page)` runs over all.  Without,
    `heap = Heap()` makes one object, `array(Heap, 3)` several, a field of that type embeds it."""
    _never_run(cls, count)


class Array(Generic[T]):
    """What `array(...)` makes."""

    def __getitem__(self, i: int) -> T:
        _never_run(i)

    def __iter__(self) -> Iterator[T]:
        _never_run()


@overload
def array(cls: Callable[[], T], n: int, /) -> Array[T]: ...
@overload
def array(cls: Callable[[], T], n: int, m: int, /) -> Array[Array[T]]: ...
def array(cls: Any, *sizes: int) -> Any:
    """`heap = array(PageListHead, MAX_ORDER + 1)`: objects in memory, `heap[order]` a place."""
    _never_run(cls, sizes)


class OwnedLock:
    """Base of a @shared class of locks that only their holder releases: it has the ghost `holder`,
    which the step that takes the lock sets to `this_process()`, and the step that releases it to
    None.  A process that ends while it holds one is a violation, "no process ends holding a lock:
    heap_lock".  What another context releases, as an interrupt does at the end of I/O, is no
    OwnedLock."""


@shared
class Lock(OwnedLock):
    """A lock whose taking is one step, possible only when it is free."""

    locked: bool = False
    holder: Ghost[Process | None] = None

    def __init__(self, name: str = "") -> None:
        _never_run(name)


@overload
def param(default: bool, /) -> bool: ...
@overload
def param(default: int, lo: int, hi: int, /) -> int: ...
def param(default: Any, lo: int = 0, hi: int = 0, /) -> Any:
    """`PAGES = param(2, 1, 8)`: set by `--set PAGES=3`, within lo..hi;
    `param(False)`: a switch."""
    _never_run(default, lo, hi)


def instance(**parameters: int | bool) -> object:
    """`INSTANCE = instance(MAX_ORDER=1)`: this spec's default for parameters of what it imports."""
    _never_run(parameters)


# ------------------------------------------------------------------------- functions of a spec


def boot(f: F) -> F:
    """What memory holds before any process runs: sequential, any number of accesses a line."""
    _never_run(f)


@overload
def process(f: F, /) -> F: ...
@overload
def process(*, count: int) -> Callable[[F], F]: ...
def process(f: Any = None, /, *, count: int = 1) -> Any:
    """A CPU, a vCPU, a domain: runs its function once.  `def domain(me: int) -> None` is told its
    number."""
    _never_run(f, count)


def interrupt(*, of: Callable[..., None]) -> Callable[[F], F]:
    """`@interrupt(of=domain)` above `def timer() -> None:` or `timer(me: int)`: a handler.  It may
    come to the CPU of each such process between any two of its steps, before its first, and while
    it spins or waits, any number of times, but not within `irqs_off()` or `atomic(...)`.  It then
    runs to its end before the process goes on; meanwhile others do, and no other interrupt comes
    there.  What it stores is no progress of the process: who waits for ever is deadlocked, however
    often a timer ticks."""
    _never_run(of)


def predicate(f: F) -> F:
    """A function that reads all of memory at one instant; for asserts and properties."""
    _never_run(f)


def invariant(label: str, sentence: str, /) -> Callable[[F], F]:
    """`@invariant("S2", "a free page that is not scrubbed says need_scrub")`: a @predicate with a
    name, under which designs promise it: `assert clean_handover(pg)`, which needs no sentence of
    its own, or in PROMISES.  One that reads only words that it is given, and ghosts, is no step in
    an assert, and cannot stand in PROMISES.  `pages: type[P]` takes a class, `heads: Array[...]` an
    array."""
    _never_run(label, sentence)


def promises(*invariants: bool, when: bool = True) -> object:
    """`PROMISES = promises(conservative_label(Page)), promises(page_lists(heap), when=...)`: each
    of these is true in every state (in which `when` is true), as an @always is."""
    _never_run(invariants, when)


@overload
def always(f: F, /) -> F: ...
@overload
def always(*, when: bool) -> Callable[[F], F]: ...
def always(f: Any = None, /, *, when: bool = True) -> Any:
    """True in every state (in which `when` is true).  The function's name is the sentence."""
    _never_run(f, when)


@overload
def lemma(f: F, /) -> F: ...
@overload
def lemma(*, when: bool) -> Callable[[F], F]: ...
def lemma(f: Any = None, /, *, when: bool = True) -> Any:
    """As @always, and checked like it: what you know of the design that makes its promises
    inductive (`--engine induction`)."""
    _never_run(f, when)


@overload
def sometimes(f: F, /) -> F: ...
@overload
def sometimes(*, when: bool) -> Callable[[F], F]: ...
def sometimes(f: Any = None, /, *, when: bool = True) -> Any:
    """True in some reachable state: the guard against vacuous success."""
    _never_run(f, when)


def eventually(f: F) -> F:
    """A liveness property (no engine checks it yet: refused)."""
    _never_run(f)


def leads_to(cause: bool, effect: bool) -> bool:
    """For `@eventually`: whenever `cause` is true, `effect` becomes true later."""
    _never_run(cause, effect)


def holds(*, when: bool = True) -> object:
    """`EXPECT = holds()`: this design keeps all its promises."""
    _never_run(when)


def violates(sentence: str, /, *, when: bool = True) -> object:
    """`EXPECT = violates("no dirty page ...")`: this design breaks that property.

    Also `violates("deadlock")`, and what goes wrong of itself, as a verdict says it without the
    number: "None is dereferenced", "an index leaves its array", "a value leaves its range", ..."""
    _never_run(sentence, when)


def unreached(sentence: str, /, *, when: bool = True) -> object:
    """`EXPECT = unreached("a page is scrubbed")`: no run of this design reaches that @sometimes."""
    _never_run(sentence, when)


# ------------------------------------------------------------------------------ steps on memory


def cmpxchg(place: T, old: T, new: T, /) -> T:
    """One step: if the place holds `old`, store `new`.  Returns what it held, as Xen's does."""
    _never_run(place, old, new)


def xchg(place: T, new: T, /) -> T:
    """One step: store `new`.  Returns what the place held."""
    _never_run(place, new)


def fetch_add(place: int, n: int, /) -> int:
    """One step: add `n`.  Returns what the place held."""
    _never_run(place, n)


def fetch_update(place: T, update: Callable[[T], T], /) -> T:
    """One step: store `update(old)`, for a function without accesses.  Returns the old value."""
    _never_run(place, update)


def test_and_set_bit(place: bool, /) -> bool:
    """One step: set a flag.  Returns what it was."""
    _never_run(place)


def test_and_clear_bit(place: bool, /) -> bool:
    """One step: clear a flag.  Returns what it was."""
    _never_run(place)


def set_bit(place: bool, /) -> None:
    """One step: set a flag, atomically, without telling what it was."""
    _never_run(place)


def clear_bit(place: bool, /) -> None:
    """One step: clear a flag, atomically, without telling what it was."""
    _never_run(place)


def store_part(place: T, value: T, /) -> None:
    """One step: a plain store of a part of a word that the hardware can address by itself."""
    _never_run(place, value)


def smp_mb() -> None:
    """A full barrier.  A step only where the memory model gives it one."""
    _never_run()


def smp_wmb() -> None:
    """A barrier between stores."""
    _never_run()


def smp_rmb() -> None:
    """A barrier between loads."""
    _never_run()


def sfence() -> None:
    """x86's fence for non-temporal stores."""
    _never_run()


def spin_lock(lock: Lock, /) -> None:
    """One step, possible only when the lock is free: take it."""
    _never_run(lock)


def spin_trylock(lock: Lock, /) -> bool:
    """One step: take the lock if it is free.  Returns whether it was."""
    _never_run(lock)


def spin_unlock(lock: Lock, /) -> None:
    """One step: release the lock.  A violation if this CPU does not hold it."""
    _never_run(lock)


def wait_until(condition: bool, /, *, strong: bool = False) -> None:
    """One step, possible only when the condition (at most one load) is true."""
    _never_run(condition, strong)


def cpu_relax() -> None:
    """What a spinning loop does: no step.  A loop of nothing else is a wait."""
    _never_run()


def atomic(reason: str, /) -> AbstractContextManager[None]:
    """`with atomic("the hypercall is serialised"):` one step; the reason is printed as an
    assumption."""
    _never_run(reason)


def irqs_off() -> AbstractContextManager[None]:
    """`with irqs_off():` no interrupt comes to this CPU from the first access in here to the end,
    whatever it calls.  It makes nothing one step.  In a handler it says nothing more."""
    _never_run()


# --------------------------------------------------------------------------------- values, no step


@overload
def choose(options: Iterable[T], /) -> T: ...
@overload
def choose(first: T, second: T, /, *more: T) -> T: ...
def choose(*options: Any) -> Any:
    """Any of these, each tried: `choose(False, True)`, `choose(instances(Page))`,
    `choose(range(3))`."""
    _never_run(options)


def assume(condition: bool, /) -> None:
    """Cut the run short where this is false.  Printed with the verdict as an assumption."""
    _never_run(condition)


def not_null(x: T | None, /) -> T:
    """What is known not to be None; a violation if it is, also where the value is not used."""
    _never_run(x)


def index_of(x: object, /) -> int:
    """The number of an element of an index sort."""
    _never_run(x)


def element(cls: type[T], n: int, /) -> T:
    """The element with that number."""
    _never_run(cls, n)


def replace(word: T, /, **fields: object) -> T:
    """A word with some fields changed, as `dataclasses.replace`."""
    _never_run(word, fields)


def pattern_of(me: int, /) -> Pattern:
    """The pattern that domain number `me` fills its pages with."""
    _never_run(me)


def this_process() -> Process:
    """The process that runs this."""
    _never_run()


# -------------------------------------------------------------------------------- for properties


def instances(cls: type[T], /) -> Sequence[T]:
    """Every element of an index sort, in order."""
    _never_run(cls)


def chain(start: T | None, field: str, /) -> Iterable[T]:
    """`chain(heap.head, "next")`: the elements of a list, to None or to where one would repeat."""
    _never_run(start, field)


def free(lock: object, /) -> bool:
    """Whether nobody holds the lock (its ghost `holder` is None)."""
    _never_run(lock)


def at_rest() -> bool:
    """Whether every process has ended or is at the head of its outermost loop: one of its own
    function, or one that is never left."""
    _never_run()
