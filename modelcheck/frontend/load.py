"""A spec's file and what it imports -> Modules, read and checked against the subset, never run.

Imports may come from `modelcheck.lang` (words), `modelcheck.xen.*` (the library, specs in the same
language), `specs.*` (files beside the spec) and from `enum`, `dataclasses`, `typing` (words that
mypy needs)."""

from __future__ import annotations

import ast
import os
from functools import cache
from pathlib import Path

import modelcheck
from modelcheck.frontend.definitions import Module, Word
from modelcheck.frontend.subset import check_subset, parse
from modelcheck.quoting import quoted
from modelcheck.source import Span, SpecError, Unreadable, file_text

WORD_MODULES = ("modelcheck.lang", "enum", "dataclasses", "typing", "__future__")
LIBRARY = Path(modelcheck.__file__).parent


def load(path: str) -> tuple[Module, ...]:
    """The modules of a spec, each after those it imports, the spec itself last."""
    loaded: dict[str, Module] = {}
    _check_path(path)
    file = Path(path)
    name = quoted(file.stem, "file").replace(".", "_")  # no module of the library is called so
    _load(name, file, path, loaded, (), _folder(file))
    return tuple(loaded.values())


@cache
def lang_words() -> frozenset[str]:
    """Every public name of modelcheck.lang."""
    tree = ast.parse((LIBRARY / "lang.py").read_text(encoding="utf-8"))
    names = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names.add(node.targets[0].id)
    return frozenset(n for n in names if not n.startswith("_") and n not in ("T", "C", "F"))


def _read(path: Path, shown: str) -> str:
    try:
        return file_text(path)
    except Unreadable as error:
        raise unread(shown, *error.args) from None
    except UnicodeDecodeError as error:
        raise unread(shown, f"the file is not UTF-8 text: {error.reason}") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise unread(shown, f"the file cannot be read: {reason.lower()}") from None


def unread(shown: str, problem: str, instead: str = "") -> SpecError:
    """What is wrong with a file of which no line is read, nor shown."""
    return SpecError(Span(shown, 1, 1, 1, 2), problem, instead, shown=False)


def _check_path(path: str) -> None:
    """A path stands in reports, in files for other tools and in logs.  (Bytes that are not UTF-8
    are surrogates in it: those are only printed as what they are not.)"""
    hidden = next((c for c in path if not c.isprintable() and not "\udc80" <= c <= "\udcff"), None)
    if hidden is not None:
        problem = f"the path has a character that cannot be seen, U+{ord(hidden):04X}"
        raise unread(path, problem, "a path without it: rename the file or the folder")


def _folder(spec: Path) -> Path:
    """What `specs` means in an import: the nearest folder of that name around the spec, as mypy
    has it; else the spec's own."""
    for folder in spec.absolute().parents:
        if folder.name == "specs":
            return folder
    return spec.absolute().parent


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # of links in a circle `resolve` makes an error


def _check_within(module: Module, node: ast.ImportFrom, target: Path, root: Path) -> None:
    """SpecError if a link leads out of the folder of the spec: nothing there is read, for a message
    would show a line of it."""
    if not _real(target).is_relative_to(_real(root)):
        raise SpecError(
            module.span(node), f"{target.name} is a link that leads out of the spec's folder",
            f"a file {target.name} in that folder",
        )


def _load(
    name: str, path: Path, shown: str, loaded: dict[str, Module], above: tuple[str, ...],
    root: Path,
) -> Module:
    text = _read(path, shown)
    tree = parse(text, shown)
    check_subset(tree, shown)
    module = Module(name, path, shown, text, tree)
    words = lang_words()
    for node in tree.body:
        if not isinstance(node, ast.ImportFrom):
            continue
        source = node.module or ""
        for alias in node.names:
            local = alias.asname or alias.name
            if source in WORD_MODULES:
                if source == "modelcheck.lang" and alias.name not in words:
                    raise _unknown_name(module, node, alias, sorted(words), source)
                module.scope[local] = Word(alias.name)
                continue
            target = _resolve(module, node, source, path, root)
            key = str(_real(target))
            if key in (*above, str(_real(path))):
                raise SpecError(
                    module.span(node), f"{source} imports this file, directly or not",
                    "move what both need into a third file",
                )
            if key not in loaded:
                shown_target = _shown(target, path, shown)
                _load(source, target, shown_target, loaded, (*above, str(_real(path))), root)
            module.imports[local] = (loaded[key], alias.name)
    loaded[str(_real(path))] = module
    return module


def _shown(target: Path, importer: Path, shown: str) -> str:
    """How errors and traces name an imported file: like its importer, or from `modelcheck/` on."""
    if target.is_relative_to(LIBRARY):
        return str(Path("modelcheck") / target.relative_to(LIBRARY))
    way = os.path.relpath(target.absolute(), importer.absolute().parent)
    return os.path.normpath(Path(shown).parent / way)


def _resolve(
    module: Module, node: ast.ImportFrom, source: str, path: Path, root: Path
) -> Path:
    parts = source.split(".")
    if parts[:2] == ["modelcheck", "xen"] and len(parts) == 3:
        target = LIBRARY / "xen" / f"{parts[2]}.py"
        known = sorted(p.stem for p in (LIBRARY / "xen").glob("*.py") if p.stem != "__init__")
        instead = "one of " + ", ".join(f"modelcheck.xen.{k}" for k in known)
    else:
        target = root.joinpath(*parts[1:]).with_suffix(".py")
        where = f"the folder {root.name}" if root.name == "specs" else "this folder"
        instead = f"a file {Path(*parts[1:]).with_suffix('.py')} in {where}"
        if not path.is_relative_to(LIBRARY):
            _check_within(module, node, target, root)
    if not target.is_file():
        raise SpecError(module.span(node), f"there is no module {source}", instead)
    return target


def _unknown_name(
    module: Module, node: ast.ImportFrom, alias: ast.alias, known: list[str], source: str
) -> SpecError:
    import difflib

    near = difflib.get_close_matches(alias.name, known, 1)
    return SpecError(
        module.span(alias), f"{alias.name} is not a word of {source}",
        near[0] if near else "see modelcheck/lang.py for the words there are",
    )
