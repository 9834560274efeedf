"""A gate's table, and its JUnit XML read back as CI reads it."""

from xml.etree import ElementTree

from modelcheck.gated import Finding, Gated, exit_code
from modelcheck.report.gate_table import gate_rows
from modelcheck.report.junit import junit
from modelcheck.report.pieces import plain


def made() -> tuple[Gated, ...]:
    """One result of each sort, their texts as bad as texts can be."""
    bad = "\x1b[31m <&]]> \ud800 \"\nand more"
    return (
        Gated("specs/a.py", (), "holds()", None, (), 1.5),
        Gated("specs/a.py", ("PAGES=3",), "", None, (Finding(150, bad),), 0.25),
        Gated("specs/b.py", (), "holds()", None, (Finding(15, "x"), Finding(16, "y")), 0.25),
    )


def test_junit_as_gitlab_and_github_read_it() -> None:
    """They count `failure` and `error` per test case, tell cases apart by class and name, and show
    the text; none must be skipped, for that passes."""
    root = ElementTree.fromstring(junit(made()))
    assert root.tag == "testsuites"
    (suite,) = root
    assert [suite.get(k) for k in ("tests", "failures", "errors", "skipped", "time")] == [
        "3", "1", "1", "0", "2.000",
    ]
    cases = suite.findall("testcase")
    assert [(c.get("classname"), c.get("name"), c.get("file")) for c in cases] == [
        ("specs/a.py", "default", "specs/a.py"), ("specs/a.py", "PAGES=3", "specs/a.py"),
        ("specs/b.py", "default", "specs/b.py"),
    ]
    assert [[(e.tag, e.get("type"), e.get("message")) for e in c] for c in cases] == [
        [],
        [("error", "150", "the spec is refused: \ufffd[31m <&]]> \ufffd \"")],
        [("failure", "15", "a @sometimes is not reached: x")],
    ]
    assert cases[1][0].text == "\ufffd[31m <&]]> \ufffd \"\nand more"


def test_the_table_of_what_came_to_no_verdict() -> None:
    assert "specs/a.py  PAGES=3   REFUSED  not known          0.2 s\n" in plain(gate_rows(made()))
    assert exit_code(made()) == 15
    stopped = Gated("specs/c.py", (), "", None, (Finding(130, "interrupted"),), 0.0)
    assert exit_code((*made(), stopped)) == 130, "a gate that did not end says so"


def test_a_refusal_is_told_once_for_all_instances() -> None:
    refused = Finding(150, "specs/a.py:1:1: error: there is nothing")
    both = tuple(Gated("specs/a.py", s, "", None, (refused,), 0.1) for s in ((), ("PAGES=3",)))
    assert plain(gate_rows(both)) == """\
spec        instance  verdict  expected   states   time
specs/a.py  default   REFUSED  not known          0.1 s
specs/a.py  PAGES=3   REFUSED  not known          0.1 s

specs/a.py default, PAGES=3: the spec is refused (150)
  specs/a.py:1:1: error: there is nothing

0 of 2 as expected; exit code 150, the spec is refused
"""
