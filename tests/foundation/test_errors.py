"""The one exception and its nine codes."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import capacity_planner
from capacity_planner import ErrorCode, PlannerError

# The specification's table of error codes, in its order.
SPECIFIED = [
    "INVALID_METRICS",
    "INSUFFICIENT_HISTORY",
    "FORECAST_FAILED",
    "MODEL_NOT_SUPPORTED",
    "CONFIG_INVALID",
    "SLO_UNACHIEVABLE",
    "CAPACITY_LIMIT_EXCEEDED",
    "COOLDOWN_ACTIVE",
    "ANOMALY_DETECTED",
]


def test_there_are_the_nine_codes_of_the_specification_and_no_others() -> None:
    assert [code.value for code in ErrorCode] == SPECIFIED
    assert [code.name for code in ErrorCode] == SPECIFIED


def test_an_error_says_code_and_message() -> None:
    cause = ValueError("why")
    error = PlannerError(ErrorCode.CONFIG_INVALID, "x is 5.", cause=cause, details={"field": "x"}, response="plan")
    assert str(error) == "CONFIG_INVALID: x is 5."
    assert (error.code, error.message, error.cause) == (ErrorCode.CONFIG_INVALID, "x is 5.", cause)
    assert (error.details, error.response) == ({"field": "x"}, "plan")
    assert error.__cause__ is cause
    assert isinstance(error, Exception)


def test_an_error_needs_only_code_and_message() -> None:
    error = PlannerError(ErrorCode.FORECAST_FAILED, "m")
    assert (error.cause, error.details, error.response) == (None, {}, None)


def test_details_are_the_errors_own() -> None:
    facts = {"field": "x"}
    error = PlannerError(ErrorCode.CONFIG_INVALID, "m", details=facts)
    facts["field"] = "y"
    assert error.details == {"field": "x"}


def test_no_other_code_can_be_made() -> None:
    code: Any = "SOMETHING_ELSE"
    with pytest.raises(ValueError, match="SOMETHING_ELSE"):
        PlannerError(code, "m")


@pytest.mark.parametrize("code", list(ErrorCode))
def test_an_error_survives_a_process_boundary(code: ErrorCode) -> None:
    error = PlannerError(
        code,
        "m",
        cause=ValueError("why"),
        details={"field": "x", "errors": [{"a": 1}]},
        response=capacity_planner.default_config(),
    )
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301 - our own
        assert (type(other), str(other)) == (PlannerError, str(error))
        assert (other.code, other.message, other.details) == (error.code, error.message, error.details)
        assert other.response == error.response
        assert repr(other.cause) == repr(error.cause)
