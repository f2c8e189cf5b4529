"""The loop is closed: real workers, scaled by the service, keep in a burst what as many of them at all times break."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from capacity_planner.surfaces.cli._demo_replay import Replay
from capacity_planner.surfaces.cli._demo_second import percentile
from capacity_planner.surfaces.cli._demo_seen import Seen
from capacity_planner.surfaces.cli._demo_settings import P95
from capacity_planner.surfaces.cli._demo_stage import stage
from tests.services._redis import Redis, redis_server

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.slow, pytest.mark.alone]
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
DAY = [8.0] * 18 + [90.0] * 4 + [8.0] * 26
"""Jobs per second in each half hour of a day: from nine to eleven there are ten times as many."""
SECONDS = 29.0
CREW = 5


@dataclass(frozen=True)
class Run:
    """What came of 29 seconds, which are the hours from one to half past twelve."""

    p95: float
    kept: float
    worker_seconds: float
    most: int
    done: int
    arrived: int


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with redis_server() as server:
        yield server


def burst(redis: Redis, *, crew: int, planned: bool) -> Run:
    start = BEGIN + timedelta(days=3, hours=1)
    replay = Replay(begin=BEGIN, rates=tuple(DAY * 4), start=start, seconds=SECONDS, speed=1440.0)
    with stage(replay, redis.url, crew=crew, planned=planned) as made:
        seen = Seen(made)
        while made.clock.elapsed < replay.seconds:
            seen.look()
            time.sleep(0.1)
        return Run(
            p95=percentile(seen.responses) or 0.0,
            kept=seen.kept or 0.0,
            worker_seconds=seen.worker_seconds,
            most=max(second.workers for second in seen.seconds),
            done=seen.jobs,
            arrived=sum(second.arrived for second in seen.seconds),
        )


@pytest.fixture(scope="module")
def planned(redis: Redis) -> Run:
    return burst(redis, crew=CREW, planned=True)


def test_planned_workers_keep_the_p95_of_a_burst_and_are_not_there_before_it(planned: Run) -> None:
    assert planned.p95 <= P95
    assert planned.kept >= 0.85
    assert planned.done >= 0.98 * planned.arrived > 300
    assert planned.most >= 23  # a burst of 90 jobs/s is a load of 22.5 erlang
    assert planned.worker_seconds < 0.7 * planned.most * SECONDS


def test_as_many_worker_seconds_spread_evenly_break_it(redis: Redis, planned: Run) -> None:
    crew = math.floor(planned.worker_seconds / SECONDS)
    fixed = burst(redis, crew=crew, planned=False)
    assert fixed.worker_seconds == pytest.approx(planned.worker_seconds, rel=0.1)
    assert fixed.p95 > P95 >= planned.p95
    assert fixed.kept < planned.kept
