"""A gate for GitLab, GitHub and others: JUnit XML.  A test case for each instance; a `failure`
where something is known to be wrong, an `error` where nothing is known; never `skipped`, for that
passes.

    <testcase classname="specs/a.py" name="WAIT=True" file="specs/a.py" time="2.104">
      <failure type="16" message="an EXPECT is untrue: ...">...the whole report...</failure>
    </testcase>
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from modelcheck.exit_codes import MEANING, Exit
from modelcheck.gated import Gated
from modelcheck.quoting import quoted
from modelcheck.report.gate_table import command
from modelcheck.report.pieces import plain
from modelcheck.report.text import verdict_rows

KNOWN_WRONG = (Exit.UNREACHED, Exit.UNTRUE, Exit.DISAGREES)


def junit(results: tuple[Gated, ...]) -> str:
    """The document."""
    failures = sum(r.code in KNOWN_WRONG for r in results)
    counts = {
        "name": "modelcheck gate",
        "tests": str(len(results)),
        "failures": str(failures),
        "errors": str(sum(r.code != 0 for r in results) - failures),
        "skipped": "0",
        "time": f"{sum(r.seconds for r in results):.3f}",
    }
    root = ET.Element("testsuites", counts)
    suite = ET.SubElement(root, "testsuite", counts)
    for result in results:
        _case(suite, result)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _case(suite: ET.Element, result: Gated) -> None:
    case = ET.SubElement(suite, "testcase", {
        "classname": quoted(result.spec, "row"), "name": quoted(result.instance, "row"),
        "file": quoted(result.spec, "row"), "time": f"{result.seconds:.3f}",
    })
    if not result.findings:
        return
    reasons = "\n".join(f.reason for f in result.findings)
    body = ET.SubElement(case, "failure" if result.code in KNOWN_WRONG else "error", {
        "type": str(result.code),
        "message": quoted(f"{MEANING[result.code]}: {reasons}", "rows").partition("\n")[0],
    })
    body.text = quoted(reasons, "rows")
    if result.verdict is not None:
        report = plain(verdict_rows(result.verdict, f"EXPECT says {result.clauses}"))
        body.text += f"\n\n{quoted(command(result), 'row')}\n\n{report}"
