"""The one codec: domain types ⇄ JSON-ready values, and validation at every public entry.

Reading and validating are the same act: `validate` takes a domain object, or a mapping as JSON, TOML or YAML gives it,
and returns a domain object whose every field is within its bounds, or raises a `PlannerError` that lists every field
that is not.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_type_hints

from capacity_planner.errors import ErrorCode, PlannerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import TypeAdapter, ValidationError
    from pydantic_core import ErrorDetails

T = TypeVar("T")
Durations = Literal["text", "ns"]

_MEASURED = {"current_metrics", "history", "queue_name"}
_SHOWN = 80
_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}


def validate(cls: type[T], value: Any, *, at: str = "") -> T:
    """A ``cls`` from a ``cls`` or from a mapping.

    Args:
        cls: a domain type.
        value: what a caller handed in.
        at: where the value stands, for messages, such as ``config``.

    Raises:
        PlannerError: ``INVALID_METRICS`` for what is measured, ``CONFIG_INVALID`` for what is set;
            ``details["errors"]`` lists every field with its value and remedy.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - costs 0.1 s, and `--help` must not pay it

    try:
        return _adapter(cls).validate_python(value)
    except ValidationError as error:
        raise _planner_error(cls, error, at) from None
    except RecursionError:
        raise PlannerError(ErrorCode.CONFIG_INVALID, f"{at or 'The value'} is nested too deeply to be read.") from None


def decode(cls: type[T], text: str | bytes) -> T:
    """A ``cls`` from JSON text.

    Raises:
        PlannerError: as `validate`, and ``CONFIG_INVALID`` or ``INVALID_METRICS`` when the text is no JSON.
    """
    return validate(cls, parse(text, _code(cls, ())))


def parse(text: str | bytes, code: ErrorCode = ErrorCode.CONFIG_INVALID) -> Any:
    """What JSON text says, before it is held against a type.

    Args:
        text: the text.
        code: of the error.

    Raises:
        PlannerError: the text is no JSON.
    """
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise PlannerError(code, f"The text is no JSON: {error}.", cause=error) from None


def encode(value: Any, *, durations: Durations = "text") -> Any:
    """What ``json.dumps`` takes for a domain object.

    Args:
        value: a domain object.
        durations: ``text`` writes ``"0.350s"``; ``ns`` writes integer nanoseconds, which Go's ``time.Duration`` reads.
    """
    return _adapter(type(value)).dump_python(value, mode="json", context={"durations": durations})


def dumps(value: Any, *, durations: Durations = "text", indent: int | None = None) -> str:
    """A domain object as JSON text."""
    return json.dumps(encode(value, durations=durations), indent=indent, ensure_ascii=False, allow_nan=False)


def json_schema(cls: type[Any]) -> dict[str, Any]:
    """The JSON schema of a domain type."""
    return _adapter(cls).json_schema()


def _adapter(cls: type[T]) -> TypeAdapter[T]:
    if cls not in _ADAPTERS:
        from pydantic import TypeAdapter  # noqa: PLC0415 - as in validate

        _ADAPTERS[cls] = TypeAdapter(cls)
    return _ADAPTERS[cls]


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _planner_error(cls: type[Any], error: ValidationError, at: str) -> PlannerError:
    found = [_finding(cls, detail, at) for detail in error.errors(include_url=False, include_context=False)]
    first = found[0]
    more = f" ({len(found) - 1} more in details.)" if len(found) > 1 else ""
    details = {"field": first["field"], "value": first["value"], "errors": found}
    path = tuple(error.errors(include_url=False, include_context=False)[0]["loc"])
    return PlannerError(_code(cls, path), f"{first['message']}{more}", details=details)


def _finding(cls: type[Any], detail: ErrorDetails, at: str) -> dict[str, str]:
    path = ".".join(str(part) for part in detail["loc"] if str(part) not in _BRANCHES)
    name = ".".join(part for part in (at, path) if part) or "value"
    value = shown(detail["input"])
    match detail["type"]:
        case "value_error":
            sentence = f"{name} is {value}, which {detail['msg'].removeprefix('Value error, ')}"
        case "missing":
            sentence, value = f"{name} is missing.", ""
        case "unexpected_keyword_argument":
            sentence = f"{name} is not a field here.{_nearest(cls, detail['loc'])}"
        case _:
            sentence = f"{name} is {value}: {detail['msg']}."
    return {"field": name, "value": value, "message": sentence}


_BRANCHES = {"Metrics", "PlannerConfig"}


def _nearest(cls: type[Any], path: tuple[Any, ...]) -> str:
    """The field's name that is like the last part of ``path``, of the type where the path leads."""
    *way, name = (str(part) for part in path)
    for part in way:
        cls = next(_dataclasses(get_type_hints(cls).get(part)), cls)
    near = difflib.get_close_matches(name, [item.name for item in fields(cls)], n=1)
    return f" Did you mean {near[0]}?" if near else ""


def _dataclasses(hint: Any) -> Iterator[type[Any]]:
    """The dataclass that a field's type is, or is made of."""
    if isinstance(hint, type) and is_dataclass(hint):
        yield hint
    for part in get_args(hint):
        yield from _dataclasses(part)


def shown(value: Any) -> str:
    """A value as a message shows it: its ``repr``, cut short."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a caller's object may fail to print itself
        text = f"<{type(value).__name__}>"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _code(cls: type[Any], path: tuple[Any, ...]) -> ErrorCode:
    measured = cls.__name__ == "Metrics" or bool(path and path[0] in _MEASURED)
    return ErrorCode.INVALID_METRICS if measured else ErrorCode.CONFIG_INVALID
