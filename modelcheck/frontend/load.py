"""A spec's file and what it imports -> Modules, read and checked against the subset, never run.

Imports may come from `modelcheck.lang` (words), `modelcheck.xen.*` (the library, specs in the same
language), `specs.*` (files beside the spec) and from `enum`, `dataclasses`, `typing` (words that
mypy needs)."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import modelcheck
from modelcheck.frontend.definitions import Module, Word
from modelcheck.frontend.subset import check_subset, parse
from modelcheck.source import Span, SpecError

WORD_MODULES = ("modelcheck.lang", "enum", "dataclasses", "typing", "__future__")
LIBRARY = Path(modelcheck.__file__).parent
LONGEST_FILE = 100_000  # bytes: thousands of lines, which still take but seconds to read


def load(path: str) -> tuple[Module, ...]:
    """The modules of a spec, each after those it imports, the spec itself last."""
    loaded: dict[str, Module] = {}
    file = Path(path)
    _load(file.stem, file, path, loaded, ())
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
        if path.is_dir():
            raise SpecError(_at(shown), "this is a folder, not a spec", "the path of a .py file")
        if path.exists() and not path.is_file():
            raise SpecError(_at(shown), "this is a pipe or a device", "the path of a .py file")
        if path.stat().st_size > LONGEST_FILE:
            raise SpecError(_at(shown), "the file is over 100,000 bytes", "one design in one file")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SpecError(_at(shown), f"the file is not UTF-8 text: {error.reason}") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise SpecError(_at(shown), f"the file cannot be read: {reason.lower()}") from None


def _at(shown: str) -> Span:
    return Span(shown, 1, 1, 1, 2)


def _load(
    name: str, path: Path, shown: str, loaded: dict[str, Module], above: tuple[str, ...]
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
            target = _resolve(module, node, source, path)
            key = str(target.resolve())
            if key in (*above, str(path.resolve())):
                raise SpecError(
                    module.span(node), f"{source} imports this file, directly or not",
                    "move what both need into a third file",
                )
            if key not in loaded:
                shown_target = _shown(target, path, shown)
                _load(source, target, shown_target, loaded, (*above, str(path.resolve())))
            module.imports[local] = (loaded[key], alias.name)
    loaded[str(path.resolve())] = module
    return module


def _shown(target: Path, importer: Path, shown: str) -> str:
    """How errors and traces name an imported file: like its importer, or from `modelcheck/` on."""
    if target.is_relative_to(LIBRARY):
        return str(Path("modelcheck") / target.relative_to(LIBRARY))
    beside = target.parent == importer.parent
    return str(Path(shown).parent / target.name) if beside else str(target)


def _resolve(module: Module, node: ast.ImportFrom, source: str, path: Path) -> Path:
    parts = source.split(".")
    if parts[:2] == ["modelcheck", "xen"] and len(parts) == 3:
        target = LIBRARY / "xen" / f"{parts[2]}.py"
        known = sorted(p.stem for p in (LIBRARY / "xen").glob("*.py") if p.stem != "__init__")
        instead = "one of " + ", ".join(f"modelcheck.xen.{k}" for k in known)
    else:
        target = path.parent.joinpath(*parts[1:]).with_suffix(".py")
        instead = f"a file {target.name} beside this one"
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
