"""The dining philosophers (Dijkstra, 1965): each needs the two forks beside his plate.

If each takes his left fork first, each can hold one and wait for the next for ever.  With
ASYMMETRIC the last one takes his right fork first, no circle closes, and somebody always eats.
"""
from modelcheck.lang import (
    Ghost, Lock, always, array, element, holds, instances, param, process, shared, sometimes,
    spin_lock, spin_unlock, violates,
)

SEATS = param(3, 2, 4)
ASYMMETRIC = param(False)

EXPECT = (
    holds(when=ASYMMETRIC),
    violates("deadlock", when=not ASYMMETRIC),
)


@shared(count=SEATS)
class Plate:
    eating: Ghost[bool] = False


forks = array(Lock, SEATS)


@process(count=SEATS)
def philosopher(me: int) -> None:
    right = (me + 1) % SEATS
    first = right if ASYMMETRIC and me == SEATS - 1 else me
    second = me if ASYMMETRIC and me == SEATS - 1 else right
    while True:
        spin_lock(forks[first])
        spin_lock(forks[second])
        element(Plate, me).eating = True
        spin_unlock(forks[second])
        element(Plate, me).eating = False
        spin_unlock(forks[first])


@always
def neighbours_do_not_eat_at_once() -> bool:
    return not any(element(Plate, i).eating and element(Plate, (i + 1) % SEATS).eating
                   for i in range(SEATS))


@sometimes
def somebody_eats() -> bool:
    return any(plate.eating for plate in instances(Plate))
