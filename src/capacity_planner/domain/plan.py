"""A plan: what to do when, what it costs, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from capacity_planner.domain.slo import SLO
from capacity_planner.fields import (
    CONFIG,
    Count,
    Duration,
    Instant,
    NonNegative,
    Prose,
    Real,
    Share,
    Slice,
    Text,
    Unbounded,
    Whole,
)


class ScalingAction(StrEnum):
    """What a step does."""

    SCALE_UP = "scale_up"
    SCALE_DOWN = "scale_down"
    NO_CHANGE = "no_change"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingStep:
    """One change of the number of workers.

    Attributes:
        sequence: 1, 2, …
        scheduled_at: when to order the change.
        action: scale_up, scale_down or no_change.
        from_workers: workers before.
        to_workers: workers after.
        delta: to_workers - from_workers.
        rationale: why, with the numbers that decided.
        estimated_cost: cost after the step [$/h].
        confidence: probability that the SLO holds from this step's time to the next step's.
        cooldown_until: no further step before this instant.
    """

    __pydantic_config__ = CONFIG

    sequence: Count
    scheduled_at: Instant
    action: ScalingAction
    from_workers: Count
    to_workers: Count
    delta: Whole
    rationale: Prose
    estimated_cost: NonNegative
    confidence: Share
    cooldown_until: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class CostAnalysis:
    """What the plan costs and saves.

    Attributes:
        current_cost_per_hour: current workers x price [$/h].
        projected_cost_per_hour: target workers x price [$/h].
        delta_cost_per_hour: projected - current [$/h].
        monthly_cost_delta: delta over 730 hours [$].
        violation_cost_risk: expected violation cost if the plan is carried out [$/h].
        net_benefit: violation cost that the plan avoids, less what it adds in workers [$/h].
        payback_period: how long the avoided violation cost takes to pay for the workers that the plan adds over its
            window; zero when it adds none, unbounded when it avoids nothing.
    """

    __pydantic_config__ = CONFIG

    current_cost_per_hour: NonNegative
    projected_cost_per_hour: NonNegative
    delta_cost_per_hour: Real
    monthly_cost_delta: Real
    violation_cost_risk: NonNegative
    net_benefit: Real
    payback_period: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredWorkers:
    """The fewest workers that keep the SLO in one interval.

    Attributes:
        start: begin of the interval.
        end: its end.
        arrival_rate: median forecast [jobs/s].
        demand_rate: the forecast quantile that is staffed [jobs/s].
        offered_load: a at the demand rate, its largest value in the interval [erlang].
        backlog: jobs expected to wait at the start of the interval if the plan is carried out.
        workers: the fewest workers, before limits.
    """

    __pydantic_config__ = CONFIG

    start: Instant
    end: Instant
    arrival_rate: NonNegative
    demand_rate: NonNegative
    offered_load: Unbounded
    backlog: Unbounded
    workers: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityPlan:
    """A sequence of scaling steps, with everything needed to simulate it by itself.

    Attributes:
        id: derived from the content: the same plan has the same id.
        generated_at: the instant the plan starts from.
        current_workers: workers at that instant.
        target_workers: workers at the end of the plan's first ramp: the level that the steps up to the window's peak
            reach; for a shrinking load the level that the last step leaves.
        delta: target_workers - current_workers.
        steps: the scaling steps in time order; one ``no_change`` step when nothing is to be done.
        confidence: probability that the SLO, within its error budget, holds over the window.
        cost_impact: the cost analysis.
        slo_achievable: whether the plan keeps the SLO within all limits.
        rationale: why, with the numbers that decided.
        forecast_window: how far the plan reaches.
        safety_margin: the floor on headroom that was used.
        valid_until: make a new plan then.
        queue_name: the queue.
        slo: the SLO it was made for.
        service_time: mean service time.
        service_time_std: its standard deviation, where known.
        service_time_p95: its 95th percentile, where known.
        startup_delay: a worker ordered at t serves from t + startup_delay.
        worker_concurrency: servers per worker.
        required: workers needed per interval.
    """

    __pydantic_config__ = CONFIG

    id: Text
    generated_at: Instant
    current_workers: Count
    target_workers: Count
    delta: Whole
    steps: Annotated[tuple[ScalingStep, ...], Slice()]
    confidence: Share
    cost_impact: CostAnalysis
    slo_achievable: bool
    rationale: Prose
    forecast_window: Duration
    safety_margin: NonNegative
    valid_until: Instant
    queue_name: Text
    slo: SLO = field(default_factory=SLO)
    service_time: Duration = timedelta(0)
    service_time_std: Duration | None = None
    service_time_p95: Duration | None = None
    startup_delay: Duration = timedelta(0)
    worker_concurrency: Count = 1
    required: Annotated[tuple[RequiredWorkers, ...], Slice()] = ()
