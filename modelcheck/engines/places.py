"""What each process must do, from where it stands, to be no candidate for a deadlock.

The waits and loops that a process must leave some time (`engines/deadlock.py` says when it is stuck
in one) are coloured, so that those in which it stands at once have different numbers: a small set
of bits then says what a process has still to leave.
"""

from __future__ import annotations

from modelcheck.engines.deadlock import left_by, places_of
from modelcheck.ir import Action, Process, Program


class Places:
    """The colours of the places of each process template.

    width  bits per process
    """

    def __init__(self, program: Program) -> None:
        self.colours = {process.name: _colours(process) for process in program.processes}
        self.width = max(
            (1 + max(of.values(), default=0) for of in self.colours.values()), default=1
        )

    def needs(self, process: Process, action: Action) -> int:
        """What a process has to leave from here, or else it is stuck."""
        return 0 if action.resting else self._bits(process, places_of(action))

    def left(
        self, process: Process, action: Action, target: Action, began: Action | None = None
    ) -> int:
        """What the step from `action` to `target` leaves of the places where it stood, or where it
        stood at `began`."""
        here = set(places_of(began or action))
        return self._bits(process, [p for p in left_by(action, target) if p in here])

    def _bits(self, process: Process, places: list[str]) -> int:
        colours = self.colours[process.name]
        return sum(1 << bit for bit in {colours[place] for place in places})


def _colours(process: Process) -> dict[str, int]:
    """A number for each place, another than those of all places in which it is stood in at once."""
    together: dict[str, set[str]] = {}
    for action in process.actions:
        places = places_of(action)
        for place in places:
            together.setdefault(place, set()).update(places)
    colours: dict[str, int] = {}
    for place, others in together.items():
        taken = {colours[o] for o in others if o in colours}
        colours[place] = next(n for n in range(len(colours) + 1) if n not in taken)
    return colours
