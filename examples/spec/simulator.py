"""Black Friday before it comes: five times the traffic meets two plans, and every job is simulated."""

from datetime import UTC, datetime, timedelta

from capacity_planner import (
    SLO,
    CapacityPlan,
    CapacityPlanner,
    Metrics,
    PatternType,
    PlannerConfig,
    PlanRequest,
    SimulationScenario,
    Simulator,
    SpikeShape,
    TrafficPattern,
    TrafficSpike,
)

now = datetime(2026, 11, 27, 8, tzinfo=UTC)
config = PlannerConfig(max_workers=200, max_step_size=200)


def plan_for(arrival_rate: float) -> CapacityPlan:
    """What 20 workers should become at so many jobs/s."""
    metrics = Metrics(
        timestamp=now,
        arrival_rate=arrival_rate,
        service_time=timedelta(milliseconds=400),
        current_workers=20,
    )
    slo = SLO(p95_latency=timedelta(seconds=5), error_budget=0.05)
    return CapacityPlanner(config).generate_plan(PlanRequest(current_metrics=metrics, slo=slo)).plan


simulator = Simulator(config)
for rate in (50.0, 250.0):
    scenario = SimulationScenario(
        name="Black Friday Traffic Spike",
        plan=plan_for(rate),
        traffic_pattern=TrafficPattern(
            type=PatternType.SPIKY,
            base_rate=50.0,
            spikes=(
                TrafficSpike(
                    start_time=now + timedelta(minutes=30),
                    duration=timedelta(hours=2),
                    magnitude=5.0,  # 5x normal traffic
                    shape=SpikeShape.BELL,
                ),
            ),
        ),
        duration=timedelta(hours=6),
        granularity=timedelta(minutes=5),
    )
    summary = simulator.simulate(scenario).summary
    print(f"=== Planned for {rate:.0f} jobs/s: {scenario.plan.target_workers} workers ===")
    print(f"SLO Achievement: {summary.slo_achievement:.1%}")
    print(f"Max Backlog: {summary.max_backlog} jobs")
    print(f"Total Cost: ${summary.total_cost:.2f}")
