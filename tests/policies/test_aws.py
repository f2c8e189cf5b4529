"""Amazon EC2 Auto Scaling user guide: "Target tracking scaling policies", "How predictive scaling works"."""

from __future__ import annotations

import numpy as np
import pytest

from tests.policies._sights import seen, started, task


def test_out_after_three_of_three_minutes_above_and_in_proportion() -> None:
    """10 × 0.8/0.5 = 16."""
    tracking = started("aws_tracking", 0.5)
    assert [tracking(seen(60.0 * n, utilization=0.8)) for n in range(3)] == [10, 10, 16]


@pytest.mark.parametrize("between", [0.5, 0.2])
def test_a_minute_that_is_not_above_begins_anew(between: float) -> None:
    tracking = started("aws_tracking", 0.5)
    points = [0.8, 0.8, between, 0.8, 0.8, 0.8]
    assert [tracking(seen(utilization=point)) for point in points] == [10] * 5 + [16]


def test_workers_that_start_are_not_ordered_again() -> None:
    tracking = started("aws_tracking", 0.5)
    for _ in range(3):
        tracking(seen(utilization=0.8))
    assert tracking(seen(ordered=16, utilization=0.8)) == 16
    assert tracking(seen(ordered=16, utilization=0.9)) == 18


def test_in_after_fifteen_of_fifteen_below_nine_tenths() -> None:
    """10 × 0.3/0.5 = 6."""
    tracking = started("aws_tracking", 0.5)
    assert [tracking(seen(utilization=0.3)) for _ in range(15)] == [10] * 14 + [6]


def test_nine_tenths_themselves_are_not_below() -> None:
    tracking = started("aws_tracking", 0.5)
    assert {tracking(seen(utilization=0.45)) for _ in range(30)} == {10}


def test_in_it_goes_as_far_as_the_highest_minute_allows() -> None:
    """10 × 0.4/0.5 = 8."""
    tracking = started("aws_tracking", 0.5)
    assert [tracking(seen(utilization=0.4 if n == 5 else 0.2)) for n in range(15)][-1] == 8


def test_one_worker_is_the_fewest() -> None:
    tracking = started("aws_tracking", 0.5, task(min_workers=0))
    assert tracking(seen(serving=0, utilization=1.0)) == 1


HOURS = np.repeat(np.arange(24.0), 60)


def test_the_hour_is_foreseen_from_the_hours_of_the_same_time_of_the_week() -> None:
    """14 days of 5 and 9 jobs a minute, week by week, at E[S] = 60 s: load 7 in the mean, over a target of 0.5."""
    past = np.repeat([5.0, 9.0], 7 * 1440)
    assert started("aws_predictive", 0.5, task(past.tolist()))(seen(counts=past.tolist(), utilization=0.5)) == 14


def test_where_there_is_no_week_the_same_hours_of_all_days_count() -> None:
    """Two days of as many jobs a minute as the hour has: the hour from 3:00 has load 3, over 0.5."""
    past = np.tile(HOURS, 2).tolist()
    predictive = started("aws_predictive", 0.5, task(past))
    assert predictive(seen(3 * 3600.0, serving=1, utilization=0.5, counts=[*past, *HOURS[:179]])) == 6


@pytest.mark.parametrize(("startup", "lead"), [(120.0, 300.0), (900.0, 900.0)])
def test_the_next_hour_holds_from_five_minutes_or_the_startup_delay_before(startup: float, lead: float) -> None:
    past = np.tile(HOURS, 2).tolist()
    predictive = started("aws_predictive", 0.5, task(past, startup_delay=startup))
    answers = [predictive(seen(7200.0 - lead - early, serving=1, utilization=0.5, counts=past)) for early in (60, 0)]
    assert answers == [2, 4]


def test_with_less_than_a_day_nothing_is_foreseen() -> None:
    past = [50.0] * 1439
    assert started("aws_predictive", 0.5, task(past))(seen(counts=past, utilization=0.5)) == 10


def test_tracking_goes_beyond_what_was_foreseen() -> None:
    past = [5.0] * 1440
    predictive = started("aws_predictive", 0.5, task(past))
    assert [predictive(seen(60.0 * n, utilization=0.8, counts=past)) for n in range(3)] == [10, 10, 16]
