"""A choice forks the step before it; a ghost rides on the access before it, or on the start."""
from modelcheck.lang import Ghost, Process, always, choose, free, process, shared, this_process


@shared
class Cell:
    value: bool = False
    holder: Ghost[Process | None] = None


cell = Cell()


@process(count=2)
def cpu(me: int) -> None:
    cell.holder = this_process()
    first = choose(False, True)
    cell.value = first
    cell.holder = None
    if choose(False, True):
        cell.value = not first


@always(when=free(cell))
def nothing_is_wrong() -> bool:
    return True
