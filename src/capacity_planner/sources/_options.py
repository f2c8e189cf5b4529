"""What a source was given → what it works with, or a refusal that names the option."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_WORKERS = 10**6


def whole(name: str, value: Any, *, least: int = 0) -> int:
    """A whole number from ``least`` to a million.

    Raises:
        PlannerError: ``CONFIG_INVALID``; it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise wrong(name, value, "is not a whole number.")
    if not least <= value <= MOST_WORKERS:
        raise wrong(name, value, f"must be from {least} to {MOST_WORKERS:,}.")
    return int(value)


def text(name: str, value: Any, *, empty: bool = False) -> str:
    """A text; one without characters only where ``empty`` allows it.

    Raises:
        PlannerError: ``CONFIG_INVALID``; it is none.
    """
    if not isinstance(value, str):
        raise wrong(name, value, "is not a text.")
    if not value and not empty:
        raise wrong(name, value, "must not be empty.")
    return value


def texts(name: str, value: Any) -> tuple[str, ...]:
    """Texts, of which one may be given without a list.

    Raises:
        PlannerError: ``CONFIG_INVALID``; they are none.
    """
    items: Sequence[Any] = (value,) if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise wrong(name, value, "is not a list of texts.")
    return tuple(text(name, item) for item in items)


def seconds(name: str, value: Any, *, least: float = -math.inf) -> float:
    """A duration in words, of at least so many seconds [s].

    Raises:
        PlannerError: ``CONFIG_INVALID``; it is none.
    """
    try:
        length = parse_duration(value, wire=False).total_seconds()
    except ValueError as error:
        raise wrong(name, value, str(error)) from None
    if length < least:
        raise wrong(name, value, f"must be at least {least:g}s.")
    return length


def wrong(name: str, value: Any, problem: str) -> PlannerError:
    """The refusal of an option."""
    field = f"source.options.{name}"
    details = {"field": field, "value": repr(value)}
    return PlannerError(ErrorCode.CONFIG_INVALID, f"{field} is {value!r}, which {problem}", details=details)
