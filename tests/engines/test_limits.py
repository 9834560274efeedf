"""How much memory a search takes where nobody says: what the machine, or a container, has for it.
The trees of /proc and /sys are made here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelcheck import gate
from modelcheck.cli import app
from modelcheck.engines.limits import memory_to_be_had, most_of_the_machine

GB = 2**30
PAGE = os.sysconf("SC_PAGE_SIZE")
MACHINE = {  # 8 GB: 5 are available, and this process has 1
    "proc/meminfo": f"MemTotal: {8 * GB // 1024} kB\nMemFree: 1 kB\n"
                    f"MemAvailable:    {5 * GB // 1024} kB\n",
    "proc/self/statm": f"9999999 {GB // PAGE} 1 1 0 1 0\n",
}
V2 = "31 23 0:28 {} /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "35 31 0:32 {} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" \
     "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
S = "sys/fs/cgroup"
M = "sys/fs/cgroup/memory"

TREES: dict[str, tuple[dict[str, str], int]] = {
    "no control groups": ({}, 6),
    "of version 2": ({
        "proc/self/cgroup": "0::/ci/job\n", "proc/self/mountinfo": V2.format("/"),
        f"{S}/ci/job/memory.max": f"{2 * GB}\n", f"{S}/ci/memory.max": "max\n",
    }, 2),
    "of version 2, a group above": ({
        "proc/self/cgroup": "0::/ci/job\n", "proc/self/mountinfo": V2.format("/"),
        f"{S}/ci/job/memory.max": "max\n", f"{S}/ci/memory.max": f"{3 * GB}\n",
    }, 3),
    "of version 2, in a container": ({
        "proc/self/cgroup": "0::/\n", "proc/self/mountinfo": V2.format("/"),
        f"{S}/memory.max": f"{GB}\n",
    }, 1),
    "of version 2, wider than the machine": ({
        "proc/self/cgroup": "0::/job\n", "proc/self/mountinfo": V2.format("/"),
        f"{S}/job/memory.max": f"{64 * GB}\n",
    }, 6),
    "of version 2, a name of two words": ({
        "proc/self/cgroup": "0::/a job:1\n",
        "proc/self/mountinfo": V2.format("/").replace("fs/cgroup", "fs/control\\040groups"),
        "sys/fs/control groups/a job:1/memory.max": f"{2 * GB}\n",
    }, 2),
    "of version 2, a group that is out of sight": ({
        "proc/self/cgroup": "0::/../other\n", "proc/self/mountinfo": V2.format("/"),
        f"{S}/memory.max": f"{4 * GB}\n", "sys/fs/other/memory.max": f"{GB}\n",
    }, 4),
    "of version 1": ({
        "proc/self/cgroup": "5:cpu:/\n4:hugetlb,memory:/slurm/job\n",
        "proc/self/mountinfo": V1.format("/"),
        f"{M}/slurm/job/memory.limit_in_bytes": "9223372036854771712\n",
        f"{M}/slurm/memory.limit_in_bytes": f"{2 * GB}\n",
        f"{M}/memory.limit_in_bytes": "9223372036854771712\n",
    }, 2),
    "of version 1, in a container": ({
        "proc/self/cgroup": "4:memory:/docker/abc\n",
        "proc/self/mountinfo": V1.format("/docker/abc"),
        f"{M}/memory.limit_in_bytes": f"{GB}\n",
    }, 1),
    "of both": ({
        "proc/self/cgroup": "4:memory:/job\n0::/job\n",
        "proc/self/mountinfo": V1.format("/")
                               + V2.format("/").replace("/cgroup ", "/cgroup/unified "),
        f"{M}/job/memory.limit_in_bytes": f"{2 * GB}\n",
    }, 2),
    "what nobody understands": ({
        "proc/self/cgroup": "\n0\nmemory\n0::\n", "proc/self/mountinfo": "\n - \n1 2 3 - cgroup2\n",
    }, 6),
}


@pytest.mark.parametrize("name", TREES)
def test_what_can_be_had(name: str, tmp_path: Path) -> None:
    """It was three quarters of all that the machine has: in a container of 2 GB on a machine of
    64 the system killed the search long before."""
    files, gigabytes = TREES[name]
    for file, text in {**MACHINE, **files}.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text, encoding="utf-8")
    assert memory_to_be_had(tmp_path) == gigabytes * GB
    assert most_of_the_machine(3, tmp_path) == gigabytes * GB // 4


def test_a_system_without_proc(tmp_path: Path) -> None:
    assert memory_to_be_had(tmp_path) == os.sysconf("SC_PHYS_PAGES") * PAGE


@pytest.mark.parametrize(("jobs", "specs", "each"), [("4", 2, 2), ("2", 3, 2), ("1", 3, 1)])
@pytest.mark.parametrize("command", ["gate", "table"])
def test_those_that_are_searched_at_once_share_it(
    command: str, jobs: str, specs: int, each: int, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each took three quarters of the machine."""
    monkeypatch.chdir(tmp_path)
    for n in range(specs):
        Path(f"{n}.py").write_text("EXPECT = holds()\n", encoding="utf-8")
    asked: list[int | None] = []

    def run(wanted: object, rules: gate.Rules, *rest: object) -> tuple[()]:
        asked.append(rules.memory)
        return ()

    monkeypatch.setattr("modelcheck.gate.run", run)
    monkeypatch.setattr("modelcheck.table.run", run)
    monkeypatch.setattr("modelcheck.engines.limits.memory_to_be_had", lambda root: 12 * GB)
    CliRunner().invoke(app, [command, ".", "--jobs", jobs])
    CliRunner().invoke(app, [command, ".", "--jobs", jobs, "--max-memory", "5G"])
    assert asked == [9 * GB // each, 5 * GB]
