"""A backtest over time, in few enough intervals to be drawn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.backtest import BacktestTimeline, PolicyTrack
from capacity_planner.pipeline._backtest_jobs import MINUTE, WINDOW
from capacity_planner.pipeline._backtest_score import edges_of, p95_by
from capacity_planner.units import from_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.pipeline._backtest_jobs import Stage
    from capacity_planner.simulation.closed_loop import Replay

_MOST = 500


def track_of(stage: Stage, replay: Replay, name: str) -> PolicyTrack:
    """A policy's workers and waits over time."""
    width = width_of(stage)
    edges = edges_of(stage, width)
    workers = np.maximum(replay.paid.integrals(edges) / np.diff(edges), 0.0)
    groups = ((stage.loop.arrivals[stage.first :] - stage.begin) / width).astype(np.int64)
    waits = np.zeros(len(edges) - 1)
    waits[np.unique(groups)] = p95_by(groups, replay.waits[stage.first :])
    return PolicyTrack(policy=name, workers=_rounded(workers), p95_wait=_rounded(np.maximum(waits, 0.0)))


def timeline_of(stage: Stage, start: datetime, bound: FloatArray, tracks: Sequence[PolicyTrack]) -> BacktestTimeline:
    """The scored time.

    Args:
        stage: the queue.
        start: begin of the scored time.
        bound: workers of the clairvoyant bound per minute.
        tracks: the policies.
    """
    width = width_of(stage)
    edges = edges_of(stage, width)
    jobs = np.histogram(stage.loop.arrivals[stage.first :], edges)[0]
    minutes = np.arange(len(bound)) * MINUTE
    groups = (minutes / width).astype(np.int64)
    sums = np.bincount(groups, bound, minlength=len(edges) - 1)
    return BacktestTimeline(
        start=start,
        interval=from_seconds(width),
        arrival_rate=_rounded(jobs / np.diff(edges)),
        bound_workers=_rounded(np.maximum(sums / np.maximum(np.bincount(groups, minlength=len(sums)), 1), 0.0)),
        tracks=tuple(tracks),
    )


def width_of(stage: Stage) -> float:
    """Length of an interval of the timeline: whole windows, or minutes of a short time [s]."""
    length = stage.loop.end - stage.begin
    unit = WINDOW if length > _MOST * MINUTE else MINUTE
    return max(math.ceil(length / unit / _MOST - 1e-9), 1) * unit


def _rounded(values: FloatArray) -> tuple[float, ...]:
    """To five digits, which is what a picture shows, in a tenth of the bytes."""
    return tuple(float(f"{value:.5g}") for value in values.tolist())
