"""Domain objects are the same after a trip as a message, and protobuf's JSON of it is the JSON of HTTP."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capacity_planner import CapacityPlanner, codec
from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.questions import SimulationRequest
from capacity_planner.domain.request import PlanRequest, PlanResponse
from capacity_planner.domain.scenario import JobTrace, SimulationScenario
from capacity_planner.domain.slo import SLO
from capacity_planner.errors import PlannerError
from capacity_planner.surfaces.grpc.messages import OutOfRangeError, from_message, message_type, to_message
from capacity_planner.surfaces.grpc.status import status_of
from capacity_planner.units import UNBOUNDED
from tests.properties.strategies import objects
from tests.surfaces._made import response

from ._client import from_json, message, to_json
from ._served import MINIMAL
from ._types import ASKED, EVERY, QUESTIONS, fitted, is_needed

EVERY_TYPE = pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.__name__)
FEW = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def travelled(value: Any) -> Any:
    """The message as it arrives with a client that has the published file alone."""
    return message(type(value).__name__).FromString(to_message(value).SerializeToString())


def as_ours(value: Any) -> Any:
    """Protobuf's JSON without what it cannot say: 64-bit seeds are texts there, and no list is an empty one."""
    if isinstance(value, list):
        return [as_ours(part) for part in value]
    if not isinstance(value, dict):
        return value
    said = {name: part for name, part in value.items() if (name, part) != ("history", [])}
    return {name: int(part) if name == "seed" else as_ours(part) for name, part in said.items()}


def without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_none(part) for name, part in value.items() if part is not None}
    return [without_none(part) for part in value] if isinstance(value, list) else value


@EVERY_TYPE
@FEW
@given(data=st.data())
def test_it_is_the_same_after_a_trip(cls: type[Any], data: st.DataObject) -> None:
    value = fitted(data.draw(objects(cls)))
    sent = message_type(cls).FromString(travelled(value).SerializeToString())
    assert from_message(cls, sent) == value


@EVERY_TYPE
@FEW
@given(data=st.data())
def test_protobufs_json_is_read_as_ours(cls: type[Any], data: st.DataObject) -> None:
    value = fitted(data.draw(objects(cls)))
    assert codec.validate(cls, as_ours(to_json(travelled(value)))) == value


@EVERY_TYPE
@FEW
@given(data=st.data())
def test_our_json_is_read_as_protobufs(cls: type[Any], data: st.DataObject) -> None:
    value = fitted(data.draw(objects(cls)))
    assert from_json(cls.__name__, codec.encode(value)) == travelled(value)


@pytest.mark.parametrize(
    "answer",
    [response(), CapacityPlanner().generate_plan(codec.validate(PlanRequest, MINIMAL))],
    ids=["made by hand", "of a planner"],
)
def test_the_json_of_an_answer_is_the_same_to_the_letter(answer: PlanResponse) -> None:
    assert to_json(travelled(answer)) == without_none(codec.encode(answer))


@pytest.mark.parametrize("cls", ASKED, ids=lambda cls: cls.__name__)
@FEW
@given(data=st.data())
def test_what_is_not_set_has_the_domains_default(cls: type[Any], data: st.DataObject) -> None:
    value = fitted(data.draw(objects(cls)))
    whole, sent = to_message(value), message_type(cls)()
    needed = {item.name: getattr(value, item.name) for item in fields(cls) if is_needed(item)}
    for field, part in whole.ListFields():
        if field.name in needed:
            sent.MergeFrom(message_type(cls)(**{field.name: part}))
    assert from_message(cls, sent) == cls(**needed)


@pytest.mark.parametrize(
    ("field", "kept"),
    [
        ("min_workers", 0),
        ("safety_margin", 0.0),
        ("worker_cost_per_hour", 0.0),
        ("violation_cost_per_hour", 0.0),
        ("scale_down_threshold", 0.0),
        ("cooldown_period", timedelta(0)),
        ("scale_up_cooldown", timedelta(0)),
        ("max_workers", 100),
        ("forecast_window", timedelta(hours=1)),
        ("queueing_model", "mmc"),
    ],
)
def test_a_zero_is_kept_where_it_means_something(field: str, kept: Any) -> None:
    zero = {timedelta: {}, str: ""}.get(type(kept), 0)
    sent = message_type(PlannerConfig)(**{field: zero})
    assert getattr(from_message(PlannerConfig, sent), field) == kept


def test_a_configuration_that_is_not_set_is_none_and_an_empty_one_has_the_defaults() -> None:
    request = message_type(PlanRequest)
    parts = {"current_metrics": {"timestamp": {"seconds": 1}}, "slo": {"max_backlog": 5}}
    assert from_message(PlanRequest, request(**parts)).config is None
    assert from_message(PlanRequest, request(**parts, config={})).config == PlannerConfig()


def scenario(**parts: Any) -> SimulationRequest:
    plan = response().plan
    return SimulationRequest(
        scenario=SimulationScenario(name="s", plan=plan, duration=timedelta(hours=1), **parts),
    )


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (replace(response(), plan=replace(response().plan, current_workers=5 * 10**9)), "plan.current_workers is 5000"),
        (replace(response(), plan=replace(response().plan, delta=-(2**31) - 1)), "plan.delta is -2147483649"),
        (scenario(trace=JobTrace(counts=(1, 2**32))), "scenario.trace.counts.1 is 4294967296"),
        (
            replace(
                response(),
                plan=replace(response().plan, steps=(replace(response().plan.steps[0], to_workers=2**32),)),
            ),
            "plan.steps.0.to_workers is 4294967296",
        ),
    ],
)
def test_a_number_that_does_not_fit_is_named_and_not_wrapped(value: Any, named: str) -> None:
    with pytest.raises(OutOfRangeError) as caught:
        to_message(value)
    assert named in caught.value.message


def test_the_largest_numbers_fit() -> None:
    plan = replace(response().plan, current_workers=2**32 - 1, delta=-(2**31))
    assert from_message(type(plan), to_message(plan)) == plan
    seeded = scenario(seed=2**63 - 1)
    assert from_message(SimulationRequest, to_message(seeded)) == seeded


@pytest.mark.parametrize(
    ("seconds", "nanos", "read"),
    [
        (9_223_372_036, 854_775_807, UNBOUNDED),  # Go's longest duration
        (9_223_372_036, 854_775_000, UNBOUNDED),
        (0, 1_500, timedelta(microseconds=2)),
        (0, 1_499, timedelta(microseconds=1)),
        (1, 999_999_999, timedelta(seconds=2)),
        (5, -1_000_000, timedelta(seconds=4, milliseconds=999)),
    ],
)
def test_durations_are_read_to_the_microsecond(seconds: int, nanos: int, read: timedelta) -> None:
    sent = message_type(SLO)(p95_latency=Duration(seconds=seconds, nanos=nanos))
    assert from_message(SLO, sent).p95_latency == read


@pytest.mark.parametrize(
    ("seconds", "nanos", "said"),
    [
        (2**63 - 1, 0, "292 years"),
        (-(2**63), 0, "292 years"),
        (9_223_372_037, 0, "292 years"),
        (315_576_000_000, 0, "292 years"),
        (-1, 0, "at least 0s"),
        (-1, -1, "at least 0s"),
        (0, -1_500, "at least 0s"),
    ],
)
def test_a_duration_that_cannot_be_is_refused_by_its_name(seconds: int, nanos: int, said: str) -> None:
    sent = message_type(SLO)(p95_latency=Duration(seconds=seconds, nanos=nanos))
    with pytest.raises(PlannerError, match=said) as caught:
        from_message(SLO, sent)
    assert caught.value.details["field"] == "p95_latency"


@pytest.mark.parametrize("seconds", [2**63 - 1, -(2**63), 253_402_300_800, -62_135_596_801, -1])
def test_an_instant_that_cannot_be_is_refused_by_its_name(seconds: int) -> None:
    parts = {"current_metrics": {"timestamp": Timestamp(seconds=seconds)}, "slo": {"max_backlog": 5}}
    with pytest.raises(PlannerError) as caught:
        from_message(PlanRequest, message_type(PlanRequest)(**parts))
    assert caught.value.details["field"] == "current_metrics.timestamp"


def test_an_instant_is_cut_to_the_microsecond_as_json_cuts_it() -> None:
    parts = {"current_metrics": {"timestamp": Timestamp(seconds=7, nanos=1_999)}, "slo": {"max_backlog": 5}}
    read = from_message(PlanRequest, message_type(PlanRequest)(**parts))
    assert read.current_metrics.timestamp == datetime(1970, 1, 1, 0, 0, 7, 1, tzinfo=UTC)
    text = json_format.MessageToDict(Timestamp(seconds=7, nanos=1_999))
    assert codec.validate(PlanRequest, parts | {"current_metrics": {"timestamp": text, "arrival_rate": 0}}) == read


def test_an_unstable_queue_travels_without_infinities() -> None:
    unstable = replace(response().queueing_result, utilization=float("inf"), wait_time=UNBOUNDED)
    sent = travelled(unstable)
    assert to_json(sent)["utilization"] == 1.7976931348623157e308
    assert from_message(type(unstable), to_message(unstable)) == unstable


@settings(max_examples=100)
@given(st.sampled_from(QUESTIONS), st.data())
def test_whatever_bytes_are_sent_there_is_a_question_or_an_error_that_can_be_sent(
    cls: type[Any], data: st.DataObject
) -> None:
    body = bytearray(to_message(fitted(data.draw(objects(cls)))).SerializeToString())
    for place, value in data.draw(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4)):
        body[place % (len(body) + 1) : place % (len(body) + 1) + 1] = bytes([value])
    refused: PlannerError | None = None
    try:
        from_message(cls, message_type(cls).FromString(bytes(body)))
    except DecodeError:
        pass
    except PlannerError as error:
        refused = error
    assert refused is None or status_of(refused).ByteSize() < 8_192


def test_fields_of_a_later_version_are_let_by() -> None:
    later = travelled(SLO(max_backlog=5)).SerializeToString() + b"\xf8\x07\x01"
    assert from_message(SLO, message_type(SLO).FromString(later)) == SLO(max_backlog=5)
