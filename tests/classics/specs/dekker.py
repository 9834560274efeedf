"""Dekker's algorithm (1965): the first mutual exclusion by plain loads and stores.

Two CPUs that both want to enter would wait for each other for ever, so the one whose turn it is
not takes its wish back until it is.  Without BACK_OFF nobody does, and both are stuck.
"""
from modelcheck.lang import (
    Ghost, always, boot, element, holds, instances, param, process, shared, sometimes, violates,
    wait_until,
)

BACK_OFF = param(True)

EXPECT = (
    holds(when=BACK_OFF),
    violates("deadlock", when=not BACK_OFF),
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
    this.wants = True
    while other.wants:
        if BACK_OFF and arbiter.turn == other:
            this.wants = False
            wait_until(arbiter.turn == this)
            this.wants = True
    this.inside = True


def leave(this: Cpu, other: Cpu) -> None:
    arbiter.turn = other
    this.wants = False
    this.inside = False


@process(count=2)
def cpu(me: int) -> None:
    this = element(Cpu, me)
    other = element(Cpu, 1 - me)
    while True:
        enter(this, other)
        leave(this, other)


@always
def at_most_one_CPU_is_inside() -> bool:
    return sum(cpu.inside for cpu in instances(Cpu)) <= 1


@sometimes
def one_is_inside_while_the_other_wants_to_enter() -> bool:
    return any(cpu.inside for cpu in instances(Cpu)) and all(cpu.wants for cpu in instances(Cpu))
