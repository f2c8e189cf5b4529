"""Samples of one queue, in time order, in memory."""

from __future__ import annotations

from bisect import bisect_left
from operator import lt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from capacity_planner.domain.metrics import Metrics

_MOST_SAMPLES = 200_000


def merge(samples: Iterable[Metrics], *, until: datetime, window: timedelta) -> tuple[Metrics, ...]:
    """The samples in [until - window, until], oldest first; of samples with one timestamp the last given counts."""
    given = tuple(samples)
    times = [sample.timestamp for sample in given]
    if all(map(lt, times, times[1:])) and times and times[-1] <= until:
        return given[bisect_left(times, until - window) :]
    newest = dict(zip(times, given, strict=True))
    return tuple(newest[at] for at in sorted(newest) if at <= until and until - at <= window)


class SampleStore:
    """The samples of one queue within a window; late and repeated samples find their place."""

    def __init__(self) -> None:
        self._times: list[datetime] = []
        self._samples: list[Metrics] = []

    def add(self, sample: Metrics, window: timedelta) -> bool:
        """Keep a sample and drop what is older than ``window`` before the newest; whether anything changed."""
        place = bisect_left(self._times, sample.timestamp)
        if place < len(self._times) and self._times[place] == sample.timestamp:
            changed = self._samples[place] != sample
            self._samples[place] = sample
            return changed
        self._times.insert(place, sample.timestamp)
        self._samples.insert(place, sample)
        self._drop(window)
        return True

    def samples(self) -> tuple[Metrics, ...]:
        """The samples, oldest first."""
        return tuple(self._samples)

    def _drop(self, window: timedelta) -> None:
        newest = self._times[-1]
        keep = next(index for index, at in enumerate(self._times) if newest - at <= window)
        keep = max(keep, len(self._times) - _MOST_SAMPLES)
        del self._times[:keep], self._samples[:keep]
