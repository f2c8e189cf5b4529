"""The published proto file says what the domain says, field by field, and never changes what it said."""

from __future__ import annotations

import subprocess
import sys
import types
from dataclasses import MISSING, fields
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import pytest

from capacity_planner.fields import CountMark, DurationMark, InstantMark, Mark, QuantilesMark, RealMark, TextMark
from capacity_planner.units import format_duration

from ._client import ANSWERS, PROTO, compiled
from ._types import EVERY

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests/golden/capacity_planner_v1.txt"
FILE = next(file for file in compiled().file if file.name == PROTO)
MESSAGES = {item.name: item for item in FILE.message_type}
TYPES = {1: "double", 8: "bool", 9: "string", 13: "uint32", 17: "sint32", 4: "uint64"}
REPEATED = 3


def said(message: Any, field: Any) -> str:
    """A field as the file declares it, without its name and number."""
    if field.type_name.endswith("Entry"):
        return "map<string, double>"
    kind = TYPES.get(field.type) or field.type_name.removeprefix(".capacity_planner.v1.").removeprefix(".")
    prefix = "repeated " if field.label == REPEATED else "optional " if field.proto3_optional else ""
    return prefix + kind


def kind_of(hint: Any) -> str:
    """What a type of the domain is on the wire."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        mark = next((item for item in args[1:] if isinstance(item, Mark)), None)
        return kind_of(args[0]) if mark is None else kind_of_mark(mark)
    if origin in {Union, types.UnionType}:
        inner = kind_of(args[0])
        return inner if inner.startswith("repeated") else f"optional {inner}"
    if origin is tuple:
        return f"repeated {kind_of(args[0])}"
    if hint is bool:
        return "bool"
    return "string" if issubclass(hint, Enum) else str(hint.__name__)


def kind_of_mark(mark: Mark) -> str:
    match mark:
        case DurationMark():
            return "google.protobuf.Duration"
        case InstantMark():
            return "google.protobuf.Timestamp"
        case RealMark():
            return "double"
        case TextMark():
            return "string"
        case QuantilesMark():
            return "map<string, double>"
        case CountMark(ge=low, lt=above):
            return "sint32" if low < 0 else "uint32" if above is None else "uint64"
    raise AssertionError(mark)


def default_of(item: Any, hint: Any) -> Any:
    """A default that is not what is not set on the wire, unless the wire's zero means it."""
    marks = [mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, Mark)]
    if item.default in {MISSING, None} or not item.default or (marks and marks[0].zero_means is not None):
        return None
    return item.default


def declared(cls: type[Any]) -> dict[str, str]:
    """How the file should declare the fields of a type."""
    hints, result = get_type_hints(cls, include_extras=True), {}
    for item in fields(cls):
        kind = kind_of(hints[item.name])
        scalar = kind in TYPES.values()
        result[item.name] = f"optional {kind}" if scalar and default_of(item, hints[item.name]) is not None else kind
    return result


def test_the_file_has_a_message_for_every_type_that_travels() -> None:
    assert set(MESSAGES) == {cls.__name__ for cls in EVERY} | {"SimulationResponse"}


@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.__name__)
def test_a_message_has_the_fields_of_its_type(cls: type[Any]) -> None:
    message = MESSAGES[cls.__name__]
    assert {field.name: said(message, field) for field in message.field} == declared(cls)


@pytest.mark.parametrize("name", MESSAGES)
def test_numbers_begin_at_one_and_json_names_are_the_names(name: str) -> None:
    found = MESSAGES[name].field
    assert [field.number for field in found] == list(range(1, len(found) + 1))
    assert [field.json_name for field in found] == [field.name for field in found]


def test_what_was_published_is_still_so() -> None:
    now = {
        f"{name}.{field.name} = {field.number} {said(message, field)}"
        for name, message in MESSAGES.items()
        for field in message.field
    }
    was = set(GOLDEN.read_text(encoding="utf-8").splitlines())
    assert was <= now, "clients break when a published field changes its number or type"
    assert now <= was, f"add what is new to {GOLDEN.name}, and change nothing there"


def test_the_service_is_the_specifications() -> None:
    (service,) = FILE.service
    methods = {
        item.name: (item.input_type.rpartition(".")[2], item.output_type.rpartition(".")[2]) for item in service.method
    }
    assert (FILE.package, service.name, methods) == ("capacity_planner.v1", "CapacityPlannerService", ANSWERS)
    assert not any(item.client_streaming or item.server_streaming for item in service.method)
    assert FILE.options.go_package.endswith("/capacity_planner/v1;capacityplannerv1")


def comments() -> dict[tuple[int, ...], str]:
    return {tuple(place.path): place.leading_comments for place in FILE.source_code_info.location}


def test_every_message_field_and_call_is_explained() -> None:
    found = comments()
    places: dict[tuple[int, ...], str] = {(4, i): item.name for i, item in enumerate(FILE.message_type)}
    places |= {(4, i, 2, j): part.name for i, item in enumerate(FILE.message_type) for j, part in enumerate(item.field)}
    places |= {(6, 0, 2, i): item.name for i, item in enumerate(FILE.service[0].method)}
    assert [name for place, name in places.items() if not found[place].strip()] == []


@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.__name__)
def test_the_explanation_says_the_default_and_the_choices(cls: type[Any]) -> None:
    found, place = comments(), list(MESSAGES).index(cls.__name__)
    hints = get_type_hints(cls, include_extras=True)
    for index, item in enumerate(fields(cls)):
        text = " ".join(found[4, place, 2, index].split())
        default = default_of(item, hints[item.name])
        if default is not None:
            shown = format_duration(default) if isinstance(default, timedelta) else str(default)
            assert f"Not set: {shown}." in text, item.name
        marks = [mark for mark in getattr(hints[item.name], "__metadata__", ()) if isinstance(mark, Mark)]
        if marks and marks[0].zero_means is not None:
            zero = marks[0].zero_means
            assert f"= {format_duration(zero) if isinstance(zero, timedelta) else zero}]" in text, item.name
        if isinstance(hints[item.name], type) and issubclass(hints[item.name], Enum) and item.name != "code":
            assert all(choice.value in text for choice in hints[item.name]), item.name


def test_the_stubs_are_those_of_the_file() -> None:
    subprocess.run([sys.executable, str(ROOT / ".ci/protos.py"), "--check"], check=True)
