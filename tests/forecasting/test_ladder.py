"""The horizons that are learned, and the way between them."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.forecasting._ladder import ladder
from capacity_planner.forecasting._scale import along, logged, nearest, unlogged

DAYS = st.sampled_from([1, 2, 24, 48, 96, 288, 1440])


@given(st.integers(1, 20_000), DAYS)
def test_a_ladder_rises_from_one_to_the_longest(longest: int, day: int) -> None:
    steps = ladder(longest, day)
    assert steps[0] == 1
    assert steps[-1] == longest
    assert all(low < high for low, high in pairwise(steps))


@given(st.integers(1, 20_000), DAYS)
def test_its_rungs_are_at_most_half_as_far_again_and_a_day_and_a_third_apart(longest: int, day: int) -> None:
    for low, high in pairwise(ladder(longest, day)):
        assert high - low <= max(1, round(0.5 * low + 0.1))
        assert high - low <= max(1, day + day // 3)
        if low < day:
            assert high - low <= max(1, day // 3)


def test_a_week_ahead_takes_few_rungs() -> None:
    assert len(ladder(7 * 288, 288)) <= 24
    assert ladder(1, 288) == (1,)


def test_between_two_rungs_the_way_is_straight_in_the_logarithm() -> None:
    values = np.array([[10.0, 20.0, 60.0]])
    made = along(values, (1, 4, 16), (1, 2, 4, 8, 16, 100))
    np.testing.assert_allclose(made, [[10.0, 15.0, 20.0, 40.0, 60.0, 60.0]])


def test_along_one_rung_there_is_one_value() -> None:
    np.testing.assert_array_equal(along(np.array([[7.0]]), (1,), (1, 5, 9)), [[7.0, 7.0, 7.0]])


def test_what_hangs_on_a_rung_goes_along() -> None:
    values = np.stack([np.eye(2), 2.0 * np.eye(2)])[None]
    made = along(values, (1, 9), (3,))
    np.testing.assert_allclose(made[0, 0], 1.5 * np.eye(2))


def test_the_nearest_rung_is_that_of_the_nearest_ratio() -> None:
    """Between 2 and 8 the middle is √(2·8) = 4."""
    values = np.array([[1.0, 2.0, 8.0]])
    np.testing.assert_array_equal(nearest(values, (1, 2, 8), (1, 2, 3, 5, 8, 500)), [[1.0, 2.0, 2.0, 8.0, 8.0, 8.0]])


@pytest.mark.parametrize("interval", [60.0, 300.0, 3600.0])
@given(rate=st.floats(0.0, 1e12))
def test_a_logarithm_is_undone(interval: float, rate: float) -> None:
    there = logged(np.array([rate]), interval)
    assert there[0] == pytest.approx(math.log1p(rate * interval))
    assert unlogged(there, interval)[0] == pytest.approx(rate, rel=1e-9, abs=1e-12)


def test_what_is_no_count_is_none() -> None:
    np.testing.assert_array_equal(unlogged(np.array([-3.0, 0.0]), 300.0), [0.0, 0.0])
    assert np.isfinite(unlogged(np.array([1e9]), 300.0)).all()
