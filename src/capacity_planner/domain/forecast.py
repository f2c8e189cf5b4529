"""What the arrival rate is expected to be."""

from __future__ import annotations

from dataclasses import dataclass, field

from capacity_planner.fields import CONFIG, Instant, NonNegative, Quantiles, Share, Text
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
