"""Continuous monitoring: a plan every five minutes, applied where it is sure enough, else left to a person.

A live system waits for each tick and reads its queue; here three quarters of an hour of rates take their place.
"""

import math
from datetime import UTC, datetime, timedelta

from capacity_planner import SLO, CapacityPlan, CapacityPlanner, Metrics, PlannerConfig, PlannerError, PlanRequest

TICK = timedelta(minutes=5)
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
RATES = (25.3, 27.9, 28.6, 27.2, 56.5, 57.0, 28.8, 27.5, 26.4)  # jobs/s; twice the usual at 12:20

config = PlannerConfig(max_step_size=30)
slo = SLO(p95_latency=timedelta(seconds=8), max_backlog=500, error_budget=0.02)


def sample(at: datetime, arrival_rate: float, workers: int) -> Metrics:
    """What the queue says of itself."""
    return Metrics(
        timestamp=at,
        arrival_rate=arrival_rate,
        service_time=timedelta(seconds=2),
        current_workers=workers,
        queue_name="production-queue",
    )


def should_auto_apply(plan: CapacityPlan) -> bool:
    """Whether a step is due now, in a plan that keeps the SLO."""
    step = plan.steps[0]
    return plan.slo_achievable and step.delta != 0 and step.scheduled_at <= plan.generated_at


def continuous_planning(planner: CapacityPlanner, workers: int) -> None:
    """Plan at every tick, and carry out what is due."""
    for tick, rate in enumerate(RATES):
        now = NOON + tick * TICK
        request = PlanRequest(current_metrics=sample(now, rate, workers), slo=slo)
        try:
            plan = planner.generate_plan(request).plan
        except PlannerError as error:
            print(f"{now:%H:%M} Planning failed: {error}")
            continue

        # Auto-apply if confidence is high enough
        if plan.confidence < config.confidence_threshold:
            print(
                f"{now:%H:%M} Plan confidence {plan.confidence:.1%} below threshold "
                f"{config.confidence_threshold:.1%}, manual review required"
            )
        elif should_auto_apply(plan):
            workers = plan.steps[0].to_workers  # here the pool itself is scaled
            planner.record_scaling(workers, now)
            print(f"{now:%H:%M} Auto-scaled to {workers} workers")
        else:
            print(f"{now:%H:%M} {workers} workers will do")


planner = CapacityPlanner(config)
for age in range(48, 0, -1):  # the last four hours
    planner.observe(sample(NOON - age * TICK, 25.0 + 3.0 * math.sin(2.4 * age), workers=60))
continuous_planning(planner, workers=60)
