"""A scenario that cannot be simulated is refused before any work, with all that is wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner import (
    JobTrace,
    PatternType,
    PlannerError,
    Simulator,
    SpikeShape,
    TrafficPattern,
    TrafficSpike,
    codec,
)
from tests.pipeline._scenarios import HOUR, MINUTE, NOON, plan, scenario, steady

if TYPE_CHECKING:
    from capacity_planner import SimulationScenario


def spike(start: datetime, duration: timedelta) -> TrafficSpike:
    return TrafficSpike(start_time=start, duration=duration, magnitude=3.0, shape=SpikeShape.BELL)


OWN = JobTrace(arrival_times=(1.0,), service_times=(1.0,))
MANY = (spike(NOON, HOUR),) * 1001


def problems(given: Any) -> dict[str, str]:
    with pytest.raises(PlannerError) as caught:
        Simulator().validate_scenario(given)
    assert caught.value.code == "CONFIG_INVALID"
    found = {item["field"].removeprefix("scenario."): item["message"] for item in caught.value.details["errors"]}
    assert caught.value.details["field"] == f"scenario.{next(iter(found))}"
    return found


@pytest.mark.parametrize(
    ("given", "field", "remedy"),
    [
        (scenario(60, duration=timedelta(0)), "duration", "above"),
        (scenario(60, duration=-HOUR), "duration", "above"),
        (scenario(60, granularity=timedelta(0)), "granularity", "above"),
        (scenario(60, granularity=2 * HOUR), "granularity", "shorter"),
        (scenario(60, granularity=timedelta(milliseconds=1)), "granularity", "longer"),
        (scenario(60, start=NOON.replace(tzinfo=None)), "start", "time zone"),
        (scenario(60, start=NOON.replace(year=8999), duration=9000 * HOUR, granularity=HOUR), "duration", "8999"),
        (scenario(60, traffic_pattern=None), "traffic_pattern", "Give one"),
        (scenario(60, traffic_pattern=TrafficPattern(type=PatternType.CUSTOM)), "traffic_pattern.rates", "Give"),
        (scenario(60, traffic_pattern=steady(float("nan"))), "traffic_pattern.base_rate", "finite"),
        (scenario(60, plan=plan(60, service_time=timedelta(0))), "service_time", "Give the mean"),
        (scenario(60, service_family="gamma"), "service_family", "service_time_std"),
        (scenario(2_000_000), "plan.current_workers", "1,000,000"),
        (scenario(60, (5, 2_000_000)), "plan.current_workers", "1,000,000"),
        (scenario(60, rate=3e8), "duration", "Simulate a shorter time"),
        (scenario(60, initial_backlog=10**12), "initial_backlog", "smaller"),
        (scenario(60, rate=1e3, duration=1000 * HOUR, granularity=HOUR, replications=1000), "duration", "jobs"),
        (scenario(60, trace=JobTrace(arrival_times=(3.0, 1.0))), "trace.arrival_times", "Sort"),
        (scenario(60, trace=JobTrace(counts=(3, 1))), "trace.interval", "60s"),
        (scenario(60, trace=JobTrace(counts=(3,), interval=HOUR, arrival_times=(1.0,))), "trace.counts", "one of"),
        (scenario(60, trace=JobTrace(arrival_times=(1.0,), service_times=(0.0,))), "trace.service_times", "measured"),
        (scenario(60, trace=JobTrace(arrival_times=(1.0,)), batch_size=3), "batch_size", "Leave it out"),
        (scenario(60, trace=JobTrace(arrival_times=(3600.0,))), "trace.arrival_times", "start"),
        (scenario(60, trace=JobTrace(counts=(3,), interval=MINUTE)), "trace.counts", "Shorten it"),
        (scenario(60, trace=JobTrace(counts=(10**15,) * 36_000, interval=MINUTE / 600)), "duration", "jobs"),
        (
            scenario(60, trace=JobTrace(arrival_times=(1.0,), service_times=(1.0,)), replications=2),
            "replications",
            "one",
        ),
        (scenario(60, replications=10_000, granularity=timedelta(seconds=1)), "replications", "fewer"),
        (scenario(0, *((minute, minute % 2 * 900_000) for minute in range(1, 59))), "plan.steps", "a part"),
        (
            scenario(60, traffic_pattern=steady(1.0, spikes=MANY)),
            "traffic_pattern.spikes",
            "rates",
        ),
        (scenario(60, traffic_pattern=steady(1.0), trace=JobTrace(arrival_times=(1.0,))), "traffic_pattern", "one of"),
    ],
)
def test_what_does_not_fit_is_told_with_its_remedy(given: SimulationScenario, field: str, remedy: str) -> None:
    found = problems(given)
    assert list(found) == [field]
    assert remedy in found[field]


@pytest.mark.parametrize(
    ("start", "duration", "inside"),
    [
        (NOON + HOUR, HOUR, False),
        (NOON - HOUR, HOUR, False),
        (NOON - HOUR, HOUR + MINUTE, True),
        (NOON + 59 * MINUTE, HOUR, True),
    ],
)
def test_a_spike_must_touch_the_simulated_time(start: datetime, duration: timedelta, *, inside: bool) -> None:
    given = scenario(60, traffic_pattern=steady(25.0, spikes=(spike(NOON, HOUR), spike(start, duration))))
    if inside:
        Simulator().validate_scenario(given)
    else:
        assert "traffic_pattern.spikes.1.start_time" in problems(given)


def test_all_problems_are_told_at_once_whatever_their_kind() -> None:
    far = steady(25.0, spikes=(spike(NOON + 9 * HOUR, HOUR),))
    given = scenario(60, traffic_pattern=far, granularity=2 * HOUR, plan=plan(60, service_time=timedelta(0)))
    assert set(problems(given)) == {"granularity", "traffic_pattern.spikes.0.start_time", "service_time"}
    wrong = {**codec.encode(given), "seed": -1, "replications": 0}
    assert set(problems(wrong)) == {
        *("seed", "replications", "granularity"),
        *("traffic_pattern.spikes.0.start_time", "service_time"),
    }


def test_what_depends_on_a_field_that_cannot_be_read_is_not_guessed() -> None:
    given = scenario(60, granularity=2 * HOUR, traffic_pattern=None)
    assert set(problems(replace(given, duration=timedelta(0)))) == {"duration", "traffic_pattern"}


@pytest.mark.parametrize("given", [None, 3, "scenario", [], {}, {"nonsense": 1}, {"plan": {"id": 3}}])
def test_what_is_no_scenario_is_refused(given: Any) -> None:
    with pytest.raises(PlannerError, match=r"scenario|nonsense|name") as caught:
        Simulator().validate_scenario(given)
    assert caught.value.code == "CONFIG_INVALID"


def test_a_scenario_may_come_as_json_gives_it() -> None:
    given = scenario(60, (5, 80))
    assert Simulator().simulate(codec.encode(given)).timeline == Simulator().simulate(given).timeline


def test_validating_takes_no_time_even_for_the_largest_scenario() -> None:
    Simulator().validate_scenario(scenario(1000, rate=1e5, duration=24 * HOUR))


def test_noise_that_would_be_drawn_too_often_is_refused() -> None:
    restless = steady(1.0, noise=0.1, noise_period=timedelta(milliseconds=1))
    assert "Make it longer" in problems(scenario(60, traffic_pattern=restless))["traffic_pattern.noise_period"]
