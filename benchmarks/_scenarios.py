"""Scenarios as a caller gives them: a plain one, and random ones of all kinds."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from capacity_planner import codec
from capacity_planner.domain.scenario import SimulationScenario
from capacity_planner.units import format_instant

if TYPE_CHECKING:
    from collections.abc import Iterable

START = datetime(2026, 1, 5, tzinfo=UTC)
MOST_DRAWS = 900_000
PLAN = """{
"id": "benchmark", "generated_at": "2026-01-05T00:00:00Z", "valid_until": "2026-01-05T01:00:00Z", "delta": 0,
"steps": [], "confidence": 0.9, "slo_achievable": true, "rationale": "", "forecast_window": "1h",
"safety_margin": 0.1, "queue_name": "benchmark", "slo": {"p95_latency": "8s"}, "service_time": "2s",
"cost_impact": {"current_cost_per_hour": 0, "projected_cost_per_hour": 0, "delta_cost_per_hour": 0,
"monthly_cost_delta": 0, "violation_cost_risk": 0, "net_benefit": 0, "payback_period": "0s"}}"""
STEP = """{
"rationale": "", "estimated_cost": 0, "confidence": 0.9}"""


def scenario(**asked: Any) -> SimulationScenario:
    """A scenario of 25 jobs/s that take 2 s, unless something else is asked.

    ``orders`` has what the plan does: after which share of the time, how many workers.
    """
    workers, duration = asked["workers"], timedelta(seconds=asked["seconds"])
    plan = json.loads(PLAN) | {"current_workers": workers, "target_workers": workers}
    plan["steps"] = _steps(workers, asked.get("orders", ()), duration)
    made = {
        "name": "benchmark",
        "plan": plan,
        "traffic_pattern": {"type": "constant", "base_rate": 25.0} | asked.get("traffic", {}),
        "duration": duration,
        "granularity": -(-duration // asked["windows"]),
    }
    valid: SimulationScenario = codec.validate(SimulationScenario, made | asked.get("more", {}))
    return valid


def _steps(workers: int, orders: Iterable[tuple[float, int]], duration: timedelta) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = []
    for sequence, (share, wanted) in enumerate(orders, 1):
        ordered = format_instant(START + share * duration)
        change = {"from_workers": workers, "to_workers": wanted, "delta": wanted - workers}
        told = {"sequence": sequence, "action": "scale_up" if wanted >= workers else "scale_down"}
        steps.append(json.loads(STEP) | told | change | {"scheduled_at": ordered, "cooldown_until": ordered})
        workers = wanted
    return steps


class Most(NamedTuple):
    """How far random scenarios go: decimal exponent of the jobs, intervals, and steps of the plan."""

    jobs: float
    intervals: int
    steps: int


def random_scenario(dice: np.random.Generator, most: Most) -> tuple[SimulationScenario, str]:
    """A scenario of any kind, and in words."""
    jobs, workers = 10.0 ** dice.uniform(3.0, most.jobs), round(2000.0 ** dice.random())
    windows, replications = round(float(most.intervals) ** dice.random()), int(dice.integers(1, 9))
    rate = workers * dice.uniform(0.4, 1.2) / 2.0
    seconds = jobs / rate
    family = str(dice.choice(["exponential", "deterministic", "gamma", "lognormal", "hyperexponential"]))
    kind, noise = str(dice.choice(["constant", "sinusoidal", "daily"])), float(dice.choice([0.0, 0.3]))
    batch, patience = int(dice.choice([1, 1, 10, 100])), str(dice.choice(["0s", "0s", "3s"]))
    traffic = {"type": kind, "base_rate": rate, "amplitude": 0.3 * rate, "noise": noise, "period": "6h"}
    traffic |= {"noise_period": timedelta(seconds=max(300.0, seconds / MOST_DRAWS))}
    more = {"replications": replications, "service_family": family, "service_time_std": "3s"}
    more |= {"batch_size": batch, "patience": patience}
    shares = np.sort(dice.random(int(dice.integers(most.steps + 1))))
    orders = [(float(share), max(1, round(workers * dice.uniform(0.7, 1.5)))) for share in shares]
    asked = scenario(workers=workers, seconds=seconds, windows=windows, traffic=traffic, more=more, orders=orders)
    told = f"{replications} x {jobs:,.0f} jobs, {workers} workers, {windows} windows, {family}, {kind}"
    return asked, f"{told}, noise {noise}, batches of {batch}, patience {patience}, {len(orders)} steps"
