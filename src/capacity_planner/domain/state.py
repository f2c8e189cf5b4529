"""What a planner remembers of a queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from capacity_planner.domain.forecast import Forecast
from capacity_planner.domain.metrics import Metrics
from capacity_planner.domain.plan import CapacityPlan
from capacity_planner.fields import CONFIG, Count, Instant, Slice


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerState:
    """A snapshot of one queue's state.

    Attributes:
        last_plan: the newest plan that was made.
        last_update: timestamp of the newest sample or plan.
        last_scaling: when workers were last scaled, as recorded.
        cooldown_until: no scaling before this instant.
        anomaly_detected: whether the newest sample is off what was forecast for it.
        anomaly_start: when the present anomaly began.
        baseline_metrics: the newest sample that was no anomaly.
        recent_history: the samples within the history window, oldest first.
        forecast_cache: the newest forecast.
        config_version: how often the configuration was changed.
    """

    __pydantic_config__ = CONFIG

    last_plan: CapacityPlan | None = None
    last_update: Instant | None = None
    last_scaling: Instant | None = None
    cooldown_until: Instant | None = None
    anomaly_detected: bool = False
    anomaly_start: Instant | None = None
    baseline_metrics: Metrics | None = None
    recent_history: Annotated[tuple[Metrics, ...], Slice()] = ()
    forecast_cache: Annotated[tuple[Forecast, ...], Slice()] = ()
    config_version: Count = 0
