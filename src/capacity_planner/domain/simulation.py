"""A what-if question and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from capacity_planner.domain.plan import CapacityPlan, CostAnalysis
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
    Share,
    Slice,
    Text,
    Unbounded,
)


class ViolationType(StrEnum):
    """Which target was broken."""

    LATENCY = "latency"
    BACKLOG = "backlog"


class ViolationSeverity(StrEnum):
    """How badly."""

    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationScenario:
    """A plan, a traffic pattern and the conditions to try them under.

    Attributes:
        name: a short name.
        description: what is tried, in words.
        plan: the plan to carry out.
        slo_override: another SLO than the plan's.
        traffic_pattern: the arrivals.
        duration: simulated time.
        granularity: length of a timeline interval.
        start: begin of the simulated time; ``None`` takes the plan's.
        service_time: mean service time; ``None`` takes the plan's.
        service_time_std: its standard deviation; ``None`` takes the plan's.
        startup_delay: ``None`` takes the plan's.
        initial_backlog: jobs that wait at the start.
        replications: independent runs.
        seed: seed of the random streams.
    """

    __pydantic_config__ = CONFIG

    name: Text
    description: Prose = ""
    plan: CapacityPlan
    slo_override: SLO | None = None
    traffic_pattern: TrafficPattern
    duration: PositiveDuration
    granularity: PositiveDuration = timedelta(minutes=5)
    start: Instant | None = None
    service_time: Duration | None = None
    service_time_std: Duration | None = None
    startup_delay: Duration | None = None
    initial_backlog: Count = 0
    replications: Annotated[int, CountMark(ge=1, le=10_000)] = 1
    seed: Annotated[int, CountMark(ge=0, lt=2**63)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelinePoint:
    """One interval of a simulation.

    Attributes:
        timestamp: begin of the interval.
        workers: workers that are paid.
        arrival_rate: λ [jobs/s].
        service_rate: jobs served per second at full use [jobs/s].
        backlog: mean number of waiting jobs.
        latency: mean response time of the jobs that arrived in it.
        p95_latency: 95th percentile of their response time.
        utilization: busy share of the workers.
        cost: cost of the interval [$].
        slo_violation: whether the SLO was broken.
    """

    __pydantic_config__ = CONFIG

    timestamp: Instant
    workers: Count
    arrival_rate: NonNegative
    service_rate: NonNegative
    backlog: NonNegative
    latency: Duration
    p95_latency: Duration
    utilization: Unbounded
    cost: NonNegative
    slo_violation: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationSummary:
    """A simulation in nine numbers; see `TimelinePoint` for the units."""

    __pydantic_config__ = CONFIG

    avg_backlog: NonNegative
    max_backlog: Count
    avg_latency: Duration
    p95_latency: Duration
    slo_violations: Count
    slo_achievement: Share
    total_cost: NonNegative
    avg_utilization: NonNegative
    efficiency_score: NonNegative


@dataclass(frozen=True, slots=True, kw_only=True)
class ViolationPeriod:
    """Neighbouring intervals that broke the same target.

    Attributes:
        start: begin of the first.
        end: end of the last.
        duration: end - start.
        type: the target that was broken.
        severity: minor, major or critical.
        max_value: the worst value [s of latency, or jobs of backlog].
        impact: what it meant, in words.
    """

    __pydantic_config__ = CONFIG

    start: Instant
    end: Instant
    duration: Duration
    type: ViolationType
    severity: ViolationSeverity
    max_value: NonNegative
    impact: Prose


@dataclass(frozen=True, slots=True, kw_only=True)
class SLOAnalysis:
    """How the SLO fared.

    Attributes:
        latency_compliance: share of intervals that kept the latency target.
        backlog_compliance: share of intervals that kept the backlog target.
        availability_achieved: share of intervals that kept all targets.
        error_budget_used: broken share over allowed share; above 1 the budget is spent.
        violation_periods: what was broken when.
        risk_score: 0 (none) to 1.
    """

    __pydantic_config__ = CONFIG

    latency_compliance: Share
    backlog_compliance: Share
    availability_achieved: Share
    error_budget_used: Unbounded
    violation_periods: Annotated[tuple[ViolationPeriod, ...], Slice()] = ()
    risk_score: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What happened when the plan was tried.

    Attributes:
        id: derived from the scenario: the same scenario has the same id.
        scenario: the question.
        timeline: the answer per interval.
        summary: the answer in nine numbers.
        slo_analysis: how the SLO fared.
        cost_analysis: what it cost.
        duration: how long the simulation took.
        created_at: when it was run.
    """

    __pydantic_config__ = CONFIG

    id: Text
    scenario: SimulationScenario
    timeline: Annotated[tuple[TimelinePoint, ...], Slice()]
    summary: SimulationSummary
    slo_analysis: SLOAnalysis
    cost_analysis: CostAnalysis
    duration: Duration
    created_at: Instant
