"""Designs by invariants: each kind of cell, in each form; and README's table, that it is fresh."""

import hashlib
import json
import multiprocessing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from modelcheck import gate, pipeline, table
from modelcheck.cli import app
from modelcheck.frontend.compile import read_spec
from modelcheck.gate import Instance, Rules
from modelcheck.gated import Finding
from modelcheck.source import lines_of
from modelcheck.tabled import Promise, Status, Tabled, exit_code, from_json, labels, to_json

ROOT = Path(__file__).parents[1]
STALE = "renew it: python -m modelcheck.table"

COUNT = '''\
from typing import Annotated

from modelcheck.lang import (
    Lock, at_rest, between, free, invariant, param, process, promises, shared, sometimes,
    spin_lock, spin_unlock,
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
    if LOCKED and DROPPED:
        spin_lock(heap_lock)
    if LOCKED:
        spin_unlock(heap_lock)


@sometimes
def a_page_is_counted() -> bool:
    return node.pages > 0
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
                                S8        S10       A2        K1        X1        own
count                           holds     vacuous   fails 6   -         holds     holds
count LOCKED=True               holds     vacuous   holds     holds     holds     holds
count LOCKED=True DROPPED=True  -         vacuous   holds     holds     fails 2   unreached
count LOCKED=True ROOM=1        faults 8  faults 8  faults 8  faults 8  faults 8  faults 8

S8   no CPU undoes what another has stored
S10  no page is counted twice
A2   each page is counted; no page is uncounted
K1   it changes under a lock
X1   no process is stuck for ever
own  what the design checks besides: the @always, @sometimes and asserts that only it has

holds: in every reachable state of this instance
fails: after so many steps, and no run fails in fewer
faults: a run leaves a range, follows None, ... after so many steps, before this is broken
unreached: no run reaches what a @sometimes wants to be reached
vacuous: no run comes to where it is asserted, or meant to hold
-: not promised

own, what does not hold:
  count LOCKED=True DROPPED=True: unreached: a page is counted
  count LOCKED=True DROPPED=True: vacuous: a lock is released by the CPU that holds it

to see how one fails: modelcheck verify specs/count.py --property 'each page is counted'

10 hold, 2 fail, 6 fault, 1 unreached, 3 vacuous
"""


def test_each_kind_of_cell(folder: Path) -> None:
    """The first row fails at once, and its other cells are decided behind that."""
    result = run()
    assert (result.exit_code, result.stdout, result.stderr) == (0, TEXT, "")


MARKDOWN = """\
| design | S8 | S10 | A2 | X1 | own |
| --- | --- | --- | --- | --- | --- |
| [count](specs/count.py) | holds | vacuous | **fails 6** | holds | holds |

*holds*: in every reachable state of this instance; *fails*: after so many steps, and no run fails \
in fewer; *vacuous*: no run comes to where it is asserted, or meant to hold.

- S8: no CPU undoes what another has stored
- S10: no page is counted twice
- A2: each page is counted; no page is uncounted
- X1: no process is stuck for ever
- own: what the design checks besides: the @always, @sometimes and asserts that only it has
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
    assert first["promises"][1] == {
        "label": "A2", "sentence": "each page is counted", "status": "fails", "length": 6,
    }
    assert last["set"] == ["LOCKED=True", "ROOM=1"]
    assert {(p["status"], p.get("length")) for p in last["promises"]} == {
        ("holds", None), ("faults", 8),
    }
    assert [(p["label"], p["sentence"]) for p in last["promises"]] == [
        (None, "a page is counted"), ("A2", "each page is counted"),
        ("A2", "no page is uncounted"), ("K1", "it changes under a lock"),
        ("S10", "no page is counted twice"), (None, "a lock is released by the CPU that holds it"),
        ("S8", "no CPU undoes what another has stored"),
        ("X1", "no process is stuck for ever"),
    ]
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
    assert "\ncount    holds  vacuous  fails 6  holds  holds\n" in result.stdout
    assert "\nrefused  ?      ?        ?        ?      ?\n" in result.stdout
    assert "\nspecs/refused.py default: the spec is refused (150)\n  specs/" in result.stdout
    assert result.stdout.endswith("; exit code 150, the spec is refused\n")
    beside = run("specs", "--markdown")
    assert "the spec is refused (150)" in beside.stderr
    assert "refused (150)" not in beside.stdout
    alone = run("specs/refused.py")
    assert alone.exit_code == 150
    assert alone.stdout.startswith("specs/refused.py default: the spec is refused (150)\n  specs/")


@pytest.mark.parametrize(
    ("option", "value", "code"), [("--budget", "1e-9", 20), ("--max-memory", "1K", 21)]
)
def test_what_meets_a_limit_is_never_said_to_hold(
    option: str, value: str, code: int, folder: Path
) -> None:
    (folder / "pyproject.toml").unlink()
    result = run("specs/count.py", option, value)
    assert result.exit_code == code
    assert "\ncount  ?   ?    ?   ?   ?\n" in result.stdout
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


QUIET = """\
       X1
quiet  holds

X1  no process is stuck for ever

holds: in every reachable state of this instance

1 hold
"""


def test_who_promises_nothing_has_a_row_too(folder: Path) -> None:
    """Deadlock is looked for in every design."""
    quiet = "from modelcheck.lang import process\n\n\n@process\ndef cpu() -> None:\n    pass\n"
    (folder / "specs" / "quiet.py").write_text(quiet, encoding="utf-8")
    result = run("specs/quiet.py")
    assert (result.exit_code, result.stdout) == (0, QUIET)


OWN = '''\
from modelcheck.lang import always, holds, param, process, shared, sometimes, violates

CLEARED = param(False)
EXPECT = violates("the flag stays set", when=CLEARED), holds(when=not CLEARED)


@shared
class Flags:
    flag: bool = False
    seen: bool = False


flags = Flags()


@process
def cpu() -> None:
    flags.flag = True
    if CLEARED:
        flags.flag = False
    assert flags.flag, "the flag stays set"
    flags.seen = True


@always
def what_is_seen_is_set() -> bool:
    return flags.flag or not flags.seen


@sometimes
def the_flag_is_seen() -> bool:
    return flags.seen
'''


def test_what_a_design_promises_of_its_own(folder: Path) -> None:
    """Each is decided behind the one that fails first, and JSON has them all.  A column `own` that
    fails is what the gate's EXPECT says."""
    (folder / "specs" / "own.py").write_text(OWN, encoding="utf-8")
    instance = Instance("specs/own.py", (("CLEARED", True),))
    row = table.tabled(instance, Rules(60))
    assert row.promises == (
        Promise(None, "what is seen is set", "fails", 4),
        Promise(None, "the flag is seen", "holds"),
        Promise(None, "the flag stays set", "fails", 3),
        Promise("X1", "no process is stuck for ever", "holds"),
    )
    assert row.cell(None) == ("fails", 3)
    assert from_json(to_json((row,))) == (row,)
    assert gate.gated(instance, Rules(60)).findings == ()
    kept = table.tabled(Instance("specs/own.py"), Rules(60))
    assert {p.status for p in kept.promises} == {"holds"}


LOST = '''\
from modelcheck.lang import param, process, shared, wait_until

LOOKS_AGAIN = param(False)


@shared
class Cpu:
    abort: bool = False
    sleeps: bool = False
    event: bool = False


cpu = Cpu()


@process
def scrubber() -> None:
    abort = cpu.abort
    if not abort:
        cpu.sleeps = True
        if LOOKS_AGAIN:
            abort = cpu.abort
        if not abort:
            wait_until(cpu.event)


@process
def allocator() -> None:
    cpu.abort = True
    if cpu.sleeps:
        cpu.event = True
'''


def test_a_wake_up_that_is_lost_is_seen(folder: Path) -> None:
    """X2 of the notes: the allocator kicks before the scrubber sleeps, which has looked before."""
    (folder / "specs" / "lost.py").write_text(LOST, encoding="utf-8")
    assert table.tabled(Instance("specs/lost.py"), Rules(60)).cell("X1") == ("fails", 4)
    looks = Instance("specs/lost.py", (("LOOKS_AGAIN", True),))
    assert table.tabled(looks, Rules(60)).cell("X1") == ("holds", None)


def test_a_label_may_be_called_own(folder: Path) -> None:
    """It has a column of its own beside that of what has no label."""
    (folder / "pyproject.toml").unlink()
    path = folder / "specs" / "count.py"
    path.write_text(COUNT.replace('invariant("S8"', 'invariant("own"'), encoding="utf-8")
    assert run("specs/count.py").stdout.startswith("       S10      A2       X1     own    own\n")


LEMMA = '''\


@lemma(when=at_rest() and node.pages == 2)
def some_are_counted() -> bool:
    return node.pages > 0
'''


def test_a_lemma_that_is_meant_at_no_time_is_vacuous(folder: Path) -> None:
    """It was said to hold: whether it is ever meant was asked of an @always alone."""
    text = COUNT.replace("invariant, param", "invariant, lemma, param") + LEMMA
    (folder / "specs" / "count.py").write_text(text, encoding="utf-8")

    def became(**sets: int | bool) -> str:
        row = table.tabled(Instance("specs/count.py", tuple(sets.items())), Rules(60))
        return next(p.status for p in row.promises if p.sentence == "some are counted")

    assert (became(), became(LOCKED=True, DROPPED=True)) == ("holds", "vacuous")


# ------------------------------------------------------------------------------- rows and columns


def row(*promises: Promise) -> Tabled:
    return Tabled("specs/a.py", (), promises)


@pytest.mark.parametrize(
    ("promises", "cell"),
    [
        ([("fails", 9), ("fails", 7), ("unknown", None)], ("fails", 7)),
        ([("fails", 9), ("faults", 9)], ("fails", 9)),
        ([("holds", None), ("unknown", None)], ("unknown", None)),
        ([("unreached", None), ("unknown", None)], ("unreached", None)),
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
    assert readme.endswith(
        "\n  - count `LOCKED=True DROPPED=True`: unreached: a page is counted\n"
        "  - count `LOCKED=True DROPPED=True`: vacuous: a lock is released by the CPU that "
        "holds it\n"
        f"{table.END}\nafter\n"
    )
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


def test_every_spec_is_there_but_the_tour() -> None:
    """D0 to D10 of the e-mail and the mails that followed, and each bug."""
    specs = {str(p.relative_to(ROOT)) for p in (ROOT / "specs").rglob("*.py")}
    assert {r.spec for r in KEPT} == {s for s in specs if not s.startswith("specs/first_steps/")}


@pytest.mark.parametrize("row", [r for r in KEPT if r.cell(None)[0] == "fails"], ids=str)
def test_what_fails_of_a_designs_own_is_expected(
    row: Tabled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the gate fails where it no longer does."""
    monkeypatch.chdir(ROOT)
    lines_of.cache_clear()
    sets = {s.partition("=")[0]: pipeline.parameter(s.partition("=")[2]) for s in row.sets}
    expected = {e.violates for e in read_spec(row.spec, sets).expectations}
    assert {
        p.sentence for p in row.promises if p.label is None and p.status == "fails"
    } <= expected


@pytest.mark.parametrize(
    "instance",
    [
        Instance("specs/sync_scrub.py", (("BALLOON", True),)),
        Instance("specs/per_page_cmpxchg.py"),
        Instance("specs/history/flush_range_wraps.py"),
        Instance("specs/per_page_cmpxchg.py", (("WAIT", True), ("PAGES", 1))),
    ],
    ids=str,
)
def test_some_rows_again(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    lines_of.cache_clear()
    assert table.tabled(instance, Rules(60)) in KEPT, STALE
