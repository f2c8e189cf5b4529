"""What policies cost at the same share in time: interpolation on what their knobs buy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from capacity_planner.domain.attainment import EqualAttainment, RegretSplit
from capacity_planner.domain.backtest import ORACLE, PLANNER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from capacity_planner.domain.attainment import Frontier, PolicyOutcome

_UNREACHED = 2.0


def cost_at(points: Iterable[tuple[float, float]], share: float) -> float:
    """The least cost at a share, on straight lines between points; infinite where no point reaches it.

    Args:
        points: share in time, and cost.
        share: that is asked.

    >>> cost_at([(0.5, 10.0), (1.0, 20.0)], 0.75), cost_at([(0.5, 10.0), (0.8, 9.0)], 0.75)
    (15.0, 9.0)
    >>> cost_at([(0.9, 10.0)], 0.95)
    inf
    """
    known = list(points)
    above = [(kept, cost) for kept, cost in known if kept >= share]
    below = [(kept, cost) for kept, cost in known if kept < share]
    lines = (
        low_cost + (cost - low_cost) * (share - low) / (kept - low) for kept, cost in above for low, low_cost in below
    )
    return min([*(cost for _, cost in above), *lines], default=math.inf)


def equal_of(
    frontiers: Sequence[Frontier], share: float, static_hours: float, bound_hours: float
) -> tuple[EqualAttainment, ...]:
    """What each policy costs at the asked share, the cheapest first.

    Args:
        frontiers: what the knobs buy.
        share: that is asked.
        static_hours: of the fewest workers that, unchanged, keep it [h].
        bound_hours: of the clairvoyant bound [h].
    """
    jobs = {item.policy: cost_at(((p.share_in_time, p.worker_hours) for p in item.points), share) for item in frontiers}
    windows = {
        item.policy: cost_at(((p.windows_in_time, p.worker_hours) for p in item.points), share) for item in frontiers
    }
    instead = _UNREACHED * static_hours
    planner = _finite(jobs.get(PLANNER, math.inf), instead) if PLANNER in jobs else 0.0
    found = [
        EqualAttainment(
            policy=name,
            worker_hours=(hours := _finite(jobs[name], instead)),
            reached=math.isfinite(jobs[name]),
            windows_worker_hours=_finite(windows[name], instead),
            windows_reached=math.isfinite(windows[name]),
            regret=hours / bound_hours - 1.0 if bound_hours else None,
            to_planner=hours / planner if planner else None,
        )
        for name in jobs
    ]
    return tuple(sorted(found, key=lambda item: (not item.reached, item.worker_hours)))


def split_of(
    outcomes: Sequence[PolicyOutcome], equal: Sequence[EqualAttainment], bound_hours: float
) -> RegretSplit | None:
    """Where the planner's cost comes from: at the asked share where knobs were swept, else as shipped."""
    shipped = {item.policy: item.worker_hours for item in outcomes}
    hours = {item.policy: item.worker_hours for item in equal} or shipped
    if PLANNER not in hours or ORACLE not in hours:
        return None
    return RegretSplit(bound=bound_hours, oracle=hours[ORACLE], planner=hours[PLANNER])


def ranked(outcomes: Iterable[PolicyOutcome]) -> tuple[PolicyOutcome, ...]:
    """Best first: those that keep the asked share by cost, then the others by share."""
    return tuple(
        sorted(outcomes, key=lambda item: (not item.kept, item.worker_hours if item.kept else -item.share_in_time))
    )


def _finite(hours: float, instead: float) -> float:
    return hours if math.isfinite(hours) else instead
