"""Colour is for terminals, unless the environment says otherwise."""

import io

import pytest

from modelcheck.report.pieces import Piece, wants_colour, write
from modelcheck.report.progress import ProgressLine

ROWS = [(Piece("VIOLATED", "bold red"), Piece("  [red]a sentence[/red]  "))]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "stream", "colour"),
    [
        ({}, io.StringIO(), False),
        ({}, Terminal(), True),
        ({"NO_COLOR": "1"}, Terminal(), False),
        ({"FORCE_COLOR": "1"}, io.StringIO(), True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, io.StringIO(), False),
    ],
)
def test_who_gets_colour(
    environment: dict[str, str], stream: io.StringIO, colour: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert wants_colour(stream) is colour


def test_what_a_spec_says_is_never_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    stream = io.StringIO()
    write(ROWS, stream)
    assert stream.getvalue() == "\x1b[1;31mVIOLATED\x1b[0m  [red]a sentence[/red]\n"


def test_progress_is_for_terminals() -> None:
    pipe, terminal = io.StringIO(), Terminal()
    for stream in (pipe, terminal):
        with ProgressLine("specs/x.py", stream) as progress:
            progress.shown -= 1  # as if the last update was a second ago
            progress.began -= 2
            progress(2000, 7, 31)
    assert pipe.getvalue() == ""
    assert terminal.getvalue().startswith(
        "\r\x1b[Kspecs/x.py: 2,000 states, depth 7, 31 in the queue, "
    )
    assert terminal.getvalue().endswith(" states/s\r\x1b[K")
