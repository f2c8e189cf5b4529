"""Whatever a scenario says, a simulation has a result that makes sense, or a `PlannerError`."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from capacity_planner import (
    SLO,
    JobTrace,
    PatternType,
    PlannerError,
    ServiceFamily,
    Simulation,
    SimulationScenario,
    Simulator,
    SpikeShape,
    TrafficPattern,
    TrafficSpike,
    codec,
)
from tests.pipeline._scenarios import NOON, plan
from tests.properties.strategies import objects

if TYPE_CHECKING:
    from capacity_planner import CapacityPlan

PROMPT = timedelta(seconds=2)


@given(scenario=objects(SimulationScenario))
def test_any_scenario_ends_in_a_result_or_a_planner_error(scenario: SimulationScenario) -> None:
    try:
        Simulator().simulate(scenario, timeout=PROMPT)
    except PlannerError:
        return


def seconds(least: float, most: float) -> st.SearchStrategy[timedelta]:
    return st.floats(least, most).map(lambda value: timedelta(seconds=value))


@st.composite
def plans(draw: st.DrawFn) -> CapacityPlan:
    steps = draw(st.lists(st.tuples(st.floats(-30, 90), st.integers(0, 40)), max_size=5))
    return plan(
        draw(st.integers(0, 40)),
        *sorted(steps),
        service_time=draw(seconds(0.001, 100)),
        service_time_std=draw(st.none() | seconds(0, 200)),
        startup_delay=draw(seconds(0, 3000)),
        worker_concurrency=draw(st.integers(0, 4)),
        slo=SLO(
            p95_latency=draw(seconds(0, 60)), max_backlog=draw(st.integers(0, 50)), drain_time=draw(seconds(0, 60))
        ),
    )


@st.composite
def arrivals(draw: st.DrawFn, duration: timedelta) -> dict[str, Any]:
    times = st.lists(st.floats(0, 8000), max_size=30).map(sorted).map(tuple)
    if draw(st.booleans()):
        measured = draw(times)
        service = draw(st.just(()) | st.lists(st.floats(0, 50), min_size=1, max_size=30).map(tuple))
        if measured:
            return {"trace": JobTrace(arrival_times=measured, service_times=service)}
        counts = draw(st.lists(st.integers(0, 50), min_size=1, max_size=10).map(tuple))
        interval = duration / len(counts) * draw(st.floats(1.01, 2.0))
        return {"trace": JobTrace(counts=counts, interval=interval, service_times=service)}
    spikes = st.builds(
        TrafficSpike,
        start_time=st.floats(-50, 59).map(lambda minutes: NOON + timedelta(minutes=minutes)),
        duration=seconds(1, 7000),
        magnitude=st.floats(0, 10),
        shape=st.sampled_from(SpikeShape),
    )
    pattern = TrafficPattern(
        type=draw(st.sampled_from(PatternType)),
        base_rate=draw(st.floats(0, 3)),
        amplitude=draw(st.floats(0, 3)),
        period=draw(seconds(0, 7200)),
        trend=draw(st.floats(-3, 3)),
        noise=draw(st.floats(0, 1)),
        rates=draw(st.lists(st.floats(0, 3), min_size=1, max_size=5).map(tuple)),
        spikes=tuple(draw(st.lists(spikes, max_size=2))),
    )
    return {"traffic_pattern": pattern, "batch_size": draw(st.integers(1, 5))}


@st.composite
def scenarios(draw: st.DrawFn) -> SimulationScenario:
    duration = draw(seconds(1, 7200))
    return SimulationScenario(
        name="any",
        plan=draw(plans()),
        duration=duration,
        granularity=min(duration, draw(seconds(1, 3600))),
        initial_backlog=draw(st.integers(0, 300)),
        replications=draw(st.integers(1, 3)),
        service_family=draw(st.sampled_from([ServiceFamily.AUTO, ServiceFamily.EXPONENTIAL])),
        patience=draw(st.just(timedelta(0)) | seconds(0.001, 100)),
        **draw(arrivals(duration)),
    )


@pytest.mark.slow
@given(scenario=scenarios())
@settings(deadline=None, max_examples=50)
def test_the_figures_of_a_simulation_agree_with_each_other(scenario: SimulationScenario) -> None:
    try:
        found = Simulator().simulate(scenario)
    except PlannerError:
        assume(False)  # noqa: FBT003 - a spike outside the time, or a law that cannot be had
    servers = max(scenario.plan.worker_concurrency, 1)
    ever = scenario.plan.current_workers + sum(max(step.delta, 0) for step in scenario.plan.steps)
    total = sum(point.cost for point in found.timeline)
    assert found.summary.total_cost == pytest.approx(total, rel=1e-9, abs=1e-9)
    assert found.summary.max_backlog >= max(point.max_backlog for point in found.timeline) - 1
    for point in found.timeline:
        assert 0.0 <= point.utilization <= 1.0 + 1e-9
        assert point.backlog <= point.max_backlog + 0.5 + 1e-6 * point.max_backlog
        assert point.service_rate <= ever * servers / _mean(scenario) * (1.0 + 1e-6)
        assert point.workers >= 0
    arrived = sum(point.arrival_rate * _length(found, number) for number, point in enumerate(found.timeline))
    assert arrived == pytest.approx(found.summary.jobs, abs=0.51)
    assert found.summary.abandoned <= found.summary.jobs
    assert 0.0 <= found.slo_analysis.risk_score <= 1.0
    assert found.slo_analysis.risk_score >= 1.0 - found.summary.slo_achievement - 1e-9
    assert codec.decode(Simulation, codec.dumps(found)) == found


def _mean(scenario: SimulationScenario) -> float:
    times = scenario.trace.service_times if scenario.trace else ()
    return math.fsum(times) / len(times) if times else scenario.plan.service_time.total_seconds()


def _length(found: Simulation, number: int) -> float:
    starts = [point.timestamp for point in found.timeline]
    end = starts[0] + found.scenario.duration if number + 1 == len(starts) else starts[number + 1]
    return (end - starts[number]).total_seconds()
