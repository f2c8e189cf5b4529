from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from capacity_planner import PlannerConfig, QueueingCalculator, codec
from capacity_planner.domain.questions import ForecastResponse
from capacity_planner.units import format_instant
from tests.surfaces.http._served import NOON, problem, sample, served

if TYPE_CHECKING:
    from pathlib import Path

    import httpx


def test_a_forecast_of_the_samples_given_has_every_interval(client: httpx.Client) -> None:
    history = [sample(-5 * i, arrival_rate=25.0 + i % 3) for i in range(50)]
    made = client.post("/v1/forecasts", json={"history": history, "horizon": "30m"})
    assert made.status_code == 200
    response = codec.decode(ForecastResponse, made.content)
    assert len(response.forecasts) == 6
    assert all(24 < item.arrival_rate < 28 for item in response.forecasts)


def test_a_forecast_of_a_queue_takes_what_is_stored(tmp_path: Path) -> None:
    with served(tmp_path) as fresh:
        samples = [sample(-5 * i, queue_name="stored", arrival_rate=7.0) for i in range(20)]
        assert fresh.client.post("/v1/metrics", json=samples).json() == {"stored": 20}
        found = fresh.client.post("/v1/forecasts", json={"queue_name": "stored"}).json()
        assert found["queue_name"] == "stored"
        assert found["forecasts"][0]["arrival_rate"] == pytest.approx(7.0, rel=0.01)
        assert found["forecasts"][-1]["timestamp"] == format_instant(NOON + timedelta(hours=1))


def test_a_forecast_from_nothing_is_too_little_history(client: httpx.Client) -> None:
    told = problem(client.post("/v1/forecasts", json={"queue_name": "never-seen"}), 422)
    assert told["code"] == "INSUFFICIENT_HISTORY"


def test_a_forecast_that_takes_too_long_is_a_timeout(client: httpx.Client) -> None:
    history = [sample(-5 * i) for i in range(50)]
    told = problem(client.post("/v1/forecasts?timeout=1us", json={"history": history}), 504)
    assert told["details"]["timed_out"] is True


def test_servers_for_a_latency_and_latency_for_servers_have_one_shape(client: httpx.Client) -> None:
    asked = {"arrival_rate": 10, "service_rate": 1, "target_latency": "5s"}
    needed = client.post("/v1/queueing", json=asked).json()
    calculator = QueueingCalculator(PlannerConfig())
    assert needed["servers"] == calculator.calculate_capacity(10.0, 1.0, timedelta(seconds=5))
    given = client.post(
        "/v1/queueing", json={"arrival_rate": 10, "service_rate": 1, "servers": needed["servers"]}
    ).json()
    assert given == needed
    assert given["result"] == codec.encode(calculator.calculate(10.0, 1.0, needed["servers"]))


def test_a_question_without_servers_and_target_is_refused(client: httpx.Client) -> None:
    told = problem(client.post("/v1/queueing", json={"arrival_rate": 10, "service_rate": 1}), 400)
    assert "target_latency" in told["detail"]


def test_a_target_that_no_servers_meet_is_a_conflict(client: httpx.Client) -> None:
    asked = {"arrival_rate": 10, "service_rate": 1, "target_latency": "0.1s"}
    assert problem(client.post("/v1/queueing", json=asked), 409)["code"] == "SLO_UNACHIEVABLE"


def test_an_unstable_queue_is_an_answer(client: httpx.Client) -> None:
    found = client.post("/v1/queueing?durations=ns", json={"arrival_rate": 10, "service_rate": 1, "servers": 3}).json()
    assert found["result"]["wait_time"] == 2**63 - 1
    assert found["result"]["utilization"] == pytest.approx(10 / 3)
