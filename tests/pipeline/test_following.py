"""What is remembered between forecasts, and what is done when a model fails."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from capacity_planner import ErrorCode, Forecaster, Metrics, PlannerConfig, PlannerError
from capacity_planner.pipeline import following
from capacity_planner.registry import forecast_models

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.series import ForecastTask

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
FIVE = timedelta(minutes=5)
HOUR = timedelta(hours=1)
DAY = 288


def traffic(count: int) -> list[Metrics]:
    """Poisson counts on a day's sine, the first of them at noon."""
    shape = 10.0 + 6.0 * np.sin(np.arange(count) * 2.0 * np.pi / DAY)
    rates = np.random.default_rng(1).poisson(shape * 300.0) / 300.0
    return [Metrics(timestamp=NOON + at * FIVE, arrival_rate=rate) for at, rate in enumerate(rates.tolist())]


def forecaster(model: str = "ewma", days: int = 7) -> Forecaster:
    return Forecaster(PlannerConfig(forecast_model=model, history_window=timedelta(days=days)))


class Odd:
    """A model that says 5 whatever comes; those below break the promise in one way each."""

    minimum_samples = 1
    seasonal = False
    calls: ClassVar[list[int]] = []
    lengths: ClassVar[list[int]] = []

    def __init__(self) -> None:
        self.task: Any = None

    def start(self, task: ForecastTask) -> Odd:
        self.calls.append(1)
        self.task = task
        return self

    def read(self, rates: FloatArray, weights: FloatArray, origins: Any = None) -> Any:
        self.lengths.append(rates.shape[1])
        origins = np.arange(rates.shape[1]) if origins is None else origins
        return np.full((len(rates), len(origins), len(self.task.ahead)), 5.0)

    def predict(self, ahead: Sequence[int]) -> Any:
        return np.full((self.task.series, len(ahead)), 5.0)


class Slow(Odd):
    def read(self, rates: FloatArray, weights: FloatArray, origins: Any = None) -> Any:
        time.sleep(0.5)
        return super().read(rates, weights, origins)


class Raising(Odd):
    def read(self, rates: FloatArray, weights: FloatArray, origins: Any = None) -> Any:
        raise ZeroDivisionError("by its own mistake")


class RaisingAtStart(Odd):
    def start(self, task: ForecastTask) -> Odd:
        raise RuntimeError("no licence")


class Unknown(Odd):
    def read(self, rates: FloatArray, weights: FloatArray, origins: Any = None) -> Any:
        return super().read(rates, weights, origins) * np.nan


class UnknownAtLast(Odd):
    def predict(self, ahead: Sequence[int]) -> Any:
        return super().predict(ahead) * np.inf


class Negative(Odd):
    def predict(self, ahead: Sequence[int]) -> Any:
        return -super().predict(ahead)


class Short(Odd):
    def read(self, rates: FloatArray, weights: FloatArray, origins: Any = None) -> Any:
        return super().read(rates, weights, origins)[:, :, :-1]


class ShortAtLast(Odd):
    def predict(self, ahead: Sequence[int]) -> Any:
        return super().predict(ahead)[:, :1]


@pytest.fixture
def odd(request: pytest.FixtureRequest) -> Iterator[type[Odd]]:
    """A class of this file, as the forecast model ``odd`` while the test lasts."""
    Odd.calls.clear()
    Odd.lengths.clear()
    forecast_models.register("odd")(request.param)
    yield request.param
    del forecast_models._classes["odd"]  # noqa: SLF001 - what was registered here is taken back here


def test_one_sample_more_is_forecast_as_from_scratch() -> None:
    history = traffic(2 * DAY + 30)
    for model in ("ewma", "auto"):
        going_on = forecaster(model)
        for count in (2 * DAY, 2 * DAY + 1, 2 * DAY + 4, 2 * DAY + 30):
            made = going_on.predict(history[:count], HOUR)
        scratch = forecaster(model).predict(history, HOUR)
        np.testing.assert_allclose(
            [list(item.quantiles.values()) for item in made], [list(item.quantiles.values()) for item in scratch]
        )


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(lambda history: [*history[:150], *history[151:]], id="a late sample"),
        pytest.param(
            lambda history: [*history[:-1], Metrics(timestamp=history[-1].timestamp, arrival_rate=99.0)],
            id="another newest sample",
        ),
        pytest.param(lambda history: history[-20:], id="a longer history"),
        pytest.param(lambda history: history[100:], id="a history that begins earlier"),
    ],
)
def test_a_history_that_does_not_go_on_from_the_last_is_read_anew(first: Any) -> None:
    history = traffic(300)
    changed = forecaster()
    changed.predict(first(history), HOUR)
    assert changed.predict(history, HOUR) == forecaster().predict(history, HOUR)


@pytest.mark.parametrize("odd", [Odd], indirect=True)
def test_only_new_samples_are_read(odd: type[Odd]) -> None:
    history = traffic(300)
    asked = forecaster("odd")
    for count in (250, 251, 300):
        asked.predict(history[:count], HOUR)
    assert odd.lengths == [250, 1, 49]


def test_the_same_question_is_answered_from_memory() -> None:
    history = traffic(50)
    asked = forecaster()
    first = asked.predict(history, HOUR)
    assert asked.cache_hits == 0
    assert asked.predict(history, HOUR) == first
    assert asked.cache_hits == 1
    asked.predict(history, 2 * HOUR)
    assert asked.cache_hits == 1


@pytest.mark.parametrize(
    ("odd", "problem"),
    [
        (Raising, "failed with ZeroDivisionError: by its own mistake"),
        (RaisingAtStart, "failed with RuntimeError: no licence"),
        (Unknown, "forecast a rate of nan"),
        (UnknownAtLast, "forecast a rate of inf"),
        (Negative, "forecast a rate of -5"),
        (Short, "gave forecasts of shape"),
        (ShortAtLast, "gave forecasts of shape (1, 1)"),
    ],
    indirect=["odd"],
)
def test_a_model_that_fails_is_replaced_and_said_to_be(odd: type[Odd], problem: str) -> None:
    history = traffic(50)
    asked = forecaster("odd")
    made = asked.predict(history, HOUR)
    assert [item.quantiles for item in made] == [item.quantiles for item in forecaster().predict(history, HOUR)]
    (warning,) = asked.warnings
    assert (warning.code, made[0].model) == (ErrorCode.FORECAST_FAILED, "ewma")
    assert "forecast_model odd" in warning.message
    assert problem in warning.message


@pytest.mark.parametrize("odd", [Odd], indirect=True)
def test_a_model_that_keeps_its_promise_is_used(odd: type[Odd]) -> None:
    asked = forecaster("odd")
    assert {item.model for item in asked.predict(traffic(50), HOUR)} == {"odd"}
    assert asked.warnings == ()


@pytest.mark.parametrize("odd", [Slow], indirect=True)
def test_a_model_that_takes_too_long_is_left_to_rest(odd: type[Odd], monkeypatch: pytest.MonkeyPatch) -> None:
    """After its failure the next twelve forecasts are by ``ewma`` too; then it is tried again."""
    monkeypatch.setattr(following, "_PATIENCE", 0.1)
    history = traffic(70)
    asked = forecaster("odd")
    for count in range(50, 63):
        assert asked.predict(history[:count], HOUR)[0].model == "ewma"
        assert "took longer than 0.1 s" in asked.warnings[0].message
    assert len(odd.calls) == 1
    asked.predict(history[:63], HOUR)
    assert len(odd.calls) == 2


@pytest.mark.parametrize("odd", [Slow], indirect=True)
def test_a_slow_model_leaves_half_of_the_time_to_its_replacement(odd: type[Odd]) -> None:
    made = forecaster("odd").predict(traffic(50), HOUR, timeout=timedelta(seconds=0.6))
    assert {item.model for item in made} == {"ewma"}


def test_when_ewma_fails_there_is_no_forecast(monkeypatch: pytest.MonkeyPatch) -> None:
    forecast_models.get("ewma")
    monkeypatch.setitem(forecast_models._classes, "ewma", Raising)  # noqa: SLF001 - put back by pytest
    monkeypatch.setattr(Raising, "name", "ewma", raising=False)
    asked = forecaster()
    for _ in range(2):
        with pytest.raises(PlannerError) as caught:
            asked.predict(traffic(50), HOUR)
        assert caught.value.code is ErrorCode.FORECAST_FAILED
        assert "forecast_model ewma failed with ZeroDivisionError" in caught.value.message


def test_two_threads_may_ask_one_forecaster() -> None:
    history = traffic(200)
    asked = forecaster("auto")
    counts = [150 + step % 50 for step in range(40)]
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda count: asked.predict(history[:count], HOUR), counts))
    scratch = forecaster("auto").predict(history[:150], HOUR)
    assert [item[0].timestamp for item in made] == [history[count - 1].timestamp + FIVE for count in counts]
    np.testing.assert_allclose(made[0][0].arrival_rate, scratch[0].arrival_rate)


@pytest.mark.parametrize("model", ["seasonal", "holt_winters", "ridge"])
def test_a_seasonal_model_with_less_than_two_days_says_so(model: str) -> None:
    asked = forecaster(model)
    asked.predict(traffic(DAY), HOUR)
    (warning,) = asked.warnings
    assert warning.code is ErrorCode.INSUFFICIENT_HISTORY
    assert "history covers 24 h" in warning.message
    asked.predict(traffic(2 * DAY), HOUR)
    assert asked.warnings == ()
