"""The components of the documentation: JSON schemas of the domain's types, each field with its sentence."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields, is_dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from pydantic import TypeAdapter

from capacity_planner.errors import ErrorCode
from capacity_planner.fields import DurationMark, Slice, marks_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

REFERENCE = "#/components/schemas/{model}"
_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)

DURATION: dict[str, Any] = {
    "description": 'A text with its unit (`"5s"`, `"1m30s"`, `"PT90S"`), or integer nanoseconds.',
    "type": ["string", "integer"],
    "pattern": r"^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$|^P([0-9.]+[WD])*(T([0-9.]+[HMS])+)?$",
    "examples": ["5s", "0.350s", "1m30s", "PT90S", 5_000_000_000],
}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "The kind of problem, for programs."},
        "title": {"type": "string", "description": "The kind of problem, for people."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599, "description": "The status code."},
        "detail": {"type": "string", "description": "What went wrong and what to do."},
        "code": {"enum": [str(code) for code in ErrorCode], "description": "The planner's error code."},
        "details": {"type": "object", "description": "Facts; `errors` lists every field that is wrong."},
        "plan": {"$ref": REFERENCE.format(model="PlanResponse")},
        "instance": {"type": "string", "format": "uri", "description": "The request, as the log has it."},
    },
}


def reference(cls: type[Any]) -> dict[str, Any]:
    """Where the schema of a type stands."""
    return {"$ref": REFERENCE.format(model=cls.__name__)}


def components(read: Iterable[type[Any]], written: Iterable[type[Any]]) -> dict[str, Any]:
    """The schemas of all types that are read or written, and of those that they are made of.

    Args:
        read: types of bodies.
        written: types of answers.
    """
    taken, given = _reachable(read), _reachable(written)
    known = given | taken
    adapters = [(cls.__name__, "validation", TypeAdapter(cls)) for cls in known.values()]
    _, made = TypeAdapter.json_schemas(adapters, ref_template=REFERENCE)  # type: ignore[arg-type]
    schemas: dict[str, Any] = {"Duration": DURATION, "Problem": PROBLEM}
    for name, schema in sorted(made["$defs"].items()):
        schemas[name] = _explained(known[name], schema, read=name in taken) if name in known else _short(schema)
    schemas.get("SimulationJob", {}).get("properties", {})["error"] = {
        "anyOf": [{"$ref": REFERENCE.format(model="Problem")}, {"type": "null"}],
        "description": "The problem, where it has failed.",
    }
    return {name: schema if name == "Duration" else _shared(schema) for name, schema in schemas.items()}


def _reachable(roots: Iterable[type[Any]]) -> dict[str, type[Any]]:
    found: dict[str, type[Any]] = {}
    waiting = list(roots)
    while waiting:
        cls = waiting.pop()
        if cls.__name__ not in found:
            found[cls.__name__] = cls
            waiting += [part for hint in get_type_hints(cls).values() for part in _dataclasses(hint)]
    return found


def _dataclasses(hint: Any) -> Iterator[type[Any]]:
    if isinstance(hint, type) and is_dataclass(hint):
        yield hint
    for part in get_args(hint):
        yield from _dataclasses(part)


def _explained(cls: type[Any], schema: dict[str, Any], *, read: bool) -> dict[str, Any]:
    """A schema with the sentences of the docstring, and with what the codec takes beside what bounds say."""
    text = inspect.getdoc(cls) or ""
    said = {name: _sentence(line) for name, line in _ATTRIBUTE.findall(text)}
    marks = marks_of(cls)
    for item in fields(cls):
        shown, mark = schema["properties"][item.name], marks.get(item.name)
        shown.pop("title", None)
        if item.name in said:
            shown["description"] = said[item.name]
        if isinstance(mark, DurationMark) and isinstance(item.default, timedelta):
            shown["default"] = mark.write(item.default, None)
    if read:
        _loosen(cls, schema["properties"])
    else:
        schema["required"] = [item.name for item in fields(cls)]
    return _short({**schema, "description": text})


def _short(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with the first paragraph of its description."""
    said = str(schema.get("description", "")).partition("\n\n")[0]
    rest = {name: value for name, value in schema.items() if name not in {"description", "title"}}
    return {"description": _sentence(said), **rest}


def _sentence(text: str) -> str:
    line = " ".join(text.split()).replace("``", "`").replace("`None`", "`null`")
    return f"{line[:1].upper()}{line[1:]}"


def _shared(schema: Any) -> Any:
    """A schema that refers to the one of durations wherever there is one."""
    if isinstance(schema, list):
        return [_shared(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == DURATION["type"]:
        rest = {name: schema[name] for name in ("default", "description") if name in schema}
        return {"$ref": REFERENCE.format(model="Duration"), **rest}
    return {name: _shared(item) for name, item in schema.items()}


def _loosen(cls: type[Any], properties: dict[str, Any]) -> None:
    """Go's zero values are read, too: a null slice, and a zero where that means the default."""
    hints = get_type_hints(cls, include_extras=True)
    for name, mark in marks_of(cls).items():
        item = properties[name]
        if mark.zero_means is not None and item.get("type") in ("integer", "number"):
            item.pop("exclusiveMinimum", None)
            item["minimum"] = 0
    for name, hint in hints.items():
        if any(isinstance(mark, Slice) for mark in getattr(hint, "__metadata__", ())):
            properties[name]["type"] = ["array", "null"]
