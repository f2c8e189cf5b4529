"""From nothing to a forecast: fresh processes, and what they import."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING

from _tables import print_bar
from _traces import ELB

if TYPE_CHECKING:
    from pathlib import Path

RUNS = 9
FORBIDDEN = ("pandas", "scipy", "numba", "sklearn", "statsmodels", "polars")
FOLLOWER = "import capacity_planner.forecasting._follower"
MODELS = """
import sys, capacity_planner.forecasting._follower
from capacity_planner.domain.series import ForecastTask
from capacity_planner.registry import forecast_models
forecast_models.get("auto").start(ForecastTask(ahead=(1,), interval=300.0))
"""
LISTED = MODELS + f"print(*(name for name in {FORBIDDEN} if name in sys.modules))"
THROUGH_API = f"""
from datetime import timedelta
from capacity_planner.domain.config import PlannerConfig
from capacity_planner.pipeline.forecaster import Forecaster
from capacity_planner.sources.table import read_table
config = PlannerConfig(forecast_model="auto", history_window=timedelta(days=14))
print(len(Forecaster(config).predict(read_table({str(ELB)!r}).metrics, timedelta(hours=1))))
"""
COMMAND = ["-m", "capacity_planner", "forecast", str(ELB)]


def run(folder: Path | None, cache: Path) -> None:
    """Print the figures."""
    del folder, cache
    print(f"\nMedians of {RUNS} fresh processes with a warm disk cache: processor time, user and system.\n")
    bare = _median(["-c", "pass"])
    print(f"- bare Python: {1e3 * bare:.0f} ms; with NumPy: {1e3 * _median(['-c', 'import numpy']):.0f} ms")
    print_bar("the follower beyond bare Python, ms", 1e3 * (_median(["-c", FOLLOWER]) - bare), 150.0, form=".0f")
    print_bar("with auto, and so all models, ms", 1e3 * (_median(["-c", MODELS]) - bare), 150.0, form=".0f")
    loaded = subprocess.run([sys.executable, "-c", LISTED], check=True, capture_output=True, text=True).stdout.strip()
    print(f"- heavy libraries among what that imports: {loaded or 'none'}: {'**falls short**' if loaded else 'holds'}")
    if subprocess.run([sys.executable, *COMMAND], check=False, capture_output=True).returncode:
        print("- the command cannot forecast yet")
    else:
        print_bar(f"the command on {ELB.name}, ms", 1e3 * _median(COMMAND), 500.0, form=".0f")
    print_bar("the same through the API, an hour ahead, ms", 1e3 * _median(["-c", THROUGH_API]), 500.0, form=".0f")


def _median(arguments: list[str]) -> float:
    """Median processor time of a Python process with these arguments [s]."""
    return statistics.median(_processor(arguments) for _ in range(RUNS))


def _processor(arguments: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
