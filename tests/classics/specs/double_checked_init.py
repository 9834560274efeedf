"""Double-checked initialisation: who finds the object ready uses it without taking the lock.

So the last store that makes it must be the one that says it is ready.  With FLAG_FIRST another
CPU sees the flag before the data, even though memory itself reorders nothing here.
"""
from modelcheck.lang import (
    Lock, holds, param, process, shared, sometimes, spin_lock, spin_unlock, violates,
)

CPUS = param(3, 1, 4)
FLAG_FIRST = param(False)

EXPECT = (
    holds(when=not FLAG_FIRST),
    violates("whoever uses the object finds it made", when=FLAG_FIRST),
)


@shared
class Singleton:
    ready: bool = False
    made: bool = False


singleton = Singleton()
init_lock = Lock("init_lock")


def init_once() -> None:
    if singleton.ready:
        return
    spin_lock(init_lock)
    if not singleton.ready:                   # the second check: another may have been faster
        assert not singleton.made, "the object is made once"
        if FLAG_FIRST:
            singleton.ready = True
            singleton.made = True
        else:
            singleton.made = True
            singleton.ready = True
    spin_unlock(init_lock)


@process(count=CPUS)
def cpu() -> None:
    init_once()
    assert singleton.made, "whoever uses the object finds it made"


@sometimes
def the_object_is_half_made() -> bool:
    return singleton.ready != singleton.made
