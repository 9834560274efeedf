"""Peterson's algorithm (1981): mutual exclusion of two CPUs by plain loads and stores.

Each says that it wants to enter, lets the other go first, and waits while the other wants to and
it is still the other's turn.  The order of the first two stores is the algorithm: with
TURN_FIRST a CPU gives way to one that has not yet said that it wants to, and both enter.
"""
from modelcheck.lang import (
    Ghost, always, boot, element, holds, instances, param, process, shared, sometimes,
    violates,
)

TURN_FIRST = param(False)

EXPECT = (
    holds(when=not TURN_FIRST),
    violates("at most one CPU is inside", when=TURN_FIRST),
)


@shared(count=2)
class Cpu:
    wants: bool = False
    inside: Ghost[bool] = False


@shared
class Arbiter:
    turn: Cpu


arbiter = Arbiter()


@boot
def CPU_0_goes_first() -> None:
    arbiter.turn = element(Cpu, 0)


def enter(this: Cpu, other: Cpu) -> None:
    if TURN_FIRST:
        arbiter.turn = other
        this.wants = True
    else:
        this.wants = True
        arbiter.turn = other
    while other.wants:
        if arbiter.turn == this:
            break
    this.inside = True


def leave(this: Cpu) -> None:
    this.wants = False
    this.inside = False


@process(count=2)
def cpu(me: int) -> None:
    this = element(Cpu, me)
    other = element(Cpu, 1 - me)
    while True:
        enter(this, other)
        leave(this)


@always
def at_most_one_CPU_is_inside() -> bool:
    return sum(cpu.inside for cpu in instances(Cpu)) <= 1


@sometimes
def one_is_inside_while_the_other_wants_to_enter() -> bool:
    return any(cpu.inside for cpu in instances(Cpu)) and all(cpu.wants for cpu in instances(Cpu))
