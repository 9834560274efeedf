"""What is made of a spec's functions before they run."""

import ast
import textwrap
from pathlib import Path

import pytest

from modelcheck.heap.allocator import Allocator
from modelcheck.heap.generate import statement_lines
from modelcheck.heap.layout import SAFE
from tests.heap.small import compiled

SPEC = """
    from modelcheck.lang import *

    class Scrub(Enum):
        DIRTY = auto()
        CLEAN = auto()

    @shared(count=2)
    class Page:
        scrub: Scrub = Scrub.DIRTY

    @process
    def idle_loop() -> None:
        for pg in instances(Page):
            if cmpxchg(
                pg.scrub,
                Scrub.DIRTY, Scrub.CLEAN
            ) == Scrub.DIRTY:
                cpu_relax()
        wait_until(element(Page, 1).scrub == Scrub.DIRTY)
"""


def spec_text() -> str:
    words = (
        "Enum, auto, shared, process, instances, cmpxchg, cpu_relax, wait_until, element"
    )
    return SPEC.replace("import *", f"import {words}")


def test_lines_stay_where_they_are(tmp_path: Path) -> None:
    spec, _ = compiled(tmp_path, spec_text())
    with Allocator(spec) as allocator:
        allocator.boot([])
        lines = [allocator.cpus[0].at]
        for _ in range(2):
            allocator.step(0, [])
            lines.append(allocator.cpus[0].at)
    file = str(tmp_path / "small.py")
    assert lines[0] is not None and lines[2] is not None
    assert lines[0][0] == file and lines[0][1] in range(15, 18)
    assert lines[2] == (file, 20)
    statements = statement_lines(spec.module)
    assert statements[lines[0][1]] == 15  # the `if` that the access belongs to


def test_a_function_stays_a_function_with_its_own_locals(tmp_path: Path) -> None:
    spec, _ = compiled(tmp_path, spec_text())
    with Allocator(spec) as allocator:
        code = allocator.layouts.names[spec.module.file]["idle_loop"].__code__
    assert code.co_name == "idle_loop"
    assert code.co_filename == str(tmp_path / "small.py")
    assert "pg" in code.co_varnames + code.co_cellvars


def test_generated_code_reaches_only_words_and_the_specs_own_names(tmp_path: Path) -> None:
    spec, _ = compiled(tmp_path, spec_text())
    with Allocator(spec) as allocator:
        names = allocator.layouts.names[spec.module.file]
    assert names["__builtins__"] == SAFE
    assert set(SAFE) == {"range", "all", "any", "sum", "min", "max", "bool", "int"}
    assert sorted(n for n in names if n.isidentifier()) == [
        "Page", "Scrub", "__builtins__", "cmpxchg", "cpu_relax", "element", "idle_loop",
        "instances", "wait_until",
    ]  # fmt: skip
    with pytest.raises(NameError):
        eval("open", dict(names))


def test_statement_lines_of_a_header_end_before_its_body(tmp_path: Path) -> None:
    spec, _ = compiled(tmp_path, spec_text())
    tree = ast.parse(textwrap.dedent(spec_text()))
    assert isinstance(tree.body[-1], ast.FunctionDef)
    found = {n: first for n, first in statement_lines(spec.module).items() if n >= 14}
    assert found == {14: 14, 15: 15, 16: 15, 17: 15, 18: 15, 19: 19, 20: 20}
