"""One second of the demo, and one thing that was done in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from capacity_planner.surfaces.cli._demo_settings import P95

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """One second of the replay, when it was over.

    Attributes:
        at: its end, in the time of the trace.
        arrived: jobs that came.
        finished: jobs that were done.
        p95: of the response times of these [s]; ``None`` where there were none.
        workers: that ran at its end.
        wanted: workers that were ordered last.
        backlog: jobs that waited at its end.
        oldest: how long the first of these had waited [s].
        forecast: the rate that the newest plan expected next [jobs/s]; ``None`` without a plan.
    """

    at: datetime
    arrived: int
    finished: int
    p95: float | None
    workers: int
    wanted: int
    backlog: int
    oldest: float
    forecast: float | None

    @property
    def kept(self) -> bool:
        """Whether the promise held: no job waits already longer than is allowed, either."""
        return (self.p95 or 0.0) <= P95 and self.oldest <= P95


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What was done to the workers, or only recommended.

    Attributes:
        at: when, in the time of the trace.
        from_workers: before.
        to_workers: afterwards.
        applied: whether it was done.
        why: a sentence.
    """

    at: datetime
    from_workers: int
    to_workers: int
    applied: bool
    why: str


def percentile(values: Iterable[float], share: float = 0.95) -> float | None:
    """The least value that a share of them does not exceed; ``None`` of none.

    >>> percentile(range(1, 101)), percentile([3.0, 1.0])
    (95, 3.0)
    """
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None
