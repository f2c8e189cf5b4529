"""Calls that go on: a history that is sent again is checked once, and samples come more often than intervals end."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from capacity_planner import (
    SLO,
    CapacityPlanner,
    ErrorCode,
    Forecaster,
    Metrics,
    PlannerConfig,
    PlannerError,
    PlanRequest,
    PlanResponse,
    codec,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
MINUTE, FIVE, HOUR = timedelta(minutes=1), timedelta(minutes=5), timedelta(hours=1)
TARGET = SLO(p95_latency=timedelta(seconds=10))


def sample(rate: float, at: datetime, **facts: Any) -> Metrics:
    return Metrics(
        timestamp=at, arrival_rate=rate, service_time=timedelta(seconds=2), current_workers=30, queue_name="q", **facts
    )


def traffic(count: int, spacing: timedelta = FIVE) -> list[Metrics]:
    """Poisson counts, the last of them at noon."""
    seconds = spacing.total_seconds()
    rates = np.random.default_rng(1).poisson(10.0 * seconds, count) / seconds
    return [sample(rate, NOON - (count - 1 - at) * spacing) for at, rate in enumerate(rates.tolist())]


def asked(planner: CapacityPlanner, history: Any, now: Metrics) -> PlanResponse:
    """The plan, or what is said of it where it is to be reviewed."""
    try:
        return planner.generate_plan(PlanRequest(current_metrics=now, slo=TARGET, history=history))
    except PlannerError as error:
        if not isinstance(error.response, PlanResponse):
            raise
        return error.response


def same(one: PlanResponse, other: PlanResponse) -> None:
    assert replace(one, generation_time=MINUTE, cache_hit=False) == replace(
        other, generation_time=MINUTE, cache_hit=False
    )


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many samples of a history are checked with every request."""
    counts, check = list[int](), codec.validate

    def counted(kind: Any, value: Any, **more: Any) -> Any:
        if kind is PlanRequest:
            counts.append(len(value.history or ()))
        return check(kind, value, **more)

    monkeypatch.setattr(codec, "validate", counted)
    return counts


# --- a history that is sent again ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [tuple, list])
def test_a_history_that_grows_is_planned_for_as_one_of_which_nothing_is_known(kind: type) -> None:
    """To another planner the same samples are new objects with every call."""
    samples, planner, other = traffic(60), CapacityPlanner(), CapacityPlanner()
    for count in range(50, 60):
        found = asked(planner, kind(samples[:count]), samples[count])
        same(found, asked(other, kind(map(replace, samples[:count])), samples[count]))


def test_a_window_that_moves_on_is_checked_at_its_new_end_alone(checks: list[int]) -> None:
    samples, planner = traffic(60), CapacityPlanner()
    for begin in range(10):
        asked(planner, samples[begin : begin + 40], samples[begin + 45])
    assert checks[2:] == [1] * 8


def test_a_history_that_is_sent_twice_is_checked_once(checks: list[int]) -> None:
    samples, planner = traffic(60), CapacityPlanner()
    for _ in range(2):
        asked(planner, tuple(samples[:50]), samples[50])
    assert checks == [50, 0]


def test_equal_samples_that_are_other_objects_are_checked_and_planned_for_alike(checks: list[int]) -> None:
    samples, planner = traffic(60), CapacityPlanner()
    found = [asked(planner, tuple(map(replace, samples[:50])), samples[50]) for _ in range(3)]
    assert checks == [50, 50, 50]
    same(found[0], found[2])


@pytest.mark.parametrize("place", [0, 20, 50])
@pytest.mark.parametrize("bad", [{"arrival_rate": -1.0}, {"utilization": 75.0}, {"current_workers": -3}])
def test_a_bad_sample_among_known_ones_is_refused_with_its_place(place: int, bad: dict[str, Any]) -> None:
    samples = traffic(60)
    planner = CapacityPlanner()
    for _ in range(2):
        asked(planner, tuple(samples[:50]), samples[50])
    history = [*samples[:place], replace(samples[place], **bad), *samples[place:50]]
    errors = []
    for one in (planner, CapacityPlanner()):
        with pytest.raises(PlannerError) as caught:
            asked(one, history, samples[50])
        errors.append(caught.value)
    assert errors[0].code is ErrorCode.INVALID_METRICS
    assert (str(errors[0]), errors[0].details) == (str(errors[1]), errors[1].details)
    assert (f"history.{place}." in str(errors[0])) or "utilization" in bad
    same(asked(planner, samples[:50], samples[51]), asked(CapacityPlanner(), samples[:50], samples[51]))


def test_a_sample_of_another_queue_among_known_ones_is_refused() -> None:
    samples, planner = traffic(60), CapacityPlanner()
    for _ in range(2):
        asked(planner, samples[:50], samples[50])
    with pytest.raises(PlannerError, match="queue"):
        asked(planner, [*samples[:49], replace(samples[49], queue_name="other")], samples[50])


def test_another_sample_in_the_place_of_a_known_one_is_noticed() -> None:
    samples, planner = traffic(60), CapacityPlanner()
    history = samples[:50]
    for _ in range(2):
        before = asked(planner, history, samples[50])
    for place in range(40, 50):
        history[place] = replace(history[place], arrival_rate=30.0)
    found = asked(planner, history, samples[50])
    same(found, asked(CapacityPlanner(), history, samples[50]))
    assert found.forecast != before.forecast


def as_json(samples: Sequence[Metrics]) -> list[dict[str, Any]]:
    return [json.loads(codec.dumps(one)) for one in samples]


def test_samples_as_json_has_them_are_planned_for_alike() -> None:
    samples, planner = traffic(60), CapacityPlanner()
    history = as_json(samples[:50])
    for _ in range(3):
        same(asked(planner, history, samples[50]), asked(CapacityPlanner(), samples[:50], samples[50]))


def test_a_mapping_that_was_changed_is_noticed() -> None:
    samples, planner = traffic(60), CapacityPlanner()
    history = as_json(samples[:50])
    for _ in range(2):
        asked(planner, history, samples[50])
    history[7]["arrival_rate"] = -1.0
    with pytest.raises(PlannerError, match=r"history\.7"):
        asked(planner, history, samples[50])


def test_queues_do_not_share_what_is_known() -> None:
    """The same objects for a queue of another name are samples of a stranger."""
    samples, planner = traffic(60), CapacityPlanner()
    for _ in range(2):
        asked(planner, samples[:50], samples[50])
    with pytest.raises(PlannerError, match="queue"):
        asked(planner, samples[:50], replace(samples[50], queue_name="other"))


def test_zeros_of_go_mean_unknown_however_often_they_are_sent() -> None:
    samples, planner = traffic(60), CapacityPlanner()
    history = [replace(one, service_time_p95=timedelta(0), service_time_std=timedelta(0)) for one in samples[:50]]
    now = replace(samples[50], service_time=timedelta(0))
    for _ in range(3):
        same(asked(planner, history, now), asked(CapacityPlanner(), history, now))


# --- samples each minute, intervals of five --------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["ewma", "auto"])
@pytest.mark.parametrize("seconds", [60, 20, 45])
def test_samples_more_often_than_intervals_end_are_forecast_as_by_a_fresh_forecaster(model: str, seconds: int) -> None:
    """Every call ends elsewhere in an interval of the clock: each such phase goes on by itself."""
    samples = traffic(400, timedelta(seconds=seconds))
    config = PlannerConfig(forecast_model=model)
    going_on = Forecaster(config)
    for count in range(300, 320):
        found = going_on.predict(samples[:count], HOUR)
        fresh = Forecaster(config).predict(samples[:count], HOUR)
        for one, other in zip(found, fresh, strict=True):
            assert one.timestamp == other.timestamp
            assert list(one.quantiles.values()) == pytest.approx(list(other.quantiles.values()), rel=1e-9)


def test_a_planner_that_is_asked_each_minute_plans_as_a_fresh_one() -> None:
    samples, planner = traffic(300, MINUTE), CapacityPlanner()
    for count in range(240, 262):
        found, fresh = (asked(one, tuple(samples[:count]), samples[count]) for one in (planner, CapacityPlanner()))
        assert [step.to_workers for step in found.plan.steps] == [step.to_workers for step in fresh.plan.steps]
        rates = [[item.arrival_rate for item in one.forecast] for one in (found, fresh)]
        assert rates[0] == pytest.approx(rates[1], rel=1e-9)


def test_every_phase_is_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a first round of five, no call reads more than the newest interval."""
    from capacity_planner.forecasting._follower import Follower  # noqa: PLC0415 - what is watched

    lengths, read = list[int](), Follower.read

    def watched(self: Follower, rates: Any) -> None:
        lengths.append(rates.shape[1])
        read(self, rates)

    monkeypatch.setattr(Follower, "read", watched)
    samples, planner = traffic(300, MINUTE), CapacityPlanner()
    for count in range(200, 230):
        asked(planner, tuple(samples[:count]), samples[count])
    assert len(lengths) == 30
    assert min(lengths[:5]) > 30
    assert lengths[5:] == [1] * 25


def test_many_queues_are_planned_in_one_call_and_an_error_keeps_none_from_its_plan() -> None:
    samples = [replace(item, queue_name=f"q{at}") for at, item in enumerate(traffic(2))]
    good = [PlanRequest(current_metrics=item, slo=TARGET) for item in samples]
    bad = PlanRequest(current_metrics=replace(sample(1.0, NOON), arrival_rate=-1.0), slo=TARGET)
    first, failed, last = CapacityPlanner().generate_plans([good[0], bad, good[1]])
    assert isinstance(failed, PlannerError)
    assert failed.code == "INVALID_METRICS"
    for answer, request in ((first, good[0]), (last, good[1])):
        assert isinstance(answer, PlanResponse)
        assert answer.plan == CapacityPlanner().generate_plan(request).plan


def test_of_many_queues_those_that_were_not_reached_in_time_say_so() -> None:
    asked = [PlanRequest(current_metrics=item, slo=TARGET) for item in traffic(2)]
    answers = CapacityPlanner().generate_plans(asked, timeout=timedelta(microseconds=1))
    assert [answer.code for answer in answers if isinstance(answer, PlannerError)] == ["FORECAST_FAILED"] * 2


def test_what_is_no_list_of_requests_is_refused() -> None:
    with pytest.raises(PlannerError, match="requests is None") as refused:
        CapacityPlanner().generate_plans(None)  # type: ignore[arg-type]
    assert refused.value.code == "CONFIG_INVALID"
