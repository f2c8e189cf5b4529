"""One forecaster for many threads, queues and time limits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from capacity_planner import ErrorCode, Forecaster, Metrics, PlannerConfig, PlannerError

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIVE = timedelta(minutes=5)


def traffic(count: int, *, every: timedelta = FIVE, queue: str = "", seed: int = 1) -> list[Metrics]:
    """Independent rates between 5 and 15 jobs/s, the newest at noon."""
    rates = np.random.default_rng(seed).uniform(5.0, 15.0, count).tolist()
    return [
        Metrics(timestamp=NOON - (count - at - 1) * every, arrival_rate=rate, queue_name=queue)
        for at, rate in enumerate(rates)
    ]


def test_threads_may_ask_and_judge_at_once() -> None:
    forecaster = Forecaster()
    histories = {name: traffic(120, queue=name) for name in ("a", "b")}

    def work(name: str) -> None:
        for count in range(60, 120, 3):
            forecaster.predict(histories[name][:count], HOUR)
            forecaster.get_accuracy()
            assert all(row.outcomes > 0 for row in forecaster.accuracy())

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(work, name) for name in ("a", "b") * 3]:
            done.result()


def test_a_call_without_time_does_not_put_its_model_to_rest() -> None:
    forecaster = Forecaster(PlannerConfig(forecast_model="auto", history_window=timedelta(days=14)))
    history = traffic(4032)
    with pytest.raises(PlannerError) as caught:
        forecaster.predict(history, HOUR, timeout=timedelta(microseconds=1))
    assert caught.value.code is ErrorCode.FORECAST_FAILED
    assert forecaster.predict(history, HOUR)[0].model.startswith("auto")
    assert forecaster.warnings == ()


def test_hourly_samples_judge_no_forecast_by_the_hour_it_knew() -> None:
    """The next hour of independent rates is 10/3 off the last one on average, at any of its twelve intervals."""
    forecaster = Forecaster(PlannerConfig(forecast_model="naive", history_window=timedelta(days=30)))
    history = traffic(400, every=HOUR)
    for count in range(100, 400):
        forecaster.predict(history[:count], HOUR)
    assert [row.mae for row in forecaster.accuracy()] == pytest.approx([10.0 / 3.0] * 12, rel=0.1)


def test_a_history_of_two_queues_is_refused() -> None:
    with pytest.raises(PlannerError, match="Send the history of one queue") as caught:
        Forecaster().predict([*traffic(20, queue="a"), replace(traffic(1)[0], queue_name="b")], HOUR)
    assert caught.value.code is ErrorCode.INVALID_METRICS


def test_what_was_odd_about_the_samples_is_counted() -> None:
    history = traffic(50)
    found = Forecaster().outlook([*history[:20], *history[30:], history[5], history[5]], HOUR).quality
    assert found is not None
    assert (found.samples, found.duplicates, found.gaps) == (42, 2, 10)
    assert found.out_of_order > 0
