"""The RQ source on keys laid out as RQ 2 and 3 lay them out (worker, queue and registry of rq 2.12.0 and 3.0.0)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.registry import sources
from tests.sources._redis import Clock, gap, sample

if TYPE_CHECKING:
    from capacity_planner.contracts import MetricSource
    from tests.services._redis import Redis

FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class World:
    """What RQ's producers and workers write."""

    def __init__(self, server: Redis, clock: Clock, prefix: str = "rq") -> None:
        self.redis, self.clock, self.prefix = server.client, clock, prefix
        self.made = 0

    def enqueue(self, count: int, queue: str = "emails") -> None:
        self.redis.sadd(f"{self.prefix}:queues", f"{self.prefix}:queue:{queue}")
        for _ in range(count):
            self.made += 1
            self.redis.rpush(f"{self.prefix}:queue:{queue}", f"job-{self.made}")

    def birth(self, name: str, *queues: str) -> None:
        key = f"{self.prefix}:worker:{name}"
        self.redis.delete(key)
        facts: dict[Any, Any] = {"birth": self.clock.now.strftime(FORMAT), "queues": ",".join(queues or ("emails",))}
        self.redis.hset(key, mapping={**facts, "state": "idle", "pid": "1", "hostname": "h"})
        for queue in queues or ("emails",):
            self.redis.sadd(f"{self.prefix}:workers:{queue}", key)

    def death(self, name: str, *queues: str) -> None:
        for queue in queues or ("emails",):
            self.redis.srem(f"{self.prefix}:workers:{queue}", f"{self.prefix}:worker:{name}")
        self.redis.hset(f"{self.prefix}:worker:{name}", "death", self.clock.now.strftime(FORMAT))

    def take(self, queue: str = "emails") -> str:
        """A job on its way from the queue to a worker."""
        name = self.redis.lmove(f"{self.prefix}:queue:{queue}", f"{self.prefix}:queue:{queue}:intermediate")
        return str(name)

    def start(self, queue: str = "emails") -> str:
        job = self.take(queue)
        expires = self.clock.now.timestamp() + 90
        self.redis.zadd(f"{self.prefix}:wip:{queue}", {f"{job}:0123abcd": expires})
        self.redis.lrem(f"{self.prefix}:queue:{queue}:intermediate", 1, job)
        return job

    def end(
        self, worker: str, job: str, seconds: float, *, queue: str = "emails", ttl: int = 500, failed: bool = False
    ) -> None:
        key = f"{self.prefix}:worker:{worker}"
        self.redis.hincrby(key, "failed_job_count" if failed else "successful_job_count", 1)
        self.redis.hincrbyfloat(key, "total_working_time", seconds)
        self.redis.zrem(f"{self.prefix}:wip:{queue}", f"{job}:0123abcd")
        if ttl:
            now, registry = self.clock.now, "failed" if failed else "finished"
            times = {
                "started_at": now.strftime(FORMAT),
                "ended_at": (now + timedelta(seconds=seconds)).strftime(FORMAT),
            }
            self.redis.hset(f"{self.prefix}:job:{job}", mapping=times)
            self.redis.zadd(f"{self.prefix}:{registry}:{queue}", {job: int(now.timestamp()) + ttl})

    def work(self, worker: str, count: int, seconds: float = 1.0, *, queue: str = "emails", **how: Any) -> None:
        """Some jobs that come and are done."""
        self.enqueue(count, queue)
        for _ in range(count):
            self.end(worker, self.start(queue), seconds, queue=queue, **how)


@pytest.fixture(name="world")
def world_fixture(server: Redis, clock: Clock) -> World:
    return World(server, clock)


@pytest.fixture(name="source")
def source_fixture(server: Redis) -> MetricSource:
    return sources.make("rq", {"url": server.url})


def test_a_queue_and_its_workers_are_measured(world: World, source: MetricSource, clock: Clock) -> None:
    world.birth("a")
    world.birth("b")
    world.enqueue(3)
    assert "rate needs two" in gap(source, clock)
    world.work("a", 20, 2.0)
    world.work("b", 20, 1.0)
    world.enqueue(10)
    world.start()
    world.take()
    found = sample(source, clock, after=50)
    assert found.arrival_rate == pytest.approx(50 / 50)
    assert (found.backlog, found.active_jobs, found.current_workers) == (11, 2, 2)
    assert found.service_time == timedelta(seconds=1.5)
    assert found.service_time_std == pytest.approx(timedelta(seconds=0.5), abs=timedelta(seconds=0.01))
    assert found.service_time_p95 == timedelta(seconds=2)
    assert found.utilization == pytest.approx(60 / 100)


def test_a_job_between_queue_and_registry_is_seen_once(world: World, source: MetricSource, clock: Clock) -> None:
    world.birth("a")
    world.enqueue(1)
    gap(source, clock)
    job = world.take()
    world.redis.zadd("rq:wip:emails", {f"{job}:0123abcd": clock.now.timestamp() + 90})  # in both, while it forks
    found = sample(source, clock, after=10)
    assert (found.arrival_rate, found.active_jobs, found.backlog) == (0, 1, 0)


def test_a_queue_that_is_not_there_is_a_gap(world: World, source: MetricSource, clock: Clock) -> None:
    assert gap(source, clock) == ("RQ knows no queue 'emails' in this database. Check its name, url and prefix.")
    world.enqueue(1)
    assert "rate needs two" in gap(source, clock, after=10)
    world.redis.flushall()
    assert "knows no queue" in gap(source, clock, after=10)
    world.enqueue(1)
    assert "rate needs two" in gap(source, clock, after=10)


def test_an_empty_queue_without_workers_is_a_measured_zero(world: World, source: MetricSource, clock: Clock) -> None:
    world.work("gone", 1)
    world.redis.delete("rq:worker:gone")
    gap(source, clock)
    found = sample(source, clock, after=60)
    assert (found.arrival_rate, found.backlog, found.current_workers, found.utilization) == (0, 0, 0, 0)


def test_a_worker_that_is_new_counts_from_zero(world: World, source: MetricSource, clock: Clock) -> None:
    world.birth("a")
    world.enqueue(1)
    gap(source, clock)
    clock.wait(5)
    world.birth("b")
    world.work("b", 30, ttl=0)
    assert sample(source, clock, after=25).arrival_rate == pytest.approx(1.0)


def test_a_worker_that_left_is_counted_to_its_last_word(world: World, source: MetricSource, clock: Clock) -> None:
    world.birth("a")
    world.enqueue(1)
    gap(source, clock)
    world.work("a", 30, ttl=0)
    world.death("a")
    found = sample(source, clock, after=30)
    assert found.arrival_rate == pytest.approx(1.0)
    assert found.current_workers == 0
    assert sample(source, clock, after=30).arrival_rate == 0


def test_a_worker_whose_hash_is_gone_is_made_up_for_by_the_registry(
    world: World, source: MetricSource, clock: Clock
) -> None:
    world.birth("a")
    world.enqueue(1)
    gap(source, clock)
    world.work("a", 30)
    world.death("a")
    world.redis.delete("rq:worker:a")
    assert sample(source, clock, after=30).arrival_rate == pytest.approx(1.0)


def test_a_name_that_is_used_again_is_another_worker(world: World, source: MetricSource, clock: Clock) -> None:
    world.birth("a")
    world.work("a", 50, ttl=0)
    gap(source, clock)
    clock.wait(10)
    world.birth("a")
    world.work("a", 20, ttl=0)
    assert sample(source, clock, after=10).arrival_rate == pytest.approx(1.0)


def test_workers_of_several_queues_are_told_apart_by_the_results_they_keep(
    world: World, source: MetricSource, clock: Clock
) -> None:
    world.birth("a", "high", "emails")
    world.work("a", 5)
    gap(source, clock)
    clock.wait(20)
    world.work("a", 100, 0.1, queue="high")
    world.work("a", 20, 2.0)
    world.work("a", 10, 2.0, failed=True, ttl=10**7)
    found = sample(source, clock, after=10)
    assert found.arrival_rate == pytest.approx(1.0)
    assert found.service_time == timedelta(seconds=(20 * 2 + 5 * 1) / 25)


def test_workers_of_several_queues_that_keep_no_results_are_a_gap(
    world: World, source: MetricSource, clock: Clock
) -> None:
    world.birth("a", "high", "emails")
    world.enqueue(2)
    first, second = world.start(), world.start()
    gap(source, clock)
    world.end("a", first, 1.0, ttl=0)
    world.end("a", second, 1.0, ttl=0)
    assert "serve high, too, and results are not kept" in gap(source, clock, after=10)


def test_an_idle_queue_of_shared_workers_is_a_measured_zero(world: World, source: MetricSource, clock: Clock) -> None:
    world.birth("a", "high", "emails")
    world.work("a", 3)
    gap(source, clock)
    world.work("a", 50, queue="high")
    assert sample(source, clock, after=30).arrival_rate == 0


def test_results_that_expired_between_two_readings_are_no_negative_rate(
    world: World, source: MetricSource, clock: Clock
) -> None:
    world.birth("a", "high", "emails")
    world.work("a", 40)
    gap(source, clock)
    clock.wait(100)
    world.work("a", 60)
    world.redis.zremrangebyscore("rq:finished:emails", 0, clock.now.timestamp() + 450)
    assert sample(source, clock, after=100).arrival_rate == pytest.approx(60 / 200)


def test_what_finished_and_expired_meanwhile_is_not_taken_for_nothing(
    world: World, source: MetricSource, clock: Clock
) -> None:
    world.birth("a", "high", "emails")
    world.work("a", 40)
    gap(source, clock)
    clock.wait(100)
    world.work("a", 60)
    clock.wait(600)
    world.work("a", 5)
    world.redis.zremrangebyscore("rq:finished:emails", 0, clock.now.timestamp())  # as RQ's upkeep does
    assert "results are not kept" in gap(source, clock, after=10)


def test_an_emptied_server_that_is_filled_again_makes_no_burst(
    world: World, source: MetricSource, clock: Clock
) -> None:
    world.birth("a")
    world.work("a", 500)
    gap(source, clock)
    world.redis.flushall()
    world.birth("a")
    world.work("a", 10)
    assert "set back" in gap(source, clock, after=10)
    world.work("a", 10)
    assert sample(source, clock, after=10).arrival_rate == pytest.approx(1.0)


def test_a_prefix_and_other_keys_are_kept_apart(server: Redis, clock: Clock) -> None:
    world = World(server, clock, prefix="jobs")
    source = sources.make("rq", {"url": server.url, "prefix": "jobs"})
    world.birth("a")
    world.enqueue(1)
    World(server, clock).enqueue(99)
    gap(source, clock)
    world.enqueue(10)
    assert sample(source, clock, after=10).backlog == 11


def test_queues_of_one_source_do_not_disturb_each_other(world: World, source: MetricSource, clock: Clock) -> None:
    for queue in ("emails", "other"):
        world.birth(f"w-{queue}", queue)
        world.enqueue(1, queue)
        gap(source, clock, queue=queue)
    world.work("w-emails", 20)
    world.work("w-other", 40, queue="other")
    assert sample(source, clock, after=20).arrival_rate == pytest.approx(1.0)
    assert sample(source, clock, queue="other").arrival_rate == pytest.approx(2.0)


def test_nothing_pickled_is_read(world: World, source: MetricSource, clock: Clock) -> None:
    world.birth("a")
    world.enqueue(1)
    gap(source, clock)
    world.work("a", 1)
    world.redis.hset(f"rq:job:job-{world.made}", "data", b"cos\nsystem\n(S'false'\ntR.")
    before = world.redis.info("commandstats").get("cmdstat_hgetall", {"calls": 0})
    sample(source, clock, after=10)
    assert world.redis.info("commandstats").get("cmdstat_hgetall", {"calls": 0}) == before
