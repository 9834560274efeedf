from modelcheck.lang import Lock, process, spin_lock, spin_unlock, violates

EXPECT = violates("deadlock")

heap_lock = Lock("heap_lock")


@process
def one() -> None:
    spin_lock(heap_lock)


@process
def other() -> None:
    spin_lock(heap_lock)
    spin_unlock(heap_lock)
