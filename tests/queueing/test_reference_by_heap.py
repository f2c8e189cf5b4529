"""The committed simulation against another one: a plain event-by-event queue on a heap."""

from __future__ import annotations

import heapq
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CELLS = json.loads((Path(__file__).parent.parent / "golden" / "mgc_p95.json").read_text())["cells"]
BATCHES, JOBS = 20, 100_000


def drawn(law: str, scv: float, count: int, dice: np.random.Generator) -> np.ndarray[Any, np.dtype[np.float64]]:
    if law == "gamma":
        return dice.gamma(1 / scv, scv, count)
    if law == "logn":
        return dice.lognormal(-math.log1p(scv) / 2, math.sqrt(math.log1p(scv)), count)
    return dice.exponential(1.0, count) if law == "exp" else np.ones(count)


def responses(cell: dict[str, Any], dice: np.random.Generator) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Response times of one batch of jobs, first come first served, after a warm-up."""
    count = JOBS + JOBS // 4
    services = drawn(cell["law"], cell["scv"], count, dice)
    arrivals = np.cumsum(dice.exponential(1.0 / (cell["rho"] * cell["c"]), count))
    free = [0.0] * cell["c"]
    times = []
    for arrival, service in zip(arrivals.tolist(), services.tolist(), strict=True):
        end = max(arrival, free[0]) + service
        heapq.heapreplace(free, end)
        times.append(end - arrival)
    return np.array(times[-JOBS:])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("law", "scv", "c", "rho"),
    [("det", 0.0, 2, 0.8), ("exp", 1.0, 5, 0.8), ("gamma", 4.0, 20, 0.8), ("logn", 1.0, 5, 0.7), ("logn", 4.0, 2, 0.7)],
)
def test_two_simulations_agree(law: str, scv: float, c: int, rho: float) -> None:
    cell = next(item for item in CELLS if (item["law"], item["scv"], item["c"], item["rho"]) == (law, scv, c, rho))
    dice = np.random.default_rng(11)
    found = [float(np.quantile(responses(cell, dice), 0.95)) for _ in range(BATCHES)]
    error = math.hypot(float(np.std(found, ddof=1)) / math.sqrt(BATCHES), cell["p95_se"])
    assert abs(float(np.mean(found)) - cell["p95"]) < 4 * error
