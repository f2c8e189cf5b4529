"""How a simulation is called, watched and stopped."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from capacity_planner import (
    PlannerConfig,
    PlannerError,
    Simulation,
    Simulator,
)
from capacity_planner.simulation.tiers import COMPILER
from tests.pipeline._scenarios import HOUR, scenario, steady

if TYPE_CHECKING:
    from capacity_planner import SimulationScenario

SECOND = timedelta(seconds=1)


def run(given: SimulationScenario, **config: float) -> Simulation:
    return Simulator(PlannerConfig(**config) if config else None).simulate(given)  # type: ignore[arg-type]


@pytest.mark.parametrize("threads", [-1, 0, "2", 1.5])
def test_threads_that_cannot_be_are_refused(threads: int) -> None:
    with pytest.raises(PlannerError, match="threads is"):
        Simulator(threads=threads)


def test_progress_that_cannot_be_called_is_refused() -> None:
    with pytest.raises(PlannerError, match="progress is 3"):
        Simulator().simulate(scenario(60), progress=3)  # type: ignore[arg-type]


def test_the_id_knows_the_prices() -> None:
    assert run(scenario(60)).id != run(scenario(60), worker_cost_per_hour=7.0).id


def test_the_same_seed_has_the_same_result_and_the_same_id_on_any_number_of_threads() -> None:
    given = scenario(60, (20, 70), replications=4, seed=7, traffic_pattern=steady(25.0, noise=0.2))
    first = Simulator(threads=1).simulate(given)
    second = Simulator(threads=3).simulate(given)
    assert (first.id, first.timeline, first.summary) == (second.id, second.timeline, second.summary)
    other = Simulator().simulate(replace(given, seed=8))
    assert other.id != first.id
    assert other.timeline != first.timeline


def test_the_seed_of_the_configuration_counts_where_the_scenario_has_none() -> None:
    assert run(scenario(60), seed=3).timeline == run(scenario(60, seed=3)).timeline


def test_two_plans_meet_the_same_arrivals() -> None:
    few, many = run(scenario(52, replications=2)), run(scenario(90, (30, 70), replications=2))
    assert [point.arrival_rate for point in few.timeline] == [point.arrival_rate for point in many.timeline]


def test_more_workers_never_make_it_slower() -> None:
    found = [run(scenario(workers)).summary.p95_latency for workers in (45, 52, 60, 80)]
    assert found == sorted(found, reverse=True)


def test_one_replication_has_no_confidence_interval_and_several_have_one_each() -> None:
    assert run(scenario(60)).confidence_intervals == ()
    found = run(scenario(55, replications=8))
    for item in found.confidence_intervals:
        assert item.lower <= item.mean <= item.upper
        assert item.level == 0.95
    assert {item.measure for item in found.confidence_intervals} == set(type(found.summary).__dataclass_fields__)


def test_progress_rises_to_one() -> None:
    told: list[float] = []
    Simulator().simulate(scenario(60, replications=10, traffic_pattern=steady(25.0, noise=1.0)), progress=told.append)
    assert told == sorted(told)
    assert 3 < len(told) <= 101
    assert told[-1] == 1.0
    assert told.count(1.0) == 1


def test_what_progress_raises_stops_the_simulation() -> None:
    def cancel(share: float) -> None:
        if share > 0.2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Simulator().simulate(scenario(60, replications=10), progress=cancel)


@pytest.mark.skipif(COMPILER.wait() is None, reason="replications share threads where Numba is installed")
def test_whichever_thread_fails_the_caller_is_told_why() -> None:
    def cancel(share: float) -> None:
        if share > 0.3:
            raise KeyboardInterrupt

    given = scenario(90, rate=40.0, replications=8)
    for _ in range(20):
        with pytest.raises(KeyboardInterrupt):
            Simulator(threads=4).simulate(given, progress=cancel)


@pytest.mark.parametrize("limit", [0.0, 0.05, 0.3])
def test_a_simulation_stops_soon_after_its_time_is_up(limit: float) -> None:
    given = scenario(2000, rate=1000.0, duration=100 * HOUR, granularity=HOUR)
    began = time.monotonic()
    with pytest.raises(PlannerError) as caught:
        Simulator().simulate(given, timeout=timedelta(seconds=limit))
    assert caught.value.code == "FORECAST_FAILED"
    assert caught.value.details["timed_out"]
    assert "duration" in caught.value.message
    assert time.monotonic() - began < limit + 1.0  # the benchmark has the true figure


def test_threads_may_share_a_simulator() -> None:
    simulator, expected, found = Simulator(), run(scenario(60, replications=2)), list[Simulation]()
    work = [
        threading.Thread(target=lambda: found.append(simulator.simulate(scenario(60, replications=2)))) for _ in "1234"
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert all(item.timeline == expected.timeline for item in found)
    assert len(found) == 4


def test_the_runtime_is_reckoned_before_the_run() -> None:
    given = scenario(60, duration=10 * HOUR, replications=3)
    assert timedelta(0) < Simulator().estimate_runtime(given) < 30 * SECOND
    with pytest.raises(PlannerError):
        Simulator().estimate_runtime(replace(given, granularity=11 * HOUR))
