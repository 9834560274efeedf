"""A share of the campaign on the front end, what it has found, and that it finds what is planted.

The whole: `python -m tests.campaigns.front_end --texts 20000`."""

import contextlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from modelcheck.frontend import compile as compiling
from modelcheck.frontend.compile import compile_spec
from modelcheck.ir import Program
from modelcheck.source import SpecError
from tests.campaigns import front_end
from tests.campaigns.front_end import campaign, main, tried
from tests.campaigns.texts import HEAD, sources, text_of


def process(*lines: str) -> bytes:
    return (HEAD + "@process\ndef cpu() -> None:\n" + "".join(f"    {x}\n" for x in lines)).encode()


def calls(depth: int) -> bytes:
    """Functions that call one another, each the next."""
    below = "".join(f"def f{i}() -> None:\n    f{i + 1}()\n\n" for i in range(depth))
    return HEAD.encode() + f"{below}def f{depth}() -> None:\n    node.n = True\n\n".encode() + (
        b"@process\ndef cpu() -> None:\n    f0()\n"
    )


def test_a_share_of_the_campaign(tmp_path: Path) -> None:
    result = campaign(range(600), 1, tmp_path)
    assert result.findings == ()
    assert result.accepted > 10
    assert result.refused > 400


def test_a_text_is_a_function_of_its_seed_and_number() -> None:
    texts = sources()
    assert [text_of(texts, 3, n) for n in range(40)] == [text_of(texts, 3, n) for n in range(40)]
    assert len({text_of(texts, s, 1) for s in range(40)}) > 30


def test_the_command_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--texts", "20"]) == 0
    assert capsys.readouterr().out.startswith("20 texts in ")


# -------------------------------------------------------------------------- what it has found


def test_a_long_process_is_compiled_in_time(tmp_path: Path) -> None:
    """2,000 equal stores took 35 s: each round of the search for equal locations parted one from
    the others, and looked at all of them again."""
    assert tried(process(*["node.n = True"] * 2_000), tmp_path) == "accepted"


def test_a_long_chain_of_calls_is_refused(tmp_path: Path) -> None:
    """100 functions, each of which calls the next, ended in a RecursionError."""
    assert tried(calls(40), tmp_path) == "accepted"
    assert tried(calls(200), tmp_path) == "refused"
    with pytest.raises(SpecError) as error:
        compile_spec(str(tmp_path / "spec.py"), {})
    assert error.value.text() == (
        f"{tmp_path}/spec.py:613:1: error: with the functions that are inlined, this is nested too "
        "deeply\n    def cpu() -> None:\n    ^~~~~~~~~~~~~~~~~~\n"
        "  write instead: shorter functions, and fewer calls within calls"
    )


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """40,000 statements in 640,000 bytes took 11 s until they were refused as too many steps."""
    assert tried(process(*["node.n = True"] * 40_000), tmp_path) == "refused"


def test_a_text_that_is_not_python_opens_no_other_file(tmp_path: Path) -> None:
    """For each syntax error CPython opened a file called `<unknown>` in the working directory: it
    looks for the line of the error in the file by whose name the text was parsed."""
    assert tried(b"x = = 1\n", tmp_path) == "refused"
    assert tried(b"x: 'Page |' = (\n", tmp_path) == "refused"


@pytest.mark.parametrize("statement", ["spin_lock(lock)", "spin_unlock(lock)"])
def test_boot_holds_no_lock(statement: str, tmp_path: Path) -> None:
    """Boot is no process that could hold a lock: this was accepted by the front end, and an
    internal error of the stage behind it."""
    text = HEAD.replace("spin_lock\n", "spin_lock, spin_unlock\n") + (
        f'lock = Lock("lock")\n\n@boot\ndef b() -> None:\n    {statement}\n\n'
        "@process\ndef cpu() -> None:\n    spin_lock(lock)\n"
    )
    assert tried(text.encode(), tmp_path) == "refused"
    with pytest.raises(SpecError, match="boot is no process: it runs alone, before there is any"):
        compile_spec(str(tmp_path / "spec.py"), {})


def test_a_property_is_of_no_process(tmp_path: Path) -> None:
    """`this_process()` in a property was an internal error, as in boot."""
    text = HEAD.replace("spin_lock\n", "this_process\n") + (
        "@always\ndef a() -> bool:\n    return this_process() == this_process()\n\n"
        "@process\ndef cpu() -> None:\n    node.n = True\n"
    )
    assert tried(text.encode(), tmp_path) == "refused"
    with pytest.raises(SpecError, match="a property is of all memory, and of no process"):
        compile_spec(str(tmp_path / "spec.py"), {})


# ------------------------------------------------------------------ that it finds what is planted


def failing(program: Program) -> Program:
    raise KeyError("a case that was forgotten")


def endless(program: Program) -> Program:
    while True:
        pass


def writing(program: Program) -> Program:
    Path("written").write_text("by a spec", "utf-8")
    return program


def running(program: Program) -> Program:
    with contextlib.suppress(OSError):
        subprocess.run(["true"])
    return program


def reading(program: Program) -> Program:
    with contextlib.suppress(Exception):
        Path("/etc/passwd").read_text("utf-8")
    return program


def generated(program: Program) -> Program:
    exec("pass")
    return program


def listing(program: Program) -> Program:
    list(Path("/").iterdir())
    return program


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        (failing, "KeyError, compile.py:"),
        (endless, "over 0.2 s, compile.py:"),
        (writing, "touched open ('written', 'w',"),
        (running, "touched "),
        (reading, "touched open ('/etc/passwd', 'r',"),
        (generated, "touched exec "),
        (listing, "touched os.listdir "),
    ],
)
def test_a_planted_error_is_found(
    planted: Callable[[Program], Program], found: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each in the place of one stage of the compiler."""
    monkeypatch.setattr(compiling, "infer_ranges", planted)
    monkeypatch.setattr(front_end, "SECONDS", 0.2)
    assert tried(process("node.n = True"), tmp_path).startswith(found)
    assert not Path("written").exists()


def test_a_guard_that_is_taken_away_is_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "_not_too_deep", lambda span: contextlib.nullcontext())
    assert tried(calls(200), tmp_path).startswith("RecursionError, ")
