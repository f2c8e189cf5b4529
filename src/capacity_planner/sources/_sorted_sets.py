"""Sorted sets of what has finished: how many members came, though old ones are cleared away meanwhile."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 200


class Gained:
    """How many members a sorted set gained in all, where newer ones have higher scores.

    Attributes:
        total: since it was first looked at; may be too few where `sure` is not.
        sure: whether the newest look can have missed none.
        newest: the newest members, the newest first; at most 200.
    """

    def __init__(self) -> None:
        self.total = 0.0
        self.sure = True
        self.newest: list[str] = []
        self._mark: float | None = None
        self._at_mark = 0
        self._blurred = False

    def ask(self, pipeline: Any, key: str) -> None:
        """Put four questions."""
        mark = -math.inf if self._mark is None else self._mark
        pipeline.zrevrange(key, 0, MOST - 1, withscores=True)
        pipeline.zcount(key, mark, math.inf)
        pipeline.zcount(key, mark, mark)
        pipeline.zcard(key)

    def read(self, answers: Sequence[Any], *, expired: float = math.inf) -> None:
        """Take the answers.

        Args:
            answers: the four, in their order.
            expired: members of a lower score may have been cleared away for their age alone.
        """
        members, above, at_mark, size = answers
        self.newest = [name for name, _ in members]
        if self._mark is not None:
            cleared = math.isfinite(self._mark) and at_mark < self._at_mark
            self.sure = not self._blurred and (not cleared or size > above or self._mark > expired)
            self.total += max(0, above - (at_mark if cleared else self._at_mark))
        self._remember(members, size)

    def _remember(self, members: Sequence[tuple[str, float]], size: int) -> None:
        """The newest score, and how many have it; where these are too many to know, all there are."""
        top = members[0][1] if members else -math.inf
        count = sum(score == top for _, score in members)
        self._blurred = math.isfinite(top) and count == len(members) < size
        whole = math.isinf(top) or self._blurred
        self._mark, self._at_mark = (-math.inf, size) if whole else (top, count)
