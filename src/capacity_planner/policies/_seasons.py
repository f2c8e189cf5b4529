"""What the load was at the same time of the week or of the day."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capacity_planner.domain.policy import PolicyTask, Seen

DAY, WEEK = 86_400.0, 604_800.0
_REACH = 300.0


class SeasonalLoad:
    """Load as it was one week earlier, one day earlier where there is no week, lately where there is no day.

    Each is a mean over 5 minutes to both sides; in between a bin it stays as it is.

    Args:
        task: the queue.
    """

    def __init__(self, task: PolicyTask) -> None:
        self._past, self._interval = len(task.past), task.interval
        self._per_count = task.service_time / task.concurrency / task.interval
        self._seasons = [max(round(season / task.interval), 1) for season in (WEEK, DAY)]
        self._reach = round(_REACH / task.interval)
        self._last: tuple[int, int, float | None] = (-1, -1, None)

    def at(self, seen: Seen, ahead: float) -> float | None:
        """In workers, ``ahead`` seconds from now; ``None`` where nothing is known."""
        place, known = self._past + int((seen.now + ahead) / self._interval + 1e-9), len(seen.counts)
        if self._last[:2] != (place, known):
            self._last = place, known, self._found(seen, place, known)
        return self._last[2]

    def _found(self, seen: Seen, place: int, known: int) -> float | None:
        reach = self._reach
        for season in self._seasons:
            middle = place - season
            if 0 <= middle < known:
                return self._mean(seen, max(middle - reach, 0), min(middle + reach + 1, known))
        return self._mean(seen, max(known - max(reach, 1), 0), known) if known else None

    def _mean(self, seen: Seen, first: int, end: int) -> float:
        return float(seen.counts[first:end].sum()) / (end - first) * self._per_count
