"""How fast a backlog is to be worked off, through the window: as the controller would, each time a worker can serve."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from capacity_planner.planning.need import Need, workers
from capacity_planner.planning.steering import Sight, Steering

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.planning.fluid import Fluid

_SOON = 60.0
_NONE = 0.5  # jobs: less than one waits


def drained(needs: Sequence[Need], queue: Fluid, mean: float, config: PlannerConfig) -> Iterator[Need]:
    """The needs, with the workers that work the backlog off.

    The queue is followed as if the needs were met as fast as step size and cooldown allow.

    Args:
        needs: of every interval.
        queue: at time 0.
        mean: E[S] [s].
        config: settings.
    """
    fluid, concurrency, delay = queue.copy(), config.worker_concurrency, config.startup_delay.total_seconds()
    gap, first = max(config.cooldown_up.total_seconds(), _SOON), fluid.ordered
    for index, need in enumerate(needs):
        start, end = index * fluid.interval, (index + 1) * fluid.interval
        if end <= delay + 1e-9:
            fluid.advance(end)
            yield need
            continue
        fluid.advance(max(start, min(delay, end)))
        extra = _extra(fluid, need.load, mean, concurrency)
        drain = workers(need.load + extra, concurrency) if extra > 0 else 0
        steps = 1 + math.floor((fluid.time - min(delay, fluid.time)) / gap + 1e-9)
        fluid.order(min(max(need.hold, drain), first + steps * config.max_step_size, config.max_workers), fluid.time)
        fluid.advance(end)
        yield replace(need, drain=drain)


def _extra(fluid: Fluid, load: float, mean: float, concurrency: int) -> float:
    """Servers beyond the load, so that what waits now keeps every promise as soon as can be."""
    backlog, promised = fluid.backlog, fluid.tolerance
    if backlog < _NONE:
        return 0.0
    work = backlog * mean
    extra = 0.0
    if math.isfinite(promised.wait):
        serving = float(fluid.serving * concurrency)
        seen = Sight(now=fluid.time, serving=serving, starting=(), busy=serving, waiting=backlog)
        law = Steering(service_time=mean, startup_delay=0.0, allowed_wait=promised.wait)
        # A level is kept for an interval: there is no use in being done sooner than that.
        extra = law.drain(load, seen) * min(1.0, law.pace / fluid.interval)
    if math.isfinite(promised.drain):
        left = promised.drain - fluid.time
        extra = max(extra, work / (left if left > 0 else fluid.interval))
    if math.isfinite(promised.jobs):
        extra = max(extra, (backlog - promised.jobs) * mean / max(fluid.interval, _SOON))
    return extra
