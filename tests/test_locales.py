"""Texts and names that the locale has no characters for are escaped; nobody sees a traceback."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from modelcheck.quoting import escape_what_a_stream_cannot_say

SPEC = '''\
from modelcheck.lang import process, shared, violates

EXPECT = violates("größer 😀")


@shared
class Node:
    flag: bool = False


node = Node()


@process
def cpu() -> None:
    node.flag = True  # ü
    assert not node.flag, "größer 😀"
'''

LOCALES = {
    "ascii": {"PYTHONIOENCODING": "ascii:strict"},
    "C": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "strict": {"PYTHONIOENCODING": "utf-8:strict", "FORCE_COLOR": "1"},
}
NAMES = {"latin": "naïve.py".encode(), "no UTF-8": b"no\xff.py"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in NAMES.values():
        Path(os.fsdecode(name)).write_text(SPEC, encoding="utf-8")


def run(locale: str, *args: str | bytes) -> subprocess.CompletedProcess[bytes]:
    others = {k: v for k, v in os.environ.items() if k != "FORCE_COLOR"}
    command: list[str | bytes] = [sys.executable, "-m", "modelcheck", *args]
    return subprocess.run(command, capture_output=True, env={**others, **LOCALES[locale]})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("locale", LOCALES)
def test_a_verdict(locale: str, name: str) -> None:
    """It was 'internal error: UnicodeEncodeError', in place of the verdict."""
    done = run(locale, "verify", NAMES[name])
    assert (done.returncode, done.stderr) == (14, b"")
    said = "größer 😀".encode() if locale == "strict" else rb"gr\u00f6\u00dfer \ud83d\ude00"
    assert b"VIOLATED" in done.stdout and said in done.stdout


@pytest.mark.parametrize("locale", LOCALES)
def test_a_document_stays_the_same_one(locale: str) -> None:
    """As JSON escapes it, and not as Python does, which no reader of JSON understands."""
    done = run(locale, "verify", "--json", NAMES["latin"])
    assert (done.returncode, done.stderr) == (14, b"")
    document = json.loads(done.stdout.decode())
    assert document["trace"]["failure"]["sentence"] == "größer 😀"


@pytest.mark.parametrize("locale", LOCALES)
def test_a_gate_and_its_junit(locale: str) -> None:
    done = run(locale, "gate", *NAMES.values(), b"no\xfe.py", "--junit", "gate.xml")
    assert (done.returncode, done.stdout) == (151, b"")
    assert done.stderr.startswith(b"error: there is no file or folder no")
    Path(os.fsdecode(NAMES["latin"])).write_text(SPEC.replace("= viol", "= holds() #"), "utf-8")
    done = run(locale, "gate", *NAMES.values(), "--junit", "gate.xml")
    assert (done.returncode, done.stderr) == (16, b"")
    assert b"1 of 2 as expected" in done.stdout
    (failure,) = ElementTree.parse("gate.xml").iter("failure")
    assert "größer 😀" in (failure.text or "")


def test_what_a_stream_cannot_say() -> None:
    """Half of a surrogate pair too, which UTF-8 has not; what the stream has stays as it is."""
    for encoding, written in (
        ("ascii", rb"a\u00e9\ud83d\ude00\udcff"),
        ("latin-1", b"a\xe9" + rb"\ud83d\ude00\udcff"),
        ("utf-8", "aé😀".encode() + rb"\udcff"),
    ):
        buffer = io.BytesIO()
        stream = io.TextIOWrapper(buffer, encoding=encoding)
        escape_what_a_stream_cannot_say(stream)
        stream.write("aé😀\udcff")
        stream.flush()
        assert buffer.getvalue() == written
