"""The arrival rate of one interval as a distribution, from a forecast's quantiles."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.forecast import Forecast

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Demand:
    """Quantiles of a rate, joined by straight lines over the probits of their levels and continued beyond the last.

    Args:
        median: median rate [jobs/s].
        probits: Φ⁻¹ of the levels, ascending.
        rates: the rates at those levels [jobs/s], ascending.
    """

    median: float
    probits: tuple[float, ...]
    rates: tuple[float, ...]

    @classmethod
    def of(cls, forecast: Forecast) -> Demand:
        """The distribution that a forecast states; one without quantiles is certain."""
        items = forecast.quantiles or {0.5: forecast.arrival_rate}
        return cls(forecast.arrival_rate, tuple(map(_NORMAL.inv_cdf, items)), tuple(items.values()))

    def quantile(self, level: float) -> float:
        """The rate that is not exceeded with probability ``level`` [jobs/s]."""
        if len(self.rates) == 1:
            return self.rates[0]
        probit = _NORMAL.inv_cdf(min(max(level, 1e-9), 1 - 1e-9))
        at = min(max(bisect_right(self.probits, probit), 1), len(self.probits) - 1)
        share = (probit - self.probits[at - 1]) / (self.probits[at] - self.probits[at - 1])
        return max(0.0, self.rates[at - 1] + share * (self.rates[at] - self.rates[at - 1]))

    def levels(self, rates: FloatArray) -> FloatArray:
        """Φ⁻¹ of the probability that the rate is at most each of ``rates``, between the outermost levels."""
        return np.interp(rates, self.rates, self.probits)

    def exceeded(self, rates: FloatArray) -> FloatArray:
        """The probability that the rate is above each of ``rates``; beyond the last level as the line goes on."""
        if len(self.rates) == 1:
            return np.asarray(rates < self.rates[0], dtype=float)
        from scipy.special import ndtr  # noqa: PLC0415 - where nothing is priced it is not needed

        rise = (self.probits[-1] - self.probits[-2]) / max(self.rates[-1] - self.rates[-2], 1e-12)
        beyond = np.maximum(rates - self.rates[-1], 0.0) * rise
        share: FloatArray = ndtr(-(self.levels(rates) + beyond))
        return np.where(rates < self.rates[0], 1.0, share)

    def probability(self, rate: float) -> float:
        """The probability that the rate is at most ``rate``."""
        if len(self.rates) == 1 or not math.isfinite(rate):
            return float(rate >= self.rates[0])
        if rate <= 0:
            return (
                0.0 if rate < 0 else _NORMAL.cdf(self.probits[bisect_right(self.rates, 0.0) - 1]) * (self.rates[0] <= 0)
            )
        at = min(max(bisect_left(self.rates, rate), 1), len(self.rates) - 1)
        low, high = self.rates[at - 1], self.rates[at]
        if high == low:
            return _NORMAL.cdf(self.probits[at if rate >= high else at - 1])
        share = (rate - low) / (high - low)
        return _NORMAL.cdf(self.probits[at - 1] + share * (self.probits[at] - self.probits[at - 1]))
