"""How fast a backlog is to be worked off: small cases in whole numbers, 10 jobs in service and 5 more a second."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.planning.drain import drained
from capacity_planner.planning.fluid import Fluid, Tolerance
from capacity_planner.planning.need import Need
from capacity_planner.planning.steering import Sight, Steering

MEAN, LOAD, INTERVAL = 2.0, 10.0, 300.0


def config(**settings: Any) -> PlannerConfig:
    facts: dict[str, Any] = {"max_step_size": 1_000, "max_workers": 10_000, "cooldown_period": timedelta(minutes=5)}
    return PlannerConfig(**(facts | settings))


def drains(
    backlog: float, tolerance: Tolerance, *, settings: PlannerConfig | None = None, serving: int = 10, count: int = 3
) -> list[int]:
    """Workers that are to work a backlog off, in each interval of a queue that would else be as it is."""
    settled = settings or config()
    enough = math.ceil(LOAD / settled.worker_concurrency)
    asked = Need(rate=5.0, demand_rate=5.0, load=LOAD, demand_load=LOAD, slo=enough, margin=enough, unhurried=enough)
    queue = Fluid(
        rates=[5.0] * count,
        interval=INTERVAL,
        service_rate=settled.worker_concurrency / MEAN,
        tolerance=tolerance,
        backlog=backlog,
        serving=serving,
    )
    found = list(drained([asked] * count, queue, MEAN, settled))
    assert (queue.time, queue.backlog) == (0.0, backlog)  # who asks goes on with the queue as it is
    assert all(need.slo == need.margin == need.unhurried == enough for need in found)
    return [need.drain for need in found]


def pace(wait: float, backlog: float, serving: float) -> float:
    """Servers more, as the controller has them when a worker serves at once, but over an interval at least."""
    law = Steering(service_time=MEAN, startup_delay=0.0, allowed_wait=wait)
    extra = law.drain(LOAD, Sight(now=0.0, serving=serving, starting=(), busy=serving, waiting=backlog))
    return extra * law.pace / max(law.pace, INTERVAL)


@pytest.mark.parametrize("tolerance", [Tolerance(), Tolerance(wait=30.0), Tolerance(drain=60.0), Tolerance(jobs=0.0)])
def test_where_nobody_waits_nothing_is_worked_off(tolerance: Tolerance) -> None:
    assert drains(0.0, tolerance) == [0, 0, 0]


def test_without_a_promise_a_backlog_stays() -> None:
    assert drains(1e6, Tolerance()) == [0, 0, 0]


@pytest.mark.parametrize("wait", [0.0, 30.0, 600.0])
def test_a_backlog_is_worked_off_at_the_pace_of_the_controller(wait: float) -> None:
    """Each time from what is left: so many servers beyond the ten work off half a job a second each."""
    backlog, serving, expected = 9_000.0, 10, []
    for _ in range(6):
        extra = pace(wait, backlog, serving)
        expected.append(math.ceil(LOAD + extra - 1e-9) if extra > 0 and backlog >= 0.5 else 0)
        serving = max(expected[-1], 10)
        backlog = max(0.0, backlog - (serving - 10) / MEAN * INTERVAL)
    assert expected[0] > 10
    assert drains(9_000.0, Tolerance(wait=wait), count=6) == expected


def test_a_longer_wait_allows_fewer() -> None:
    firsts = [drains(9_000.0, Tolerance(wait=wait))[0] for wait in (0.0, 60.0, 120.0, 600.0, 1_800.0)]
    assert firsts == sorted(firsts, reverse=True)
    assert firsts[0] > firsts[2] > firsts[3]


def test_a_backlog_that_may_wait_is_left() -> None:
    """20 jobs take ten servers 4 s."""
    assert drains(20.0, Tolerance(wait=600.0)) == [0, 0, 0]


def test_what_is_to_be_gone_by_a_time_is_gone_just_then() -> None:
    """600 jobs are 1 200 s of work: two servers more for 600 s, or one for 300 s for half of it."""
    assert drains(600.0, Tolerance(drain=600.0)) == [12, 12, 0]
    assert drains(150.0, Tolerance(drain=300.0)) == [11, 0, 0]


def test_what_is_to_be_gone_within_an_interval_is_gone_sooner() -> None:
    """1 200 s of work in 100 s take twelve; the level is kept for the interval, so that nothing is left."""
    assert drains(600.0, Tolerance(drain=100.0)) == [22, 0, 0]


def test_what_should_have_been_gone_is_worked_off_within_an_interval() -> None:
    """Two workers more at most: 300 of 600 jobs are left at 300 s, too late, and are 600 s of work."""
    assert drains(600.0, Tolerance(drain=100.0), settings=config(max_workers=12)) == [22, 12, 0]


def test_a_backlog_beyond_what_may_wait_is_back_there_within_an_interval() -> None:
    """150 jobs too many are 300 s of work: one server."""
    assert drains(250.0, Tolerance(jobs=100.0)) == [11, 0, 0]
    assert drains(550.0, Tolerance(jobs=100.0)) == [13, 0, 0]
    assert drains(100.0, Tolerance(jobs=100.0)) == [0, 0, 0]


def test_of_several_promises_the_hardest_counts() -> None:
    every = [Tolerance(wait=120.0), Tolerance(drain=400.0), Tolerance(jobs=2_000.0)]
    firsts = [drains(3_000.0, one)[0] for one in every]
    assert drains(3_000.0, Tolerance(wait=120.0, drain=400.0, jobs=2_000.0))[0] == max(firsts)


def test_what_is_worked_off_is_what_steps_and_cooldown_let_serve() -> None:
    """13, 16 and 19 serve: of 1 200 s of work in 300 s four servers would be enough, and three leave 600 s at 300 s."""
    settings = config(max_step_size=3)
    assert drains(6_000.0, Tolerance(drain=9_000.0), settings=settings)[0] == 12  # 12 000 s of work in 9 000 s
    huge = drains(60_000.0, Tolerance(jobs=0.0), settings=settings, count=4)
    left = [60_000.0 - 450.0 * sum((1, 2, 3)[:at]) for at in range(4)]
    assert huge == [10 + math.ceil(backlog * MEAN / INTERVAL) for backlog in left]


@pytest.mark.parametrize(("minutes", "steps"), [(0, (1, 6)), (1, (1, 6)), (2, (1, 3)), (5, (1, 2)), (20, (1, 1))])
def test_a_step_is_possible_after_every_cooldown_and_no_more_than_once_a_minute(
    minutes: int, steps: tuple[int, int]
) -> None:
    settings = config(max_step_size=3, cooldown_period=timedelta(minutes=minutes))
    found = drains(60_000.0, Tolerance(jobs=0.0), settings=settings)
    # In the first interval the first step, in the second as many as were possible until its begin.
    assert found[0] - found[1] == pytest.approx(450.0 * steps[0] * MEAN / INTERVAL, abs=1.0)
    assert found[1] - found[2] == pytest.approx(450.0 * steps[1] * MEAN / INTERVAL, abs=1.0)


def test_before_a_worker_can_serve_nothing_helps() -> None:
    """Eight serve until 450 s, so that a job a second more waits: 600 + 450 of them, to be gone 300 s later."""
    settings = config(startup_delay=timedelta(seconds=450))
    assert drains(600.0, Tolerance(drain=750.0), settings=settings, serving=8) == [0, 17, 17]


def test_an_interval_that_ends_when_the_first_worker_serves_is_not_helped() -> None:
    settings = config(startup_delay=timedelta(seconds=300))
    assert drains(600.0, Tolerance(drain=600.0), settings=settings) == [0, 14, 0]


def test_workers_of_two_servers_are_half_as_many() -> None:
    settings = config(worker_concurrency=2)
    assert drains(600.0, Tolerance(drain=600.0), settings=settings, serving=5) == [6, 6, 0]


def test_less_than_a_job_is_none() -> None:
    assert drains(0.4, Tolerance(drain=10.0)) == [0, 0, 0]
