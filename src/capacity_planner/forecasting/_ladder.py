"""The horizons that are learned; the others lie between them."""

from __future__ import annotations

_RATIO = 1.5


def ladder(longest: int, day: int) -> tuple[int, ...]:
    """Horizons from 1 to ``longest``: each half as far again as the one before, at most a third of a day apart.

    Beyond a day and a half they are one and a third days apart, so that they fall on different times of the day.

    >>> ladder(12, 288), ladder(48, 24)
    ((1, 2, 3, 5, 8, 12), (1, 2, 3, 5, 8, 12, 18, 26, 34, 42, 48))
    """
    steps = [1]
    while steps[-1] < longest:
        farthest = max(day // 3, 1) if steps[-1] < day + day // 2 else max(day + day // 3, 1)
        after = min(max(steps[-1] + 1, round(_RATIO * steps[-1] + 0.1)), steps[-1] + farthest)
        steps.append(min(after, longest))
    return tuple(steps)
