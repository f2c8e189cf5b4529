"""Whether plans kept what they said, and what is said the more carefully for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.pipeline.recalibration import Recalibration
from capacity_planner.planning import confidence as shares
from capacity_planner.planning._futures_begin import futures

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.review import PlanOutcome
    from capacity_planner.domain.series import Series
    from capacity_planner.planning._futures import Futures
    from capacity_planner.planning.study import Study

_MOST_OPEN = 500
_REPEATS = 20
_ENOUGH_OUTCOMES = 30
_TOLERATED = 0.05


def caution(confidence: float, *, outcomes: int, inconsistent: bool, anomaly: bool) -> float:
    """A confidence, drawn towards one half where what it rests on is in doubt; never upwards.

    It loses in proportion to what is missing of 30 past outcomes, and half of its distance from one half each where
    the stated utilisation contradicts rate and service time, so that the queue is not as it was taken to be, and while
    an anomaly goes on, so that the past says little about what comes.

    Args:
        confidence: as it is without doubt.
        outcomes: past forecasts whose outcome is known.
        inconsistent: whether the measured utilisation is far from the load.
        anomaly: whether one goes on.

    >>> caution(0.9, outcomes=30, inconsistent=False, anomaly=False)
    0.9
    >>> caution(0.9, outcomes=15, inconsistent=False, anomaly=True)
    0.6
    >>> caution(0.2, outcomes=0, inconsistent=True, anomaly=True)
    0.2
    """
    share = min(outcomes / _ENOUGH_OUTCOMES, 1.0) * 0.5**inconsistent * 0.5**anomaly
    return min(confidence, 0.5 + share * (confidence - 0.5))


@dataclass(frozen=True, kw_only=True)
class _Open:
    """A plan whose window is not over: its queue, the levels that serve, and what it said."""

    at: datetime
    stated: float
    weight: float
    queue: Futures
    levels: tuple[tuple[float, int], ...]
    allowed_share: float
    allowed_wait: float

    @property
    def intervals(self) -> int:
        return int(self.queue.rates.shape[1])

    @property
    def end(self) -> datetime:
        return self.at + timedelta(seconds=self.intervals * self.queue.interval)

    def serving(self, seconds: float) -> int:
        """Workers that serve then, by the plan."""
        return [workers for at, workers in self.levels if at <= seconds][-1]


class Reliability:
    """The plans of one queue: what they said, what became of them, and what such words are worth.

    A plan is judged when its window is over: it is carried out, as it was made, on the rates that came. Later plans
    may have changed the workers; what was said holds for the plan as it was made. Where the workers that were there
    are those of the plan, the backlog that was seen counts too.
    """

    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._newest: datetime | None = None
        self._recalibration = Recalibration()

    def recalibrated(self, confidence: float) -> float:
        """What the plans that said as much were worth, as far as that is known; the same without evidence."""
        return self._recalibration.of(confidence)

    def note(self, study: Study) -> None:
        """Remember a plan and its confidence as it was worked out, before it is recalibrated.

        Plans of the same window say the same thing over again: each counts by what is new of its window.

        Args:
            study: the plan's reasons; one that cannot keep its SLO, or has no futures, said nothing.
        """
        at, window = study.metrics.timestamp, study.path.fluid.end
        if not study.staffing.achievable or not shares.enough(study.paths) or (self._newest and self._newest >= at):
            return
        since = (at - self._newest).total_seconds() if self._newest else window
        staffing = study.staffing
        self._open.append(
            _Open(
                at=at,
                stated=study.confidence(),
                weight=min(since / window, 1.0),
                queue=replace(
                    futures(study.metrics, study.slo, study.config, staffing, study.paths[:1]),
                    seed=(study.config.seed,),
                ),
                levels=tuple(study.path.fluid.levels),
                allowed_share=study.slo.allowed_share,
                allowed_wait=np.inf if staffing.latency is None else max(staffing.latency - staffing.least_p95, 0.0),
            )
        )
        self._newest, self._open = at, self._open[-_MOST_OPEN:]

    def recall(self, outcomes: Iterable[PlanOutcome]) -> None:
        """Learn from plans that were judged before this process began.

        What they had stated is what was said then, recalibrated by what was known then.

        Args:
            outcomes: of the queue's plans, oldest first.
        """
        newest: datetime | None = None
        for outcome in outcomes:
            if outcome.runs_kept is None or not outcome.slo_achievable:
                continue
            since = outcome.generated_at - newest if newest else outcome.forecast_window
            weight = min(max(since / outcome.forecast_window, 0.0), 1.0)
            self._recalibration.add(outcome.confidence, outcome.runs_kept, weight)
            newest = outcome.generated_at

    def settle(self, samples: Sequence[Metrics], series: Series) -> None:
        """Judge the plans whose window is over; one with a gap in it is never judged.

        Args:
            samples: of the queue, oldest first.
            series: its rates.
        """
        over = [plan for plan in self._open if plan.end <= series.end]
        self._open = [plan for plan in self._open if plan.end > series.end]
        for plan in over:
            rates = _rates(series, plan)
            if np.isfinite(rates).all():
                self._recalibration.add(plan.stated, _kept(plan, rates, samples), plan.weight)


def _rates(series: Series, plan: _Open) -> FloatArray:
    """What came in each interval of a plan [jobs/s], NaN where it is not known, shape (intervals,)."""
    middles = (np.arange(plan.intervals) + 0.5) * plan.queue.interval
    ahead = (series.end - plan.at).total_seconds() - middles
    places = len(series.rates) - 1 - np.floor(ahead / series.interval).astype(np.intp)
    return np.where(places >= 0, series.rates[np.maximum(places, 0)], np.nan)


def _kept(plan: _Open, rates: FloatArray, samples: Sequence[Metrics]) -> float:
    """The probability that the plan kept its SLO: how service went is not known."""
    queue = replace(plan.queue, rates=np.tile(rates, (_REPEATS, 1)))
    seen = set(_backlogged(plan, samples))
    broken = queue.broken(plan.levels)[0]
    broken[:, sorted(seen)] = True
    return float(np.mean(broken.sum(axis=1) <= plan.allowed_share * plan.intervals + 1e-9))


def _backlogged(plan: _Open, samples: Sequence[Metrics]) -> Iterator[int]:
    """The intervals in which too much waited too often, where the workers were as planned."""
    inside = [(item, (item.timestamp - plan.at).total_seconds()) for item in samples if plan.at < item.timestamp]
    inside = [(item, at) for item, at in inside if at <= plan.intervals * plan.queue.interval]
    if any(item.current_workers != plan.serving(at) for item, at in inside):
        return
    for index in range(plan.intervals):
        mine = [item for item, at in inside if np.ceil(at / plan.queue.interval) - 1 == index]
        long = sum(item.backlog > _allowed(plan, item) for item in mine)
        if long > _TOLERATED * len(mine):
            yield index


def _allowed(plan: _Open, sample: Metrics) -> float:
    """The backlog that the SLO allows at a sample's workers [jobs]."""
    queue = plan.queue
    rate = sample.current_workers * queue.concurrency / queue.law.mean
    wait = min(plan.allowed_wait, queue.promise.drain)
    return min(wait * rate if np.isfinite(wait) else np.inf, queue.promise.jobs)
