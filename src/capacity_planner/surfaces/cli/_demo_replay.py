"""What the demo replays: a trace, how fast, and the clock that goes with it."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

SERVICE_TIME = 0.25
"""Mean service time of the demo's jobs [s]; they are exponential."""

TRACE = Path(__file__).with_name("_demo_trace.csv")
_PEAK = 70.0
_BIN = timedelta(minutes=30)
_TAXI = datetime(2014, 9, 22, tzinfo=UTC)
_START = datetime(2014, 9, 25, 4, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A trace and the pace at which it is replayed.

    Attributes:
        begin: of the trace.
        rates: in each half hour of the trace, as it is replayed [jobs/s].
        start: where the replay begins; what is before is the history.
        seconds: how long it goes on.
        speed: how many times as fast as the trace.
        seed: of the history's and the load's random numbers.
    """

    begin: datetime
    rates: tuple[float, ...]
    start: datetime
    seconds: float
    speed: float
    seed: int = 1

    @classmethod
    def taxi(cls, seconds: float, speed: float) -> Replay:
        """The taxi trace, thinned out to what sleeping workers on one machine can be paid for."""
        counts = taxi_counts()
        rates = tuple(_PEAK * count / max(counts) for count in counts)
        return cls(begin=_TAXI, rates=rates, start=_START, seconds=seconds, speed=speed)

    @property
    def longest(self) -> float:
        """As much as there is to replay [s]."""
        return (self.begin + len(self.rates) * _BIN - self.start).total_seconds() / self.speed

    @property
    def bin_length(self) -> float:
        """Half an hour of the trace as it is replayed [s]."""
        return _BIN.total_seconds() / self.speed

    def coming(self) -> tuple[float, ...]:
        """The rates of the replay's half hours, the last one included."""
        first = (self.start - self.begin) // _BIN
        return self.rates[first : first + math.ceil(self.seconds / self.bin_length)]

    def history(self, queue_name: str) -> list[Metrics]:
        """Samples of the trace before the replay, thinned out at random as the replay is; none was measured."""
        dice = np.random.default_rng(self.seed)
        past = self.rates[: (self.start - self.begin) // _BIN]
        counts = dice.poisson(np.array(past) * self.bin_length)
        return [
            Metrics(
                timestamp=self.begin + place * _BIN,
                arrival_rate=float(count) / _BIN.total_seconds(),
                service_time=self.slowed(SERVICE_TIME),
                queue_name=queue_name,
            )
            for place, count in enumerate(counts, start=1)
        ]

    def slowed(self, seconds: float) -> timedelta:
        """A time of the replay as the trace has it."""
        return timedelta(seconds=seconds * self.speed)


class ReplayClock:
    """The time of the trace; it stands still until it is told when to go."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._begin = math.inf

    def __call__(self) -> datetime:
        """The present instant of the trace."""
        return self._replay.start + self._replay.slowed(self.elapsed)

    def go(self, begin: float) -> None:
        """Go from an instant of the machine's monotonic clock on [s]."""
        self._begin = begin

    @property
    def begin(self) -> float:
        """When it began to go, by the machine's monotonic clock [s]; infinite before."""
        return self._begin

    @property
    def elapsed(self) -> float:
        """How long it has been going [s]."""
        return max(monotonic() - self._begin, 0.0)


def taxi_counts() -> Sequence[int]:
    """Taxi rides that began in New York, per half hour of two weeks; ``_demo_trace.LICENSE`` says whence.

    >>> len(taxi_counts()), max(taxi_counts())
    (672, 28113)
    """
    with TRACE.open(encoding="ascii", newline="") as lines:
        return [int(row["count"]) for row in csv.DictReader(lines)]
