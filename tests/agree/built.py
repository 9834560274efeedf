"""The native engine, compiled for tests: as fast as a compiler can, or with sanitizers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from modelcheck.engines.native import build, running

CROWDED = (  # small tables that grow, and threads that help, in searches of a few states
    "-DTABLE_AT_FIRST=8", "-DSMALL_TABLE=0", "-DCHUNK=4", "-DPAYS=1", "-DPENDING=4", "-DBATCH=4",
    "-DLATELY_BITS=2",
)
AT_ONCE = ("-std=gnu11", "-O0", "-w")
WATCHED = (
    "-std=gnu11", "-O1", "-g", "-w", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
)
RACING = ("-std=gnu11", "-O1", "-g", "-w", "-pthread", "-fsanitize=thread", *CROWDED)


@contextmanager
def compiled(flags: tuple[str, ...], cache: Path) -> Iterator[None]:
    """Within: Programs are compiled with these flags, and kept in this folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        patch.setattr(running, "built", lambda source: build.built(source, flags))
        yield
