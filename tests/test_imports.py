"""Imports flow one way, and what is heavy is imported where it is used."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import modelcheck

PACKAGE = Path(modelcheck.__file__).parent

LAYERS = (
    ("__main__",),
    ("cli", "counterexamples"),
    ("table", "options"),
    ("gate", "crosscheck"),
    ("project", "apart"),
    ("pipeline",),
    ("advice", "vacuous"),
    ("validate", "search", "state_graph"),
    ("handover",),  # from one engine to the other
    ("report", "heap", "engines", "export", "peers"),
    ("tabled",),
    ("gated", "agreement"),
    ("frontend",),  # its compile.py is the row of stages
    ("memory",),
    ("passes",),
    ("trace", "legal", "notation"),
    ("semantics",),
    ("flow", "writing"),
    ("ir",),
    ("source",),
    ("records", "quoting", "exit_codes"),
)
"""From the top to the bottom: a module imports only what stands in a lower layer, or beside it in
its own part."""

RANK = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}

SPEC_LANGUAGE = ("lang", "xen")
"""What specs import: the tool reads it and never imports it, and it imports nothing of the tool."""

FOR_ALL = tuple(  # what every engine imports
    f"engines.{part}" for part in (
        "asked", "coverage", "deadlock", "evidence", "found", "graph", "limits", "packed", "places",
        "shortest",
    )
)

AT_HOME = {  # a package that is not ours: who alone imports it
    "z3": ("engines.symbolic",),
    "networkx": ("engines.reference", "report"),
    "typer": ("cli",),
    "rich": ("cli", "report"),
}


def name_of(file: Path) -> str:
    """`engines.reference` for modelcheck/engines/reference.py; "" for the package itself."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts).removesuffix("__init__").removesuffix(".")


def imports(file: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it, by its full name."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module="modelcheck", names=names):
                for alias in names:
                    path = PACKAGE / alias.name
                    ours = path.is_dir() or path.with_suffix(".py").exists()
                    yield f"modelcheck.{alias.name}" if ours else "modelcheck"
            case ast.ImportFrom(module=str(module), level=0):
                yield module
            case ast.ImportFrom():
                raise AssertionError(f"{file}:{node.lineno}: a relative import")
            case _:
                pass


def is_in(name: str, part: str) -> bool:
    return name == part or name.startswith(part + ".")


def engine(name: str) -> str:
    """The engine that a module below engines/ belongs to."""
    return ".".join(name.split(".")[:2])


def complaint(name: str, imported: str) -> str | None:
    """What is wrong with this module's import of that one."""
    package, _, inner = imported.partition(".")
    if package in AT_HOME and not any(is_in(name, home) for home in AT_HOME[package]):
        return f"{name} imports {package}, which is for {', '.join(AT_HOME[package])}"
    if package != "modelcheck" or not inner:
        return None
    mine, theirs = name.partition(".")[0], inner.partition(".")[0]
    if mine in SPEC_LANGUAGE:
        fine = theirs in SPEC_LANGUAGE and mine == "xen"
        return None if fine else f"{name} is what specs import: it may not import {imported}"
    if theirs in SPEC_LANGUAGE:
        return f"{name} imports {imported}, which is read and never run"
    if mine == theirs == "engines" and engine(name) != engine(inner) and inner not in FOR_ALL:
        return f"{name} imports another engine, {inner}"
    if mine == "engines" and theirs == "frontend":
        return f"{name} imports the front end"
    if mine != theirs and RANK[mine] >= RANK[theirs]:
        return f"{name} imports {inner}, which stands above or beside it"
    return None


FILES = sorted(PACKAGE.rglob("*.py"))


def test_every_part_has_its_layer() -> None:
    parts = {name_of(f).partition(".")[0] for f in FILES} - {""}
    assert parts <= {*RANK, *SPEC_LANGUAGE}


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_imports_flow_one_way(file: Path) -> None:
    name = name_of(file)
    found = [complaint(name, imported) for imported in imports(file)] if name else []
    assert [c for c in found if c] == []


@pytest.mark.parametrize(
    ("name", "imported", "says"),
    [
        ("ir", "modelcheck.semantics", "ir imports semantics, which stands above or beside it"),
        ("notation.printing", "modelcheck.legal", "notation.printing imports legal, which stands"),
        ("notation.printing", "modelcheck.notation.names", None),
        ("engines.native", "modelcheck.engines.reference", "engines.native imports another engine"),
        ("engines.native.emit", "modelcheck.engines.native.build", None),
        ("engines.native", "modelcheck.engines.asked", None),
        ("engines.native.search", "modelcheck.engines.evidence", None),
        ("engines.quick.search", "modelcheck.engines.native.build", "engines.quick.search imports"),
        ("engines.shortest", "networkx", "engines.shortest imports networkx, which is for engines"),
        ("handover", "modelcheck.engines.native.build", None),
        ("engines.quick", "modelcheck.handover", "engines.quick imports handover, which stands"),
        ("engines.live", "modelcheck.frontend.load", "engines.live imports the front end"),
        ("engines.native", "z3", "engines.native imports z3, which is for engines.symbolic"),
        ("engines.symbolic.bounded", "z3", None),
        ("pipeline", "networkx", "pipeline imports networkx, which is for engines.reference"),
        ("report.text", "typer", "report.text imports typer, which is for cli"),
        ("xen.page", "modelcheck.lang", None),
        ("xen.page", "modelcheck.ir", "xen.page is what specs import: it may not import"),
        ("frontend.load", "modelcheck.lang", "frontend.load imports modelcheck.lang, which is"),
        ("cli", "modelcheck.pipeline", None),
        ("export.lowering", "modelcheck.semantics", None),
        ("export.promela", "modelcheck.peers", "export.promela imports peers, which stands above"),
        ("peers.spin", "modelcheck.export", "peers.spin imports export, which stands above or"),
        ("cli", "os.path", None),
    ],
)
def test_what_is_complained_of(name: str, imported: str, says: str | None) -> None:
    found = complaint(name, imported)
    assert found is None if says is None else (found or "").startswith(says)


def test_the_command_line_does_not_import_what_it_may_not_need() -> None:
    """`modelcheck --version` answers in 0.15 s, so that this waits until it is used."""
    code = "import sys, modelcheck.cli; print(*sorted(m for m in sys.modules if '.' not in m))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(out.stdout.split())
    assert "modelcheck" in loaded
    assert loaded & {"z3", "networkx", "rich"} == set()


@pytest.mark.parametrize("file", [f for f in FILES if name_of(f) != "records"], ids=name_of)
def test_classes_are_made_quickly(file: Path) -> None:
    """By records.py; the library of specs is read, and never run."""
    standard = re.search(r"^from dataclasses import .*\bdataclass\b", file.read_text("utf-8"), re.M)
    assert standard is None or name_of(file).partition(".")[0] in SPEC_LANGUAGE


def test_what_is_installed_has_all_that_is_read() -> None:
    """The native engine compiles files that are no Python: an installed tool without them would say
    that there is no such file."""
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["modelcheck"]
    taken = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    others = {p for p in PACKAGE.rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc")}
    assert others == taken
