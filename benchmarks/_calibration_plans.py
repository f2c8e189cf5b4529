"""Plans to be judged: the planner's own, and some drawn from thrifty to generous, so that not all are kept."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import NormalDist
from typing import TYPE_CHECKING

from _traces import INTERVAL
from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.domain.metrics import Metrics
from capacity_planner.domain.slo import SLO
from capacity_planner.forecasting._residuals import LEVELS
from capacity_planner.planning.demand import Demand
from capacity_planner.planning.needs import needs
from capacity_planner.planning.schedule import Path
from capacity_planner.planning.staffing import Staffing, Targets
from capacity_planner.planning.worked import study
from capacity_planner.registry import queue_models

if TYPE_CHECKING:
    import numpy as np

    from _calibration_walk import Origin
    from capacity_planner.contracts import ServiceLaw
    from capacity_planner.planning.fluid import Fluid
    from capacity_planner.planning.study import Study

_LOADS = (4.0, 12.0, 40.0)
_LONGEST = 1200.0
_SCVS = (0.5, 1.0, 1.0, 4.0)
_STARTUPS = (0.0, 30.0, 120.0, 300.0)
_WINDOWS = (1800, 3600)
_BUDGETS = (0.0, 0.0, 0.1)
_PROBITS = tuple(map(NormalDist().inv_cdf, LEVELS))


@dataclass(frozen=True, kw_only=True)
class Case:
    """A queue with an SLO, at an origin.

    Args:
        origin: what was known of the arrivals.
        staffing: with the service time and the latency.
        slo: what must hold.
        config: settings.
        generosity: the quantile at which a drawn plan is staffed, from .2 to .99.
    """

    origin: Origin
    staffing: Staffing
    slo: SLO
    config: PlannerConfig
    generosity: float

    @property
    def law(self) -> ServiceLaw:
        """The service time."""
        return self.staffing.law

    @property
    def demands(self) -> list[Demand]:
        """The forecast of each interval of the plan."""
        count = round(self.config.forecast_window / self.config.plan_interval)
        rows = self.origin.quantiles[:count].tolist()
        return [Demand(row[LEVELS.index(0.5)], _PROBITS, tuple(row)) for row in rows]

    @property
    def levels(self) -> list[int]:
        """Workers that each interval needs at the drawn quantile."""
        rate = float(self.origin.trace.rates[self.origin.place - 1])
        wanted = needs(self.demands, self.generosity, rate, self.staffing, self.config)
        return [max(need.slo, 1) for need in wanted]


def case(origin: Origin, dice: np.random.Generator) -> Case:
    """One with a load, a spread, a delay, a window, an error budget and a latency that are drawn.

    The service time is that of a load of 4, 12 or 40 erlang on average. Of the latency, a job may wait a quarter of the
    start-up delay and two service times more, or the larger of a quarter of either.
    """
    mean = min(float(dice.choice(_LOADS)) / max(float(origin.trace.rates.mean()), 1e-9), _LONGEST)
    scv, delay = float(dice.choice(_SCVS)), float(dice.choice(_STARTUPS))
    wait = delay / 4 + 2 * mean if dice.random() < 0.5 else max(delay, mean) / 4
    model = queue_models.get("mmc" if scv == 1.0 else "mgc")
    service = ServiceTime(mean=mean, std=mean * math.sqrt(scv))
    latency = model.service_law(service).quantile(0.95) + wait
    config = PlannerConfig(
        forecast_window=timedelta(seconds=int(dice.choice(_WINDOWS))),
        startup_delay=timedelta(seconds=delay),
        queueing_model=model.name,
        confidence_threshold=float(dice.uniform(0.5, 0.95)),
        safety_margin=float(dice.choice([0.0, 0.15])),
        max_workers=10_000,
        seed=int(dice.integers(2**31)),
    )
    return Case(
        origin=origin,
        staffing=Staffing(model, service, Targets(p95_latency=latency)),
        slo=SLO(p95_latency=timedelta(seconds=latency), error_budget=float(dice.choice(_BUDGETS))),
        config=config,
        generosity=float(dice.uniform(0.2, 0.99)),
    )


def planned(case: Case, *, workers: int, waiting: int, busy: int) -> Study:
    """The planner's plan from a state of the queue."""
    metrics = Metrics(
        timestamp=case.origin.at,
        arrival_rate=float(case.origin.trace.rates[case.origin.place - 1]),
        service_time=timedelta(seconds=case.law.mean),
        current_workers=workers,
        backlog=waiting,
        active_jobs=busy,
    )
    paths = case.origin.paths[:, : len(case.demands)]
    return study(metrics, case.slo, case.config, case.demands, paths, case.staffing)


def drawn(case: Case, made: Study) -> tuple[Study, list[tuple[float, int]]]:
    """A plan of the drawn levels from the same state, ordered a start-up delay ahead; the study and its orders."""
    delay, levels = case.config.startup_delay.total_seconds(), case.levels
    span = math.ceil(delay / INTERVAL) + 1
    orders = [(at * INTERVAL, max(levels[at : at + span])) for at in range(len(levels))]
    fluid = _begin(made)
    for at, workers in orders:
        fluid.advance(at)
        fluid.order(workers, at + (delay if workers > fluid.ordered else 0.0))
    fluid.advance(fluid.end)
    return replace(made, path=Path(changes=(), fluid=fluid)), orders


def _begin(made: Study) -> Fluid:
    """The queue at time 0."""
    return replace(
        made.unchanged,
        backlog=float(made.metrics.backlog),
        serving=made.metrics.current_workers,
        time=0.0,
        starting=[],
        late=[],
        least=[],
        opening=[],
        levels=[],
        worker_seconds=0.0,
    )
