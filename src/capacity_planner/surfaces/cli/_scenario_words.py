"""What people write by hand in scenarios: steps, spikes, more workers, and moments after the start."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from capacity_planner import units
from capacity_planner.domain.traffic import SpikeShape

if TYPE_CHECKING:
    from collections.abc import Callable

_SPIKE = re.compile(r"(?P<start>.+)\+(?P<duration>[^+:]+):x(?P<magnitude>[^:]+)(?::(?P<shape>[^:]+))?", re.ASCII)
_MORE = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*%|([+-]?\d+)", re.ASCII)
_MOST_PERCENT, _MOST_WORKERS = 10_000.0, 1_000_000


def moment(value: Any, start: datetime) -> datetime:
    """An instant, or the instant so long after the start.

    Raises:
        ValueError: neither; the message says the remedy.
    """
    if isinstance(value, timedelta):
        return start + value
    if isinstance(value, datetime):
        return units.parse_instant(value)
    try:
        after = units.parse_duration(value, wire=False)
    except ValueError:
        after = None
    if after is None:
        return _instant(value)
    if after < timedelta(0):
        raise ValueError("is before the start. Write how long after it, or an instant.")
    try:
        return start + after
    except OverflowError:
        raise ValueError("is outside the calendar.") from None


def _instant(value: Any) -> datetime:
    try:
        return units.parse_instant(value)
    except ValueError as error:
        if "time zone" in str(error):
            raise
        raise ValueError(
            'is neither a time after the start, such as "10m", nor an instant, such as "2026-01-31T12:00:00Z".'
        ) from None


def step(text: str) -> dict[str, Any]:
    """A step in words.

    >>> step("10m=20")
    {'at': '10m', 'workers': 20}
    """
    at, _, workers = text.rpartition("=")
    if not at or not workers.strip().isdecimal():
        raise ValueError("is no step. Write when and how many workers, such as 10m=20.")
    return {"at": at.strip(), "workers": int(workers)}


def spike(text: str) -> dict[str, Any]:
    """A spike in words.

    >>> spike("30m+2h:x5:bell")
    {'start_time': '30m', 'duration': datetime.timedelta(seconds=7200), 'magnitude': 5.0, 'shape': 'bell'}
    """
    match = _SPIKE.fullmatch(text.strip())
    if match is None:
        raise ValueError("is no spike. Write START+DURATION:xN[:SHAPE], such as 30m+2h:x5:bell.")
    shape = match["shape"] or SpikeShape.INSTANT.value
    if shape not in set(SpikeShape):
        raise ValueError(f"has the unknown shape {shape!r}. There are: {', '.join(SpikeShape)}.")
    try:
        magnitude = float(match["magnitude"])
    except ValueError:
        raise ValueError("has no number after x. Write how many times the rate, such as x5.") from None
    try:
        length = units.parse_duration(match["duration"], wire=False)
    except ValueError as error:
        raise ValueError(f"has the duration {match['duration']!r}, which {error}") from None
    return {"start_time": match["start"].strip(), "duration": length, "magnitude": magnitude, "shape": shape}


def more_workers(value: Any) -> Callable[[int], int]:
    """How many workers there are with so many more; part of a worker is a whole one, and there are never less than 0.

    >>> more_workers("20%")(11), more_workers(3)(11), more_workers("-50%")(11)
    (14, 14, 6)
    """
    match = _MORE.fullmatch(str(value).strip()) if isinstance(value, int | str) else None
    if match is None or isinstance(value, bool):
        raise ValueError('is no number of workers to add. Write a whole number, such as 3, or a share, such as "20%".')
    if match[1] is None:
        count = int(match[2])
        if abs(count) > _MOST_WORKERS:
            raise ValueError(f"must be at most {_MOST_WORKERS:,}.")
        return lambda workers: max(workers + count, 0)
    percent = float(match[1])
    if percent > _MOST_PERCENT:
        raise ValueError(f"must be at most {_MOST_PERCENT:,.0f}%.")
    return lambda workers: max(math.ceil(workers * (100.0 + percent) / 100.0 - 1e-9), 0)


def more_words(value: Any) -> str:
    """The same for a name.

    >>> more_words("20%"), more_words("-3"), more_words(1)
    ('+20 % workers', '-3 workers', '+1 worker')
    """
    text = str(value).strip()
    signed = text if text.startswith(("+", "-")) else f"+{text}"
    noun = "worker" if signed in {"+1", "-1"} else "workers"
    return f"{signed.rstrip('% ')} % {noun}" if signed.endswith("%") else f"{signed} {noun}"
