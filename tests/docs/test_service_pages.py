"""The pages on the service say what there is: every endpoint, status, method, reason, rule and limit."""

from __future__ import annotations

import importlib
import re
import sys
import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from grpc import StatusCode
from tests.service.test_deciding import AUTO, CONFIG, GOOD

from capacity_planner.codec import parse
from capacity_planner.domain.plan import ScalingAction
from capacity_planner.domain.queues import Mode
from capacity_planner.domain.scaling import Decision, Reason
from capacity_planner.domain.server import ServerSettings
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
from capacity_planner.pipeline.settings import load_settings
from capacity_planner.service.access import AccessError, Role
from capacity_planner.service.checking import service_of
from capacity_planner.service.deciding import Ruling, rule, stale_after
from capacity_planner.surfaces.grpc.messages import OutOfRangeError
from capacity_planner.surfaces.grpc.methods import SERVICE
from capacity_planner.surfaces.grpc.status import status_of
from capacity_planner.surfaces.grpc.tokens import _READING
from capacity_planner.surfaces.http import _problems
from capacity_planner.surfaces.http._openapi import document
from capacity_planner.surfaces.http.app import OPERATIONS
from capacity_planner.units import parse_duration

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs"))
http_examples: Any = importlib.import_module("_http_examples")
grpc_reference: Any = importlib.import_module("_grpc_reference")
EXAMPLE = ROOT / "examples" / "service"


def _page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


PATHS: dict[str, dict[str, Any]] = document(OPERATIONS, closed=True)["paths"]
HTTP, GRPC = _page("reference/http-api.md"), _page("reference/grpc-api.md")
CONTINUOUSLY, OPERATE = _page("how-to/plan-continuously.md"), _page("how-to/operate-the-service.md")


def _rows(text: str, heading: str) -> list[list[str]]:
    """The cells of the tables below a heading, without their heads."""
    part = text.partition(f"\n{heading}\n")[2]
    part = re.split(r"\n#+ ", part)[0]
    rows = [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in part.splitlines() if line.startswith("|")]
    heads = {place for place, row in enumerate(rows) if set("".join(row)) <= set("-: ")}
    return [row for place, row in enumerate(rows) if place not in heads and place + 1 not in heads]


def test_every_endpoint_of_the_openapi_is_on_the_page() -> None:
    there = [f"### {method.upper()} {path}" for path, item in PATHS.items() for method in item]
    assert len(there) > 20
    assert sorted(line for line in HTTP.splitlines() if re.match(r"### [A-Z]+ /", line)) == sorted(there)


def test_every_operation_has_an_example_whose_status_it_may_have() -> None:
    described = {item["operationId"]: item for path in PATHS.values() for item in path.values()}
    shown = {step.name: step for step in http_examples.STEPS}
    assert set(described) | set(http_examples.ERRORS) == set(shown)
    for step in http_examples.STEPS:
        if step.name in described:
            assert str(step.status) in described[step.name]["responses"], step


def test_every_type_of_a_body_is_in_the_reference() -> None:
    pages = HTTP + _page("reference/types.md")
    documented = set(re.findall(r"^::: (\S+)$", pages, re.MULTILINE))
    types = {item.body for item in OPERATIONS} | {answer.cls for item in OPERATIONS for answer in item.answers.values()}
    for cls in (cls for cls in types if cls is not None and cls is not dict):
        assert {cls.__module__, f"{cls.__module__}.{cls.__name__}"} & documented, cls


def test_every_status_that_an_operation_may_have_is_explained() -> None:
    explained = {row[0] for row in _rows(HTTP, "## Errors") if row[0].isdigit()}
    declared = {code for item in PATHS.values() for operation in item.values() for code in operation["responses"]}
    assert {code for code in declared if int(code) >= 400} <= explained


def test_every_kind_of_problem_is_explained_with_its_status() -> None:
    explained = {
        (int(row[0]), kind)
        for row in _rows(HTTP, "## Errors")
        if row[0].isdigit()
        for kind in re.findall(r"`([a-z-]+)`", row[1])
    }
    told = [_problems.problem_of(error) for error in _errors()]
    of_http = {(status, kind) for status, kind in _problems.KINDS.items() if (status, kind) != (400, "bad-request")}
    assert explained == {(problem.status, problem.kind) for problem in told} | of_http


def _errors() -> list[Exception]:
    """One of each kind that a caller may meet."""
    late = PlannerError(ErrorCode.FORECAST_FAILED, "late", details={"timed_out": True})
    kinds = (NotFoundError, ConflictError, TooLargeError, UnavailableError, WorldError)
    return [late, *(PlannerError(code, "x") for code in ErrorCode), *(kind("x") for kind in kinds), RuntimeError("x")]


def test_every_method_of_the_proto_file_is_on_the_page_with_its_role() -> None:
    rows = {row[0].strip("`"): row[3].strip("`") for row in _rows(f"\n{GRPC}", "# gRPC API")}
    names = re.findall(r"rpc (\w+)\(", grpc_reference.proto())
    assert list(rows) == names
    for name, role in rows.items():
        reads = f"/{SERVICE}/{name}" in _READING
        assert role == (Role.READ if reads else Role.APPLY)


def test_every_status_of_grpc_is_explained_with_its_reasons() -> None:
    explained = [
        (set(re.findall(r"`(\w+)`", row[0])), set(re.findall(r"\b(\w+)\b", row[1]))) for row in _rows(GRPC, "## Errors")
    ]
    refused = [AccessError(401, "x"), AccessError(403, "x"), OutOfRangeError("x")]
    for error in [*_errors()[:-1], *refused]:
        assert isinstance(error, PlannerError | ServiceError)
        status, info = status_of(error), ErrorInfo()
        assert status.details[0].Unpack(info)
        name = next(code.name for code in StatusCode if code.value[0] == status.code)
        assert any(name in statuses and {info.reason, "same"} & reasons for statuses, reasons in explained), error


def test_the_conditions_are_asked_in_the_order_of_the_table() -> None:
    unchanged = replace(GOOD, steps=tuple(replace(step, action=ScalingAction.NO_CHANGE) for step in GOOD.steps))
    worst = replace(GOOD, slo_achievable=False, confidence=0.0)
    old, advisory, manual = timedelta(days=1), replace(AUTO, mode=Mode.ADVISORY), replace(AUTO, mode=Mode.MANUAL)
    anomaly, cooldown = ErrorCode.ANOMALY_DETECTED, ErrorCode.COOLDOWN_ACTIVE
    # Each ruling fails on its own condition and on all that are asked later.
    rulings = [
        rule(worst, advisory, CONFIG, blocked=anomaly, age=old),
        rule(worst, manual, CONFIG, blocked=anomaly, age=old),
        rule(unchanged, AUTO, CONFIG, blocked=anomaly, age=old),
        rule(worst, AUTO, CONFIG, blocked=anomaly, age=old),
        rule(worst, AUTO, CONFIG, blocked=cooldown, age=timedelta(0)),
        rule(worst, AUTO, CONFIG, blocked=anomaly, age=timedelta(0)),
        rule(worst, AUTO, CONFIG, age=timedelta(0)),
        rule(replace(worst, slo_achievable=True), AUTO, CONFIG, age=timedelta(0)),
        rule(GOOD, AUTO, CONFIG, age=timedelta(0)),
    ]
    rows = [row[0] for row in _rows(CONTINUOUSLY, "## When a plan is carried out")]
    assert [_cell(ruling) for ruling in rulings] == rows
    assert {ruling.reason for ruling in rulings} == set(Reason) - {Reason.ON_REQUEST}
    assert f"`{Reason.ON_REQUEST}`" in CONTINUOUSLY


def _cell(ruling: Ruling) -> str:
    return f"`{ruling.reason}`" if ruling.reason else f"(none), decision `{ruling.decision}`"


def test_what_a_decision_does_to_older_orders_is_as_the_table_says() -> None:
    rows = {row[0]: row[1] for row in _rows(CONTINUOUSLY, "## What a new plan does to an older one")}
    said = {
        name: "all" if text.startswith("all") else "down" if text.startswith("those that would remove") else "none"
        for names, text in rows.items()
        for name in re.findall(r"`(\w+)`", names)
    }
    rulings = {str(decision): Ruling(decision) for decision in (Decision.APPLIED, Decision.UNCHANGED)}
    known = set(Reason) - {Reason.NONE, Reason.ON_REQUEST}
    rulings |= {str(reason): Ruling(Decision.RECOMMENDED, reason) for reason in known}
    assert said == {name: ruling.supersede for name, ruling in rulings.items()}


def test_a_sample_is_stale_when_the_page_says_so() -> None:
    assert "three intervals unless set" in CONTINUOUSLY
    assert stale_after(AUTO, CONFIG) == 3 * CONFIG.plan_interval


def test_the_limits_are_as_the_page_says() -> None:
    said = {row[0].strip("`"): row[1] for row in _rows(OPERATE, "## Limits")}
    known = ServerSettings()
    assert said["max_body"] == f"{known.max_body // 2**20} MiB"
    assert said["max_history"] == f"{known.max_history:,} samples".replace(",", " ")
    assert said["max_jobs"] == f"{known.max_jobs // 10**6} million jobs"
    assert said["max_heavy`, `max_waiting"] == f"{known.max_heavy} and {known.max_waiting} simulations"
    assert said["max_time"] == f"{known.max_time // timedelta(minutes=1)} minutes"
    assert said["max_queues"] == f"{known.max_queues:,} queues".replace(",", " ")
    assert set(re.findall(r"max_\w+", " ".join(said))) == {name for name in dir(known) if name.startswith("max_")}


def test_retention_and_lease_are_as_the_pages_say() -> None:
    known, page = ServerSettings(), " ".join(_page("explanation/service.md").split())
    for name in ("keep_samples", "keep_bins", "keep_plans"):
        assert f"`{name}`, {getattr(known, name).days} days" in page
    assert f"`lease`, {known.lease.seconds} seconds unless set" in page
    assert f"`lease` ({known.lease.seconds} seconds unless set)" in " ".join(OPERATE.split())


def test_every_role_is_explained() -> None:
    rows = [row[0].strip("`") for row in _rows(_page("how-to/secure-the-service.md"), "## Make tokens")]
    assert rows == list(Role)


def test_what_needs_which_role_is_as_the_page_says() -> None:
    without = {item.path for item in OPERATIONS if item.needs is None}
    assert without == {"/healthz", "/readyz"}
    changing = {item.name for item in OPERATIONS if item.needs is Role.APPLY}
    # plan, apply plans, push samples, tell what was scaled, change the configuration, reset
    assert changing == {"makePlan", "applyPlan", "pushMetrics", "reportScaling", "putConfig", "reset"}


def test_the_example_settings_can_be_run_and_replay_the_trace_now() -> None:
    replay: Any = importlib.import_module("replay")
    service_of(load_settings(EXAMPLE / "capacity-planner.toml"))
    for now in (datetime(2027, 3, 1, 9, tzinfo=UTC), datetime(2031, 12, 31, 23, 59, tzinfo=UTC)):
        (queue,) = tomllib.loads(replay.replayed(now))["queues"]
        then = now - parse_duration(queue["source"]["options"]["shift"], wire=False)
        assert timedelta(0) <= then - replay.NOW_IS_AFTER < timedelta(weeks=1)
        assert then.weekday() == now.weekday()


@pytest.fixture(autouse=True)
def _beside_the_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLE))


def test_the_examples_of_bodies_are_json_where_nothing_was_left_out() -> None:
    found = re.findall(r"^```http\n(HTTP.*?)^```$", HTTP, re.MULTILINE | re.DOTALL)
    assert len(found) >= len(OPERATIONS)
    for answer in found:
        head, _, body = answer.partition("\n\n")
        if "json" in head:
            assert isinstance(parse(body), dict), head
