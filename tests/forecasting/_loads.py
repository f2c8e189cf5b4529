"""Followers of a load, and traffic for them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.series import ForecastTask
from capacity_planner.forecasting._load import LoadFollower, Loads
from capacity_planner.registry import forecast_models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.domain.congestion import FloatArray

MINUTE, FIVE = 60.0, 300.0
DAY = 288  # of five minutes
SHARES = np.array([0.4, 0.3, 0.1])
"""Of a job in the minute of its arrival and in the next two; as whole tenths they say where a sum went wrong."""


def follower(
    model: str = "naive",
    *,
    ahead: tuple[int, ...] = (2, 3, 5),
    interval: float = MINUTE,
    shares: FloatArray = SHARES,
    periods: tuple[int, ...] = (),
) -> LoadFollower:
    task = ForecastTask(ahead=ahead, interval=interval, periods=periods)
    return LoadFollower(forecast_models.get(model), task, shares)


def traffic(count: int, *, mean: float = 20.0, interval: float = MINUTE, seed: int = 1) -> FloatArray:
    """Poisson counts on a day's sine."""
    shape = 1.0 + 0.5 * np.sin(np.arange(count) * 2.0 * np.pi * interval / 86_400.0)
    counts: FloatArray = np.random.default_rng(seed).poisson(mean * shape).astype(float)
    return counts


def in_parts(reader: LoadFollower, counts: FloatArray, cuts: Sequence[int]) -> Loads:
    parts = [reader.read(counts[at:end]) for at, end in itertools.pairwise([0, *cuts, len(counts)])]
    return Loads(
        loads=np.concatenate([part.loads for part in parts]),
        ahead=np.concatenate([part.ahead for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
    )
