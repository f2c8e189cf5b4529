"""Forecasts at the API."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from capacity_planner import ErrorCode, Forecaster, Metrics, PlannerConfig, PlannerError

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
FIVE = timedelta(minutes=5)
HOUR = timedelta(hours=1)


def samples(rates: list[float], *, end: datetime = NOON, spacing: timedelta = FIVE) -> list[Metrics]:
    last = len(rates) - 1
    return [Metrics(timestamp=end - (last - index) * spacing, arrival_rate=rate) for index, rate in enumerate(rates)]


def refused(*args: Any, **options: Any) -> PlannerError:
    with pytest.raises(PlannerError) as caught:
        Forecaster().predict(*args, **options)
    return caught.value


def test_a_constant_rate_goes_on_in_every_interval_of_the_horizon() -> None:
    made = Forecaster().predict(samples([10.0] * 60), 2 * HOUR)
    assert [item.timestamp for item in made] == [NOON + index * FIVE for index in range(1, 25)]
    assert [item.arrival_rate for item in made] == pytest.approx([10.0] * 24)
    assert {item.model for item in made} == {"ewma"}
    assert {item.confidence for item in made} == {0.9}


def test_a_forecast_has_ordered_quantiles_around_its_median() -> None:
    made = Forecaster().predict(samples([8.0, 12.0, 10.0, 9.0, 11.0] * 12), HOUR)
    for item in made:
        rates = list(item.quantiles.values())
        assert list(item.quantiles) == sorted(item.quantiles)
        assert rates == sorted(rates)
        assert rates[0] >= 0.0
        assert item.quantiles[0.5] == item.arrival_rate
        assert (item.lower, item.upper) == (item.quantiles[0.05], item.quantiles[0.95])
        assert item.lower <= item.arrival_rate <= item.upper


def test_one_sample_is_enough_and_less_sure_the_further_ahead() -> None:
    made = Forecaster().predict(samples([10.0]), HOUR)
    widths = [item.upper - item.lower for item in made]
    assert len(made) == 12
    assert widths == sorted(widths)
    assert widths[0] > 0


def test_the_order_of_samples_does_not_matter() -> None:
    history = samples([8.0, 12.0, 10.0, 9.0, 11.0] * 12)
    assert Forecaster().predict(history[::-1], HOUR) == Forecaster().predict(iter(history), HOUR)


def test_silence_is_forecast_as_silence() -> None:
    assert {item.arrival_rate for item in Forecaster().predict(samples([0.0] * 100), HOUR)} == {0.0}


@pytest.mark.parametrize(
    ("history", "code"),
    [
        ([], ErrorCode.INSUFFICIENT_HISTORY),
        ((), ErrorCode.INSUFFICIENT_HISTORY),
        (5, ErrorCode.INVALID_METRICS),
        (None, ErrorCode.INVALID_METRICS),
        ("abc", ErrorCode.INVALID_METRICS),
        ([5], ErrorCode.INVALID_METRICS),
        (samples([-1.0]), ErrorCode.INVALID_METRICS),
        (samples([float("nan")]), ErrorCode.INVALID_METRICS),
    ],
)
def test_a_history_that_is_none_is_refused(history: Any, code: ErrorCode) -> None:
    assert refused(history, HOUR).code is code


@pytest.mark.parametrize("horizon", [timedelta(0), -HOUR, 5, "5", "", None, timedelta.max, 3600.0])
def test_a_horizon_that_is_none_is_refused(horizon: Any) -> None:
    error = refused(samples([10.0] * 5), horizon)
    assert error.code is ErrorCode.CONFIG_INVALID
    assert "horizon" in error.message or "forecast_window" in error.message


def test_a_horizon_in_words_is_a_horizon() -> None:
    words: Any = "1h"
    assert len(Forecaster().predict(samples([10.0] * 5), words)) == 12


def test_a_horizon_shorter_than_an_interval_is_one_interval() -> None:
    made = Forecaster().predict(samples([10.0] * 5), timedelta(minutes=2))
    assert [item.timestamp for item in made] == [NOON + timedelta(minutes=2)]


def test_the_time_can_be_up() -> None:
    error = refused(samples([10.0] * 5), HOUR, timeout=timedelta(0))
    assert (error.code, error.details["timed_out"]) == (ErrorCode.FORECAST_FAILED, True)


def test_a_model_can_be_chosen() -> None:
    forecaster = Forecaster()
    forecaster.set_model("ewma")
    with pytest.raises(PlannerError) as caught:
        forecaster.set_model("ewam")
    assert caught.value.code is ErrorCode.MODEL_NOT_SUPPORTED
    assert "Did you mean 'ewma'?" in caught.value.message
    assert "auto, ewma, holt_winters, linear, naive, ridge, seasonal" in caught.value.message
    assert {item.model for item in forecaster.predict(samples([1.0]), HOUR)} == {"ewma"}


@pytest.mark.parametrize("model", [5, None, [], "x" * 2_000, "\x00"])
def test_a_model_that_is_no_name_is_refused(model: Any) -> None:
    with pytest.raises(PlannerError):
        Forecaster().set_model(model)


def test_accuracy_is_zero_before_any_forecast_could_be_checked() -> None:
    forecaster = Forecaster()
    assert forecaster.get_accuracy() == 0.0
    forecaster.predict(samples([10.0] * 5), HOUR)
    assert forecaster.get_accuracy() == 0.0


def test_a_forecast_that_came_true_is_accurate() -> None:
    forecaster = Forecaster()
    forecaster.predict(samples([10.0] * 20), HOUR)
    forecaster.predict(samples([10.0] * 26, end=NOON + 6 * FIVE), HOUR)
    assert forecaster.get_accuracy() == pytest.approx(1.0)


def test_accuracy_is_one_less_the_weighted_error() -> None:
    """10 was forecast for two intervals, and 20 and 5 came: the errors are 15 of 25, and 1 - 15/25 = 0.4."""
    forecaster = Forecaster()
    forecaster.predict(samples([10.0] * 20), HOUR)
    forecaster.predict(samples([*[10.0] * 20, 20.0, 5.0], end=NOON + 2 * FIVE), HOUR)
    assert forecaster.get_accuracy() == pytest.approx(0.4)


def test_another_model_has_an_accuracy_of_its_own() -> None:
    forecaster = Forecaster()
    forecaster.predict(samples([10.0] * 20), HOUR)
    forecaster.predict(samples([10.0] * 26, end=NOON + 6 * FIVE), HOUR)
    forecaster.set_model("naive")
    assert forecaster.get_accuracy() == 0.0


def test_a_forecast_that_is_asked_for_twice_counts_once() -> None:
    forecaster = Forecaster()
    for _ in range(3):
        forecaster.predict(samples([10.0] * 20), HOUR)
    forecaster.predict(samples([10.0] * 26, end=NOON + 6 * FIVE), HOUR)
    assert [row.outcomes for row in forecaster.accuracy()] == [1] * 6


def test_accuracy_of_a_queue_that_nobody_asked_for_is_none() -> None:
    forecaster = Forecaster()
    forecaster.predict(samples([10.0] * 20), HOUR)
    assert forecaster.get_accuracy("other") == 0.0
    assert forecaster.accuracy("other") == []


def test_queues_are_followed_apart() -> None:
    def of(queue: str, rate: float, count: int) -> list[Metrics]:
        history = samples([rate] * count, end=NOON + count * FIVE)
        return [dataclasses.replace(item, queue_name=queue) for item in history]

    both, alone = Forecaster(), Forecaster()
    for count in (20, 21, 22):
        made = both.predict(of("a", 10.0, count), HOUR)
        both.predict(of("b", 99.0, count), HOUR)
        assert alone.predict(of("a", 10.0, count), HOUR) == made
    assert max(row.mae for row in both.accuracy("a")) < 1e-9


@pytest.mark.parametrize("model", ["auto", "ewma", "holt_winters", "linear", "naive", "ridge", "seasonal"])
def test_every_model_forecasts_what_is_constant(model: str) -> None:
    made = Forecaster(PlannerConfig(forecast_model=model)).predict(samples([10.0] * 60), HOUR)
    assert [item.arrival_rate for item in made] == pytest.approx([10.0] * 12)
    assert {item.model.partition(" (")[0] for item in made} == {model}


def test_a_mixture_says_what_it_is_made_of() -> None:
    made = Forecaster(PlannerConfig(forecast_model="auto")).outlook(samples([8.0, 12.0, 10.0, 9.0, 11.0] * 40), HOUR)
    for item, parts in zip(made.forecasts, made.shares, strict=True):
        shares = {name: share for name, share, _ in parts}
        assert sum(shares.values()) == pytest.approx(1.0)
        best = max(shares, key=lambda name: shares[name])
        assert item.model.startswith(f"auto ({best} ")


def test_no_history_says_what_to_do() -> None:
    error = refused([], HOUR)
    assert "Give history" in error.message
    assert error.details["minimum"] == 1


def test_a_line_needs_two_samples() -> None:
    line = Forecaster(PlannerConfig(forecast_model="linear"))
    with pytest.raises(PlannerError) as caught:
        line.predict(samples([10.0]), HOUR)
    assert caught.value.code is ErrorCode.INSUFFICIENT_HISTORY
    assert "linear needs 2" in caught.value.message
    assert "ewma" in caught.value.message
    assert len(line.predict(samples([10.0, 10.0]), HOUR)) == 12


def test_what_lies_before_the_history_window_does_not_count() -> None:
    config = PlannerConfig(history_window=HOUR)
    old = samples([1_000.0] * 50, end=NOON - 2 * HOUR)
    new = samples([10.0] * 12)
    assert Forecaster(config).predict(old + new, HOUR) == Forecaster(config).predict(new, HOUR)


def test_a_later_value_for_the_same_instant_replaces_the_earlier() -> None:
    history = samples([10.0] * 12)
    wrong = [*samples([500.0]), *history]
    assert Forecaster().predict(wrong, HOUR) == Forecaster().predict(history, HOUR)
