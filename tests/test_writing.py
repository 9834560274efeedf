"""A file that somebody names: whole or not at all; a link, a pipe, a device is written in place."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from xml.etree import ElementTree

import pytest

from modelcheck import writing
from modelcheck.writing import write_whole
from tests.test_cli import COUNT


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("count.py").write_text(COUNT, encoding="utf-8")
    return tmp_path


def test_a_link_stays_one() -> None:
    """It used to be replaced by the file, so that its target kept the report of yesterday."""
    Path("real.xml").write_text("old", encoding="utf-8")
    Path("link.xml").symlink_to("real.xml")
    Path("later.xml").symlink_to("not_yet.xml")
    write_whole(Path("link.xml"), "new")
    write_whole(Path("later.xml"), "new")
    assert Path("link.xml").is_symlink() and Path("later.xml").is_symlink()
    assert Path("real.xml").read_text("utf-8") == Path("not_yet.xml").read_text("utf-8") == "new"


def test_a_pipe_stays_one() -> None:
    os.mkfifo("pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(Path("pipe").read_text("utf-8")))
    reader.start()
    write_whole(Path("pipe"), "text")
    reader.join()
    assert read == ["text"] and Path("pipe").is_fifo()


def test_a_device_stays_one() -> None:
    """As root, `--junit /dev/null` put a file in the place of the device."""
    write_whole(Path("/dev/null"), "text")
    assert Path("/dev/null").is_char_device()


def test_a_file_is_whole_or_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.xml").write_text("old", encoding="utf-8")
    Path("a.xml").chmod(0o640)

    def full(descriptor: int, data: bytes) -> None:
        os.write(descriptor, data[:2])
        os.close(descriptor)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(writing, "_write_in_place", full)
        for name in ("a.xml", "b.xml"):
            with pytest.raises(OSError, match="No space left"):
                write_whole(Path(name), "new")
    assert Path("a.xml").read_text("utf-8") == "old"
    assert sorted(p.name for p in Path().iterdir()) == ["a.xml", "count.py"]
    write_whole(Path("a.xml"), "new")
    assert Path("a.xml").read_text("utf-8") == "new"
    assert Path("a.xml").stat().st_mode & 0o777 == 0o640, "who may read it stays as it was"


def test_the_longest_name_that_there_is() -> None:
    """The name of what is written aside is no longer than that."""
    write_whole(Path("a" * 255), "text")
    assert Path("a" * 255).read_text("utf-8") == "text"


@pytest.mark.parametrize("into", ["pipe", "file"])
def test_junit_to_stdout(into: str, folder: Path) -> None:
    """It went to /proc/self/fd, where nothing can be made.  The table comes first, whole."""
    command = [sys.executable, "-m", "modelcheck", "gate", "count.py", "--junit", "/dev/stdout"]
    with Path("out.txt").open("wb") as file:
        done = subprocess.run(command, stdout=file if into == "file" else subprocess.PIPE)
    text = Path("out.txt").read_text("utf-8") if into == "file" else done.stdout.decode()
    table, begin, xml = text.partition("<?xml")
    assert done.returncode == 0
    assert "1 of 1 as expected" in table
    assert ElementTree.fromstring(begin + xml).get("tests") == "1"
