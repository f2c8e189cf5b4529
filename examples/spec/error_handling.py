"""Error handling: what a program does about the codes, instead of giving up or waiting blindly."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from capacity_planner import (
    SLO,
    CapacityPlanner,
    ErrorCode,
    Metrics,
    PlannerConfig,
    PlannerError,
    PlanRequest,
    PlanResponse,
    QueueingCalculator,
)
from capacity_planner.units import parse_duration, words


def plan_or_explain(planner: CapacityPlanner, request: PlanRequest) -> PlanResponse | None:
    """A plan where there is one to apply, now or later; else the reason is printed."""
    try:
        return planner.generate_plan(request)
    except PlannerError as error:
        print(f"{error.code}: {error.message}")
        match error.code:
            case ErrorCode.INSUFFICIENT_HISTORY:
                # Fall back to a simpler model
                config = replace(request.config or PlannerConfig(), forecast_model="ewma")
                return plan_or_explain(planner, replace(request, config=config))

            case ErrorCode.SLO_UNACHIEVABLE:
                # Suggest an SLO adjustment
                suggest_slo_relaxation(request)
                return None

            case ErrorCode.COOLDOWN_ACTIVE:
                # No need to sleep and retry: the plan that begins when the cooldown is over is there already
                print(f"-> wait {words(parse_duration(error.details['retry_after']))}")
                later: PlanResponse = error.response
                return later

            case _:
                raise


def suggest_slo_relaxation(request: PlanRequest) -> None:
    """Print the least p95 that any number of workers can keep."""
    metrics = request.current_metrics
    calculator = QueueingCalculator(request.config)
    service_rate = calculator.estimate_service_rate(metrics)
    try:
        calculator.calculate_capacity(metrics.arrival_rate, service_rate, request.slo.p95_latency, metrics=metrics)
    except PlannerError as error:
        least = parse_duration(error.details["least_p95"])
        print(f"-> relax p95_latency: {words(least)} is the least, and {error.details['servers']} servers come near it")


def report(response: PlanResponse | None) -> None:
    """Print the first step of a plan."""
    if response is not None:
        step = response.plan.steps[0]
        print(f"-> at {step.scheduled_at:%H:%M} {step.from_workers} → {step.to_workers} workers")


noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
request = PlanRequest(
    queue_name="image-processing",
    current_metrics=Metrics(
        timestamp=noon, arrival_rate=25.5, service_time=timedelta(seconds=2), current_workers=50, utilization=0.99
    ),
    slo=SLO(p95_latency=timedelta(seconds=8)),
)

print("=== One sample, and a model that needs two ===")
report(plan_or_explain(CapacityPlanner(), replace(request, config=PlannerConfig(forecast_model="linear"))))

print("\n=== A p95 below that of the service time alone ===")
report(plan_or_explain(CapacityPlanner(), replace(request, slo=SLO(p95_latency=timedelta(seconds=5)), strict=True)))

print("\n=== Scaled two minutes ago ===")
planner = CapacityPlanner()
planner.record_scaling(50, noon - timedelta(minutes=2), queue_name="image-processing")
report(plan_or_explain(planner, request))

print("\n=== A figure that is wrong ===")
try:
    plan_or_explain(CapacityPlanner(), replace(request, current_metrics=replace(request.current_metrics, backlog=-1)))
except PlannerError as error:
    print(f"-> planning failed: correct {error.details['field']}")
