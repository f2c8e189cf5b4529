"""What the last days say of the quantile to staff: they are replayed once a day, by the law that plans are made by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.policy import PolicyTask
from capacity_planner.domain.series import ForecastTask
from capacity_planner.forecasting._load import LEVELS, LoadFollower, horizons
from capacity_planner.history.resample import to_series
from capacity_planner.pipeline.following import seasons_of
from capacity_planner.pipeline.tuning import DAY, DAYS, Goal, Replays
from capacity_planner.planning.offered_load import service_shares
from capacity_planner.planning.steering import Steering
from capacity_planner.registry import forecast_models
from capacity_planner.simulation.tiers import COMPILER, PLAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from capacity_planner.contracts import ServiceLaw
    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.slo import SLO
    from capacity_planner.planning.staffing import Staffing

_MINUTE = 60.0
_LEAST_DAYS = 3.0
_MOST_JOBS = 400_000
_FEWEST_SERVERS = 5.0
_LEAST_MISSED = 0.01
_SEED = 97
_MODEL = "auto"


@dataclass
class Experience:
    """The quantile with which the last days would have kept the SLO; of one queue, sought anew once a day."""

    _known: tuple[object, datetime, float] | None = None

    def level(
        self,
        samples: Sequence[Metrics],
        config: PlannerConfig,
        slo: SLO,
        staffing: Staffing,
        check: Callable[[], None],
        *,
        in_haste: bool = False,
    ) -> float | None:
        """The forecast quantile to staff at least; 0 where less than three days are known, or no latency is promised.

        Args:
            samples: at least one, oldest first.
            config: settings.
            slo: what must hold.
            staffing: the inverse of the queueing model.
            check: called now and then; raises to stop.
            in_haste: whether there is no time to replay; then ``None`` where that would be due.
        """
        # Waits are judged, since in an interval of few jobs responses are a matter of luck that no worker changes.
        # A worker is a server here: what is sought is a quantile, which does not depend on how servers are grouped.
        wait = (staffing.latency or 0.0) - staffing.least_p95
        known = (samples[-1].timestamp - samples[0].timestamp).total_seconds()
        if not slo.p95_latency or wait <= 0 or known < _LEAST_DAYS * DAY:
            return 0.0
        law = staffing.law
        question = (slo, round(math.log(law.mean), 1), law.name, config.startup_delay, config.plan_interval)
        now = samples[-1].timestamp
        if self._known and self._known[0] == question and 0 <= (now - self._known[1]).total_seconds() < DAY:
            return self._known[2]
        if in_haste:
            return None
        found = _sought(samples, config, slo, law, wait, check)
        self._known = (question, now, found)
        return found


def _sought(
    samples: Sequence[Metrics],
    config: PlannerConfig,
    slo: SLO,
    law: ServiceLaw,
    wait: float,
    check: Callable[[], None],
) -> float:
    counts = _jobs(samples, law)
    if not counts.any():
        return 0.0
    task = PolicyTask(
        service_time=law.mean,
        startup_delay=config.startup_delay.total_seconds(),
        allowed_wait=wait,
        min_workers=0,
        past=np.empty(0),
    )
    ahead = horizons(_MINUTE, task.startup_delay, 2)
    series = to_series(samples, _MINUTE)
    periods = seasons_of(series, config)
    grid = round(series.interval / _MINUTE) or 1
    follower = LoadFollower(
        forecast_models.get(_MODEL),
        ForecastTask(ahead=ahead, interval=_MINUTE, periods=tuple(period * grid for period in periods)),
        service_shares(law, _MINUTE),
    )
    replays = Replays(
        counts=counts,
        loads=follower.read(counts),
        law=law,
        task=task,
        steering=Steering(service_time=law.mean, startup_delay=task.startup_delay, allowed_wait=wait),
        goal=Goal(share=1.0 - max(slo.allowed_share, _LEAST_MISSED), window=config.plan_interval.total_seconds()),
        tier=COMPILER.tier or PLAIN,
        check=check,
    )
    end = len(counts) * _MINUTE
    place = replays.best(max(DAY, end - DAYS * DAY), end)
    return float(np.interp(place, np.arange(len(LEVELS)), LEVELS))


def _jobs(samples: Sequence[Metrics], law: ServiceLaw) -> FloatArray:
    """Jobs of each of the last minutes, a day to learn from among them; of many, each stands for several.

    What was sampled less often is spread over its minutes at random. A job that stands for several makes a smaller pool
    look livelier than the whole is: the quantile is then a little too high rather than too low. A pool that would be
    too small to be like the whole is not replayed.
    """
    series = to_series(samples, _MINUTE)
    rates = _bridged(series.rates[-round((DAYS + 1) * DAY / series.interval) :])
    jobs = rates * series.interval
    weight = max(1, math.ceil(jobs.sum() / _MOST_JOBS))
    if weight > 1 and rates.mean() * law.mean / weight < _FEWEST_SERVERS:
        return np.zeros(0)
    scaled = np.diff(np.floor(np.cumsum(jobs / weight) + 0.5), prepend=0.0)
    minutes = max(1, round(series.interval / _MINUTE))
    if minutes == 1:
        return scaled
    dice = np.random.default_rng(_SEED)
    spread: FloatArray = (
        dice.multinomial(scaled.astype(np.int64), np.full(minutes, 1.0 / minutes)).ravel().astype(float)
    )
    return spread


def _bridged(rates: FloatArray) -> FloatArray:
    """Rates with gaps joined by straight lines: zeros would say that nobody came."""
    known = np.flatnonzero(np.isfinite(rates))
    return np.interp(np.arange(len(rates)), known, rates[known]) if len(known) else np.zeros(len(rates))
