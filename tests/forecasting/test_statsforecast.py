"""Models of statsforecast; those tests that need the library are skipped where it is not installed."""

from __future__ import annotations

import importlib.util
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from capacity_planner import ErrorCode, Forecaster, Metrics, PlannerConfig, PlannerError
from capacity_planner.domain.series import ForecastTask
from capacity_planner.registry import forecast_models

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray

DAY = 48
TASK = ForecastTask(ahead=(1, 6, 24), interval=1800.0, periods=(DAY,))
MODELS = ["AutoETS", "AutoTheta", "SeasonalNaive", "MSTL"]
OTHERS = ["AutoARIMA", "AutoCES", "CrostonSBA", "Holt", "HoltWinters", "RandomWalkWithDrift", "TBATS"]
installed = pytest.mark.skipif(
    importlib.util.find_spec("statsforecast") is None,
    reason="statsforecast is not installed: pip install 'capacity-planner[forecast]'",
)


def daily(days: float, level: float = 5.0, seed: int = 1) -> FloatArray:
    """Poisson counts of half hours around a day's sine."""
    places = np.arange(round(days * DAY))
    expected = level * (1.0 + 0.6 * np.sin(places * 2.0 * np.pi / DAY))
    return np.random.default_rng(seed).poisson(expected * 1800.0) / 1800.0


def followed(variant: str, rates: FloatArray, task: ForecastTask = TASK) -> tuple[FloatArray, Any]:
    """Forecasts after each rate, shape (n, horizons), and the state after the last."""
    state = forecast_models.get(f"statsforecast:{variant}").start(task)
    return state.read(rates[None], np.ones((1, len(rates))))[0], state


@installed
@pytest.mark.parametrize("variant", MODELS)
def test_a_forecast_at_the_api(variant: str) -> None:
    """Four days of half hours: better than the newest rate, in bounded time, and without a fallback.

    AutoTheta finds the season at the fourth day alone, and its record is of the days before.
    """
    rates, start = daily(5), datetime(2026, 1, 5, tzinfo=UTC)
    history = [
        Metrics(
            timestamp=start + (at + 1) * timedelta(minutes=30),
            queue_name="q",
            arrival_rate=float(rate),
            service_time=timedelta(seconds=1),
        )
        for at, rate in enumerate(rates[: 4 * DAY])
    ]
    forecaster = Forecaster(
        PlannerConfig(
            forecast_model=f"statsforecast:{variant}",
            history_window=timedelta(days=4),
            plan_interval=timedelta(minutes=30),
            forecast_window=timedelta(hours=12),
        )
    )
    begun = time.process_time()
    made = forecaster.predict(history, timedelta(hours=12))
    assert time.process_time() - begun < 10.0
    assert not [warning for warning in forecaster.warnings if warning.code is ErrorCode.FORECAST_FAILED]
    assert {one.model for one in made} == {f"statsforecast:{variant}"}
    points = np.array([one.arrival_rate for one in made])
    came = rates[4 * DAY : 4 * DAY + len(points)]
    assert len(points) == 24
    share = 1.0 if variant == "AutoTheta" else 0.2
    assert np.abs(points - came).mean() < share * np.abs(rates[4 * DAY - 1] - came).mean()


@installed
@pytest.mark.filterwarnings("ignore:Data contains zero:UserWarning")
@pytest.mark.parametrize("variant", MODELS + OTHERS)
def test_every_row_is_a_rate(variant: str) -> None:
    """From one rate on, through gaps and hours without a job."""
    rates = daily(4, level=0.002)
    rates[:3], rates[100:120] = np.nan, np.nan
    made, state = followed(variant, rates)
    assert np.isnan(made[:3]).all()
    assert np.isfinite(made[3:]).all()
    assert (made[3:] >= 0.0).all()
    ahead = (1, 2, 24, 200)
    assert np.isfinite(state.predict(ahead)).all()
    np.testing.assert_array_equal(state.predict(TASK.ahead)[0], made[-1])


@installed
@pytest.mark.parametrize("variant", MODELS)
def test_the_newest_row_is_what_the_library_says_of_the_rates(variant: str) -> None:
    import statsforecast.models  # noqa: PLC0415 - an extra

    rates = daily(4)
    expected = getattr(statsforecast.models, variant)(season_length=DAY).forecast(y=rates.copy(), h=24)["mean"]
    made, _ = followed(variant, rates)
    np.testing.assert_allclose(made[-1], expected[[0, 5, 23]], rtol=1e-9)


@installed
@pytest.mark.parametrize("variant", ["AutoETS", "AutoTheta", "AutoCES", "MSTL"])
def test_a_row_between_two_fits_is_about_as_good_as_one_of_a_fit(variant: str) -> None:
    rates = daily(7, level=0.05)
    made, _ = followed(variant, rates)
    origins = np.arange(4 * DAY, 7 * DAY - 6)
    missed = np.abs(made[origins, 1] - rates[origins + 6]).mean()
    naive = np.abs(rates[origins] - rates[origins + 6]).mean()
    assert missed < 0.7 * naive


@installed
def test_no_row_knows_a_later_rate() -> None:
    rates = daily(4)
    other = rates.copy()
    other[150:] *= 3.0
    for variant in MODELS:
        np.testing.assert_array_equal(followed(variant, rates)[0][:150], followed(variant, other)[0][:150])


@installed
def test_a_negative_forecast_is_a_rate_of_nothing() -> None:
    falling = np.linspace(10.0, 0.1, 60)
    made, state = followed("RandomWalkWithDrift", falling)
    assert made[-1, -1] == 0.0
    assert (state.predict((1, 100)) >= 0.0).all()


@installed
@pytest.mark.parametrize("variant", ["AutoETS", "CrostonSBA", "MSTL"])
@pytest.mark.parametrize("level", [0.0, 7.0])
def test_what_was_steady_stays(variant: str, level: float) -> None:
    made, state = followed(variant, np.full(120, level))
    np.testing.assert_array_equal(made, level)
    np.testing.assert_array_equal(state.predict((1, 100)), level)


@installed
def test_several_series_do_not_know_each_other_and_origins_choose_rows() -> None:
    two = np.stack([daily(3), daily(3, seed=2)])
    task = ForecastTask(ahead=TASK.ahead, interval=1800.0, periods=(DAY,), series=2)
    state = forecast_models.get("statsforecast:SeasonalNaive").start(task)
    made = state.read(two, np.ones_like(two), np.array([10, 143]))
    for row, rates in zip(made, two, strict=True):
        np.testing.assert_array_equal(row, followed("SeasonalNaive", rates)[0][[10, 143]])


@installed
def test_models_of_several_seasons_have_all_of_them() -> None:
    """Half as much at the weekend: known only to a model with the week."""
    hours = np.arange(4 * 168)
    shape = 5.0 * (1.0 + 0.6 * np.sin(hours * 2.0 * np.pi / 24)) * np.where(hours % 168 >= 120, 0.5, 1.0)
    task = ForecastTask(ahead=(24,), interval=3600.0, periods=(24, 168))
    rates = shape[: 3 * 168 + 119]
    _, state = followed("MSTL", rates, task)
    ahead = np.arange(1, 25)
    came = shape[len(rates) - 1 + ahead]
    assert np.abs(state.predict(ahead.tolist())[0] - came).mean() < 0.3 * np.abs(rates[-24:] - came).mean()


@installed
def test_a_season_that_takes_too_long_is_refused_where_the_fallback_can_step_in() -> None:
    model = forecast_models.get("statsforecast:AutoETS")
    with pytest.raises(ValueError, match="288 intervals takes too long, 96 are the most"):
        model.start(ForecastTask(ahead=(1,), interval=300.0, periods=(288,)))


@installed
def test_a_failing_fit_is_told_at_the_newest_rate_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    import statsforecast.models  # noqa: PLC0415 - an extra

    def refuse(*_args: Any, **_settings: Any) -> None:
        raise NotImplementedError("tiny datasets")

    monkeypatch.setattr(statsforecast.models.AutoTheta, "fit", refuse)
    rates = daily(2)
    state = forecast_models.get("statsforecast:AutoTheta").start(TASK)
    made = state.read(rates[None], np.ones((1, len(rates))), np.array([20, 60]))
    np.testing.assert_array_equal(made[0, :, 0], rates[[20, 60]])
    with pytest.raises(NotImplementedError, match="tiny datasets"):
        state.predict((1,))


@installed
@pytest.mark.parametrize("variant", ["AutoEts", "", "GARCH", "SklearnModel", "WindowAverage", "AutoETS:x", "_TS"])
def test_an_unknown_model_is_told_the_ones_there_are(variant: str) -> None:
    with pytest.raises(PlannerError) as caught:
        Forecaster(PlannerConfig(forecast_model=f"statsforecast:{variant}"))
    error = caught.value
    assert error.code is ErrorCode.MODEL_NOT_SUPPORTED
    assert error.details["value"] == f"statsforecast:{variant}"
    assert {f"statsforecast:{name}" for name in MODELS + OTHERS} <= set(error.details["supported"])
    assert "AutoETS, AutoTheta," in error.message
    assert "GARCH," not in error.message
    assert ("Did you mean 'statsforecast:AutoETS'?" in error.message) is (variant in {"AutoEts", "AutoETS:x"})


def test_without_the_library_one_sentence_says_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "statsforecast", None)
    monkeypatch.setitem(sys.modules, "statsforecast.models", None)
    with pytest.raises(PlannerError) as caught:
        Forecaster(PlannerConfig(forecast_model="statsforecast:AutoETS"))
    assert caught.value.code is ErrorCode.MODEL_NOT_SUPPORTED
    assert caught.value.message == (
        "forecast_model is 'statsforecast:AutoETS', which needs an extra: pip install 'capacity-planner[forecast]'"
    )
    assert caught.value.details == {"field": "forecast_model", "value": "statsforecast:AutoETS"}


def test_the_family_is_listed_but_not_imported() -> None:
    before = "statsforecast" in sys.modules
    assert "statsforecast:MODEL" in forecast_models.names()
    assert ("statsforecast" in sys.modules) is before
