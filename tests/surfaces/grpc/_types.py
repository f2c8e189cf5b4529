"""The domain types that travel, found from the questions and answers themselves."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

from capacity_planner.domain.questions import ForecastRequest, ForecastResponse, SimulationRequest
from capacity_planner.domain.request import PlanRequest, PlanResponse
from capacity_planner.domain.simulation import Simulation
from capacity_planner.fields import CountMark, marks_of

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")

QUESTIONS = (PlanRequest, SimulationRequest, ForecastRequest)
ANSWERS = (PlanResponse, Simulation, ForecastResponse)
_WIDEST = 2**31


def _parts(hint: Any) -> Iterator[type[Any]]:
    if isinstance(hint, type) and is_dataclass(hint):
        yield hint
    for part in get_args(hint):
        yield from _parts(part)


def reached(*roots: type[Any]) -> list[type[Any]]:
    """These types and those of their fields."""
    found: dict[type[Any], None] = {}
    waiting = list(roots)
    while waiting:
        cls = waiting.pop()
        if cls not in found:
            found[cls] = None
            hints = get_type_hints(cls, include_extras=True)
            waiting.extend(part for item in fields(cls) for part in _parts(hints[item.name]))
    return sorted(found, key=lambda cls: cls.__name__)


EVERY = reached(*QUESTIONS, *ANSWERS)
ASKED = reached(*QUESTIONS)


def is_needed(item: Field[Any]) -> bool:
    """Whether a field has no default."""
    return item.default is MISSING and item.default_factory is MISSING


def fitted(value: T) -> T:
    """The same with counts of 32 bits; a list that may be ``None`` is it when it is empty."""
    return _fitted(value)  # type: ignore[no-any-return]


def _fitted(value: Any, mark: Any = None) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        marks = marks_of(type(value))
        parts = {item.name: _fitted(getattr(value, item.name), marks.get(item.name)) for item in fields(value)}
        if not parts.get("history", True):
            parts["history"] = None
        return replace(value, **parts)
    if isinstance(value, tuple):
        return tuple(_fitted(part, CountMark()) for part in value)
    if isinstance(mark, CountMark) and mark.lt is None and type(value) is int:
        return value % _WIDEST if value >= 0 else -(-value % _WIDEST)
    return value
