"""Spikes found in a history: where a rate is above what its noise explains, and which shape fits best."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from capacity_planner.domain.traffic import SpikeShape, TrafficSpike
from capacity_planner.simulation._spikes import SHAPES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.simulation._bins import Bins

_STRONG, _WEAK = 5.0, 2.0
_RATIO = 1.5
RARE = 0.1
_MOST = 50
_FINENESS = 12
_STARTS, _ENDS = (-6, -4, -3, -2, -1, 0, 1), (-2, -1, 0, 1, 2, 3, 4, 6, 8, 11, 14, 18)
_BETTER = 0.95
_LEAST_HEIGHT = 0.5


class Runs(NamedTuple):
    """Neighbouring bins that are above what is expected.

    Attributes:
        ends: first bin and the one after the last, shape (k, 2).
        inside: whether a bin is in one, shape (n,).
    """

    ends: NDArray[np.intp]
    inside: NDArray[np.bool_]


def limit(expected: FloatArray, length: float, noise: float, deviations: float) -> FloatArray:
    """The rate that so many normal deviations stand for, of a negative binomial count.

    Args:
        expected: mean rate [jobs/s], broadcasts.
        length: of a bin [s].
        noise: coefficient of variation of the rate from bin to bin.
        deviations: positive for an upper limit, negative for a lower.

    References:
        Wilson & Hilferty (1931), Proceedings of the National Academy of Sciences 17:684-688 (the cube root of a gamma
        variate is nearly normal).

    >>> limit(np.array([10.0]), 300.0, 0.1, 5.0).round(2).tolist()
    [15.95]
    """
    # Fewer than one job in a bin has no gamma law worth the name.
    least = np.maximum(expected, 1.0 / length)
    variation = np.sqrt(1.0 / (least * length) + noise**2)
    found: FloatArray = least * np.maximum(1.0 - variation**2 / 9.0 + deviations * variation / 3.0, 0.0) ** 3
    return found


def noise_of(rates: FloatArray, expected: FloatArray, length: float, fitted: int) -> float:
    """The coefficient of variation from bin to bin that counting does not explain, from 0 to 1.

    Args:
        rates: λ per bin [jobs/s], NaN where not known, shape (n,).
        expected: their means, shape (n,).
        length: of a bin [s].
        fitted: how many figures the means were fitted with.
    """
    known = np.isfinite(rates)
    means, off = expected[known], rates[known] - expected[known]
    power = float(means @ means)
    if power <= 0.0 or len(off) <= fitted:
        return 0.0
    beyond = float(off @ off) * len(off) / (len(off) - fitted) - float(means.sum()) / length
    return min(math.sqrt(max(beyond / power, 0.0)), 1.0)


def usual_noise(rates: FloatArray, expected: FloatArray, length: float) -> float:
    """The same from the median distance, which spikes do not move."""
    known = np.isfinite(rates) & (expected > 0.0)
    if not known.any():
        return 0.0
    means = expected[known]
    spread = 1.4826 * float(np.median(np.abs(rates[known] - means) / means))
    beyond = spread**2 - 1.0 / (float(np.median(means)) * length)
    return min(math.sqrt(max(beyond, 0.0)), 1.0)


def runs_of(bins: Bins, expected: FloatArray, noise: float) -> Runs:
    """Runs above two deviations that reach five and half as much again as expected; none where they are not rare.

    A single bin below does not end a run.

    Args:
        bins: the history.
        expected: mean rate of each bin [jobs/s], shape (n,).
        noise: coefficient of variation from bin to bin.
    """
    usable = np.isfinite(bins.rates) & (expected > 0.0)
    rates = np.where(usable, bins.rates, 0.0)
    weak = usable & (rates > np.maximum(limit(expected, bins.length, noise, _WEAK), expected))
    weak[1:-1] |= weak[:-2] & weak[2:] & usable[1:-1]
    strong = weak & (rates > np.maximum(limit(expected, bins.length, noise, _STRONG), _RATIO * expected))
    turns = np.diff(weak.astype(np.int8), prepend=0, append=0)
    ends = np.stack((np.flatnonzero(turns > 0), np.flatnonzero(turns < 0)), axis=1)
    count = np.concatenate(([0], np.cumsum(strong)))
    ends = ends[count[ends[:, 1]] > count[ends[:, 0]]]
    if (ends[:, 1] - ends[:, 0]).sum() > RARE * usable.sum():
        ends = ends[:0]
    marks = np.zeros(len(rates) + 1, np.int8)
    marks[ends[:, 0]] += 1
    marks[ends[:, 1]] -= 1
    return Runs(ends, np.cumsum(marks[:-1]) > 0)


def spikes_of(bins: Bins, expected: FloatArray, runs: Runs) -> tuple[TrafficSpike, ...]:
    """The runs with the most jobs beyond what was expected, at most fifty, as spikes in order of time."""
    beyond = np.where(runs.inside, bins.rates - expected, 0.0)
    jobs = np.add.reduceat(np.append(beyond, 0.0), runs.ends.ravel())[::2] if len(runs.ends) else np.empty(0)
    order = np.argsort(-jobs, kind="stable")[:_MOST]
    usable = np.isfinite(bins.rates) & (expected > 0.0)
    excess = np.where(usable, bins.rates, np.nan) / np.where(usable, expected, 1.0) - 1.0
    whole = [int(run) for run in np.sort(order) if usable[slice(*runs.ends[run])].all()]
    return tuple(_spike(bins, excess, runs, run) for run in whole)


def _spike(bins: Bins, excess: FloatArray, runs: Runs, run: int) -> TrafficSpike:
    """The begin, end and shape, among those a little longer or shorter than the run, that miss the rates least."""
    first, last = (int(end) for end in runs.ends[run])
    unit = max(1, (last - first) // _FINENESS)
    begin, end = max(first + unit * _STARTS[0], 0), min(last + unit * _ENDS[-1], len(excess))
    others = runs.inside[begin:end].copy()
    others[first - begin : last - begin] = False
    seen = np.where(others, np.nan, excess[begin:end])
    window = np.array(
        [(first + unit * s, last + unit * e) for s in _STARTS for e in _ENDS if last - first + unit * (e - s) > 0]
    )
    least = _LEAST_HEIGHT * float(excess[first:last].mean())
    fits = {shape: _best(shape, seen, window - begin, least) for shape in SHAPES}
    shape = min(SHAPES, key=lambda name: fits[name][0])
    if fits[shape][0] > _BETTER * fits[SpikeShape.INSTANT][0]:
        shape = SpikeShape.INSTANT
    _, height, best = fits[shape]
    start, stop = window[best]
    return TrafficSpike(
        start_time=bins.start + timedelta(seconds=float(start) * bins.length),
        duration=timedelta(seconds=float(stop - start) * bins.length),
        magnitude=1.0 + max(height, 0.0),
        shape=shape,
    )


def _best(shape: SpikeShape, seen: FloatArray, windows: NDArray[np.intp], least: float) -> tuple[float, float, int]:
    """Squares missed, height and number of the window in which a shape fits best."""
    instants = np.arange(len(seen))[:, None] + (np.arange(4) + 0.5) / 4.0
    share = (instants - windows[:, :1, None]) / np.diff(windows)[:, :, None]
    inside = (share >= 0.0) & (share < 1.0)
    form = np.where(inside, SHAPES[shape](np.where(inside, share, 0.0)), 0.0).mean(axis=2)
    known = np.isfinite(seen)
    # Noise multiplies: the higher the rate, the further off it may be.
    weights = 1.0 / np.maximum(1.0 + seen[known], 1.0)
    form, values = form[:, known] * weights, seen[known] * weights
    heights = form @ values / np.maximum((form**2).sum(axis=1), np.finfo(float).tiny)
    missed = ((values - heights[:, None] * form) ** 2).sum(axis=1)
    # A window so wide that the spike drowns in it is no description of the spike.
    missed += np.where(heights < least, values @ values, 0.0)
    best = int(missed.argmin())
    return float(missed[best]), float(heights[best]), best
