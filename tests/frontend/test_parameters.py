"""Parameters of a spec and of the files that it imports share one list: `--set` and every report
know them by name alone.

Two of one name were both set by one `--set`, and shown as one thing with two values; an INSTANCE
that misspelled a parameter was ignored, so that another instance was checked than its author
believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.frontend.compile import read_spec
from modelcheck.source import SpecError

SPEC = """\
from modelcheck.lang import instance, param, process, shared
from modelcheck.xen.buddy import Order
{line}
@shared
class C:
    x: Order = 0
c = C()
@process
def cpu() -> None:
    c.x = 1
"""


@pytest.mark.parametrize(("line", "problem", "instead"), [
    ("MAX_ORDER = param(1, 1, 2)",
     "there is another parameter called MAX_ORDER (modelcheck/xen/buddy.py:15:13)",
     "another name, or import that one"),
    ("INSTANCE = instance(MAX_ORDR=1)",
     "INSTANCE names MAX_ORDR, which is no parameter here", "MAX_ORDER"),
])
def test_a_name_that_means_two_things_or_none(
    line: str, problem: str, instead: str, tmp_path: Path
) -> None:
    path = tmp_path / "spec.py"
    path.write_text(SPEC.format(line=line), encoding="utf-8")
    with pytest.raises(SpecError) as refused:
        read_spec(str(path), {})
    assert refused.value.span.line == 3
    assert f"{problem}\n" in refused.value.text()
    assert f"write instead: {instead}" in refused.value.text()


def test_a_default_for_a_parameter_of_the_library(tmp_path: Path) -> None:
    path = tmp_path / "spec.py"
    path.write_text(SPEC.format(line="INSTANCE = instance(MAX_ORDER=2)"), encoding="utf-8")
    values = {p.name: p.value for p in read_spec(str(path), {}).parameters}
    assert values["MAX_ORDER"] == 2


PART = """\
from modelcheck.lang import param, shared
N = param(1, 1, 3)
@shared
class C:
    x: bool = False
c = C()
def turn() -> None:
    c.x = True
"""
WHOLE = """\
from modelcheck.lang import process
from {module} import turn
@process
def cpu() -> None:
    turn()
"""


@pytest.mark.parametrize(("folder", "module", "part"), [
    ("specs/open", "specs.part", "specs/part.py"),
    ("specs/open", "specs.open.part", "specs/open/part.py"),
    ("specs", "specs.open.part", "specs/open/part.py"),
    ("mine", "specs.part", "mine/part.py"),
])
def test_where_an_import_is_looked_for(
    folder: str, module: str, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`specs` is the folder of that name which the spec lies in, as mypy has it: a spec of
    specs/open is made of the parts of one in specs.  Elsewhere it is the spec's own folder."""
    monkeypatch.chdir(tmp_path)
    for path, text in (
        (Path(part), PART), (Path(folder) / "whole.py", WHOLE.format(module=module))
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    spec = read_spec(f"{folder}/whole.py", {})
    assert [m.file for m in spec.modules] == [part, f"{folder}/whole.py"]
    Path(part).unlink()
    with pytest.raises(SpecError) as refused:
        read_spec(f"{folder}/whole.py", {})
    assert f"there is no module {module}" in refused.value.text()
