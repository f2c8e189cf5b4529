"""What-if analysis: the current plan and one with a fifth more workers, on the same day of traffic."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from capacity_planner import (
    SLO,
    CapacityPlan,
    CapacityPlanner,
    Metrics,
    PatternType,
    PlannerConfig,
    PlannerError,
    PlanRequest,
    SimulationScenario,
    Simulator,
    TrafficPattern,
)
from capacity_planner.units import words

config = PlannerConfig(max_step_size=50)


def enlarged(plan: CapacityPlan, percent: int) -> CapacityPlan:
    """The plan with so many more workers at all times."""

    def more(workers: int) -> int:
        return math.ceil(workers * (100 + percent) / 100)

    steps = [
        replace(step, from_workers=more(step.from_workers), to_workers=more(step.to_workers)) for step in plan.steps
    ]
    return replace(
        plan,
        current_workers=more(plan.current_workers),
        target_workers=more(plan.target_workers),
        delta=more(plan.target_workers) - more(plan.current_workers),
        steps=tuple(replace(step, delta=step.to_workers - step.from_workers) for step in steps),
    )


def run_what_if_analysis(current_plan: CapacityPlan, conservative_plan: CapacityPlan) -> None:
    """Try both plans on the same jobs, and say what would have happened."""
    simulator = Simulator(config)
    traffic = TrafficPattern(type=PatternType.DAILY, base_rate=20.0, noise=0.1)

    # Test different scenarios
    scenarios = [
        SimulationScenario(
            name="Current Plan",
            plan=current_plan,
            traffic_pattern=traffic,
            duration=timedelta(hours=24),
            granularity=timedelta(minutes=15),
        ),
        SimulationScenario(
            name="Conservative Plan (+20% workers)",
            plan=conservative_plan,
            traffic_pattern=traffic,
            duration=timedelta(hours=24),
            granularity=timedelta(minutes=15),
        ),
    ]

    for scenario in scenarios:
        try:
            simulation = simulator.simulate(scenario)
        except PlannerError as error:
            print(f"Simulation failed: {error}")
            continue

        summary = simulation.summary
        print(f"\n=== {scenario.name} ===")
        print(f"SLO Achievement: {summary.slo_achievement:.1%}")
        print(f"Avg Latency: {words(summary.avg_latency)}")
        print(f"P95 Latency: {words(summary.p95_latency)}")
        print(f"Max Backlog: {summary.max_backlog}")
        print(f"Total Cost: ${summary.total_cost:.2f}")
        print(f"Efficiency Score: {summary.efficiency_score:.1f}")

        violations = simulation.slo_analysis.violation_periods
        if violations:
            print(f"Violations: {len(violations)} periods")
            for violation in violations:
                print(
                    f"  {violation.start:%H:%M} - {violation.end:%H:%M} ({words(violation.duration)}): {violation.type}"
                )


metrics = Metrics(
    timestamp=datetime(2026, 3, 2, tzinfo=UTC),
    arrival_rate=20.0,
    service_time=timedelta(seconds=2),
    current_workers=40,
)
slo = SLO(p95_latency=timedelta(seconds=10), error_budget=0.05)
plan = CapacityPlanner(config).generate_plan(PlanRequest(current_metrics=metrics, slo=slo)).plan
run_what_if_analysis(current_plan=plan, conservative_plan=enlarged(plan, percent=20))
