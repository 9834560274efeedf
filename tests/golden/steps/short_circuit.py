"""`and` and `or` short-circuit: when the local part decides there is no access and no step."""
from modelcheck.lang import process, shared


@shared
class Flags:
    a: bool = False
    b: bool = False


flags = Flags()


@process(count=2)
def cpu(me: int) -> None:
    while True:
        if me == 0 and flags.a:
            flags.b = True
        if not (me == 1 or flags.b):
            flags.a = True
