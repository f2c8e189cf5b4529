"""The specification's two worked examples, with every number worked out by hand."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from capacity_planner import SLO, CapacityPlanner, ErrorCode, Metrics, PlannerConfig, PlannerError, PlanRequest

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
FIVE_MINUTES = timedelta(minutes=5)

# `GeneratePlan`'s example: 25.5 jobs/s x 2 s on 10 workers, p95 ≤ 5 s, default configuration.
FIRST = PlanRequest(
    queue_name="high-priority-jobs",
    current_metrics=Metrics(
        timestamp=NOON,
        arrival_rate=25.5,
        service_time=timedelta(seconds=2),
        current_workers=10,
        utilization=0.75,
        backlog=150,
    ),
    slo=SLO(p95_latency=timedelta(seconds=5), max_backlog=500, error_budget=0.01),
)

# "Basic Capacity Planning": 15.3 jobs/s x 3 s on 8 workers, p95 ≤ 10 s, at most 50 workers in steps of 10.
SECOND = PlanRequest(
    queue_name="image-processing",
    current_metrics=Metrics(
        timestamp=NOON,
        arrival_rate=15.3,
        service_time=timedelta(seconds=3),
        current_workers=8,
        utilization=0.72,
        backlog=120,
        queue_name="image-processing",
    ),
    slo=SLO(p95_latency=timedelta(seconds=10), max_backlog=500, error_budget=0.02, availability=0.995),
    config=PlannerConfig(
        forecast_window=timedelta(minutes=60),
        forecast_model="ewma",
        safety_margin=0.15,
        confidence_threshold=0.85,
        max_step_size=10,
        cooldown_period=timedelta(minutes=5),
        min_workers=2,
        max_workers=50,
        queueing_model="mmc",
        scale_up_threshold=0.80,
        scale_down_threshold=0.60,
    ),
)


def test_the_first_example_is_staffed_as_well_as_can_be_and_warns() -> None:
    """a = 25.5 x 2 = 51 erlang on 10 workers; the p95 of exponential service alone is 2 ln 20 = 5.991 s > 5 s."""
    response = CapacityPlanner().generate_plan(FIRST)
    plan = response.plan
    first = plan.required[0]
    assert first.arrival_rate == pytest.approx(25.5)
    assert first.offered_load == pytest.approx(first.demand_rate * 2.0, rel=0.01)
    assert 2 * math.log(20) > 5

    codes = [warning.code for warning in response.warnings]
    assert ErrorCode.SLO_UNACHIEVABLE in codes
    said = response.warnings[codes.index(ErrorCode.SLO_UNACHIEVABLE)].message
    assert "5.991s" in said
    assert "exponential" in said
    assert "6.052s" in said  # 5.99146/0.99: where more workers improve the p95 by less than 1 %
    assert "51 erlang" in plan.rationale
    assert not plan.slo_achievable
    assert plan.confidence == 0.0


def test_the_first_example_climbs_by_fifteen_every_five_minutes() -> None:
    plan = CapacityPlanner().generate_plan(FIRST).plan
    levels = [step.to_workers for step in plan.steps]
    assert levels[:4] == [25, 40, 55, 70]
    assert [step.from_workers for step in plan.steps] == [10, *levels[:-1]]
    assert [step.scheduled_at for step in plan.steps] == [NOON + index * FIVE_MINUTES for index in range(len(levels))]
    assert [step.cooldown_until - step.scheduled_at for step in plan.steps] == [FIVE_MINUTES] * len(levels)
    assert plan.target_workers == levels[-1]
    # the median alone: 51/0.8 = 63.75 → 64 for scale_up_threshold; the 85 % quantile needs more
    assert 64 < plan.target_workers < 90


def test_the_first_examples_backlog_is_what_comes_less_what_is_served() -> None:
    """150; at 25, 40, 55, 70 workers of 0.5 jobs/s: +13, +5.5, -2, -9.5 jobs/s for 300 s each."""
    plan = CapacityPlanner().generate_plan(FIRST).plan
    assert [item.backlog for item in plan.required[:5]] == pytest.approx([150.0, 4050.0, 5700.0, 5100.0, 2250.0])


def test_the_first_examples_costs() -> None:
    plan = CapacityPlanner().generate_plan(FIRST).plan
    cost, target = plan.cost_impact, plan.target_workers
    assert cost.current_cost_per_hour == 5.0
    assert cost.projected_cost_per_hour == target * 0.5
    assert cost.delta_cost_per_hour == (target - 10) * 0.5
    assert cost.monthly_cost_delta == pytest.approx((target - 10) * 0.5 * 730)
    assert [step.estimated_cost for step in plan.steps[:4]] == [12.5, 20.0, 27.5, 35.0]


def test_the_second_example_is_held_by_its_maximum_and_warns() -> None:
    """a = 15.3 x 3 = 45.9 erlang; p95 of service alone 3 ln 20 = 8.987 s < 10 s: it could be kept, but not by 50."""
    response = CapacityPlanner().generate_plan(SECOND)
    plan = response.plan
    assert 3 * math.log(20) < 10
    codes = [warning.code for warning in response.warnings]
    assert ErrorCode.CAPACITY_LIMIT_EXCEEDED in codes
    assert ErrorCode.SLO_UNACHIEVABLE not in codes
    said = response.warnings[codes.index(ErrorCode.CAPACITY_LIMIT_EXCEEDED)].message
    assert "max_workers is 50" in said
    assert str(max(item.workers for item in plan.required)) in said or "Raise max_workers" in said
    assert "45.9 erlang" in plan.rationale
    assert not plan.slo_achievable
    # the median load at 80 % utilisation alone asks for 45.9/0.8 = 57.4 → 58
    assert max(item.workers for item in plan.required) >= 58


def test_the_second_example_climbs_to_its_maximum_in_five_steps() -> None:
    plan = CapacityPlanner().generate_plan(SECOND).plan
    assert [step.to_workers for step in plan.steps] == [18, 28, 38, 48, 50]
    assert [step.delta for step in plan.steps] == [10, 10, 10, 10, 2]
    assert [step.scheduled_at for step in plan.steps] == [NOON + index * FIVE_MINUTES for index in range(5)]
    assert (plan.current_workers, plan.target_workers, plan.delta) == (8, 50, 42)
    assert plan.cost_impact.current_cost_per_hour == 4.0
    assert plan.cost_impact.projected_cost_per_hour == 25.0
    assert plan.cost_impact.monthly_cost_delta == 21.0 * 730


def test_the_second_examples_backlog_is_what_comes_less_what_is_served() -> None:
    """120; at 18, 28, 38, 48, 50 workers of 1/3 job/s: +9.3, +5.9667, +2.6333, -0.7 jobs/s for 300 s each."""
    plan = CapacityPlanner().generate_plan(SECOND).plan
    expected = [120.0, 2910.0, 4700.0, 5490.0, 5280.0]
    assert [item.backlog for item in plan.required[:5]] == pytest.approx(expected)


@pytest.mark.parametrize(("request_", "code"), [(FIRST, "SLO_UNACHIEVABLE"), (SECOND, "CAPACITY_LIMIT_EXCEEDED")])
def test_strict_raises_what_is_otherwise_warned_of(request_: PlanRequest, code: str) -> None:
    lenient = CapacityPlanner().generate_plan(request_)
    strict = PlanRequest(
        queue_name=request_.queue_name,
        current_metrics=request_.current_metrics,
        slo=request_.slo,
        config=request_.config,
        strict=True,
    )
    with pytest.raises(PlannerError) as caught:
        CapacityPlanner().generate_plan(strict)
    assert caught.value.code == code
    assert caught.value.response.plan == lenient.plan
    assert caught.value.message in [warning.message for warning in lenient.warnings]


def test_measured_utilisation_that_cannot_be_is_pointed_out() -> None:
    """75 % busy and 25.5 jobs/s x 2 s on 10 workers contradict each other."""
    response = CapacityPlanner().generate_plan(FIRST)
    said = [warning.message for warning in response.warnings if warning.code is ErrorCode.INVALID_METRICS]
    assert len(said) == 1
    assert "75%" in said[0]
