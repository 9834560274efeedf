"""From C to a program that can be run: compiled once, and kept by the hash of all that made it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

RUNTIME = Path(__file__).parent
FILES = ("runtime.h", "runtime.c")
FLAGS = ("-std=gnu11", "-O2", "-march=native", "-w")


class NoCompiler(Exception):
    """There is no C compiler, or it does not compile; the sentence says what to do."""


def compiler() -> str | None:
    """The C compiler: $CC, else cc or gcc; None if there is none."""
    named = os.environ.get("CC")
    return next(
        (path for name in ((named,) if named else ("cc", "gcc", "clang"))
         if (path := shutil.which(name))), None,
    )


def built(source: str, flags: tuple[str, ...] = FLAGS) -> Path:
    """The executable of a Program's C.

    It is written aside and renamed, so that two runs at once, or one that is interrupted, leave
    nothing half made."""
    cc = compiler()
    if cc is None:
        raise NoCompiler("no C compiler is found (cc, gcc or clang; or name one in CC)")
    runtime = "".join((RUNTIME / name).read_text(encoding="utf-8") for name in FILES)
    made_of = "\0".join((source, runtime, *flags, cc, _compiler_and_machine(cc)))
    folder = _folder()
    made = folder / hashlib.sha256(made_of.encode("utf-8")).hexdigest()[:32]
    if made.exists():
        return made
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="making-") as aside:
        program, result = Path(aside) / "program.c", Path(aside) / "program"
        program.write_text(source, encoding="utf-8")
        command = [cc, *flags, f"-I{RUNTIME}", "-o", str(result), str(program)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = done.stderr[:600]
            raise NoCompiler(f"{cc} does not compile what is made of this spec: {said}")
        result.replace(made)
    return made


def _folder() -> Path:
    """Where compiled programs are kept: in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "modelcheck" / "native"


@cache
def _compiler_and_machine(cc: str) -> str:
    """What else decides what is compiled: the compiler's file, and what the processor can do."""
    stat = Path(cc).resolve().stat()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return f"{stat.st_size} {stat.st_mtime_ns} {flags}"
