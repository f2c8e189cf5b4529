"""Quantiles of weighted values, against the definition."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.forecasting._weighted import weighted_quantiles

NAN = float("nan")
# Few distinct values make ties, and dyadic weights make shares exact.
VALUE = st.sampled_from([-3.0, 0.0, 0.5, 0.5, 2.0, 7.0, NAN]) | st.floats(-1e9, 1e9)
WEIGHT = st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0])
LEVEL = st.sampled_from([0.0, 0.05, 0.25, 0.5, 0.75, 0.99, 1.0])


def by_definition(values: list[float], weights: list[float], level: float) -> tuple[float, float]:
    """The least value at which the share of the weight reaches the level, and Kish's (Σw)²/Σw²."""
    pairs = sorted((value, weight) for value, weight in zip(values, weights, strict=True) if not math.isnan(value))
    total = sum(weight for _, weight in pairs)
    if total == 0.0:
        return NAN, 0.0
    reached = itertools.accumulate(weight for _, weight in pairs)
    found = (value for (value, _), sums in zip(pairs, reached, strict=True) if sums / total >= level - 1e-12)
    return next(found), total**2 / sum(weight**2 for _, weight in pairs)


@given(st.lists(st.tuples(VALUE, WEIGHT, WEIGHT), min_size=1, max_size=30), LEVEL)
def test_they_are_those_of_the_definition(rows: list[tuple[float, float, float]], level: float) -> None:
    values = [row[0] for row in rows]
    sets = [[row[1] for row in rows], [row[2] for row in rows]]
    found, numbers = weighted_quantiles(np.array([values]), np.array(sets), np.array([level]))
    for at, weights in enumerate(sets):
        quantile, number = by_definition(values, weights, level)
        np.testing.assert_array_equal(found[0, at, 0], quantile)
        assert numbers[0, at] == pytest.approx(number)


def test_equal_weights_give_the_inverse_of_the_distribution_function() -> None:
    values = np.random.default_rng(1).gamma(2.0, 1.0, (3, 501))
    levels = np.array([0.05, 0.5, 0.95, 0.99])
    found, numbers = weighted_quantiles(values, np.ones((1, 501)), levels)
    np.testing.assert_array_equal(found[:, 0], np.quantile(values, levels, axis=1, method="inverted_cdf").T)
    np.testing.assert_allclose(numbers, 501.0)


def test_a_value_without_weight_is_never_found() -> None:
    found, numbers = weighted_quantiles(
        np.array([[1.0, 2.0, 3.0]]), np.array([[0.0, 1.0, 0.0]]), np.array([0.05, 0.5, 1.0])
    )
    np.testing.assert_array_equal(found[0, 0], [2.0, 2.0, 2.0])
    assert numbers[0, 0] == 1.0


def test_nothing_has_no_quantiles() -> None:
    found, numbers = weighted_quantiles(np.empty((2, 0)), np.empty((3, 0)), np.array([0.5]))
    assert found.shape == (2, 3, 1)
    assert np.isnan(found).all()
    np.testing.assert_array_equal(numbers, np.zeros((2, 3)))


def test_many_series_at_once_are_those_one_by_one() -> None:
    """Enough of them that they are taken in blocks."""
    values = np.random.default_rng(2).normal(size=(900, 700))
    weights = np.random.default_rng(3).random((4, 700))
    levels = np.array([0.1, 0.9])
    found, _ = weighted_quantiles(values, weights, levels)
    for row in (0, 450, 899):
        np.testing.assert_array_equal(found[row], weighted_quantiles(values[[row]], weights, levels)[0][0])
