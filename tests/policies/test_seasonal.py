"""What was at the same time of the week or the day, alone and beside the HPA; a line through the HPA's results."""

from __future__ import annotations

import numpy as np
import pytest

from tests.policies._sights import seen, started, task

DAY = 1440


def test_it_is_last_week_seen_a_startup_delay_ahead() -> None:
    """At time 0 of day 9, with 120 s to start: 5 minutes to both sides of minute 2 of day 2."""
    past = np.full(8 * DAY, 10.0)
    past[DAY + 2 - 5 : DAY + 2 + 6] = 21.0
    policy = started("seasonal_naive", 1.5, task(past.tolist()))
    assert policy(seen(counts=past.tolist())) == pytest.approx(1.5 * 21.0)
    assert policy(seen(60.0, counts=past.tolist())) == pytest.approx(1.5 * (10 * 21.0 + 10.0) / 11)


def test_where_there_is_no_week_it_is_yesterday() -> None:
    past = np.full(2 * DAY, 10.0)
    past[DAY : DAY + 20] = 30.0
    assert started("seasonal_naive", 1.0, task(past.tolist()))(seen(300.0, counts=past.tolist())) == pytest.approx(30.0)


def test_where_there_is_no_day_it_is_the_last_five_minutes() -> None:
    past = [10.0] * 60 + [20.0, 40.0, 30.0, 20.0, 40.0]
    assert started("seasonal_naive", 1.0, task(past))(seen(counts=past)) == pytest.approx(30.0)


def test_where_nothing_is_known_nothing_changes() -> None:
    assert started("seasonal_naive", 2.0)(seen(serving=7)) == 7


def test_a_week_of_the_replay_itself_is_a_past_too() -> None:
    counts = np.full(7 * DAY, 10.0)
    counts[:20] = 50.0
    now = 7 * 86_400.0 + 480.0
    assert started("seasonal_naive", 1.0)(seen(now, counts=[*counts, *[10.0] * 7])) == pytest.approx(50.0)


def test_a_worker_with_two_servers_does_the_work_of_two() -> None:
    past = [10.0] * (8 * DAY)
    assert started("seasonal_naive", 1.0, task(past, concurrency=2))(seen(counts=past)) == pytest.approx(5.0)


def test_bins_of_an_hour_are_taken_as_they_are() -> None:
    past = np.full(8 * 24, 600.0)
    past[24] = 1200.0
    assert started("seasonal_naive", 1.0, task(past.tolist(), interval=3600.0))(
        seen(counts=past.tolist())
    ) == pytest.approx(20.0)


def test_last_week_and_the_hpa_aim_at_one_utilization() -> None:
    """Load 20 over 0.5 is 40; the HPA wants 10 × 0.9/0.5 = 18, and 30 × 1.0/0.5 = 60."""
    past = [20.0] * (8 * DAY)
    policy = started("seasonal_hpa", 0.5, task(past))
    assert policy(seen(0.0, utilization=0.9, counts=past)) == pytest.approx(40.0)
    assert policy(seen(15.0, serving=30, utilization=1.0, counts=past)) == pytest.approx(60.0)


def test_a_line_through_the_results_is_followed_where_it_is_higher() -> None:
    """Results 12, 15, 18 at 0, 15 and 30 s: 20 at 40 s. The cap of the HPA holds."""
    policy = started("phpa", 0.5)
    assert [policy(seen(15.0 * n, utilization=0.6 + 0.15 * n)) for n in range(3)] == [12, 17, 20]


def test_a_line_that_falls_changes_nothing() -> None:
    """Results 18, 15, 12, of which the highest of 300 s counts."""
    policy = started("phpa", 0.5)
    answers = [policy(seen(15.0 * n, serving=10, ordered=10, utilization=0.9 - 0.15 * n)) for n in range(3)]
    assert answers == [18, 15, 12]
