"""Judoscale documentation: "Refining your autoscaling behavior", "Tuning your application"."""

from __future__ import annotations

from tests.policies._sights import seen, started, task


def test_a_worker_more_above_the_range_at_most_every_three_minutes() -> None:
    """6 jobs that wait before 10 servers of 60 s: 36 s, above 30."""
    judoscale = started("judoscale", 30.0)
    answers = [judoscale(seen(now, waiting=6)) for now in range(0, 196, 15)]
    assert answers == [11] + [10] * 11 + [11, 10]


def test_the_end_of_the_range_is_within_it() -> None:
    assert started("judoscale", 30.0)(seen(waiting=5)) == 10


def test_servers_share_the_queue() -> None:
    """6 jobs before 10 workers of 4 servers: 9 s."""
    assert started("judoscale", 9.0, task(concurrency=4))(seen(waiting=6)) == 10
    assert started("judoscale", 8.9, task(concurrency=4))(seen(waiting=6)) == 11


def test_a_worker_less_after_ten_minutes_below_the_range_and_again_after_ten() -> None:
    judoscale = started("judoscale", 30.0)
    answers = {now: judoscale(seen(now)) for now in range(0, 1216, 15)}
    assert [now for now, workers in answers.items() if workers == 9] == [600, 1200]


def test_a_wait_within_the_range_begins_the_ten_minutes_anew() -> None:
    """A job that waits is 6 s, above a tenth of 30."""
    judoscale = started("judoscale", 30.0)
    answers = {now: judoscale(seen(now, waiting=int(now == 300))) for now in range(0, 916, 15)}
    assert [now for now, workers in answers.items() if workers == 9] == [900]


def test_in_large_steps_a_tenth_is_added_as_often_as_workers_start() -> None:
    brisk = started("judoscale_brisk", 30.0, task(startup_delay=120.0))
    answers = [brisk(seen(now, serving=45, waiting=60)) for now in range(0, 121, 15)]
    assert answers == [50] + [45] * 7 + [50]


def test_with_no_worker_left_it_stays_at_none() -> None:
    judoscale = started("judoscale", 30.0, task(min_workers=0))
    assert {judoscale(seen(now, serving=0)) for now in range(0, 1801, 15)} == {0}
