"""The loop is closed over RQ: its own workers, measured by its keys, scaled by the supervisor through a burst."""

from __future__ import annotations

import math
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.queues import Chosen, Mode, QueueSettings, ServiceConfig
from capacity_planner.domain.scaling import Gap, Order
from capacity_planner.domain.slo import SLO
from capacity_planner.frozen import FrozenOptions
from capacity_planner.registry import sources
from capacity_planner.scaling.supervisor import Supervisor
from capacity_planner.service.desk import Desk
from capacity_planner.service.heavy import Heavy
from capacity_planner.service.telemetry import Telemetry
from capacity_planner.store.store import Store
from capacity_planner.surfaces.cli._demo_loop import looped
from capacity_planner.surfaces.cli._demo_replay import Replay, ReplayClock
from capacity_planner.surfaces.cli._demo_second import percentile
from capacity_planner.surfaces.cli._demo_settings import SERVER
from tests.services._frameworks import crew, python_with, wait_for
from tests.services._redis import Redis, redis_server
from tests.services._truth import LOAD

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from capacity_planner.domain.metrics import Metrics

pytestmark = [pytest.mark.slow, pytest.mark.alone]
QUEUE = "emails"
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
DAY = [3.0] * 18 + [24.0] * 4 + [3.0] * 26
"""Jobs per second in each half hour of a day: from nine to eleven there are eight times as many."""
SERVICE_TIME, P95 = 0.4, 1.6
LEAST, MOST = 1, 15
SIMPLE = ("--worker-class", "rq.SimpleWorker")
"""A worker that does not fork for each job: the machine that runs the tests can pay for more of them."""
DAYS = 21
"""Of history, so that the planner has long known of the burst."""
START = BEGIN + timedelta(days=DAYS, hours=6)
SECONDS, SPEED = 72.0, 300.0
"""A replay of the hours from six to noon."""
JOBS = """
import os, time

def write(name, line):
    file = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, (line + "\\n").encode())
    os.close(file)

def job(sent, seconds):
    time.sleep(seconds)
    write("responses.log", f"{time.time() - sent:.6f}")
"""
ENQUEUE = """
import os, time
from redis import Redis
from rq import Queue
from jobs import job
from load import stream

queue = Queue("emails", connection=Redis.from_url(os.environ["REDIS_URL"]))
stream(lambda seconds: queue.enqueue(job, time.time(), seconds))
"""


@sources.register("replayed_rq")
class ReplayedRQ:
    """What ``rq`` measures, told at the pace of the trace, whose clock the planner goes by."""

    name: str

    def __init__(self, *, url: str) -> None:
        self._measured = sources.make("rq", {"url": url})

    def collect(self, queue_name: str, since: datetime | None, until: datetime) -> Sequence[Metrics] | Gap:
        """One sample of the time since the call before."""
        found = self._measured.collect(queue_name, since, datetime.now(UTC))
        return found if isinstance(found, Gap) else [_slowed(sample, until) for sample in found]


def _slowed(sample: Metrics, until: datetime) -> Metrics:
    return replace(
        sample,
        timestamp=until,
        arrival_rate=sample.arrival_rate / SPEED,
        service_time=sample.service_time * SPEED,
        service_time_std=sample.service_time_std and sample.service_time_std * SPEED,
        service_time_p95=sample.service_time_p95 and sample.service_time_p95 * SPEED,
    )


@dataclass(frozen=True)
class Run:
    """What came of the burst.

    Attributes:
        responses: of all jobs that were sent [s]; one that is not done is as old as it is.
        workers: that ran, ten times a second.
    """

    responses: list[float]
    workers: list[int]

    @property
    def p95(self) -> float:
        return percentile(self.responses) or 0.0

    @property
    def mean_workers(self) -> float:
        return fmean(self.workers)


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with redis_server() as server:
        yield server


def burst() -> Replay:
    return Replay(begin=BEGIN, rates=tuple(DAY * (DAYS + 1)), start=START, seconds=SECONDS, speed=SPEED)


def config(replay: Replay, url: str, scaler: dict[str, Any]) -> ServiceConfig:
    half_hour = timedelta(minutes=30)
    queue = QueueSettings(
        queue_name=QUEUE,
        mode=Mode.AUTO,
        source=Chosen(name="replayed_rq", options=FrozenOptions({"url": url})),
        scaler=Chosen(name="supervisor", options=FrozenOptions(scaler)),
        best_effort=True,
    )
    planner = PlannerConfig(
        forecast_model="auto",
        forecast_window=3 * half_hour,
        history_window=timedelta(days=DAYS),
        plan_interval=half_hour,
        cooldown_period=half_hour,
        scale_up_cooldown=timedelta(0),
        startup_delay=replay.slowed(4.0),
        confidence_threshold=0.5,
        min_workers=LEAST,
        max_workers=MOST,
    )
    return ServiceConfig(planner=planner, slo=SLO(p95_latency=replay.slowed(P95), error_budget=0.05), queues=(queue,))


@contextmanager
def planned_by(replay: Replay, clock: ReplayClock, url: str, scaler: dict[str, Any], home: Path) -> Iterator[None]:
    """The service, which plans and scales as long as the context lasts."""
    with ExitStack() as stack:
        store = Store.open(f"sqlite:///{home / 'store.db'}", clock=clock)
        stack.callback(store.close)
        telemetry = Telemetry()
        heavy = Heavy(SERVER, telemetry)
        stack.callback(heavy.close, 1.0)
        history = [replace(sample, service_time=replay.slowed(SERVICE_TIME)) for sample in replay.history(QUEUE)]
        stack.enter_context(looped(store, Desk(store, telemetry, heavy), config(replay, url, scaler), history))
        yield


def ordered(workers: int, at: datetime) -> Order:
    return Order(
        id=f"by-hand/{workers}",
        plan_id="by-hand",
        queue_name=QUEUE,
        sequence=1,
        due=at,
        expires=at + timedelta(hours=1),
        from_workers=0,
        to_workers=workers,
    )


def lived(redis: Redis, home: Path, *, workers: int, planned: bool) -> Run:
    """The burst with so many RQ workers at the begin, planned for or left alone."""
    home.mkdir()
    redis.client.flushall()
    programs, replay = python_with("rq==2.12.0"), burst()
    clock = ReplayClock(replay)
    for name, text in {"jobs": JOBS, "load": LOAD, "enqueue": ENQUEUE}.items():
        (home / f"{name}.py").write_text(text)
    options: dict[str, Any] = {
        "command": (str(programs / "rq"), "worker", QUEUE, "--url", redis.url, "--quiet", *SIMPLE),
        "directory": str(home),
        "environment": (f"PYTHONPATH={home}",),
        "state": str(home / "state"),
        "grace": "10s",
        "stop_with_planner": True,
    }
    by_hand = Supervisor(**options)
    with ExitStack() as stack:
        stack.callback(by_hand.close)
        stack.callback(lambda: by_hand.scale(ordered(0, START)))
        by_hand.scale(ordered(workers, START))
        wait_for("workers", lambda: redis.client.scard(f"rq:workers:{QUEUE}") == workers)
        team = stack.enter_context(crew(home, {"REDIS_URL": redis.url}))
        if planned:
            stack.enter_context(planned_by(replay, clock, redis.url, options, home))
        phases = [f"{rate:g}:{replay.bin_length:g}" for rate in replay.coming()]
        least, most = 0.5 * SERVICE_TIME, 1.5 * SERVICE_TIME
        clock.go(time.monotonic())
        team.start(programs / "python", "enqueue.py", "7", f"{least:g}", f"{most:g}", *phases)
        seen: list[int] = []
        while clock.elapsed < SECONDS:
            seen.append(by_hand.current(QUEUE))
            time.sleep(0.1)
        sent = [float(line) for line in (home / "arrivals.log").read_text().split()]
        done = [float(line) for line in (home / "responses.log").read_text().split()]
        now = time.time()
        return Run(done + [now - at for at in sent[len(done) :]], seen)


@pytest.fixture(scope="module")
def planned(redis: Redis, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return lived(redis, tmp_path_factory.mktemp("planned") / "home", workers=2, planned=True)


def test_planned_workers_of_rq_keep_the_p95_of_a_burst_and_are_not_there_before_it(planned: Run) -> None:
    assert planned.p95 <= P95
    assert len(planned.responses) > 600
    assert min(planned.workers) >= LEAST
    assert 24.0 * SERVICE_TIME < max(planned.workers) <= MOST
    assert planned.mean_workers < 0.75 * max(planned.workers)


def test_as_many_workers_of_rq_at_all_times_break_it(redis: Redis, planned: Run, tmp_path: Path) -> None:
    fixed = lived(redis, tmp_path / "home", workers=math.floor(planned.mean_workers), planned=False)
    assert max(fixed.workers) == math.floor(planned.mean_workers)
    assert fixed.p95 > P95 >= planned.p95
