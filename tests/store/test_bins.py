from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.fields import LARGEST
from capacity_planner.store._bins import end_of, mean_sample

TEN = 10
UNKNOWN = {
    "service_time": 0,
    "service_time_p95": None,
    "service_time_std": None,
    "current_workers": 0,
    "utilization": 0.0,
    "backlog": 0,
    "active_jobs": 0,
}


def one(at: int, rate: float = 1.0, **rest: Any) -> dict[str, Any]:
    return {"at": at, "arrival_rate": rate, **UNKNOWN, **rest}


@given(st.integers(0, 10**18), st.integers(1, 10**12))
def test_an_instant_lies_in_the_bin_that_it_ends_or_precedes_the_end_of(at: int, length: int) -> None:
    assert end_of(at, length) - length < at <= end_of(at, length)
    assert end_of(at, length) % length == 0


def test_a_rate_counts_for_the_time_since_the_sample_before() -> None:
    found = mean_sample([one(12, 1.0), one(20, 6.0)], TEN)
    assert (found["at"], found["span"]) == (20, 10)
    assert found["arrival_rate"] == pytest.approx((2 * 1.0 + 8 * 6.0) / 10)


def test_service_times_count_by_the_jobs_that_they_were_measured_of() -> None:
    slow = one(15, 1.0, service_time=300, service_time_p95=900, service_time_std=100)
    quick = one(20, 2.0, service_time=60, service_time_p95=120, service_time_std=40)
    found = mean_sample([slow, quick], TEN)
    assert found["service_time"] == (300 + 2 * 60) / 3
    assert found["service_time_p95"] == (900 + 2 * 120) / 3
    assert found["service_time_std"] == (100 + 2 * 40) / 3


def test_what_is_not_known_takes_no_part() -> None:
    known = one(15, 1.0, service_time=300, service_time_p95=900, service_time_std=0, utilization=0.8)
    found = mean_sample([known, one(20, 5.0)], TEN)
    assert (found["service_time"], found["service_time_p95"], found["utilization"]) == (300, 900, 0.8)
    assert found["service_time_std"] is None


def test_a_deviation_of_zero_is_one_where_the_percentile_is_the_mean() -> None:
    assert mean_sample([one(15, service_time=300, service_time_std=0)], TEN)["service_time_std"] == 0
    both = one(15, service_time=300, service_time_p95=300, service_time_std=0)
    assert mean_sample([both], TEN)["service_time_std"] == 0


def test_service_times_that_no_job_came_to_count_by_time() -> None:
    found = mean_sample([one(12, 0.0, service_time=100), one(20, 0.0, service_time=200)], TEN)
    assert found["service_time"] == (2 * 100 + 8 * 200) / 10


def test_counts_are_means_and_workers_the_last() -> None:
    first = one(12, backlog=10, active_jobs=3, current_workers=4)
    found = mean_sample([first, one(20, backlog=15, active_jobs=4, current_workers=9)], TEN)
    assert (found["backlog"], found["active_jobs"], found["current_workers"]) == (12, 4, 9)


def test_a_mean_of_before_counts_for_its_whole_bin() -> None:
    late, earlier = one(15, 3.0), one(20, 1.0, span=TEN)
    assert mean_sample([late, earlier], TEN)["arrival_rate"] == pytest.approx((5 * 3.0 + 10 * 1.0) / 15)


@given(st.lists(st.tuples(st.integers(11, 20), st.floats(0, 1e15)), min_size=1, unique_by=lambda pair: pair[0]))
def test_a_mean_lies_between_the_least_and_the_greatest(pairs: list[tuple[int, float]]) -> None:
    rates = [rate for _, rate in pairs]
    found = mean_sample([one(at, rate) for at, rate in sorted(pairs)], TEN)["arrival_rate"]
    assert min(rates) <= found <= max(rates)


def test_no_value_is_too_large_for_a_mean() -> None:
    found = mean_sample([one(15, utilization=LARGEST), one(20, utilization=LARGEST)], TEN)
    assert found["utilization"] == LARGEST
