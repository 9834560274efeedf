"""Every refusal that needs types, word for word: the spec's lines, and the whole error beside them.

Each spec is HEADER and the lines shown."""

from pathlib import Path

import pytest

from modelcheck.frontend.compile import compile_spec
from modelcheck.source import ConfigurationError, SpecError, lines_of

HEADER = '''\
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Annotated
from modelcheck.lang import (
    Ghost, Lock, Pattern, Process, always, array, assume, at_rest, atomic, between, boot, chain,
    choose, clear_bit, cmpxchg, cpu_relax, element, fetch_add, fetch_update, free, holds,
    index_of, instances, not_null, param,
    predicate, process, set_bit, shared, smp_mb, sometimes, spin_lock, spin_trylock, spin_unlock, store_part,
    test_and_set_bit, this_process, violates, wait_until, wrapping, xchg,
)
PAGES = param(2, 1, 8)
class Scrub(Enum):
    DIRTY = auto()
    CLEAN = auto()
@dataclass(frozen=True)
class Info:
    state: Scrub
    dirty: bool = False
@shared
class Contents:
    first: Pattern = Pattern.ZERO
@shared(count=PAGES)
class Page:
    scrub: Scrub = Scrub.DIRTY
    info: Info = Info(Scrub.DIRTY)
    next: "Page | None" = None
    order: Annotated[int, between(0, 3)] = 0
    busy: bool = False
    owner: Ghost[Process | None] = None
    contents: Contents
@shared
class Heap:
    head: Page | None = None
heap = Heap()
heap_lock = Lock("heap_lock")
'''

CASES = {
    "load and store": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pg.scrub = pg.scrub
''',
        """\
spec.py:41:13: error: this line loads and stores shared memory: two accesses
    pg.scrub = pg.scrub
    ^~~~~~~~~~~~~~~~~~~
  write instead: scrub = pg.scrub, then pg.scrub = scrub
""",
    ),
    "other field": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pg.order = pg.next.order
''',
        """\
spec.py:41:24: error: pg.next is loaded to reach order: two accesses in one statement
    pg.order = pg.next.order
               ^~~~~~~~~~~~~
  write instead: next = pg.next, then next.order
""",
    ),
    "a.b.c store": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pg.next.busy = True
''',
        """\
spec.py:41:13: error: pg.next is loaded to reach busy: two accesses in one statement
    pg.next.busy = True
    ^~~~~~~~~~~~
  write instead: next = pg.next, then next.busy
""",
    ),
    "field of a word": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pg.info.dirty = True
''',
        """\
spec.py:41:13: error: a field of a word cannot be stored alone
    pg.info.dirty = True
    ^~~~~~~~~~~~~
  write instead: info = pg.info, then pg.info = replace(info, dirty=...); or set_bit(pg.info.dirty), or store_part(pg.info.dirty, ...)
""",
    ),
    "argument": (
        '''\
def use(b: bool) -> None:
    heap.head = None
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            use(pg.busy)
''',
        """\
spec.py:43:17: error: the argument pg.busy is shared memory: an access of its own
    use(pg.busy)
        ^~~~~~~
  write instead: busy = pg.busy on a line before, then busy
""",
    ),
    "nested call": (
        '''\
def one() -> bool:
    pg = heap.head
    return pg is None
def use(b: bool) -> None:
    heap.head = None
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            use(one())
''',
        """\
spec.py:46:17: error: one() accesses memory: it stands alone on its line
    use(one())
        ^~~~~
  write instead: result = one(), then use result
""",
    ),
    "call in test": (
        '''\
def one() -> bool:
    pg = heap.head
    return pg is None
def two() -> bool:
    return one()
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            if one() == two():
                pass
''',
        """\
spec.py:46:16: error: one() accesses memory: it stands alone on its line
    if one() == two():
       ^~~~~
  write instead: result = one(), then use result
""",
    ),
    "two loads": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            if pg.busy == pg.info.dirty:
                pass
''',
        """\
spec.py:41:27: error: two accesses to shared memory in one statement: each is a step of its own
    if pg.busy == pg.info.dirty:
                  ^~~~~~~~~~~~~
  write instead: dirty = pg.info.dirty on a line before, then use dirty
""",
    ),
    "two loads 2": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            both = pg.busy and pg.info.dirty == pg.busy
''',
        """\
spec.py:41:49: error: two accesses to shared memory in one statement: each is a step of its own
    both = pg.busy and pg.info.dirty == pg.busy
                                        ^~~~~~~
  write instead: busy = pg.busy on a line before, then use busy
""",
    ),
    "page as int": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            if pg == 0:
                pass
''',
        """\
spec.py:41:16: error: pg is a Page, and the other side a number
    if pg == 0:
       ^~~~~~~
  write instead: index_of(pg)
""",
    ),
    "page in arithmetic": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            n = pg + 1
''',
        """\
spec.py:41:17: error: pg is a Page, not a number
    n = pg + 1
        ^~
  write instead: index_of(pg)
""",
    ),
    "int as page": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            heap.head = 0
''',
        """\
spec.py:41:25: error: 0 is a number, not a Page
    heap.head = 0
                ^
  write instead: element(Page, 0)
""",
    ),
    "order of pages": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            other = pg
            if pg < other:
                pass
''',
        """\
spec.py:42:16: error: references have no order: pg is a Page
    if pg < other:
       ^~
  write instead: index_of(pg)
""",
    ),
    "if pg": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            if pg:
                pass
''',
        """\
spec.py:41:16: error: pg is a reference, not a bool
    if pg:
       ^~
  write instead: pg is not None, or, for `not pg`, pg is None
""",
    ),
    "if int": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            n = pg.order
            if n:
                pass
''',
        """\
spec.py:42:16: error: n is not a bool
    if n:
       ^
  write instead: a comparison, such as n != 0
""",
    ),
    "cmpxchg of a local": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            x = pg.busy
            cmpxchg(x, True, False)
''',
        """\
spec.py:42:21: error: cmpxchg needs a place: a field of shared memory
    cmpxchg(x, True, False)
            ^
  write instead: cmpxchg(pg.state, ...): a field of a @shared class
""",
    ),
    "cmpxchg after and": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            if pg is not None and cmpxchg(pg.busy, False, True):
                pass
''',
        """\
spec.py:41:35: error: cmpxchg(...) behind `and` or `or` may or may not run
    if pg is not None and cmpxchg(pg.busy, False, True):
                          ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  write instead: test the other condition first, then `if cmpxchg(pg.busy, False, True)...`
""",
    ),
    "cmpxchg in assert": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            assert cmpxchg(pg.busy, False, True), "x"
''',
        """\
spec.py:41:20: error: an assert only reads: no cmpxchg(...)
    assert cmpxchg(pg.busy, False, True), "x"
           ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  write instead: old = cmpxchg(pg.busy, False, True), then assert ... old ...
""",
    ),
    "ghost in a test": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            if pg.owner is None:
                pass
''',
        """\
spec.py:41:16: error: pg.owner is a ghost: it may not steer
    if pg.owner is None:
       ^~~~~~~~
  write instead: a field that is no Ghost, or read pg.owner in an assert or a property
""",
    ),
    "ghost in a local": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            o = pg.owner
''',
        """\
spec.py:41:17: error: pg.owner is a ghost: it may not steer
    o = pg.owner
        ^~~~~~~~
  write instead: a field that is no Ghost, or read pg.owner in an assert or a property
""",
    ),
    "ghost in store": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pg.busy = pg.owner is None
''',
        """\
spec.py:41:23: error: pg.owner is a ghost: it may not steer
    pg.busy = pg.owner is None
              ^~~~~~~~
  write instead: a field that is no Ghost, or read pg.owner in an assert or a property
""",
    ),
    "property stores": (
        '''\
@always
def fine() -> bool:
    heap.head = None
    return True
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pass
''',
        """\
spec.py:38:5: error: a property or predicate only reads
    heap.head = None
    ^~~~~~~~~~~~~~~~
  write instead: if, return, and locals; stores and locks belong into a process
""",
    ),
    "property locks": (
        '''\
@always
def fine() -> bool:
    spin_lock(heap_lock)
    return True
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pass
''',
        """\
spec.py:38:5: error: a property or predicate only reads
    spin_lock(heap_lock)
    ^~~~~~~~~~~~~~~~~~~~
  write instead: if, return, and locals; stores and locks belong into a process
""",
    ),
    "property cmpxchg": (
        '''\
@always
def fine() -> bool:
    return cmpxchg(heap.head, None, None) is None
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pass
''',
        """\
spec.py:38:12: error: cmpxchg(...) here: a property only reads
    return cmpxchg(heap.head, None, None) is None
           ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  write instead: an atomic in a process
""",
    ),
    "property loop": (
        '''\
@always
def fine() -> bool:
    for pg in instances(Page):
        if pg.busy:
            return False
    return True
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pass
''',
        """\
spec.py:38:5: error: a property is one expression: no loops
    for pg in instances(Page):
    ^~~~~~~~~~~~~~~~~~~~~~~~~~
  write instead: all(...), any(...) or sum(...) over instances(...) or chain(...)
""",
    ),
    "property no bool": (
        '''\
@always
def fine() -> Page | None:
    return heap.head
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pass
''',
        """\
spec.py:37:15: error: an @always function returns True or False
    def fine() -> Page | None:
                  ^~~~~~~~~~~
  write instead: def fine() -> bool:
""",
    ),
    "property argument": (
        '''\
@always
def fine(n: int) -> bool:
    return n == 0
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pass
''',
        """\
spec.py:37:10: error: an @always function takes nothing
    def fine(n: int) -> bool:
             ^~~~~~
  write instead: def fine() -> bool:
""",
    ),
    "property calls accessor": (
        '''\
def one() -> bool:
    heap.head = None
    return True
@always
def fine() -> bool:
    return one()
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pass
''',
        """\
spec.py:37:5: error: a property or predicate only reads
    heap.head = None
    ^~~~~~~~~~~~~~~~
  write instead: if, return, and locals; stores and locks belong into a process
""",
    ),
    "property chooses": (
        '''\
@always
def fine() -> bool:
    return choose(True, False)
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pass
''',
        """\
spec.py:38:12: error: a property does not choose
    return choose(True, False)
           ^~~~~~~~~~~~~~~~~~~
  write instead: any(...) or all(...)
""",
    ),
    "same sentence": (
        '''\
@always
def fine() -> bool:
    return True
@sometimes
def fine() -> bool:
    return True
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pass
''',
        """\
spec.py:40:1: error: fine is defined twice
    def fine() -> bool:
    ^~~~~~~~~~~~~~~~~~~
  write instead: another name for one of them
""",
    ),
    "expect nothing": (
        '''\
EXPECT = violates("no dirty page is returned")
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            assert pg is not None, "no dirty page is returned to a caller"
''',
        """\
spec.py:36:19: error: EXPECT names no property of this spec, and nothing that can go wrong
    EXPECT = violates("no dirty page is returned")
                      ^~~~~~~~~~~~~~~~~~~~~~~~~~~
  write instead: "no dirty page is returned to a caller"
""",
    ),
    "expect what": (
        '''\
EXPECT = 3
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pass
''',
        """\
spec.py:36:10: error: EXPECT says holds(), violates(...) or unreached(...)
    EXPECT = 3
             ^
  write instead: EXPECT = violates("the sentence")
""",
    ),
    "class of nothing": (
        '''\
class Foo:
    x: bool = False
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pass
''',
        """\
spec.py:36:1: error: Foo is neither shared memory nor a word nor an Enum
    class Foo:
    ^~~~~~~~~~
  write instead: @shared above it (memory), @dataclass(frozen=True) (a word), or class Foo(Enum):
""",
    ),
    "unbounded in memory": (
        '''\
@shared
class Foo:
    x: int = 0
foo = Foo()
@process
def cpu() -> None:
    x = foo.x
''',
        """\
spec.py:38:8: error: an int in memory needs a range
    x: int = 0
       ^~~
  write instead: Annotated[int, between(0, 3)]
""",
    ),
    "unbounded local": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            n = 0
            while pg is not None:
                busy = pg.busy
                n += 1
''',
        """\
spec.py:41:13: error: the range of n cannot be inferred
    n = 0
    ^~~~~
  write instead: n: Annotated[int, between(0, 4)] = ..., with its bounds
""",
    ),
    "unbound local": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            if pg is None:
                busy = True
            heap.head = pg
            set_bit(pg.busy)
            if busy:
                pass
''',
        """\
spec.py:45:16: error: busy may be read here before it is set
    if busy:
       ^~~~
  write instead: busy = ... on every path that leads here
""",
    ),
    "undefined": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            heap.head = nobody
''',
        """\
spec.py:41:25: error: nobody is not defined
    heap.head = nobody
                ^~~~~~
  write instead: a local that is set before
""",
    ),
    "recursion": (
        '''\
def a() -> None:
    heap.head = None
    b()
def b() -> None:
    a()
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            a()
''',
        """\
spec.py:36:1: error: recursion: a -> b -> a
    def a() -> None:
    ^~~~~~~~~~~~~~~~
  write instead: a loop: functions are inlined
""",
    ),
    "embedded stored": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pg.contents = pg.contents
''',
        """\
spec.py:41:13: error: pg.contents is a place: it is not stored
    pg.contents = pg.contents
    ^~~~~~~~~~~
  write instead: its fields, one by one: pg.contents.first = ...
""",
    ),
    "embedded read": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            c = pg.contents
''',
        """\
spec.py:41:17: error: pg.contents is a place, not a value
    c = pg.contents
        ^~~~~~~~~~~
  write instead: one of its fields: pg.contents.first
""",
    ),
    "no process": (
        '''\
''',
        """\
spec.py:1:1: error: no process: nothing runs
    from dataclasses import dataclass, replace
    ^
  write instead: @process above the function that a CPU runs
""",
    ),
    "small modulus": (
        '''\
@shared
class Ticket:
    tail: Annotated[int, wrapping(2)] = 0
ticket = Ticket()
@process(count=3)
def cpu(me: int) -> None:
    mine = fetch_add(ticket.tail, 1)
    wait_until(ticket.tail == mine)
''',
        """\
spec.py:38:5: error: the modulus 2 is too small for 3 processes: two of them could hold the same ticket
    tail: Annotated[int, wrapping(2)] = 0
    ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  write instead: wrapping(3), or more
""",
    ),
    "small modulus, which is a parameter": (
        '''\
CPUS = param(3, 1, 4)
TICKETS = param(2, 2, 16)
@shared
class Ticket:
    tail: Annotated[int, wrapping(TICKETS)] = 0
ticket = Ticket()
@process(count=CPUS)
def cpu(me: int) -> None:
    mine = fetch_add(ticket.tail, 1)
    wait_until(ticket.tail == mine)
''',
        """\
spec.py:40:5: error: the modulus 2 is too small for 3 processes: two of them could hold the same ticket
    tail: Annotated[int, wrapping(TICKETS)] = 0
    ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  write instead: --set TICKETS=3, or more
""",
    ),
    "unwrapped sum": (
        '''\
@shared
class Ticket:
    tail: Annotated[int, wrapping(4)] = 0
ticket = Ticket()
@process
def cpu() -> None:
    mine = fetch_add(ticket.tail, 1)
    wait_until(ticket.tail == mine + 1)
''',
        """\
spec.py:43:16: error: mine + 1 has not been wrapped, and the other side has
    wait_until(ticket.tail == mine + 1)
               ^~~~~~~~~~~~~~~~~~~~~~~
  write instead: next: Annotated[int, wrapping(4)] = mine + 1, then compare next
""",
    ),
    "wrong enum": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pg.scrub = True
''',
        """\
spec.py:41:24: error: True is bool, and Scrub is needed
    pg.scrub = True
               ^~~~
  write instead: Scrub.DIRTY, or another member of Scrub
""",
    ),
    "no member": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pg.scrub = Scrub.BUSY
''',
        """\
spec.py:41:24: error: Scrub has no member BUSY
    pg.scrub = Scrub.BUSY
               ^~~~~~~~~~
  write instead: DIRTY, CLEAN
""",
    ),
    "no field": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pg.state = Scrub.DIRTY
''',
        """\
spec.py:41:13: error: Page has no field state
    pg.state = Scrub.DIRTY
    ^~~~~~~~
  write instead: scrub, info, next, order, busy, owner, contents
""",
    ),
    "never equal": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            if pg.scrub == True:
                pass
''',
        """\
spec.py:41:16: error: pg.scrub (Scrub) is never equal to True (bool)
    if pg.scrub == True:
       ^~~~~~~~~~~~~~~~
  write instead: two values of one type
""",
    ),
    "out of range": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pg.order = 9
''',
        """\
spec.py:41:24: error: 9 is outside 0..3
    pg.order = 9
               ^
  write instead: a wider range
""",
    ),
    "type changes": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            x = pg.busy
            x = pg.scrub
''',
        """\
spec.py:42:13: error: x is bool before, and Scrub here
    x = pg.scrub
    ^~~~~~~~~~~~
  write instead: another name
""",
    ),
    "returns nothing": (
        '''\
def use() -> None:
    heap.head = None
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            x = use()
''',
        """\
spec.py:43:17: error: use returns nothing
    x = use()
        ^~~~~
  write instead: the call on its own line
""",
    ),
    "wrong return": (
        '''\
def use() -> bool:
    pg = heap.head
    return pg
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            x = use()
''',
        """\
spec.py:38:12: error: pg is Page | None, and bool is needed
    return pg
           ^~
  write instead: a value of type bool
""",
    ),
    "missing argument": (
        '''\
def use(pg: Page) -> None:
    heap.head = pg
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            use()
''',
        """\
spec.py:43:13: error: use takes 1 argument: pg
    use()
    ^~~~~
  write instead: use(pg)
""",
    ),
    "predicate in a test": (
        '''\
@predicate
def fine() -> bool:
    return all(pg.busy for pg in instances(Page))
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            if fine():
                pass
''',
        """\
spec.py:44:16: error: fine reads all of memory at one instant
    if fine():
       ^~~~~~
  write instead: an assert or a property; a process reads one location at a time
""",
    ),
    "all in a process": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            if all(p.busy for p in instances(Page)):
                pass
''',
        """\
spec.py:41:16: error: all(...) reads many places at once
    if all(p.busy for p in instances(Page)):
       ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  write instead: a @predicate function, called from an assert or a property
""",
    ),
    "chain in a for": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            for p in chain(heap.head, "next"):
                p.busy = True
''',
        """\
spec.py:41:22: error: the bounds of a for loop are local
    for p in chain(heap.head, "next"):
             ^~~~~~~~~~~~~~~~~~~~~~~~
  write instead: load the bound into a local on a line before
""",
    ),
    "chain of what": (
        '''\
@always
def fine() -> bool:
    return all(pg.busy for pg in chain(heap.head, "order"))
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pass
''',
        """\
spec.py:38:51: error: "order" is no link from one Page to another
    return all(pg.busy for pg in chain(heap.head, "order"))
                                                  ^~~~~~~
  write instead: a field of type Page | None
""",
    ),
    "wait for nothing": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            x = pg.busy
            wait_until(x)
''',
        """\
spec.py:42:13: error: nothing that others change is waited for
    wait_until(x)
    ^~~~~~~~~~~~~
  write instead: a condition with one load, such as wait_until(pg.state == Scrub.CLEAN)
""",
    ),
    "wait in atomic": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            with atomic("why"):
                pg.busy = True
                spin_lock(heap_lock)
''',
        """\
spec.py:43:17: error: an atomic block may wait at its first access only
    spin_lock(heap_lock)
    ^~~~~~~~~~~~~~~~~~~~
  write instead: the wait before the block
""",
    ),
    "atomic twice": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            with atomic("why"):
                with atomic("again"):
                    pg.busy = True
''',
        """\
spec.py:42:22: error: this is atomic already
    with atomic("again"):
         ^~~~~~~~~~~~~~~
  write instead: one atomic block
""",
    ),
    "not a lock": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            spin_lock(heap)
''',
        """\
spec.py:41:23: error: heap is not a Lock
    spin_lock(heap)
              ^~~~
  write instead: heap_lock = Lock("heap_lock") at the top, then heap_lock
""",
    ),
    "unknown function": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            frobnicate(pg)
''',
        """\
spec.py:41:13: error: frobnicate is not a function of this spec
    frobnicate(pg)
    ^~~~~~~~~~~~~~
  write instead: a def above
""",
    ),
    "word needs fields": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pg.info = Info()
''',
        """\
spec.py:41:23: error: Info has the fields state, dirty
    pg.info = Info()
              ^~~~~~
  write instead: Info(state=..., dirty=...)
""",
    ),
    "replace what": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pg.info = replace(pg, busy=True)
''',
        """\
spec.py:41:23: error: pg is Page | None, not a word
    pg.info = replace(pg, busy=True)
              ^~~~~~~~~~~~~~~~~~~~~~
  write instead: replace(info, need_scrub=False) of a word in a local
""",
    ),
    "replace no field": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            info = pg.info
            pg.info = replace(info, clean=True)
''',
        """\
spec.py:42:23: error: Info has no field clean
    pg.info = replace(info, clean=True)
              ^~~~~~~~~~~~~~~~~~~~~~~~~
  write instead: state, dirty
""",
    ),
    "element of int": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            heap.head = element(Page, pg)
''',
        """\
spec.py:41:25: error: element takes a class with a count and a number
    heap.head = element(Page, pg)
                ^~~~~~~~~~~~~~~~~
  write instead: element(Page, n)
""",
    ),
    "index_of a bool": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            b = pg.busy
            n = index_of(b)
''',
        """\
spec.py:42:17: error: index_of(b): b is bool, not a reference
    n = index_of(b)
        ^~~~~~~~~~~
  write instead: b
""",
    ),
    "test_and_set of an enum": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            x = test_and_set_bit(pg.scrub)
''',
        """\
spec.py:41:17: error: test_and_set_bit takes a flag, and this is Scrub
    x = test_and_set_bit(pg.scrub)
        ^~~~~~~~~~~~~~~~~~~~~~~~~~
  write instead: a bool field
""",
    ),
    "pg[i] not indexed": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            heap.head = pg[1]
''',
        """\
spec.py:41:25: error: the elements of Page are no neighbours
    heap.head = pg[1]
                ^~~~~
  write instead: class Page(Indexed)
""",
    ),
    "store of a call": (
        '''\
def one() -> bool:
    pg = heap.head
    return pg is None
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pg.busy = one()
''',
        """\
spec.py:44:23: error: one() and the store are steps of their own
    pg.busy = one()
              ^~~~~
  write instead: result = one(), then pg.busy = result
""",
    ),
    "compute for nothing": (
        '''\
def two(n: int) -> int:
    return n + n
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            two(1)
''',
        """\
spec.py:43:13: error: two does nothing but compute
    two(1)
    ^~~~~~
  write instead: x = two(1)
""",
    ),
    "union": (
        '''\
@shared
class Foo:
    x: bool | None = None
foo = Foo()
@process
def cpu() -> None:
    x = foo.x
''',
        """\
spec.py:38:8: error: only a reference may also be None
    x: bool | None = None
       ^~~~~~~~~~~
  write instead: Page | None; for other values an Enum member that says 'none'
""",
    ),
    "float": (
        '''\
@shared
class Foo:
    x: float = 0
foo = Foo()
@process
def cpu() -> None:
    x = foo.x
''',
        """\
spec.py:38:8: error: float is not finite
    x: float = 0
       ^~~~~
  write instead: Annotated[int, between(0, 7)]
""",
    ),
    "default of wrong type": (
        '''\
@shared
class Foo:
    x: bool = Scrub.DIRTY
foo = Foo()
@process
def cpu() -> None:
    x = foo.x
''',
        """\
spec.py:38:15: error: this value is not of the declared type
    x: bool = Scrub.DIRTY
              ^~~~~~~~~~~
  write instead: bool
""",
    ),
    "param range": (
        '''\
MAX = param(9, 1, 8)
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pass
''',
        """\
spec.py:36:7: error: the default 9 is outside 1..8
    MAX = param(9, 1, 8)
          ^~~~~~~~~~~~~~
  write instead: param(8, 1, 8)
""",
    ),
    "expect sentence in assert with or": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            assert pg is None or pg.order == pg.next.order, "x"
''',
        """\
spec.py:41:46: error: pg.next is loaded to reach order: two accesses in one statement
    assert pg is None or pg.order == pg.next.order, "x"
                                     ^~~~~~~~~~~~~
  write instead: next = pg.next, then next.order
""",
    ),
    "at_rest in a process": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            if at_rest():
                pass
''',
        """\
spec.py:41:16: error: at_rest() reads all processes at once
    if at_rest():
       ^~~~~~~~~
  write instead: a property
""",
    ),
    "at_rest in a first access of its own": (
        '''\
@process
def cpu() -> None:
    for pg in instances(Page):
        pg.busy = True
@always(when=at_rest())
def all_are_busy() -> bool:
    return all(pg.busy for pg in instances(Page))
''',
        """\
spec.py:39:9: error: at_rest() cannot tell whether a process here is at the head of its loop
    pg.busy = True
    ^~~~~~~~~~~~~~
  write instead: a loop whose first access is the same on every turn
""",
    ),
    "at_rest in a loop over locals": (
        '''\
@process
def cpu() -> None:
    last = 0
    for i in range(PAGES):
        last = i
    heap.head = element(Page, last)
@always(when=at_rest())
def there_is_a_page() -> bool:
    return heap.head is not None
''',
        """\
spec.py:39:5: error: this loop takes no step, since it accesses nothing that is shared: no process stands at its head, and at_rest() asks for those that stand at the head of a loop
    for i in range(PAGES):
    ^
  write instead: such a loop within `while True:`, behind an access
""",
    ),
    "called process": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            cpu()
''',
        """\
spec.py:41:13: error: cpu is @process: it is not called
    cpu()
    ^~~~~
  write instead: a plain function
""",
    ),
    "loop bound": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            for i in range(pg.order):
                pg.busy = True
''',
        """\
spec.py:41:22: error: the bounds of a for loop are local
    for i in range(pg.order):
             ^~~~~~~~~~~~~~~
  write instead: load the bound into a local on a line before
""",
    ),
    "eventually": (
        '''\
from modelcheck.lang import eventually
@eventually
def soon() -> bool:
    return True
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pass
''',
        """\
spec.py:37:2: error: @eventually: liveness is not checked by any engine yet
    @eventually
     ^~~~~~~~~~
  write instead: leave it out for now
""",
    ),
    "strong": (
        '''\
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            wait_until(pg.busy, strong=True)
''',
        """\
spec.py:41:13: error: fairness is not checked by any engine yet
    wait_until(pg.busy, strong=True)
    ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  write instead: wait_until(pg.busy)
""",
    ),
    "no return": (
        '''\
def use() -> bool:
    pg = heap.head
    if pg is None:
        return True
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            x = use()
''',
        """\
spec.py:38:5: error: use can end after this without returning bool
    if pg is None:
    ^~~~~~~~~~~~~~
  write instead: return False after this, or in each branch
""",
    ),
    "local is a place": (
        '''\
def use(h: Heap) -> None:
    h = heap.head
    heap.head = h
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            use(heap)
''',
        """\
spec.py:37:5: error: h is a place: it is not set
    h = heap.head
    ^~~~~~~~~~~~~
  write instead: one of its fields, or another name than h
""",
    ),
    "irqs_off of something": (
        '''\
from modelcheck.lang import interrupt, irqs_off
@process
def cpu() -> None:
    with irqs_off(heap_lock):
        heap.head = None
''',
        """\
spec.py:39:10: error: irqs_off takes no arguments: it is of this CPU
    with irqs_off(heap_lock):
         ^~~~~~~~~~~~~~~~~~~
  write instead: with irqs_off():
""",
    ),
    "irqs_off as a value": (
        '''\
from modelcheck.lang import interrupt, irqs_off
@process
def cpu() -> None:
    off = irqs_off()
    heap.head = None
''',
        """\
spec.py:39:11: error: irqs_off() is not a value
    off = irqs_off()
          ^~~~~~~~~~
  write instead: with irqs_off():
""",
    ),
    "an interrupt of nothing": (
        '''\
from modelcheck.lang import interrupt, irqs_off
@process
def cpu() -> None:
    heap.head = None
@interrupt
def timer() -> None:
    heap.head = None
''',
        """\
spec.py:40:2: error: an interrupt comes to the CPU of some process
    @interrupt
     ^~~~~~~~~
  write instead: @interrupt(of=domain)
""",
    ),
    "an interrupt of nobody": (
        '''\
from modelcheck.lang import interrupt, irqs_off
@process
def cpu() -> None:
    heap.head = None
@interrupt(of=heap)
def timer() -> None:
    heap.head = None
''',
        """\
spec.py:40:15: error: heap is no @process that is defined above
    @interrupt(of=heap)
                  ^~~~
  write instead: of=cpu
""",
    ),
    "an interrupt above its process": (
        '''\
from modelcheck.lang import interrupt, irqs_off
@interrupt(of=cpu)
def timer() -> None:
    heap.head = None
@process
def cpu() -> None:
    heap.head = None
''',
        """\
spec.py:37:15: error: cpu is no @process that is defined above
    @interrupt(of=cpu)
                  ^~~
  write instead: @interrupt below its @process
""",
    ),
    "an interrupt that is called": (
        '''\
from modelcheck.lang import interrupt, irqs_off
@process
def cpu() -> None:
    heap.head = None
@interrupt(of=cpu)
def timer() -> None:
    heap.head = None
@process
def other() -> None:
    timer()
''',
        """\
spec.py:45:5: error: timer is @interrupt: it is not called
    timer()
    ^~~~~~~
  write instead: a plain function
""",
    ),
    "an interrupt without access": (
        '''\
from modelcheck.lang import interrupt, irqs_off
@process
def cpu() -> None:
    heap.head = None
@interrupt(of=cpu)
def timer() -> None:
    cpu_relax()
''',
        """\
spec.py:41:1: error: timer accesses no shared memory: whether it comes makes no difference
    def timer() -> None:
    ^
  write instead: an access, or no @interrupt
""",
    ),
    "an interrupt without end": (
        '''\
from modelcheck.lang import interrupt, irqs_off
@process
def cpu() -> None:
    heap.head = None
@interrupt(of=cpu)
def timer() -> None:
    while True:
        heap.head = None
''',
        """\
spec.py:42:5: error: an interrupt runs to its end, and this loop has none
    while True:
    ^
  write instead: a condition, a break or a return
""",
    ),
    "an interrupt with arguments": (
        '''\
from modelcheck.lang import interrupt, irqs_off
@process
def cpu() -> None:
    heap.head = None
@interrupt(of=cpu)
def timer(pg: Page) -> None:
    pg.busy = True
''',
        """\
spec.py:41:11: error: an interrupt is told only the number of the process that it comes to
    def timer(pg: Page) -> None:
              ^~~~~~~~
  write instead: def timer(me: int) -> None:
""",
    ),
    "an interrupt that returns something": (
        '''\
from modelcheck.lang import interrupt, irqs_off
@process
def cpu() -> None:
    heap.head = None
@interrupt(of=cpu)
def timer() -> None:
    heap.head = None
    return True
''',
        """\
spec.py:43:5: error: an @interrupt function returns nothing
    return True
    ^~~~~~~~~~~
  write instead: return
""",
    ),
    "an interrupt that says it returns something": (
        '''\
from modelcheck.lang import interrupt, irqs_off
@process
def cpu() -> None:
    heap.head = None
@interrupt(of=cpu)
def timer() -> bool:
    heap.head = None
    return True
''',
        """\
spec.py:41:16: error: an @interrupt function returns nothing
    def timer() -> bool:
                   ^~~~
  write instead: def timer() -> None:
""",
    ),
    "an interrupt with a count": (
        '''\
from modelcheck.lang import interrupt, irqs_off
@process
def cpu() -> None:
    heap.head = None
@interrupt(count=2)
def timer() -> None:
    heap.head = None
''',
        """\
spec.py:40:2: error: @interrupt takes only of=...
    @interrupt(count=2)
     ^~~~~~~~~~~~~~~~~~
  write instead: @interrupt(of=idle_loop)
""",
    ),
    "unknown word": (
        '''\
from modelcheck.lang import cmpxchng
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pass
''',
        """\
spec.py:36:29: error: cmpxchng is not a word of modelcheck.lang
    from modelcheck.lang import cmpxchng
                                ^~~~~~~~
  write instead: cmpxchg
""",
    ),
    "unknown library": (
        '''\
from modelcheck.xen.pages import scrub_one_page
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pass
''',
        """\
spec.py:36:1: error: there is no module modelcheck.xen.pages
    from modelcheck.xen.pages import scrub_one_page
    ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  write instead: one of modelcheck.xen.buddy, modelcheck.xen.cache, modelcheck.xen.invariants, modelcheck.xen.page, modelcheck.xen.page_list, modelcheck.xen.spinlock
""",
    ),
    "unknown name of the library": (
        '''\
from modelcheck.xen.page import scrub_page
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pass
''',
        """\
spec.py:36:33: error: there is no scrub_page in modelcheck.xen.page
    from modelcheck.xen.page import scrub_page
                                    ^~~~~~~~~~
  write instead: scrub_one_page
""",
    ),
    "instances of an object": (
        '''\
@always
def fine() -> bool:
    return all(h.head is None for h in instances(Heap))
@process
def cpu() -> None:
    while True:
        pg = heap.head
        if pg is not None:
            pass
''',
        """\
spec.py:38:40: error: Heap has no count: it has no instances
    return all(h.head is None for h in instances(Heap))
                                       ^~~~~~~~~~~~~~~
  write instead: a class with @shared(count=...)
""",
    ),
    "declared below": (
        '''\
@dataclass(frozen=True)
class Top:
    node: "Node | None" = None
@shared(count=2)
class Node:
    busy: bool = False
@process
def cpu() -> None:
    heap.head = None
''',
        """\
spec.py:38:11: error: Node is declared further down
    node: "Node | None" = None
          ^~~~~~~~~~~~~
  write instead: class Node above this line
""",
    ),
    "element as a default": (
        '''\
@shared
class Arbiter:
    turn: Page = element(Page, 0)
arbiter = Arbiter()
@process
def cpu() -> None:
    heap.head = None
''',
        """\
spec.py:38:18: error: element(...) is not a constant
    turn: Page = element(Page, 0)
                 ^~~~~~~~~~~~~~~~
  write instead: of a field: no default, and store it in a @boot function; else element(...) where it is used
""",
    ),
    "class as an array": (
        '''\
@process
def cpu() -> None:
    heap.head = Page[0]
''',
        """\
spec.py:38:17: error: Page is a class, not one of its elements
    heap.head = Page[0]
                ^~~~
  write instead: element(Page, 0), or choose(instances(Page))
""",
    ),
    "count up a field": (
        '''\
@shared
class Node:
    need_scrub: Annotated[int, between(0, 3)] = 0
node = Node()
@process
def cpu() -> None:
    node.need_scrub += 1
''',
        """\
spec.py:42:5: error: += on memory is two steps, a load and a store
    node.need_scrub += 1
    ^~~~~~~~~~~~~~~~~~~~
  write instead: need_scrub = node.need_scrub, then node.need_scrub = need_scrub + 1
""",
    ),
    "embedded default": (
        '''\
@shared(count=2)
class Slot:
    contents: Contents = Contents()
@process
def cpu() -> None:
    s = element(Slot, 0)
    s.contents.first = Pattern.ZERO
''',
        """\
spec.py:38:5: error: contents is embedded: its class has the defaults
    contents: Contents = Contents()
    ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  write instead: contents: Contents
""",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_refusal_reads(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body, expected = CASES[name]
    monkeypatch.chdir(tmp_path)
    Path("spec.py").write_text(HEADER + body, encoding="utf-8")
    lines_of.cache_clear()
    with pytest.raises(SpecError) as refusal:
        compile_spec("spec.py", {})
    assert refusal.value.text() + "\n" == expected


PROCESS = """\
@process
def cpu() -> None:
    while True:
        head = heap.head
"""


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        ({"PAGES": 9}, "--set PAGES=9: PAGES is 1..8 (spec.py:11:9)"),
        ({"PAGES": True}, "--set PAGES=True: PAGES is 1..8"),
        (
            {"PAGE": 3},
            "--set PAGE: spec.py has no such parameter (it has PAGES); did you mean PAGES?",
        ),
    ],
)
def test_a_parameter_that_does_not_fit(
    sets: dict[str, int | bool], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("spec.py").write_text(HEADER + PROCESS, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refusal:
        compile_spec("spec.py", sets)
    assert str(refusal.value) == expected
