"""Errors on the wire: a gRPC code, and google.rpc.Status with details that a program can read.

Clients take 8 KiB of metadata by default and lose the call beyond it, so details are added while there is room: what
failed, when to ask again, the fields that are wrong, and the plan that a person would review.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING
from urllib.parse import quote

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from capacity_planner.errors import (
    ConflictError,
    ErrorCode,
    NotFoundError,
    PlannerError,
    TooLargeError,
    UnavailableError,
    WorldError,
)
from capacity_planner.service.access import AccessError
from capacity_planner.surfaces.grpc.messages import OutOfRangeError, to_message
from capacity_planner.units import from_seconds, parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from google.protobuf.message import Message

    from capacity_planner.domain.plan import CapacityPlan
    from capacity_planner.errors import ServiceError

DOMAIN = "capacity-planner"
_ROOM = 7_200
_LONGEST_MESSAGE, _LONGEST_FACT = 1_000, 200
_UNESCAPED = (string.ascii_letters + string.digits + string.punctuation + " ").replace("%", "")

_Code = grpc.StatusCode
_PLANNER = {
    ErrorCode.INVALID_METRICS: _Code.INVALID_ARGUMENT,
    ErrorCode.CONFIG_INVALID: _Code.INVALID_ARGUMENT,
    ErrorCode.MODEL_NOT_SUPPORTED: _Code.INVALID_ARGUMENT,
    ErrorCode.INSUFFICIENT_HISTORY: _Code.FAILED_PRECONDITION,
    ErrorCode.SLO_UNACHIEVABLE: _Code.FAILED_PRECONDITION,
    ErrorCode.CAPACITY_LIMIT_EXCEEDED: _Code.FAILED_PRECONDITION,
    ErrorCode.ANOMALY_DETECTED: _Code.FAILED_PRECONDITION,
    ErrorCode.COOLDOWN_ACTIVE: _Code.UNAVAILABLE,
    ErrorCode.FORECAST_FAILED: _Code.INTERNAL,
}
_SERVICE = {
    AccessError: (_Code.PERMISSION_DENIED, "PERMISSION_DENIED"),
    ConflictError: (_Code.ABORTED, "CONFLICT"),
    NotFoundError: (_Code.NOT_FOUND, "NOT_FOUND"),
    OutOfRangeError: (_Code.OUT_OF_RANGE, "OUT_OF_RANGE"),
    TooLargeError: (_Code.RESOURCE_EXHAUSTED, "TOO_LARGE"),
    UnavailableError: (_Code.UNAVAILABLE, "UNAVAILABLE"),
    WorldError: (_Code.UNAVAILABLE, "UNAVAILABLE"),
}
_FAILED = (_Code.FAILED_PRECONDITION, "FAILED")


def status_of(error: PlannerError | ServiceError) -> Status:
    """What a caller is told of an error."""
    code, reason = _code(error)
    status = Status(code=code.value[0], message=_cut(error.message, _LONGEST_MESSAGE))
    _add(status, _informations(reason, _facts(error)))
    _add(status, _retries(error))
    if isinstance(error, PlannerError):
        _add(status, _violations(error, code))
        _add(status, _plans(error))
    return status


def unexpected(error_id: str) -> Status:
    """What a caller is told of an error that should not be: where the log has it, and nothing else."""
    message = f"The service failed in a way it should not. Its log says why, under {error_id}."
    status = Status(code=_Code.INTERNAL.value[0], message=message)
    _add(status, _informations("INTERNAL", {"error_id": error_id}))
    return status


def _code(error: PlannerError | ServiceError) -> tuple[grpc.StatusCode, str]:
    """The code, and the reason in words for programs."""
    match error:
        case PlannerError():
            late = error.details.get("timed_out") is True
            return _Code.DEADLINE_EXCEEDED if late else _PLANNER[error.code], str(error.code)
        case AccessError(status=401):
            return _Code.UNAUTHENTICATED, "UNAUTHENTICATED"
        case WorldError(temporary=False):
            return _FAILED
        case _:
            return next((found for kind, found in _SERVICE.items() if isinstance(error, kind)), _FAILED)


def _add(status: Status, candidates: Iterator[Message]) -> None:
    """Add the first of some details for which there is room beside the message and what was added before.

    The message travels twice: with its escapes, and in the status, which travels as base64.
    """
    room = (_ROOM - len(quote(status.message, safe=_UNESCAPED))) * 3 // 4
    for detail in candidates:
        status.details.add().Pack(detail)
        if status.ByteSize() <= room:
            return
        del status.details[-1]


def _informations(reason: str, facts: dict[str, str]) -> Iterator[Message]:
    for metadata in (facts, {}):
        yield ErrorInfo(reason=reason, domain=DOMAIN, metadata=metadata)


def _facts(error: PlannerError | ServiceError) -> dict[str, str]:
    if not isinstance(error, PlannerError):
        return {}
    flat = {name: value for name, value in error.details.items() if isinstance(value, str | int | float)}
    return {name: _cut(_word(value), _LONGEST_FACT) for name, value in (flat | _plan_facts(error)).items()}


def _word(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plan_facts(error: PlannerError) -> dict[str, str]:
    if error.response is None:
        return {}
    plan: CapacityPlan = error.response.plan
    path = " → ".join(str(workers) for workers in (plan.current_workers, *(step.to_workers for step in plan.steps)))
    summary = f"{path} workers, confidence {plan.confidence:.2f}"
    return {"plan_id": plan.id, "plan_summary": summary}


def _retries(error: PlannerError | ServiceError) -> Iterator[Message]:
    wait = _wait(error)
    if wait is not None:
        yield RetryInfo(retry_delay=_duration(wait))


def _wait(error: PlannerError | ServiceError) -> timedelta | None:
    if isinstance(error, UnavailableError):
        return from_seconds(error.retry_after)
    if isinstance(error, PlannerError) and "retry_after" in error.details:
        return parse_duration(error.details["retry_after"])
    return None


def _duration(value: timedelta) -> Duration:
    duration = Duration()
    duration.FromTimedelta(value)
    return duration


def _violations(error: PlannerError, code: grpc.StatusCode) -> Iterator[Message]:
    """All fields that are wrong, or fewer where they are too many."""
    if code is not _Code.INVALID_ARGUMENT:
        return
    found = error.details.get("errors") or [{"field": error.details.get("field", ""), "message": error.message}]
    found = [{"field": item["field"], "description": _cut(item["message"], _LONGEST_MESSAGE)} for item in found[:100]]
    while found:
        yield BadRequest(field_violations=found)
        found = found[: len(found) // 2]


def _plans(error: PlannerError) -> Iterator[Message]:
    """The response, or its plan alone."""
    if error.response is not None:
        try:
            yield to_message(error.response)
            yield to_message(error.response.plan)
        except OutOfRangeError:
            return


def _cut(text: str, longest: int) -> str:
    """A text of at most so many bytes."""
    written = text.encode()
    return text if len(written) <= longest else written[:longest].decode(errors="ignore") + "…"
