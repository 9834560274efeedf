"""Who asks for a merge has no file printed that is not in the tree, and hangs no gate."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from modelcheck.cli import app

SECRET = "TOKEN_OF_THE_CI = s3cret !"
GOOD = """\
from modelcheck.lang import always, holds, process, shared

EXPECT = holds()


@shared
class Node:
    ready: bool = False


node = Node()


@process
def scrub() -> None:
    node.ready = True


@always
def it_is_so() -> bool:
    return node.ready or not node.ready
"""
IMPORTS = "from specs.parts import Node\n" + GOOD


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree with a folder of specs; beside it, what nobody may read through it."""
    (tmp_path / "secret.py").write_text(SECRET + "\n", encoding="utf-8")
    folder = tmp_path / "tree"
    (folder / "specs").mkdir(parents=True)
    (folder / "specs" / "good.py").write_text(GOOD, encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


def run(*args: str) -> Result:
    result = CliRunner().invoke(app, args)
    assert "s3cret" not in result.stdout + result.stderr
    return result


COMMANDS = (("gate", "specs"), ("table", "specs"))


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("target", ["../../secret.py", "../../missing.py", "/etc/passwd"])
def test_a_link_that_leads_out_is_refused(command: tuple[str, ...], target: str) -> None:
    """A link to a secret of the CI was read as a spec, and its first line stood in the error."""
    Path("specs/a.py").symlink_to(target)
    result = run(*command)
    assert result.exit_code == 150
    assert "this is a link that leads out of the folder that is gated" in result.stdout
    assert "root:" not in result.stdout


def test_a_link_within_is_followed() -> None:
    Path("specs/again.py").symlink_to("good.py")
    assert run("gate", "specs").exit_code == 0


@pytest.mark.parametrize("command", [*COMMANDS, ("verify", "specs/imports.py")])
def test_what_is_imported_through_a_link_is_refused(command: tuple[str, ...]) -> None:
    Path("specs/imports.py").write_text(IMPORTS, encoding="utf-8")
    Path("specs/parts.py").symlink_to("../../secret.py")
    result = run(*command)
    assert result.exit_code == 150
    said = result.stdout + result.stderr
    assert "specs/imports.py:1:1: error: parts.py is a link that leads out" in said


def test_a_folder_or_file_that_is_a_link_is_refused() -> None:
    """The command line of a CI names `specs`; what that is, the merge request says."""
    Path("elsewhere").symlink_to("..")
    result = run("gate", "elsewhere")
    assert result.exit_code == 151 and "is a link that leads out of this folder" in result.stderr
    Path("a.py").symlink_to("../secret.py")
    assert run("gate", "a.py").exit_code == 151


@pytest.mark.parametrize("text", [
    'paths = [".."]', 'paths = ["/etc"]', 'paths = ["a\\u0000b"]',
    'paths = ["specs"]\ninstances = [{ spec = "../secret.py", set = { A = 1 } }]',
])
def test_a_project_names_what_is_in_it(text: str) -> None:
    Path("pyproject.toml").write_text(f"[tool.modelcheck]\n{text}\n", encoding="utf-8")
    result = run("gate")
    assert result.exit_code == 151 and "is not in the folder of pyproject.toml" in result.stderr


def test_links_in_a_circle() -> None:
    Path("specs/a.py").symlink_to("b.py")
    Path("specs/b.py").symlink_to("a.py")
    result = run("gate", "specs")
    assert result.exit_code == 150 and "the file cannot be read" in result.stdout


def test_a_pipe_a_folder_and_a_huge_file_hang_nothing() -> None:
    """None is read, and no line of them is looked for to be shown: the huge one was read for that.
    """
    os.mkfifo("specs/pipe.py")
    Path("specs/folder.py").mkdir()
    Path("specs/bytes.py").write_bytes(b"\xff\xfe\n")
    with Path("specs/huge.py").open("wb") as huge:
        huge.truncate(1 << 40)
    result = run("gate", "specs")
    assert result.exit_code == 150
    for sentence in (
        "specs/pipe.py:1:1: error: this is a pipe or a device",
        "specs/folder.py:1:1: error: this is a folder, not a spec",
        "specs/huge.py:1:1: error: the file is over 100,000 bytes",
        "specs/bytes.py:1:1: error: the file is not UTF-8 text",
    ):
        assert sentence in result.stdout
    assert run("verify", "/dev/zero").exit_code == 150


def test_a_trace_has_no_other_file_printed(tree: Path) -> None:
    """A trace names its spec, and that was read, and printed in the error, whatever it was."""
    Path("specs/bad.py").write_text(GOOD.replace("node.ready or ", ""), encoding="utf-8")
    document = json.loads(run("verify", "specs/bad.py", "--json").stdout)
    document["spec"] = "../secret.py"
    document["sources"] = [["../secret.py", document["sources"][0][1]]]
    Path("trace.json").write_text(json.dumps(document), encoding="utf-8")
    result = run("replay", "trace.json")
    assert result.exit_code == 151 and "../secret.py has changed since" in result.stderr


def test_a_name_that_an_option_would_be() -> None:
    Path("-x.py").write_text(GOOD.replace("holds()", 'violates("it is so")').replace(
        "import always, holds,", "import always, violates,"), encoding="utf-8")
    result = run("gate", "--", "-x.py")
    assert "modelcheck verify ./-x.py" in result.stdout


def test_a_name_that_is_not_utf_8() -> None:
    name = os.fsdecode(b"specs/\xff.py")
    Path(name).write_text(GOOD, encoding="utf-8")
    assert run("gate", "specs").exit_code == 0
    assert run("verify", name, "--json").exit_code == 0
