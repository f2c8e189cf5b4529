"""A plan response → one line per interval: what is expected, what is needed, what serves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from capacity_planner.domain.plan import CapacityPlan
    from capacity_planner.domain.request import PlanResponse


@dataclass(frozen=True, slots=True)
class Interval:
    """One interval of a plan.

    Attributes:
        start: its begin.
        end: its end.
        median: median forecast [jobs/s].
        lower: lower bound of the band [jobs/s].
        upper: upper bound of the band [jobs/s].
        required: the fewest workers that keep the SLO.
        planned: workers that serve at its start.
    """

    start: datetime
    end: datetime
    median: float
    lower: float
    upper: float
    required: int
    planned: int

    @property
    def short(self) -> bool:
        """Whether fewer workers serve than are needed."""
        return self.planned < self.required


def timeline(response: PlanResponse) -> list[Interval]:
    """The plan's intervals in time order."""
    bands = {item.timestamp: (item.lower, item.upper) for item in response.forecast}
    plan = response.plan
    return [
        Interval(
            need.start,
            need.end,
            need.arrival_rate,
            *bands.get(need.end, (need.arrival_rate, need.arrival_rate)),
            need.workers,
            serving(plan, need.start),
        )
        for need in plan.required
    ]


def serving(plan: CapacityPlan, instant: datetime) -> int:
    """Workers that serve at an instant: an added one only after its start-up delay."""
    workers = plan.current_workers
    for step in plan.steps:
        delay = plan.startup_delay if step.delta > 0 else step.scheduled_at - step.scheduled_at
        if step.scheduled_at + delay <= instant:
            workers = step.to_workers
    return workers


def condensed(intervals: list[Interval], most: int) -> list[Interval]:
    """At most that many lines, each the worst of the intervals it stands for."""
    size = -(-len(intervals) // most)
    groups = (intervals[at : at + size] for at in range(0, len(intervals), max(size, 1)))
    return [_worst(group) for group in groups]


def _worst(group: list[Interval]) -> Interval:
    peak = max(group, key=lambda item: item.median)
    tight = max(group, key=lambda item: item.required - item.planned)
    return replace(peak, start=group[0].start, end=group[-1].end, required=tight.required, planned=tight.planned)
