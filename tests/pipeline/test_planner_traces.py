"""Plans over the real traces that ship with the project, at many instants."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from capacity_planner import (
    SLO,
    CapacityPlanner,
    Metrics,
    PlannerConfig,
    PlannerError,
    PlanRequest,
    PlanResponse,
    codec,
)

EXAMPLES = Path(__file__).parents[2] / "examples"


@cache
def trace(name: str, bin_seconds: float, service: float) -> tuple[Metrics, ...]:
    with (EXAMPLES / name).open(encoding="utf-8", newline="") as file:
        return tuple(
            Metrics(
                timestamp=datetime.fromisoformat(row["timestamp"]),
                arrival_rate=float(row["count"]) / bin_seconds,
                service_time=timedelta(seconds=service),
                current_workers=20,
            )
            for row in csv.DictReader(file)
        )


CASES = [("nab_elb_requests/elb_request_count_8c0756.csv", 300.0, 10.0), ("nyc_taxi/nyc_taxi.csv", 1800.0, 2.0)]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].split("/")[0])
@pytest.mark.parametrize("at", [1, 2, 30, 500, 1_000, 2_500, 4_000])
def test_a_plan_from_a_real_trace_keeps_its_limits(case: tuple[str, float, float], at: int) -> None:
    samples = trace(*case)
    config = PlannerConfig(min_workers=2, max_workers=60, max_step_size=7, history_window=timedelta(days=7))
    request = PlanRequest(
        current_metrics=samples[at],
        history=samples[:at],
        slo=SLO(p95_latency=timedelta(seconds=60), error_budget=0.05),
        config=config,
    )
    try:
        response = CapacityPlanner().generate_plan(request)
    except PlannerError as error:
        assert error.code == "ANOMALY_DETECTED"  # noqa: PT017 - some instants are
        response = error.response
    assert codec.decode(PlanResponse, codec.dumps(response)) == response
    plan = response.plan
    assert all(2 <= step.to_workers <= 60 for step in plan.steps)
    assert all(abs(step.delta) <= 7 for step in plan.steps)
    assert all(
        later.scheduled_at - sooner.scheduled_at >= timedelta(minutes=5) for sooner, later in pairwise(plan.steps)
    )
    assert len(response.forecast) == 12
    recent = [item.arrival_rate for item in samples[max(0, at - 200) : at + 1]]
    assert all(0.0 <= item.arrival_rate <= 2 * max(recent) for item in response.forecast)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].split("/")[0])
def test_a_day_in_the_loop_is_mostly_without_anomalies(case: tuple[str, float, float]) -> None:
    """A planner that calls every other sample an anomaly would be switched off."""
    samples = trace(*case)
    planner = CapacityPlanner(PlannerConfig(max_workers=200, history_window=timedelta(days=4)))
    for item in samples[1_000:1_500]:
        planner.observe(item)
    anomalies = 0
    for item in samples[1_500:1_600]:
        try:
            planner.generate_plan(PlanRequest(current_metrics=item, slo=SLO(p95_latency=timedelta(seconds=60))))
        except PlannerError as error:
            assert error.code == "ANOMALY_DETECTED"  # noqa: PT017 - counted
            anomalies += 1
    assert anomalies <= 10
