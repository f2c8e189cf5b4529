"""What a simulation tells, and how it ends."""

from __future__ import annotations

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
    found = run(scenario(200, trace=JobTrace(counts=counts, interval=5 * MINUTE), duration=20 * MINUTE))
    assert [round(point.arrival_rate * 300) for point in found.timeline] == list(counts)


def test_of_counts_of_an_interval_that_goes_beyond_the_end_those_before_it_count() -> None:
    found = run(scenario(200, trace=JobTrace(counts=(3600, 3600), interval=HOUR), duration=90 * MINUTE))
    assert found.summary.jobs == pytest.approx(5400, abs=150)
    tenths = JobTrace(counts=(1,) * 36_000, interval=timedelta(milliseconds=100))
    assert run(scenario(60, trace=tenths)).summary.jobs == 36_000


def test_a_target_that_is_met_exactly_is_kept_however_many_jobs_there_are() -> None:
    for rate in (100.0, 300.0):
        made = plan(2000, service_time_std=timedelta(0), slo=SLO(p95_latency=2 * SECOND))
        assert run(scenario(2000, rate=rate, plan=made)).summary.slo_achievement == 1.0


def test_of_two_steps_at_one_instant_the_later_one_counts() -> None:
    assert run(scenario(3, (10, 10), (10, 2), rate=0.1)).timeline[-1].workers == 2


def test_a_plan_that_changes_nothing_has_no_benefit() -> None:
    found = run(scenario(52, (59.9, 53), replications=8))
    assert abs(found.cost_analysis.net_benefit) < 0.1


def test_the_benefit_is_over_the_workers_that_are_there_at_the_start() -> None:
    found = run(scenario(10, (10, 60), start=NOON + 30 * MINUTE))
    assert found.cost_analysis.current_cost_per_hour == 30.0
    assert found.cost_analysis.net_benefit == 0.0


def test_futures_without_jobs_say_nothing_of_latency() -> None:
    found = run(scenario(60, rate=1 / 3600, replications=200))
    mean = next(item for item in found.confidence_intervals if item.measure == "avg_latency")
    assert mean.lower < 2.0 < mean.upper
    assert mean.lower > 1.3


def test_a_share_that_never_varied_is_not_certain() -> None:
    found = run(scenario(90, replications=10))
    kept = next(item for item in found.confidence_intervals if item.measure == "slo_achievement")
    assert (kept.mean, kept.upper) == (1.0, 1.0)
    assert kept.lower == pytest.approx(0.025 ** (1 / 120), abs=1e-12)


def test_where_nobody_is_served_latency_never_ends() -> None:
    found = run(scenario(0, rate=1.0))
    assert found.summary.avg_latency == found.timeline[0].latency == found.timeline[0].p95_latency > 10**5 * HOUR


def test_the_length_of_the_last_interval_counts_in_the_risk() -> None:
    late = JobTrace(arrival_times=(3601.0, 3601.1), service_times=(1.0, 1.0))
    slo = SLO(p95_latency=SECOND + timedelta(milliseconds=100))
    found = run(scenario(1, trace=late, duration=3605 * SECOND, granularity=10 * MINUTE, slo_override=slo))
    assert found.cost_analysis.violation_cost_risk == pytest.approx(100.0 * 5 / 3605)


def test_random_numbers_do_not_depend_on_the_granularity() -> None:
    made = plan(60, service_time_std=4 * SECOND, service_time_p95=7 * SECOND)
    fine, coarse = (run(scenario(60, plan=made, granularity=step)) for step in (SECOND, 20 * MINUTE))
    assert fine.summary.avg_latency == coarse.summary.avg_latency


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
