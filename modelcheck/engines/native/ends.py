"""How the C compiler and the native process end where they do not do what they are for: each end is
a sentence, and all of them stand here.

The native process was killed for its memory: UNKNOWN (exit code 21), whoever asked for it, for no
other engine needs less.  The time was spent while the compiler ran: UNKNOWN (20).  Whatever else it
is, `--engine auto` goes on in the quick engine, whose verdict says the sentence, and `--engine
native` cannot serve (151)."""

from __future__ import annotations

import signal
from pathlib import Path

from modelcheck.quoting import quoted

COMPLAINT = 600  # letters of what a compiler says
SHELL = (126, 127)  # with which a program ends that could not run what it was to run

KILLED = "the system killed the native process, as it does when memory is short"
COMPILING = "the time was spent before the C compiler had ended"


class NotServed(Exception):
    """The native engine comes to no result; the sentence says why."""


class NoCompiler(NotServed):
    """Nothing can be compiled; the sentence says why, and what to do."""


class NoResult(NotServed):
    """The native process came to no end of its own, or what it said is no result."""


class StillCompiling(Exception):
    """The compiler has not ended, and the time is spent."""


# ------------------------------------------------------------------------------- of the compiler


def not_found(named: str | None) -> NoCompiler:
    """There is no compiler; `named` is what CC says."""
    if named:
        text = f"CC names {quoted(named, 'row')}, and there is no such program that can be run"
        return NoCompiler(f"{text}; name a C compiler alone, without options")
    return NoCompiler("no C compiler is found (cc, gcc or clang; or name one in CC)")


def no_folder(error: OSError) -> NoCompiler:
    """There is no place to compile in."""
    text = f"there is no folder for what is compiled: {_why(error)}"
    return NoCompiler(f"{text}; name one in XDG_CACHE_HOME or TMPDIR")


def not_started(cc: str, error: OSError) -> NoCompiler:
    """The compiler's process was not made."""
    return NoCompiler(f"{cc} cannot be run: {_why(error)}")


def not_written(folder: Path, error: OSError) -> NoCompiler:
    """What goes into the compiler, or comes out of it, has no room: a full disk, say."""
    text = f"what is compiled cannot be written in {folder}: {_why(error)}"
    return NoCompiler(f"{text}; name another folder in XDG_CACHE_HOME")


def compiled_nothing(cc: str, code: int, said: bytes) -> NoCompiler:
    """The compiler ended with this code, and there is no program; `said` is what it printed."""
    complaint = quoted(said.decode("utf-8", "replace").strip()[:COMPLAINT], "rows")
    if code < 0:
        return NoCompiler(f"{cc} {_ended(code)}")
    if code == 0:
        return NoCompiler(f"{cc} ended with 0 and wrote no program")
    if code in SHELL:
        return NoCompiler(f"{cc} cannot be run: {complaint or f'it ended with {code}'}")
    return NoCompiler(
        f"{cc} does not compile what is made of this: {complaint or f'it ended with {code}'}"
    )


# ------------------------------------------------------------------------- of the native process


def not_run(program: Path, error: OSError) -> NoResult:
    """What was compiled is there, and the system does not run it."""
    hint = ""
    if isinstance(error, PermissionError):
        hint = "; its file system may be mounted noexec: name another folder in XDG_CACHE_HOME"
    return NoResult(f"the system does not run {program}, which was compiled: {_why(error)}{hint}")


def came_to_no_end(code: int) -> NoResult:
    """The native process ended with this code, before it said that it was at its end."""
    return NoResult(f"the native process {_ended(code)} before it came to its end")


def damaged(what: str) -> NoResult:
    """What the native process said is not what one says that was compiled from our C."""
    text = "what the native process said is damaged"
    return NoResult(f"{text}, at {quoted(what[:60], 'row')!r}" if what else text)


def _ended(code: int) -> str:
    """How a process ended, from Popen's return code."""
    if code == -signal.SIGKILL:
        return "was killed, as the system does when memory is short,"
    if code < 0:
        names = {s.value: s.name for s in signal.Signals}
        return f"was ended by {names.get(-code, f'signal {-code}')}"
    return f"ended with {code}"


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
