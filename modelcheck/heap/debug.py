"""pdb along a trace: the CPUs are real threads, and one of them stops in front of each step.

    step 9 of 10: domain[0]
    > specs/per_page_cmpxchg.py(76)alloc_heap_pages()
    -> pg.scrub = Scrub.IN_USE
    (Pdb) p pg, pg.scrub
    (Page[1], Scrub.SCRUBBING)

pdb runs in the CPU's own thread; its commands are read by the main thread, so that Ctrl-C and the
end of the input are met where they can end everything.  What pdb reads is no step of the model."""

from __future__ import annotations

import bdb
import builtins
import contextlib
import pdb
import sys
import threading
from types import FrameType, TracebackType
from typing import Any

from modelcheck.frontend.definitions import Spec
from modelcheck.heap.allocator import Allocator, files_of
from modelcheck.heap.follow import Follower
from modelcheck.heap.objects import Memory
from modelcheck.heap.replay import follow
from modelcheck.heap.scheduler import Cpu, Line, Scheduler
from modelcheck.quoting import quoted
from modelcheck.semantics import Semantics
from modelcheck.trace import Trace, Validation

with contextlib.suppress(ImportError):  # where there is one, `input` edits lines with it
    import readline as readline


def debug(spec: Spec, semantics: Semantics, trace: Trace, cpu: int) -> Validation | None:
    """Follow a trace on the executable allocator, with pdb in front of each step of the CPU of this
    number; what became of the trace, or None if the user did not wait for it."""
    scheduler = Attended(files_of(spec), trace, cpu)
    with Allocator(spec, scheduler) as allocator:
        for names in allocator.layouts.names.values():
            names["__builtins__"] = vars(builtins)  # of what is typed: functions have theirs
        scheduler.memory = allocator.memory
        try:
            return follow(Follower(allocator, semantics), trace, scheduler.announce)
        except bdb.BdbQuit:
            if scheduler.interrupted is not None:
                raise scheduler.interrupted from None
            return None


class Attended(Scheduler):
    """Stops one CPU in front of each of its steps in a trace, and asks what to do there.

    due          the next step is one of this CPU
    interrupted  what ended the input, other than its end
    """

    memory: Memory

    def __init__(self, files: frozenset[str], trace: Trace, chosen: int) -> None:
        super().__init__(files)
        self.trace = trace
        self.chosen = chosen
        self.due = False
        self.interrupted: BaseException | None = None
        self._debugger = _Debugger(self)
        self._question = False
        self._line = ""
        self._answered = threading.Lock()
        self._answered.acquire()

    def announce(self, number: int | None) -> None:
        """Say which step comes next; None: none, and from here on nobody is asked."""
        if number is None:
            self._debugger.dismissed = True
            return
        step = self.trace.steps[number - 1]
        self.due = step.number == self.chosen
        if self.due:
            print(f"step {number} of {len(self.trace.steps)}: {step.process}")
        else:
            line = f"{step.process}: {step.source.line} {step.source.text}"
            print(quoted(f"step {number} of {len(self.trace.steps)}: {line}", "row"))

    # ----------------------------------------------------------------------- the main thread

    def _until_parked(self, cpu: Cpu) -> None:
        super()._until_parked(cpu)
        while self._question:
            self._question = False
            try:
                self._line = input("(Pdb) ") + "\n"
            except EOFError:
                self._line = ""
            except (KeyboardInterrupt, UnicodeDecodeError) as error:
                self._line, self.interrupted = "", error
            self._answered.release()
            super()._until_parked(cpu)

    # ---------------------------------------------------------------------- the CPU's thread

    def readline(self) -> str:
        """A line of the input, as pdb asks for it; empty at its end."""
        self._question = True
        self._parked.release()
        self._answered.acquire()
        return self._line

    def _park(self, cpu: Cpu, possible: Any, at: Line | None = None) -> None:
        super()._park(cpu, possible, at)
        if self.due and cpu.number == self.chosen:
            self.due = False
            frame = sys._getframe(1)
            while frame.f_code.co_filename not in self.files:
                assert frame.f_back is not None
                frame = frame.f_back
            self._debugger.stop(frame)


class _Debugger(pdb.Pdb):
    """pdb that knows no frames but those of the spec and its library.

    dismissed  the trace is at its end: what runs on now is not looked at"""

    def __init__(self, scheduler: Attended) -> None:
        super().__init__(stdin=scheduler, stdout=sys.stdout, nosigint=True, readrc=False)  # type: ignore[arg-type]
        self.prompt = ""  # `input` prints it
        self.scheduler = scheduler
        self.dismissed = False

    def stop(self, frame: FrameType) -> None:
        """Ask for commands in this frame; then go on as they say."""
        sys.settrace(None)  # not of what is typed
        self.reset()
        frames = [frame]
        while frames[-1].f_back is not None:
            frames.append(frames[-1].f_back)
        self.botframe = frames[-1]
        self.interaction(frame, None)
        if self.quitting:
            raise bdb.BdbQuit
        if self.breaks or self.stopframe is not self.botframe:
            for each in frames:
                if each.f_code.co_filename in self.scheduler.files:
                    each.f_trace = self.trace_dispatch
            sys.settrace(self.trace_dispatch)

    def stop_here(self, frame: FrameType) -> bool:
        ours = frame.f_code.co_filename in self.scheduler.files
        return ours and not self.dismissed and super().stop_here(frame)

    def break_here(self, frame: FrameType) -> bool:
        return not self.dismissed and super().break_here(frame)

    def get_stack(
        self, f: FrameType | None, t: TracebackType | None
    ) -> tuple[list[tuple[FrameType, int]], int]:
        stack, _ = super().get_stack(f, t)
        kept = [entry for entry in stack if entry[0].f_code.co_filename in self.scheduler.files]
        return kept, len(kept) - 1

    def interaction(self, frame: FrameType | None, traceback: Any) -> None:
        cpu, memory = self.scheduler.running, self.scheduler.memory
        assert cpu is not None
        seen, asked = list(memory.bytes_read), list(memory.asked_for)
        before, cpu.instant = cpu.instant, True  # an access passes the gate
        try:
            super().interaction(frame, traceback)
        finally:
            cpu.instant = before
            memory.bytes_read[:], memory.asked_for[:] = seen, asked

    def do_run(self, arg: str) -> None:
        self.error("a trace is followed once: leave with q, and begin again from the shell")

    do_restart = do_run
