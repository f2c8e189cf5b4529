"""Every error has its code and its details, and never more of them than a client takes."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from capacity_planner import codec
from capacity_planner.errors import (
    ConflictError,
    ErrorCode,
    NotFoundError,
    PlannerError,
    TooLargeError,
    UnavailableError,
    WorldError,
)
from capacity_planner.pipeline.deadline import Deadline
from capacity_planner.surfaces.grpc.messages import to_message
from tests.surfaces._made import response

from ._client import Client, to_json
from ._served import MINIMAL, NOON, desk, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from capacity_planner.domain.request import PlanRequest

    from ._client import Refusal

Code = grpc.StatusCode
MOST_METADATA = 8_192  # what gRPC's own clients take by default


class Failing:
    """A desk where every plan fails in one way."""

    error: Exception

    def plan(self, request: PlanRequest, *, by: str, timeout: timedelta | None) -> None:
        raise self.error


FAILING = Failing()


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with serving(FAILING) as server, Client(server.port) as made:
        yield made


def refused(client: Client, error: Exception) -> Refusal:
    FAILING.error = error
    return client.refusal("GeneratePlan", MINIMAL)


def late() -> PlannerError:
    with pytest.raises(PlannerError) as caught:
        Deadline(timedelta(0)).check()
    return caught.value


PLANNER = {
    ErrorCode.INVALID_METRICS: Code.INVALID_ARGUMENT,
    ErrorCode.CONFIG_INVALID: Code.INVALID_ARGUMENT,
    ErrorCode.MODEL_NOT_SUPPORTED: Code.INVALID_ARGUMENT,
    ErrorCode.INSUFFICIENT_HISTORY: Code.FAILED_PRECONDITION,
    ErrorCode.SLO_UNACHIEVABLE: Code.FAILED_PRECONDITION,
    ErrorCode.CAPACITY_LIMIT_EXCEEDED: Code.FAILED_PRECONDITION,
    ErrorCode.ANOMALY_DETECTED: Code.FAILED_PRECONDITION,
    ErrorCode.COOLDOWN_ACTIVE: Code.UNAVAILABLE,
    ErrorCode.FORECAST_FAILED: Code.INTERNAL,
}


@pytest.mark.parametrize("code", ErrorCode)
def test_each_of_the_nine_codes_has_its_status(client: Client, code: ErrorCode) -> None:
    details = {"field": "slo", "value": 5, "yes": True, "none": None}
    refusal = refused(client, PlannerError(code, "This is µ wrong: 100 %.", details=details))
    assert (refusal.code, refusal.message) == (PLANNER[code], "This is µ wrong: 100 %.")
    found = refusal.details["ErrorInfo"]
    assert (found.reason, found.domain) == (code.value, "capacity-planner")
    assert dict(found.metadata) == {"field": "slo", "value": "5", "yes": "true"}


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (NotFoundError("x"), Code.NOT_FOUND, "NOT_FOUND"),
        (ConflictError("x"), Code.ABORTED, "CONFLICT"),
        (TooLargeError("x"), Code.RESOURCE_EXHAUSTED, "TOO_LARGE"),
        (UnavailableError("x"), Code.UNAVAILABLE, "UNAVAILABLE"),
        (WorldError("x"), Code.UNAVAILABLE, "UNAVAILABLE"),
        (WorldError("x", temporary=False), Code.FAILED_PRECONDITION, "FAILED"),
        (late(), Code.DEADLINE_EXCEEDED, "FORECAST_FAILED"),
    ],
)
def test_each_error_of_the_service_has_its_status(
    client: Client, error: Exception, code: grpc.StatusCode, reason: str
) -> None:
    refusal = refused(client, error)
    assert (refusal.code, refusal.details["ErrorInfo"].reason) == (code, reason)


@pytest.mark.parametrize("seconds", [0.25, 1.0, 90.0])
def test_what_is_not_there_now_says_when_to_ask_again(client: Client, seconds: float) -> None:
    refusal = refused(client, UnavailableError("The store does not answer.", retry_after=seconds))
    assert refusal.details["RetryInfo"].retry_delay.ToTimedelta() == timedelta(seconds=seconds)


def test_an_unexpected_error_tells_nothing_but_where_the_log_has_it(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        refusal = refused(client, RuntimeError("postgresql://me:secret@host"))
    assert refusal.code is Code.INTERNAL
    assert "secret" not in refusal.message + str(refusal.details)
    (record,) = [record for record in caplog.records if record.name == "capacity_planner.grpc"]
    error_id = refusal.details["ErrorInfo"].metadata["error_id"]
    assert record.__dict__["error_id"] == error_id
    assert error_id in refusal.message
    assert record.exc_info


def blocked(intervals: int, **details: Any) -> PlannerError:
    return PlannerError(
        ErrorCode.COOLDOWN_ACTIVE,
        "Wait.",
        details={"retry_after": "180s", **details},
        response=response(intervals=intervals),
    )


def test_a_blocked_plan_is_in_the_details(client: Client) -> None:
    details = refused(client, blocked(12)).details
    assert details["PlanResponse"].SerializeToString() == to_message(response()).SerializeToString()
    assert "CapacityPlan" not in details
    assert dict(details["ErrorInfo"].metadata) == {
        "retry_after": "180s",
        "plan_id": "p1",
        "plan_summary": "10 → 25 → 40 workers, confidence 0.87",
    }
    assert details["RetryInfo"].retry_delay.ToTimedelta() == timedelta(minutes=3)


def test_a_longer_one_is_there_without_its_forecast(client: Client) -> None:
    details = refused(client, blocked(60)).details
    assert "PlanResponse" not in details
    assert len(details["CapacityPlan"].required) == 60


def test_the_longest_is_named_and_summed_up(client: Client) -> None:
    details = refused(client, blocked(600)).details
    assert details.keys() == {"ErrorInfo", "RetryInfo"}
    assert details["ErrorInfo"].metadata["plan_id"] == "p1"


def test_a_plan_that_no_message_can_hold_is_left_out(client: Client) -> None:
    made = response()
    error = blocked(12)
    error.response = replace(made, plan=replace(made.plan, current_workers=2**32))
    refusal = refused(client, error)
    assert refusal.code is Code.UNAVAILABLE
    assert refusal.details.keys() == {"ErrorInfo", "RetryInfo"}


def many(count: int, text: str) -> PlannerError:
    errors = [{"field": f"history.{place}.arrival_rate", "value": "x", "message": text} for place in range(count)]
    return PlannerError(ErrorCode.INVALID_METRICS, text, details={"errors": errors, "field": "a", "value": text})


@pytest.mark.parametrize(
    "error",
    [
        *(blocked(intervals) for intervals in range(10, 130, 3)),
        *(
            many(count, text)
            for count in (1, 3, 50, 10_000)
            for text in ("short", "long " * 400, "µ²→" * 600, "%" * 900)
        ),
        blocked(40, **{f"fact_{place}": "→" * 300 for place in range(30)}),
        NotFoundError("→" * 5_000),
    ],
)
def test_the_details_are_never_more_than_a_client_takes(client: Client, error: PlannerError) -> None:
    refusal = refused(client, error)
    assert refusal.code is not Code.RESOURCE_EXHAUSTED
    assert refusal.details["ErrorInfo"].domain == "capacity-planner"
    escaped = sum(1 if 31 < byte < 127 and byte != 37 else 3 for byte in refusal.message.encode())
    assert escaped + refusal.size * 4 / 3 + 300 < MOST_METADATA


def test_fields_that_are_wrong_are_listed(client: Client) -> None:
    (found,) = refused(client, many(1, "Look.")).details["BadRequest"].field_violations
    assert (found.field, found.description) == ("history.0.arrival_rate", "Look.")
    some = refused(client, many(90, "Look, there is something wrong with this, and here is the remedy.")).details
    assert 10 < len(some["BadRequest"].field_violations) < 90


def test_an_answer_that_no_message_can_hold_is_out_of_range() -> None:
    made = response()

    class Large:
        def plan(self, request: PlanRequest, *, by: str, timeout: timedelta | None) -> Any:
            return replace(made, plan=replace(made.plan, target_workers=2**32))

    with serving(Large()) as server, Client(server.port) as client:
        refusal = client.refusal("GeneratePlan", MINIMAL)
    assert refusal.code is Code.OUT_OF_RANGE
    assert refusal.message == "plan.target_workers is 4294967296, more than gRPC's 32 bits hold. Ask over HTTP."


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"slo": {"error_budget": 2.0}}, Code.INVALID_ARGUMENT, "slo.error_budget"),
        ({"config": {"forecast_model": "crystal_ball"}}, Code.INVALID_ARGUMENT, "forecast_model"),
        ({"config": {"max_workers": 4_000_000_000}}, Code.INVALID_ARGUMENT, "config.max_workers"),
    ],
)
def test_real_mistakes_are_named(tmp_path: Path, change: dict[str, Any], code: grpc.StatusCode, field: str) -> None:
    with desk(tmp_path) as made, serving(made) as server, Client(server.port) as client:
        refusal = client.refusal("GeneratePlan", {**MINIMAL, **change})
    assert refusal.code is code
    assert refusal.details["BadRequest"].field_violations[0].field == field


def test_a_real_cooldown_says_when_to_ask_again_and_has_the_plan(tmp_path: Path) -> None:
    asked = {**MINIMAL, "queue_name": "mail"}
    with desk(tmp_path) as made, serving(made) as server, Client(server.port) as client:
        made.scaled("mail", 10, NOON - timedelta(minutes=1), by="me")
        refusal = client.refusal("GeneratePlan", asked)
        plan_id = refusal.details["ErrorInfo"].metadata["plan_id"]
        recorded = made.record(plan_id).response
    assert refusal.code is Code.UNAVAILABLE
    assert refusal.details["RetryInfo"].retry_delay.ToTimedelta() == timedelta(minutes=4)
    whole = {name: part for name, part in codec.encode(recorded.plan).items() if part is not None}
    shown = (
        refusal.details["CapacityPlan"] if "CapacityPlan" in refusal.details else refusal.details["PlanResponse"].plan
    )
    assert to_json(shown) == whole
