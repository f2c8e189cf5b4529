from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.errors import (
    ConflictError,
    ErrorCode,
    NotFoundError,
    PlannerError,
    ServiceError,
    TooLargeError,
    UnavailableError,
    WorldError,
)
from capacity_planner.service.access import AccessError
from capacity_planner.service.desk import Desk
from capacity_planner.surfaces.http._problems import HttpError, problem_of
from tests.surfaces.http._served import plan_request, problem, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from tests.surfaces.http._served import Served

STATUSES = {
    "INVALID_METRICS": 400,
    "CONFIG_INVALID": 400,
    "MODEL_NOT_SUPPORTED": 400,
    "INSUFFICIENT_HISTORY": 422,
    "SLO_UNACHIEVABLE": 409,
    "CAPACITY_LIMIT_EXCEEDED": 409,
    "ANOMALY_DETECTED": 409,
    "COOLDOWN_ACTIVE": 429,
    "FORECAST_FAILED": 500,
}


class RaisingDesk(Desk):
    """A desk that raises what the test tells it to."""

    error: Exception

    def statuses(self) -> Any:
        raise self.error

    def ready(self) -> list[str]:
        return ["The loop sleeps.", "So does the store."]


@pytest.fixture(scope="module")
def raising(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("raising"), kind=RaisingDesk) as made:
        yield made


def answer(raising: Served, error: Exception) -> httpx.Response:
    assert isinstance(raising.desk, RaisingDesk)
    raising.desk.error = error
    return raising.client.get("/v1/queues")


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_has_its_status_and_its_type(raising: Served, code: ErrorCode) -> None:
    refused = answer(raising, PlannerError(code, "Because.", details={"field": "x"}))
    told = problem(refused, STATUSES[code])
    assert told["type"] == f"urn:capacity-planner:problem:{code.lower().replace('_', '-')}"
    assert (told["code"], told["detail"], told["details"]) == (code, "Because.", {"field": "x"})
    assert ("retry-after" in refused.headers) == (code == "COOLDOWN_ACTIVE")


@pytest.mark.parametrize(("wait", "header"), [("180s", "180"), ("0.2s", "1"), ("90.5s", "91"), ("0s", "1")])
def test_a_cooldown_says_whole_seconds_to_wait(wait: str, header: str) -> None:
    found = problem_of(PlannerError(ErrorCode.COOLDOWN_ACTIVE, "Wait.", details={"retry_after": wait}))
    assert found.headers == {"Retry-After": header}


def test_a_timeout_is_no_failure_of_the_forecast() -> None:
    late = problem_of(PlannerError(ErrorCode.FORECAST_FAILED, "Late.", details={"timed_out": True}))
    assert (late.status, late.body["code"]) == (504, "FORECAST_FAILED")


@pytest.mark.parametrize(
    ("error", "status", "kind", "headers"),
    [
        (NotFoundError("There is none."), 404, "not-found", {}),
        (ConflictError("Too late."), 409, "conflict", {}),
        (TooLargeError("Too much."), 413, "too-large", {}),
        (UnavailableError("Not now.", retry_after=2.1), 503, "unavailable", {"retry-after": "3"}),
        (WorldError("It failed."), 502, "world-failed", {"retry-after": "5"}),
        (WorldError("It failed.", temporary=False), 502, "world-failed", {}),
        (AccessError(401, "Who?"), 401, "unauthorized", {"www-authenticate": "Bearer"}),
        (AccessError(403, "No."), 403, "forbidden", {"www-authenticate": 'Bearer error="insufficient_scope"'}),
        (HttpError(428, "Which?"), 428, "precondition-required", {}),
        (ServiceError("Something else."), 500, "internal", {}),
    ],
)
def test_every_failure_of_the_service_has_its_status(
    raising: Served, error: ServiceError, status: int, kind: str, headers: dict[str, str]
) -> None:
    refused = answer(raising, error)
    told = problem(refused, status)
    assert (told["type"].rpartition(":")[2], told["detail"]) == (kind, error.message)
    assert "code" not in told
    special = {"retry-after", "www-authenticate"} & set(refused.headers)
    assert {name: refused.headers[name] for name in special} == headers


def test_what_was_not_foreseen_is_logged_and_not_told(raising: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("ERROR"):
        refused = answer(raising, ZeroDivisionError("secret detail"))
    told = problem(refused, 500)
    assert told["type"] == "urn:capacity-planner:problem:internal"
    assert "secret" not in refused.text
    assert "Traceback" not in refused.text
    (record,) = [item for item in caplog.records if item.name == "capacity_planner.http"]
    assert vars(record)["request_id"] == refused.headers["x-request-id"]
    assert record.exc_info
    assert raising.client.get("/healthz").status_code == 200


def test_what_is_not_ready_says_why(raising: Served) -> None:
    refused = raising.client.get("/readyz")
    assert problem(refused, 503)["detail"] == "The loop sleeps. So does the store."
    assert refused.headers["retry-after"] == "1"


def test_details_that_json_has_no_word_for_are_told_as_text(raising: Served) -> None:
    details = {
        "a": math.inf,
        "b": datetime(2026, 1, 31, tzinfo=UTC),
        "c": (1, {2}, None, True, 0.5),
        4: "\ud800",
        "e": {"f": math.nan},
    }
    error = PlannerError(ErrorCode.CONFIG_INVALID, "Odd.", details=details)  # type: ignore[arg-type]
    assert problem(answer(raising, error), 400)["details"] == {
        "a": "inf",
        "b": "2026-01-31 00:00:00+00:00",
        "c": [1, [2], None, True, 0.5],
        "4": "\ud800",
        "e": {"f": "nan"},
    }


@pytest.mark.parametrize("given", ["abc-1", "A.b_c-9", "x" * 64])
def test_a_request_keeps_the_id_that_it_came_with(client: httpx.Client, given: str) -> None:
    for path in ("/healthz", "/none", "/v1/queues"):
        assert client.get(path, headers={"X-Request-Id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", [None, "", "a b", "x" * 65, "é", 'a"b', "a{b"])
def test_a_request_without_an_id_that_can_stand_in_a_log_gets_one(client: httpx.Client, given: str | None) -> None:
    headers = {} if given is None else {b"X-Request-Id": given.encode("latin-1")}
    ids = {client.get("/healthz", headers=headers).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(re.fullmatch(r"[0-9a-f]{16}", item) for item in ids)


@pytest.mark.parametrize("path", ["/none", "/v1", "/v1/", "/v1/plans/", "/v1/plan", "/docs", "/redoc", "/healthz/"])
def test_a_path_that_there_is_not_is_not_found(client: httpx.Client, path: str) -> None:
    assert "/openapi.json" in problem(client.get(path, follow_redirects=False), 404)["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/plans", "GET, POST"),
        ("DELETE", "/v1/config", "GET, PUT"),
        ("POST", "/v1/simulations/x", "DELETE, GET"),
        ("PATCH", "/v1/queues/a%2Fb/state", "GET"),
        ("TRACE", "/healthz", "GET, HEAD"),
        ("BREW", "/healthz", "GET, HEAD"),
    ],
)
def test_a_method_that_there_is_not_names_those_that_there_are(
    client: httpx.Client, method: str, path: str, allowed: str
) -> None:
    refused = client.request(method, path)
    assert refused.headers["allow"] == allowed
    assert allowed in problem(refused, 405)["detail"]


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("limt=3", "limt", "Did you mean limit?"),
        ("limit=0", "limit", "at least 1"),
        ("limit=201", "limit", "at most 200"),
        ("limit=1.5", "limit", "no whole number|not a whole number"),
        ("limit=", "limit", "not a whole number"),
        ("limit=²", "limit", "not a whole number"),
        ("limit=1&limit=2", "limit", "more than once"),
        ("before=yesterday", "before", "RFC 3339"),
        ("before=2026-11-23T12:00:00", "before", "time zone"),
        ("durations=s", "durations", "none of: text, ns"),
        ("queue_name=%00", "queue_name", "cannot be printed"),
        ("%ff=1", "\ufffd", "no parameter"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(client: httpx.Client, query: str, field: str, words: str) -> None:
    told = problem(client.get(f"/v1/plans?{query}"), 400)
    assert told["code"] == "CONFIG_INVALID"
    assert told["details"]["field"] == field
    assert re.search(words, told["detail"])


def test_health_does_not_mind_what_it_is_asked_with(client: httpx.Client) -> None:
    assert client.get("/healthz?x=1&_=2").status_code == 200


def test_every_answer_is_safe_to_show(client: httpx.Client) -> None:
    for path in ("/", "/healthz", "/metrics", "/none", "/v1/queues"):
        answer = client.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


def test_the_links_lead_somewhere(client: httpx.Client) -> None:
    found = client.get("/").json()
    for name, path in found.items():
        if name not in {"service", "version"}:
            assert client.get(path).status_code == 200, name


def test_metrics_are_text_or_openmetrics_and_count_requests(client: httpx.Client) -> None:
    client.get("/v1/plans/none")
    text = client.get("/metrics")
    assert text.headers["content-type"].startswith("text/plain")
    line = 'capacity_planner_http_requests_total{method="GET",route="/v1/plans/{plan_id}",status="404"}'
    assert line in text.text
    client.get("/nowhere")
    assert 'route="other",status="404"' in client.get("/metrics").text
    other = client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert other.headers["content-type"].startswith("application/openmetrics-text")


def test_every_error_is_counted_once(tmp_path: Path) -> None:
    with served(tmp_path) as own:
        own.client.post("/v1/plans", json={})
        own.client.post("/v1/plans", json=plan_request(config={"forecast_model": "none"}))
        own.client.get("/v1/plans/none")
        own.client.post("/v1/queueing", json={"arrival_rate": 10, "service_rate": 1, "target_latency": "0.1s"})
        text = own.client.get("/metrics").text
    counted = dict(re.findall(r'capacity_planner_errors_total{code="(\w+)"} ([1-9.]+0?)', text))
    assert counted == {
        "INVALID_METRICS": "1.0",
        "MODEL_NOT_SUPPORTED": "1.0",
        "NOT_FOUND": "1.0",
        "SLO_UNACHIEVABLE": "1.0",
    }


def test_a_request_is_logged_with_what_it_was_about(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", "capacity_planner.http"):
        client.get("/v1/plans/none?durations=ns", headers={"X-Request-Id": "me-1"})
        client.get("/healthz", headers={"X-Request-Id": "me-2"})
        client.get("/healthz")  # the line of a request is written just after its answer
    first, second = (vars(item) for item in caplog.records if vars(item).get("request_id") in {"me-1", "me-2"})
    assert (first["levelname"], first["method"], first["path"], first["status"]) == (
        "INFO",
        "GET",
        "/v1/plans/none",
        404,
    )
    assert first["caller"] == "anonymous"
    assert first["seconds"] > 0
    assert second["levelname"] == "DEBUG"
    assert json.dumps({name: first[name] for name in ("request_id", "method", "path", "status", "seconds", "caller")})
