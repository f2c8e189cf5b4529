"""The median of the same time on earlier days, at the level of late."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from capacity_planner.domain.series import ForecastTask
from capacity_planner.forecasting._profile import Profile
from capacity_planner.forecasting.seasonal import Seasonal

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray

DAY = 24
HOURS = np.arange(DAY, dtype=float)
SHAPE = 100.0 + 60.0 * np.sin(HOURS * 2.0 * np.pi / DAY)
NAN = float("nan")


def task(*ahead: int, periods: tuple[int, ...] = (DAY,)) -> ForecastTask:
    return ForecastTask(ahead=ahead, interval=3600.0, periods=periods)


def followed(rates: FloatArray, *ahead: int, periods: tuple[int, ...] = (DAY,)) -> FloatArray:
    state = Seasonal().start(task(1, 6, 24, periods=periods))
    state.read(rates[None], np.ones((1, len(rates))))
    made: FloatArray = state.predict(ahead)[0]
    return made


def test_the_profile_is_the_median_of_the_slot_in_earlier_cycles() -> None:
    rates = np.random.default_rng(1).gamma(3.0, 3.0, 9 * DAY)
    profile = Profile(task(1, 5), DAY, 7)
    usual, coming = profile.read(rates[None], np.arange(len(rates)))
    for at in (2 * DAY, 3 * DAY + 7, 8 * DAY + 1):
        back = [at - cycle * DAY for cycle in range(1, 8) if at >= cycle * DAY]
        assert usual[0, at] == pytest.approx(np.median(rates[back]))
        assert coming[0, at - 5, 1] == usual[0, at]
        assert coming[0, at - 1, 0] == usual[0, at]
    assert np.isnan(usual[0, : 2 * DAY]).all()
    np.testing.assert_array_equal(profile.coming((1, DAY + 1)), profile.coming((1, 1)))


def test_a_gap_of_an_hour_takes_the_value_before_and_a_longer_one_none() -> None:
    rates = np.tile(SHAPE, 4)
    rates[[5, DAY + 5]] = NAN
    rates[[10, 11, DAY + 10, DAY + 11]] = NAN
    usual, _ = Profile(task(1), DAY, 7).read(rates[None], np.arange(1))
    assert usual[0, 2 * DAY + 5] == SHAPE[4]
    assert usual[0, 2 * DAY + 10] == SHAPE[9]
    assert np.isnan(usual[0, 2 * DAY + 11])


def test_what_repeats_is_forecast_exactly_from_the_third_day_on() -> None:
    ahead = (1, 5, 6, 12, 24, 36)
    made = followed(np.tile(SHAPE, 3), *ahead)
    np.testing.assert_allclose(made, SHAPE[(np.array(ahead) - 1) % DAY], rtol=1e-6)


def test_one_odd_day_is_not_repeated() -> None:
    """Three times the traffic, four days ago: the median of seven days does not notice."""
    days = np.tile(SHAPE, (9, 1))
    days[4] *= 3.0
    np.testing.assert_allclose(followed(days.ravel(), *range(1, 25)), SHAPE, rtol=1e-3)


def test_a_level_that_lasts_goes_on() -> None:
    """Twice the traffic since two days, which the median of seven days does not notice, is twice in a day as well."""
    rates = np.outer([*[1.0] * 8, 2.0, 2.0], SHAPE).ravel()
    assert followed(rates, 6, 24) == pytest.approx(2.0 * SHAPE[[5, -1]], rel=0.1)


def test_a_level_that_does_not_last_is_forgotten() -> None:
    """Where the traffic is off by half again for an hour or two at a time, two such hours say little of tomorrow."""
    dice = np.random.default_rng(1)
    rates = np.tile(SHAPE, 14) * np.repeat(np.exp(0.4 * dice.standard_normal(7 * DAY)), 2)
    rates[-2:] = 2.0 * SHAPE[-2:]
    assert followed(rates, 24)[0] == pytest.approx(SHAPE[-1], rel=0.25)


def test_a_week_is_used_once_two_weeks_are_known() -> None:
    """Half the traffic at weekends, six hours ahead into the third week's Saturday."""
    week = np.concatenate([np.tile(SHAPE, 5), np.tile(0.5 * SHAPE, 2)])
    rates = np.concatenate([np.tile(week, 3), week[: 5 * DAY]])
    both = followed(rates, 6, 12, periods=(DAY, 7 * DAY))
    by_day = followed(rates, 6, 12)
    coming = 0.5 * SHAPE[[5, 11]]
    np.testing.assert_allclose(both, coming, rtol=0.02)
    assert (np.abs(both - coming) < np.abs(by_day - coming)).all()


def test_before_two_days_the_level_goes_on() -> None:
    assert followed(np.full(DAY + 5, 7.0), 1, 24) == pytest.approx([7.0, 7.0])
    made = followed(np.tile(SHAPE, 1)[:20], 1, 6, 24)
    assert ((made > 30.0) & (made < 170.0)).all()
