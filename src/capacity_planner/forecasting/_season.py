"""Which seasons a series has: the day, the week, both or none."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from capacity_planner.forecasting._median import medians

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray

_DAY = 86_400.0
_WEEK = 7 * _DAY
_LEAST_INTERVALS = 4
_LEAST_CYCLES = 2
_MOST_DAYS = 56
_SLOTS = 24
_FAR = 5.0
_NEAR = 3.0
_NOTHING = 1e-18

_SURE = 1.645
_SHARE = 0.05
_SHARE_OF_MEMORY = 0.1
_WEEK_SHARE = 0.1
_WEEK_ALONE_SURE = 3.0
_WEEK_ALONE_SHARE = 0.15


class _Likeness(NamedTuple):
    """How alike the cycles are.

    Attributes:
        share: of the variance, what the cycles have in common.
        deviations: the share in its standard deviations if they had nothing in common.
        memory: how much of a slot's value lasts to the next slot, from 0 to 1.
    """

    share: float
    deviations: float
    memory: float


def periods(rates: FloatArray, interval: float) -> tuple[int, ...]:
    """Lengths of the seasons of a series, in intervals, ascending; none where there is no evidence.

    A season is the day or the week, of at least four intervals and with at least two cycles at hand. The newest eight
    weeks are cut into days of at most 24 slots, on a square-root scale, on which counts vary alike at every level. What
    a slot takes over from the slot before is taken out of it, since two walks look alike by chance and their steps do
    not. The day is a season when the days then have more in common than chance allows, and enough of it to be of use;
    the less the level says of the next hour, the less is enough. The week is a season when days a week apart have more
    in common than other days have, and by more where there is no daily season to lean on.

    Args:
        rates: λ per interval [jobs/s], shape (n,), NaN where there is a gap.
        interval: length of an interval [s].

    References:
        Box & Jenkins (1970), Time Series Analysis, section 11.2 (prewhitening before correlating); Bartlett (1946),
        Supplement to the Journal of the Royal Statistical Society 8:27-41 (spread of sample autocorrelations).

    >>> hours = np.arange(14 * 24)
    >>> periods(5.0 + np.sin(2 * np.pi * hours / 24), 3600.0)
    (24,)
    """
    day, week = round(_DAY / interval), round(_WEEK / interval)
    if len(rates) < _LEAST_CYCLES * day or not (rates > 0.0).any():
        return ()
    days = _days(rates, max(day, 1))
    daily = day >= _LEAST_INTERVALS and _is_daily(_likeness_of_days(days))
    apart = round(week / max(day, 1))
    enough = week >= _LEAST_INTERVALS and len(rates) >= _LEAST_CYCLES * week and len(days) >= _LEAST_CYCLES * apart
    weekly = enough and _is_weekly(_likeness_of_weeks(days, apart), daily=daily)
    return tuple(length for length, found in ((day, daily), (week, weekly)) if found)


def given(period: float, interval: float) -> tuple[int, ...]:
    """A season of a known length, in whole intervals; none when it is shorter than two.

    Args:
        period: length of the season [s]; 0 is none.
        interval: length of an interval [s].

    >>> given(86_400.0, 300.0)
    (288,)
    """
    length = round(period / interval)
    return (length,) if length >= _LEAST_CYCLES else ()


def _is_daily(days: _Likeness) -> bool:
    return days.deviations > _SURE and days.share > _SHARE + _SHARE_OF_MEMORY * days.memory


def _is_weekly(weeks: _Likeness, *, daily: bool) -> bool:
    if daily:
        return weeks.deviations > _SURE and weeks.share > _WEEK_SHARE
    return weeks.deviations > _WEEK_ALONE_SURE and weeks.share > _WEEK_ALONE_SHARE


def _days(rates: FloatArray, length: int) -> FloatArray:
    """Square roots of the mean rate per slot, shape (days, slots), the newest day whole; of no unit."""
    newest = rates[-_MOST_DAYS * length :]
    rows = -(-len(newest) // length)
    padded = np.full(rows * length, np.nan)
    padded[-len(newest) :] = newest
    known = np.isfinite(padded).reshape(rows, length)
    counts = np.where(known, np.maximum(padded, 0.0).reshape(rows, length), 0.0)
    counts /= max(counts.max(), np.finfo(float).tiny)
    slots = min(_SLOTS, length)
    starts = np.arange(slots) * length // slots
    sums, seen = np.add.reduceat(counts, starts, axis=1), np.add.reduceat(known, starts, axis=1, dtype=int)
    wide = np.diff(np.append(starts, length))
    roots: FloatArray = np.where(2 * seen >= wide, np.sqrt(sums / np.maximum(seen, 1)), np.nan)
    return roots


def _likeness_of_days(days: FloatArray) -> _Likeness:
    """What all days have in common, each about its own mean."""
    rows, memory = _steps(days, days.shape[1])
    rows = _level(_near(rows))
    pairs = ~np.eye(len(rows), dtype=bool)
    return _likeness(rows, pairs, ~pairs, memory)


def _level(rows: FloatArray) -> FloatArray:
    """Each day about its own mean, without the growth in the day that goes on from day to day."""
    means = _means(rows)
    rows = rows - means[:, None]
    place = np.arange(rows.shape[1]) / rows.shape[1]
    place -= place.mean()
    within = float(_means(_means(rows * place)) / (place @ place / len(place)))
    between = float(medians(np.diff(means)))
    growth = math.copysign(min(abs(within), abs(between)), within) if within * between > 0.0 else 0.0
    rows -= growth * place
    return rows


def _likeness_of_weeks(days: FloatArray, apart: int) -> _Likeness:
    """What days a week apart have in common beyond what other days have; about the usual day and the week's level."""
    rows, memory = _steps(days, apart * days.shape[1])
    rows = rows - medians(rows.T)
    windows = np.lib.stride_tricks.sliding_window_view(medians(rows), apart)
    middle = np.clip(np.arange(len(rows)) - apart // 2, 0, len(windows) - 1)
    rows = _near(rows - medians(windows)[middle][:, None])
    rows = rows - medians(rows.T)
    lags = np.abs(np.subtract.outer(np.arange(len(rows)), np.arange(len(rows))))
    return _likeness(rows, (lags > 0) & (lags % apart == 0), lags % apart > 0, memory)


def _steps(days: FloatArray, cycle: int) -> tuple[FloatArray, float]:
    """What is new in each slot, shape (days, slots), and the memory that was taken out.

    Memory is the correlation of neighbours in the differences between cycles, which no season of that length enters.
    """
    values = days.ravel()
    off = values[cycle:] - values[:-cycle]
    off = off - medians(off)
    reach = _NEAR * float(medians(np.abs(off)))
    # Clipped tightly, or one outage would look like a long memory.
    off = np.clip(off, -reach, reach) if reach > 0.0 else _near(off)
    both = np.isfinite(off[1:] + off[:-1])
    now, before = off[1:][both], off[:-1][both]
    power = float(now @ now + before @ before) / 2.0
    memory = min(max(float(now @ before) / power, 0.0), 1.0) if power > _NOTHING else 0.0
    latest = np.append(np.nan, values[:-1])
    # A slot without a slot before it is taken to have followed its like.
    latest = np.where(np.isnan(latest), values, latest)
    return (values - memory * latest).reshape(days.shape), memory


def _likeness(rows: FloatArray, same: NDArray[np.bool_], other: NDArray[np.bool_], memory: float) -> _Likeness:
    """Mean product of rows that ``same`` pairs, less that of ``other`` pairs, as a share of the mean square.

    Pairs of a row with itself among ``other`` do not count.
    """
    known = np.isfinite(rows)
    values, seen = np.where(known, rows, 0.0), known.astype(float)
    products, counts = values @ values.T, seen @ seen.T
    power = np.trace(products) / max(np.trace(counts), 1.0)
    other = other & ~np.eye(len(rows), dtype=bool)
    alike, unlike = float(counts[same].sum()) / 2.0, float(counts[other].sum()) / 2.0
    if power <= _NOTHING or alike == 0.0:
        return _Likeness(0.0, 0.0, memory)
    share = float(products[same].sum() / (2.0 * alike * power))
    spread = 1.0 / alike
    if unlike > 0.0:
        share -= float(products[other].sum() / (2.0 * unlike * power))
        spread += 1.0 / unlike
    return _Likeness(share, share / math.sqrt(spread), memory)


def _near(values: FloatArray) -> FloatArray:
    """The values, those far out drawn in to five mean deviations."""
    middle = float(_means(values.ravel()))
    reach = _FAR * float(_means(np.abs(values - middle).ravel()))
    return np.clip(values, middle - reach, middle + reach)


def _means(values: FloatArray) -> FloatArray:
    """Means along the last axis of what is known, zero where nothing is."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=-1)
    mean: FloatArray = total / np.maximum(known.sum(axis=-1), 1)
    return mean
