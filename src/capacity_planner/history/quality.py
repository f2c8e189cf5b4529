"""How good a queue's samples are: repeated, out of order, missing, irregular."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.history.resample import ages_of, spacing, to_series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from capacity_planner.domain.metrics import Metrics

_OFF = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What was mended, or is missing, when samples were put on an even grid.

    Attributes:
        samples: samples given.
        duplicates: samples with the timestamp of one given before them; of these the last given counts.
        out_of_order: samples older than one given before them.
        gaps: intervals without a sample between the oldest and the newest, of those that the grid keeps.
        longest_gap: longest run of such intervals [s].
        irregular: share of the distances between neighbours that are off the median by more than a fifth.
        interval: length of an interval of the grid [s].
    """

    samples: int
    duplicates: int
    out_of_order: int
    gaps: int
    longest_gap: float
    irregular: float
    interval: float


def quality(samples: Sequence[Metrics], interval: float) -> Quality:
    """Count what is wrong with samples.

    Args:
        samples: as they came, in any order.
        interval: wanted length of an interval [s].
    """
    if not samples:
        return Quality(
            samples=0, duplicates=0, out_of_order=0, gaps=0, longest_gap=0.0, irregular=0.0, interval=interval
        )
    unique = {sample.timestamp: sample for sample in samples}
    series = to_series([unique[at] for at in sorted(unique)], interval)
    missing = np.isnan(series.rates)
    ages = ages_of(samples, series.end)
    return Quality(
        samples=len(samples),
        duplicates=len(samples) - len(unique),
        out_of_order=int((ages > np.minimum.accumulate(ages)).sum()),
        gaps=int(missing.sum()),
        longest_gap=_longest(missing) * series.interval,
        irregular=_irregular(np.unique(ages)[::-1]),
        interval=series.interval,
    )


def _longest(missing: NDArray[np.bool_]) -> int:
    """Length of the longest run of what is true; the first and the last are not."""
    edges = np.flatnonzero(~missing)
    return int(np.diff(edges).max(initial=1)) - 1


def _irregular(ages: NDArray[np.int64]) -> float:
    """Share of the distances of ages, descending [µs], that are off their median."""
    usual = spacing(ages)
    off = np.abs(ages[:-1] - ages[1:] - usual) > _OFF * usual
    return float(off.mean()) if len(off) else 0.0
