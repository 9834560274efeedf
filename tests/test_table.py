"""Designs by invariants: each kind of cell, in each form; and README's table, that it is fresh."""

import hashlib
import json
import multiprocessing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from modelcheck import table
from modelcheck.cli import app
from modelcheck.gate import Instance, Rules
from modelcheck.gated import Finding
from modelcheck.source import lines_of
from modelcheck.tabled import Promise, Status, Tabled, exit_code, from_json, labels, to_json

ROOT = Path(__file__).parents[1]
STALE = "renew it: python -m modelcheck.table"

COUNT = '''\
from typing import Annotated

from modelcheck.lang import (
    Lock, at_rest, between, free, invariant, param, process, promises, shared, spin_lock,
    spin_unlock,
)

LOCKED = param(False)
DROPPED = param(False)
ROOM = param(2, 1, 2)


@shared
class Node:
    pages: Annotated[int, between(0, ROOM)] = 0


node = Node()
heap_lock = Lock("heap_lock")


@invariant("A2", "each page is counted")
def counted(node: Node) -> bool:
    return node.pages == 2


@invariant("A2", "no page is uncounted")
def begins(node: Node) -> bool:
    return node.pages >= 0


@invariant("S8", "no CPU undoes what another has stored")
def not_undone(node: Node, mine: int) -> bool:
    return node.pages >= mine


@invariant("S10", "no page is counted twice")
def once(node: Node) -> bool:
    return node.pages <= 2


@invariant("K1", "it changes under a lock")
def locked(node: Node) -> bool:
    return node.pages >= 0


PROMISES = (promises(counted(node), when=at_rest()), promises(begins(node)),
            promises(locked(node), when=LOCKED))


@process(count=2)
def cpu() -> None:
    if LOCKED:
        spin_lock(heap_lock)
    pages = node.pages
    if pages == 2:
        assert once(node)
    elif not DROPPED:
        node.pages = pages + 1
        assert not_undone(node, pages + 1)
    if LOCKED and not DROPPED:
        spin_unlock(heap_lock)
'''

INSTANCES = """\
[tool.modelcheck]
paths = ["specs"]
instances = [
    { spec = "specs/count.py", set = { LOCKED = true } },
    { spec = "specs/count.py", set = { LOCKED = true, DROPPED = true } },
    { spec = "specs/count.py", set = { LOCKED = true, ROOM = 1 } },
]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one small spec below it, to work in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "count.py").write_text(COUNT, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(INSTANCES, encoding="utf-8")
    lines_of.cache_clear()  # another test's count.py
    return tmp_path


def run(*args: str) -> Result:
    return CliRunner().invoke(app, ["table", *args])


TEXT = """\
                                S8        S10       A2        K1        X1
count                           holds     vacuous   fails 6   -         holds
count LOCKED=True               holds     vacuous   holds     holds     holds
count LOCKED=True DROPPED=True  -         vacuous   holds     holds     fails 1
count LOCKED=True ROOM=1        faults 8  faults 8  faults 8  faults 8  faults 8

S8   no CPU undoes what another has stored
S10  no page is counted twice
A2   each page is counted; no page is uncounted
K1   it changes under a lock
X1   no process is stuck for ever

holds: in every reachable state of this instance
fails: after so many steps, and no run fails in fewer
faults: a run leaves a range, follows None, ... after so many steps, before this is broken
vacuous: no run comes to where it is asserted, or meant to hold
-: not promised

8 hold, 2 fail, 5 fault, 3 vacuous
"""


def test_each_kind_of_cell(folder: Path) -> None:
    """The first row fails at once, and its other cells are decided behind that."""
    result = run()
    assert (result.exit_code, result.stdout, result.stderr) == (0, TEXT, "")


MARKDOWN = """\
| design | S8 | S10 | A2 | X1 |
| --- | --- | --- | --- | --- |
| [count](specs/count.py) | holds | vacuous | **fails 6** | holds |

*holds*: in every reachable state of this instance; *fails*: after so many steps, and no run fails \
in fewer; *vacuous*: no run comes to where it is asserted, or meant to hold.

- S8: no CPU undoes what another has stored
- S10: no page is counted twice
- A2: each page is counted; no page is uncounted
- X1: no process is stuck for ever
"""


def test_markdown_of_one_instance(folder: Path) -> None:
    """That something fails is an answer: 0."""
    (folder / "pyproject.toml").unlink()
    result = run("specs/count.py", "--markdown")
    assert (result.exit_code, result.stdout, result.stderr) == (0, MARKDOWN, "")


def test_json(folder: Path) -> None:
    result = run("--json")
    document = json.loads(result.stdout)
    assert list(document) == ["format", "version", "labels", "rows", "sources"]
    assert document["labels"]["A2"] == ["each page is counted", "no page is uncounted"]
    first, *_, last = document["rows"]
    assert (first["spec"], first["set"], first["findings"]) == ("specs/count.py", [], [])
    assert first["promises"][0] == {
        "label": "A2", "sentence": "each page is counted", "status": "fails", "length": 6,
    }
    assert last["set"] == ["LOCKED=True", "ROOM=1"]
    assert {(p["status"], p["length"]) for p in last["promises"]} == {("faults", 8)}
    text = (folder / "specs" / "count.py").read_bytes()
    assert document["sources"]["specs/count.py"] == hashlib.sha256(text).hexdigest()
    assert to_json(from_json(result.stdout)) == result.stdout
    assert run("--json", "--markdown").exit_code == 151


# ----------------------------------------------------------------------------- what is not known


def test_a_refused_spec_is_told_once_and_hides_nothing_of_the_others(folder: Path) -> None:
    (folder / "pyproject.toml").unlink()
    (folder / "specs" / "refused.py").write_text("import os\n", encoding="utf-8")
    result = run("specs")
    assert result.exit_code == 150
    assert "\ncount    holds  vacuous  fails 6  holds\n" in result.stdout
    assert "\nrefused  ?      ?        ?        ?\n" in result.stdout
    assert "\nspecs/refused.py default: the spec is refused (150)\n  specs/" in result.stdout
    assert result.stdout.endswith("; exit code 150, the spec is refused\n")
    beside = run("specs", "--markdown")
    assert "the spec is refused (150)" in beside.stderr
    assert "refused (150)" not in beside.stdout


@pytest.mark.parametrize(
    ("option", "value", "code"), [("--budget", "1e-9", 20), ("--max-memory", "1K", 21)]
)
def test_what_meets_a_limit_is_never_said_to_hold(
    option: str, value: str, code: int, folder: Path
) -> None:
    (folder / "pyproject.toml").unlink()
    result = run("specs/count.py", option, value)
    assert result.exit_code == code
    assert "\ncount  ?   ?    ?   ?\n" in result.stdout
    assert "was spent: " in result.stdout


def test_a_process_that_the_system_kills_leaves_a_row(folder: Path) -> None:
    def kill(text: str) -> None:
        for child in multiprocessing.active_children():
            child.kill()

    (row,) = table.run((Instance("specs/count.py"),), Rules(60), 1, kill)
    assert (row.promises, [f.code for f in row.findings]) == ((), [21])
    assert row.cell("S8") == ("unknown", None)


def test_a_counterexample_that_must_be_validated_is(folder: Path) -> None:
    row = table.tabled(Instance("specs/count.py"), Rules(60, require_validated=True))
    assert (row.cell("A2"), row.findings) == (("fails", 6), ())


def test_what_is_meant_at_no_time_is_vacuous(folder: Path) -> None:
    """A CPU that is stuck keeps the heap from ever being at rest, where each page is counted."""
    only = COUNT.replace(" promises(begins(node)),", "")
    (folder / "specs" / "count.py").write_text(only, encoding="utf-8")
    stuck = Instance("specs/count.py", (("LOCKED", True), ("DROPPED", True)))
    assert table.tabled(stuck, Rules(60)).cell("A2") == ("vacuous", None)
    alone = Instance("specs/count.py", (("LOCKED", True),))
    assert table.tabled(alone, Rules(60)).cell("A2") == ("holds", None)


def test_who_promises_nothing_by_name_has_no_row(folder: Path) -> None:
    quiet = "from modelcheck.lang import process\n\n\n@process\ndef cpu() -> None:\n    pass\n"
    (folder / "specs" / "quiet.py").write_text(quiet, encoding="utf-8")
    assert "quiet" not in run("specs").stdout
    result = run("specs/quiet.py")
    assert (result.exit_code, result.stdout) == (151, "")
    assert result.stderr.startswith("error: no spec here promises an invariant by name: ")


# ------------------------------------------------------------------------------- rows and columns


def row(*promises: Promise) -> Tabled:
    return Tabled("specs/a.py", (), promises)


@pytest.mark.parametrize(
    ("promises", "cell"),
    [
        ([("fails", 9), ("fails", 7), ("unknown", None)], ("fails", 7)),
        ([("fails", 9), ("faults", 9)], ("fails", 9)),
        ([("holds", None), ("unknown", None)], ("unknown", None)),
        ([("vacuous", None), ("holds", None)], ("holds", None)),
        ([("vacuous", None)], ("vacuous", None)),
        ([], ("not promised", None)),
    ],
)
def test_of_several_sentences_under_a_label(
    promises: list[tuple[Status, int | None]], cell: tuple[str, int | None]
) -> None:
    other = Promise("X1", "no process is stuck for ever", "holds")
    found = row(other, *(Promise("S9", str(n), s, d) for n, (s, d) in enumerate(promises)))
    assert found.cell("S9") == cell


def test_the_order_of_columns() -> None:
    """That of the list of invariants; labels that it has not come last."""
    some = ("Z", "P1", "X1", "K6", "S10", "B2", "A1", "L4", "S9", "b")
    found = labels((row(*(Promise(label, label, "holds") for label in some)),))
    assert list(found) == ["S9", "S10", "L4", "A1", "K6", "X1", "P1", "B2", "Z", "b"]


def test_exit_codes() -> None:
    """The smallest, and an interruption before all."""
    of = {code: Tabled("a.py", (), (), (), (Finding(code, ""),)) for code in (20, 22, 130, 150)}
    assert exit_code((row(),)) == 0
    assert exit_code((row(), of[150], of[22])) == 22
    assert exit_code((of[20], of[130])) == 130


# ---------------------------------------------------------------------------------------- README


def test_the_renewing_command(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It writes the table between the markers and its JSON; nothing, where a spec is refused."""
    monkeypatch.setattr("sys.argv", ["table"])
    project_text = INSTANCES.replace("ROOM = 1", "ROOM = 2, DROPPED = false")
    (folder / "pyproject.toml").write_text(project_text, encoding="utf-8")
    Path("README.md").write_text(f"before\n{table.BEGIN}old\n{table.END}\nafter\n", "utf-8")
    with pytest.raises(SystemExit) as ended:
        table.main()
    assert ended.value.code == 0
    readme = Path("README.md").read_text(encoding="utf-8")
    assert readme.startswith(f"before\n{table.BEGIN}| design | S8 |")
    assert readme.endswith(f"X1: no process is stuck for ever\n{table.END}\nafter\n")
    kept = from_json(Path("specs/table.json").read_text(encoding="utf-8"))
    assert [r.instance for r in kept][:2] == ["default", "LOCKED=True"]

    Path("README.md").write_text(f"{table.BEGIN}{table.END}", "utf-8")
    monkeypatch.setattr("sys.argv", ["table", "--again"])
    with pytest.raises(SystemExit):
        table.main()
    assert Path("README.md").read_text(encoding="utf-8") in readme

    (folder / "specs" / "refused.py").write_text("import os\n", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["table"])
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        table.main()
    assert ended.value.code == 150
    assert "nothing is written" in capsys.readouterr().err
    assert "refused" not in Path("specs/table.json").read_text(encoding="utf-8")


def test_markers_that_are_not_there() -> None:
    with pytest.raises(SystemExit, match="lacks the markers"):
        table.for_readme("a readme\n", (row(),))


KEPT = from_json((ROOT / table.KEPT).read_text(encoding="utf-8"))


def test_readme_shows_what_is_kept() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert table.for_readme(readme, KEPT) == readme, STALE
    assert to_json(KEPT) == (ROOT / table.KEPT).read_text(encoding="utf-8"), STALE


def test_what_is_kept_is_of_the_specs_as_they_stand() -> None:
    """No file has changed since.  That rows and labels are those which the gate's instances promise
    today, test_gate.py asks of its verdicts on them."""
    for file, digest in {source for r in KEPT for source in r.sources}:
        assert hashlib.sha256((ROOT / file).read_bytes()).hexdigest() == digest, STALE


@pytest.mark.parametrize(
    "instance",
    [
        Instance("specs/sync_scrub.py", (("BALLOON", True),)),
        Instance("specs/per_page_cmpxchg.py"),
        Instance("specs/per_page_cmpxchg.py", (("WAIT", True), ("PAGES", 1))),
    ],
    ids=str,
)
def test_some_rows_again(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    lines_of.cache_clear()
    assert table.tabled(instance, Rules(60)) in KEPT, STALE
