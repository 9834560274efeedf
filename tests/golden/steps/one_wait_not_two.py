"""`val = load; while bad(val): val = load` is one location, not two."""
from modelcheck.lang import process, shared


@shared
class Flag:
    busy: bool = True


flag = Flag()


@process
def waiter() -> None:
    busy = flag.busy
    while busy:
        busy = flag.busy


@process
def owner() -> None:
    flag.busy = False
