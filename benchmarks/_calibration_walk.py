"""A trace, forecast from one origin after another as a planner would have: what it knew, and what came."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from _traces import DAY, ELB, INTERVAL, TAXI
from capacity_planner.domain.series import ForecastTask
from capacity_planner.errors import PlannerError
from capacity_planner.forecasting import _season
from capacity_planner.forecasting._follower import Follower
from capacity_planner.forecasting._ladder import ladder
from capacity_planner.forecasting._stride import per_day
from capacity_planner.history.resample import to_series
from capacity_planner.registry import forecast_models
from capacity_planner.sources.table import read_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from capacity_planner.domain.congestion import FloatArray

WINDOW = 3600.0
_AT_ONCE = 2016
_MOST_DAYS = 60
_LEAST_DAYS = 10
_WARM_SHARE = 0.4
_MOST_WARM = 21 * DAY
_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Trace:
    """Rates on an even grid [jobs/s]; what was not measured counts as none."""

    name: str
    interval: float
    rates: FloatArray


@dataclass(frozen=True, slots=True)
class Origin:
    """What was known at one instant, for twelve intervals of five minutes.

    Attributes:
        trace: which trace.
        place: bins that are over.
        quantiles: per interval, at `LEVELS`, shape (12, levels).
        paths: futures, shape (rows, 12).
    """

    trace: Trace
    place: int
    quantiles: FloatArray
    paths: FloatArray

    @property
    def at(self) -> datetime:
        """The instant, on a clock that begins with the trace."""
        return _START + timedelta(seconds=self.place * self.trace.interval)


def traces(folder: Path | None) -> Iterator[Trace]:
    """The shipped traces and every other CSV in a folder that can be read as arrivals in bins of five minutes."""
    yield _read(ELB, INTERVAL)
    yield _read(TAXI, 1800.0)
    others = set(folder.glob("*.csv")) if folder else set()
    for path in sorted(path for path in others if path.stem not in {ELB.stem, TAXI.stem}):
        try:
            yield _read(path, INTERVAL)
        except (PlannerError, ValueError) as problem:
            print(f"- {path.name} is left out: {str(problem).replace(str(path), 'it')}")


def origins(trace: Trace, count: int, dice: np.random.Generator) -> Iterator[Origin]:
    """About so many origins, evenly apart but for chance, after the first two fifths of a trace or three weeks."""
    bins = len(trace.rates)
    warm = round(min(_WARM_SHARE * bins, _MOST_WARM / trace.interval))
    last = bins - math.ceil(WINDOW / trace.interval)
    ahead = [math.ceil(step * INTERVAL / trace.interval - 1e-9) for step in range(1, 13)]
    follower, read = _follower(trace, warm, ahead[-1]), 0
    for place in np.unique(np.sort(dice.integers(warm, last + 1, count))).tolist():
        for first in range(read, place, _AT_ONCE):
            follower.read(trace.rates[None, first : min(first + _AT_ONCE, place)])
        read = place
        quantiles = follower.quantiles(ahead)[0]
        yield Origin(trace, place, quantiles, follower.paths(quantiles, ahead))


def _follower(trace: Trace, warm: int, longest: int) -> Follower:
    task = ForecastTask(
        ahead=ladder(longest, per_day(trace.interval)),
        interval=trace.interval,
        periods=_season.periods(trace.rates[:warm], trace.interval),
    )
    return Follower(forecast_models.get("auto"), task, threshold=3.0, spike=2.0)


def _read(path: Path, interval: float) -> Trace:
    series = to_series(read_table(path, timezone="UTC").metrics, interval)
    if series.interval > interval:
        raise ValueError(f"its bins are of {series.interval / 60:.3g} minutes")
    rates = np.nan_to_num(series.rates[-round(_MOST_DAYS * DAY / interval) :])
    if len(rates) * interval < _LEAST_DAYS * DAY:
        raise ValueError(f"it covers {len(rates) * interval / DAY:.3g} days")
    return Trace(path.stem, interval, rates)
