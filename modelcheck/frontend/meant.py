"""What may have been meant by a name that stands for nothing."""

from __future__ import annotations

import difflib

from modelcheck.frontend.definitions import (
    Constant, EnumClass, Function, Object, ObjectType, Parameter, SharedClass,
)
from modelcheck.frontend.kernel_c import WORDS
from modelcheck.frontend.load import lang_words
from modelcheck.frontend.values import Scope

ALIKE = 0.75  # of 1: how like another a name must be to be taken for it


def instead_of_name(name: str, scope: Scope) -> str:
    """What to write instead of a name that is no value: a name like it, or the field so called."""
    if name in WORDS:
        return WORDS[name]
    objects = [d for d in scope.module.scope.values() if isinstance(d, Object)]
    locals_ = scope.instance.locals if scope.instance is not None else {}
    values = [
        n for n, d in scope.module.scope.items()
        if isinstance(d, Object | Parameter | Constant | SharedClass | EnumClass)
    ]
    for found in objects:
        if isinstance(found.type, ObjectType) and name in _fields(found.type.cls):
            return f"{found.name}.{name}"
    return _like(name, [*locals_, *values]) or "a local that is set before"


def instead_of_function(name: str, scope: Scope) -> str:
    """What to write instead of a name that is no function: its import, or a name like it."""
    words = lang_words()
    if name in WORDS and name not in words:
        return WORDS[name]
    if name in words:
        return f"from modelcheck.lang import {name}, at the top"
    functions = [n for n, d in scope.module.scope.items() if isinstance(d, Function)]
    return _like(name, [*functions, *sorted(words)]) or "a def above"


def _fields(cls: SharedClass) -> list[str]:
    return [field.name for field in cls.fields]


def _like(name: str, known: list[str]) -> str:
    return next(iter(difflib.get_close_matches(name, known, 1, ALIKE)), "")
