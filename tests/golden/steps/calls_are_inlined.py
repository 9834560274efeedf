"""A call that accesses memory: as a statement, a right side, a whole test, and a return."""
from modelcheck.lang import Lock, process, shared, spin_lock, spin_unlock


@shared
class Heap:
    avail: bool = True


heap = Heap()
heap_lock = Lock("heap_lock")


def take() -> bool:
    spin_lock(heap_lock)
    avail = heap.avail
    if avail:
        heap.avail = False
    spin_unlock(heap_lock)
    return avail


def take_again() -> bool:
    return take()


@process(count=2)
def cpu(me: int) -> None:
    while not take_again():
        pass
    got = take()
    if got:
        heap.avail = True
