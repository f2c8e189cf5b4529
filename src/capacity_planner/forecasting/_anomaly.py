"""Whether the newest rate is off what was forecast for it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray

_ENOUGH = 24
_FEW = 3
_RECENT = 12
_DAY = 86_400.0
_COUNTABLE = 10.0
_MAD_TO_SD = 1.4826
_Q99_TO_SD = 2.3263


@dataclass(frozen=True, slots=True)
class Anomaly:
    """What was expected and what came [jobs/s], and how many robust standard deviations lie between."""

    expected: float
    came: float
    deviations: float


def detect(
    hindcast: FloatArray, rates: FloatArray, interval: float, *, threshold: float, spike: float
) -> Anomaly | None:
    """The anomaly at the newest rate, or ``None``.

    With a record of at least 24 forecasts, a rate is an anomaly when it is more than ``threshold`` robust standard
    deviations off what was forecast for it. The deviation is of the side the rate is on: the larger of MAD x 1.4826,
    what the outermost hundredth of the residuals says (MAD ignores tails, and traffic has them), and the Poisson
    noise of a count. A rate that came a day earlier as well, give or take an interval, is none: mornings are busy. Nor
    is one that is fewer than ten jobs off.

    With a shorter record, a rate is an anomaly when it is above ``spike`` x the recent median and more than Poisson
    noise explains.

    Args:
        hindcast: what was forecast one step ahead at each origin [jobs/s], shape (n,).
        rates: what came [jobs/s], shape (n,), the newest last, NaN where there is a gap.
        interval: length of an interval [s].
        threshold: robust standard deviations.
        spike: multiple of the recent level.
    """
    came = float(rates[-1])
    expected = hindcast[:-2]
    residuals = rates[1:-1] - expected
    scaled = residuals / np.sqrt(np.maximum(expected, 0.0) + 1.0 / interval)
    scaled = scaled[np.isfinite(scaled)]
    if len(scaled) < _ENOUGH:
        return _spike(rates, interval, threshold=threshold, spike=spike)
    made = float(hindcast[-2])
    deviation = (came - made) / math.sqrt(max(made, 0.0) + 1.0 / interval)
    scale = _scale(scaled, upper=deviation > 0, interval=interval)
    score = (deviation - float(np.median(scaled))) / scale
    usual = _yesterday(rates, interval, came, tolerance=threshold * scale)
    strange = abs(score) > threshold and abs(came - made) * interval >= _COUNTABLE and not usual
    return Anomaly(made, came, score) if strange else None


def _yesterday(rates: FloatArray, interval: float, came: float, *, tolerance: float) -> bool:
    """Whether a rate like this came a day earlier, in the same interval or a neighbour of it."""
    lag = round(_DAY / interval)
    if not 1 < lag < len(rates):
        return False
    near = rates[max(len(rates) - lag - 2, 0) : len(rates) - lag + 1]
    off = np.abs(came - near) / np.sqrt(near + 1.0 / interval)
    return bool((off[np.isfinite(off)] <= tolerance).any())


def _scale(scaled: FloatArray, *, upper: bool, interval: float) -> float:
    middle = float(np.median(scaled))
    mad = float(np.median(np.abs(scaled - middle))) * _MAD_TO_SD
    tail = abs(float(np.quantile(scaled, 0.99 if upper else 0.01)) - middle) / _Q99_TO_SD
    return max(mad, tail, 1.0 / math.sqrt(interval))


def _spike(rates: FloatArray, interval: float, *, threshold: float, spike: float) -> Anomaly | None:
    recent = rates[-1 - _RECENT : -1]
    recent = recent[np.isfinite(recent)]
    if len(recent) < _FEW:
        return None
    level, came = float(np.median(recent)), float(rates[-1])
    score = (came - level) / math.sqrt((level + 1.0 / interval) / interval)
    return Anomaly(level, came, score) if came > spike * level and score > threshold else None
