"""What a policy did to the jobs, as the figures it is judged by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.attainment import FrontierPoint, PolicyOutcome
from capacity_planner.pipeline._backtest_jobs import WINDOW
from capacity_planner.units import from_seconds

if TYPE_CHECKING:
    from datetime import timedelta

    from numpy.typing import NDArray

    from capacity_planner.contracts import Policy
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.pipeline._backtest_jobs import Stage
    from capacity_planner.simulation.closed_loop import Replay

_P95 = 0.95
_HOUR = 3_600.0


@dataclass(frozen=True, kw_only=True)
class Prices:
    """What a policy is charged.

    Args:
        worker: [$/h].
        violation: [$/h] of windows that are not in time.
    """

    worker: float
    violation: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Yardsticks:
    """What every policy is held against.

    Args:
        bound_hours: worker-hours that no policy can go below.
        least: the fewest workers that would do in each 5-minute window, if its rate stayed, shape (windows,).
    """

    bound_hours: float
    least: FloatArray


def point_of(stage: Stage, replay: Replay, knob: float) -> FrontierPoint:
    """The three figures that a sweep needs."""
    kept = stage.in_time(replay.waits)
    return FrontierPoint(
        knob=None if math.isnan(knob) else float(knob),
        worker_hours=_worker_hours(stage, replay),
        share_in_time=_share(kept),
        windows_in_time=_windows_in_time(stage, kept),
    )


def outcome_of(
    stage: Stage, replay: Replay, policy: Policy, point: FrontierPoint, limited: float, prices: Prices, held: Yardsticks
) -> PolicyOutcome:
    """All figures of a policy as it is shipped.

    Args:
        stage: the queue.
        replay: what the policy did.
        policy: the policy.
        point: what `point_of` found.
        limited: share of its decisions that a limit changed.
        prices: what it is charged.
        held: what it is held against.
    """
    waits, services = replay.waits[stage.first :], stage.loop.services[stage.first :]
    middle, high, top = _quantiles(waits, (0.5, _P95, 0.99))
    backlog, drained = _worst_backlog(stage, replay.waits)
    actions, reversals = _actions(stage, replay)
    over, under, time_over, time_under = _provisioning(_supplied(stage, replay), held.least)
    broken = (1.0 - point.windows_in_time) * stage.hours
    return PolicyOutcome(
        policy=policy.name,
        title=policy.title,
        knob=point.knob,
        knob_title=policy.knob,
        worker_hours=point.worker_hours,
        mean_workers=point.worker_hours / stage.hours,
        cost=point.worker_hours * prices.worker,
        violation_cost=broken * prices.violation,
        share_in_time=point.share_in_time,
        windows_in_time=point.windows_in_time,
        kept=point.share_in_time >= stage.task.share,
        p50_wait=middle,
        p95_wait=high,
        p99_wait=top,
        p95_latency=_quantiles(waits + services, (_P95,))[0],
        worst_p95_wait=from_seconds(float(max(p95_by(stage.windows, waits), default=0.0))),
        max_backlog=backlog,
        drain_time=from_seconds(drained),
        utilization=_utilization(stage, replay),
        actions_per_hour=actions / stage.hours,
        reversals_per_hour=reversals / stage.hours,
        time_limited=limited,
        over_provisioned=over,
        under_provisioned=under,
        time_over=time_over,
        time_under=time_under,
        cost_over_bound=point.worker_hours / held.bound_hours - 1.0 if held.bound_hours else None,
    )


def p95_by(groups: NDArray[np.int64], values: FloatArray) -> FloatArray:
    """The 95th percentile of the values of each group that has some, by the order of groups.

    >>> p95_by(np.array([0, 0, 0, 4]), np.array([3.0, 1.0, 2.0, 7.0])).tolist()
    [3.0, 7.0]
    """
    if not len(groups):
        return np.empty(0)
    order = np.lexsort((values, groups))
    _, first, size = np.unique(groups[order], return_index=True, return_counts=True)
    return np.asarray(values[order][first + np.ceil(_P95 * size - 1e-9).astype(np.int64) - 1])


def edges_of(stage: Stage, width: float) -> FloatArray:
    """Edges of the intervals of the scored time; the last may be shorter [s]."""
    return np.append(np.arange(stage.begin, stage.loop.end - 1e-6, width), stage.loop.end)


def _worker_hours(stage: Stage, replay: Replay) -> float:
    return max(float(replay.paid.integrals(np.array([stage.begin, stage.loop.end]))[0]) / _HOUR, 0.0)


def _share(kept: NDArray[np.bool_]) -> float:
    return float(kept.mean()) if len(kept) else 1.0


def _windows_in_time(stage: Stage, kept: NDArray[np.bool_]) -> float:
    """Share of the windows with jobs in which enough of them were in time."""
    jobs = np.bincount(stage.windows)
    used = jobs > 0
    if not used.any():
        return 1.0
    good = np.bincount(stage.windows, kept)[used]
    return float((good >= _P95 * jobs[used] - 1e-9).mean())


def _quantiles(times: FloatArray, levels: tuple[float, ...]) -> list[timedelta]:
    """The least times that so large a share of all are within; of no times zero."""
    if not len(times):
        return [from_seconds(0.0)] * len(levels)
    found = np.quantile(times, levels, method="inverted_cdf")
    return [from_seconds(max(float(value), 0.0)) for value in found]


def _worst_backlog(stage: Stage, waits: FloatArray) -> tuple[int, float]:
    """Most jobs that waited at one time, and how long after that none did [s]."""
    if stage.first == len(waits):
        return 0, 0.0
    arrivals = stage.loop.arrivals
    starts = arrivals + waits
    waiting = np.arange(1, len(arrivals) + 1) - np.searchsorted(starts, arrivals, side="right")
    worst = stage.first + int(np.argmax(waiting[stage.first :]))
    if waiting[worst] <= 0:
        return 0, 0.0
    empty = np.flatnonzero(starts[worst:] < np.append(arrivals[worst + 1 :], math.inf))
    drained = starts[worst + int(empty[0])] if len(empty) else math.inf
    return int(waiting[worst]), float(drained - arrivals[worst])


def _actions(stage: Stage, replay: Replay) -> tuple[int, int]:
    """Changes of the number of workers in the scored time, and those in the other direction than the one before."""
    times = np.array([at for at, _ in replay.orders])
    levels = np.array([stage.loop.workers, *(level for _, level in replay.orders)])
    steps = np.sign(np.diff(levels))[times >= stage.begin]
    return len(steps), int(np.count_nonzero(steps[1:] != steps[:-1]))


def _supplied(stage: Stage, replay: Replay) -> FloatArray:
    """Mean workers that serve, per window."""
    edges = edges_of(stage, WINDOW)
    return np.asarray(replay.serving.integrals(edges) / np.diff(edges) / stage.task.concurrency)


def _provisioning(supplied: FloatArray, least: FloatArray) -> tuple[float, float, float, float]:
    """Over and under in size and in time.

    References:
        Herbst et al. (2016), Ready for Rain?, SPEC-RG-2016-01: theta and tau, as shares.
    """
    more, fewer = supplied - least > 1e-9, least - supplied > 1e-9  # noqa: PLR2004 - rounding
    off = np.abs(supplied - least) / np.maximum(least, 1.0)
    return float((off * more).mean()), float((off * fewer).mean()), float(more.mean()), float(fewer.mean())


def _utilization(stage: Stage, replay: Replay) -> float:
    """Busy share of the servers that serve, in the scored time."""
    begin, end = stage.begin, stage.loop.end
    starts = stage.loop.arrivals + replay.waits
    served = starts < end
    first = np.clip(starts[served], begin, end)
    last = np.clip(starts[served] + stage.loop.services[served], begin, end)
    there = float(replay.serving.integrals(np.array([begin, end]))[0])
    return float((last - first).sum()) / there if there > 0 else 0.0
