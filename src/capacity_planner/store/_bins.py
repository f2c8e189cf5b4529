"""Samples of the distant past as one for each bin: a mean over the time, or the jobs, that each stands for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

Sample: TypeAlias = dict[str, Any]
_Weights: TypeAlias = Sequence[float]


def end_of(at: int, bin_length: int) -> int:
    """The end of the bin that an instant lies in; the end is within.

    >>> end_of(5, 5), end_of(6, 5)
    (5, 10)
    """
    return -(-at // bin_length) * bin_length


def mean_sample(inside: Sequence[Sample], bin_length: int) -> Sample:
    """The one sample that stands for those of a bin.

    Args:
        inside: what the bin holds, in time order; the mean of what it held before, which has a ``span``, among them.
        bin_length: its length [µs].
    """
    end = end_of(inside[0]["at"], bin_length)
    times = _times(inside, end - bin_length)
    jobs = [item["arrival_rate"] * time for item, time in zip(inside, times, strict=True)]
    by_job = jobs if any(jobs) else times
    return {
        "at": end,
        "span": bin_length,
        "arrival_rate": _mean(inside, "arrival_rate", times),
        "service_time": _whole(_mean(inside, "service_time", by_job, _positive)) or 0,
        "service_time_p95": _whole(_mean(inside, "service_time_p95", by_job, _positive)),
        "service_time_std": _whole(_mean(inside, "service_time_std", by_job, _known_std)),
        "current_workers": inside[-1]["current_workers"],
        "utilization": _mean(inside, "utilization", [1.0] * len(inside), _positive) or 0.0,
        "backlog": _whole(_mean(inside, "backlog", [1.0] * len(inside))),
        "active_jobs": _whole(_mean(inside, "active_jobs", [1.0] * len(inside))),
    }


def _times(inside: Sequence[Sample], start: int) -> list[float]:
    """The time that each stands for: since the one before, within the bin."""
    before = [start, *(item["at"] for item in inside)]
    return [float(item.get("span") or item["at"] - at) for item, at in zip(inside, before, strict=False)]


def _positive(item: Sample, name: str) -> bool:
    """Whether a value is known: zero and nothing say that it is not."""
    return bool(item[name])


def _known_std(item: Sample, name: str) -> bool:
    """As above, but a deviation of zero is one, unless the percentile says otherwise."""
    return bool(item[name]) or (item[name] == 0 and (item["service_time_p95"] or 0) in {0, item["service_time"]})


def _always(item: Sample, name: str) -> bool:
    del item, name
    return True


def _mean(
    inside: Sequence[Sample], name: str, weights: _Weights, known: Callable[[Sample, str], bool] = _always
) -> float | None:
    pairs = [(item[name], weight) for item, weight in zip(inside, weights, strict=True) if known(item, name)]
    if not pairs:
        return None
    total = sum(weight for _, weight in pairs)
    if not total:
        pairs, total = [(value, 1.0) for value, _ in pairs], len(pairs)
    mean = sum(value * weight for value, weight in pairs) / total
    values = [value for value, _ in pairs]
    return float(min(max(mean, min(values)), max(values)))  # not a hair beyond what a field may be


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
