"""What each word of modelcheck.lang does when it is run on the executable allocator.

A word that accesses memory waits at the gate, and then does its one access.  Ghosts are read and
set as they stand.  `place` arguments were rewritten to a Place by generate.py."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from modelcheck.frontend.definitions import RELEASED
from modelcheck.heap.faults import CutShort, Fault
from modelcheck.heap.objects import Memory, Place, View, element_at, place_of
from modelcheck.heap.scheduler import Atomic, IrqsOff, Scheduler

T = TypeVar("T")


class Words:
    """The words, on one memory and one scheduler.  `namesakes`: the processes as values."""

    def __init__(self, memory: Memory, scheduler: Scheduler, namesakes: list[Any]) -> None:
        self.memory = memory
        self.scheduler = scheduler
        self.namesakes = namesakes
        self.asserts: Callable[[str], bool] = lambda _: True
        self.writers: dict[int, str] = {}  # which process wrote a domain's pattern

    def named(self, word: str) -> Any:
        """What a word stands for in generated code; None if no generated code can contain it."""
        if word == "Pattern":
            return self.memory.patterns.enum
        return getattr(self, word) if word in RUNNABLE else None

    # --------------------------------------------------------------------------------- atomics

    def cmpxchg(self, place: Place, old: Any, new: Any) -> Any:
        self.scheduler.gate()
        found = place.read()
        if found == old:
            place.write(new)
        return found

    def xchg(self, place: Place, new: Any) -> Any:
        return self._exchange(place, lambda _: new)

    def fetch_add(self, place: Place, n: int) -> Any:
        return self._exchange(place, lambda old: old + n)

    def fetch_update(self, place: Place, update: Callable[[Any], Any]) -> Any:
        return self._exchange(place, update)

    def test_and_set_bit(self, place: Place) -> Any:
        return self._exchange(place, lambda _: True)

    def test_and_clear_bit(self, place: Place) -> Any:
        return self._exchange(place, lambda _: False)

    def set_bit(self, place: Place) -> None:
        self._exchange(place, lambda _: True)

    def clear_bit(self, place: Place) -> None:
        self._exchange(place, lambda _: False)

    def _exchange(self, place: Place, new: Callable[[Any], Any]) -> Any:
        self.scheduler.gate()
        found = place.read()
        place.write(new(found))
        return found

    def store_part(self, place: Place, value: Any) -> None:
        self.scheduler.gate()
        place.write(value)

    # ------------------------------------------------------------------------- locks and waits

    def _locked(self, lock: View) -> Place:
        return place_of(lock, ("locked",))

    def _holder(self, lock: View) -> Place:
        return place_of(lock, ("holder",))

    def holder_of(self, lock: View) -> Any:
        """Who holds a lock, at no step; None for nobody."""
        return self._holder(lock).read()

    def _hold(self, lock: View, holder: object) -> None:
        """Set a lock's holder, which may change twice in one step: in an atomic block."""
        place = self._holder(lock)
        place.write(holder)
        place.location.memory.ghosts_set.pop(place.view.address + place.location.offset, None)

    def spin_lock(self, lock: View) -> None:
        locked = self._locked(lock)
        self.scheduler.gate(lambda: not locked.read())
        locked.write(True)
        self._hold(lock, self._self())

    def spin_trylock(self, lock: View) -> bool:
        self.scheduler.gate()
        locked = self._locked(lock)
        if locked.read():
            return False
        locked.write(True)
        self._hold(lock, self._self())
        return True

    def spin_unlock(self, lock: View) -> None:
        self.scheduler.gate()
        self._locked(lock).write(False)
        if self.holder_of(lock) is not self._self() and self.asserts(RELEASED):
            raise Fault("assert", RELEASED)
        self._hold(lock, None)

    def wait_until(self, condition: Callable[[], bool], strong: bool = False) -> None:
        self.scheduler.gate(lambda: bool(self.at_once(condition)))

    def cpu_relax(self) -> None:
        pass

    def smp_mb(self) -> None:
        self.scheduler.barrier()

    smp_wmb = smp_rmb = sfence = smp_mb

    def atomic(self, reason: str) -> Atomic:
        return Atomic(self.scheduler)

    def irqs_off(self) -> IrqsOff:
        return IrqsOff(self.scheduler)

    # ---------------------------------------------------------------------------------- values

    def choose(self, *options: Any) -> Any:
        among = list(options[0]) if len(options) == 1 else list(options)
        if not among:
            raise Fault("choose", "there is nothing to choose from")
        return among[self.scheduler.choose(len(among))]

    def assume(self, condition: bool) -> None:
        if not condition:
            raise CutShort

    def not_null(self, x: Any) -> Any:
        if x is None:
            raise Fault("none")
        return x

    def index_of(self, x: Any) -> int:
        return int(self.not_null(x).number)

    def element(self, cls: list[Any], n: int) -> Any:
        return element_at(cls, n)

    def instances(self, cls: list[Any]) -> list[Any]:
        return cls

    def replace(self, word: Any, **fields: Any) -> Any:
        return dataclasses.replace(word, **fields)

    def pattern_of(self, me: int) -> Any:
        patterns = self.memory.patterns
        pattern = element_at(list(patterns.members[2:]), me)
        cpu = self.scheduler.running
        if cpu is not None and cpu.instant:
            self.memory.asked_for.append(me)
        elif cpu is not None:
            self.writers[me] = cpu.name
        return pattern

    def this_process(self) -> Any:
        return self._self()

    def _self(self) -> Any:
        cpu = self.scheduler.running
        return None if cpu is None else self.namesakes[cpu.number]

    # ----------------------------------------------------------------------- all of memory at once

    def chain(self, start: Any, link: str) -> Iterator[Any]:
        met: list[Any] = []
        while start is not None and start not in met:
            met.append(start)
            yield start
            start = place_of(start, tuple(link.split("."))).read()

    def free(self, lock: View) -> bool:
        return self.holder_of(lock) is None

    def at_rest(self) -> bool:
        return all(c.state == "ended" or c.at_rest for c in self.scheduler.cpus)

    def observe(self, condition: Callable[[], bool]) -> bool:
        """An assert's predicate: one gate, then all of memory at one instant."""
        self.scheduler.gate()
        return self.at_once(condition)

    def at_once(self, condition: Callable[[], T]) -> T:
        """What is read of memory at one instant, at no gate."""
        cpu = self.scheduler.running
        if cpu is None:
            return condition()
        before, cpu.instant = cpu.instant, True
        try:
            return condition()
        finally:
            cpu.instant = before


RUNNABLE = frozenset((
    "cmpxchg", "xchg", "fetch_add", "fetch_update", "test_and_set_bit", "test_and_clear_bit",
    "set_bit", "clear_bit", "store_part", "spin_lock", "spin_trylock", "spin_unlock", "wait_until",
    "cpu_relax", "smp_mb", "smp_wmb", "smp_rmb", "sfence", "atomic", "irqs_off", "choose", "assume",
    "not_null", "index_of", "element", "instances", "replace", "pattern_of", "this_process",
    "chain", "free", "at_rest",
))  # fmt: skip
