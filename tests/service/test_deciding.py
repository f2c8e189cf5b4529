"""What becomes of a plan: every condition of acting by itself, and what falls with the decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from capacity_planner import SLO, CapacityPlanner, Metrics, PlannerConfig, PlanRequest
from capacity_planner.domain.plan import CapacityPlan, ScalingAction
from capacity_planner.domain.queues import Mode, QueueSettings
from capacity_planner.domain.scaling import Decision, Reason
from capacity_planner.errors import ErrorCode
from capacity_planner.service.deciding import Ruling, changes, orders_of, rule, stale_after

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
CONFIG = PlannerConfig(scale_up_cooldown=timedelta(minutes=1), max_step_size=5)
AUTO = QueueSettings(queue_name="emails", mode=Mode.AUTO)


def planned(workers: int, config: PlannerConfig = CONFIG, rate: float = 10.0) -> CapacityPlan:
    metrics = Metrics(
        timestamp=NOON,
        arrival_rate=rate,
        service_time=timedelta(seconds=1),
        current_workers=workers,
        queue_name="emails",
    )
    request = PlanRequest(current_metrics=metrics, slo=SLO(p95_latency=timedelta(seconds=5)))
    return CapacityPlanner(config).generate_plan(request).plan


GOOD = replace(planned(8), confidence=0.9, slo_achievable=True)
FRESH = timedelta(minutes=1)


def test_a_sure_plan_that_keeps_the_slo_on_fresh_data_is_applied() -> None:
    assert rule(GOOD, AUTO, CONFIG, age=FRESH) == Ruling(Decision.APPLIED)


@pytest.mark.parametrize(
    ("queue", "plan", "blocked", "age", "reason", "words"),
    [
        (replace(AUTO, mode=Mode.MANUAL), GOOD, None, FRESH, Reason.MANUAL_MODE, "a person applies"),
        (replace(AUTO, mode=Mode.ADVISORY), GOOD, None, FRESH, Reason.ADVISORY_MODE, "only recommended"),
        (AUTO, GOOD, None, timedelta(minutes=15, seconds=1), Reason.STALE_DATA, "more than stale_after 15m"),
        (AUTO, GOOD, ErrorCode.COOLDOWN_ACTIVE, FRESH, Reason.COOLDOWN, "COOLDOWN_ACTIVE"),
        (AUTO, GOOD, ErrorCode.ANOMALY_DETECTED, FRESH, Reason.ANOMALY, "ANOMALY_DETECTED"),
        (AUTO, replace(GOOD, slo_achievable=False), None, FRESH, Reason.SLO_UNACHIEVABLE, "best_effort"),
        (AUTO, replace(GOOD, confidence=0.849), None, FRESH, Reason.LOW_CONFIDENCE, "0.849 is below"),
    ],
)
def test_one_condition_that_fails_makes_it_a_recommendation(
    queue: QueueSettings, plan: CapacityPlan, blocked: ErrorCode | None, age: timedelta, reason: Reason, words: str
) -> None:
    ruling = rule(plan, queue, CONFIG, blocked=blocked, age=age)
    assert (ruling.decision, ruling.reason) == (Decision.RECOMMENDED, reason)
    assert words in ruling.explanation


def test_confidence_at_the_threshold_is_enough() -> None:
    assert rule(replace(GOOD, confidence=0.85), AUTO, CONFIG, age=FRESH).decision is Decision.APPLIED


def test_best_effort_applies_a_plan_that_cannot_keep_the_slo_whatever_its_confidence() -> None:
    plan = replace(GOOD, slo_achievable=False, confidence=0.1)
    assert rule(plan, replace(AUTO, best_effort=True), CONFIG, age=FRESH).decision is Decision.APPLIED


def test_best_effort_adds_workers_on_a_doubtful_plan_and_does_not_remove_them() -> None:
    doubtful, brave = replace(GOOD, confidence=0.5), replace(AUTO, best_effort=True)
    assert GOOD.delta > 0
    assert rule(doubtful, brave, CONFIG, age=FRESH).decision is Decision.APPLIED
    shrinking = replace(doubtful, delta=-3)
    assert rule(shrinking, brave, CONFIG, age=FRESH).reason is Reason.LOW_CONFIDENCE


@pytest.mark.parametrize(("mode", "falls"), [(Mode.AUTO, "all"), (Mode.MANUAL, "none"), (Mode.ADVISORY, "none")])
def test_a_plan_that_changes_nothing_is_neither_applied_nor_recommended(mode: Mode, falls: str) -> None:
    config = PlannerConfig(min_workers=12, max_workers=12)
    plan = planned(12, config)
    assert not changes(plan)
    ruling = rule(plan, replace(AUTO, mode=mode), config, age=FRESH)
    assert (ruling.decision, ruling.supersede) == (Decision.UNCHANGED, falls)


def test_stale_after_is_three_intervals_where_it_is_not_set() -> None:
    assert stale_after(AUTO, CONFIG) == timedelta(minutes=15)
    assert stale_after(replace(AUTO, stale_after=timedelta(minutes=2)), CONFIG) == timedelta(minutes=2)


@pytest.mark.parametrize(
    ("decision", "reason", "falls"),
    [
        (Decision.APPLIED, Reason.NONE, "all"),
        (Decision.UNCHANGED, Reason.NONE, "all"),
        (Decision.RECOMMENDED, Reason.ANOMALY, "all"),
        (Decision.RECOMMENDED, Reason.LOW_CONFIDENCE, "down"),
        (Decision.RECOMMENDED, Reason.SLO_UNACHIEVABLE, "down"),
        (Decision.RECOMMENDED, Reason.COOLDOWN, "none"),
        (Decision.RECOMMENDED, Reason.STALE_DATA, "none"),
        (Decision.RECOMMENDED, Reason.MANUAL_MODE, "none"),
    ],
)
def test_which_orders_of_earlier_plans_fall(decision: Decision, reason: Reason, falls: str) -> None:
    assert Ruling(decision, reason).supersede == falls


def test_every_step_that_changes_something_becomes_an_order_at_its_time() -> None:
    plan = planned(2, rate=20.0)
    orders = orders_of(plan)
    assert len(orders) == len(plan.steps) > 2
    for order, step in zip(orders, plan.steps, strict=True):
        assert (order.due, order.from_workers, order.to_workers) == (
            step.scheduled_at,
            step.from_workers,
            step.to_workers,
        )
        assert order.id == f"{plan.id}/{step.sequence}"
        assert order.expires == plan.generated_at + plan.forecast_window
    assert orders_of(replace(plan, steps=(replace(plan.steps[0], action=ScalingAction.NO_CHANGE),))) == ()
