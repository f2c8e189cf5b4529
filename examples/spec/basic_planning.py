"""Basic capacity planning: a busy image queue, what to order when, and what that costs."""

from datetime import UTC, datetime, timedelta

from capacity_planner import SLO, CapacityPlanner, Metrics, PlannerConfig, PlanRequest

config = PlannerConfig(
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
)
planner = CapacityPlanner(config)

# Current system state
metrics = Metrics(
    timestamp=datetime(2026, 1, 31, 12, tzinfo=UTC),  # in a live system datetime.now(UTC)
    arrival_rate=15.3,
    service_time=timedelta(seconds=3),
    current_workers=8,
    utilization=0.72,
    backlog=120,
    queue_name="image-processing",
)

# Service level objectives
slo = SLO(
    p95_latency=timedelta(seconds=10),
    max_backlog=500,
    error_budget=0.02,
    availability=0.995,
)

response = planner.generate_plan(PlanRequest(current_metrics=metrics, slo=slo))
plan, cost = response.plan, response.plan.cost_impact

print("=== Capacity Plan ===")
print(f"Current Workers: {plan.current_workers}")
print(f"Target Workers:  {plan.target_workers}")
print(f"Delta: {plan.delta:+d}")
print(f"Confidence: {plan.confidence:.1%}")
print(f"SLO Achievable: {plan.slo_achievable}")

print("\n=== Scaling Steps ===")
for step in plan.steps:
    print(
        f"{step.scheduled_at:%H:%M}: {step.action} {step.from_workers} → {step.to_workers} workers ({step.rationale})"
    )

print("\n=== Cost Analysis ===")
print(f"Current Cost: ${cost.current_cost_per_hour:.2f}/hour")
print(f"Projected Cost: ${cost.projected_cost_per_hour:.2f}/hour")
print(f"Monthly Delta: ${cost.monthly_cost_delta:.2f}")

# 15.3 jobs/s x 3 s keep 46 workers busy: the SLO is out of reach of 50, and the warnings say so.
print("\n=== Warnings ===")
for warning in response.warnings:
    print(f"{warning.code}: {warning.message}")
