"""`@dataclass`, made in a sixth of the time.

A small spec is verified in a quarter of a second, and of that a fifth went into making some 130
classes: `dataclasses` compiles six functions for each.  Here one is compiled, `__init__`; the rest
is the same for all of them.  They are dataclasses in all else: `fields`, `replace`, `match`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    from dataclasses import dataclass as _fields_only

    def dataclass(
        cls: type | None = None, /, *, frozen: bool = False, eq: bool = True
    ) -> type | Callable[[type], type]:
        """As `dataclasses.dataclass`, with these two of its options."""
        if cls is None:
            return lambda cls: dataclass(cls, frozen=frozen, eq=eq)
        _fields_only(cls, init=False, repr=False, eq=False)
        methods = {"__init__": _init_of(cls, frozen), "__repr__": _repr}
        if frozen:
            methods |= {"__setattr__": _no_assignment, "__delattr__": _no_deletion}
        if eq:
            methods["__eq__"], hashed = _compared(cls)
            methods["__hash__"] = hashed if frozen else None
        for name, method in methods.items():
            if name not in cls.__dict__ or (name == "__hash__" and cls.__hash__ is None):
                setattr(cls, name, method)
        return cls


def _init_of(cls: type, frozen: bool) -> Callable[..., None]:
    """`__init__`, compiled from its text.  What is given by default stands in its globals."""
    given: dict[str, Any] = {"__set_field__": object.__setattr__}  # names that no field has
    parameters, lines = ["self"], []
    for f in fields(cls):
        parameter, value, default = f.name, f.name, f"__default_{f.name}"
        if f.default is not MISSING:
            given[default] = f.default
        elif f.default_factory is not MISSING:
            given[default] = f.default_factory
            value = f"{default}() if {f.name} is {default} else {f.name}"
        if default in given:
            parameter += f"={default}"
        parameters.append(parameter)
        put = f"__set_field__(self, {f.name!r}, {value})"
        lines.append(put if frozen else f"self.{f.name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    text = f"def __init__({', '.join(parameters)}):\n " + "\n ".join(lines or ["pass"])
    exec(text, given)  # names of fields, and nothing else
    init: Callable[..., None] = given["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


def _compared(cls: type) -> tuple[Callable[[Any, object], bool], Callable[[Any], int]]:
    """`__eq__` and `__hash__`: of one class, and the same in every field that is compared."""
    names = [f.name for f in fields(cls) if f.compare]
    values: Callable[[object], object] = attrgetter(*names) if names else lambda _: ()

    def __eq__(self: object, other: object) -> bool:
        if other.__class__ is self.__class__:
            return self is other or values(self) == values(other)
        return NotImplemented

    def __hash__(self: object) -> int:
        return hash(values(self))

    return __eq__, __hash__


def _repr(self: object) -> str:
    shown = (f"{f.name}={getattr(self, f.name)!r}" for f in fields(self))  # type: ignore[arg-type]
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _no_assignment(self: object, name: str, value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _no_deletion(self: object, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")
