"""What is compiled and kept is run again only if it is ours, whole and alone ours to write."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from modelcheck.engines.native import kept
from modelcheck.engines.native.build import built, compiler

pytestmark = pytest.mark.skipif(compiler() is None, reason="there is no C compiler")
HONEST = "#include <stdio.h>\nint main(void) { puts(\"honest\"); return 0; }\n"
AT_ONCE = ("-O0", "-w")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test's; nothing is checked, and no folder for one run is there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(kept, "_checked", set())
    monkeypatch.setattr(kept, "_private", {})
    return tmp_path / "cache" / "modelcheck" / "native"


def says() -> str:
    return os.popen(str(built(HONEST, AT_ONCE))).read()


def test_it_is_kept_where_nobody_else_enters(cache: Path) -> None:
    path = built(HONEST, AT_ONCE)
    assert path.parent == cache and kept.why_not() == ""
    for each in (cache, cache.parent, path):
        assert stat.S_IMODE(each.stat().st_mode) == 0o700
    before = path.stat().st_ino
    assert built(HONEST, AT_ONCE).stat().st_ino == before  # it was not compiled anew
    assert says() == "honest\n"


def _script(path: Path) -> None:
    path.write_text("#!/bin/sh\necho forged; touch canary\n", encoding="utf-8")
    path.chmod(0o700)


def _link(path: Path) -> None:
    _script(path.with_name("elsewhere"))
    path.unlink()
    path.symlink_to("elsewhere")


def _sealed_for_another(path: Path) -> None:
    other = built(HONEST.replace("honest", "forged"), AT_ONCE)
    path.write_bytes(other.read_bytes())


def _folder(path: Path) -> None:
    path.unlink()
    (path / "x").mkdir(parents=True)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


FOREIGN: dict[str, Callable[[Path], object]] = {
    "a script": _script,
    "a link": _link,
    "another program": _sealed_for_another,
    "a folder": _folder,
    "a pipe": _pipe,
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-200]),
    "one bit": lambda path: path.write_bytes(
        path.read_bytes()[:500] + bytes([path.read_bytes()[500] ^ 1]) + path.read_bytes()[501:]
    ),
    "all may write it": lambda path: path.chmod(0o777),
    "cannot be run": lambda path: path.chmod(0o600),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_not_ours_is_compiled_anew(
    kind: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever had the right name was run: a script that said `stopped complete` made a verdict,
    and a program cut off by a full disk was 'a defect of modelcheck' for ever after."""
    monkeypatch.chdir(tmp_path)
    path = built(HONEST, AT_ONCE)
    FOREIGN[kind](path)
    assert says() == "honest\n"
    assert stat.S_IMODE(path.lstat().st_mode) == 0o700 and path.is_file()
    assert not Path("canary").exists()


def test_another_users_program_is_not_run(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = built(HONEST, AT_ONCE)
    of = path.read_bytes().split()[-2].decode("ascii")
    assert kept.believed(path, of)
    owner = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: owner)
    assert "is another user's" in kept.why_not()
    assert not kept.believed(path, of)


def test_a_tree_that_is_checked_is_no_cache(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitLab's CI often keeps its caches in the checkout, where a merge request puts files."""
    planted = built(HONEST, AT_ONCE)
    planted_in = planted.stat().st_ino
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "a.py").write_text("", encoding="utf-8")
    kept.never_below(tmp_path / "specs")
    assert kept.why_not() == ""  # it is beside it, and nothing says that they are one tree
    (tmp_path / "pyproject.toml").write_text("", encoding="utf-8")
    assert f"is in {tmp_path}, which is checked" in kept.why_not()
    path = built(HONEST, AT_ONCE)
    assert not path.is_relative_to(tmp_path) and path.stat().st_ino != planted_in
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    (tmp_path / "pyproject.toml").unlink()
    kept.never_below(tmp_path)
    assert "which is checked" in kept.why_not()


@pytest.mark.parametrize("home", [None, "", "relative"])
def test_there_is_no_home(
    home: str | None, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path would be a folder of the working directory, which is what is checked."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    if home is None:
        monkeypatch.delenv("HOME")
        monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    else:
        monkeypatch.setenv("HOME", home)
    assert "HOME names no folder" in kept.why_not()
    assert says() == "honest\n" and list(tmp_path.iterdir()) == []


def test_a_cache_that_is_a_link_or_open_to_all(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    cache.parent.mkdir(parents=True)
    cache.symlink_to(tmp_path / "other")
    assert "is no folder, or a link" in kept.why_not()
    assert says() == "honest\n" and list((tmp_path / "other").iterdir()) == []
    cache.unlink()
    (tmp_path / "cache").chmod(0o777)
    assert f"everybody may write in {tmp_path / 'cache'}" in kept.why_not()


def test_a_cache_of_before_is_closed(cache: Path) -> None:
    cache.mkdir(parents=True)
    cache.chmod(0o777)
    assert kept.why_not() == "" and stat.S_IMODE(cache.stat().st_mode) == 0o700
