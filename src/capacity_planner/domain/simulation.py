"""What happened when a plan was tried."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from capacity_planner.domain.plan import CostAnalysis
from capacity_planner.domain.scenario import SimulationScenario
from capacity_planner.fields import (
    CONFIG,
    Count,
    Duration,
    Instant,
    NonNegative,
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
class TimelinePoint:
    """One interval of a simulation; a mean over the replications.

    Attributes:
        timestamp: begin of the interval.
        workers: mean number of workers that are paid, rounded.
        arrival_rate: jobs that arrived per second [jobs/s].
        service_rate: jobs served per second at full use [jobs/s].
        backlog: mean number of waiting jobs.
        latency: mean response time of the jobs that arrived in it and were served.
        p95_latency: 95th percentile of the response time of the jobs that arrived in it; one that gave up never
            responds.
        utilization: busy share of the workers that serve.
        cost: workers, and the price of a violation where there is one [$].
        slo_violation: whether the SLO was broken; with several replications, in at least half of them.
        max_backlog: most jobs that waited at one time.
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
    max_backlog: Count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationSummary:
    """A simulation in a dozen numbers, means over the replications; see `TimelinePoint` for the units.

    Attributes:
        avg_backlog: mean number of waiting jobs.
        max_backlog: most jobs that waited at one time.
        avg_latency: mean response time of the jobs that were served.
        p95_latency: 95th percentile of the response time of all jobs that arrived.
        slo_violations: intervals that broke the SLO.
        slo_achievement: share of intervals that kept it.
        total_cost: workers and violations [$].
        avg_utilization: busy share of the workers that serve.
        efficiency_score: 100 x busy share of the paid worker time x `slo_achievement`.
        jobs: jobs that arrived.
        abandoned: those of them that gave up, or never found a worker.
    """

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
    jobs: Count = 0
    abandoned: Count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceInterval:
    """Where the true mean of a measure of the summary lies, from independent replications.

    Attributes:
        measure: name of the field of the summary.
        mean: mean over the replications [seconds for latencies].
        lower: lower end.
        upper: upper end.
        level: probability that the interval covers the true mean.
    """

    __pydantic_config__ = CONFIG

    measure: Text
    mean: Unbounded
    lower: Unbounded
    upper: Unbounded
    level: Share


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
        risk_score: mean over the intervals of how near the targets they came: 0 up to 80 % of the target, 1 at the
            target and beyond, evenly in between.
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
        confidence_intervals: of the means in the summary; none with one replication.
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
    confidence_intervals: Annotated[tuple[ConfidenceInterval, ...], Slice()] = ()
