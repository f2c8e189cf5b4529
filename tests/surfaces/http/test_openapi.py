from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.errors import ErrorCode
from capacity_planner.surfaces.http.app import OPERATIONS, described
from tests.properties.strategies import DOMAIN
from tests.surfaces.http._examples import FILE, made
from tests.surfaces.http._served import plan_request, sample, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from capacity_planner.surfaces.http.operations import Operation

DOCUMENT = described(closed=False)
EXAMPLES: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
WITH_BODY = [item for item in OPERATIONS if item.body]


def told(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][operation.path][operation.method.lower()]
    return found


def errors(schema: dict[str, Any], value: Any) -> list[str]:
    """Where a value breaks a schema of the document."""
    whole = {**schema, "components": DOCUMENT["components"]}
    validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
    return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value)]


def ids(operation: Operation) -> str:
    return operation.name


def test_the_document_is_served_as_it_is(client: httpx.Client) -> None:
    answer = client.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == DOCUMENT
    assert DOCUMENT["openapi"].startswith("3.1")


def test_where_tokens_are_needed_the_document_says_so() -> None:
    closed = described(closed=True)["paths"]
    assert closed["/v1/plans"]["post"]["security"] == [{"bearer": []}]
    assert "security" not in closed["/healthz"]["get"]


def test_every_schema_is_one() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]})
        assert schema["description"], name


def test_every_reference_leads_somewhere() -> None:
    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for item in value.values():
                yield from references(item)
        elif isinstance(value, list):
            for item in value:
                yield from references(item)

    found = set(references(DOCUMENT))
    names = {item.removeprefix("#/components/schemas/") for item in found}
    assert names <= set(DOCUMENT["components"]["schemas"])
    assert set(DOCUMENT["components"]["schemas"]) - names == set()


def test_every_field_of_a_domain_type_is_explained() -> None:
    known = {cls.__name__: cls for cls in DOMAIN}
    for name, schema in DOCUMENT["components"]["schemas"].items():
        if name in known and is_dataclass(known[name]):
            assert set(schema["properties"]) == {item.name for item in fields(known[name])}
    config = DOCUMENT["components"]["schemas"]["PlannerConfig"]["properties"]
    assert all(config[item.name]["description"] for item in fields(PlannerConfig))
    assert config["plan_interval"]["default"] == "300s"


@pytest.mark.parametrize("operation", OPERATIONS, ids=ids)
def test_every_operation_says_what_it_takes_and_answers(operation: Operation) -> None:
    found = told(operation)
    assert found["operationId"] == operation.name
    assert found["summary"]
    assert ("requestBody" in found) == (operation.body is not None)
    statuses = set(found["responses"])
    assert {str(status) for status in operation.answers} <= statuses
    expected = {"500", "503"}
    if operation.needs:
        expected |= {"400", "401", "403"}
        assert found["security"] == [{"bearer": []}, {}]
    if operation.body:
        expected |= {"408", "413", "415"}
    assert expected <= statuses
    for status in statuses - {str(item) for item in operation.answers}:
        assert list(found["responses"][status]["content"]) == ["application/problem+json"]


def test_every_operation_has_its_own_name() -> None:
    assert len({item.name for item in OPERATIONS}) == len(OPERATIONS)
    assert len({(item.method, item.path) for item in OPERATIONS}) == len(OPERATIONS)


@pytest.mark.parametrize("operation", WITH_BODY, ids=ids)
def test_every_request_has_an_example_that_fits(operation: Operation) -> None:
    content = told(operation)["requestBody"]["content"]["application/json"]
    assert content["example"] == EXAMPLES[operation.name]["request"]
    assert errors(content["schema"], content["example"]) == []


@pytest.mark.parametrize("operation", [item for item in OPERATIONS if item.name in EXAMPLES], ids=ids)
def test_every_example_of_an_answer_fits(operation: Operation) -> None:
    for status in operation.answers:
        content = told(operation)["responses"][str(status)].get("content", {}).get("application/json")
        if content and str(status) in EXAMPLES[operation.name]:
            assert errors(content["schema"], content["example"]) == []


def test_every_example_really_came_from_the_service(tmp_path: Path) -> None:
    found = json.loads(json.dumps(made(tmp_path)))
    assert _rounded(found) == _rounded(EXAMPLES)


@pytest.mark.parametrize("operation", [item for item in WITH_BODY if item.name != "putConfig"], ids=ids)
def test_every_request_of_the_document_is_answered(client: httpx.Client, operation: Operation) -> None:
    content = told(operation)["requestBody"]["content"]["application/json"]
    answer = client.request(operation.method, operation.path, json=content["example"])
    assert answer.status_code in operation.answers, answer.text
    described_answer = told(operation)["responses"][str(answer.status_code)]
    if "content" in described_answer:
        assert errors(described_answer["content"]["application/json"]["schema"], answer.json()) == []
    for name in described_answer.get("headers", {}):
        assert name in answer.headers


@pytest.mark.parametrize("durations", ["text", "ns"])
def test_answers_fit_their_schemas_however_durations_are_written(client: httpx.Client, durations: str) -> None:
    answer = client.post(f"/v1/plans?durations={durations}", json=plan_request(queue_name=f"fits-{durations}"))
    schema = {"$ref": "#/components/schemas/PlanResponse"}
    assert errors(schema, answer.json()) == []
    broken = {**answer.json(), "cache_hit": "no"}
    assert errors(schema, broken) != []


def test_problems_fit_their_schema(tmp_path: Path) -> None:
    schema = {"$ref": "#/components/schemas/Problem"}
    with served(tmp_path) as own:
        own.client.post("/v1/scalings", json={"queue_name": "emails", "workers": 60})
        cooldown = own.client.post("/v1/plans", json=plan_request(1, current_workers=50))
        wrong = own.client.post("/v1/metrics", json=[sample(arrival_rate=-1)])
        missing = own.client.get("/none")
    assert [item.status_code for item in (cooldown, wrong, missing)] == [429, 400, 404]
    for answer in (cooldown, wrong, missing):
        assert errors(schema, answer.json()) == []
    assert DOCUMENT["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] == list(ErrorCode)


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("Duration", "5s", True),
        ("Duration", "1m30s", True),
        ("Duration", "PT90S", True),
        ("Duration", "0.350s", True),
        ("Duration", 5_000_000_000, True),
        ("Duration", "five", False),
        ("Duration", 5.5, False),
        ("JobTrace", {"counts": None}, True),
        ("PlannerConfig", {"max_workers": 0, "forecast_window": 0, "spike_threshold": 0}, True),
        ("PlannerConfig", {"max_workers": -1}, False),
        ("PlannerConfig", {"max_worker": 1}, False),
    ],
)
def test_schemas_say_what_the_service_reads(name: str, value: Any, *, fits: bool) -> None:
    assert (errors({"$ref": f"#/components/schemas/{name}"}, value) == []) == fits


def _rounded(value: Any) -> Any:
    """Numbers as far as every processor agrees on them, and no names that are made of the rest."""
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    if isinstance(value, str):
        return re.sub(r"\b(plan|simulation)-[0-9a-f]{16}", r"\1", value)
    return float(f"{value:.6g}") if isinstance(value, float) else value
