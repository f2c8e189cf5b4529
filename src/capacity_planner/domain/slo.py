"""What the owner of a queue promises."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from capacity_planner.fields import CONFIG, Count, Duration, Share


@dataclass(frozen=True, slots=True, kw_only=True)
class SLO:
    """Service level objectives; a zero is "not set", and at least one target must be set.

    Attributes:
        p95_latency: target for the 95th percentile of response time (wait + service).
        max_backlog: most jobs that may wait, without those in service.
        error_budget: share of intervals that may break the SLO.
        drain_time: a backlog present now is gone within it.
        availability: 1 - error budget, as a floor; the tighter of the two holds.
    """

    __pydantic_config__ = CONFIG

    p95_latency: Duration = timedelta(0)
    max_backlog: Count = 0
    error_budget: Share = 0.0
    drain_time: Duration = timedelta(0)
    availability: Share = 0.0

    @property
    def has_target(self) -> bool:
        """Whether anything is promised that a worker count can keep."""
        return bool(self.p95_latency or self.max_backlog or self.drain_time)

    @property
    def allowed_share(self) -> float:
        """Share of intervals that may break the SLO: the tighter of error budget and availability.

        >>> SLO(error_budget=0.02, availability=0.995).allowed_share
        0.005
        """
        if self.availability:
            return min(self.error_budget or 1.0, round(1.0 - self.availability, 12))
        return self.error_budget
