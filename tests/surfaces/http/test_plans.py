from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from capacity_planner import codec
from capacity_planner.domain.request import PlanResponse
from tests.surfaces.http._served import NOON, plan_request, problem, sample, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from tests.surfaces.http._served import Served


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as made:
        yield made


def test_a_plan_is_made_recorded_and_found_again(client: httpx.Client) -> None:
    made = client.post("/v1/plans", json=plan_request(queue_name="recorded"))
    assert made.status_code == 200
    response = codec.decode(PlanResponse, made.content)
    assert response.plan.queue_name == "recorded"
    assert response.plan.target_workers >= 60
    assert made.headers["location"] == f"/v1/plans/{response.plan.id}"
    found = client.get(made.headers["location"])
    assert found.status_code == 200
    assert found.json()["record"]["response"]["plan"] == made.json()["plan"]
    assert found.json()["record"]["made_by"] == "anonymous"
    assert found.json()["orders"] == []


def test_the_same_question_is_answered_from_memory(client: httpx.Client) -> None:
    asked = plan_request(queue_name="asked-twice")
    first, second = client.post("/v1/plans", json=asked).json(), client.post("/v1/plans", json=asked).json()
    assert (first["cache_hit"], second["cache_hit"]) == (False, True)
    assert first["plan"] == second["plan"]


@pytest.mark.parametrize("apart", [timedelta(minutes=1), timedelta(0)])
def test_pages_of_plans_hold_each_plan_once_the_newest_first(fresh: Served, apart: timedelta) -> None:
    ids = []
    for minute in range(5):
        fresh.clock.now = NOON + minute * apart
        asked = plan_request(minute, queue_name=f"q{minute % 2}")
        ids.append(fresh.client.post("/v1/plans", json=asked).json()["plan"]["id"])
    pages, before = [], None
    while True:
        query = {"limit": "2"} | ({"before": before} if before else {})
        page = fresh.client.get("/v1/plans", params=query).json()
        pages.append([record["response"]["plan"]["id"] for record in page["plans"]])
        before = page["next"]
        if before is None:
            break
    newest_first = ids[::-1] if apart else sorted(ids, reverse=True)
    assert pages == [newest_first[:2], newest_first[2:4], newest_first[4:]]
    of_one = fresh.client.get("/v1/plans", params={"queue_name": "q1"}).json()
    assert {record["response"]["plan"]["id"] for record in of_one["plans"]} == {ids[3], ids[1]}


def test_plans_before_an_instant_may_be_asked_for(fresh: Served) -> None:
    fresh.client.post("/v1/plans", json=plan_request())
    for instant, found in (("2026-11-23T12:00:00Z", 0), ("2026-11-23T12:00:01Z", 1)):
        page = fresh.client.get("/v1/plans", params={"before": instant}).json()
        assert (len(page["plans"]), page["next"]) == (found, None)


@pytest.mark.parametrize("place", ["yesterday", ",p", "2026-11-23T12:00:00Z,\n", ""])
def test_a_place_that_is_none_is_refused(client: httpx.Client, place: str) -> None:
    told = problem(client.get("/v1/plans", params={"before": place}), 400)
    assert told["details"]["field"] == "before"


def test_a_plan_that_is_not_there_is_not_found(client: httpx.Client) -> None:
    assert "no plan 'none'" in problem(client.get("/v1/plans/none"), 404)["detail"]
    problem(client.post("/v1/plans/none/apply"), 404)


def test_a_plan_is_applied_once(fresh: Served) -> None:
    where = fresh.client.post("/v1/plans", json=plan_request()).headers["location"]
    applied = fresh.client.post(f"{where}/apply")
    assert applied.status_code == 200
    assert applied.json()["applied_by"] == "anonymous"
    assert "applied before" in problem(fresh.client.post(f"{where}/apply"), 409)["detail"]


def test_the_orders_of_a_plan_are_told_once_it_is_applied(fresh: Served) -> None:
    config = {"slo": {"p95_latency": "8s"}, "queues": [{"queue_name": "emails", "mode": "manual"}]}
    assert fresh.client.put("/v1/config", json=config, headers={"If-Match": "*"}).status_code == 200
    where = fresh.client.post("/v1/plans", json=plan_request(current_workers=50)).headers["location"]
    assert fresh.client.post(f"{where}/apply").status_code == 200
    orders = fresh.client.get(where).json()["orders"]
    assert orders
    assert orders[0]["status"] == "pending"
    assert orders[0]["from_workers"] == 50


def test_a_plan_of_a_time_that_has_passed_is_not_applied(fresh: Served) -> None:
    where = fresh.client.post("/v1/plans", json=plan_request()).headers["location"]
    fresh.clock.now += timedelta(hours=2)
    assert "has passed" in problem(fresh.client.post(f"{where}/apply"), 409)["detail"]


def test_a_cooldown_says_when_to_come_again_and_shows_the_plan(fresh: Served) -> None:
    scaled = {"queue_name": "emails", "workers": 60, "at": (NOON - timedelta(minutes=2)).isoformat()}
    assert fresh.client.post("/v1/scalings", json=scaled).status_code == 204
    blocked = fresh.client.post("/v1/plans?durations=ns", json=plan_request(current_workers=50))
    told = problem(blocked, 429)
    assert told["code"] == "COOLDOWN_ACTIVE"
    assert blocked.headers["retry-after"] == "180"
    assert told["details"]["retry_after"] == "180s"
    assert told["plan"]["plan"]["queue_name"] == "emails"
    assert isinstance(told["plan"]["generation_time"], int)
    recorded = fresh.client.get("/v1/plans").json()["plans"]
    assert [record["reason"] for record in recorded] == ["cooldown"]


def test_what_strict_refuses_shows_the_plan_that_comes_closest(client: httpx.Client) -> None:
    asked = plan_request(queue_name="strict", config={"max_workers": 20}, strict=True)
    told = problem(client.post("/v1/plans", json=asked), 409)
    assert told["code"] == "CAPACITY_LIMIT_EXCEEDED"
    assert told["title"] == "Capacity limit exceeded"
    assert told["plan"]["plan"]["target_workers"] <= 20
    asked = plan_request(queue_name="strict", slo={"p95_latency": "1s"}, strict=True)
    told = problem(client.post("/v1/plans", json=asked), 409)
    assert (told["code"], told["title"]) == ("SLO_UNACHIEVABLE", "SLO unachievable")


def test_an_anomaly_shows_the_plan_to_review(client: httpx.Client) -> None:
    history = [sample(-5 * i, queue_name="odd", arrival_rate=25.0 + i % 3) for i in range(1, 100)]
    asked = plan_request(queue_name="odd", arrival_rate=900.0, history=history)
    told = problem(client.post("/v1/plans", json=asked), 409)
    assert told["code"] == "ANOMALY_DETECTED"
    assert told["plan"]["plan"]["queue_name"] == "odd"


def test_durations_are_written_as_go_reads_them(client: httpx.Client) -> None:
    asked = plan_request(queue_name="go")
    text = client.post("/v1/plans?durations=text", json=asked).json()
    whole = client.post("/v1/plans?durations=ns", json=asked).json()
    assert text["plan"]["service_time"] == "2s"
    assert whole["plan"]["service_time"] == 2_000_000_000
    assert isinstance(whole["queueing_result"]["p95_response_time"], int)
    again = client.post(
        "/v1/plans?durations=ns", json=plan_request(queue_name="go2", config={"cooldown_period": 10**11})
    )
    assert again.status_code == 200


@pytest.mark.parametrize(
    ("asked", "code", "field"),
    [
        ({}, "INVALID_METRICS", "current_metrics"),
        ({"current_metrics": sample()}, "CONFIG_INVALID", "slo"),
        (plan_request(arrival_rate=-1), "INVALID_METRICS", "current_metrics.arrival_rate"),
        (plan_request(config={"max_workers": -1}), "CONFIG_INVALID", "config.max_workers"),
        (plan_request(config={"max_worker": 1}), "CONFIG_INVALID", "config.max_worker"),
        (plan_request(config={"forecast_model": "none"}), "MODEL_NOT_SUPPORTED", "forecast_model"),
        (plan_request(slo={"error_budget": 0.1}), "CONFIG_INVALID", "slo"),
        (plan_request(config={"cooldown_period": 5}), "CONFIG_INVALID", "config.cooldown_period"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    client: httpx.Client, asked: dict[str, object], code: str, field: str
) -> None:
    told = problem(client.post("/v1/plans", json=asked), 400)
    assert told["code"] == code
    assert told["details"]["field"].startswith(field)
    assert told["title"] == code.replace("_", " ").capitalize()


def test_a_plan_that_takes_too_long_is_a_timeout(client: httpx.Client) -> None:
    told = problem(client.post("/v1/plans?timeout=1us", json=plan_request(queue_name="late")), 504)
    assert told["code"] == "FORECAST_FAILED"
    assert told["details"]["timed_out"] is True


@pytest.mark.parametrize("name", ["a/b c%é", "%2F", "x/history", "?#&", "名前"])
def test_a_queue_may_have_any_printable_name(client: httpx.Client, name: str) -> None:
    made = client.post("/v1/plans", json=plan_request(queue_name=name))
    assert made.status_code == 200
    found = client.get(f"/v1/queues/{quote(name, safe='')}/plans")
    assert [record["response"]["plan"]["queue_name"] for record in found.json()["plans"]] == [name]
    assert client.get("/v1/plans", params={"queue_name": name}).json() == found.json()
