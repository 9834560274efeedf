"""`with atomic(...)` is one step: its later accesses stand at transit locations."""
from modelcheck.lang import Lock, atomic, process, shared, spin_lock, spin_unlock


@shared
class Counter:
    a: bool = False
    b: bool = False


counter = Counter()
lock = Lock("lock")


@process
def cpu() -> None:
    while True:
        with atomic("the hypercall is serialised"):
            spin_lock(lock)
            a = counter.a
            if a:
                counter.b = True
            spin_unlock(lock)
        counter.a = True
