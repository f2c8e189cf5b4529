"""A fixed number of workers."""

from __future__ import annotations

import pytest

from tests.policies._sights import seen, started, task

PEAK = [10.0] * 60 + [20.0, 30.0, 40.0, 30.0, 30.0] + [10.0] * 60


@pytest.mark.parametrize(("knob", "workers"), [(1.0, 30.0), (0.5, 15.0), (2.0, 60.0)])
def test_it_is_the_busiest_five_minutes_of_the_past_times_the_knob(knob: float, workers: float) -> None:
    """150 jobs of 60 s in 300 s are 30 workers."""
    static = started("static", knob, task(PEAK))
    assert [static(seen(now, utilization=1.0)) for now in (0.0, 60.0, 9e5)] == pytest.approx([workers] * 3)


def test_a_worker_with_three_servers_does_the_work_of_three() -> None:
    assert started("static", 1.0, task(PEAK, concurrency=3))(seen()) == pytest.approx(10.0)


def test_bins_longer_than_five_minutes_count_one_by_one() -> None:
    """600 jobs of 60 s in 1800 s are 20 workers."""
    assert started("static", 1.0, task([300.0, 600.0, 150.0], interval=1800.0))(seen()) == pytest.approx(20.0)


def test_a_past_shorter_than_five_minutes_counts_as_it_is() -> None:
    assert started("static", 1.0, task([10.0, 20.0]))(seen()) == pytest.approx(15.0)


def test_without_a_past_it_keeps_what_is_there_and_then_follows_the_mean() -> None:
    static = started("static", 2.0)
    assert static(seen(serving=7)) == 7
    assert static(seen(120.0, counts=[6.0])) == pytest.approx(12.0)
    assert static(seen(180.0, counts=[6.0, 12.0])) == pytest.approx(18.0)
