"""The least whole number that is enough: one search, or many in step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

MOST_SERVERS = 2**53
_Point: TypeAlias = tuple[int, float]


def fewest(excess: Callable[[int], float], *, start: int, floor: int) -> int:
    """The least n ≥ ``floor`` with ``excess(n) ≤ 0``, for an ``excess`` that falls.

    From ``start`` in steps that grow fourfold until the answer is enclosed, then by the straight line through the ends
    and by halves in turn.

    >>> fewest(lambda n: 1234.0 - n, start=1200, floor=1)
    1234
    """
    low, high = _enclosed(excess, max(start, floor), floor)
    halve = False
    while high[0] - low[0] > 1:
        middle = (low[0] + high[0]) // 2 if halve else _crossing(low, high)
        point = (middle, excess(middle))
        low, high = (low, point) if point[1] <= 0 else (point, high)
        halve = not halve
    return high[0]


def _enclosed(excess: Callable[[int], float], start: int, floor: int) -> tuple[_Point, _Point]:
    """Neighbouring points of the walk from ``start``: the last that is too few, the first that is enough."""
    point, step = (start, excess(start)), 1
    enough = point[1] <= 0
    while point[0] > floor if enough else point[0] < MOST_SERVERS:
        servers = max(point[0] - step, floor) if enough else point[0] + step
        before, point, step = point, (servers, excess(servers)), 4 * step
        if (point[1] <= 0) != enough:
            return (point, before) if enough else (before, point)
    return ((floor - 1, math.inf), point) if enough else (point, (MOST_SERVERS, 0.0))


def _crossing(low: _Point, high: _Point) -> int:
    """Where the straight line through two points crosses zero, inside."""
    share = low[1] / (low[1] - high[1]) if math.isfinite(low[1] - high[1]) else 0.5
    return min(max(low[0] + math.ceil(share * (high[0] - low[0])), low[0] + 1), high[0] - 1)


def fewest_each(
    enough: Callable[[NDArray[np.intp], NDArray[np.int64]], NDArray[np.bool_]],
    start: NDArray[np.int64],
    floor: NDArray[np.int64],
) -> NDArray[np.int64]:
    """The least n ≥ ``floor`` that is enough, for many questions at once.

    Args:
        enough: whether numbers are enough, given the places of the questions and a number for each.
        start: where to begin, shape (n,).
        floor: the least that can be, shape (n,).

    >>> wanted = np.array([7, 1000, 3])
    >>> fewest_each(lambda at, n: n >= wanted[at], np.array([9, 10, 3]), np.array([1, 1, 3])).tolist()
    [7, 1000, 3]
    """
    low, high = floor - 1, np.full(len(floor), MOST_SERVERS)
    point, step = np.clip(start, floor, MOST_SERVERS), np.ones(len(floor), dtype=np.int64)
    while len(at := np.flatnonzero(high - low > 1)):
        held = enough(at, point[at])
        high[at] = np.where(held, point[at], high[at])
        low[at] = np.where(held, low[at], point[at])
        # From the start on in steps that grow, until the answer is enclosed; then by halves.
        middle = low[at] + (high[at] - low[at]) // 2
        point[at] = np.where(held, np.maximum(high[at] - step[at], middle), np.minimum(low[at] + step[at], middle))
        step[at] = np.minimum(4 * step[at], MOST_SERVERS // 4)
    return high
