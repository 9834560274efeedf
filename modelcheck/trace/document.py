"""A Verdict <-> its JSON document: the dataclasses of `data.py`, field by field.

    {"format": "modelcheck-verdict", "version": 1, "verdict": "VIOLATED", ..., "trace": {...}}
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from functools import cache
from typing import Any, Literal, TypeVar

from modelcheck.quoting import document as json_document
from modelcheck.source import ConfigurationError
from modelcheck.trace.data import Verdict

FORMAT = "modelcheck-verdict"
VERSION = 1
T = TypeVar("T")


def to_json(verdict: Verdict) -> str:
    """The document of a verdict: two blanks of indentation, a newline at its end."""
    body = _encode(verdict)
    document = {"format": FORMAT, "version": VERSION, "verdict": body.pop("outcome"), **body}
    return json_document(document)


def from_json(text: str, name: str = "the document") -> Verdict:
    """The verdict of a document.  ConfigurationError, with `name`, if it is not one of ours."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"{name} is not JSON: {error}") from None
    except RecursionError:
        raise ConfigurationError(f"{name} is nested too deeply for a verdict") from None
    if not isinstance(document, dict) or document.pop("format", None) != FORMAT:
        raise ConfigurationError(f'{name} is not a verdict: no "format": "{FORMAT}"')
    version = document.pop("version", None)
    if version != VERSION:
        raise ConfigurationError(f"{name} has version {version}; this tool reads {VERSION}")
    document["outcome"] = document.pop("verdict", None)
    return _decode(Verdict, document, name)


def _encode(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {f.name: _encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_encode(v) for v in value]
    return value


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _decode(expected: type[T], data: Any, where: str) -> T:
    return typing.cast(T, _decode_as(expected, data, where))


def _decode_as(expected: Any, data: Any, where: str) -> Any:
    """`data` as the type `expected`, made of dataclasses, tuples, unions with None, Literals."""
    origin, arguments = typing.get_origin(expected), typing.get_args(expected)
    if dataclasses.is_dataclass(expected) and isinstance(expected, type):
        hints = _hints(expected)
        if not isinstance(data, dict) or set(data) != set(hints):
            raise ConfigurationError(f"{where} has not the fields {', '.join(hints)}")
        return expected(**{n: _decode_as(h, data[n], f"{where}: {n}") for n, h in hints.items()})
    if origin in (types.UnionType, typing.Union):
        return None if data is None else _decode_as(arguments[0], data, where)
    if origin is tuple and isinstance(data, list):
        if arguments[1:] == (...,):
            return tuple(_decode_as(arguments[0], d, f"{where}[{i}]") for i, d in enumerate(data))
        if len(arguments) == len(data):
            return tuple(_decode_as(a, d, where) for a, d in zip(arguments, data, strict=True))
    if origin is Literal and data in arguments:
        return data
    if isinstance(expected, type) and origin is None:
        plain = isinstance(data, expected) and (expected is bool) == isinstance(data, bool)
        if plain or (expected is float and isinstance(data, int)):
            return data
    raise ConfigurationError(f"{where} does not fit: {json.dumps(data)[:60]}")
