"""The BullMQ source on keys laid out as BullMQ 6.7's scripts lay them out."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import redis

from capacity_planner.registry import sources
from tests.sources._looks import looked
from tests.sources._redis import Clock, gap, sample

if TYPE_CHECKING:
    from capacity_planner.contracts import MetricSource
    from tests.services._redis import Redis


class World:
    """What BullMQ's scripts write."""

    def __init__(self, server: Redis, clock: Clock, key: str = "bull:emails") -> None:
        self.redis, self.clock, self.key = server.client, clock, key
        self.redis.hset(f"{key}:meta", mapping={"opts.maxLenEvents": "10000", "version": "bullmq:6.7.0"})

    def event(self, kind: str, job: str) -> None:
        self.redis.xadd(f"{self.key}:events", {"event": kind, "jobId": job}, maxlen=10_000)

    def add(self, *, custom: str = "", delay: bool = False, priority: int = 0, parent: bool = False) -> str:
        """``addStandardJob``, ``…Delayed…``, ``…Prioritized…`` or ``…Parent…``: all of them count, also duplicates."""
        number = self.redis.incr(f"{self.key}:id")
        job = custom or str(number)
        if self.redis.exists(f"{self.key}:{job}"):
            self.event("duplicated", job)
            return job
        self.redis.hset(f"{self.key}:{job}", mapping={"name": "send", "data": "{}", "timestamp": self._now()})
        self.event("added", job)
        if delay:
            self.redis.zadd(f"{self.key}:delayed", {job: self._now() * 4096})
        elif parent:
            self.redis.zadd(f"{self.key}:waiting-children", {job: self._now()})
        elif priority:
            self.redis.zadd(f"{self.key}:prioritized", {job: priority})
        else:
            self.redis.lpush(f"{self.key}:wait", job)
        self.event("delayed" if delay else "waiting", job)
        return job

    def promote(self, kind: str = "delayed") -> None:
        for job in self.redis.zrange(f"{self.key}:{kind}", 0, -1):
            self.redis.zrem(f"{self.key}:{kind}", job)
            self.redis.lpush(f"{self.key}:wait", job)

    def start(self) -> str:
        job = str(self.redis.rpoplpush(f"{self.key}:wait", f"{self.key}:active"))
        self.redis.hset(f"{self.key}:{job}", "processedOn", self._now())
        self.redis.hincrby(f"{self.key}:{job}", "ats", 1)
        self.event("active", job)
        return job

    def finish(self, job: str, seconds: float = 1.0, *, to: str = "completed", keep: int = -1) -> None:
        ended = int(self.redis.hget(f"{self.key}:{job}", "processedOn") or 0) + round(1000 * seconds)
        self.redis.lrem(f"{self.key}:active", -1, job)
        if keep == 0:
            self.redis.delete(f"{self.key}:{job}")
        else:
            self.redis.zadd(f"{self.key}:{to}", {job: ended})
            self.redis.hset(f"{self.key}:{job}", "finishedOn", ended)
        if keep > 0:
            self.redis.zremrangebyrank(f"{self.key}:{to}", 0, -1 - keep)
        self.event(to, job)

    def retry(self, job: str) -> None:
        self.redis.lrem(f"{self.key}:active", -1, job)
        self.redis.lpush(f"{self.key}:wait", job)

    def work(self, count: int, seconds: float = 1.0, **how: Any) -> None:
        for _ in range(count):
            self.add()
            self.finish(self.start(), seconds, **how)
            self.clock.wait(0.001)

    def _now(self) -> int:
        return round(self.clock.now.timestamp() * 1000)


@pytest.fixture(name="world")
def world_fixture(server: Redis, clock: Clock) -> World:
    return World(server, clock)


@pytest.fixture(name="source")
def source_fixture(server: Redis) -> MetricSource:
    return sources.make("bullmq", {"url": server.url, "workers": 2, "concurrency": 5})


def test_a_queue_and_its_jobs_are_measured(world: World, source: MetricSource, clock: Clock) -> None:
    world.work(3)
    assert "rate needs two" in gap(source, clock)
    world.work(30, 2.0)
    world.work(30, 1.0)
    for _ in range(5):
        world.add()
    world.add(priority=3)
    world.start()
    world.start()
    found = sample(source, clock, after=66 - 0.06)
    assert found.arrival_rate == pytest.approx(1.0)
    assert (found.backlog, found.active_jobs, found.current_workers) == (4, 2, 2)
    assert found.service_time.total_seconds() == pytest.approx((30 * 2 + 33) / 63)
    assert found.service_time_p95 == timedelta(seconds=2)
    assert found.utilization == pytest.approx(60 * (93 / 63) / (10 * 66))


def test_the_jobs_of_a_paused_queue_wait(world: World, source: MetricSource, clock: Clock) -> None:
    gap(source, clock)
    world.redis.lpush(world.key + ":paused", "1", "2", "3")  # as BullMQ up to 5 did; later ones leave them in wait
    assert sample(source, clock, after=10).backlog == 3


def test_a_queue_that_is_not_there_is_a_gap(world: World, source: MetricSource, clock: Clock) -> None:
    world.work(5)
    gap(source, clock)
    world.redis.flushall()
    assert gap(source, clock, after=10).startswith("BullMQ knows no queue 'emails' in this database.")
    world.redis.hset("bull:emails:meta", "version", "bullmq:6.7.0")
    assert "rate needs two" in gap(source, clock, after=10)


def test_a_counter_that_was_set_back_is_a_gap(server: Redis, world: World, source: MetricSource, clock: Clock) -> None:
    world.work(50)
    gap(source, clock)
    world.redis.flushall()
    world = World(server, clock)
    world.work(3)
    assert "set back" in gap(source, clock, after=10)
    world.work(20)
    assert sample(source, clock, after=20 - 0.02).arrival_rate == pytest.approx(1.0)


def test_jobs_that_are_removed_at_once_are_counted_all_the_same(
    world: World, source: MetricSource, clock: Clock
) -> None:
    world.work(5, keep=0)
    gap(source, clock)
    world.work(40, keep=0)
    found = sample(source, clock, after=20 - 0.04)
    assert found.arrival_rate == pytest.approx(2.0)
    assert found.service_time == timedelta(0)  # not known, as nothing tells it


def test_a_few_jobs_that_are_kept_are_enough(world: World, source: MetricSource, clock: Clock) -> None:
    world.work(50, keep=10)
    gap(source, clock)
    world.work(60, keep=10)
    assert sample(source, clock, after=60 - 0.06).arrival_rate == pytest.approx(1.0)


def test_delayed_jobs_arrive_when_they_are_due(world: World, source: MetricSource, clock: Clock) -> None:
    world.work(5)
    gap(source, clock)
    for _ in range(20):
        world.add(delay=True)
    assert sample(source, clock, after=10).arrival_rate == 0
    world.promote()
    found = sample(source, clock, after=10)
    assert found.arrival_rate == pytest.approx(2.0)
    assert found.backlog == 20


def test_parents_arrive_when_their_children_are_done(world: World, source: MetricSource, clock: Clock) -> None:
    world.work(5)
    gap(source, clock)
    for _ in range(20):
        world.add(parent=True)
    assert sample(source, clock, after=10).arrival_rate == 0
    world.promote("waiting-children")
    found = sample(source, clock, after=10)
    assert found.arrival_rate == pytest.approx(2.0)
    assert found.backlog == 20


def test_duplicates_that_were_refused_do_not_arrive(world: World, source: MetricSource, clock: Clock) -> None:
    world.work(5)
    gap(source, clock)
    for _ in range(30):
        world.add(custom="same")
    assert sample(source, clock, after=10).arrival_rate == pytest.approx(0.1)


def test_attempts_are_work_and_so_they_arrive(world: World, source: MetricSource, clock: Clock) -> None:
    world.work(1)
    gap(source, clock)
    for _ in range(200):
        world.add()
        for _ in range(2):
            world.retry(world.start())
        world.finish(world.start())
        clock.wait(0.001)
    assert sample(source, clock, after=100 - 0.2).arrival_rate == pytest.approx(6.0, rel=0.01)


def test_failed_jobs_took_time_too(world: World, source: MetricSource, clock: Clock) -> None:
    gap(source, clock)
    world.work(20, 1.0)
    world.work(20, 3.0, to="failed")
    found = sample(source, clock, after=40 - 0.04)
    assert found.arrival_rate == pytest.approx(1.0)
    assert found.service_time == timedelta(seconds=2)


def test_failed_jobs_alone_do_not_say_the_service_time(world: World, source: MetricSource, clock: Clock) -> None:
    world.work(25, 30.0, to="failed")
    gap(source, clock)
    world.work(40, keep=0)
    found = sample(source, clock, after=20 - 0.04)
    assert found.arrival_rate == pytest.approx(2.0)
    assert (found.service_time, found.service_time_p95) == (timedelta(0), None)


def test_failed_jobs_count_from_the_time_of_the_completed_ones(
    world: World, source: MetricSource, clock: Clock
) -> None:
    world.work(150, 30.0, to="failed")
    clock.wait(1000)
    world.work(60, 1.0, keep=25)
    gap(source, clock)
    world.work(5, 7.0, to="failed")
    found = sample(source, clock, after=10)
    assert found.service_time.total_seconds() == pytest.approx((25 * 1 + 5 * 7) / 30)


def test_times_of_kept_jobs_are_of_another_time_once_jobs_are_removed_at_once(
    world: World, source: MetricSource, clock: Clock
) -> None:
    world.work(50, 1.0)
    gap(source, clock)
    world.work(10, 1.0)
    assert sample(source, clock, after=10).service_time == timedelta(seconds=1)
    world.work(40, 5.0, keep=0)
    found = sample(source, clock, after=20 - 0.04)
    assert found.arrival_rate == pytest.approx(2.0)
    assert found.service_time == timedelta(0)  # not known any more
    world.work(40, 2.0, keep=100)
    assert sample(source, clock, after=10).service_time == timedelta(seconds=(50 + 10 + 2 * 40) / 100)


def test_workers_are_counted_by_the_names_of_their_connections(server: Redis, world: World, clock: Clock) -> None:
    source = sources.make("bullmq", {"url": server.url})
    name = f"bull:{base64.b64encode(b'emails').decode()}"
    other = f"bull:{base64.b64encode(b'other').decode()}"
    names = [name, f"{name}:w:first", f"{name}:qe", other, f"{name}x"]
    clients = [redis.Redis.from_url(server.url, client_name=item) for item in names]
    for client in clients:
        client.ping()
    gap(source, clock)
    assert sample(source, clock, after=10).current_workers == 2
    for client in clients:
        client.close()


def test_a_server_that_does_not_tell_its_clients_leaves_the_workers_unknown(
    server: Redis, world: World, clock: Clock
) -> None:
    server.client.acl_setuser("seer", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-client|list"])
    try:
        source = sources.make("bullmq", {"url": server.url.replace("redis://", "redis://seer:x@")})
        gap(source, clock)
        assert sample(source, clock, after=10).current_workers == 0
    finally:
        server.client.acl_deluser("seer")


def test_where_nothing_is_kept_busy_slots_say_the_service_time(
    server: Redis, world: World, source: MetricSource, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capacity_planner.sources._sampler._EVERY", 0.01)
    jobs = [world.add() for _ in range(4)]
    for _ in jobs:
        world.start()
    gap(source, clock)
    looked(server, "llen", 60)
    world.work(80, keep=0)
    found = sample(source, clock, after=10 - 0.08)
    assert found.service_time.total_seconds() == pytest.approx(0.5, rel=0.1)  # 4 busy slots × 10 s / 80 jobs
    assert found.utilization == pytest.approx(0.4, rel=0.1)
