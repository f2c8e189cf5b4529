"""Whatever JSON or mapping is sent, there is an answer or a `PlannerError`: no other error, no warning."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity_planner import CapacityPlanner, ErrorCode, PlannerError, PlanRequest, PlanResponse, codec

from .strategies import DOMAIN

SKELETON: dict[str, Any] = {
    "queue_name": "q",
    "current_metrics": {
        "timestamp": "2026-01-31T12:00:00Z",
        "arrival_rate": 25.5,
        "service_time": "2s",
        "service_time_p95": "6s",
        "service_time_std": "2s",
        "current_workers": 10,
        "utilization": 0.75,
        "backlog": 150,
        "active_jobs": 10,
        "queue_name": "q",
    },
    "slo": {
        "p95_latency": "5s",
        "max_backlog": 500,
        "error_budget": 0.01,
        "drain_time": "10m",
        "availability": 0.99,
    },
    "config": {
        "forecast_window": "30m",
        "forecast_model": "ewma",
        "history_window": "24h",
        "seasonal_period": "0s",
        "safety_margin": 0.15,
        "confidence_threshold": 0.85,
        "max_step_size": 15,
        "cooldown_period": "5m",
        "min_workers": 1,
        "max_workers": 100,
        "worker_cost_per_hour": 0.5,
        "violation_cost_per_hour": 100.0,
        "scale_up_threshold": 0.8,
        "scale_down_threshold": 0.6,
        "anomaly_threshold": 3.0,
        "spike_threshold": 2.0,
        "queueing_model": "mmc",
        "service_time_model": "exponential",
        "startup_delay": "30s",
        "worker_concurrency": 1,
        "plan_interval": "5m",
        "scale_up_cooldown": "0s",
        "seed": 0,
    },
    "history": [
        {"timestamp": "2026-01-31T11:50:00Z", "arrival_rate": 20.0, "service_time": "2s"},
        {"timestamp": "2026-01-31T11:55:00Z", "arrival_rate": 22.0, "service_time": "2s"},
    ],
    "force_regen": False,
    "strict": False,
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to every value, inner and outer."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [path, *(place for key, inner in items for place in places(inner, (*path, key)))]


PLACES = [place for place in places(SKELETON) if place]
SLIPS: st.SearchStrategy[Any] = st.sampled_from(
    [
        *[0, -0.0, 1, -1, 5, 1e-320, 1e15, 1e308, -1e308, 2**63, -(2**63), 10**400, 1_000, 10**15],
        *["", " ", "NaN", "Infinity", "-Infinity", "nan", "5", "5s", "-5s", "1e400s", "PT90S", "1µs", "292y", "0"],
        *["2026-01-31T12:00:00", "0001-01-01T00:00:00Z", "8999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"],
        *["\ud800", "\x00", "\u202e", "💥", "mgc", "mm1", "holt_winters", "exponential", "x" * 5_000],
        *[None, True, False, [], {}, [[]], {"": {}}, {"$ref": "#"}, [None] * 3],
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
VALUES = SLIPS | JSON | st.integers() | st.floats(allow_nan=False, allow_infinity=False)


def broken(changes: list[tuple[tuple[Any, ...], Any]]) -> Any:
    """The skeleton with other values at some places."""
    request: Any = copy.deepcopy(SKELETON)
    for path, value in changes:
        inner = request
        try:
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change has removed the place
    return request


CHANGES = st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=3)


def answered(ask: Any) -> PlanResponse | None:
    """The response, also one that an error carries; a refusal must be one that can be shown and sent."""
    try:
        answer: PlanResponse = ask()
    except PlannerError as error:
        _can_be_sent(error)
        return error.response  # type: ignore[no-any-return]
    return answer


def _can_be_sent(error: PlannerError) -> None:
    assert error.code in ErrorCode
    error.message.encode()
    assert len(error.message) < 2_000
    json.dumps(error.details, allow_nan=False, default=str).encode()


def test_the_skeleton_is_valid() -> None:
    assert answered(lambda: CapacityPlanner().generate_plan(codec.decode(PlanRequest, json.dumps(SKELETON))))


@settings(max_examples=500)
@given(CHANGES)
def test_a_request_with_slips_as_json(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    text = json.dumps(broken(changes))
    response = answered(lambda: CapacityPlanner().generate_plan(codec.decode(PlanRequest, text)))
    if response is not None:
        assert codec.decode(PlanResponse, codec.dumps(response)) == response


@settings(max_examples=300)
@given(CHANGES)
def test_a_request_with_slips_as_a_mapping(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    answered(lambda: CapacityPlanner().generate_plan(broken(changes)))


@pytest.mark.parametrize("model", ["mgc", "mm1"])
@settings(max_examples=60)
@given(changes=CHANGES)
def test_a_request_with_slips_for_other_models(model: str, changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    model_first = [(("config", "queueing_model"), model), (("config", "service_time_model"), "general")]
    answered(lambda: CapacityPlanner().generate_plan(broken([*model_first, *changes])))


@settings(max_examples=300)
@given(st.sampled_from(DOMAIN), JSON | SLIPS | st.dictionaries(st.text(max_size=8), JSON, max_size=4))
def test_any_json_for_any_type(cls: type[Any], value: Any) -> None:
    answered(lambda: codec.decode(cls, json.dumps(value)))
    answered(lambda: codec.validate(cls, value))


@settings(max_examples=300)
@given(st.sampled_from(DOMAIN), st.text(max_size=60) | st.binary(max_size=60))
def test_any_text_for_any_type(cls: type[Any], text: str | bytes) -> None:
    answered(lambda: codec.decode(cls, text))


@settings(max_examples=200)
@given(st.sampled_from(PLACES), st.integers(0, 2_000), st.text(max_size=3))
def test_a_text_that_was_cut_and_scribbled_on(place: tuple[Any, ...], at: int, scribble: str) -> None:
    text = json.dumps(SKELETON)
    answered(lambda: codec.decode(PlanRequest, text[:at] + scribble + text[at + len(place) :]))


@pytest.mark.parametrize("depth", [10, 200, 900, 5_000])
def test_deeply_nested_values_are_refused(depth: int) -> None:
    nested: Any = 1
    for _ in range(depth):
        nested = {"slo": nested}
    for path in (("slo",), ("history",), ("config", "seed"), ("current_metrics", "queue_name"), ("strict",)):
        with pytest.raises(PlannerError):
            codec.validate(PlanRequest, broken([(path, nested)]))


def test_a_value_that_contains_itself_is_refused() -> None:
    loop: dict[str, Any] = {}
    loop["slo"] = loop
    endless: list[Any] = []
    endless.append(endless)
    for value in (loop, endless):
        for path in (("slo",), ("history",), ("config",), ("current_metrics", "arrival_rate")):
            with pytest.raises(PlannerError):
                codec.validate(PlanRequest, broken([(path, value)]))
