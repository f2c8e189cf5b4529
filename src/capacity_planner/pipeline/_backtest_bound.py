"""What policies are held against: the clairvoyant bound, the best static number, the least workers of the moment."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.pipeline._backtest_jobs import MINUTE, WINDOW
from capacity_planner.pipeline._backtest_score import edges_of
from capacity_planner.planning._search import fewest
from capacity_planner.registry import queue_models
from capacity_planner.simulation._crew import Crew
from capacity_planner.simulation._steps import Steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.pipeline._backtest_jobs import Stage
    from capacity_planner.planning.clairvoyant import Bound
    from capacity_planner.simulation.tiers import Tier

_LEVELS = 200


def bound_of(stage: Stage, check: Callable[[], None]) -> Bound:
    """The fewest worker-hours of anyone who knows all jobs beforehand.

    A job whose response must be within a limit may wait for what its service leaves of it, which for the shortest job
    is the most: with that wait for all, the bound is below what can be reached, never above.

    Args:
        stage: the queue.
        check: called while it is worked out; raises to stop.
    """
    from capacity_planner.planning.clairvoyant import bound  # noqa: PLC0415 - loads SciPy

    task = stage.task
    shortest = float(stage.loop.services.min()) if stage.by_response and len(stage.loop.services) else 0.0
    return bound(
        load_of(stage),
        interval=MINUTE,
        startup_delay=task.startup_delay,
        allowed_wait=max(stage.allowed - shortest, 0.0),
        share=task.share,
        minimum=task.min_workers,
        check=check,
    )


def load_of(stage: Stage) -> FloatArray:
    """Workers busy in each scored minute if every job began as it arrived, shape (minutes,)."""
    busy = Steps()
    busy.add(stage.loop.arrivals, np.ones(len(stage.loop.arrivals)))
    busy.add(stage.loop.arrivals + stage.loop.services, -np.ones(len(stage.loop.arrivals)))
    edges = edges_of(stage, MINUTE)
    if not len(stage.loop.arrivals):
        return np.zeros(len(edges) - 1)
    return np.maximum(busy.integrals(edges) / np.diff(edges) / stage.task.concurrency, 0.0)


def static_of(stage: Stage, tier: Tier, check: Callable[[], None]) -> int:
    """The fewest workers that, unchanged, keep the asked share; of what any number can keep, where that is less."""
    task = stage.task
    if not len(stage.loop.arrivals):
        return task.min_workers
    share = min(task.share, float(stage.in_time(np.zeros(len(stage.loop.arrivals))).mean() if _scored(stage) else 0.0))

    def excess(workers: int) -> float:
        check()
        return share - _kept(stage, workers, tier)

    load = float(load_of(stage).mean())
    return fewest(excess, start=math.ceil(1.5 * load), floor=max(task.min_workers, 1))


def least_of(stage: Stage) -> FloatArray:
    """The fewest workers that keep the asked share in each 5-minute window if its rate stayed, by Erlang C."""
    edges = edges_of(stage, WINDOW)
    jobs = np.histogram(stage.loop.arrivals[stage.first :], edges)[0]
    rates = jobs / np.diff(edges)
    model, service = queue_models.get("mmc"), ServiceTime(mean=stage.task.service_time)
    late = max(1.0 - stage.task.share, 1e-12)

    def workers(rate: float) -> int:
        if rate <= 0:
            return 0
        load = rate * stage.task.service_time
        floor = math.floor(load) + 1
        start = math.ceil(load + 2.0 * math.sqrt(load))

        def excess(servers: int) -> float:
            tail = float(model.wait_tail(stage.task.allowed_wait, rate, servers, service))
            return math.log(max(tail, 1e-300) / late)

        return fewest(excess, start=start, floor=floor)

    levels = np.linspace(0.0, float(rates.max(initial=0.0)), _LEVELS + 1)
    needed = np.array([workers(rate) for rate in levels.tolist()])
    servers = needed[np.minimum(np.searchsorted(levels, rates - 1e-12), _LEVELS)]
    return np.maximum(np.ceil(servers / stage.task.concurrency), stage.task.min_workers).astype(float)


def _scored(stage: Stage) -> bool:
    return stage.first < len(stage.loop.arrivals)


def _kept(stage: Stage, workers: int, tier: Tier) -> float:
    """Share in time with so many workers all the time."""
    crew = Crew(workers, concurrency=stage.task.concurrency, orders=[], delay=0.0, box=tier.box)
    starts = tier.begin(stage.loop.arrivals, stage.loop.services, crew, math.inf)
    kept = stage.in_time(starts - stage.loop.arrivals)
    return float(kept.mean()) if len(kept) else 1.0
