"""A client of the published file asks a server with a real desk, over a socket."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from capacity_planner import CapacityPlanner, codec
from capacity_planner.domain.request import PlanRequest, PlanResponse
from capacity_planner.domain.scenario import SimulationScenario
from capacity_planner.domain.traffic import PatternType, TrafficPattern
from capacity_planner.errors import ConflictError, PlannerError
from capacity_planner.service.desk import Desk

from ._client import SERVICE, Client, from_json, to_json
from ._served import MINIMAL, NOON, SETTINGS, desk, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HISTORY = [
    {
        "timestamp": codec.encode(replace(codec.validate(PlanRequest, MINIMAL).current_metrics, timestamp=at))[
            "timestamp"
        ],
        "arrival_rate": 24.0 + place % 3,
        "service_time": "2s",
        "current_workers": 10,
    }
    for place, at in enumerate(NOON - minutes * timedelta(minutes=5) for minutes in range(100, 0, -1))
]
FULL: dict[str, Any] = {
    **MINIMAL,
    "queue_name": "mail",
    "slo": {"p95_latency": "9s", "max_backlog": 500, "error_budget": 0.01, "drain_time": "10m"},
    "config": {"max_workers": 80, "scale_up_cooldown": "0s", "plan_interval": "1m"},
    "history": HISTORY,
}


class Watched(Desk):
    """A desk that tells how it was asked, and how a simulation ended."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        self.timeouts: list[timedelta | None] = []
        self.askers: list[str] = []
        self.begun, self.ended = Event(), Event()
        self.error: Exception | None = None

    def plan(self, request: Any, *, by: str, timeout: timedelta | None = None) -> PlanResponse:
        self.timeouts.append(timeout)
        self.askers.append(by)
        return super().plan(request, by=by, timeout=timeout)

    def simulate(self, request: Any, *, timeout: timedelta | None = None, cancelled: Event | None = None) -> Any:
        self.begun.set()
        try:
            return super().simulate(request, timeout=timeout, cancelled=cancelled)
        except Exception as error:
            self.error = error
            raise
        finally:
            self.ended.set()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with desk(tmp_path, kind=Watched) as made:
        assert isinstance(made, Watched)
        yield made


@pytest.fixture
def client(watched: Watched) -> Iterator[Client]:
    with serving(watched) as server, Client(server.port) as made:
        yield made


def same(answer: Any, expected: PlanResponse) -> bool:
    """Whether two answers to a question differ in nothing but how long they took."""
    found = codec.validate(PlanResponse, to_json(answer))
    return replace(found, generation_time=timedelta(0)) == replace(expected, generation_time=timedelta(0))


@pytest.mark.parametrize("question", [MINIMAL, FULL], ids=["needed fields", "more"])
def test_a_plan_is_that_of_the_same_json(client: Client, question: dict[str, Any]) -> None:
    expected = CapacityPlanner().generate_plan(codec.decode(PlanRequest, json.dumps(question)))
    assert same(client.call("GeneratePlan", from_json("PlanRequest", as_protobuf(question))), expected)


def as_protobuf(question: Any) -> Any:
    """The question with durations as protobuf writes them, and nothing added."""
    texts = {"10m": "600s", "1m": "60s"}
    if isinstance(question, dict):
        return {name: as_protobuf(part) for name, part in question.items()}
    return texts.get(question, question) if isinstance(question, str) else question


def test_a_plan_is_recorded_for_whom_asked(client: Client, watched: Watched) -> None:
    answer = client.call("GeneratePlan", MINIMAL)
    record = watched.record(answer.plan.id)
    assert (record.made_by, watched.askers) == ("anonymous", ["anonymous"])
    assert same(answer, record.response)


def test_forecasts_are_those_of_the_history_sent(client: Client) -> None:
    answer = client.call("GetForecasts", {"history": HISTORY, "horizon": "1800s"})
    assert len(answer.forecasts) == 6
    assert answer.model == "ewma"
    assert all(part.lower < part.arrival_rate < part.upper for part in answer.forecasts)
    assert answer.forecasts[0].timestamp.ToDatetime(NOON.tzinfo) == NOON


def scenario(rate: float, **parts: Any) -> dict[str, Any]:
    """A simulation of the minimal question's plan."""
    plan = CapacityPlanner().generate_plan(codec.validate(PlanRequest, MINIMAL)).plan
    pattern = TrafficPattern(type=PatternType.CONSTANT, base_rate=rate)
    asked = SimulationScenario(name="s", plan=plan, traffic_pattern=pattern, **parts)
    return {"scenario": codec.encode(asked)}


# As many jobs as are taken on, which is many seconds of work.
LONG = scenario(20_000.0, duration=timedelta(hours=3), service_time=timedelta(milliseconds=1), seed=1)


def test_a_simulation_is_what_the_simulator_says(client: Client, watched: Watched) -> None:
    asked = scenario(20.0, duration=timedelta(hours=1), seed=7)
    answer = client.call("Simulate", asked).simulation
    assert len(answer.timeline) == 12
    assert answer.scenario.seed == 7
    assert abs(answer.summary.jobs - 72_000) < 2_000
    assert client.call("Simulate", asked).simulation.timeline == answer.timeline


def test_the_callers_deadline_is_the_desks_time_limit(client: Client, watched: Watched) -> None:
    client.call("GeneratePlan", MINIMAL, timeout=20)
    (limit,) = watched.timeouts
    assert limit
    assert timedelta(seconds=15) < limit < timedelta(seconds=21)


@pytest.mark.parametrize("asked", [None, 10_000.0])
def test_without_a_deadline_the_services_own_limit_holds(client: Client, watched: Watched, asked: float | None) -> None:
    client.call("GeneratePlan", MINIMAL, timeout=asked)
    assert watched.timeouts == [SETTINGS.max_time]


def test_a_simulation_stops_when_its_caller_cancels(client: Client, watched: Watched) -> None:
    call = client.method("Simulate").future(from_json("SimulationRequest", LONG))
    assert watched.begun.wait(5)
    assert not watched.ended.wait(0.3)
    call.cancel()
    assert watched.ended.wait(5)
    assert isinstance(watched.error, ConflictError)


def test_a_simulation_stops_when_its_callers_deadline_passes(client: Client, watched: Watched) -> None:
    refusal = client.refusal("Simulate", LONG, timeout=0.7)
    assert refusal.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert watched.ended.wait(5)
    assert isinstance(watched.error, ConflictError | PlannerError)


def test_over_the_services_own_time_limit_a_simulation_is_refused_with_the_reason(tmp_path: Path) -> None:
    limit = timedelta(seconds=1)
    with (
        desk(tmp_path, replace(SETTINGS, max_time=limit)) as made,
        serving(made, max_time=limit) as server,
        Client(server.port) as client,
    ):
        refusal = client.refusal("Simulate", LONG)
    assert refusal.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert refusal.details["ErrorInfo"].reason == "FORECAST_FAILED"
    assert refusal.details["ErrorInfo"].metadata["timed_out"] == "true"


def test_more_jobs_than_may_be_simulated_are_refused(tmp_path: Path) -> None:
    with (
        desk(tmp_path, replace(SETTINGS, max_jobs=1_000)) as made,
        serving(made) as server,
        Client(server.port) as client,
    ):
        refusal = client.refusal("Simulate", scenario(20.0, duration=timedelta(hours=1)))
    assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert refusal.details["ErrorInfo"].reason == "TOO_LARGE"


@pytest.mark.parametrize("method", ["GeneratePlan", "GetForecasts"])
def test_a_longer_history_than_may_be_sent_is_refused(watched: Watched, method: str) -> None:
    with serving(watched, max_history=99) as server, Client(server.port) as client:
        parts = {"history": HISTORY} | ({} if method == "GetForecasts" else MINIMAL)
        refusal = client.refusal(method, parts)
    assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert refusal.message == "history has 100 samples, and at most 99 may be sent at once (max_history)."


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_a_larger_request_than_may_be_sent_is_refused(watched: Watched, compression: grpc.Compression) -> None:
    sent = from_json("PlanRequest", {**MINIMAL, "queue_name": "x" * 3_000_000})
    with serving(watched, max_body=1_000_000) as server, Client(server.port) as client:
        refusal = client.refusal("GeneratePlan", sent, compression=compression)
    assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max" in refusal.message


def test_bytes_that_are_no_message_are_refused_as_the_callers_mistake(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    raw: grpc.UnaryUnaryMultiCallable[bytes, bytes] = client.channel.unary_unary(f"/{SERVICE}/GeneratePlan")
    with caplog.at_level(logging.INFO), pytest.raises(grpc.RpcError) as caught:
        raw(b"\xff\xff\xff")
    error: Any = caught.value
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details() == "The request is no PlanRequest of capacity_planner.v1."
    assert not caplog.records


def test_an_unknown_method_is_not_implemented(client: Client) -> None:
    raw: grpc.UnaryUnaryMultiCallable[bytes, bytes] = client.channel.unary_unary(f"/{SERVICE}/Ponder")
    with pytest.raises(grpc.RpcError) as caught:
        raw(b"")
    error: Any = caught.value
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
