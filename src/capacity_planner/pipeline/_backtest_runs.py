"""Every policy with every value of its knob, on the same queue."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from capacity_planner.domain.attainment import Frontier, FrontierPoint, PolicyOutcome
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.pipeline._backtest_limits import Limited
from capacity_planner.pipeline._backtest_score import outcome_of, point_of
from capacity_planner.pipeline._backtest_track import track_of
from capacity_planner.pipeline.deadline import Deadline
from capacity_planner.pipeline.pace import Pace
from capacity_planner.simulation.closed_loop import run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from capacity_planner.contracts import Policy
    from capacity_planner.domain.backtest import PolicyTrack
    from capacity_planner.pipeline._backtest_jobs import Stage
    from capacity_planner.pipeline._backtest_limits import Limits
    from capacity_planner.pipeline._backtest_score import Prices, Yardsticks
    from capacity_planner.pipeline.pace import Progress
    from capacity_planner.simulation.closed_loop import Replay
    from capacity_planner.simulation.tiers import Tier

_REMEDY = "replay less (a shorter history, fewer policies, sweep=False)"


class Stride(Pace):
    """The pace of a backtest, whose work is simulated seconds.

    Args:
        timeout: the limit; ``None`` is none.
        progress: told the share that is done.
    """

    def __init__(self, timeout: timedelta | None, progress: Progress | None) -> None:
        super().__init__(timeout, progress)
        self._deadline = Deadline(timeout, _REMEDY)

    def advance(self, seconds: float) -> None:
        """So much time more is simulated."""
        self.tick(round(seconds))


@dataclass(frozen=True, kw_only=True, eq=False)
class Course:
    """What is the same for all runs.

    Args:
        stage: the queue.
        tier: how the inner loop is run.
        pace: told what is done.
        limits: what no policy may do.
        prices: what policies are charged.
        held: what they are held against.
    """

    stage: Stage
    tier: Tier
    pace: Stride
    limits: Limits
    prices: Prices
    held: Yardsticks


@dataclass(frozen=True, eq=False)
class Entry:
    """A policy and the values of its knob to try, the one it is shipped with first; NaN where it sets itself."""

    policy: Policy
    knobs: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What came of all runs."""

    outcomes: list[PolicyOutcome] = field(default_factory=list)
    frontiers: tuple[Frontier, ...] = ()
    tracks: list[PolicyTrack] = field(default_factory=list)


def entered(policies: Iterable[Policy], *, sweep: bool) -> list[Entry]:
    """The policies with the values of their knobs."""
    return [Entry(policy, _knobs(policy, sweep=sweep)) for policy in policies]


def runs_of(entries: Iterable[Entry], course: Course) -> Found:
    """Run them all."""
    outcomes, frontiers, tracks = [], [], []
    for entry in entries:
        outcome, track, first = _shipped(entry.policy, entry.knobs[0], course)
        points = [first, *(_swept(entry.policy, knob, course) for knob in entry.knobs[1:])]
        outcomes.append(outcome)
        tracks.append(track)
        frontiers.append(Frontier(policy=entry.policy.name, points=tuple(sorted(points, key=_by_cost))))
    return Found(outcomes, tuple(frontiers), tracks)


def _knobs(policy: Policy, *, sweep: bool) -> tuple[float, ...]:
    grid = tuple(float(knob) for knob in policy.grid if knob != policy.default) if sweep else ()
    return (policy.default, *grid)


def _by_cost(point: FrontierPoint) -> tuple[float, float]:
    return point.worker_hours, point.share_in_time


def _shipped(policy: Policy, knob: float, course: Course) -> tuple[PolicyOutcome, PolicyTrack, FrontierPoint]:
    replay, limited = _run(policy, knob, course)
    point = point_of(course.stage, replay, knob)
    outcome = outcome_of(course.stage, replay, policy, point, limited, course.prices, course.held)
    return outcome, track_of(course.stage, replay, policy.name), point


def _swept(policy: Policy, knob: float, course: Course) -> FrontierPoint:
    return point_of(course.stage, _run(policy, knob, course)[0], knob)


def _run(policy: Policy, knob: float, course: Course) -> tuple[Replay, float]:
    """What the policy did, and the share of its decisions that a limit changed."""
    stage, pace = course.stage, course.pace
    pace.check()
    try:
        decide = policy.start(stage.task, knob)
        limited = Limited(decide, course.limits, stage.begin, pace.advance)
        replay = run(stage.loop, limited, policy.period, course.tier, pace.check)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        shown = "as it is shipped" if math.isnan(knob) else f"at {policy.knob} {knob:g}"
        message = f"The policy {policy.name} failed {shown}: {type(error).__name__}: {error}. Leave it out of policies."
        details = {"field": "policies", "value": policy.name}
        raise PlannerError(ErrorCode.FORECAST_FAILED, message, cause=error, details=details) from error
    return replay, limited.share_bound
