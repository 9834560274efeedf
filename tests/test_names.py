"""Two names of a spec never become one: in an exported model, or in C."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.engines.native.build import compiler
from modelcheck.export.lowering import lowered
from modelcheck.frontend.compile import compile_spec
from modelcheck.pipeline import verify
from modelcheck.search import Engine
from modelcheck.source import SpecError
from modelcheck.trace import Limits

SPEC = """from dataclasses import dataclass
from enum import Enum, auto
from modelcheck.lang import always, process, shared


class A(Enum):
    B_C = auto()
    D = auto()


class A_B(Enum):
    E = auto()
    C = auto()


@dataclass(frozen=True)
class W:
    c: bool = False
    d: bool = False


@shared
class C:
    b_c: A = A.D
    x: A_B = A_B.E


@shared
class D:
    c: bool = False
    b: W = W()


a = C()
a_b = D()


@process
def p() -> None:
    b = a_b.b
    b_c = a_b.c
    a.b_c = A.B_C
    a.x = A_B.C
    a_b.b = W(b_c, b.c)
    a_b.c = True


@always
def t() -> bool:
    return not (a.b_c == A.B_C and a_b.c and a.x == A_B.E)
"""


def test_two_members_never_become_one_constant(tmp_path: Path) -> None:
    """A.B_C and A_B.C were both A_B_C in the exports, with the number of one of them: SPIN and
    Rumur found a violation that there is not, as they would have missed one."""
    (tmp_path / "spec.py").write_text(SPEC)
    _, program = compile_spec(str(tmp_path / "spec.py"), {})
    model = lowered(program, "spec.py", "spec", "")
    constants = {shown: (name, value) for shown, name, value in model.constants}
    first, second = constants["A.B_C"], constants["A_B.C"]
    assert first[0] != second[0]
    assert (first[1], second[1]) == (0, 1)


def test_two_variables_never_become_one_in_c(tmp_path: Path) -> None:
    """The field b_c of a and the field b.c of a_b were both get_a_b_c: C refused the text."""
    if compiler() is None:
        pytest.skip("no C compiler")
    (tmp_path / "spec.py").write_text(SPEC)
    found = {
        name: verify(
            str(tmp_path / "spec.py"), {}, (), Limits(), lambda *_: None, Engine(name)
        ).verdict
        for name in ("quick", "native")
    }
    assert found["native"].outcome == found["quick"].outcome == "HOLDS"
    assert found["native"].states == found["quick"].states


def test_two_enums_of_one_name_are_refused(tmp_path: Path) -> None:
    """A Program, its notation and its exports know an Enum by its name alone.  One that nothing
    here uses is in nobody's way: specs/history has a CountInfo of its own beside the library's."""
    (tmp_path / "other.py").write_text(
        "from enum import Enum, auto\nfrom modelcheck.lang import shared\n\nX = 1\n\n"
        "class A(Enum):\n    D = auto()\n\n@shared\nclass O:\n    a: A = A.D\n\no = O()\n"
    )
    line = "from modelcheck.lang"
    spec = tmp_path / "spec.py"
    spec.write_text(SPEC.replace(line, f"from specs.other import X\n{line}", 1))
    compile_spec(str(spec), {})
    used = SPEC.replace(line, f"from specs.other import o\n{line}", 1)
    spec.write_text(used + "\n\n@process\ndef other() -> None:\n    old = o.a\n    o.a = old\n")
    with pytest.raises(SpecError, match="another file has an Enum or word called A"):
        compile_spec(str(spec), {})


QUOTED = """from modelcheck.lang import Ghost, always, process, shared

@shared
class C:
    a: bool = False
    g: "Ghost[bool]" = False

c = C()

@process
def p() -> None:
    c.a = True
    c.g = True

@always
def t() -> bool:
    return c.g == c.a
"""


def test_a_ghost_in_quotes_is_a_ghost(tmp_path: Path) -> None:
    """It was memory like any other: setting it took a step, and between the two a property was
    false that is true."""
    (tmp_path / "spec.py").write_text(QUOTED)
    checked = verify(str(tmp_path / "spec.py"), {}, (), Limits(), lambda *_: None)
    assert checked.verdict.outcome == "HOLDS" and checked.verdict.validation is not None
    assert checked.verdict.validation.mark == "tried"


@pytest.mark.parametrize(("line", "instead", "problem"), [
    ("c: bool = False\n    d: bool = False\n\n\n@shared\nclass C", "c: bool = False\n    d: bool\n"
     "\n\n@shared\nclass C", "d has no default, and c before it has"),
    ("a = C()", "N = 3_000_000_000\na = C()", "does not fit in 32 bits"),
])
def test_what_is_refused(line: str, instead: str, problem: str, tmp_path: Path) -> None:
    """Python refuses the first; a number as large as the second's was refused in a function, and
    not by its name."""
    assert line in SPEC
    (tmp_path / "spec.py").write_text(SPEC.replace(line, instead, 1))
    with pytest.raises(SpecError, match=problem):
        compile_spec(str(tmp_path / "spec.py"), {})


OTHER = """from modelcheck.lang import shared

@shared
class D:
    a: bool = False
    b: bool = False
def h_13_at_p(d: D) -> None:
    d.a = False
"""
INTERRUPTED = """from modelcheck.lang import interrupt, process
from specs.other import D, h_13_at_p

d = D()

@process
def p() -> None:
    d.a = True
    h_13_at_p(d)

@interrupt(of=p)
def h() -> None:
    d.b = True
"""


def test_a_location_of_an_interrupt_is_no_function_s(tmp_path: Path) -> None:
    """The handler h at its line 13, come to before p's line 8, and line 8 of a function that is
    called h_13_at_p in another file, were one location."""
    (tmp_path / "other.py").write_text(OTHER)
    (tmp_path / "spec.py").write_text(INTERRUPTED)
    _, program = compile_spec(str(tmp_path / "spec.py"), {})
    places = [action.at for action in program.processes[0].actions]
    assert len(places) == len(set(places)) and {"h_13_at_p_8", "h_13_at_p_8_"} <= set(places)
    checked = verify(str(tmp_path / "spec.py"), {}, (), Limits(), lambda *_: None)
    assert checked.verdict.outcome == "HOLDS" and checked.verdict.validation is not None
    assert checked.verdict.validation.mark == "tried"
