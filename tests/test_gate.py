"""The gate: what passes, what does not, with which exit code and for which reason.

Sabotaged specs are in test_gate_sabotages.py."""

import multiprocessing
import os
import pty
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

from modelcheck import gate, pipeline
from modelcheck.cli import app
from modelcheck.frontend.compile import read_spec
from modelcheck.gated import Finding, Gated
from modelcheck.source import lines_of
from modelcheck.table import TOUR, labelled
from modelcheck.trace import Limits, Validation, Verdict
from tests.test_table import KEPT, STALE

ROOT = Path(__file__).parents[1]
SPECS = ROOT / "specs"

COUNT = '''\
from typing import Annotated

from modelcheck.lang import (
    always, at_rest, between, holds, param, process, shared, sometimes, violates,
)

CPUS = param(2, 1, 3)
EXPECT = violates("every page is counted", when=CPUS > 1), holds(when=CPUS == 1)


@shared
class Node:
    pages: Annotated[int, between(0, 3)] = 0


node = Node()


@process(count=CPUS)
def cpu() -> None:
    pages = node.pages
    node.pages = pages + 1


@always(when=at_rest())
def every_page_is_counted() -> bool:
    return node.pages == CPUS


@sometimes
def a_page_is_counted() -> bool:
    return node.pages > 0
'''


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one small spec below it, to work in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "count.py").write_text(COUNT, encoding="utf-8")
    lines_of.cache_clear()  # another test's count.py
    return tmp_path


def run(*args: str) -> Result:
    return CliRunner().invoke(app, ["gate", *args])


def project(text: str) -> None:
    Path("pyproject.toml").write_text(f"[tool.modelcheck]\n{text}\n", encoding="utf-8")


def timeless(text: str) -> str:
    """Without the times, and the blanks that they stand in."""
    return re.sub(r" +(\d+\.\d s|time)$", "", text, flags=re.MULTILINE)


# ---------------------------------------------------------------------------------- what passes


PASSES = """\
spec            instance  verdict   expected  states
specs/count.py  default   VIOLATED  yes           12
specs/count.py  CPUS=1    HOLDS     yes            3

2 of 2 as expected
"""


def test_a_spec_at_its_own_instance_and_at_those_of_the_project() -> None:
    project('paths = ["specs"]\ninstances = [{ spec = "specs/count.py", set = { CPUS = 1 } }]')
    result = run()
    assert (result.exit_code, timeless(result.stdout), result.stderr) == (0, PASSES, "")
    assert run("specs").stdout.count("count.py") == 2
    assert run("specs/count.py", "specs").stdout.count("count.py") == 2, "each is gated once"


def test_the_project_is_found_from_below(monkeypatch: pytest.MonkeyPatch) -> None:
    project('paths = ["specs"]\ninstances = [{ spec = "specs/count.py", set = { CPUS = 1 } }]')
    monkeypatch.chdir("specs")
    assert run().stdout.count("count.py") == 2


def test_the_shipped_specs_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the instances that pyproject.toml lists too: each parameter that decides a design.  And
    README's table has a row for each of these that is not of the tour, with what it promises."""
    monkeypatch.chdir(ROOT)
    found: list[Gated] = []
    run_all = gate.run

    def kept(*args: Any) -> tuple[Gated, ...]:
        found.extend(run_all(*args))
        return tuple(found)

    monkeypatch.setattr(gate, "run", kept)
    result = run("specs")
    assert (result.exit_code, result.stderr) == (0, ""), result.stdout
    for switch in ("WAIT", "OWN_LINKS", "DROP_LOCK", "BALLOON", "WAIT_LOCKED=True DONE_LOCKED"):
        assert f" {switch}=True " in result.stdout
    labels = {spec: read_spec(spec, {}).labels for spec in {g.spec for g in found}}
    now = {}
    for g in found:
        assert g.verdict is not None
        if TOUR not in Path(g.spec).parents:
            sentences = [p.sentence for p in g.verdict.properties]
            now[g.spec, g.sets] = labelled(sentences, labels[g.spec])
    rows = {(r.spec, r.sets): {p.sentence: p.label for p in r.promises} for r in KEPT}
    assert rows == now, STALE


def test_the_order_is_fixed_whichever_ends_first() -> None:
    """The first spec is by far the slowest."""
    for name, cpus in (("a", "3"), ("b", "1"), ("c", "2")):
        text = COUNT.replace("param(2", f"param({cpus}")
        Path(f"specs/{name}.py").write_text(text, encoding="utf-8")
    tables = [timeless(run("specs", "--jobs", jobs).stdout) for jobs in ("1", "2", "4")]
    assert re.findall(r"specs/(\w+)", tables[0]) == ["a", "b", "c", "count"]
    assert len(set(tables)) == 1


# ---------------------------------------------------------- behind a promised violation


def test_what_must_be_reachable_is_looked_for_behind_a_promised_violation() -> None:
    """The search ends at the violation, after four steps; a second one decides the rest."""
    never = COUNT.replace("return node.pages > 0", "return node.pages > CPUS")
    Path("specs/count.py").write_text(never, encoding="utf-8")
    result = run("specs")
    assert result.exit_code == 15
    assert '  "a page is counted" is never reached\n' in result.stdout


SEVERAL = '''\
from modelcheck.lang import process, shared, sometimes, violates

EXPECT = violates("a is never set"), violates("b is never set")


@shared
class Flags:
    a: bool = False
    b: bool = False


flags = Flags()


@process
def cpu() -> None:
    flags.a = True
    assert not flags.a, "a is never set"
    flags.b = True
    assert not flags.b, "b is never set"


@sometimes
def b_is_set() -> bool:
    return flags.b
'''


OTHER = '''

@process
def other() -> None:
    flags.b = False
    assert flags.b, "c is set"
'''


def test_what_is_broken_at_the_same_depth_as_a_promise_is_named() -> None:
    text = SEVERAL.replace(', violates("b is never set")', "").replace("    flags.b = True\n", "")
    text = text.replace("assert not flags.b", "assert flags.b") + OTHER
    Path("several.py").write_text(text, encoding="utf-8")
    result = run("several.py")
    assert result.exit_code == 16
    assert (
        '  EXPECT says violates("a is never set"), but "c is set" is broken too, after 2 steps\n'
    ) in result.stdout


def test_each_of_several_promised_violations_must_be_there() -> None:
    """The second, and what is reached, lie behind the first, where the search ends."""
    Path("several.py").write_text(SEVERAL, encoding="utf-8")
    verified = CliRunner().invoke(app, ["verify", "several.py"])
    assert "3 others not decided: the search ended at this violation" in verified.stdout
    assert run("several.py").exit_code == 0
    text = SEVERAL.replace("return flags.b", "return flags.a")
    text = text.replace("flags.b = True", "flags.b = False")
    Path("several.py").write_text(text, encoding="utf-8")
    result = run("several.py")
    assert result.exit_code == 16
    assert (
        '  1 of 2 seen: EXPECT says violates("b is never set"), but nothing breaks it in any of '
        'the 5 states\n'
    ) in result.stdout


NOTHING = '''\
from typing import Annotated

from modelcheck.lang import Indexed, between, holds, process, shared

EXPECT = holds()


@shared(count=2)
class Page(Indexed):
    order: Annotated[int, between(0, 3)] = 0


@shared
class Heap:
    head: Page | None = None


heap = Heap()


@process
def cpu() -> None:
    pg = heap.head
    pg.order = 1
'''


def test_a_fault_that_no_property_names_makes_holds_untrue() -> None:
    """`expected  yes` was said of it, for only the properties were looked at."""
    Path("nothing.py").write_text(NOTHING, encoding="utf-8")
    result = run("nothing.py")
    assert result.exit_code == 16
    assert '  EXPECT says holds(), but "' in result.stdout
    verified = CliRunner().invoke(app, ["verify", "nothing.py"])
    says = 'NO: EXPECT says holds(), but "None is dereferenced" is broken'
    assert f"  expected   {says}\n" in verified.stdout


def test_of_several_the_smallest_code_that_is_not_0() -> None:
    Path("specs/broken.py").write_text("import os\n", encoding="utf-8")
    assert run("specs").exit_code == 150
    Path("specs/untrue.py").write_text(untrue(), encoding="utf-8")
    result = run("specs")
    assert result.exit_code == 16
    assert result.stdout.endswith("\n1 of 3 as expected; exit code 16, an EXPECT is untrue\n")


def untrue() -> str:
    """The small spec, hoping for the best."""
    return COUNT.replace("when=CPUS > 1", "when=False").replace("when=CPUS == 1", "when=True")


# --------------------------------------------------------------------------------------- limits


def test_inconclusive_is_never_a_pass(folder: Path) -> None:
    (folder / "slow.py").write_text((SPECS / "scrub_in_place.py").read_text("utf-8"), "utf-8")
    result = run("slow.py", "--budget", "0.01")
    assert result.exit_code == 20
    assert " UNKNOWN  not known " in result.stdout
    assert "slow.py default: inconclusive (20)\n  the time was spent: " in result.stdout
    project("budget = 0.01")
    assert run("slow.py").exit_code == 20
    assert run("slow.py", "--budget", "60").exit_code == 0, "the command line comes first"
    result = run("slow.py", "--budget", "60", "--max-memory", "1K")
    assert result.exit_code == 21
    assert "  the memory was spent: " in result.stdout


def test_a_budget_of_0_is_a_limit(folder: Path) -> None:
    """It used to be refused as if it were no number; nothing is searched in it, and nothing
    passes."""
    (folder / "zero.py").write_text((SPECS / "per_page_cmpxchg.py").read_text("utf-8"), "utf-8")
    assert run("zero.py", "--budget", "0").exit_code == 20
    project("budget = 0")
    assert run("zero.py").exit_code == 20
    assert run("zero.py", "--budget", "60").exit_code == 0


def test_what_does_not_stop_by_itself_is_killed() -> None:
    """A search of some seconds, whose time is over when it is first looked at."""
    slow = gate.Instance(str(SPECS / "per_page_cmpxchg_lists.py"), (("OWN_LINKS", True),))
    (result,) = gate.run((slow,), gate.Rules(budget=60), 1, lambda text: None, grace=-60)
    assert (result.code, result.verdict) == (20, None)
    assert result.findings[0].reason.startswith("the time was spent: it did not stop by itself")


def test_a_process_that_the_system_kills_is_out_of_memory() -> None:
    def kill(text: str) -> None:
        for child in multiprocessing.active_children():
            child.kill()

    (result,) = gate.run((gate.Instance("specs/count.py"),), gate.Rules(60), 1, kill)
    assert (result.code, result.verdict) == (21, None)


def test_only_the_first_process_hears_ctrl_c() -> None:
    """A terminal sends it to all; one that heard it while it read a spec left a traceback."""
    def interrupt(text: str) -> None:
        for child in multiprocessing.active_children():
            os.kill(child.pid or 0, signal.SIGINT)

    some_time = gate.Instance(str(SPECS / "per_page_cmpxchg.py"), (("WAIT", True),))
    (result,) = gate.run((some_time,), gate.Rules(60), 1, interrupt)
    assert (result.code, result.clauses) == (0, "holds()")


def test_ctrl_c_leaves_no_process_behind() -> None:
    def interrupt(text: str) -> None:
        if multiprocessing.active_children():
            raise KeyboardInterrupt

    wanted = (gate.Instance("specs/count.py"), gate.Instance("specs/count.py", (("CPUS", 1),)))
    results = gate.run(wanted, gate.Rules(60), 1, interrupt)
    assert [r.code for r in results] == [130, 130]
    assert multiprocessing.active_children() == []


def test_a_defect_of_ours_hides_nothing_of_the_others() -> None:
    """What no command line can make: a parameter that is a text."""
    wrong = gate.Instance("specs/count.py", (("CPUS", "two"),))  # type: ignore[arg-type]
    results = gate.run((wrong, gate.Instance("specs/count.py")), gate.Rules(60), 2, lambda t: None)
    assert [r.code for r in results] == [70, 0]
    assert results[0].findings[0].reason.startswith("internal error: TypeError: ")


def verdict(sets: dict[str, int | bool]) -> Verdict:
    return pipeline.verify("specs/count.py", sets, (), Limits(), lambda s, d, q: None).verdict


def test_a_counterexample_that_is_not_reproduced_is_no_evidence() -> None:
    """Whatever EXPECT says; and one that was not run is none where the project says so."""
    clauses = read_spec("specs/count.py", {}).expectations
    true = verdict({})
    assert gate.judged(clauses, true, True) == ()
    parted = Validation("NOT REPRODUCED", None, "step 3: node.pages is 2, not 1")
    text = "the counterexample is NOT REPRODUCED on the executable allocator: step 3: node.pages "
    for wrong, demanded in ((true, False), (true, True)):
        (finding,) = gate.judged(clauses, replace(wrong, validation=parted), demanded)
        assert (finding.code, finding.reason) == (22, f"{text}is 2, not 1")
    unseen = replace(true, validation=None)
    assert gate.judged(clauses, unseen, False) == ()
    assert [f.code for f in gate.judged(clauses, unseen, True)] == [22]


def test_a_property_that_no_engine_checked_is_not_passed_over() -> None:
    clauses = read_spec("specs/count.py", {"CPUS": 1}).expectations
    holds = verdict({"CPUS": 1})
    assert gate.judged(clauses, holds, True) == ()
    bounded = replace(holds, properties=tuple(
        replace(p, status="not checked") if p.kind == "deadlock" else p for p in holds.properties
    ))
    assert gate.judged(clauses, bounded, True) == (Finding(20, '"deadlock" was not checked'),)


# ----------------------------------------------------------------------- what cannot be gated


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ([], "nothing to gate: write modelcheck gate specs, or paths in [tool.modelcheck] of "
             "pyproject.toml"),
        (["speks"], "there is no file or folder speks"),
        (["empty"], "no specs in empty: nothing would be checked"),
        (["specs", "--budget", "-1"],
         "--budget -1: write a number of seconds, as in --budget 60"),
        (["specs", "--budget", "nan"],
         "--budget nan: write a number of seconds, as in --budget 60"),
        (["specs", "--budget", "inf"],
         "--budget inf: write a number of seconds, as in --budget 60"),
        (["specs", "--max-memory", "0"],
         "--max-memory 0: no search fits into that; write a size, as in 512M or 4G"),
        (["specs", "--junit", "specs"], "--junit specs: this is a folder; name a file"),
        (["specs", "--junit", "specs/count.py/x.xml"],
         "--junit specs/count.py/x.xml: specs/count.py is not a folder"),
        (["specs", "--junit", "reports/x.xml"],
         "--junit reports/x.xml: there is no folder reports; make it first"),
    ],
)
def test_what_cannot_be_gated(paths: list[str], message: str) -> None:
    Path("empty/.hidden").mkdir(parents=True)
    Path("empty/_part.py").write_text(COUNT, encoding="utf-8")
    Path("empty/.hidden/count.py").write_text(COUNT, encoding="utf-8")
    result = run(*paths)
    assert (result.exit_code, result.stderr) == (151, f"error: {message}\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("budged = 60", "has no 'budged': did you mean 'budget'?"),
        ("budget = true", ": budget is a number of seconds, as in 60"),
        ("budget = -1", ": budget is a number of seconds, as in 60"),
        ("budget = nan", ": budget is a number of seconds, as in 60"),
        ("budget = inf", ": budget is a number of seconds, as in 60"),
        ("jobs = 0", ": jobs is a number of processes, as in 2"),
        ('paths = "specs"', ': paths is a list of files and folders, as in ["specs"]'),
        ("require_validated = 1", ": require_validated is true or false"),
        ('instances = [{ spec = "specs/count.py", sets = { CPUS = 1 } }]',
         ": instances has no 'sets': did you mean 'set'?"),
        ('instances = [{ spec = "specs/count.py" }]', ": instances is a list, as in [{ spec = "),
        ('instances = [{ spec = "specs/gone.py", set = { CPUS = 1 } }]',
         ": instances: there is no file specs/gone.py beside pyproject.toml"),
        ('instances = [{ spec = "specs/count.py", set = { CPUS = "1" } }]',
         ": instances: CPUS = '1' is not an int, true or false"),
    ],
)
def test_a_mistake_in_the_project(text: str, message: str) -> None:
    project(text)
    result = run("specs")
    assert (result.exit_code, result.stdout) == (151, "")
    assert result.stderr.startswith("error: pyproject.toml: [tool.modelcheck]")
    assert message in result.stderr


def test_a_listed_instance_must_be_one_that_is_gated() -> None:
    Path("other").mkdir()
    Path("other/count.py").write_text(COUNT, encoding="utf-8")
    listed = '{ spec = "specs/count.py", set = { CPUS = 1 } }'
    project(f'paths = ["other"]\ninstances = [{listed}]')
    assert run().stderr == (
        "error: instances: specs/count.py is not in paths, and would not be gated\n"
    )
    project(f'paths = ["specs"]\ninstances = [{listed}, {listed}]')
    assert run().stderr == "error: instances: specs/count.py CPUS=1 is there twice\n"


def test_a_parameter_that_there_is_not() -> None:
    project('instances = [{ spec = "specs/count.py", set = { CPU = 1 } }]')
    result = run("specs")
    assert result.exit_code == 151
    assert "specs/count.py CPU=1: a parameter or file that there is not (151)\n" in result.stdout


def test_a_file_that_is_no_toml() -> None:
    Path("pyproject.toml").write_text("[tool", encoding="utf-8")
    assert run("specs").stderr.startswith("error: pyproject.toml cannot be read: ")


# --------------------------------------------------------------------------------- JUnit, Ctrl-C


def test_the_report_of_what_fails_is_in_junit_and_the_file_is_whole(folder: Path) -> None:
    Path("specs/count.py").write_text(untrue(), encoding="utf-8")
    Path("reports").mkdir()
    assert run("specs", "--junit", "reports/gate.xml").exit_code == 16
    assert [p.name for p in (folder / "reports").iterdir()] == ["gate.xml"]
    (failure,) = ElementTree.parse("reports/gate.xml").iter("failure")
    text = failure.text or ""
    assert "\n\nmodelcheck verify specs/count.py\n\nspecs/count.py: VIOLATED  every page is" in text
    assert "\nvalidated (memory): " in text


def test_ctrl_c_shows_what_was_found_so_far(folder: Path) -> None:
    """And the line on a terminal says how far it has got: it is what the test waits for."""
    slow = (SPECS / "per_page_cmpxchg_lists.py").read_text(encoding="utf-8")
    slow = slow.replace("PAGES = param(2", "PAGES = param(5").replace(
        "OWN_LINKS = param(False)", "OWN_LINKS = param(True)"
    )
    (folder / "specs" / "slow.py").write_text(slow, encoding="utf-8")
    terminal, theirs = pty.openpty()
    command = [sys.executable, "-m", "modelcheck", "gate", "specs", "--jobs", "1"]
    process = subprocess.Popen(
        [*command, "--junit", "gate.xml"], stdout=subprocess.PIPE, stderr=theirs, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True,
    )
    os.close(theirs)
    seen = b""
    while b"gate: 1 of 2 done; specs/slow.py" not in seen:
        seen += os.read(terminal, 1024)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all its processes
    stdout, _ = process.communicate(timeout=30)  # returns when the last of them has gone
    os.close(terminal)
    assert process.returncode == 130
    assert re.search(r"^specs/count.py  default   VIOLATED  yes ", stdout, re.MULTILINE)
    assert "\nspecs/slow.py default: interrupted (130)\n  interrupted\n" in stdout
    assert stdout.endswith("\n1 of 2 as expected; exit code 130, interrupted\n")
    (error,) = ElementTree.parse("gate.xml").iter("error")
    assert error.get("type") == "130"


# ---------------------------------------------------------------------------------------- README


README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def in_bash(command: str) -> subprocess.CompletedProcess[str]:
    """The command, run as CI does."""
    here = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        ["bash", "-e", "-c", command], env=here, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("block", BLOCKS, ids=["gitlab", "github"])
def test_the_jobs_of_the_readme(block: str, folder: Path) -> None:
    """As far as a shell can try them: their commands, on a project as the README shows it."""
    (settings,) = re.findall(r"^```toml\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    spec = folder / "specs" / "per_page_cmpxchg.py"
    spec.write_text((SPECS / spec.name).read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "pyproject.toml").write_text(settings, encoding="utf-8")
    install, command = re.findall(r"^ +- (?:run: )?(\S*(?:python3|modelcheck) .*)$", block, re.M)
    assert install == "python3 -m venv .venv && .venv/bin/pip install -q ."
    ours = command.replace(".venv/bin/modelcheck", f"{sys.executable} -m modelcheck")
    done = in_bash(ours)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "3 of 3 as expected" in done.stdout
    (report,) = re.findall(r"^ +(?:junit|path): (.*)$", block, re.M)
    assert len(list(ElementTree.parse(report).iter("testcase"))) == 3
    (folder / "specs" / "broken.py").write_text("import os\n", encoding="utf-8")
    assert in_bash(ours).returncode == 150
