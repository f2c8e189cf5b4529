"""What is wrong with samples is counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.domain.metrics import Metrics
from capacity_planner.history.memory import merge
from capacity_planner.history.quality import Quality, quality
from capacity_planner.history.resample import to_series

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def samples(minutes: list[float]) -> list[Metrics]:
    return [Metrics(timestamp=NOON + timedelta(minutes=minute), arrival_rate=1.0) for minute in minutes]


def test_good_samples_have_nothing_to_count() -> None:
    assert quality(samples([0, 5, 10, 15, 20]), 300.0) == Quality(
        samples=5, duplicates=0, out_of_order=0, gaps=0, longest_gap=0.0, irregular=0.0, interval=300.0
    )


def test_no_samples_have_nothing_to_count() -> None:
    assert quality([], 300.0) == Quality(
        samples=0, duplicates=0, out_of_order=0, gaps=0, longest_gap=0.0, irregular=0.0, interval=300.0
    )


def test_one_sample_given_twice_is_a_duplicate() -> None:
    counted = quality(samples([0, 0]), 300.0)
    assert (counted.samples, counted.duplicates, counted.out_of_order, counted.irregular) == (2, 1, 0, 0.0)


def test_everything_wrong_is_counted_once() -> None:
    counted = quality(samples([0, 5, 5, 10, 20, 15, 25, 60, 65, 70, 75, 90, 95]), 300.0)
    assert (counted.samples, counted.duplicates, counted.out_of_order) == (13, 1, 1)
    assert (counted.gaps, counted.longest_gap) == (8, 1800.0)
    assert counted.irregular == pytest.approx(2 / 11)


@pytest.mark.parametrize(("minutes", "late"), [([3, 2, 1, 0], 3), ([0, 3, 1, 2], 2), ([0, 2, 1, 3], 1), ([0, 1, 0], 1)])
def test_a_sample_older_than_one_before_it_is_out_of_order(minutes: list[float], late: int) -> None:
    assert quality(samples(minutes), 60.0).out_of_order == late


def test_samples_coarser_than_the_interval_are_no_gaps() -> None:
    counted = quality(samples([0, 30, 60, 90]), 300.0)
    assert (counted.gaps, counted.interval, counted.irregular) == (0, 1800.0, 0.0)


@pytest.mark.parametrize("far", [-1e8, 1e8])
def test_a_sample_far_off_is_one_irregular_distance(far: float) -> None:
    counted = quality(samples([*range(0, 500, 5), far]), 300.0)
    assert counted.irregular == pytest.approx(1 / 100)
    assert counted.gaps <= 20_000


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=60))
def test_the_order_changes_no_other_count(minutes: list[int]) -> None:
    given_samples = samples([float(minute) for minute in minutes])
    counted, ordered = quality(given_samples, 300.0), quality(samples(sorted(map(float, minutes))), 300.0)
    assert ordered.out_of_order == 0
    assert (counted.duplicates, counted.gaps, counted.longest_gap, counted.irregular) == (
        ordered.duplicates,
        ordered.gaps,
        ordered.longest_gap,
        ordered.irregular,
    )
    merged = merge(given_samples, until=NOON + timedelta(days=9), window=timedelta(days=99))
    series = to_series(merged, 300.0)
    assert counted.samples - counted.duplicates == len(merged)
    assert (counted.gaps, counted.interval) == (int(np.isnan(series.rates).sum()), series.interval)
    assert counted.longest_gap <= counted.gaps * counted.interval
