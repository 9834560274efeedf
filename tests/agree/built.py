"""The native engine, compiled for tests: as fast as a compiler can, or with sanitizers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from modelcheck.engines.native import build, emit, exchange, reduced, running, search
from modelcheck.ir import Program

CROWDED = (  # small tables that grow, and threads that help, in searches of a few states
    "-DTABLE_AT_FIRST=8", "-DSMALL_TABLE=0", "-DCHUNK=4", "-DPAYS=1", "-DPENDING=4", "-DBATCH=4",
    "-DLATELY_BITS=2",
    "-DMEANWHILE()=sched_yield()",
)
AT_ONCE = ("-std=gnu11", "-O0", "-w")
WATCHED = (
    "-std=gnu11", "-O1", "-g", "-w", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
)
RACING = ("-std=gnu11", "-O1", "-g", "-w", "-pthread", "-fsanitize=thread", *CROWDED)

TCC_LACKS = Path(__file__).with_name("tcc.h")

TABLES = ((emit, 4_000), (reduced, 4_000), (exchange, 20_000))
"""Of how many numbers the C has tables, for `small_tables`."""


@contextmanager
def compiled(flags: tuple[str, ...], cache: Path) -> Iterator[None]:
    """Within: Programs are compiled with these flags, and kept in this folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        patch.setattr(running, "built", lambda source, seconds: build.built(source, flags, seconds))
        yield


@contextmanager
def in_one_thread(flags: tuple[str, ...]) -> Iterator[None]:
    """Within: what is compiled with these flags is compiled by tcc where that is installed (unless
    a compiler is named in CC, or a sanitizer), and knows no threads.  It takes a twentieth of the
    time that gcc takes without optimisation.  What is found then is asked of gcc once more: it is
    tcc's fault once in ten thousand Programs (number 12452 of `campaigns.engines`)."""
    another = "CC" in os.environ or any("sanitize" in flag for flag in flags)
    tcc = None if another else shutil.which("tcc")

    def built(source: str, seconds: float | None) -> Path:
        with pytest.MonkeyPatch.context() as named:
            named.setenv("CC", str(tcc))
            return build.built(source, (*flags, "-include", str(TCC_LACKS)), seconds)

    with pytest.MonkeyPatch.context() as patch:
        if tcc is not None:
            patch.setattr(running, "built", built)
        yield


@contextmanager
def small_tables() -> Iterator[None]:
    """Within: of what has many numbers there is no table (it is searched, or not reduced), and the
    C of a Program is made once.  Few random Programs have large tables, but to make those and
    compile them took more time than all others together."""
    made: list[tuple[object, str]] = []  # few; and what they are made of need not be hashable
    in_c = emit.program_in_c

    def once(program: Program, *arguments: Any) -> str:
        of = (program, *arguments[2:])
        text = next((text for other, text in made if other == of), None)
        if text is None:
            text = in_c(program, *arguments)
            made.append((of, text))
        return text

    with pytest.MonkeyPatch.context() as patch:
        for module, numbers in TABLES:
            patch.setattr(module, "MOST_NUMBERS", numbers)
        patch.setattr(search, "program_in_c", once)
        yield
