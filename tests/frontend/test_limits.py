"""What is too large is refused, with its place and the number: it hung, or filled the memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.frontend.compile import compile_spec
from modelcheck.semantics import Semantics
from modelcheck.source import SpecError

HEAD = """from modelcheck.lang import always, array, boot, choose, instances, process, shared

@shared
class C:
    x: bool = False

c = C()
"""
PROCESS = """
@process
def p() -> None:
    y = c.x
    c.x = not y
"""


def calls(depth: int, body: str) -> str:
    """Functions of which each calls the next twice."""
    functions = "".join(
        f"def f{n}(x: bool) -> bool:\n    return {body.format(f'f{n + 1}')}\n" for n in range(depth)
    )
    return f"{HEAD}{functions}def f{depth}(x: bool) -> bool:\n    return x\n" + PROCESS.replace(
        "not y", "f0(y)"
    )


SHARES = "".join(f"    y{n + 1} = y{n} != y{n}\n" for n in range(60))
QUANTIFIED = " ".join(f"for {name} in instances(A)" for name in "abcd")
NESTED = " ".join(f"for a{n} in instances(B)" for n in range(17))
TOO_LARGE = {
    "array(C, 1000, 1000)": (
        HEAD + "d = array(C, 1000, 1000)\n" + PROCESS, "1,000,000 objects in one array"
    ),
    "objects in all": (
        HEAD + "".join(f"d{n} = array(C, 100, 100)\n" for n in range(2)) + PROCESS,
        "20,001 memory locations",
    ),
    "processes": (
        HEAD + PROCESS.replace("@process", "@process(count=1000)")
        + "@process(count=1000)\ndef q() -> None:\n    c.x = True\n", "2,000 processes",
    ),
    "choose": (
        HEAD + PROCESS.replace("not y", "choose(range(1000000)) == 1"), "1,000,000 ways to choose"
    ),
    "quantifiers": (
        f"{HEAD}@shared(count=100)\nclass A:\n    x: bool = False\n{PROCESS}"
        f"@always\ndef t() -> bool:\n    return all(a.x or b.x or c.x or d.x {QUANTIFIED})\n",
        "100,000,000 values in each state",
    ),
    "quantifiers in quantifiers": (
        f"{HEAD}@shared(count=1)\nclass B:\n    x: bool = False\n{PROCESS}"
        f"@always\ndef t() -> bool:\n    return all(a0.x {NESTED})\n",
        "17 quantifiers nested in each other",
    ),
    "a function that calls another twice": (
        calls(30, "{0}(x) or {0}(not x)"), "parts in this expression"
    ),
    "a function within a function": (
        calls(30, "{0}({0}(x))"), "unfold to over 20,000 calls and statements"
    ),
    "a local that is used twice": (
        HEAD + PROCESS + "@always\ndef t() -> bool:\n    y0 = c.x\n" + SHARES + "    return y60\n",
        "parts in this expression",
    ),
    "boot": (
        HEAD + "@boot\ndef b() -> None:\n    for i in range(1000000000):\n        c.x = not c.x\n"
        + PROCESS, "boot does not end within 10,000 steps",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "problem"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_what_is_too_large_is_refused(text: str, problem: str, tmp_path: Path) -> None:
    """Each of these hung or crashed: a class of 100 in four quantifiers is no error of the text,
    and no state was ever reached."""
    (tmp_path / "spec.py").write_text(text)
    with pytest.raises(SpecError) as error:
        Semantics(compile_spec(str(tmp_path / "spec.py"), {})[1]).initial()
    assert problem in error.value.problem
    assert error.value.instead
    assert error.value.span.line > 1


def test_a_field_without_a_default_is_refused_where_it_stands(tmp_path: Path) -> None:
    """Without @boot this was a defect of ours: `Illegal: c.x: no initial value`."""
    text = HEAD.replace("x: bool = False", "x: bool") + PROCESS
    (tmp_path / "spec.py").write_text(text)
    with pytest.raises(SpecError, match=r"c\.x has no value to begin with") as error:
        compile_spec(str(tmp_path / "spec.py"), {})
    assert error.value.span.line == 5
    assert error.value.instead == "x: bool = False, or a function @boot that sets it"
