"""When jobs arrive: drawn from a rate curve, spread within counted intervals, or as they were measured.

Every kind hands out blocks of ascending arrival times [s], about `BLOCK` jobs each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from capacity_planner.simulation.traffic import NOISE_PERIOD, noisy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.simulation._curve import RateCurve

BLOCK = 15_360  # 120 KiB of doubles: from 128 KiB on, every array would cost the allocator fresh pages


class Arrivals(Protocol):
    """A kind of arrivals."""

    @property
    def expected(self) -> float:
        """Jobs expected in all."""

    def blocks(self, rng: np.random.Generator, mood: np.random.Generator) -> Iterator[FloatArray]:
        """Ascending arrival times from 0 on [s], block by block.

        Args:
            rng: of the arrivals.
            mood: of the rate itself, where it is random.
        """


@dataclass(frozen=True, eq=False)
class PoissonArrivals:
    """A Poisson process whose rate follows a curve, exact by inversion of the cumulated rate (Çinlar 1975).

    Args:
        curve: the rate of jobs.
        noise: coefficient of variation of a random factor on the rate.
        noise_period: how long each factor lasts [s].
        batch: jobs that arrive together.
    """

    curve: RateCurve
    noise: float = 0.0
    noise_period: float = NOISE_PERIOD
    batch: int = 1

    @property
    def expected(self) -> float:
        """Jobs expected in all."""
        return self.curve.total

    def blocks(self, rng: np.random.Generator, mood: np.random.Generator) -> Iterator[FloatArray]:
        """Unit-rate arrivals, carried from the scale of expected jobs to that of time."""
        curve = noisy(self.curve, self.noise, mood, self.noise_period)
        expected, reached = curve.cumulated / self.batch, 0.0
        while reached < expected[-1]:
            unit = rng.standard_exponential(max(1, BLOCK // self.batch))
            unit[0] += reached
            np.cumsum(unit, out=unit)
            reached = unit[-1]
            if reached >= expected[-1]:
                unit = unit[: np.searchsorted(unit, expected[-1])]
            times = _on_clock(unit, curve, expected, self.batch)
            yield times if self.batch == 1 else np.repeat(times, self.batch)


def _on_clock(unit: FloatArray, curve: RateCurve, expected: FloatArray, batch: int) -> FloatArray:
    """The instants at which so many batches are expected [s]."""
    if not len(unit):
        return unit
    first, last = np.searchsorted(expected, unit[[0, -1]], side="right") - 1
    cuts = np.searchsorted(unit, expected[first + 1 : last + 1])
    lengths = np.diff(cuts, prepend=0, append=len(unit))
    with np.errstate(divide="ignore"):
        pace = batch / curve.rates[first : last + 1]
    if first == last:
        return np.asarray((unit - expected[first]) * pace[0] + curve.edges[first])
    used = lengths > 0
    parts = (expected[first : last + 1], pace, curve.edges[first : last + 1])
    base, slope, origin = (np.repeat(part[used], lengths[used]) for part in parts)
    return np.asarray((unit - base) * slope + origin)


@dataclass(frozen=True, eq=False)
class CountedArrivals:
    """Measured counts, spread evenly at random within their intervals.

    Args:
        counts: jobs per interval.
        interval: its length [s].
    """

    counts: np.ndarray
    interval: float

    @property
    def expected(self) -> float:
        """Jobs in all."""
        return float(self.counts.sum(dtype=float))

    def blocks(self, rng: np.random.Generator, mood: np.random.Generator) -> Iterator[FloatArray]:
        """As many intervals together as make a block; a fuller one is halved first."""
        del mood
        parts, held = list[tuple[float, float, int]](), 0
        for start, length, count in self._parts(rng):
            if held and held + count > BLOCK:
                yield _spread(parts, rng)
                parts, held = [], 0
            parts.append((start, length, count))
            held += count
        if held:
            yield _spread(parts, rng)

    def _parts(self, rng: np.random.Generator) -> Iterator[tuple[float, float, int]]:
        for index in np.flatnonzero(self.counts).tolist():
            count = int(self.counts[index])
            rest = [(index * self.interval, self.interval, count)]
            while rest:
                start, length, jobs = rest.pop()
                if jobs <= BLOCK:
                    yield start, length, jobs
                else:
                    early = int(rng.binomial(jobs, 0.5))
                    half = 0.5 * length
                    rest += [(start + half, half, jobs - early), (start, half, early)]


def _spread(parts: list[tuple[float, float, int]], rng: np.random.Generator) -> FloatArray:
    start, length, count = (np.array(column) for column in zip(*parts, strict=True))
    whole = np.repeat(start, count) + rng.random(int(count.sum())) * np.repeat(length, count)
    return np.sort(whole)


@dataclass(frozen=True, eq=False)
class MeasuredArrivals:
    """Arrival times as they were measured.

    Args:
        times: ascending [s].
    """

    times: FloatArray

    @property
    def expected(self) -> float:
        """Jobs in all."""
        return float(len(self.times))

    def blocks(self, rng: np.random.Generator, mood: np.random.Generator) -> Iterator[FloatArray]:
        """The times, cut into blocks."""
        del rng, mood
        for first in range(0, len(self.times), BLOCK):
            yield self.times[first : first + BLOCK]
