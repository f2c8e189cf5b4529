"""Models are ranked on the same past, and none knows the future."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.series import ForecastTask, Series
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.forecasting._conformal import Conformal
from capacity_planner.pipeline import comparison
from capacity_planner.pipeline.comparison import comparable, compare, origins_of
from capacity_planner.pipeline.following import seasons_of
from capacity_planner.registry import forecast_models

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray

END = datetime(2026, 1, 31, tzinfo=UTC)
CONFIG = PlannerConfig()
HOURLY = 3600.0


def wave(days: int = 14) -> FloatArray:
    """A strong day in hourly rates."""
    hours = np.arange(24 * days)
    rates: FloatArray = 50.0 + 40.0 * np.sin(hours * 2 * np.pi / 24) + np.random.default_rng(1).normal(size=24 * days)
    return np.maximum(rates, 0.0)


def series(rates: FloatArray, interval: float = HOURLY) -> Series:
    return Series(end=END, interval=interval, rates=rates)


def test_a_level_wins_over_noise_and_a_trend_loses() -> None:
    noise = 100.0 + 10.0 * np.random.default_rng(2).normal(size=24 * 14)
    rows = compare(series(noise), ("linear", "ewma"), 6, config=CONFIG)
    by_name = {row.model: row for row in rows}
    assert set(by_name) == {"naive", "linear", "ewma"}
    assert rows[0].model == "ewma"
    assert [row.score for row in rows] == sorted(row.score for row in rows)
    assert by_name["naive"].score == by_name["naive"].relative == 1.0
    assert by_name["ewma"].mase < 1.0
    assert by_name["ewma"].wape == pytest.approx(by_name["ewma"].mae / 100.0, rel=0.01)
    assert all(0.5 <= row.coverage[0.9] <= 1.0 and row.pinball[0.9] > 0 and row.seconds >= 0 for row in rows)


def test_all_models_but_those_of_other_libraries_are_comparable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast_models, "names", lambda: ["auto", "statsforecast:AutoETS"])
    assert comparable() == ("auto",)


def test_the_future_changes_no_forecast_of_the_past() -> None:
    rates = wave()
    task = ForecastTask(ahead=(1, 2, 3), interval=HOURLY, periods=(24,))
    origins = origins_of(len(rates), HOURLY)
    other = np.where(np.arange(len(rates)) > 250, 1000.0, rates)
    said, changed = (comparison._forecast("auto", task, part, origins, lambda *_: None)[0] for part in (rates, other))  # noqa: SLF001 - what the ranking rests on
    np.testing.assert_allclose(said[origins <= 250], changed[origins <= 250])
    assert not np.allclose(said[origins > 252], changed[origins > 252])


def test_reading_on_says_what_reading_at_once_says() -> None:
    rates = wave()
    task = ForecastTask(ahead=(1, 2, 3, 5), interval=HOURLY, periods=(24,))
    origins = origins_of(len(rates), HOURLY)
    said, _ = comparison._forecast("ewma", task, rates, origins, lambda *_: None)  # noqa: SLF001 - as above
    points = forecast_models.get("ewma").start(task).read(rates[None], np.ones((1, len(rates))))
    np.testing.assert_allclose(said, Conformal(task).hindcast(points, rates[None], origins)[0])


def test_gaps_are_no_outcomes() -> None:
    rates = wave()
    whole = compare(series(rates), (), 1, config=CONFIG)[0].outcomes
    rates[200:210] = math.nan
    assert compare(series(rates), (), 1, config=CONFIG)[0].outcomes == whole - 10


def test_perfect_forecasts_divide_by_nothing() -> None:
    rows = compare(series(np.zeros(24 * 8)), ("ewma",), 2, config=CONFIG)
    assert {row.wape for row in rows} == {0.0}
    assert all(not math.isnan(row.score) for row in rows)


def test_origins_are_an_hour_apart_and_few() -> None:
    assert set(np.diff(origins_of(12 * 24 * 7, 300.0))) == {12}
    many = origins_of(12 * 24 * 69, 300.0)
    assert len(many) <= 500
    assert math.gcd(int(many[1] - many[0]), 288) == 1
    assert origins_of(48 * 300, 1800.0)[0] == 96


def test_progress_goes_up_to_the_end() -> None:
    told: list[tuple[str, float]] = []
    compare(series(wave()), ("ewma",), 2, config=CONFIG, progress=lambda *step: told.append(step))
    for name in ("naive", "ewma"):
        shares = [share for model, share in told if model == name]
        assert shares == sorted(shares)
        assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_seasons_are_given_or_found() -> None:
    assert 24 in seasons_of(series(wave()), CONFIG)
    assert seasons_of(series(wave()), PlannerConfig(seasonal_period=END - END.replace(day=30, hour=12))) == (12,)


@pytest.mark.parametrize(
    ("models", "rates", "code"),
    [
        (("nope",), wave(), ErrorCode.MODEL_NOT_SUPPORTED),
        (("ewma",), wave()[:12], ErrorCode.INSUFFICIENT_HISTORY),
        (("ewma",), np.full(300, math.nan), ErrorCode.INSUFFICIENT_HISTORY),
    ],
)
def test_what_cannot_be_compared_is_refused(models: tuple[str, ...], rates: FloatArray, code: ErrorCode) -> None:
    with pytest.raises(PlannerError) as caught:
        compare(series(rates), models, 3, config=CONFIG)
    assert caught.value.code is code


def test_a_model_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(comparison, "_followed", fail)
    with pytest.raises(PlannerError, match="The model naive failed with RuntimeError: boom") as caught:
        compare(series(wave()), ("ewma",), 3, config=CONFIG)
    assert caught.value.code is ErrorCode.FORECAST_FAILED
