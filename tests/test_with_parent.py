"""Whatever ends a command, nothing that it started runs on, and nothing half made is left."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from modelcheck.apart import in_processes
from modelcheck.engines.native import build
from modelcheck.exit_codes import Exit
from modelcheck.gated import Finding

ROOT = Path(__file__).parents[1]
SPEC = ROOT / "specs" / "scrub_in_place.py"
pytestmark = pytest.mark.skipif(
    not hasattr(os, "pidfd_open"), reason="the system does not say when another's child ends"
)
LATEST = 60  # seconds: where a process runs on for ever, the test fails

NATIVE = """\
import os
from modelcheck.engines.native import search
from modelcheck.trace import Limits
from tests.small_programs import program
from tests.test_handover import COUNTERS

def told(*progress):
    me = os.getpid()
    print(open(f"/proc/{me}/task/{me}/children").read(), flush=True)

for_ever = program(COUNTERS.replace("0..15", "0..1048575").replace("16", "2000000"))
search.explore(for_ever, Limits(), progress=told)
"""
COMPILER = """\
import signal
from modelcheck.engines.native.build import Making
making = Making("")
print(making._running.pid, flush=True)
signal.pause()
"""
WORKER = """\
import os, signal
from modelcheck.apart import in_processes

def work(number):
    print(os.getpid(), flush=True)
    signal.pause()

in_processes(("one",), work, None, 1e6, 1, lambda text: None)
"""
ENDLESS = "#!/bin/sh\nexec tail -f /dev/null\n"


def _ends(pid: int) -> bool:
    """Whether a process ends that is no child of ours."""
    try:
        ended = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([ended], [], [], LATEST)[0])
    finally:
        os.close(ended)


@pytest.mark.parametrize("kind", ["native", "compiler", "worker"])
@pytest.mark.skipif(build.compiler() is None, reason="there is no C compiler")
def test_what_was_started_ends_with_who_started_it(kind: str, tmp_path: Path) -> None:
    """A gate kills a worker whose time is spent: the search in C that it had begun went on, and
    took memory, for ever."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    script = {"native": NATIVE, "compiler": COMPILER, "worker": WORKER}[kind]
    if kind == "compiler":
        (tmp_path / "cc").write_text(ENDLESS, encoding="utf-8")
        (tmp_path / "cc").chmod(0o755)
        environment["CC"] = str(tmp_path / "cc")
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline().split()[0])
        parent.kill()
        assert _ends(child)


def test_sigterm_ends_as_ctrl_c_does(tmp_path: Path) -> None:
    """A CI whose time is spent sends it: it ended without a word (143), and left what was half made
    in the cache."""
    compiler = tmp_path / "cc"
    compiler.write_text(
        f"#!/bin/sh\necho $$ > {tmp_path}/pid\nkill -TERM $PPID\nexec tail -f /dev/null\n",
        encoding="utf-8",
    )
    compiler.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "modelcheck", "verify", str(SPEC), "--engine", "native"], cwd=ROOT,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path), "CC": str(compiler)},
        capture_output=True, text=True, check=False,
    )
    assert (done.returncode, done.stdout) == (Exit.INTERRUPTED, "")
    assert done.stderr.endswith("interrupted\n")
    assert list((tmp_path / "modelcheck" / "native").iterdir()) == []
    assert _ends(int((tmp_path / "pid").read_text(encoding="ascii")))


def test_a_worker_that_gets_sigterm_is_interrupted() -> None:
    """It was a defect of modelcheck (70)."""

    def work(number: int) -> Finding:
        os.kill(os.getpid(), 15)
        raise AssertionError

    found = in_processes(
        ("one",), work, lambda number, finding, seconds: finding, 1e6, 1, lambda text: None
    )
    assert found == (Finding(Exit.INTERRUPTED, "interrupted"),)
