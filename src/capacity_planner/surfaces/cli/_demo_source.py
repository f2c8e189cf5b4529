"""The source of the demo: the source ``redis_list``, its figures told in the time of the trace."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from capacity_planner.domain.scaling import Gap
from capacity_planner.registry import sources

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from capacity_planner.domain.metrics import Metrics


@sources.register("demo")
class ReplayedList:
    """What ``redis_list`` measures, as if it happened at the pace at which the trace did.

    A replay that is 1440 times as fast as its trace has 1440 times as many jobs in a second; the planner, whose
    clock is the trace's, is told the rate of the trace, and service times that are so much longer.

    Args:
        url: the Redis server.
        prefix: what the demo's keys begin with.
        speed: how many times as fast the trace is replayed.
    """

    name: str

    def __init__(self, *, url: str, prefix: str, speed: float) -> None:
        kinds = ("processing", "arrived", "finished", "worked", "workers")
        keys = {kind: f"{prefix}:{kind}" for kind in kinds}
        self._measured = sources.make("redis_list", {"url": url, "lists": (f"{prefix}:waiting",), **keys})
        self._speed = speed

    def collect(self, queue_name: str, since: datetime | None, until: datetime) -> Sequence[Metrics] | Gap:
        """One sample of the time since the call before."""
        found = self._measured.collect(queue_name, since, until)
        return found if isinstance(found, Gap) else [self._slowed(sample) for sample in found]

    def _slowed(self, sample: Metrics) -> Metrics:
        return replace(
            sample, arrival_rate=sample.arrival_rate / self._speed, service_time=sample.service_time * self._speed
        )
