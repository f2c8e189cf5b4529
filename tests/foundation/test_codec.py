"""What a bad mapping or text is told: the field, what it was, and what to do; all of it at once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from capacity_planner import SLO, Metrics, PlannerConfig, PlannerError, PlanRequest, SimulationScenario, codec

GOOD: dict[str, Any] = {
    "current_metrics": {"timestamp": "2026-01-31T12:00:00Z", "arrival_rate": 25.5, "service_time": "2s"},
    "slo": {"p95_latency": "5s"},
}


def refusal(cls: type[Any], value: Any, at: str = "") -> PlannerError:
    with pytest.raises(PlannerError) as caught:
        codec.validate(cls, value, at=at)
    return caught.value


@pytest.mark.parametrize(
    ("change", "field", "shown", "remedy"),
    [
        ({"arrival_rate": "fast"}, "arrival_rate", "'fast'", "not a number"),
        ({"arrival_rate": -1}, "arrival_rate", "-1", "at least 0"),
        ({"arrival_rate": True}, "arrival_rate", "True", "not a number"),
        ({"arrival_rate": None}, "arrival_rate", "None", "not a number"),
        ({"arrival_rate": float("nan")}, "arrival_rate", "nan", "finite"),
        ({"arrival_rate": float("inf")}, "arrival_rate", "inf", "finite"),
        ({"arrival_rate": "25.5"}, "arrival_rate", "'25.5'", "not a number"),
        ({"service_time": 5}, "service_time", "5", 'such as "5s"'),
        ({"service_time": 5.0}, "service_time", "5.0", 'such as "5s"'),
        ({"service_time": "5"}, "service_time", "'5'", 'such as "5s"'),
        ({"service_time": "-5s"}, "service_time", "'-5s'", "at least 0s"),
        ({"backlog": 1.5}, "backlog", "1.5", "whole number"),
        ({"backlog": -1}, "backlog", "-1", "at least 0"),
        ({"backlog": True}, "backlog", "True", "whole number"),
        ({"timestamp": "2026-01-31T12:00:00"}, "timestamp", "2026-01-31T12:00:00", "Add the offset"),
        ({"timestamp": 5}, "timestamp", "5", "RFC 3339"),
        ({"queue_name": 5}, "queue_name", "5", "not a text"),
        ({"queue_name": "a\x00b"}, "queue_name", "x00", "cannot be printed"),
        ({"queue_name": "x" * 1001}, "queue_name", "xxx", "longer than 1000 characters"),
    ],
)
def test_a_bad_sample_is_told_field_value_and_remedy(
    change: dict[str, Any], field: str, shown: str, remedy: str
) -> None:
    error = refusal(Metrics, {"timestamp": "2026-01-31T12:00:00Z", "arrival_rate": 1, **change})
    assert error.code == "INVALID_METRICS"
    assert error.details["field"] == field
    assert shown in error.details["value"]
    assert field in error.message
    assert shown in error.message
    assert remedy in error.message


def test_a_path_says_where_in_a_request_the_problem_is() -> None:
    request = {**GOOD, "history": [GOOD["current_metrics"], {**GOOD["current_metrics"], "backlog": -3}]}
    error = refusal(PlanRequest, request)
    assert (error.code, error.details["field"]) == ("INVALID_METRICS", "history.1.backlog")
    error = refusal(PlanRequest, {**GOOD, "slo": {"p95_latency": 5}})
    assert (error.code, error.details["field"]) == ("CONFIG_INVALID", "slo.p95_latency")
    error = refusal(PlanRequest, {**GOOD, "config": {"min_workers": -5}})
    assert (error.code, error.details["field"]) == ("CONFIG_INVALID", "config.min_workers")
    assert refusal(PlannerConfig, {"min_workers": -5}, at="config").details["field"] == "config.min_workers"


def test_all_problems_are_listed_at_once() -> None:
    bad = {"min_workers": -1, "max_workers": "many", "cooldown_period": 5, "safety_margin": float("nan"), "seed": 0.5}
    error = refusal(PlannerConfig, bad)
    assert {item["field"] for item in error.details["errors"]} == set(bad)
    assert "4 more" in error.message
    assert all({"field", "value", "message"} <= set(item) for item in error.details["errors"])
    json.dumps(error.details, allow_nan=False)


def test_what_is_missing_is_named() -> None:
    error = refusal(PlanRequest, {"slo": {}})
    assert error.details["field"] == "current_metrics"
    assert error.message == "current_metrics is missing."


@pytest.mark.parametrize(
    ("cls", "value", "hint"),
    [
        (PlannerConfig, {"max_worker": 5}, "max_workers"),
        (PlannerConfig, {"cooldown": 5}, "cooldown_period"),
        (SLO, {"p95_latncy": "5s"}, "p95_latency"),
        (Metrics, {"timestamp": "2026-01-31T12:00:00Z", "arival_rate": 5, "arrival_rate": 5}, "arrival_rate"),
    ],
)
def test_an_unknown_key_is_told_the_nearest_there_is(cls: type[Any], value: dict[str, Any], hint: str) -> None:
    error = refusal(cls, value)
    assert f"Did you mean {hint}?" in error.message


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ({**GOOD, "slo": {"p95_latncy": "5s"}}, "p95_latency"),
        ({**GOOD, "config": {"max_worker": 5}}, "max_workers"),
        ({**GOOD, "current_metrics": {**GOOD["current_metrics"], "backlogs": 1}}, "backlog"),
        ({**GOOD, "history": [{**GOOD["current_metrics"], "backlogs": 1}]}, "backlog"),
    ],
)
def test_an_unknown_key_further_in_is_told_the_nearest_there_is(value: dict[str, Any], hint: str) -> None:
    error = refusal(PlanRequest, value)
    assert f"Did you mean {hint}?" in error.message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "nonsense",
        "[" * 100_000,
        '{"arrival_rate": NaN}',
        '{"arrival_rate": Infinity}',
        '{"arrival_rate": -Infinity}',
        '{"arrival_rate": ' + "9" * 5000 + "}",
        b"\xff\xfe\x00",
        b'{"queue_name": "\xff"}',
        '{"\\ud800": 1}',
    ],
    ids=lambda text: repr(text[:20]),
)
def test_a_text_that_is_no_json_is_refused(text: str | bytes) -> None:
    for cls, code in ((PlanRequest, "CONFIG_INVALID"), (Metrics, "INVALID_METRICS"), (SimulationScenario, None)):
        with pytest.raises(PlannerError) as caught:
            codec.decode(cls, text)
        assert code is None or caught.value.code == code
        caught.value.message.encode()  # it can be written anywhere


@pytest.mark.parametrize(
    "value",
    [1e309, 10**400, -(10**400), pytest.param(10**5000, id="10**5000"), pytest.param(-(10**5000), id="-10**5000")],
)
def test_huge_numbers_are_refused_and_shown_short(value: Any) -> None:
    error = refusal(Metrics, {"timestamp": "2026-01-31T12:00:00Z", "arrival_rate": value, "backlog": value})
    assert {item["field"] for item in error.details["errors"]} == {"arrival_rate", "backlog"}
    assert len(error.message) < 300


def test_numpy_numbers_are_numbers() -> None:
    read = codec.validate(
        Metrics,
        {
            "timestamp": datetime(2026, 1, 31, tzinfo=UTC),
            "arrival_rate": np.float32(2.5),
            "backlog": np.int64(7),
            "current_workers": np.float64(3.0),
        },
    )
    assert (read.arrival_rate, read.backlog, read.current_workers) == (2.5, 7, 3)
    assert {type(read.arrival_rate), type(read.backlog), type(read.current_workers)} == {float, int}


@pytest.mark.parametrize(
    "value",
    [
        1j,
        np.array([1.0, 2.0]),
        np.datetime64("2026-01-31"),
        np.bool_(True),  # noqa: FBT003 - that is the case
        pytest.param(
            np.complex128(1j),
        ),
    ],
    ids=repr,
)
def test_what_only_looks_like_a_number_is_refused(value: Any) -> None:
    error = refusal(Metrics, {"timestamp": "2026-01-31T12:00:00Z", "arrival_rate": value})
    assert error.details["field"] == "arrival_rate"


def test_text_in_other_scripts_travels_readable() -> None:
    read = codec.decode(SLO, codec.dumps(SLO()))
    assert read == SLO()
    sample = Metrics(timestamp=datetime(2026, 1, 31, tzinfo=UTC), arrival_rate=1.0, queue_name="очередь-图像")
    assert "очередь-图像" in codec.dumps(sample)
    assert codec.decode(Metrics, codec.dumps(sample)) == sample
