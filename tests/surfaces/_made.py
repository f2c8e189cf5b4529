"""Hand-made responses, and ways to run the command."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from capacity_planner.domain.forecast import Forecast
from capacity_planner.domain.plan import CapacityPlan, CostAnalysis, RequiredWorkers, ScalingAction, ScalingStep
from capacity_planner.domain.queueing import QueueingResult
from capacity_planner.domain.request import PlanResponse, PlanWarning
from capacity_planner.domain.slo import SLO
from capacity_planner.errors import ErrorCode
from capacity_planner.surfaces.cli.main import app

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FLAGS = ("--arrival-rate", "3", "--service-time", "1s", "--workers", "6", "--p95", "8s")


def cli(*arguments: str, **options: Any) -> Result:
    """The command, run inside this process."""
    return CliRunner().invoke(app, list(arguments), prog_name="capacity-planner", **options)


def process(*arguments: str, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    """The command, run as users run it."""
    command = [sys.executable, "-m", "capacity_planner", *arguments]
    environment = {**os.environ, **environ}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=environment, timeout=60)


def history(path: Path, samples: int = 300, *, zone: str = "Z") -> Path:
    """A file of five-minute counts with a daily wave."""
    start = NOW - samples * 5 * MINUTE
    stamps = ((start + index * 5 * MINUTE, 300 + index % 60) for index in range(samples))
    rows = [f"{stamp:%Y-%m-%d %H:%M:%S}{zone},{count}" for stamp, count in stamps]
    path.write_text("\n".join(["timestamp,value", *rows]), encoding="utf-8")
    return path


def response(*, achievable: bool = True, intervals: int = 12, delay: timedelta = timedelta(0)) -> PlanResponse:
    """A ramp from 10 to 40 workers in two steps."""
    spans = [(NOW + index * 5 * MINUTE, NOW + (index + 1) * 5 * MINUTE) for index in range(intervals)]
    required = tuple(
        RequiredWorkers(
            start=start,
            end=end,
            arrival_rate=20.0 + index,
            demand_rate=25.0,
            offered_load=50.0,
            backlog=0.0,
            workers=30,
        )
        for index, (start, end) in enumerate(spans)
    )
    forecast = tuple(
        Forecast(timestamp=end, arrival_rate=20.0, lower=15.0, upper=30.0, confidence=0.9, model="ewma")
        for _, end in spans
    )
    plan = CapacityPlan(
        id="p1",
        generated_at=NOW,
        current_workers=10,
        target_workers=40,
        delta=30,
        steps=(step(1, 0, 10, 25), step(2, 5, 25, 40)),
        confidence=0.874,
        cost_impact=COST,
        slo_achievable=achievable,
        rationale="51 erlang [jobs/s x s] need 40 workers.",
        forecast_window=intervals * 5 * MINUTE,
        safety_margin=0.15,
        valid_until=NOW + 5 * MINUTE,
        queue_name="mail",
        slo=SLO(p95_latency=timedelta(seconds=8), max_backlog=500, drain_time=10 * MINUTE, error_budget=0.01),
        service_time=timedelta(seconds=2),
        startup_delay=delay,
        required=required,
    )
    return PlanResponse(
        plan=plan,
        forecast=forecast,
        queueing_result=STATE,
        recommendations=("Measure service_time_std.",),
        warnings=(PlanWarning(code=ErrorCode.INSUFFICIENT_HISTORY, message="Give history."),),
        generation_time=timedelta(milliseconds=3),
    )


def step(sequence: int, minutes: int, before: int, after: int) -> ScalingStep:
    """A step that adds workers."""
    return ScalingStep(
        sequence=sequence,
        scheduled_at=NOW + minutes * MINUTE,
        action=ScalingAction.SCALE_UP,
        from_workers=before,
        to_workers=after,
        delta=after - before,
        rationale="the load [red]rises[/red]",
        estimated_cost=after * 0.5,
        confidence=0.9,
        cooldown_until=NOW + (minutes + 5) * MINUTE,
    )


COST = CostAnalysis(
    current_cost_per_hour=5.0,
    projected_cost_per_hour=20.0,
    delta_cost_per_hour=15.0,
    monthly_cost_delta=10_950.0,
    violation_cost_risk=1.25,
    net_benefit=60.0,
    payback_period=10 * MINUTE,
)
STATE = QueueingResult(
    utilization=0.9,
    queue_length=3.0,
    wait_time=timedelta(seconds=1),
    response_time=timedelta(seconds=3),
    p95_response_time=timedelta(seconds=7),
    probability_of_wait=0.4,
    throughput=20.0,
    capacity=22.0,
    model="mmc",
    confidence=0.8,
)
