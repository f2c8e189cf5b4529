"""Structural schemas, as CustomResourceDefinitions have them, of the types that resources are read into.

What they lack of JSON Schema is written otherwise: a bound that must not be reached is marked, and nothing is nullable,
as an optional field is left out. A duration is text as the planner reads it; the API server's own format would take
``1d``, too.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.queues import OptionsMark, OverridesMark
from capacity_planner.fields import DurationMark, InstantMark, Mark
from capacity_planner.surfaces.kube.specs import OwnMark

if TYPE_CHECKING:
    from dataclasses import Field

_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)
_NUMBER = r"([0-9]+\.?[0-9]*|\.[0-9]+)"
_GO, _ZERO_TEXT = rf"({_NUMBER}(ns|us|µs|μs|ms|s|m|h))+", r"0+\.?0*|\.0+"
_ISO = f"P({_NUMBER}W)?({_NUMBER}D)?(T({_NUMBER}H)?({_NUMBER}M)?({_NUMBER}S)?)?"
_DURATION = {"type": "string", "maxLength": 64, "pattern": rf"^\+?({_GO}|{_ISO}|{_ZERO_TEXT})$"}
_EXACT = 2**53  # the API server compares with bounds as floats, and misreads those that lie beyond
_ZERO = re.compile(r" \[(?:0|empty) = default\]")
_BARE = {bool: "boolean", str: "string", int: "integer", float: "number"}


def structural(cls: type[Any]) -> dict[str, Any]:
    """The schema of a type: an object with the sentences of its docstring.

    >>> from capacity_planner.domain.slo import SLO
    >>> structural(SLO)["properties"]["max_backlog"]["description"]
    'Most jobs that may wait, without those in service.'
    """
    hints, said = get_type_hints(cls, include_extras=True), _sentences(cls)
    properties = {item.name: _described(_schema(hints[item.name]), said.get(item.name, "")) for item in fields(cls)}
    required = [item.name for item in fields(cls) if _is_required(item)]
    summary = (inspect.getdoc(cls) or "").partition("\n")[0]
    schema = {"type": "object", "description": summary, "properties": properties}
    return {**schema, "required": required} if required else schema


def _schema(hint: Any) -> dict[str, Any]:
    mark = next((part for part in getattr(hint, "__metadata__", ()) if isinstance(part, Mark)), None)
    if mark is not None:
        return _marked(mark)
    arguments = [part for part in get_args(hint) if part is not type(None)]
    if get_origin(hint) in {Union, UnionType}:
        return _schema(arguments[0])
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _schema(arguments[0])}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"type": "string", "enum": [str(item.value) for item in hint]}
    return structural(hint) if is_dataclass(hint) and isinstance(hint, type) else {"type": _BARE[hint]}


def _marked(mark: Mark) -> dict[str, Any]:
    match mark:
        case DurationMark():
            return dict(_DURATION)
        case OverridesMark():
            return {name: part for name, part in structural(PlannerConfig).items() if name != "required"}
        case OptionsMark():
            return {"type": "object", "additionalProperties": {"x-kubernetes-preserve-unknown-fields": True}}
        case OwnMark() | InstantMark():
            return mark.schema()
    return _bounded(mark)


def _bounded(mark: Mark) -> dict[str, Any]:
    """A number or a text with its bounds, as OpenAPI 3.0 writes them."""
    schema = mark.schema()
    if schema["type"] == "string":
        return schema
    for bound, name in (("ge", "minimum"), ("gt", "minimum"), ("le", "maximum"), ("lt", "maximum")):
        limit = getattr(mark, bound)
        if limit is not None and limit < _EXACT:
            schema[name] = limit
            if bound in {"gt", "lt"}:
                schema[f"exclusive{name.capitalize()}"] = True
    return {**schema, "format": "int64"} if schema["type"] == "integer" else schema


def _described(schema: dict[str, Any], sentence: str) -> dict[str, Any]:
    return {**schema, "description": sentence} if sentence else schema


def _sentences(cls: type[Any]) -> dict[str, str]:
    """What the docstrings say of the fields, the nearest class last."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        for name, text in _ATTRIBUTE.findall(inspect.cleandoc(base.__doc__ or "")):
            found[name] = _sentence(text)
    return found


def _sentence(text: str) -> str:
    line = _ZERO.sub("", " ".join(text.split()))
    shown = line.replace("``", "").replace("None is", "unset is")
    return shown if line.startswith("``") else f"{shown[:1].upper()}{shown[1:]}"


def _is_required(item: Field[Any]) -> bool:
    return item.default is MISSING and item.default_factory is MISSING
