"""Traffic patterns as rates over time, in steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.simulation._curve import RateCurve
from capacity_planner.simulation._shapes import Cycle, cycle_of
from capacity_planner.simulation._spikes import Event, events_of, factors, steps_of

if TYPE_CHECKING:
    from datetime import datetime

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.traffic import TrafficPattern

NOISE_PERIOD = 300.0

_HOUR = 3600.0
_MOST = 100_000
_COARSEST = 40.0
_PER_TREND = 200
_ROUNDING = 1e-14
_LEAST_NOISE = 1e-9
_GAUSS = np.array([0.5 - math.sqrt(1.0 / 12.0), 0.5 + math.sqrt(1.0 / 12.0)])


def curve(pattern: TrafficPattern, start: datetime, duration: float, *, step: float | None = None) -> RateCurve:
    """The rate of a pattern in steps, each the mean of the rate over it; noise is left to `noisy`.

    Edges lie at every jump of the rate. Where it moves smoothly a step is so short that the rate stays within about
    half a percent of the peak of the step's mean; where it is constant there is one step. A rate that would take more
    than some 100 000 steps is drawn in longer ones, and cycles that are too many to be drawn become their mean.

    Args:
        pattern: what to draw.
        start: begin of the curve, aware; the clock of ``daily`` and ``weekly`` is UTC.
        duration: length of the curve [s].
        step: longest step where the rate moves [s], at most a ninth of a cycle or a fifth of a spike; ``None`` chooses.

    Raises:
        ValueError: the duration or the step is not positive and finite.

    >>> from datetime import UTC, datetime
    >>> from capacity_planner.domain.traffic import PatternType, TrafficPattern
    >>> day = TrafficPattern(type=PatternType.DAILY, base_rate=10.0)
    >>> found = curve(day, datetime(2026, 1, 1, tzinfo=UTC), 86_400.0)
    >>> round(found.total), len(found.rates), float(found.rates.max().round(2))
    (864000, 360, 15.0)
    """
    for name, value in (("duration", duration), ("step", 1.0 if step is None else step)):
        if not 0.0 < value < math.inf:
            raise ValueError(f"{name} is {value}. Give a positive number of seconds.")
    cycle, events = cycle_of(pattern, start, duration), events_of(pattern.spikes, start, duration)
    slope = pattern.trend / _HOUR
    drawn = cycle.pieces(duration, _COARSEST) <= _MOST / 2
    edges = _edges(cycle if drawn else None, events, _trend(slope, cycle.top, duration), duration, step)
    points = _points(edges)
    rates = (cycle.at(points) if drawn else _means(cycle, edges)[:, None]) + slope * points
    return RateCurve(edges, (np.maximum(rates, 0.0) * factors(events, _middles(edges), points)).mean(axis=1))


def noisy(curve: RateCurve, noise: float, rng: np.random.Generator, period: float = NOISE_PERIOD) -> RateCurve:
    """The curve times a gamma factor of mean 1, drawn anew after every period from the start on.

    Counts of one period are negative binomial then, with the variance mean + (noise · mean)².

    Args:
        curve: the mean rate.
        noise: coefficient of variation of the factor; 0 returns the curve itself.
        rng: dice.
        period: how long a factor lasts [s].

    >>> flat = RateCurve(np.array([0.0, 600.0]), np.array([2.0]))
    >>> noisy(flat, 0.1, np.random.default_rng(1)).edges.tolist()
    [0.0, 300.0, 600.0]
    """
    if noise < _LEAST_NOISE:
        return curve
    marks = np.arange(period, curve.edges[-1], period)
    edges = _distinct(np.concatenate((curve.edges, marks)))
    moods = rng.gamma(noise**-2, noise**2, len(marks) + 1)
    middles = _middles(edges)
    slots = (middles / period).astype(np.intp).clip(max=len(marks))
    rates = curve.rates[(np.searchsorted(curve.edges, middles) - 1).clip(max=len(curve.rates) - 1)]
    return RateCurve(edges, rates * moods[slots])


def _edges(
    cycle: Cycle | None, events: list[Event], trend: tuple[float, float], duration: float, step: float | None
) -> FloatArray:
    """Edges at every jump, and between them as the fastest of shape, trend and events asks for."""
    until, climb = trend
    jumps = [np.array([0.0, until, duration]), *(np.array(event.breaks) for event in events)]
    if cycle:
        jumps.append(cycle.breaks(duration))
    found = np.concatenate(jumps)
    breaks = _distinct(found[(found >= 0.0) & (found <= duration)])
    middles = _middles(breaks)
    steps = cycle.steps_at(middles) if cycle else np.full(len(middles), 2.0 * duration / _MOST)
    steps = np.minimum(steps, steps_of(events, middles))
    steps = np.minimum(steps, np.where(middles < until, climb, np.inf))
    if step:
        steps = np.where(np.isfinite(steps), np.minimum(step, _COARSEST * steps), np.inf)
    lengths = np.diff(breaks)
    crowd = np.ceil(lengths / steps).sum() / max(_MOST - len(lengths), _MOST // 2)
    return _divided(breaks, steps * max(crowd, 1.0))


def _trend(slope: float, top: float, duration: float) -> tuple[float, float]:
    """Until when a trend moves the rate, and how finely that is drawn [s]."""
    until = duration if slope >= 0.0 else min(duration, top / -slope)
    return until, until / _PER_TREND if slope and until else math.inf


def _means(cycle: Cycle, edges: FloatArray) -> FloatArray:
    """Mean rate between edges that are far apart: of all the cycles between them."""
    inner = _divided(np.append(cycle.knots, cycle.length), cycle.steps)
    jobs = np.maximum(cycle.rate(_points(inner)), 0.0).mean(axis=1) * np.diff(inner)
    cumulated = np.concatenate(([0.0], np.cumsum(jobs)))
    whole, rest = np.divmod(cycle.phase + edges, cycle.length)
    mean: FloatArray = np.diff(whole * cumulated[-1] + np.interp(rest, inner, cumulated)) / np.diff(edges)
    return mean


def _points(edges: FloatArray) -> FloatArray:
    """Where a step is looked at, so that the mean of what is seen is that of any cubic."""
    points: FloatArray = edges[:-1, None] + np.diff(edges)[:, None] * _GAUSS
    return points


def _divided(edges: FloatArray, steps: FloatArray) -> FloatArray:
    """The edges, and between two of them as many more as keep the steps no longer than ``steps``.

    >>> _divided(np.array([0.0, 4.0, 10.0]), np.array([np.inf, 3.0])).tolist()
    [0.0, 4.0, 7.0, 10.0]
    """
    lengths = np.diff(edges)
    counts = np.ceil(lengths / steps).clip(1.0).astype(np.intp)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.append(np.repeat(edges[:-1], counts) + within * np.repeat(lengths / counts, counts), edges[-1])


def _distinct(instants: FloatArray) -> FloatArray:
    """In order, each once; of those that only rounding tells apart the first, but the end."""
    ordered = np.unique(instants)
    kept: FloatArray = ordered[np.append(True, np.diff(ordered) > _ROUNDING * ordered[-1])]
    kept[-1] = ordered[-1]
    return kept


def _middles(edges: FloatArray) -> FloatArray:
    middles: FloatArray = (edges[:-1] + edges[1:]) / 2.0
    return middles
