"""What a planner is asked and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.forecast import Forecast
from capacity_planner.domain.metrics import Metrics
from capacity_planner.domain.plan import CapacityPlan
from capacity_planner.domain.queueing import QueueingResult
from capacity_planner.domain.slo import SLO
from capacity_planner.errors import ErrorCode
from capacity_planner.fields import CONFIG, Duration, Flag, Prose, Slice, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """A question to the planner.

    Attributes:
        current_metrics: the newest sample.
        slo: what must hold.
        queue_name: the queue; empty takes the metrics' queue name.
        config: settings for this request; ``None`` takes the planner's.
        history: earlier samples; ``None`` takes what the planner observed.
        force_regen: skip the caches and the cooldown.
        strict: raise SLO_UNACHIEVABLE and CAPACITY_LIMIT_EXCEEDED instead of warning.
    """

    __pydantic_config__ = CONFIG

    current_metrics: Metrics
    slo: SLO
    queue_name: Text = ""
    config: PlannerConfig | None = None
    history: tuple[Metrics, ...] | None = None
    force_regen: Flag = False
    strict: Flag = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanWarning:
    """Something a person should know before the plan is applied."""

    __pydantic_config__ = CONFIG

    code: ErrorCode
    message: Prose


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanResponse:
    """A plan and what it rests on.

    Attributes:
        plan: the capacity plan.
        forecast: the arrival rate per interval.
        queueing_result: the queue at the binding interval, served by the workers planned for it.
        recommendations: what a person could do, in plain words.
        warnings: what a person should know.
        generation_time: how long the plan took to make.
        cache_hit: whether it was made before.
    """

    __pydantic_config__ = CONFIG

    plan: CapacityPlan
    forecast: Annotated[tuple[Forecast, ...], Slice()]
    queueing_result: QueueingResult
    recommendations: Annotated[tuple[Prose, ...], Slice()] = ()
    warnings: Annotated[tuple[PlanWarning, ...], Slice()] = ()
    generation_time: Duration
    cache_hit: bool = False
