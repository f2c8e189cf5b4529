"""Which rates are off what was forecast for them, and since when."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.forecasting._median import medians

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray

_ENOUGH = 24
_FEW, _RECENT = 3, 12
_COUNTABLE = 10.0
_DAY = 86_400.0
_LONGEST_DAY = 10_080
_LARGEST, _LARGEST_HELD = 1e300, 1e30
_ANSCOMBE = 0.375
_QUARTILES_TO_SD, _TAIL_TO_SD = 1.349, 2.3263
_TAIL = 0.01
_CAUTION = 1.3
_SPANS = (1, 4)
_RECORD, _LEAST_RECORD, _MOST_RECORD = 14 * _DAY, 1000, 4032
_SHORTEST_BLOCK, _LONGEST_BLOCK = 12, 288
_BOUND = 1.5
_LIKE = 0.5
_CALM = 3
_CAP = 4 * 3600.0
_REFRACTORY, _WORSE = 6 * 3600.0, 1.5
_DISTRUST = 0.1


@dataclass(frozen=True, slots=True)
class Anomaly:
    """An episode that goes on.

    Args:
        expected: what was forecast for the newest bin that was off [jobs/s]; the recent median without a record.
        came: what came in it [jobs/s].
        deviations: robust standard deviations off; negative where less came than was forecast.
        started: how many bins ago the episode was raised; 0 is the newest bin.
    """

    expected: float
    came: float
    deviations: float
    started: int


class Watch:
    """Rates held against what was forecast for them, for several series at once.

    A deviation is twice the difference of the square roots of two counts, on which a Poisson count has a standard
    deviation of 1 at any level, divided by the robust standard deviation on its side: the largest of 1, what the
    quartiles of the record say and what its outermost hundredth says (quartiles ignore tails, and traffic has them),
    times 1.3, since a week has thousands of bins to be wrong in. The sum over four bins is judged in the same way, on a
    record of its own, since four bins tell from chance what one cannot. The score of a bin is the larger of the two.
    The record holds the last two weeks, in which nothing counts for more than one and a half times the threshold; it is
    looked up at least every 288 bins.

    A bin is off when its score is above ``threshold`` and ten jobs or more are too many or missing, unless a bin about
    a day earlier was half as far off or further on the same side: what happens every day is no anomaly. With fewer than
    24 residuals on record, a bin is off when it is above ``spike`` x the recent median by more than Poisson noise.

    The first bin that is off raises an anomaly, once. The episode ends after three bins in a row that are not off, and
    four hours after its start the new level is taken for usual, from which the fits learn again. For six hours after an
    episode another is raised only when it is one and a half times as far off.

    Args:
        series: how many series.
        interval: length of a bin [s].
        threshold: robust standard deviations.
        spike: multiple of the recent level.

    References:
        Anscombe (1948), Biometrika 35:246-254 (square roots of counts); Lavin & Ahmad (2015), ICMLA, 38-44 (streaming
        detection, one early alarm for one anomaly).
    """

    def __init__(self, series: int, interval: float, *, threshold: float, spike: float) -> None:
        self._interval, self._threshold, self._spike = interval, threshold, spike
        day = round(_DAY / interval)
        self._day = day if 1 < day <= _LONGEST_DAY else 0
        self._records = [_Record(series, interval, span, threshold * _CAUTION) for span in _SPANS]
        self._off = np.full((2, series, max(_SPANS) - 1), np.nan)
        self._recent = np.full((series, _RECENT), np.nan)
        self._past = np.zeros((series, self._day + 1))
        self._episodes = [_Episode(interval) for _ in range(series)]
        self._clock = 0
        self.scores = np.empty((series, 0))
        self.raised = np.empty((series, 0), dtype=bool)

    def read(self, expected: FloatArray, rates: FloatArray) -> FloatArray:
        """How much each bin may teach the fits of the forecast models: 1, or 0.1 where an anomaly goes on.

        Afterwards ``scores`` holds the deviation of each of these bins, judged when it came, 0 for a gap and for what
        is no anomaly under any threshold, and ``raised`` where an anomaly was raised; both have shape (series, n).

        Args:
            expected: what was forecast for each bin [jobs/s], shape (series, n), NaN where there was no forecast.
            rates: what came [jobs/s], shape (series, n), NaN where there is a gap.
        """
        known = self._known(expected, rates)
        cold = np.isnan(known) & np.isfinite(rates)
        levels, sudden = self._sudden(rates, np.flatnonzero(cold.any(axis=0)))
        scores = np.where(cold, sudden, np.nan_to_num(known))
        self.scores = np.where(self._usual(scores), 0.0, scores)
        weights, self.raised = np.ones_like(rates), np.zeros(rates.shape, dtype=bool)
        for row, at in np.argwhere(np.abs(self.scores) > self._threshold).tolist():
            made = levels[row, at] if cold[row, at] else expected[row, at]
            found = Anomaly(float(made), float(rates[row, at]), float(self.scores[row, at]), 0)
            distrusted, self.raised[row, at] = self._episodes[row].meet(self._clock + at, found)
            weights[row, at] = _DISTRUST if distrusted else 1.0
        self._clock += rates.shape[1]
        return weights

    def states(self) -> list[Anomaly | None]:
        """The episode that goes on at the newest bin of each series, or ``None``."""
        return [episode.at(self._clock - 1) for episode in self._episodes]

    def _known(self, expected: FloatArray, rates: FloatArray) -> FloatArray:
        """Deviations as the record has them, NaN where there is none."""
        made, came = (np.clip(each, 0.0, _LARGEST) * self._interval for each in (expected, rates))
        roots = 2.0 * (np.sqrt(came + _ANSCOMBE) - np.sqrt(made + _ANSCOMBE))
        width, length = self._off.shape[2], rates.shape[1]
        off = np.concatenate([self._off, np.stack([roots, came - made])], axis=2)
        self._off = off[:, :, length:].copy()
        scores = np.full_like(rates, np.nan)
        for span, record in zip(_SPANS, self._records, strict=True):
            sums = np.sum([off[:, :, width - back : width - back + length] for back in range(span)], axis=0)
            deviations, jobs = record.read(sums[0] / math.sqrt(span)), sums[1]
            side = np.sign(deviations)
            countable = np.sign(jobs) * side * np.abs(jobs) >= _COUNTABLE
            lasting = 2.0 * span * roots * side >= np.abs(sums[0])  # or it is over, and only the sum remembers
            deviations = np.where(countable & lasting | np.isnan(deviations), deviations, 0.0)
            further = np.isnan(scores) | (np.abs(deviations) > np.abs(scores))
            scores = np.where(further, deviations, scores)
        return scores

    def _sudden(self, rates: FloatArray, columns: np.ndarray) -> tuple[FloatArray, FloatArray]:
        """The median of the last rates and, where ``spike`` x as much came, how far off; looked up at ``columns``."""
        joined = np.concatenate([self._recent, np.clip(rates, 0.0, _LARGEST)], axis=1)
        self._recent = joined[:, rates.shape[1] :].copy()
        levels, scores = np.full_like(rates, np.nan), np.zeros_like(rates)
        recent = np.lib.stride_tricks.sliding_window_view(joined, _RECENT, axis=1)[:, columns]
        level, came = medians(recent, at_least=_FEW), joined[:, _RECENT + columns]
        above = (came > self._spike * level) & ((came - level) * self._interval >= _COUNTABLE)
        noise = np.sqrt((level + 1.0 / self._interval) / self._interval)
        levels[:, columns] = level
        scores[:, columns] = np.where(above, (came - level) / noise, 0.0)
        return levels, scores

    def _usual(self, scores: FloatArray) -> np.ndarray:
        """Whether a bin about a day earlier was about as far off on the same side, shape (series, n)."""
        if not self._day:
            return np.zeros(scores.shape, dtype=bool)
        length, side, least = scores.shape[1], np.sign(scores), _LIKE * np.abs(scores)
        joined = np.concatenate([self._past, scores], axis=1)
        self._past = joined[:, length:].copy()
        near = [joined[:, early : early + length] * side >= least for early in range(3)]
        return np.asarray(np.any(near, axis=0))


class _Record:
    """Deviations in robust standard deviations of those before, looked up at instants that only the clock decides."""

    def __init__(self, series: int, interval: float, span: int, limit: float) -> None:
        self._length = min(max(round(_RECORD / interval), _LEAST_RECORD), _MOST_RECORD)
        self._span, self._limit = span, _BOUND * limit
        self._past = np.empty((series, self._length + _LONGEST_BLOCK), dtype=np.float32)
        self._filled = self._clock = self._due = 0
        self._middle, self._below, self._above = (np.full((series, 1), np.nan) for _ in range(3))

    def read(self, off: FloatArray) -> FloatArray:
        """Robust standard deviations of each deviation, NaN with fewer than 24 before it; both of shape (series, n)."""
        scores = np.empty_like(off)
        at, length = 0, off.shape[1]
        while at < length:
            if self._clock == self._due:
                self._look_up()
            count = min(length - at, self._due - self._clock)
            scores[:, at : at + count] = self._judged(off[:, at : at + count])
            self._clock, at = self._clock + count, at + count
        return scores

    def _judged(self, new: FloatArray) -> FloatArray:
        """Scores of deviations, which then enter the record, cut to what it may hold."""
        apart = new - self._middle
        scale = np.where(apart > 0.0, self._above, self._below)
        bound = self._limit * scale
        held = np.where(np.isnan(scale), new, np.clip(apart, -bound, bound) + self._middle)
        self._past[:, self._filled : self._filled + new.shape[1]] = np.clip(held, -_LARGEST_HELD, _LARGEST_HELD)
        self._filled += new.shape[1]
        scores: FloatArray = apart / (_CAUTION * scale)
        return scores

    def _look_up(self) -> None:
        self._due = self._clock + min(max(self._clock // 4, _SHORTEST_BLOCK), _LONGEST_BLOCK)
        if self._filled > self._length:
            self._past[:, : self._length] = self._past[:, self._filled - self._length : self._filled].copy()
            self._filled = self._length
        if not self._filled:
            return
        first = (self._filled - 1) % self._span  # the newest sum counts, and sums that share no bins with it
        ordered = np.sort(self._past[:, first : self._filled : self._span], axis=1)
        known = ordered.shape[1] - np.isnan(ordered).sum(axis=1, keepdims=True)
        shares = np.array([_TAIL, 0.25, 0.5, 0.75, 1.0 - _TAIL])
        places = np.rint(np.maximum(known - 1, 0) * shares).astype(int)
        lowest, low, middle, high, highest = np.take_along_axis(ordered, places, axis=1).T[:, :, None].astype(float)
        usual = np.maximum((high - low) / _QUARTILES_TO_SD, 1.0)
        self._middle = np.where(known >= _ENOUGH, middle, np.nan)
        self._below = np.where(known >= _ENOUGH, np.maximum(usual, (middle - lowest) / _TAIL_TO_SD), np.nan)
        self._above = np.where(known >= _ENOUGH, np.maximum(usual, (highest - middle) / _TAIL_TO_SD), np.nan)


class _Episode:
    """What goes on in one series; it is told only the bins that are off."""

    def __init__(self, interval: float) -> None:
        self._cap = max(1, round(_CAP / interval))
        self._refractory = round(_REFRACTORY / interval)
        self._newest: Anomaly | None = None
        self._begun = self._raised = self._last = self._ended = 0
        self._told = self._accepted = False
        self._worst = 0.0

    def meet(self, clock: int, found: Anomaly) -> tuple[bool, bool]:
        """Take a bin that is off; whether it is to be distrusted, and whether an anomaly is raised."""
        size = abs(found.deviations)
        if self._newest is None or clock - self._last > _CALM:
            if self._told:
                self._ended = self._last
            self._begun, self._told = clock, False
            if clock - self._ended > self._refractory:
                self._worst, self._accepted = 0.0, False
        early = clock - self._begun < self._cap
        raised = early and not self._told and size > _WORSE * self._worst
        if raised:
            self._told, self._raised = True, clock
        if self._told:
            self._worst = max(self._worst, size)
        self._newest, self._last = found, clock
        self._accepted |= not early
        return early and (self._told or not self._accepted), raised

    def at(self, clock: int) -> Anomaly | None:
        """The anomaly that goes on, or ``None``: it was never raised, has ended, or is by now usual."""
        over = clock - self._last >= _CALM or clock - self._begun >= self._cap
        if self._newest is None or not self._told or over:
            return None
        return replace(self._newest, started=clock - self._raised)
