"""What would help a search that met its limit: only what applies to it, in a line or two."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelcheck.cli import app
from modelcheck.passes import REDUCTIONS

ROOT = Path(__file__).parents[1]
SPEC = str(ROOT / "specs" / "per_page_cmpxchg.py")
HOLDS = ("--set", "WAIT=True")
SMALLEST = (*HOLDS, "--set", "PAGES=1", "--set", "DOMAINS=1")

SMALLER = "a smaller instance: --set PAGES=1 or --set DOMAINS=1"
PROOF = "--engine induction: proves what is always true, and counts no states"
LESS = "takes less time and memory for a state, and looks at fewer"
NATIVE = f"--engine native, which {LESS}"


def helps(*args: str, spec: str = SPEC, code: int = 20) -> list[str]:
    """What a search says would help."""
    result = CliRunner().invoke(app, ["verify", spec, *args])
    assert result.exit_code == code, result.output
    found = re.search(r"^  would help (.*\n(?: {13}.*\n)*?)(?=  \w)", result.stdout, re.MULTILINE)
    return [] if found is None else [line.strip() for line in found[1].splitlines()]


def test_states() -> None:
    assert helps(*HOLDS, "--max-states", "100") == [
        f"a larger --max-states, or --max-depth besides: z3 then looks at longer runs; {NATIVE}",
        f"{SMALLER}; {PROOF}",
    ]


def test_the_advice_is_true() -> None:
    """What is said to help does: it ends under the same limit."""
    limit = ("--max-states", "30000")
    first, second = helps(*HOLDS, *limit, "--engine", "quick")
    assert NATIVE in first and second.startswith(SMALLER)
    assert helps(*HOLDS, *limit, "--engine", "native", code=0) == []
    for fewer in ("PAGES=1", "DOMAINS=1"):
        assert helps(*HOLDS, *limit, "--engine", "quick", "--set", fewer, code=0) == []


@pytest.mark.parametrize("engine", ["quick", "reference"])
def test_an_engine_in_python_that_was_asked_for(engine: str) -> None:
    assert helps(*HOLDS, "--engine", engine, "--max-states", "100") == [
        f"a larger --max-states; {NATIVE}", f"{SMALLER}; {PROOF}",
    ]


def test_seconds() -> None:
    assert helps(*HOLDS, "--engine", "reference", "--max-seconds", "0")[0] == (
        f"a larger --max-seconds; {NATIVE}"
    )


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelcheck.advice.memory_to_be_had", lambda: 11 * 2**29)


@pytest.mark.usefixtures("machine")
def test_memory() -> None:
    """21, the counts so far, and how much there is."""
    first, _ = helps(*HOLDS, "--engine", "reference", "--max-memory", "1K", code=21)
    assert first == f"a larger --max-memory (5.5 GB can be had here); {NATIVE}"


@pytest.mark.usefixtures("machine")
def test_memory_of_the_native_engine() -> None:
    """Its states do not fit: what was switched off is named, and nothing that was not."""
    small = ("--engine", "native", "--max-memory", "1M")
    args = (*HOLDS, "--set", "PAGES=7", "--set", "DOMAINS=3", *small)
    more = "a larger --max-memory (5.5 GB can be had here)"
    hashed = "--fingerprints: keeps 64 bits of a state, and prints the odds"
    fewer = f"a smaller instance: --set PAGES=6 or --set DOMAINS=2; {PROOF}"
    assert helps(*args, code=21) == [f"{more}; {hashed}", fewer]
    off = ", ".join(REDUCTIONS)
    assert helps(*args, "--no-reductions", code=21) == [
        f"{more}; the reductions that were switched off ({off}); {hashed}", fewer,
    ]
    assert helps(*args, "--fingerprints", code=21) == [more, fewer]
    assert hashed not in helps(*HOLDS, *small, "--no-reductions", code=21)[0]  # one word
    assert helps(*args, "--without", "symmetry", code=21)[0] == (
        f"{more}; the reductions that were switched off (symmetry); {hashed}"
    )


def test_nothing_can_be_made_smaller() -> None:
    """IDLE_CPUS is 1, and the booleans are no sizes."""
    assert helps(*SMALLEST, "--max-states", "10")[1:] == [PROOF]


def test_what_induction_cannot_prove() -> None:
    """Deadlock is no matter of induction."""
    limit = ("--engine", "quick", "--max-states", "10")
    assert helps(*SMALLEST, *limit) == [f"a larger --max-states; {NATIVE}", PROOF]
    assert helps(*SMALLEST, *limit, "--property", "a_clean_page_is_scrubbed")[1:] == [PROOF]
    assert helps(*SMALLEST, *limit, "--property", "deadlock")[1:] == []


def test_z3_that_looked_at_runs_of_some_length() -> None:
    assert helps(*HOLDS, "--engine", "symbolic", "--max-depth", "1") == [
        "a larger --max-depth", f"{SMALLER}; {PROOF}",
    ]


def test_a_search_that_ends_needs_no_help() -> None:
    assert helps(*SMALLEST, code=0) == []
    assert helps(code=14) == []


def test_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """The native engine would have taken over."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("CC", "")
    first, _ = helps(*HOLDS, "--max-states", "20000")
    assert first.endswith(f"; a C compiler, for the native engine, which {LESS}")
