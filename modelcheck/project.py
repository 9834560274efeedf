"""What a project says of its gate: `[tool.modelcheck]` in the nearest pyproject.toml.

    [tool.modelcheck]
    paths = ["specs"]
    budget = 60                 # seconds for a spec
    jobs = 2
    require_validated = true
    walks = 4                   # random ones, on which each HOLDS is tried
    instances = [
        { spec = "specs/per_page_cmpxchg.py", set = { WAIT = true } },
    ]

Paths are relative to the folder of that file.  An instance is gated besides the one that its spec
states itself."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelcheck.engines.limits import is_time
from modelcheck.pipeline import WALKS, nearest, shown_path
from modelcheck.records import dataclass
from modelcheck.source import ConfigurationError, Unreadable, file_text

FILE = "pyproject.toml"
LONGEST = 1_000_000  # bytes
BUDGET = 60.0  # seconds for a spec, where nobody says another


@dataclass(frozen=True)
class Listed:
    """An instance that the project lists: a spec, and the parameters that are set there."""

    spec: Path
    sets: Mapping[str, int | bool]


@dataclass(frozen=True)
class Project:
    """The settings of a gate; without a file, these."""

    paths: tuple[Path, ...] = ()
    budget: float = BUDGET
    jobs: int | None = None
    require_validated: bool = False
    walks: int = WALKS
    instances: tuple[Listed, ...] = ()


KEYS = ("paths", "budget", "jobs", "require_validated", "walks", "instances")


def project(folder: Path) -> Project:
    """The settings that hold in a folder.  ConfigurationError if they cannot be read."""
    file = next((f / FILE for f in (folder, *folder.parents) if (f / FILE).is_file()), None)
    if file is None:
        return Project()
    try:
        whole = tomllib.loads(file_text(file, LONGEST))
    except Unreadable:
        raise ConfigurationError(f"{shown_path(str(file))} is over {LONGEST:,} bytes") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{shown_path(str(file))} cannot be read: {error}") from None
    tool = whole.get("tool", {})
    return _project(tool.get("modelcheck", {}) if isinstance(tool, dict) else {}, file)


def _project(table: Any, file: Path) -> Project:
    where = f"{shown_path(str(file))}: [tool.modelcheck]"
    _only(table, KEYS, where)
    found: dict[str, Any] = {}
    for key, value in table.items():
        match key, value:
            case "paths", [*names] if all(isinstance(n, str) for n in names):
                found[key] = tuple(_inside(file, n, f"{where}: paths") for n in names)
            case "budget", int() | float() if is_time(value):
                found[key] = float(value)
            case "jobs", int() if value > 0 and not isinstance(value, bool):
                found[key] = value
            case "require_validated", bool():
                found[key] = value
            case "walks", int() if value >= 0 and not isinstance(value, bool):
                found[key] = value
            case "instances", [*listed]:
                found[key] = tuple(_instance(i, file, f"{where}: instances") for i in listed)
            case _:
                raise ConfigurationError(f"{where}: {key} is {SHAPES[key]}")
    return Project(**found)


SHAPES = {
    "paths": 'a list of files and folders, as in ["specs"]',
    "budget": "a number of seconds, as in 60",
    "jobs": "a number of processes, as in 2",
    "require_validated": "true or false",
    "walks": "a number of random walks, as in 4; 0 for none",
    "instances": 'a list, as in [{ spec = "specs/a.py", set = { PAGES = 3 } }]',
}


def _instance(table: Any, file: Path, where: str) -> Listed:
    _only(table, ("spec", "set"), where)
    spec, sets = table.get("spec"), table.get("set")
    if not isinstance(spec, str) or not isinstance(sets, dict) or not sets:
        raise ConfigurationError(f"{where} is {SHAPES['instances']}")
    for name, value in sets.items():
        if not isinstance(value, int):
            raise ConfigurationError(f"{where}: {name} = {value!r} is not an int, true or false")
    path = _inside(file, spec, where)
    if not path.is_file():
        raise ConfigurationError(f"{where}: there is no file {spec} beside {FILE}")
    return Listed(path, sets)


def real(path: str | Path) -> Path:
    """The path with its links followed; as far as they lead, if in a circle."""
    return Path(os.path.realpath(path))


def _inside(file: Path, name: str, where: str) -> Path:
    """A path of the project; ConfigurationError if it leads out of the project's folder, whose file
    says what is read and, where that is refused, printed."""
    if "\0" in name or not real(file.parent / name).is_relative_to(real(file.parent)):
        raise ConfigurationError(f"{where}: {name} is not in the folder of {FILE}")
    return file.parent / name


def _only(table: Any, keys: tuple[str, ...], where: str) -> None:
    if not isinstance(table, dict):
        raise ConfigurationError(f"{where} is a table of {', '.join(keys)}")
    for key in table:
        if key not in keys:
            raise ConfigurationError(f"{where} has no {key!r}: {nearest(key, list(keys))}")
