"""The exceptions of the package, and the nine codes of the specification.

Exception
├── PlannerError        code, message, cause, details, response: what every public call raises
└── ServiceError        what the service alone answers with, beside those
    ├── NotFoundError     there is no such plan, queue or simulation
    ├── ConflictError     another change came first
    ├── TooLargeError     more than the service takes on
    ├── UnavailableError  not now: the store does not answer, or all is busy
    └── WorldError        a source or a scaler failed
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class ErrorCode(StrEnum):
    """Why a call failed; the specification's nine codes and no others."""

    INVALID_METRICS = "INVALID_METRICS"
    INSUFFICIENT_HISTORY = "INSUFFICIENT_HISTORY"
    FORECAST_FAILED = "FORECAST_FAILED"
    MODEL_NOT_SUPPORTED = "MODEL_NOT_SUPPORTED"
    CONFIG_INVALID = "CONFIG_INVALID"
    SLO_UNACHIEVABLE = "SLO_UNACHIEVABLE"
    CAPACITY_LIMIT_EXCEEDED = "CAPACITY_LIMIT_EXCEEDED"
    COOLDOWN_ACTIVE = "COOLDOWN_ACTIVE"
    ANOMALY_DETECTED = "ANOMALY_DETECTED"


class PlannerError(Exception):
    """A failure that names the field, its value and the remedy.

    Args:
        code: one of the nine codes.
        message: one or two sentences a person can act on.
        cause: the exception behind it, if there was one.
        details: machine-readable facts, such as ``{"field": "slo.p95_latency", "value": "-1s"}``.
        response: the plan a person would review, where a plan was made but must not be applied as it is
            (``COOLDOWN_ACTIVE``, ``ANOMALY_DETECTED``, and what ``strict`` raises).
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        cause: BaseException | None = None,
        details: Mapping[str, Any] | None = None,
        response: Any = None,
    ) -> None:
        super().__init__(message)
        self.code = ErrorCode(code)
        self.message = message
        self.cause = cause
        self.details = dict(details or {})
        self.response = response
        self.__cause__ = cause

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def __reduce__(self) -> tuple[Any, ...]:
        state = {"cause": self.cause, "details": self.details, "response": self.response}
        return (_rebuild, (self.code, self.message, state))


class ServiceError(Exception):
    """A failure of the service rather than of a question.

    Args:
        message: one or two sentences a person can act on.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotFoundError(ServiceError):
    """There is no such plan, queue or simulation."""


class ConflictError(ServiceError):
    """Another change came first; look at what is there now, and try again."""


class TooLargeError(ServiceError):
    """More than the service takes on."""


class UnavailableError(ServiceError):
    """Not now.

    Args:
        message: what is not there.
        retry_after: seconds after which it is worth to ask again.
    """

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class WorldError(ServiceError):
    """A source or a scaler failed.

    Args:
        message: what went wrong, and the remedy.
        temporary: whether it is worth to try again.
        reached: workers that run after a scaler did a part of what it was asked for; ``None`` where that is not known.
    """

    def __init__(self, message: str, *, temporary: bool = True, reached: int | None = None) -> None:
        super().__init__(message)
        self.temporary = temporary
        self.reached = reached


def _rebuild(code: ErrorCode, message: str, state: dict[str, Any]) -> PlannerError:
    return PlannerError(code, message, **state)
