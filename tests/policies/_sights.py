"""What a policy is told and sees, by the facts that a test is about; and a queue of steady traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.policy import PolicyTask, Seen
from capacity_planner.registry import policies
from capacity_planner.simulation.closed_loop import Loop, Replay, run
from capacity_planner.simulation.tiers import PLAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.contracts import Decide

HOURS = 12
LOAD = 40.0


def task(
    past: Sequence[float] = (),
    *,
    concurrency: int = 1,
    min_workers: int = 1,
    startup_delay: float = 120.0,
    interval: float = 60.0,
) -> PolicyTask:
    return PolicyTask(
        service_time=60.0,
        startup_delay=startup_delay,
        allowed_wait=30.0,
        concurrency=concurrency,
        min_workers=min_workers,
        interval=interval,
        past=np.array(past, dtype=float),
    )


def seen(
    now: float = 0.0,
    *,
    serving: int = 10,
    ordered: int | None = None,
    busy: int = 0,
    waiting: int = 0,
    utilization: float = 0.0,
    counts: Sequence[float] = (),
) -> Seen:
    return Seen(
        now=now,
        ordered=serving if ordered is None else ordered,
        serving=serving,
        busy=busy,
        waiting=waiting,
        utilization=utilization,
        counts=np.array(counts, dtype=float),
    )


def started(name: str, knob: float | None = None, facts: PolicyTask | None = None) -> Decide:
    policy = policies.get(name)
    return policy.start(facts or task(), policy.default if knob is None else knob)


def steady(name: str, knob: float, *, startup_delay: float = 120.0) -> Replay:
    """12 hours of Poisson traffic, load 40, exponential service of a minute."""
    dice = np.random.default_rng(7)
    counts = dice.poisson(LOAD, HOURS * 60)
    arrivals = np.sort(np.repeat(np.arange(HOURS * 60) * 60.0, counts) + 60.0 * dice.random(counts.sum()))
    facts = task(np.full(8 * 1440, LOAD).tolist(), startup_delay=startup_delay)
    loop = Loop(
        task=facts,
        arrivals=arrivals,
        services=dice.exponential(60.0, len(arrivals)),
        counts=counts.astype(float),
        workers=40,
    )
    policy = policies.get(name)
    return run(loop, policy.start(facts, knob), policy.period, PLAIN)


def mean_workers(replay: Replay) -> float:
    """Paid, without the first two hours."""
    ends = np.array([2.0, HOURS]) * 3600.0
    return float(replay.paid.integrals(ends)[0] / (ends[1] - ends[0]))
