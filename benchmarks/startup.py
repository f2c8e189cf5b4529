"""How long the command takes to start: medians of wall time over fresh processes, with a warm disk cache.

Run it as ``python benchmarks/startup.py``; it exits with 1 when ``--help`` takes longer than its bar.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 15
HELP_BAR = 0.300
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import capacity_planner": ["-c", "import capacity_planner"],
    "--version": ["-m", "capacity_planner", "--version"],
    "--help": ["-m", "capacity_planner", "--help"],
    "plan --help": ["-m", "capacity_planner", "plan", "--help"],
    "staff": ["-m", "capacity_planner", "staff", "--arrival-rate", "25.5", "--service-time", "2s", "--p95", "8s"],
    "plan": ["-m", "capacity_planner", "plan", "--arrival-rate", "2", "--service-time", "1s", "--p95", "8s"],
}


def median_wall(arguments: list[str]) -> float:
    """Median wall time of a Python process with these arguments [s]."""
    return statistics.median(_wall(arguments) for _ in range(RUNS))


def _wall(arguments: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=False, capture_output=True)
    return time.perf_counter() - began


def main() -> int:
    """Print the medians."""
    medians = {name: median_wall(arguments) for name, arguments in COMMANDS.items()}
    for name, seconds in medians.items():
        print(f"{name:<24} {seconds * 1000:7.0f} ms")
    return int(medians["--help"] > HELP_BAR)


if __name__ == "__main__":
    sys.exit(main())
