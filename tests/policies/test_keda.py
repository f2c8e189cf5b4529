"""KEDA documentation, "Scaling Deployments", "Redis Lists"; the HPA's tolerance and caps hold here too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.policies._sights import seen, started, task

if TYPE_CHECKING:
    from capacity_planner.contracts import Decide


@pytest.mark.parametrize(("jobs", "workers"), [(9, 10), (11, 10), (12, 12), (16, 16), (25, 20)])
def test_a_server_for_each_job(jobs: int, workers: int) -> None:
    """Within a tenth nothing happens, and up goes to twice as many at most."""
    assert started("keda", 1.0)(seen(busy=min(jobs, 10), waiting=max(jobs - 10, 0))) == workers


def test_a_worker_serves_as_many_jobs_as_it_has_servers() -> None:
    """32 jobs at 0.5 per server, of which a worker has 4: 16."""
    assert started("keda", 0.5, task(concurrency=4))(seen(busy=32)) == 16


def test_as_shipped_five_waiting_jobs_want_a_worker() -> None:
    """23/5 = 4.6, and those in service do not count."""
    assert started("keda_waiting")(seen(serving=4, busy=4, waiting=23)) == 5
    assert started("keda_waiting")(seen(serving=10, busy=10, waiting=80)) == 16


def test_what_is_measured_holds_for_30_seconds() -> None:
    keda = started("keda", 1.0)
    assert keda(seen(0.0, busy=10)) == 10
    assert keda(seen(15.0, busy=10, waiting=5)) == 10
    assert keda(seen(30.0, busy=10, waiting=5)) == 15


def test_down_takes_300_seconds_and_the_cooldown_has_no_part_in_it() -> None:
    keda = started("keda", 1.0)
    answers = [keda(seen(now, busy=4)) for now in range(0, 301, 15)]
    assert answers == [10] * 20 + [4]


def asked(keda: Decide, times: range, **facts: int) -> list[float]:
    return [keda(seen(now, **facts)) for now in times]  # type: ignore[arg-type]


def test_the_last_worker_goes_when_nothing_was_there_for_the_cooldown() -> None:
    keda = started("keda", 1.0, task(min_workers=0))
    assert asked(keda, range(0, 60, 30), serving=1, busy=1) == [1, 1]
    assert asked(keda, range(60, 361, 30), serving=1) == [1] * 9 + [0, 0]


def test_the_cooldown_begins_with_the_scaler() -> None:
    assert asked(started("keda", 1.0, task(min_workers=0)), range(0, 301, 60), serving=1) == [1] * 5 + [0]


def test_a_job_wakes_one_worker_and_the_hpa_does_the_rest() -> None:
    keda = started("keda", 1.0, task(min_workers=0))
    assert keda(seen(0.0, serving=0)) == 0
    assert keda(seen(30.0, serving=0, waiting=9)) == 1
    assert keda(seen(60.0, serving=0, ordered=1, waiting=9)) == 5


def test_where_one_is_the_fewest_one_stays() -> None:
    assert asked(started("keda", 1.0), range(0, 901, 300), serving=1) == [1] * 4
