"""The arguments of a calculation, held against their bounds before anything is calculated."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from capacity_planner import codec
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.units import parse_duration, seconds_of, words

if TYPE_CHECKING:
    from datetime import timedelta

    from numpy.typing import ArrayLike

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.fields import Mark


def number(name: str, value: Any, mark: Mark) -> float:
    """One number within the bounds of ``mark``.

    Raises:
        PlannerError: ``INVALID_METRICS`` with the argument's name.
    """
    try:
        return float(mark.checked(value))
    except ValueError as error:
        raise PlannerError(
            ErrorCode.INVALID_METRICS,
            f"{name} is {codec.shown(value)}, which {error}",
            details={"field": name, "value": codec.shown(value)},
        ) from None


def numbers(name: str, values: ArrayLike, mark: Mark) -> FloatArray:
    """An array whose every entry is within the bounds of ``mark``.

    Raises:
        PlannerError: ``INVALID_METRICS`` with the argument's name.
    """
    try:
        array = np.asarray(values)
        array = array.astype(float, casting="safe" if array.dtype.kind == "f" else "same_kind")
    except (OverflowError, TypeError, ValueError) as error:
        raise _bad_batch(name, values, f"no array of numbers: {error}") from None
    for entry in _outermost(array):
        number(name, float(entry), mark)
    return array


def _outermost(array: FloatArray) -> list[float]:
    """Entries of which one is out of bounds if any is: not finite, not whole, the least, the largest."""
    with np.errstate(invalid="ignore"):
        odd = [array[~np.isfinite(array)], array[array != np.floor(array)]]
    ends = [array.min(), array.max()] if array.size else []
    return [*(float(part[0]) for part in odd if part.size), *map(float, ends)]


def broadcast(**arrays: np.ndarray[Any, Any]) -> None:
    """Make sure that the arrays fit each other.

    Raises:
        PlannerError: ``INVALID_METRICS`` with their shapes.
    """
    try:
        np.broadcast_shapes(*(array.shape for array in arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise _bad_batch("arrival_rates", shapes, "of shapes that do not broadcast against each other") from None


def _bad_batch(name: str, value: object, problem: str) -> PlannerError:
    return PlannerError(
        ErrorCode.INVALID_METRICS,
        f"{name} is {codec.shown(value)}, which is {problem}.",
        details={"field": name, "value": codec.shown(value)},
    )


def target_seconds(value: timedelta) -> float:
    """A latency target as seconds.

    Raises:
        PlannerError: ``CONFIG_INVALID`` when it is no time above zero.
    """
    try:
        target = seconds_of(parse_duration(value, wire=False))
    except ValueError as error:
        raise PlannerError(
            ErrorCode.CONFIG_INVALID,
            f"target_latency is {codec.shown(value)}, which {error}",
            details={"field": "target_latency", "value": codec.shown(value)},
        ) from None
    if target > 0 and math.isfinite(target):
        return target
    raise PlannerError(
        ErrorCode.CONFIG_INVALID,
        f"target_latency is {words(value)}, which is no target. Give a time above zero.",
        details={"field": "target_latency", "value": words(value)},
    )
