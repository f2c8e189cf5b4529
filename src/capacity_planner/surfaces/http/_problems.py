"""Errors on the wire: RFC 9457 problems, whose status says whose fault it is and whether to come again."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from capacity_planner import codec, units
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

if TYPE_CHECKING:
    from capacity_planner.codec import Durations

MEDIA = "application/problem+json"
TYPE = "urn:capacity-planner:problem:"
INTERNAL = "The service failed in an unforeseen way. Its log has more, under this request's id."

_PLANNER = {
    ErrorCode.INVALID_METRICS: 400,
    ErrorCode.CONFIG_INVALID: 400,
    ErrorCode.MODEL_NOT_SUPPORTED: 400,
    ErrorCode.INSUFFICIENT_HISTORY: 422,
    ErrorCode.SLO_UNACHIEVABLE: 409,
    ErrorCode.CAPACITY_LIMIT_EXCEEDED: 409,
    ErrorCode.ANOMALY_DETECTED: 409,
    ErrorCode.COOLDOWN_ACTIVE: 429,
    ErrorCode.FORECAST_FAILED: 500,
}
_SERVICE: dict[type[ServiceError], tuple[int, str]] = {
    NotFoundError: (404, "not-found"),
    ConflictError: (409, "conflict"),
    TooLargeError: (413, "too-large"),
    UnavailableError: (503, "unavailable"),
    WorldError: (502, "world-failed"),
}
KINDS = {
    400: "bad-request",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    408: "request-timeout",
    412: "precondition-failed",
    415: "unsupported-media-type",
    421: "misdirected-request",
    428: "precondition-required",
}
_INTERNAL = 500
_LATE = 504


class HttpError(ServiceError):
    """What is wrong with a request as HTTP has it.

    Args:
        status: the status code.
        message: one or two sentences a person can act on.
        headers: what the answer carries beside.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, dict(headers or {})


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as it is told.

    Attributes:
        status: the status code.
        kind: the last part of its type.
        body: what is told beside type, title and status.
        headers: such as Retry-After.
    """

    status: int
    kind: str
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)

    def told(self, request_id: str = "") -> dict[str, Any]:
        """The problem as JSON has it."""
        instance = {"instance": f"urn:capacity-planner:request:{request_id}"} if request_id else {}
        title = self.kind.replace("-", " ").capitalize().replace("Slo", "SLO")
        return {"type": f"{TYPE}{self.kind}", "title": title, "status": self.status, **self.body, **instance}

    def response(self, request_id: str = "") -> Response:
        """The answer; half a surrogate pair, which a body may bring in, is written as its JSON escape."""
        text = json.dumps(self.told(request_id), ensure_ascii=False, allow_nan=False)
        content = text.encode("utf-8", "backslashreplace")
        return Response(content, self.status, {**self.headers, "Cache-Control": "no-store"}, MEDIA)


def problem_of(error: Exception, durations: Durations = "text") -> Problem:
    """What a caller is told of an error; of one that was not foreseen nothing but that it was."""
    if isinstance(error, PlannerError):
        return _planner(error, durations)
    if isinstance(error, HttpError | AccessError):
        return Problem(error.status, KINDS[error.status], {"detail": error.message}, _asked_for(error))
    for kind, (status, name) in _SERVICE.items():
        if isinstance(error, kind):
            return Problem(status, name, {"detail": error.message}, _again(error))
    return Problem(_INTERNAL, "internal", {"detail": error.message if isinstance(error, ServiceError) else INTERNAL})


def _planner(error: PlannerError, durations: Durations) -> Problem:
    body: dict[str, Any] = {"detail": error.message, "code": str(error.code), "details": plain(error.details)}
    if error.response is not None:
        body["plan"] = codec.encode(error.response, durations=durations)
    late = error.code is ErrorCode.FORECAST_FAILED and error.details.get("timed_out")
    status = _LATE if late else _PLANNER[error.code]
    headers = {}
    if error.code is ErrorCode.COOLDOWN_ACTIVE:
        wait = units.parse_duration(error.details.get("retry_after", "1s"))
        headers["Retry-After"] = _seconds(wait.total_seconds())
    return Problem(status, error.code.lower().replace("_", "-"), body, headers)


def _asked_for(error: HttpError | AccessError) -> dict[str, str]:
    if isinstance(error, HttpError):
        return error.headers
    challenge = {401: "Bearer", 403: 'Bearer error="insufficient_scope"'}
    return {"WWW-Authenticate": challenge[error.status]}


def _again(error: ServiceError) -> dict[str, str]:
    if isinstance(error, UnavailableError):
        return {"Retry-After": _seconds(error.retry_after)}
    return {"Retry-After": "5"} if isinstance(error, WorldError) and error.temporary else {}


def _seconds(value: float) -> str:
    return str(max(math.ceil(value), 1))


def plain(value: Any) -> Any:
    """A value as JSON can have it: what it has no word for becomes text."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    return value if isinstance(value, float) and math.isfinite(value) else str(value)
