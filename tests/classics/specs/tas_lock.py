"""A test-and-set lock: look at the flag and set it in one step.

With TWO_STEPS it is first seen to be clear, by a load, and then set, by a store: in between
another CPU sees the same.
"""
from modelcheck.lang import (
    Ghost, always, cpu_relax, element, holds, instances, param, process, shared, sometimes,
    test_and_set_bit, violates,
)

CPUS = param(3, 1, 4)
TWO_STEPS = param(False)

EXPECT = (
    holds(when=not TWO_STEPS),
    violates("at most one CPU is inside", when=TWO_STEPS),
)


@shared(count=CPUS)
class Cpu:
    inside: Ghost[bool] = False


@shared
class Mutex:
    locked: bool = False


mutex = Mutex()


def lock() -> None:
    if TWO_STEPS:
        while mutex.locked:
            cpu_relax()
        mutex.locked = True
    else:
        while test_and_set_bit(mutex.locked):
            cpu_relax()


@process(count=CPUS)
def cpu(me: int) -> None:
    this = element(Cpu, me)
    while True:
        lock()
        this.inside = True
        mutex.locked = False
        this.inside = False


@always
def at_most_one_CPU_is_inside() -> bool:
    return sum(cpu.inside for cpu in instances(Cpu)) <= 1


@sometimes
def a_CPU_is_inside() -> bool:
    return any(cpu.inside for cpu in instances(Cpu))
