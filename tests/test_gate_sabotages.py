"""One line of a shipped spec changed, and what the gate then says: exit code, reason and JUnit."""

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from modelcheck.cli import app
from modelcheck.source import lines_of

SPECS = Path(__file__).parents[1] / "specs"
DIRTY = "no dirty page is returned to a caller"


@dataclass(frozen=True)
class Sabotage:
    """One line of a shipped spec changed: `line` (a part of it, its first occurrence) becomes
    `by`."""

    story: str
    spec: str
    line: str
    by: str
    code: int
    reason: str
    sets: str = ""


SABOTAGES = (
    Sabotage(
        "a wait waits for the wrong thing", "per_page_cmpxchg",
        "while pg.scrub == Scrub.SCRUBBING:", "while pg.scrub == Scrub.IN_USE:",
        16, f'EXPECT says holds(), but "{DIRTY}" is broken, after 11 steps', "WAIT = true",
    ),
    Sabotage(
        "a lock is kept", "sync_scrub",
        "    page_list_add_tail(pg, heap)\n    spin_unlock(heap_lock)",
        "    page_list_add_tail(pg, heap)",
        16, 'EXPECT says holds(), but there is a deadlock, after ',
    ),
    Sabotage(
        "EXPECT is flipped", "sync_scrub",
        "holds(when=not BALLOON)", f'violates("{DIRTY}", when=not BALLOON)',
        16, f'EXPECT says violates("{DIRTY}"), but nothing breaks it in any of the 4,050 states',
    ),
    Sabotage(
        "EXPECT hopes for the best", "per_page_cmpxchg",
        f'violates("{DIRTY}", when=not WAIT)', "holds(when=not WAIT)",
        16, f'EXPECT says holds(), but "{DIRTY}" is broken, after 10 steps',
    ),
    Sabotage(
        "an assert that asks nothing: another property is broken in its stead", "per_page_cmpxchg",
        "assert clean_handover(pg)", f'assert pg is not None, "{DIRTY}"',
        16, f'EXPECT says violates("{DIRTY}"), but "no page is scrubbed under its owner" is broken '
            "first, after ",
    ),
    Sabotage(
        "a @sometimes that cannot be, of a design that holds", "sync_scrub",
        "for pg in instances(Page)) > 1", "for pg in instances(Page)) > 2",
        15, '"two pages are being scrubbed at once" is never reached',
    ),
    Sabotage(
        "a syntax error", "sync_scrub", "def free_heap_pages(pg: Page) -> None:",
        "def free_heap_pages(pg: Page) -> None", 150, "error: ",
    ),
    Sabotage(
        "a word that there is not", "sync_scrub", "    spin_lock(heap_lock)",
        "    spin_lokc(heap_lock)", 150, "spin_lokc",
    ),
    Sabotage(
        "a sentence is renamed, but not in EXPECT", "per_page_cmpxchg",
        "assert clean_handover(pg)", 'assert is_scrubbed(pg), "a caller\'s page is clean"',
        150, "error: EXPECT names no property of this spec",
    ),
    Sabotage(
        "EXPECT is removed", "per_page_cmpxchg",
        f'EXPECT = violates("{DIRTY}", when=not WAIT), holds(when=WAIT)', "",
        150, "per_page_cmpxchg.py:1:1: error: EXPECT says nothing of this instance (PAGES=2 ",
    ),
    Sabotage(
        "no clause of EXPECT is left for the instance", "per_page_cmpxchg",
        f'violates("{DIRTY}", when=not WAIT)', f'violates("{DIRTY}", when=WAIT)',
        150, "error: EXPECT says nothing of this instance (PAGES=2 ",
    ),
    Sabotage(
        "EXPECT contradicts itself", "per_page_cmpxchg", "holds(when=WAIT)", "holds()",
        150, "error: EXPECT says both holds() and violates(...) of this instance",
    ),
)


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda s: s.story)
def test_a_sabotaged_spec_does_not_pass(
    sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same command passes before."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "specs" / f"{sabotage.spec}.py"
    path.parent.mkdir()
    before = (SPECS / path.name).read_text(encoding="utf-8")
    assert sabotage.line in before
    path.write_text(before, encoding="utf-8")
    shown = f"specs/{path.name}"
    listed = f'{{ spec = "{shown}", set = {{ {sabotage.sets} }} }}' if sabotage.sets else ""
    settings = f"[tool.modelcheck]\nrequire_validated = true\ninstances = [{listed}]\n"
    (tmp_path / "pyproject.toml").write_text(settings, encoding="utf-8")
    lines_of.cache_clear()
    assert CliRunner().invoke(app, ["gate", shown]).exit_code == 0
    path.write_text(before.replace(sabotage.line, sabotage.by, 1), encoding="utf-8")
    lines_of.cache_clear()
    result = CliRunner().invoke(app, ["gate", shown, "--junit", "gate.xml"])
    assert (result.exit_code, result.stderr) == (sabotage.code, ""), result.stdout
    assert sabotage.reason in result.stdout
    case = ElementTree.parse("gate.xml").getroot().findall("testsuite/testcase")[-1]
    (wrong,) = case
    assert (wrong.tag, wrong.get("type")) == (
        "failure" if sabotage.code < 20 else "error", str(sabotage.code),
    )
    assert sabotage.reason in (wrong.text or "")
