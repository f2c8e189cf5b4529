"""How the planner is set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from capacity_planner.fields import (
    CONFIG,
    CountMark,
    Duration,
    DurationMark,
    RealMark,
    Share,
    TextMark,
)

_DAY = timedelta(days=1)
_MOST_WORKERS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerConfig:
    """Settings of a planner; the defaults are the specification's.

    A zero (an empty text for a name), which is what a Go client sends for a field it left out, means the default in
    those fields where zero has no meaning of its own; they are marked [0 = default].

    Attributes:
        forecast_window: how far ahead to plan [0 = default].
        forecast_model: name of the forecast model [empty = default].
        history_window: how much history to use [0 = default].
        seasonal_period: length of the season; zero detects it.
        safety_margin: floor on headroom over what the median forecast needs (0.15 = 15 %).
        confidence_threshold: confidence a plan must reach to be applied without review; also the forecast quantile
            that is staffed [0 = default].
        max_step_size: most workers one step adds or removes [0 = default].
        cooldown_period: least time between two steps.
        min_workers: never fewer workers.
        max_workers: never more workers [0 = default].
        worker_cost_per_hour: $ per worker and hour.
        violation_cost_per_hour: $ per hour in which the SLO is broken.
        scale_up_threshold: utilisation above which the plan adds workers [0 = default].
        scale_down_threshold: utilisation below which the plan may remove workers.
        anomaly_threshold: robust standard deviations off the forecast that make an anomaly [0 = default].
        spike_threshold: multiple of the recent level that makes a spike [0 = default].
        queueing_model: ``mm1``, ``mg1``, ``mmc`` or ``mgc`` [empty = default].
        service_time_model: ``exponential`` or ``general`` [empty = default]; with ``general``, ``mmc`` and ``mm1`` take
            the service time's measured spread into account (as ``mgc`` and ``mg1``), which ``mgc`` always does.
        startup_delay: a worker ordered at t serves from t + startup_delay.
        worker_concurrency: jobs one worker serves at once; servers = workers x concurrency.
        plan_interval: length of an interval of the plan [0 = default].
        scale_up_cooldown: least time before a step that adds workers; ``None`` is cooldown_period.
        seed: seed of simulations whose scenario has none.
    """

    __pydantic_config__ = CONFIG

    forecast_window: Annotated[
        timedelta, DurationMark(gt=timedelta(0), le=366 * _DAY, zero_means=timedelta(hours=1))
    ] = timedelta(minutes=60)
    forecast_model: Annotated[str, TextMark(zero_means="ewma")] = "ewma"
    history_window: Annotated[timedelta, DurationMark(gt=timedelta(0), le=3660 * _DAY, zero_means=_DAY)] = timedelta(
        hours=24
    )
    seasonal_period: Duration = timedelta(0)

    safety_margin: Annotated[float, RealMark(ge=0, le=10)] = 0.15
    confidence_threshold: Annotated[float, RealMark(ge=0, lt=1, zero_means=0.85)] = 0.85
    max_step_size: Annotated[int, CountMark(ge=1, le=_MOST_WORKERS, zero_means=15)] = 15
    cooldown_period: Annotated[timedelta, DurationMark(ge=timedelta(0), le=366 * _DAY)] = timedelta(minutes=5)

    min_workers: Annotated[int, CountMark(ge=0, le=_MOST_WORKERS)] = 1
    max_workers: Annotated[int, CountMark(ge=1, le=_MOST_WORKERS, zero_means=100)] = 100

    worker_cost_per_hour: Annotated[float, RealMark(ge=0, le=1e9)] = 0.50
    violation_cost_per_hour: Annotated[float, RealMark(ge=0, le=1e12)] = 100.0

    scale_up_threshold: Annotated[float, RealMark(gt=0, le=1, zero_means=0.80)] = 0.80
    scale_down_threshold: Share = 0.60

    anomaly_threshold: Annotated[float, RealMark(gt=0, zero_means=3.0)] = 3.0
    spike_threshold: Annotated[float, RealMark(gt=1, zero_means=2.0)] = 2.0

    queueing_model: Annotated[str, TextMark(zero_means="mmc")] = "mmc"
    service_time_model: Annotated[str, TextMark(zero_means="exponential")] = "exponential"

    startup_delay: Annotated[timedelta, DurationMark(ge=timedelta(0), le=_DAY)] = timedelta(0)
    worker_concurrency: Annotated[int, CountMark(ge=1, le=10_000)] = 1
    plan_interval: Annotated[
        timedelta, DurationMark(ge=timedelta(seconds=1), le=_DAY, zero_means=timedelta(minutes=5))
    ] = timedelta(minutes=5)
    scale_up_cooldown: Annotated[timedelta, DurationMark(ge=timedelta(0), le=366 * _DAY)] | None = None
    seed: Annotated[int, CountMark(ge=0, lt=2**63)] = 0

    @property
    def cooldown_up(self) -> timedelta:
        """Least time before a step that adds workers."""
        return self.cooldown_period if self.scale_up_cooldown is None else self.scale_up_cooldown


def default_config() -> PlannerConfig:
    """The specification's ``DefaultConfig()``.

    >>> default_config().max_step_size, default_config().history_window
    (15, datetime.timedelta(days=1))
    """
    return PlannerConfig()
