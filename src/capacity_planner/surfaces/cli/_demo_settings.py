"""How the demo's service is set."""

from __future__ import annotations

import math
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.queues import Chosen, Mode, QueueSettings, ServiceConfig
from capacity_planner.domain.server import ServerSettings
from capacity_planner.domain.slo import SLO
from capacity_planner.frozen import FrozenOptions
from capacity_planner.pipeline.calculator import QueueingCalculator
from capacity_planner.surfaces.cli import _demo_source
from capacity_planner.surfaces.cli._demo_replay import SERVICE_TIME

if TYPE_CHECKING:
    from capacity_planner.surfaces.cli._demo_replay import Replay

QUEUE = "jobs"
SERVER = ServerSettings(lease=timedelta(days=1))  # of the trace's time
P95 = 1.25
"""What is promised: 95 % of the jobs are done within so long [s]."""

MOST_WORKERS = 40
_HALF_HOUR = timedelta(minutes=30)
_SHORTEST_TURN, _STARTUP = 1.0, 0.5
# From three days on, the planner would replay them once a day, which is every minute here.
_HISTORY = timedelta(hours=70)
_WORKER = Path(__file__).with_name("_demo_worker.py")


def planner_config(replay: Replay) -> PlannerConfig:
    """The planner's settings, in the time of the trace: half an hour is little more than a second."""
    interval = _HALF_HOUR * max(1, -(-_SHORTEST_TURN // replay.bin_length))
    return PlannerConfig(
        forecast_model="auto",
        forecast_window=5 * interval,
        history_window=_HISTORY,
        plan_interval=interval,
        cooldown_period=interval,
        scale_up_cooldown=timedelta(0),
        startup_delay=replay.slowed(_STARTUP),
        confidence_threshold=0.6,
        safety_margin=0.1,
        violation_cost_per_hour=2.0,
        max_workers=MOST_WORKERS,
    )


def service_config(replay: Replay, url: str, prefix: str, scaler_options: dict[str, Any]) -> ServiceConfig:
    """The configuration of the service."""
    options = {"url": url, "prefix": prefix, "speed": float(replay.speed)}
    queue = QueueSettings(
        queue_name=QUEUE,
        mode=Mode.AUTO,
        source=Chosen(name=_demo_source.ReplayedList.name, options=FrozenOptions(options)),
        scaler=Chosen(name="supervisor", options=FrozenOptions(scaler_options)),
        best_effort=True,
    )
    slo = SLO(p95_latency=replay.slowed(P95), error_budget=0.05)
    return ServiceConfig(planner=planner_config(replay), slo=slo, queues=(queue,))


def supervisor_options(url: str, prefix: str, home: Path) -> dict[str, Any]:
    """How workers are started and stopped."""
    return {
        "command": (sys.executable, "-P", str(_WORKER), prefix, "{number}", str(os.getpid())),
        "environment": (f"DEMO_REDIS={url}",),
        "state": str(home / "workers"),
        "settle": "0.1s",
        "grace": "10s",
        "stop_with_planner": True,
        "most": MOST_WORKERS,
    }


def crew_for(replay: Replay, rate: float) -> int:
    """The workers that the planner's rules ask for at a steady rate: the promise holds, and no more than 80 % are busy.

    Args:
        replay: how times are scaled.
        rate: of the replay [jobs/s].
    """
    config, slowed = planner_config(replay), replay.slowed(SERVICE_TIME).total_seconds()
    least = QueueingCalculator(config).calculate_capacity(rate / replay.speed, 1.0 / slowed, replay.slowed(P95))
    return max(least, math.ceil(rate * SERVICE_TIME / config.scale_up_threshold))
