"""Every domain type: the same after JSON, a pickle and a copy; immutable; its schema whole."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import FrozenInstanceError, fields, replace
from datetime import timedelta
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import capacity_planner
from capacity_planner import codec
from capacity_planner.domain.queueing import QueueingResult
from capacity_planner.domain.state import PlannerState
from capacity_planner.frozen import FrozenMap
from capacity_planner.units import UNBOUNDED

from .strategies import DOMAIN, objects

EVERY_TYPE = pytest.mark.parametrize("cls", DOMAIN, ids=lambda cls: cls.__name__)
FEW = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def _strict(text: str) -> Any:
    """JSON as RFC 8259 has it, without Python's NaN and Infinity."""

    def refuse(name: str) -> Any:
        raise AssertionError(name)

    return json.loads(text, parse_constant=refuse)


@EVERY_TYPE
@FEW
@given(data=st.data(), durations=st.sampled_from(["text", "ns"]))
def test_it_is_the_same_after_json(cls: type[Any], data: st.DataObject, durations: Literal["text", "ns"]) -> None:
    value = data.draw(objects(cls))
    text = codec.dumps(value, durations=durations)
    assert list(_strict(text)) == [item.name for item in fields(cls)]
    assert codec.decode(cls, text) == value
    assert codec.decode(cls, text.encode()) == value


@EVERY_TYPE
@FEW
@given(data=st.data())
def test_it_is_the_same_after_a_pickle_and_a_copy(cls: type[Any], data: st.DataObject) -> None:
    value = data.draw(objects(cls))
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301 - our own
    assert copy.copy(value) == value
    assert copy.deepcopy(value) == value
    assert replace(value) == value
    assert hash(copy.deepcopy(value)) == hash(value)


@EVERY_TYPE
@FEW
@given(data=st.data())
def test_validating_twice_is_validating_once(cls: type[Any], data: st.DataObject) -> None:
    value = data.draw(objects(cls))
    once = codec.validate(cls, value)
    assert once == value
    assert codec.validate(cls, once) == once
    assert codec.validate(cls, codec.encode(once)) == once


@EVERY_TYPE
@FEW
@given(data=st.data())
def test_its_fields_cannot_be_set(cls: type[Any], data: st.DataObject) -> None:
    value = data.draw(objects(cls))
    for item in fields(cls):
        with pytest.raises(FrozenInstanceError):
            setattr(value, item.name, getattr(value, item.name))
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        value.something_else = 1


@EVERY_TYPE
def test_its_json_schema_is_json_and_has_every_field(cls: type[Any]) -> None:
    schema = _strict(json.dumps(codec.json_schema(cls), allow_nan=False))
    names = {item.name for item in fields(cls)}
    assert set(schema["properties"]) == names
    assert set(schema.get("required", [])) <= names
    assert schema["additionalProperties"] is False
    assert all(_describes(item) for item in schema["properties"].values())


def _describes(schema: dict[str, Any]) -> bool:
    return bool({"type", "$ref", "anyOf", "allOf", "enum"} & set(schema))


@EVERY_TYPE
def test_it_is_part_of_the_public_api(cls: type[Any]) -> None:
    assert getattr(capacity_planner, cls.__name__) is cls


@EVERY_TYPE
def test_something_else_is_refused(cls: type[Any]) -> None:
    junk: list[Any] = [None, 5, "x", [], object(), {"no_such_field": 1}]
    for value in junk:
        with pytest.raises(capacity_planner.PlannerError) as caught:
            codec.validate(cls, value)
        assert caught.value.code in {"INVALID_METRICS", "CONFIG_INVALID"}


@pytest.mark.parametrize("durations", ["text", "ns"])
def test_an_unstable_queue_travels(durations: Literal["text", "ns"]) -> None:
    inf = float("inf")
    value = QueueingResult(
        utilization=inf,
        queue_length=inf,
        wait_time=UNBOUNDED,
        response_time=UNBOUNDED,
        p95_response_time=UNBOUNDED,
        probability_of_wait=1.0,
        throughput=5.0,
        capacity=5.0,
        model="mmc",
        confidence=0.5,
    )
    text = codec.dumps(value, durations=durations)
    assert _strict(text)["queue_length"] == 1.7976931348623157e308  # the largest double: JSON has no infinity
    assert codec.decode(QueueingResult, text) == value


def test_with_nanoseconds_no_duration_is_text() -> None:
    config = capacity_planner.default_config()
    written = codec.encode(config, durations="ns")
    durations = {name for name, value in codec.encode(config).items() if isinstance(value, str) and value[-1] == "s"}
    assert durations == {
        "forecast_window",
        "history_window",
        "seasonal_period",
        "cooldown_period",
        "startup_delay",
        "plan_interval",
    }
    assert {type(written[name]) for name in durations} == {int}
    assert written["forecast_window"] == 3_600_000_000_000


def test_a_slice_without_elements_is_null_as_go_writes_it() -> None:
    assert codec.decode(PlannerState, '{"recent_history": null, "forecast_cache": null}') == PlannerState()


def test_an_empty_state_travels() -> None:
    assert codec.decode(PlannerState, codec.dumps(PlannerState())) == PlannerState()


def test_quantiles_are_read_in_any_order_and_cannot_be_changed() -> None:
    one, other = FrozenMap({0.9: 2.0, 0.1: 1.0}), FrozenMap({0.1: 1.0, 0.9: 2.0})
    assert one == other
    assert hash(one) == hash(other)
    assert list(one) == [0.1, 0.9]
    with pytest.raises(TypeError):
        one[0.5] = 1.0  # type: ignore[index]


def test_objects_are_no_larger_for_being_frozen() -> None:
    assert not hasattr(PlannerState(), "__dict__")


def test_the_whole_of_a_slo_is_tighter_of_budget_and_availability() -> None:
    slo = capacity_planner.SLO
    assert slo(error_budget=0.02).allowed_share == 0.02
    assert slo(error_budget=0.02, availability=0.995).allowed_share == 0.005
    assert slo(error_budget=0.001, availability=0.995).allowed_share == 0.001
    assert slo(availability=0.9).allowed_share == 0.1
    assert slo(availability=1.0).allowed_share == 0.0
    assert slo().allowed_share == 0.0
    assert not slo(error_budget=0.5, availability=0.9).has_target
    assert slo(drain_time=timedelta(seconds=1)).has_target
