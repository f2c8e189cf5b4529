"""What the tests of the store keep in it, short to write."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from capacity_planner import (
    SLO,
    CapacityPlan,
    CostAnalysis,
    Metrics,
    PlanResponse,
    QueueingResult,
    ScalingAction,
    ScalingStep,
)
from capacity_planner.domain.review import PlanOutcome
from capacity_planner.domain.scaling import Decision, Order, PlanRecord, ScalingRecord

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LEASE = timedelta(seconds=15)
QUEUE = "emails"


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


def sample(minutes: float = 0, queue: str = QUEUE, **rest: Any) -> Metrics:
    """A sample so many minutes after noon."""
    values = {"arrival_rate": 10.0, "service_time": SECOND, "current_workers": 12, **rest}
    return Metrics(timestamp=NOON + minutes * MINUTE, queue_name=queue, **values)


def record(plan_id: str, minutes: float = 0, queue: str = QUEUE, **rest: Any) -> PlanRecord:
    """A plan that was made and recorded so many minutes after noon."""
    at = NOON + minutes * MINUTE
    response = PlanResponse(
        plan=_plan(plan_id, at, queue), forecast=(), queueing_result=_result(), generation_time=SECOND
    )
    return PlanRecord(**{"response": response, "decision": Decision.RECOMMENDED, "recorded_at": at, **rest})


def order(plan_id: str, sequence: int = 1, due: float = 0, queue: str = QUEUE, **rest: Any) -> Order:
    """A step of a plan that is due so many minutes after noon."""
    values = {
        "id": f"{plan_id}/{sequence}",
        "plan_id": plan_id,
        "queue_name": queue,
        "sequence": sequence,
        "due": NOON + due * MINUTE,
        "expires": NOON + (due + 10) * MINUTE,
        "from_workers": 12,
        "to_workers": 15,
        **rest,
    }
    return Order(**values)


def scaling(minutes: float = 0, queue: str = QUEUE, **rest: Any) -> ScalingRecord:
    """What was scaled so many minutes after noon."""
    return ScalingRecord(
        **{"queue_name": queue, "at": NOON + minutes * MINUTE, "from_workers": 12, "to_workers": 15, **rest}
    )


def outcome(plan_id: str, minutes: float = 0, queue: str = QUEUE, **rest: Any) -> PlanOutcome:
    """What became of a plan."""
    values = {
        "plan_id": plan_id,
        "queue_name": queue,
        "generated_at": NOON + minutes * MINUTE,
        "forecast_window": HOUR,
        "confidence": 0.9,
        "target_workers": 15,
        "slo_achievable": True,
        "judged": True,
        "kept": True,
        **rest,
    }
    return PlanOutcome(**values)


def named(given: PlanRecord, queue: str) -> PlanRecord:
    """The same plan of another queue."""
    plan = replace(given.response.plan, queue_name=queue)
    return replace(given, response=replace(given.response, plan=plan))


def _plan(plan_id: str, at: datetime, queue: str) -> CapacityPlan:
    step = ScalingStep(
        sequence=1,
        scheduled_at=at,
        action=ScalingAction.SCALE_UP,
        from_workers=12,
        to_workers=15,
        delta=3,
        rationale="More is to come.",
        estimated_cost=1.5,
        confidence=0.93,
        cooldown_until=at + 3 * MINUTE,
    )
    return CapacityPlan(
        id=plan_id,
        generated_at=at,
        current_workers=12,
        target_workers=15,
        delta=3,
        steps=(step,),
        confidence=0.93,
        cost_impact=CostAnalysis(
            current_cost_per_hour=1.2,
            projected_cost_per_hour=1.5,
            delta_cost_per_hour=0.3,
            monthly_cost_delta=219.0,
            violation_cost_risk=0.01,
            net_benefit=0.7,
            payback_period=HOUR,
        ),
        slo_achievable=True,
        rationale="As many as the forecast asks for.",
        forecast_window=HOUR,
        safety_margin=0.15,
        valid_until=at + 5 * MINUTE,
        queue_name=queue,
        slo=SLO(p95_latency=8 * SECOND),
        service_time=SECOND,
    )


def _result() -> QueueingResult:
    return QueueingResult(
        utilization=0.7,
        queue_length=0.2,
        wait_time=timedelta(milliseconds=20),
        response_time=timedelta(milliseconds=1020),
        p95_response_time=3 * SECOND,
        probability_of_wait=0.1,
        throughput=10.0,
        capacity=15.0,
        model="mmc",
        confidence=1.0,
    )
