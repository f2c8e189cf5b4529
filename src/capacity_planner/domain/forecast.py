"""What the arrival rate is expected to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from capacity_planner.fields import CONFIG, Count, Duration, Instant, NonNegative, Quantiles, RealMark, Share, Text
from capacity_planner.frozen import FrozenMap


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The arrival rate over the interval that ends at ``timestamp``.

    Attributes:
        timestamp: end of the interval.
        arrival_rate: median of λ [jobs/s].
        lower: lower bound [jobs/s].
        upper: upper bound [jobs/s].
        confidence: nominal coverage of [lower, upper].
        model: the model that made it.
        quantiles: level → rate [jobs/s].
    """

    __pydantic_config__ = CONFIG

    timestamp: Instant
    arrival_rate: NonNegative
    lower: NonNegative
    upper: NonNegative
    confidence: Share
    model: Text
    quantiles: Quantiles = field(default_factory=FrozenMap)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastAccuracy:
    """How good the forecasts of one model and horizon were, of those whose time has come.

    Attributes:
        model: the model that was asked for.
        horizon: how far ahead they were made.
        outcomes: how many are judged.
        mae: mean absolute error of the median [jobs/s].
        wape: sum of absolute errors over the sum of what came; 0 where neither is above zero.
        mase: mae over the mean absolute error, in the history at hand, of the rate one day earlier, or of the rate
            before where less than a day is known; 0 where that is zero.
        bias: mean of median - what came [jobs/s].
        pinball: level → mean pinball loss [jobs/s].
        coverage: level → share of outcomes at most the quantile.
    """

    __pydantic_config__ = CONFIG

    model: Text
    horizon: Duration
    outcomes: Count
    mae: NonNegative
    wape: NonNegative
    mase: NonNegative
    bias: Annotated[float, RealMark()]
    pinball: Quantiles = field(default_factory=FrozenMap)
    coverage: Quantiles = field(default_factory=FrozenMap)
