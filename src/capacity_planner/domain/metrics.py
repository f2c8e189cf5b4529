"""What was measured of a queue at one instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from capacity_planner.fields import CONFIG, Count, CountMark, Duration, Measured, NonNegative, Rate, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """One sample of a queue.

    Attributes:
        timestamp: when it was measured; not after the year 9000, so that there is room to plan ahead.
        arrival_rate: λ [jobs/s].
        service_time: mean service time E[S] = 1/μ; zero is "not known".
        service_time_p95: 95th percentile of S; ``None`` or zero is "not known".
        service_time_std: standard deviation of S; ``None`` is "not known", zero is deterministic service, but "not
            known" beside a ``service_time_p95`` that is not the mean (Go's zero values).
        current_workers: workers that run now.
        utilization: measured busy share of the workers; zero is "not known".
        backlog: jobs that wait, without those in service.
        active_jobs: jobs in service.
        queue_name: the queue's identifier.
    """

    __pydantic_config__ = CONFIG

    timestamp: Measured
    arrival_rate: Rate
    service_time: Duration = timedelta(0)
    service_time_p95: Duration | None = None
    service_time_std: Duration | None = None
    current_workers: Annotated[int, CountMark(ge=0, le=10**9)] = 0
    utilization: NonNegative = 0.0
    backlog: Count = 0
    active_jobs: Count = 0
    queue_name: Text = ""
