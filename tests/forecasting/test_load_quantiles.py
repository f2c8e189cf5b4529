"""The quantiles of how wrong it was to say what load would be there."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.forecasting._load import LEVELS, Loads, table
from capacity_planner.planning.offered_load import service_shares
from capacity_planner.queueing._laws import Exponential

from ._loads import DAY, FIVE, MINUTE, follower, in_parts, traffic

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray


def residuals(found: Loads, step: int) -> FloatArray:
    """Of each bin, in roots of what was said of it so many bins before; those of the first bins are not known."""
    said = np.concatenate([np.full(step, np.nan), found.ahead[:-step, -1]])
    scores: FloatArray = (found.loads - said) / np.sqrt(np.maximum(said, 0.0) + 0.5)
    return scores


def test_the_quantiles_are_those_of_what_is_known_at_the_last_half_hour() -> None:
    """While there are too few days to tell a time of day by."""
    counts = traffic(4 * 1_440)
    found = in_parts(follower(), counts, range(401, len(counts), 401))
    scores = residuals(found, 5)
    for at in [*range(2_100, len(counts), 397), len(counts) - 1]:
        known = scores[5 : at // 30 * 30 + 1]
        assert len(known) >= 2_000
        np.testing.assert_allclose(found.scores[at, : len(LEVELS)], np.quantile(known, LEVELS), rtol=1e-12)


def test_what_was_three_weeks_ago_is_forgotten() -> None:
    """One day of floods, and 22 or more of calm."""
    calm = traffic(24 * DAY, interval=FIVE)
    wild = calm.copy()
    wild[:DAY] = np.random.default_rng(5).poisson(500.0, DAY)
    cuts = range(DAY, len(calm), DAY)
    one, other = (in_parts(follower(interval=FIVE), counts, cuts).scores for counts in (calm, wild))
    assert (other[2 * DAY] > one[2 * DAY]).any()
    np.testing.assert_array_equal(one[-1], other[-1])


def test_before_an_hour_that_is_wild_every_day_the_quantiles_are_wider_than_before_a_calm_one() -> None:
    """Noise from nine to twelve; at nine and in the evening, in the second week."""
    hours = np.arange(10 * DAY) % DAY / 12.0
    noise = np.random.default_rng(6).poisson(20.0, len(hours)).astype(float)
    counts = np.where((hours >= 9.0) & (hours < 12.0), noise, 20.0)
    scores = follower(interval=FIVE).read(counts).scores
    morning, evening = (scores[9 * DAY + hour * 12, LEVELS.index(0.9)] for hour in (9, 20))
    assert morning > evening


def test_the_table_is_made_anew_every_half_hour() -> None:
    found = follower().read(traffic(400))
    changed = np.flatnonzero((np.diff(found.scores, axis=0) != 0.0).any(axis=1)) + 1
    assert changed.tolist() == list(range(30, 400, 30))


def test_the_quantiles_go_on_beyond_the_last_level() -> None:
    found = follower().read(traffic(5_000))
    beyond = found.scores[:, len(LEVELS) - 1 :]
    assert beyond.shape[1] > 1
    assert (np.diff(beyond, axis=1) > 0.0).all()
    assert (beyond[:, -1] > 2.0 * beyond[:, 0]).all()


USUAL = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
UPPER = np.array(LEVELS) > 0.5


def test_while_nothing_is_known_it_is_wider_than_counts_that_fall_by_chance() -> None:
    rows = table(np.empty(0))[: len(LEVELS)]
    assert (rows[UPPER] > USUAL[UPPER]).all()
    np.testing.assert_array_equal(follower().read(np.array([3.0])).scores[0], table(np.empty(0)))


def test_what_little_is_known_narrows_it_little_by_little() -> None:
    """Residuals of nothing at all: a tenth as wide as at first only when there are many."""
    widths = [table(np.zeros(count))[len(LEVELS) - 1] for count in (0, 1, 100, 1_000, 1_900, 2_000, 10_000)]
    assert widths == sorted(widths, reverse=True)
    assert widths[2] > 0.9 * widths[0] > 0.0
    assert table(np.zeros(10_000))[: len(LEVELS)].tolist() == [0.0] * len(LEVELS)


def test_little_that_is_wide_is_believed() -> None:
    wide = np.random.default_rng(3).normal(0.0, 50.0, 200)
    assert (table(wide)[: len(LEVELS)][UPPER] > 5.0 * USUAL[UPPER]).all()


SCORES = st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), max_size=60)


@given(SCORES)
def test_quantiles_ascend_whatever_was_wrong(scores: list[float]) -> None:
    rows = table(np.array(scores, dtype=float))
    assert np.isfinite(rows).all()
    assert (np.diff(rows) >= 0.0).all()
    np.testing.assert_array_equal(rows, table(np.array([score for score in scores if not math.isnan(score)])))


@pytest.mark.parametrize("model", ["ewma", "auto"])
@pytest.mark.parametrize("mean", [1.0, 30.0])
def test_so_many_loads_are_within_a_quantile_as_it_says(model: str, mean: float) -> None:
    """Of independent Poisson counts, after two days; each level within what runs of like loads leave to chance."""
    counts = np.random.default_rng(4).poisson(mean, 8_000).astype(float)
    shares = service_shares(Exponential(45.0), MINUTE)
    found = follower(model, shares=shares, ahead=(2, 3, 4)).read(counts)
    origins = np.arange(2_880, len(counts) - 4)
    said, came = found.ahead[origins, -1], found.loads[origins + 4]
    for level in (0.2, 0.5, 0.8, 0.9, 0.95, 0.99):
        bound = said + found.scores[origins, LEVELS.index(level)] * np.sqrt(said + 0.5)
        # Loads less than about three bins apart have jobs in common.
        allowed = 3.5 * math.sqrt(3.0 * level * (1.0 - level) / len(origins))
        assert abs(np.mean(came <= bound) - level) < allowed + 0.005


@pytest.mark.parametrize("interval", [MINUTE, FIVE])
def test_on_even_traffic_more_days_make_it_no_wider(interval: float) -> None:
    """What is known of a time of day begins to count in the fifth day."""
    counts = np.random.default_rng(1).poisson(interval / 6.0, round(9.0 * 86_400.0 / interval)).astype(float)
    shares = service_shares(Exponential(60.0), interval)
    scores = follower("ewma", shares=shares, interval=interval, ahead=(2, 3, 4)).read(counts).scores
    widths = [scores[round(days * 86_400.0 / interval), LEVELS.index(0.95)] for days in (4.9, 5.1, 6.0, 8.0)]
    assert max(widths) < 1.15 * widths[0]
