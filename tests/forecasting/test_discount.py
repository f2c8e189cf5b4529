"""Sums that forget, values that are held, and medians, against their definitions."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.forecasting._discount import discounted, filled, held
from capacity_planner.forecasting._median import medians

NAN = float("nan")
VALUE = st.floats(-1e6, 1e6)
GAPPY = st.lists(VALUE | st.just(NAN), min_size=1, max_size=90)


@given(st.lists(VALUE, min_size=1, max_size=130), st.floats(0.0, 1.0), VALUE)
def test_a_discounted_sum_is_its_recursion(values: list[float], factor: float, carry: float) -> None:
    expected, total = [], carry
    for value in values:
        total = factor * total + value
        expected.append(total)
    made = discounted(np.array([values]), factor, np.array([carry]))
    np.testing.assert_allclose(made[0], expected, rtol=1e-9, atol=1e-6)


@given(st.lists(VALUE, min_size=2, max_size=130), st.floats(0.0, 1.0), st.data())
def test_a_discounted_sum_can_be_read_in_cuts(values: list[float], factor: float, data: st.DataObject) -> None:
    row, cut = np.array(values), data.draw(st.integers(1, len(values) - 1))
    whole = discounted(row, factor, np.array(0.0))
    first = discounted(row[:cut], factor, np.array(0.0))
    rest = discounted(row[cut:], factor, first[-1])
    np.testing.assert_allclose(np.concatenate([first, rest]), whole, rtol=1e-9, atol=1e-6)


def test_series_side_by_side_are_summed_each_for_itself() -> None:
    values = np.random.default_rng(1).normal(size=(2, 3, 70))
    carry = np.random.default_rng(2).normal(size=(2, 3))
    made = discounted(values, 0.9, carry)
    for row in np.ndindex(2, 3):
        np.testing.assert_allclose(made[row], discounted(values[row], 0.9, np.array(carry[row])))


@given(GAPPY, VALUE | st.just(NAN))
def test_what_is_filled_is_the_newest_value_known(values: list[float], start: float) -> None:
    expected, newest = [], start
    for value in values:
        newest = newest if np.isnan(value) else value
        expected.append(newest)
    np.testing.assert_array_equal(filled(np.array([values]), np.array([start]))[0], expected)


@given(GAPPY, st.lists(VALUE | st.just(NAN), max_size=5))
def test_what_is_held_is_held_for_so_long_and_no_longer(values: list[float], before: list[float]) -> None:
    whole, most = [*before, *values], len(before)
    expected = []
    for at in range(most, len(whole)):
        near = [whole[back] for back in range(at, at - most - 1, -1) if not np.isnan(whole[back])]
        expected.append(near[0] if near else NAN)
    np.testing.assert_array_equal(held(np.array([values]), np.array([before]))[0], expected)


@given(st.lists(GAPPY, min_size=1, max_size=4), st.integers(1, 4))
def test_medians_are_those_of_numpy_over_what_is_known(rows: list[list[float]], at_least: int) -> None:
    width = max(map(len, rows))
    table = np.array([row + [NAN] * (width - len(row)) for row in rows])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = np.nanmedian(table, axis=1)
    expected[np.isfinite(table).sum(axis=1) < at_least] = NAN
    np.testing.assert_allclose(medians(table, at_least=at_least), expected)


@pytest.mark.parametrize(("values", "median"), [([1.0, NAN, 3.0], 2.0), ([5.0], 5.0), ([NAN, NAN], NAN)])
def test_a_median_by_hand(values: list[float], median: float) -> None:
    np.testing.assert_array_equal(medians(np.array(values)), median)
