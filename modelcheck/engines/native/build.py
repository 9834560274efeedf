"""From C to a program that can be run: compiled once, and kept by the hash of all that made it.
What is kept where, and what of it is believed: `kept.py`."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path
from types import TracebackType

from modelcheck.engines.native import ends, kept
from modelcheck.engines.native.watch import Watched

RUNTIME = Path(__file__).parent / "runtime"
FILES = tuple(sorted(path.name for path in RUNTIME.iterdir() if path.suffix in (".c", ".h")))
FLAGS = (
    "-std=gnu11", "-Og", "-march=native", "-fno-asynchronous-unwind-tables", "-pthread", "-w"
)
"""-Og compiles in two thirds of the time of -O1, which search.c asks for where most time is spent:
a search of less than ten million states is done earlier so."""


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
            raise ends.not_found(os.environ.get("CC"))
        runtime = "".join((RUNTIME / name).read_text(encoding="utf-8") for name in FILES)
        try:
            self._key = kept.key(source, runtime, *flags, cc, _compiler_and_machine(cc))
        except OSError as error:
            raise ends.not_started(cc, error) from None
        self._cc = cc
        self._running: Watched | None = None
        try:
            folder = kept.folder()
            self._made = folder / self._key[:32]
            if kept.believed(self._made, self._key):
                return
            self._aside = kept.Aside(folder)
        except OSError as error:
            raise ends.no_folder(error) from None
        program, self._result, self._said = (
            self._aside.path / name for name in ("program.c", "program", "said")
        )
        try:
            program.write_text(source, encoding="utf-8")
            self._said.touch()
        except OSError as error:
            self._aside.remove()
            raise ends.not_written(folder, error) from None
        except BaseException:
            self._aside.remove()
            raise
        try:
            self._running = Watched(
                [cc, *flags, f"-I{RUNTIME}", "-o", str(self._result), str(program)], self._said,
                {**os.environ, "TMPDIR": str(self._aside.path)},  # gcc that is killed leaves files
            )
        except OSError as error:
            self._aside.remove()
            raise ends.not_started(cc, error) from None
        except BaseException:
            self._aside.remove()
            raise

    def ready(self, wait: bool = False, seconds: float | None = None) -> Path | None:
        """The executable; None if it is not there yet.

        seconds  how long it is waited for, at most; StillCompiling after that"""
        if self._running is None:
            return self._made
        code = self._running.ended(seconds if wait else 0.0)
        if code is None:
            if not wait:
                return None
            self.stop()
            raise ends.StillCompiling
        try:
            if code or self._result.is_symlink() or not self._result.is_file():
                with self._said.open("rb") as said:
                    raise ends.compiled_nothing(self._cc, code, said.read(4 * ends.COMPLAINT))
            kept.seal(self._result, self._key)
            self._result.replace(self._made)
        except OSError as error:
            raise ends.not_written(self._made.parent, error) from None
        finally:
            self.stop()
        return self._made

    def stop(self) -> None:
        """No compiler runs after this, and nothing stands aside."""
        if self._running is not None:
            self._running.stop()
            self._running = None
            self._aside.remove()

    def __enter__(self) -> Making:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def built(
    source: str, flags: tuple[str, ...] = FLAGS, seconds: float | None = None
) -> Path:
    """The executable of a Program's C; StillCompiling if that takes more seconds."""
    with Making(source, flags) as making:
        made = making.ready(wait=True, seconds=seconds)
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
