"""How scaling policies fared: what they cost, and what share of the jobs they kept in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from capacity_planner.fields import CONFIG, Count, Duration, NonNegative, Real, Share, Slice, Text, Unbounded


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyOutcome:
    """How a policy fared as it is shipped, over the scored time.

    Attributes:
        policy: its name.
        title: what it is, in words.
        knob: value of its knob; ``None`` where it sets itself.
        knob_title: what its knob is, in words.
        worker_hours: paid worker time, from order to end [h].
        mean_workers: the same, on average [workers].
        cost: of the workers [$].
        violation_cost: of the windows that were not in time [$].
        share_in_time: of the jobs.
        windows_in_time: share of the 5-minute windows whose p95 was in time.
        kept: whether ``share_in_time`` is what was asked for, or more.
        p50_wait: median wait.
        p95_wait: 95th percentile of the wait.
        p99_wait: 99th percentile of the wait.
        p95_latency: 95th percentile of the response time.
        worst_p95_wait: the largest p95 of the wait in a 5-minute window.
        max_backlog: most jobs that waited at one time.
        drain_time: from the largest backlog until no job waited.
        utilization: busy share of the workers that served.
        actions_per_hour: changes of the number of workers.
        reversals_per_hour: changes in the other direction than the one before.
        time_limited: share of the decisions that step size, cooldowns or ``max_workers`` changed.
        over_provisioned: mean of (workers - least workers) / least workers where there were more.
        under_provisioned: mean of (least workers - workers) / least workers where there were fewer.
        time_over: share of the time with more than the least workers.
        time_under: share of the time with fewer than the least workers.
        cost_over_bound: worker-hours over those of the clairvoyant bound, minus 1; ``None`` where that is zero.
    """

    __pydantic_config__ = CONFIG

    policy: Text
    title: Text
    knob: Real | None = None
    knob_title: Text = ""
    worker_hours: NonNegative
    mean_workers: NonNegative
    cost: NonNegative
    violation_cost: NonNegative
    share_in_time: Share
    windows_in_time: Share
    kept: bool
    p50_wait: Duration
    p95_wait: Duration
    p99_wait: Duration
    p95_latency: Duration
    worst_p95_wait: Duration
    max_backlog: Count
    drain_time: Duration
    utilization: Unbounded
    actions_per_hour: NonNegative
    reversals_per_hour: NonNegative
    time_limited: Share
    over_provisioned: NonNegative
    under_provisioned: NonNegative
    time_over: Share
    time_under: Share
    cost_over_bound: Real | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierPoint:
    """What one value of a policy's knob buys.

    Attributes:
        knob: the value; ``None`` where the policy sets itself.
        worker_hours: paid worker time [h].
        share_in_time: of the jobs.
        windows_in_time: share of the 5-minute windows whose p95 was in time.
    """

    __pydantic_config__ = CONFIG

    knob: Real | None = None
    worker_hours: NonNegative
    share_in_time: Share
    windows_in_time: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """What a policy's knob buys.

    Attributes:
        policy: its name.
        points: one for each value that was tried.
    """

    __pydantic_config__ = CONFIG

    policy: Text
    points: Annotated[tuple[FrontierPoint, ...], Slice()]


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualAttainment:
    """What a policy costs when its knob is set so that it just keeps the asked share, by interpolation.

    Attributes:
        policy: its name.
        worker_hours: paid worker time at the asked share of jobs [h]; twice the static number of workers that would
            have done, where the policy does not reach it.
        reached: whether some value of the knob keeps the asked share of jobs.
        windows_worker_hours: the same, where so many 5-minute windows must have their p95 in time [h].
        windows_reached: whether some value of the knob does that.
        regret: ``worker_hours`` over those of the clairvoyant bound, minus 1; ``None`` where that is zero.
        to_planner: ``worker_hours`` over the planner's; ``None`` where the planner was not replayed.
    """

    __pydantic_config__ = CONFIG

    policy: Text
    worker_hours: NonNegative
    reached: bool
    windows_worker_hours: NonNegative
    windows_reached: bool
    regret: Real | None = None
    to_planner: NonNegative | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegretSplit:
    """Where the planner's cost over the clairvoyant bound comes from, in worker-hours.

    Attributes:
        bound: what no policy can go below.
        oracle: the planner told what comes; beyond the bound it pays for chance within a minute and for acting late.
        planner: the planner; beyond the oracle it pays for not knowing what comes.
    """

    __pydantic_config__ = CONFIG

    bound: NonNegative
    oracle: NonNegative
    planner: NonNegative
