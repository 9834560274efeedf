"""From C to a program that can be run: compiled once, and kept by the hash of all that made it.
What is kept where, and what of it is believed: `kept.py`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from types import TracebackType

from modelcheck.engines.native import kept

RUNTIME = Path(__file__).parent / "runtime"
FILES = tuple(sorted(path.name for path in RUNTIME.iterdir() if path.suffix in (".c", ".h")))
FLAGS = (
    "-std=gnu11", "-Og", "-march=native", "-fno-asynchronous-unwind-tables", "-pthread", "-w"
)
"""-Og compiles in two thirds of the time of -O1, which search.c asks for where most time is spent:
a search of less than ten million states is done earlier so."""


class NoCompiler(Exception):
    """Nothing can be compiled; the sentence says why, and what to do."""


def compiler() -> str | None:
    """The C compiler: $CC, else cc or gcc; None if there is none."""
    named = os.environ.get("CC")
    return next(
        (path for name in ((named,) if named else ("cc", "gcc", "clang"))
         if (path := shutil.which(name))), None,
    )


class Making:
    """The executable of a Program's C, in the making: the compiler runs beside us.

    It is written aside and renamed, so that two runs at once, or one that is interrupted, leave
    nothing half made.  NoCompiler if there is none, or if it fails."""

    def __init__(self, source: str, flags: tuple[str, ...] = FLAGS) -> None:
        cc = compiler()
        if cc is None:
            raise NoCompiler("no C compiler is found (cc, gcc or clang; or name one in CC)")
        runtime = "".join((RUNTIME / name).read_text(encoding="utf-8") for name in FILES)
        self._key = kept.key(source, runtime, *flags, cc, _compiler_and_machine(cc))
        self._cc = cc
        self._running: subprocess.Popen[str] | None = None
        try:
            folder = kept.folder()
            self._made = folder / self._key[:32]
            if kept.believed(self._made, self._key):
                return
            self._aside = tempfile.TemporaryDirectory(dir=folder, prefix="making-")
        except OSError as error:
            text = f"there is no folder for what is compiled: {error.strerror}"
            raise NoCompiler(f"{text}; name one in XDG_CACHE_HOME or TMPDIR") from None
        program, self._result = (Path(self._aside.name) / name for name in ("program.c", "program"))
        try:
            program.write_text(source, encoding="utf-8")
            self._running = subprocess.Popen(
                [cc, *flags, f"-I{RUNTIME}", "-o", str(self._result), str(program)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                text=True, start_new_session=True,  # Ctrl-C is for us: `stop` tells the compiler
            )
        except BaseException:
            self._aside.cleanup()
            raise

    def ready(self, wait: bool = False) -> Path | None:
        """The executable; None if it is not there yet."""
        if self._running is None:
            return self._made
        if not wait and self._running.poll() is None:
            return None
        _, complaint = self._running.communicate()
        if self._running.returncode:
            self.stop()
            raise NoCompiler(f"{self._cc} does not compile what is made of this: {complaint[:600]}")
        kept.seal(self._result, self._key)
        self._result.replace(self._made)
        self.stop()
        return self._made

    def stop(self) -> None:
        """No compiler runs after this, and nothing stands aside."""
        if self._running is not None:
            if self._running.poll() is None:
                os.killpg(self._running.pid, signal.SIGKILL)  # cc has children that work for it
                self._running.communicate()
            self._running = None
            self._aside.cleanup()

    def __enter__(self) -> Making:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def built(source: str, flags: tuple[str, ...] = FLAGS) -> Path:
    """The executable of a Program's C."""
    with Making(source, flags) as making:
        made = making.ready(wait=True)
        assert made is not None
        return made


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
