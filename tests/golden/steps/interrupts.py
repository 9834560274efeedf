"""An interrupt between two steps, none while they are off, and one that ends a wait."""
from modelcheck.lang import (
    Lock, interrupt, irqs_off, process, shared, spin_lock, spin_unlock, wait_until,
)


@shared
class Softirq:
    pending: bool = False
    done: bool = False


softirq = Softirq()
lock = Lock("lock")


@process
def idle_loop() -> None:
    while True:
        wait_until(softirq.pending)
        with irqs_off():
            spin_lock(lock)
            softirq.pending = False
            spin_unlock(lock)
        softirq.done = True


@interrupt(of=idle_loop)
def timer() -> None:
    softirq.pending = True
