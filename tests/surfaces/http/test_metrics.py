from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.store.store import Store
from tests.surfaces.http._served import NOON, problem, sample, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.surfaces.http._served import Served


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, max_history=10) as made:
        yield made


def stored(fresh: Served, queue_name: str = "emails") -> list[float]:
    since = NOON - timedelta(days=1)
    return [item.arrival_rate for item in fresh.store.samples(queue_name, since=since)]


@pytest.mark.parametrize(
    ("body", "rates"),
    [
        (sample(arrival_rate=1), [1]),
        ([sample(arrival_rate=1)], [1]),
        ([sample(-1, arrival_rate=1), sample(arrival_rate=2)], [1, 2]),
        ({"metrics": [sample(arrival_rate=2), sample(-1, arrival_rate=1)]}, [1, 2]),
        ([], []),
        ({"metrics": []}, []),
    ],
)
def test_one_sample_or_many_are_stored(fresh: Served, body: Any, rates: list[float]) -> None:
    answer = fresh.client.post("/v1/metrics", json=body)
    assert (answer.status_code, answer.json()) == (200, {"stored": len(rates)})
    assert stored(fresh) == rates


def test_a_sample_with_the_time_of_an_earlier_one_replaces_it(fresh: Served) -> None:
    for rate in (1, 2):
        fresh.client.post("/v1/metrics", json=sample(arrival_rate=rate))
    assert stored(fresh) == [2]


def test_what_is_answered_is_safe(fresh: Served, tmp_path: Path) -> None:
    fresh.client.post("/v1/metrics", json=sample(arrival_rate=7))
    other = Store.open(f"sqlite:///{tmp_path / 'planner.db'}")
    assert [item.arrival_rate for item in other.samples("emails", since=NOON - timedelta(days=1))] == [7]
    other.close()


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (
            [sample(-1), sample(arrival_rate=-1), sample(1, backlog=0.5)],
            ["metrics.1.arrival_rate", "metrics.2.backlog"],
        ),
        ({"metrics": [sample(), {"queue_name": "x"}]}, ["metrics.1.timestamp", "metrics.1.arrival_rate"]),
        (sample(arrival_rate="7"), ["arrival_rate"]),
        (sample(rate=7), ["rate"]),
        ([sample(), sample(queue_name="")], ["metrics.1.queue_name"]),
        ([3], ["metrics.0"]),
        ([[]], ["metrics.0"]),
        ({"metrics": 3}, ["metrics"]),
        ({"metrics": None}, ["metrics"]),
        ({"metrics": [], "more": 1}, ["timestamp", "arrival_rate", "metrics", "more"]),
        ({}, ["timestamp", "arrival_rate"]),
        (None, ["value"]),
        ("text", ["value"]),
    ],
)
def test_of_a_batch_with_a_mistake_nothing_is_stored(fresh: Served, body: Any, fields: list[str]) -> None:
    headers = {"Content-Type": "application/json"}
    told = problem(fresh.client.post("/v1/metrics", content=json.dumps(body), headers=headers), 400)
    assert told["code"] == "INVALID_METRICS"
    assert told["details"]["field"] == fields[0]
    assert [item["field"] for item in told["details"].get("errors", [told["details"]])] == fields
    assert stored(fresh) == []


def test_of_many_mistakes_a_hundred_are_told(tmp_path: Path) -> None:
    with served(tmp_path) as fresh:
        told = problem(fresh.client.post("/v1/metrics", json=[{}] * 1000), 400)
    assert len(told["details"]["errors"]) == 100


def test_more_samples_than_are_taken_on_are_refused(fresh: Served) -> None:
    body = [sample(-i) for i in range(11)]
    told = problem(fresh.client.post("/v1/metrics", json=body), 413)
    assert "metrics has 11 samples, and at most 10" in told["detail"]
    assert stored(fresh) == []
    assert fresh.client.post("/v1/metrics", json=body[:10]).status_code == 200


@pytest.mark.parametrize("path", ["/v1/plans", "/v1/forecasts"])
def test_a_history_that_is_too_long_is_refused_before_it_is_read(fresh: Served, path: str) -> None:
    body = {"history": [None] * 11, "current_metrics": sample(), "slo": {"p95_latency": "8s"}}
    assert "history has 11 samples" in problem(fresh.client.post(path, json=body), 413)["detail"]


def test_a_scaling_that_is_told_starts_the_cooldown(fresh: Served) -> None:
    fresh.client.post("/v1/metrics", json=sample())
    told = fresh.client.post("/v1/scalings", json={"queue_name": "emails", "workers": 70})
    assert (told.status_code, told.content) == (204, b"")
    state = fresh.client.get("/v1/queues/emails/state").json()
    assert state["last_scaling"] == "2026-11-23T12:00:00Z"
    recorded = fresh.store.scalings("emails", since=NOON - timedelta(hours=1))
    assert [(item.from_workers, item.to_workers, item.by) for item in recorded] == [(60, 70, "anonymous")]


@pytest.mark.parametrize(
    "body",
    [
        {"queue_name": "emails"},
        {"queue_name": "emails", "workers": -1},
        {"queue_name": "emails", "workers": 10**10},
        {"queue_name": "emails", "workers": 1, "at": "yesterday"},
        {"queue_name": "emails", "workers": 1, "at": "1969-01-01T00:00:00Z"},
        {"queue_name": "", "workers": 1},
        {"queue_name": "x" * 201, "workers": 1},
        {"workers": 1},
    ],
)
def test_a_scaling_that_cannot_be_is_refused(fresh: Served, body: dict[str, Any]) -> None:
    problem(fresh.client.post("/v1/scalings", json=body), 400)
