"""Plans and scenarios for tests, short to write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from capacity_planner import (
    SLO,
    CapacityPlan,
    CostAnalysis,
    PatternType,
    ScalingAction,
    ScalingStep,
    SimulationScenario,
    TrafficPattern,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NOTHING = CostAnalysis(
    current_cost_per_hour=0.0,
    projected_cost_per_hour=0.0,
    delta_cost_per_hour=0.0,
    monthly_cost_delta=0.0,
    violation_cost_risk=0.0,
    net_benefit=0.0,
    payback_period=timedelta(0),
)


def plan(workers: int, *steps: tuple[float, int], **rest: Any) -> CapacityPlan:
    """A plan with steps at so many minutes after noon to so many workers."""
    made, before = [], workers
    for number, (minutes, after) in enumerate(steps, start=1):
        made.append(step(number, minutes, before, after))
        before = after
    return CapacityPlan(
        **{
            "id": "plan-of-a-test",
            "generated_at": NOON,
            "current_workers": workers,
            "target_workers": before,
            "delta": before - workers,
            "steps": tuple(made),
            "confidence": 0.9,
            "cost_impact": NOTHING,
            "slo_achievable": True,
            "rationale": "",
            "forecast_window": HOUR,
            "safety_margin": 0.15,
            "valid_until": NOON + HOUR,
            "queue_name": "emails",
            "slo": SLO(p95_latency=timedelta(seconds=8)),
            "service_time": timedelta(seconds=2),
            **rest,
        }
    )


def step(number: int, minutes: float, before: int, after: int) -> ScalingStep:
    """One step."""
    return ScalingStep(
        sequence=number,
        scheduled_at=NOON + minutes * MINUTE,
        action=ScalingAction.SCALE_UP if after > before else ScalingAction.SCALE_DOWN,
        from_workers=before,
        to_workers=after,
        delta=after - before,
        rationale="",
        estimated_cost=0.0,
        confidence=0.9,
        cooldown_until=NOON,
    )


def steady(rate: float, **rest: Any) -> TrafficPattern:
    """The same rate at all times."""
    return TrafficPattern(type=PatternType.CONSTANT, base_rate=rate, **rest)


def scenario(workers: int, *steps: tuple[float, int], rate: float = 25.0, **rest: Any) -> SimulationScenario:
    """An hour of steady traffic."""
    made = rest.pop("plan", None) or plan(workers, *steps)
    pattern = {} if rest.get("trace") else {"traffic_pattern": steady(rate)}
    return SimulationScenario(**{"name": "test", "plan": made, "duration": HOUR, **pattern, **rest})
