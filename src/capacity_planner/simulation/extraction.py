"""A history → the traffic pattern that could have made it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.traffic import PatternType, TrafficPattern
from capacity_planner.simulation._bins import DAY, HOUR, WEEK, Bins, binned
from capacity_planner.simulation._fit import Fit, fitted
from capacity_planner.simulation._found import RARE, Runs, limit, noise_of, runs_of, spikes_of, usual_noise

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.series import Series

_PASSES = 2
_OUTLYING = 5.0
_TYPES = {0.0: PatternType.CONSTANT, DAY: PatternType.DAILY, WEEK: PatternType.WEEKLY}


def extract(series: Series) -> TrafficPattern:
    """Level, growth, daily or weekly shape, spikes and noise of a history.

    Bins are as long as the intervals, or so many of them as make five minutes or more. All is fitted twice, the second
    time without the spikes that the first fit showed, in time that grows with the length of the history.

    - **Shape**: judged on hours. ``daily`` with two days or more, ``weekly`` with two weeks or more, where the finer
      mean takes away a fifth or more of the variance that counting does not explain, and its F ratio is four standard
      deviations above 1; degrees of freedom are counted and what an hour takes over from the hour before is taken out
      first. Else ``constant``. A slot of the shape is one bin (an hour for the week), or as wide as holds twenty jobs.
    - **Growth**: the median slope between days, of like weekdays when there are two weeks; with four days or more, and
      where chance would show it less than 3 times in 1000. Less history cannot tell growth from the time of day.
    - **Level**: ``base_rate`` is the mean of the shape at the end of the history, so that growth goes on from there.
    - **Spikes**: runs above two deviations that reach five, of a negative binomial with this noise, and half as much
      again as expected. At most fifty, those with the most jobs. Where they fill more than a tenth of the history they
      are how this traffic is, and belong to level and noise.
    - **Noise**: what varies from bin to bin beyond counting: variance of a bin = mean / length + (noise · mean)²; a
      factor lasts a bin. What the pattern does not know, such as odd days, is in it.

    Args:
        series: at least one interval; gaps are left out, rates below zero are zero.

    >>> from datetime import UTC, datetime
    >>> from capacity_planner.domain.series import Series
    >>> hours = np.arange(7 * 24)
    >>> rates = 10.0 + 4.0 * np.sin(2.0 * np.pi * hours / 24.0)
    >>> found = extract(Series(end=datetime(2026, 1, 8, tzinfo=UTC), interval=3600.0, rates=rates))
    >>> str(found.type), round(found.base_rate, 6), round(found.rates[6], 6), found.noise
    ('daily', 10.0, 14.0, 0.0)
    """
    bins = binned(series)
    if not (bins.rates > 0.0).any():
        return TrafficPattern(type=PatternType.CONSTANT)
    model = fitted(bins, bins.rates, robust=True)
    noise = usual_noise(bins.rates, model.at(bins), bins.length)
    for _ in range(_PASSES):
        runs = runs_of(bins, model.at(bins), noise)
        calm = _calm(bins, model.at(bins), noise, runs)
        model = fitted(bins, calm, robust=False)
        noise = noise_of(calm, model.at(bins), bins.length, len(model.profile))
    return _pattern(bins, model, noise, runs)


def _pattern(bins: Bins, model: Fit, noise: float, runs: Runs) -> TrafficPattern:
    rates = tuple(float(rate) for rate in model.profile)
    return TrafficPattern(
        type=_TYPES[model.period],
        base_rate=float(model.profile.mean()),
        spikes=spikes_of(bins, model.at(bins), runs),
        trend=model.slope * HOUR,
        noise=noise,
        noise_period=timedelta(seconds=bins.length if noise else 0.0),
        rates=rates if model.period else (),
    )


def _calm(bins: Bins, expected: FloatArray, noise: float, runs: Runs) -> FloatArray:
    """The rates without spikes, and what else is far out drawn in, where that is rare."""
    low, high = (limit(expected, bins.length, noise, sign * _OUTLYING) for sign in (-1.0, 1.0))
    rates = np.where(runs.inside, np.nan, bins.rates)
    drawn: FloatArray = np.clip(rates, np.minimum(low, expected), high)
    return drawn if np.sum(drawn != rates) - np.isnan(rates).sum() <= RARE * len(rates) else rates
