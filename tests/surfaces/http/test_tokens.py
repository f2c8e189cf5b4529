from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.service.access import Access, Role
from capacity_planner.surfaces.http.app import OPERATIONS
from tests.surfaces.http._served import plan_request, problem, sample, served, simulation

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from capacity_planner.surfaces.http.operations import Operation
    from tests.surfaces.http._served import Served

READER, APPLIER = "reader-token-0123456789", "applier-token-0123456789"
TOKENS = (("ci", Role.READ, READER), ("ops", Role.APPLY, APPLIER))
OPEN = {"healthz", "readyz"}
CHANGING = {"makePlan", "applyPlan", "pushMetrics", "reportScaling", "putConfig", "reset"}
BODIES: dict[str, Any] = {
    "makePlan": plan_request(),
    "forecast": {"history": [sample()]},
    "queueing": {"arrival_rate": 10, "service_rate": 1, "servers": 12},
    "simulate": simulation(),
    "pushMetrics": sample(),
    "reportScaling": {"queue_name": "emails", "workers": 3},
    "putConfig": {},
    "reset": {"all": True},
}


def access() -> Access:
    return Access((name, role, hashlib.sha256(token.encode()).digest()) for name, role, token in TOKENS)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("guarded"), access=access()) as made:
        yield made


def asked(guarded: Served, operation: Operation, token: str | None, **headers: str) -> httpx.Response:
    path = operation.path.replace("{plan_id}", "p").replace("{job_id}", "j").replace("{name}", "emails")
    path = path.replace("{namespace}", "jobs").replace("{metric}", "workers-emails")
    match = {"If-Match": "*"} if operation.conditional else {}
    authorization = {} if token is None else {"Authorization": f"Bearer {token}"}
    body = {"json": BODIES[operation.name]} if operation.body else {}
    return guarded.client.request(operation.method, path, headers={**authorization, **match, **headers}, **body)


def ids(operation: Operation) -> str:
    return operation.name


def test_the_operations_that_change_something_are_known() -> None:
    assert {item.name for item in OPERATIONS if item.needs is Role.APPLY} == CHANGING
    assert {item.name for item in OPERATIONS if item.needs is None} == OPEN


@pytest.mark.parametrize("operation", [item for item in OPERATIONS if item.name not in OPEN], ids=ids)
@pytest.mark.parametrize("token", [None, "unknown-token-0123456789"])
def test_without_a_known_token_nothing_is_answered(guarded: Served, operation: Operation, token: str | None) -> None:
    refused = asked(guarded, operation, token)
    told = problem(refused, 401)
    assert refused.headers["www-authenticate"] == "Bearer"
    assert "oken" in told["detail"]


@pytest.mark.parametrize("operation", [item for item in OPERATIONS if item.name in CHANGING], ids=ids)
def test_a_reader_changes_nothing(guarded: Served, operation: Operation) -> None:
    assert "token ci may read" in problem(asked(guarded, operation, READER), 403)["detail"]


@pytest.mark.parametrize("operation", [item for item in OPERATIONS if item.name not in CHANGING], ids=ids)
def test_a_reader_may_look_and_calculate(guarded: Served, operation: Operation) -> None:
    assert asked(guarded, operation, READER).status_code in {200, 202, 404}


@pytest.mark.parametrize("operation", OPERATIONS, ids=ids)
def test_who_may_apply_may_do_all(guarded: Served, operation: Operation) -> None:
    assert asked(guarded, operation, APPLIER).status_code in {200, 202, 204, 404}


@pytest.mark.parametrize("operation", [item for item in OPERATIONS if item.name in OPEN], ids=ids)
def test_health_is_told_to_everybody(guarded: Served, operation: Operation) -> None:
    assert asked(guarded, operation, None).json() == {"status": "ok"}


def test_records_say_whose_token_it_was(guarded: Served) -> None:
    auth = {"Authorization": f"Bearer {APPLIER}"}
    where = guarded.client.post("/v1/plans", json=plan_request(queue_name="whose"), headers=auth).headers["location"]
    assert guarded.client.get(where, headers=auth).json()["record"]["made_by"] == "ops"
    assert guarded.client.post(f"{where}/apply", headers=auth).json()["applied_by"] == "ops"


def test_nothing_is_read_of_a_body_before_the_token_is_known(guarded: Served) -> None:
    refused = guarded.client.post("/v1/metrics", content=b"x" * 40_000_000)
    problem(refused, 401)


def test_a_token_is_neither_logged_nor_told(guarded: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        answers = [asked(guarded, item, token) for item in OPERATIONS for token in (READER, f"{APPLIER}x")]
    said = caplog.text + "".join(str(vars(record)) for record in caplog.records if "capacity_planner" in record.name)
    assert "request" in said
    for token in (READER, APPLIER):
        assert token not in said
        assert not any(token in answer.text or token in str(answer.headers) for answer in answers)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", "http://[", ""])
def test_where_no_token_is_needed_pages_of_other_sites_change_nothing(shared: Served, origin: str) -> None:
    refused = shared.client.post("/v1/reset", json={"queue_name": "nobody"}, headers={"Origin": origin})
    assert "cors_origin" in problem(refused, 403)["detail"]


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1", "https://[::1]:8443"])
def test_pages_of_other_programs_of_this_machine_change_nothing(shared: Served, origin: str) -> None:
    refused = shared.client.post("/v1/reset", json={"queue_name": "nobody"}, headers={"Origin": origin})
    assert "cors_origin" in problem(refused, 403)["detail"]
    assert shared.client.get("/v1/queues", headers={"Origin": origin}).status_code == 200


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_the_services_own_pages_may_call(shared: Served, name: str) -> None:
    host = f"{name}:{shared.server.port}"
    headers = {"Host": host, "Origin": f"http://{host}"}
    answer = shared.client.post("/v1/metrics", json=sample(), headers=headers)
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers
    other = shared.client.post("/v1/metrics", json=sample(), headers={**headers, "Origin": f"https://{host}"})
    problem(other, 403)


@pytest.mark.parametrize(
    "host", ["evil.example:8080", "127.0.0.1.evil.example", "192.0.2.7", "localhost.evil.example", "["]
)
def test_where_no_token_is_needed_only_this_machines_names_are_answered(shared: Served, host: str) -> None:
    refused = shared.client.get("/v1/queues", headers={"Host": host})
    assert "Call 127.0.0.1 or localhost" in problem(refused, 421)["detail"]
    changed = shared.client.post("/v1/metrics", json=sample(), headers={"Host": host, "Origin": f"http://{host}"})
    problem(changed, 421)
    assert shared.client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:80", "localhost.", "[::1]:8080", "127.9.9.9:1"])
def test_this_machines_names_are_answered(shared: Served, host: str) -> None:
    assert shared.client.get("/v1/queues", headers={"Host": host}).status_code == 200


def test_with_tokens_any_name_will_do(guarded: Served) -> None:
    headers = {"Host": "planner.example", "Authorization": f"Bearer {READER}"}
    assert guarded.client.get("/v1/queues", headers=headers).status_code == 200


def test_who_listens_for_others_without_tokens_is_known_by_any_name(tmp_path_factory: pytest.TempPathFactory) -> None:
    with served(tmp_path_factory.mktemp("insecure"), http="0.0.0.0:0") as made:
        assert made.client.get("/v1/queues", headers={"Host": "planner:8080"}).status_code == 200


def test_pages_of_the_one_origin_may_call_and_no_others(tmp_path_factory: pytest.TempPathFactory) -> None:
    page = "https://planner.example"
    preflight = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "if-match,content-type"}
    with served(tmp_path_factory.mktemp("cors"), cors_origin=page) as made:
        allowed = made.client.options("/v1/config", headers={"Origin": page, **preflight})
        assert allowed.status_code == 200
        assert allowed.headers["access-control-allow-origin"] == page
        assert "PUT" in allowed.headers["access-control-allow-methods"]
        assert allowed.headers["x-request-id"]
        answer = made.client.post("/v1/reset", json={"all": True}, headers={"Origin": page})
        assert answer.status_code == 204
        assert "ETag" in answer.headers["access-control-expose-headers"]
        other = made.client.options("/v1/config", headers={"Origin": "https://evil.example", **preflight})
        assert "access-control-allow-origin" not in other.headers


def test_without_an_origin_a_preflight_is_a_method_that_there_is_not(shared: Served) -> None:
    headers = {"Origin": "https://planner.example", "Access-Control-Request-Method": "PUT"}
    refused = shared.client.options("/v1/config", headers=headers)
    problem(refused, 405)
    assert "access-control-allow-origin" not in refused.headers
