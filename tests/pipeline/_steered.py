"""Queues for the planner's own policy: Poisson jobs of a minute, ten in service on average."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from capacity_planner.domain.policy import PolicyTask
from capacity_planner.pipeline.steered import Planner
from capacity_planner.queueing._laws import Exponential
from capacity_planner.simulation.closed_loop import Loop, Replay, run
from capacity_planner.simulation.tiers import PLAIN

if TYPE_CHECKING:
    from capacity_planner.contracts import ServiceLaw
    from capacity_planner.domain.congestion import FloatArray

MINUTE, DAY = 60.0, 1_440
SERVICE = 60.0
LAW = Exponential(SERVICE)
ITSELF = math.nan
"""As the knob: the place that sets itself."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """Jobs per minute of the past and of the time that is replayed, and the jobs of the latter."""

    counts: FloatArray
    loop: Loop

    @property
    def begin(self) -> int:
        """Minutes of the past."""
        return len(self.loop.task.past)

    def told(self, minute: int, dice: np.random.Generator) -> FloatArray:
        """Other counts from a minute of the replay on; the same before."""
        other = self.counts.copy()
        rest = len(other) - self.begin - minute
        other[self.begin + minute :] = dice.poisson(30.0, rest)
        return other


def case(past: float, replayed: float, *, daily: float = 0.0, load: float = 10.0, seed: int = 1, **task: Any) -> Case:
    """So many days of past and of replay, on which the rate goes up and down by a share ``daily``."""
    dice, skipped = np.random.default_rng(seed), round(past * DAY)
    count = skipped + round(replayed * DAY)
    shape = 1.0 + daily * np.sin(np.arange(count) * 2.0 * np.pi / DAY)
    counts = dice.poisson(load * MINUTE / SERVICE * shape).astype(float)
    arrivals = np.repeat(np.arange(count - skipped) * MINUTE, counts[skipped:].astype(int))
    arrivals = np.sort(arrivals + MINUTE * dice.random(len(arrivals)))
    facts: dict[str, Any] = {"service_time": SERVICE, "startup_delay": 120.0, "allowed_wait": 60.0, "share": 0.95}
    told = PolicyTask(past=counts[:skipped], **(facts | task))
    services = dice.exponential(SERVICE, len(arrivals))
    workers = max(1, round(load / told.concurrency))
    return Case(
        counts=counts,
        loop=Loop(task=told, arrivals=arrivals, services=services, counts=counts[skipped:], workers=workers),
    )


def replayed(queue: Case, planner: Planner, knob: float = ITSELF, **task: Any) -> Replay:
    """What becomes of the jobs when a planner scales."""
    loop = replace(queue.loop, task=replace(queue.loop.task, **task))
    return run(loop, planner.start(loop.task, knob), planner.period, PLAIN)


def scaled(
    queue: Case, knob: float = ITSELF, *, counts: FloatArray | None = None, law: ServiceLaw = LAW, **options: Any
) -> Replay:
    """What becomes of the jobs when a fresh planner scales; it may be told other counts than come."""
    return replayed(queue, Planner(queue.counts if counts is None else counts, law, **options), knob)
