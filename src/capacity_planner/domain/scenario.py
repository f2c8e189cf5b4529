"""A what-if question: a plan, arrivals, and the conditions to try them under."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from capacity_planner.domain.plan import CapacityPlan
from capacity_planner.domain.slo import SLO
from capacity_planner.domain.traffic import TrafficPattern
from capacity_planner.fields import (
    CONFIG,
    Count,
    CountMark,
    Duration,
    Instant,
    NonNegative,
    PositiveDuration,
    Prose,
    Slice,
    Text,
)


class ServiceFamily(StrEnum):
    """The family of laws that simulated service times are drawn from."""

    AUTO = "auto"
    EXPONENTIAL = "exponential"
    DETERMINISTIC = "deterministic"
    GAMMA = "gamma"
    LOGNORMAL = "lognormal"
    HYPEREXPONENTIAL = "hyperexponential"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTrace:
    """Jobs as they were measured, to be replayed.

    Attributes:
        arrival_times: seconds after the scenario's start, ascending; every job arrives when it did.
        counts: jobs per interval, spread evenly at random within it; in place of ``arrival_times``.
        interval: length of an interval of ``counts``.
        service_times: measured service times [s]: as many as ``arrival_times`` are those jobs' own, else a sample
            that service times are drawn from.
    """

    __pydantic_config__ = CONFIG

    arrival_times: Annotated[tuple[NonNegative, ...], Slice()] = ()
    counts: Annotated[tuple[Count, ...], Slice()] = ()
    interval: Duration = timedelta(0)
    service_times: Annotated[tuple[NonNegative, ...], Slice()] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationScenario:
    """A plan, arrivals and the conditions to try them under.

    Attributes:
        name: a short name.
        description: what is tried, in words.
        plan: the plan to carry out.
        slo_override: another SLO than the plan's.
        traffic_pattern: the arrivals; ``None`` where ``trace`` has them.
        duration: simulated time.
        granularity: length of a timeline interval.
        start: begin of the simulated time; ``None`` takes the plan's.
        service_time: mean service time; ``None`` or zero takes the plan's.
        service_time_std: its standard deviation; ``None`` takes the plan's, in proportion to the mean.
        startup_delay: ``None`` takes the plan's.
        initial_backlog: jobs that wait at the start.
        replications: independent runs.
        seed: seed of the random streams; ``None`` takes the configuration's.
        trace: measured jobs to replay.
        service_time_p95: 95th percentile of the service time; ``None`` takes the plan's.
        service_family: the law of service times; ``auto`` chooses by what is known, as a plan does.
        patience: a job whose service has not begun after so long gives up; zero waits for ever.
        batch_size: jobs that arrive together; the traffic pattern counts jobs, not batches.
    """

    __pydantic_config__ = CONFIG

    name: Text
    description: Prose = ""
    plan: CapacityPlan
    slo_override: SLO | None = None
    traffic_pattern: TrafficPattern | None = None
    duration: PositiveDuration
    granularity: PositiveDuration = timedelta(minutes=5)
    start: Instant | None = None
    service_time: Duration | None = None
    service_time_std: Duration | None = None
    startup_delay: Duration | None = None
    initial_backlog: Count = 0
    replications: Annotated[int, CountMark(ge=1, le=10_000)] = 1
    seed: Annotated[int, CountMark(ge=0, lt=2**63)] | None = None
    trace: JobTrace | None = None
    service_time_p95: Duration | None = None
    service_family: ServiceFamily = ServiceFamily.AUTO
    patience: Duration = timedelta(0)
    batch_size: Annotated[int, CountMark(ge=1, le=10**6)] = 1
