"""How long a job holds a slot, from whatever a server tells."""

from __future__ import annotations

import random
from statistics import fmean, stdev
from typing import Any

import pytest

from capacity_planner.sources._service_time import Clocked, ServiceTime, Work


def work(served: float, elapsed: float = 10.0, **more: Any) -> Work:
    return Work(served=served, elapsed=elapsed, **more)


def mean(clocked: Clocked, *parts: Work) -> float | None:
    for part in parts:
        found = clocked.update(part)
    return found.mean


def test_nothing_known_is_nothing_said() -> None:
    assert Clocked().update(work(50)) == ServiceTime()
    assert Clocked().update(work(0, counted=(0, 0))) == ServiceTime()


def test_counters_say_the_mean_of_the_last_hundred_jobs() -> None:
    clocked = Clocked()
    assert mean(clocked, work(3, counted=(3, 6.0))) == pytest.approx(2.0)
    assert mean(clocked, work(97, counted=(97, 97.0))) == pytest.approx(1.03)
    assert mean(clocked, work(100, counted=(100, 50.0))) == pytest.approx(0.5)  # the first hundred are old
    assert mean(clocked, work(0, counted=(0, 0.0))) == pytest.approx(0.5)


def test_a_job_that_ends_counts_with_all_its_time() -> None:
    assert mean(Clocked(), *[work(0, counted=(0, 0.0))] * 9, work(1, counted=(1, 95.0))) == pytest.approx(95)


def test_time_without_jobs_is_not_hoarded() -> None:
    clocked = Clocked()
    for _ in range(1000):
        clocked.update(work(0, busy=1.0))
    assert len(clocked._inferred._parts) == 1  # noqa: SLF001 - what it keeps is the point
    assert mean(clocked, work(10, busy=0.0)) == pytest.approx(1000.0)


def test_single_jobs_say_mean_and_spread() -> None:
    dice = random.Random(1)  # noqa: S311 - no secret
    times = [dice.lognormvariate(0, 0.5) for _ in range(200)]
    found = Clocked().update(work(20, times=times))
    assert found.mean == pytest.approx(fmean(times))
    assert found.std == pytest.approx(stdev(times))
    assert sum(time <= (found.p95 or 0) for time in times) == pytest.approx(190, abs=1)


def test_a_few_jobs_say_no_spread() -> None:
    assert Clocked().update(work(5, times=[1.0] * 19)) == ServiceTime(mean=1.0)
    assert Clocked().update(work(5, times=[1.0] * 20)) == ServiceTime(mean=1.0, std=0.0, p95=1.0)


def test_counters_know_the_mean_better_than_single_jobs() -> None:
    found = Clocked().update(work(50, counted=(50, 100.0), times=[1.0, 3.0] * 10))
    assert found.mean == pytest.approx(2.0)
    assert found.std == pytest.approx(stdev([1.0, 3.0] * 10))


def test_busy_slots_and_throughput_say_the_mean() -> None:
    assert mean(Clocked(), work(40, busy=2.0)) == pytest.approx(0.5)
    assert mean(Clocked(), work(9, busy=2.0)) is None  # too few jobs for what was only looked at
    assert mean(Clocked(), work(9, busy=0.9), work(9, busy=0.9)) == pytest.approx(1.0)


def test_what_was_inferred_is_remembered_while_nothing_can_be() -> None:
    assert mean(Clocked(), work(40, busy=2.0), work(0), work(7)) == pytest.approx(0.5)


def test_saturation_alone_says_what_a_job_costs() -> None:
    assert mean(Clocked(), work(40, saturated=4)) == pytest.approx(1.0)
    assert mean(Clocked(), work(40, saturated=0)) is None


def test_what_is_lost_between_jobs_is_remembered() -> None:
    clocked = Clocked()
    assert mean(clocked, work(50, counted=(50, 5.0))) == pytest.approx(0.1)
    assert mean(clocked, work(40, counted=(40, 4.0), saturated=4)) == pytest.approx(1.0)
    assert mean(clocked, work(50, counted=(50, 5.0))) == pytest.approx(1.0)


def test_what_was_learned_last_is_taken_back_where_a_worker_may_have_been_dead() -> None:
    clocked = Clocked()
    assert mean(clocked, work(50, counted=(50, 5.0), saturated=1)) == pytest.approx(0.2)
    assert mean(clocked, work(50, counted=(50, 5.0), saturated=4)) == pytest.approx(0.5)
    assert mean(clocked, *[work(50, counted=(50, 5.0), stalled=True)] * 3) == pytest.approx(0.2)


def test_what_was_learned_is_not_taken_back_for_what_happens_later() -> None:
    clocked = Clocked()
    assert mean(clocked, work(50, counted=(50, 5.0), saturated=1)) == pytest.approx(0.2)
    calm = work(50, counted=(50, 5.0))
    assert mean(clocked, calm, work(50, counted=(50, 5.0), stalled=True)) == pytest.approx(0.2)


def test_what_is_lost_does_not_grow_when_jobs_become_longer() -> None:
    clocked = Clocked()
    mean(clocked, work(100, counted=(100, 10.0), saturated=2))  # 0.1 s of 0.2 s
    assert mean(clocked, work(100, counted=(100, 300.0))) == pytest.approx(3.1)


def test_nothing_is_won_between_jobs() -> None:
    assert mean(Clocked(), work(100, counted=(100, 90.0), saturated=4)) == pytest.approx(0.9)


def test_the_95th_percentile_moves_with_what_is_lost() -> None:
    times = [0.1] * 190 + [0.2] * 10
    calm, busy = (Clocked().update(work(100, times=times, saturated=slots)) for slots in (0, 4))
    lost = (busy.mean or 0) - (calm.mean or 0)
    assert lost == pytest.approx(0.4 - 0.105)
    assert (busy.p95 or 0) - (calm.p95 or 0) == pytest.approx(lost)
    assert busy.std == calm.std
