"""The demand for servers as it will be: what is read, and what is said."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from capacity_planner.forecasting._load import Loads, horizons
from capacity_planner.planning.offered_load import service_shares
from capacity_planner.queueing._laws import Exponential

from ._loads import DAY, FIVE, MINUTE, follower, in_parts, traffic


def same(one: Loads, other: Loads, within: float = 0.0) -> None:
    for field in fields(Loads):
        expected = getattr(other, field.name)
        np.testing.assert_allclose(getattr(one, field.name), expected, rtol=within, atol=within, err_msg=field.name)


# --- what is read ----------------------------------------------------------------------------------------------------


def test_the_load_is_that_of_each_job_in_the_bin_of_its_arrival_and_in_later_ones() -> None:
    found = follower().read(np.array([10.0, 0.0, 0.0, 0.0, 2.0, 1.0]))
    assert found.loads == pytest.approx([4.0, 3.0, 1.0, 0.0, 0.8, 1.0])


def test_a_steady_rate_is_a_steady_load() -> None:
    """12 jobs a minute of 100 s: 20 servers, once the first jobs have gone."""
    shares = service_shares(Exponential(100.0), MINUTE)
    found = follower(shares=shares).read(np.full(200, 12.0))
    assert (np.diff(found.loads) >= -1e-12).all()
    assert found.loads[len(shares) :] == pytest.approx(np.full(200 - len(shares), 20.0), rel=1e-9)
    assert found.ahead[-1] == pytest.approx([20.0] * 3)


@pytest.mark.parametrize(("model", "within"), [("naive", 0.0), ("ewma", 1e-10), ("auto", 1e-10)])
@pytest.mark.parametrize("interval", [MINUTE, FIVE])
def test_how_counts_are_cut_makes_no_difference(model: str, within: float, interval: float) -> None:
    """Not the least, but for what a model's own sums are rounded by."""
    counts = traffic(2_500, interval=interval)
    periods = (round(86_400.0 / interval),)
    whole = follower(model, interval=interval, periods=periods).read(counts)
    for cuts in ([1], [1, 2, 3, 30, 31, 59, 61, 2_016], range(7, 2_500, 131)):
        same(in_parts(follower(model, interval=interval, periods=periods), counts, list(cuts)), whole, within)


def test_how_counts_are_cut_makes_no_difference_in_the_fourth_week() -> None:
    counts = traffic(24 * DAY, interval=FIVE)
    whole = follower(interval=FIVE).read(counts)
    same(in_parts(follower(interval=FIVE), counts, range(DAY, len(counts), DAY)), whole)


@pytest.mark.parametrize("model", ["naive", "ewma", "auto"])
@pytest.mark.parametrize("at", [1, 29, 30, 700])
def test_no_row_knows_a_later_count(model: str, at: int) -> None:
    counts = traffic(1_200)
    other = counts.copy()
    other[at:] = np.random.default_rng(9).poisson(500.0, len(counts) - at)
    one, changed = follower(model).read(counts), follower(model).read(other)
    for field in fields(Loads):
        np.testing.assert_array_equal(getattr(one, field.name)[:at], getattr(changed, field.name)[:at])
    assert (one.loads[at:] != changed.loads[at:]).any()


def test_the_counts_are_not_changed() -> None:
    counts = traffic(100)
    given_counts = counts.copy()
    follower("auto").read(counts)
    np.testing.assert_array_equal(counts, given_counts)


@pytest.mark.parametrize("model", ["naive", "ewma", "auto"])
def test_of_silence_and_of_a_flood_there_is_something_to_say(model: str) -> None:
    counts = np.concatenate([np.zeros(200), np.full(200, 1e9), np.zeros(200)])
    found = follower(model).read(counts)
    for field in fields(Loads):
        assert np.isfinite(getattr(found, field.name)).all()


# --- how far ahead ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("interval", "delay", "lag", "expected"),
    [
        (60.0, 120.0, 2, (2, 3, 4)),
        (60.0, 121.0, 2, (2, 3, 5)),
        (60.0, 60.0, 1, (1, 2)),
        (60.0, 5.0, 2, (2, 3)),
        (60.0, 0.0, 2, (2, 3)),
        (300.0, 600.0, 2, (2, 3, 4)),
        (300.0, 120.0, 2, (2, 3)),
    ],
)
def test_it_is_looked_ahead_to_when_a_worker_ordered_now_serves(
    interval: float, delay: float, lag: int, expected: tuple[int, ...]
) -> None:
    assert horizons(interval, delay, lag) == expected
