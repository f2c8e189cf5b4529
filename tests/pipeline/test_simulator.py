"""What a simulation tells, and how it ends."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from capacity_planner import (
    SLO,
    JobTrace,
    PlannerConfig,
    PlannerError,
    Simulation,
    Simulator,
    TrafficSpike,
    codec,
    extract_pattern,
)
from capacity_planner.domain.metrics import Metrics
from capacity_planner.pipeline.calculator import QueueingCalculator
from tests.pipeline._scenarios import HOUR, MINUTE, NOON, plan, scenario, steady

if TYPE_CHECKING:
    from capacity_planner import SimulationScenario

SECOND = timedelta(seconds=1)


def run(given: SimulationScenario, **config: float) -> Simulation:
    return Simulator(PlannerConfig(**config) if config else None).simulate(given)  # type: ignore[arg-type]


def test_the_timeline_has_every_interval_and_the_last_one_may_be_shorter() -> None:
    found = run(scenario(60, duration=62 * MINUTE, granularity=5 * MINUTE)).timeline
    assert [point.timestamp - NOON for point in found] == [i * 5 * MINUTE for i in range(13)]
    assert found[-1].cost == pytest.approx(60 * 0.5 * 2 / 60)


def test_it_begins_where_the_scenario_says_with_the_workers_that_the_plan_has_by_then() -> None:
    found = run(scenario(60, (10, 80), start=NOON + 30 * MINUTE)).timeline
    assert found[0].timestamp == NOON + 30 * MINUTE
    assert {point.workers for point in found} == {80}


def test_a_steady_queue_is_what_queueing_theory_says() -> None:
    found = run(scenario(60, replications=20, duration=5 * HOUR, granularity=HOUR))
    theory = QueueingCalculator().calculate(25.0, 0.5, 60)
    intervals = {item.measure: item for item in found.confidence_intervals}
    slack = 1.0  # a 95 % interval misses one time in twenty; three of them do not
    for name, exact in (
        ("p95_latency", theory.p95_response_time.total_seconds()),
        ("avg_latency", theory.response_time.total_seconds()),
        ("avg_utilization", theory.utilization),
    ):
        item = intervals[name]
        width = item.upper - item.lower
        assert item.lower - slack * width <= exact <= item.upper + slack * width, name


def test_workers_are_paid_from_order_to_end_and_serve_after_their_start_up() -> None:
    given = scenario(60, (10, 80), plan=plan(60, (10, 80), startup_delay=10 * MINUTE), granularity=10 * MINUTE)
    found = run(given).timeline
    assert [point.workers for point in found] == [60, 80, 80, 80, 80, 80]
    assert [round(point.service_rate) for point in found] == [30, 30, 40, 40, 40, 40]
    assert sum(point.cost for point in found) == pytest.approx(0.5 * (60 / 6 + 80 * 5 / 6))


def test_a_start_up_delay_of_the_scenario_counts_before_the_plan_s() -> None:
    made = plan(60, (10, 80), startup_delay=10 * MINUTE)
    found = run(scenario(60, plan=made, startup_delay=timedelta(0), granularity=10 * MINUTE)).timeline
    assert round(found[1].service_rate) == 40


def test_overload_breaks_the_slo_and_costs_what_the_configuration_says() -> None:
    found = run(scenario(40), violation_cost_per_hour=600.0, worker_cost_per_hour=1.0)
    assert found.slo_analysis.latency_compliance < 0.2
    assert found.summary.slo_achievement == found.slo_analysis.availability_achieved
    broken = sum(point.slo_violation for point in found.timeline)
    assert found.summary.slo_violations == broken
    assert found.summary.total_cost == pytest.approx(40.0 + broken * 50.0)
    assert found.cost_analysis.violation_cost_risk == pytest.approx(600.0 * broken / 12)
    assert found.slo_analysis.error_budget_used == float("inf")
    (period,) = found.slo_analysis.violation_periods
    assert (period.type, period.severity) == ("latency", "critical")
    assert period.end == NOON + HOUR
    assert period.duration == broken * 5 * MINUTE
    worst = max(point.p95_latency for point in found.timeline)
    assert period.max_value == pytest.approx(worst.total_seconds(), abs=1e-6)
    assert "against 8s" in period.impact


def test_a_plan_that_helps_has_a_benefit_over_staying() -> None:
    found = run(scenario(40, (5, 70)))
    assert found.cost_analysis.net_benefit > 50.0
    assert found.cost_analysis.payback_period > timedelta(0)
    assert run(scenario(60)).cost_analysis.net_benefit == 0.0


@pytest.mark.parametrize(
    ("slo", "kind", "word"),
    [(SLO(max_backlog=100), "backlog", "100 may"), (SLO(drain_time=MINUTE), "backlog", "to drain, 1m allowed")],
)
def test_a_backlog_is_judged_by_its_length_and_by_how_long_it_takes_to_drain(slo: SLO, kind: str, word: str) -> None:
    found = run(scenario(60, initial_backlog=3000, slo_override=slo))
    period = found.slo_analysis.violation_periods[0]
    assert (period.start, period.type) == (NOON, kind)
    assert word in period.impact
    assert found.slo_analysis.latency_compliance == 1.0
    assert found.timeline[0].max_backlog >= 2940


def test_an_error_budget_is_used_in_proportion() -> None:
    found = run(scenario(60, initial_backlog=1500, slo_override=SLO(p95_latency=8 * SECOND, error_budget=0.5)))
    assert found.slo_analysis.error_budget_used == pytest.approx((1 - found.summary.slo_achievement) / 0.5)


def test_nothing_to_do_and_nobody_to_do_it_are_ordinary() -> None:
    idle = run(scenario(5, rate=0.0))
    assert idle.summary.slo_achievement == 1.0
    assert idle.summary.jobs == 0
    assert idle.summary.avg_utilization == 0.0
    alone = run(scenario(0, rate=1.0))
    assert alone.summary.slo_achievement == 0.0
    assert alone.timeline[-1].max_backlog == alone.summary.jobs
    assert codec.decode(Simulation, codec.dumps(alone)) == alone


def test_jobs_that_lose_patience_never_respond() -> None:
    found = run(scenario(40, patience=10 * SECOND))
    share = found.summary.abandoned / found.summary.jobs
    assert share == pytest.approx(0.2, abs=0.03)  # 25 jobs/s for 20
    assert found.summary.avg_latency < 13 * SECOND
    assert "gave up" in found.slo_analysis.violation_periods[0].impact


def test_measured_jobs_are_replayed_as_they_were() -> None:
    trace = JobTrace(arrival_times=(0.0, 1.0, 2.0, 400.0), service_times=(5.0, 5.0, 5.0, 1.0))
    found = run(scenario(2, trace=trace, slo_override=SLO(p95_latency=7 * SECOND)))
    assert found.summary.jobs == 4
    assert found.timeline[0].p95_latency == 8 * SECOND  # the third waits for the first
    assert found.timeline[1].p95_latency == SECOND
    assert found.timeline[0].latency == timedelta(seconds=6)


def test_counts_are_replayed_exactly_within_their_intervals() -> None:
    counts = (100, 0, 300, 20_000)
    found = run(scenario(200, trace=JobTrace(counts=counts, interval=5 * MINUTE)))
    assert [round(point.arrival_rate * 300) for point in found.timeline[:5]] == [*counts, 0]


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
    Simulator().simulate(scenario(60, replications=10), progress=told.append)
    assert told == sorted(told)
    assert 3 < len(told) <= 101
    assert told[-1] == pytest.approx(1.0, abs=0.02)


def test_what_progress_raises_stops_the_simulation() -> None:
    def cancel(share: float) -> None:
        if share > 0.2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Simulator().simulate(scenario(60, replications=10), progress=cancel)


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


def test_a_what_if_can_begin_with_the_traffic_of_the_past() -> None:
    past = [
        Metrics(timestamp=NOON - 5 * MINUTE * age, arrival_rate=25.0, service_time=2 * SECOND, current_workers=60)
        for age in range(288)
    ]
    found = run(scenario(60, traffic_pattern=extract_pattern(past)))
    assert found.summary.jobs == pytest.approx(90_000, rel=0.02)
    with pytest.raises(PlannerError, match="no samples"):
        extract_pattern([])


def test_a_spike_of_the_specification_s_first_example() -> None:
    spike = TrafficSpike(start_time=NOON + 30 * MINUTE, duration=2 * HOUR, magnitude=5.0, shape="bell")  # type: ignore[arg-type]
    given = scenario(120, (45, 560), (150, 120), duration=6 * HOUR, traffic_pattern=steady(50.0, spikes=(spike,)))
    found = run(given)
    assert max(point.arrival_rate for point in found.timeline) == pytest.approx(250.0, rel=0.03)
    assert found.timeline[0].arrival_rate == pytest.approx(50.0, rel=0.03)
