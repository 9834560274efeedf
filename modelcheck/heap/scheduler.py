"""The CPUs: real threads, of which exactly one runs at any time, one step each time it is let go.

A step is one shared access and all local work behind it, up to the next access: a thread parks at
the `gate` in front of each access, and is let go there.  Before its first gate a thread does the
local work that precedes its first access.  Every wait has a bound, so that nothing here can hang.

An interrupt is a call of its handler by the thread itself, at the gate where it stands: whether one
comes is a choice that it makes there, unless it has turned them off, and again when one has ended.
A thread that cannot go on, and may be interrupted, takes a step all the same: one comes.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Literal

from modelcheck.heap.faults import CutShort, Difference, Fault, TornDown, fault_of

PATIENCE = 30.0  # seconds for one step: thousands of times what it takes
MOST_TURNS = 10_000  # of loops, within one step
MOST_PICKS = 64  # choices in one step

Line = tuple[str, int]
State = Literal["new", "running", "parked", "ended", "failed", "cut", "broken"]


class Cpu:
    """One process: its thread, where it is parked, and what became of it.

    at        the line whose access it is parked in front of, or where it failed
    possible  None, or whether the access could be done now (a lock that is free)
    at_rest   it is parked in front of the first access behind the head of its main loop
    handlers  those of the interrupts that come to it, each with the line where it begins
    off       how many blocks without interrupts it is in, and `off_now`, whether it has come to an
              access in them: before that one may still come
    handling  it runs a handler
    awake     it waits, and may be interrupted there
    gates     how many it has come to
    """

    def __init__(
        self, name: str, number: int, body: Callable[[], None],
        handlers: tuple[tuple[Callable[[], None], Line], ...] = (),
    ) -> None:
        self.name = name
        self.number = number
        self.body = body
        self.handlers = handlers
        self.off = 0
        self.off_now = False
        self.handling = False
        self.awake = False
        self.gates = 0
        self.state: State = "new"
        self.at: Line | None = None
        self.stack: tuple[Line, ...] = ()
        self.possible: Callable[[], bool] | None = None
        self.fault: Fault | None = None
        self.error: BaseException | None = None
        self.at_rest = False
        self.turns = 0
        self.picks = 0
        self.instant = False  # it reads all of memory at one instant
        self.atomic = False
        self.accessed = False  # within the present atomic block
        self.turn = threading.Lock()
        self.turn.acquire()
        self.thread: threading.Thread | None = None

    def can_go(self) -> bool:
        """Whether a step is possible: it is parked, and not waiting for what is not there."""
        if self.state != "parked" or self.possible is None or self.awake:
            return self.state == "parked"
        return self.finds()

    def finds(self) -> bool:
        """Whether what it is parked in front of is possible."""
        if self.possible is None:
            return True
        try:
            return self.possible()
        except Exception as error:
            if fault_of(error) is None:
                raise
            return True  # the step is possible, and fails


class Scheduler:
    """Lets one CPU go at a time.

    files    those of generated code, whose lines are reported
    choices  the options that the present step is to choose; None: any, each in turn
    stops    lines of barriers, and of interrupts that come, at which the model has a step although
             nothing is accessed
    inside   lines that are inside a loop
    """

    def __init__(self, files: frozenset[str]) -> None:
        self.files = files
        self.cpus: list[Cpu] = []
        self.running: Cpu | None = None
        self.choices: deque[int] | None = None
        self.stops: frozenset[Line] = frozenset()
        self.inside: frozenset[Line] = frozenset()
        self._chosen = 0
        self._parked = threading.Lock()
        self._parked.acquire()
        self._closing = False

    # --------------------------------------------------------------- called by the main thread

    def start(self, cpu: Cpu) -> None:
        """Run a CPU's thread up to its first access."""
        self.cpus.append(cpu)
        cpu.thread = threading.Thread(target=self._run, args=(cpu,), name=cpu.name, daemon=True)
        self.running = cpu
        cpu.state = "running"
        cpu.thread.start()
        self._wait_for(cpu)

    def let_go(self, cpu: Cpu) -> None:
        """One step of a parked CPU."""
        self.running = cpu
        cpu.state = "running"
        cpu.turns = cpu.picks = 0
        cpu.turn.release()
        self._wait_for(cpu)

    def _wait_for(self, cpu: Cpu) -> None:
        self._until_parked(cpu)
        self.running = None
        if cpu.state == "broken":
            assert cpu.error is not None
            raise cpu.error

    def _until_parked(self, cpu: Cpu) -> None:
        if not self._parked.acquire(timeout=PATIENCE):
            raise Difference(f"{cpu.name} did not come to its next access")

    def close(self) -> None:
        """End every thread."""
        self._closing = True
        for cpu in self.cpus:
            if cpu.thread is not None and cpu.thread.is_alive():
                self.running = cpu
                if cpu.state == "parked":
                    cpu.turn.release()
                cpu.thread.join(PATIENCE)
        self.cpus.clear()
        self.running = None
        self._closing = False

    # ------------------------------------------------------------ called by the CPUs' threads

    def _run(self, cpu: Cpu) -> None:
        try:
            cpu.body()
            cpu.state = "ended"
        except TornDown:
            return
        except CutShort:
            cpu.state = "cut"
        except Exception as error:
            self._failed(cpu, error)
        self._parked.release()

    def _failed(self, cpu: Cpu, error: Exception) -> None:
        cpu.fault = fault_of(error)
        cpu.error = error
        cpu.stack = self._lines(error.__traceback__)
        if cpu.fault is not None and self.choices and not cpu.handling:
            # It failed on its way to an access, which is that access's step: until then it stands
            # in front of it, and interrupts come.
            try:
                self._interrupted(cpu)
            except TornDown:
                return
            except Exception as other:
                cpu.fault, cpu.error = fault_of(other), other
                cpu.stack = self._lines(other.__traceback__)
        cpu.state = "failed" if cpu.fault is not None else "broken"
        cpu.at = cpu.stack[0] if cpu.stack else None

    def gate(self, possible: Callable[[], bool] | None = None) -> None:
        """Park in front of an access until this CPU is let go.  Boot and properties pass."""
        cpu = self.running
        if cpu is None or cpu.instant:
            return
        cpu.gates += 1
        if not (cpu.atomic and cpu.accessed):
            at_rest = cpu.at_rest
            self._interrupted(cpu)
            cpu.awake = possible is not None and self._may_come(cpu) and not cpu.off
            self._park(cpu, possible)
            while cpu.awake and possible is not None and not possible():
                cpu.at_rest = at_rest
                if self._interrupt(cpu, 1 + self._chosen_among(len(cpu.handlers))):
                    self._interrupted(cpu)
                self._park(cpu, possible)
            cpu.awake = False
        cpu.accessed = True
        cpu.off_now = cpu.off > 0
        cpu.at_rest = False
        if possible is not None and not possible():
            raise Difference(f"{cpu.name} was let go, and what it waits for is not so")

    def _may_come(self, cpu: Cpu) -> bool:
        """Whether an interrupt may come to a CPU in front of an access."""
        return bool(cpu.handlers) and not cpu.handling and not cpu.off_now

    def _chosen_among(self, options: int) -> int:
        return self.choose(options) if options > 1 else 0

    def _interrupted(self, cpu: Cpu) -> None:
        """The interrupts that come where a CPU stands."""
        while self._may_come(cpu):
            which = self.choose(1 + len(cpu.handlers))
            if not which or not self._interrupt(cpu, which):
                return

    def _interrupt(self, cpu: Cpu, which: int) -> bool:
        """Run a handler, to its end; whether it has come to an access."""
        kept = cpu.atomic, cpu.accessed, cpu.at_rest, cpu.off, cpu.off_now, cpu.awake
        before = cpu.gates
        cpu.atomic = cpu.accessed = cpu.at_rest = cpu.off_now = cpu.awake = False
        cpu.off, cpu.handling = 0, True
        handler, line = cpu.handlers[which - 1]
        if line in self.stops:
            cpu.gates += 1
            self._park(cpu, None, line)
        handler()
        cpu.handling = False
        cpu.atomic, cpu.accessed, cpu.at_rest, cpu.off, cpu.off_now, cpu.awake = kept
        return cpu.gates > before

    def _park(
        self, cpu: Cpu, possible: Callable[[], bool] | None, at: Line | None = None
    ) -> None:
        cpu.possible = possible
        cpu.at = at or self._here(3)
        cpu.state = "parked"
        self._parked.release()
        cpu.turn.acquire()  # bounded by the scheduler: close() lets every parked thread go
        if self._closing:
            raise TornDown
        cpu.at_rest = False

    def barrier(self) -> None:
        """A barrier: threads that take turns need none."""
        cpu = self.running
        if cpu is None or not self.stops or (cpu.atomic and cpu.accessed):
            return
        if self._here(2) in self.stops:
            if cpu.atomic:
                self._interrupted(cpu)  # it begins the block
            cpu.gates += 1
            self._park(cpu, None)
            cpu.accessed = True

    def choose(self, options: int) -> int:
        """The option to take at this choice."""
        if self.running is not None:
            self.running.picks += 1
            if self.running.picks > MOST_PICKS:
                raise Fault("runaway", f"{MOST_PICKS} choices and no access")
        if self.choices is None:
            self._chosen += 1
            return self._chosen % options
        if not self.choices:
            raise Difference("a choice is made here that the schedule does not make")
        return self.choices.popleft()

    def turn(self) -> bool:
        """Counts the turns of loops, so that a step that does not end is a fault."""
        cpu = self.running
        if cpu is not None:
            cpu.turns += 1
            if cpu.turns > MOST_TURNS:
                raise Fault("runaway", f"{MOST_TURNS:,} turns of a loop and no access")
            if self._closing:
                raise TornDown
        return True

    def head(self) -> bool:
        """The head of a process's main loop is passed, unless a caller stands in a loop."""
        cpu = self.running
        if cpu is not None and not cpu.handling and not self._called_in_a_loop():
            cpu.at_rest = True
        return self.turn()

    def left(self) -> None:
        """A process's main loop is left."""
        if self.running is not None:
            self.running.at_rest = False

    def _called_in_a_loop(self) -> bool:
        callers: list[Line] = []
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            if frame.f_code.co_filename in self.files:
                callers.append((frame.f_code.co_filename, frame.f_lineno))
            frame = frame.f_back
        return not self.inside.isdisjoint(callers[1:])

    def _here(self, depth: int) -> Line | None:
        """The line of generated code that is being run, at least so many calls up."""
        frame = sys._getframe(depth)
        while frame.f_code.co_filename not in self.files:
            if frame.f_back is None:
                return None
            frame = frame.f_back
        return frame.f_code.co_filename, frame.f_lineno

    def _lines(self, traceback: TracebackType | None) -> tuple[Line, ...]:
        """The lines of generated code that an error came through, innermost first."""
        lines: list[Line] = []
        while traceback is not None:
            file = traceback.tb_frame.f_code.co_filename
            if file in self.files:
                lines.append((file, traceback.tb_lineno))
            traceback = traceback.tb_next
        return tuple(reversed(lines))


class Atomic:
    """`with atomic("reason"):` one gate, at the first access."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler

    def __enter__(self) -> None:
        cpu = self.scheduler.running
        if cpu is not None:
            cpu.atomic, cpu.accessed = True, False

    def __exit__(self, *error: Any) -> None:
        cpu = self.scheduler.running
        if cpu is not None:
            cpu.atomic = False


class IrqsOff:
    """`with irqs_off():` no interrupt from its first access on; who fails in it stays in it."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler

    def __enter__(self) -> None:
        cpu = self.scheduler.running
        if cpu is not None:
            cpu.off += 1

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:
        cpu = self.scheduler.running
        if cpu is not None and kind is None:
            cpu.off -= 1
            cpu.off_now &= cpu.off > 0
