"""What the service is asked beside plans, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.forecast import Forecast, ForecastAccuracy
from capacity_planner.domain.metrics import Metrics
from capacity_planner.domain.request import PlanWarning
from capacity_planner.domain.scenario import SimulationScenario
from capacity_planner.fields import CONFIG, Count, Duration, NonNegative, PositiveDuration, Slice, Text, Unbounded


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastRequest:
    """A question for the arrival rates to come.

    Attributes:
        queue_name: the queue whose stored samples to take; empty where ``history`` is given.
        history: samples; ``None`` takes the stored ones.
        horizon: how far ahead; zero takes the configuration's forecast_window.
        config: settings; ``None`` takes the queue's, or else the service's.
    """

    __pydantic_config__ = CONFIG

    queue_name: Text = ""
    history: tuple[Metrics, ...] | None = None
    horizon: Duration = timedelta(0)
    config: PlannerConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastResponse:
    """The arrival rates to come.

    Attributes:
        queue_name: the queue.
        model: the model that forecast.
        forecasts: the rate of every interval.
        accuracy: how right the forecasts of this queue were.
        warnings: what a person should know.
        generation_time: how long it took.
    """

    __pydantic_config__ = CONFIG

    queue_name: Text = ""
    model: Text
    forecasts: Annotated[tuple[Forecast, ...], Slice()] = ()
    accuracy: Annotated[tuple[ForecastAccuracy, ...], Slice()] = ()
    warnings: Annotated[tuple[PlanWarning, ...], Slice()] = ()
    generation_time: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueingRequest:
    """A question of queueing theory: give ``servers`` for the latency, or ``target_latency`` for the servers.

    Attributes:
        arrival_rate: λ [jobs/s].
        service_rate: μ per server [jobs/s].
        servers: c; ``None`` takes the fewest that meet ``target_latency``.
        target_latency: target for the 95th percentile of wait + service.
        metrics: facts of the service time's spread.
        config: settings; ``queueing_model`` and ``service_time_model`` count.
    """

    __pydantic_config__ = CONFIG

    arrival_rate: NonNegative
    service_rate: Unbounded
    servers: Count | None = None
    target_latency: PositiveDuration | None = None
    metrics: Metrics | None = None
    config: PlannerConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationRequest:
    """A what-if question.

    Attributes:
        scenario: a plan, arrivals, and the conditions to try them under.
        config: settings; the prices and the seed count. ``None`` takes the service's.
    """

    __pydantic_config__ = CONFIG

    scenario: SimulationScenario
    config: PlannerConfig | None = None
