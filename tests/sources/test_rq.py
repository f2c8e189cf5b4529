"""The RQ source: what it reads of a queue, its jobs and its registries."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from capacity_planner.registry import sources
from tests.sources._redis import gap, sample
from tests.sources._rq import World, source_fixture, world_fixture

if TYPE_CHECKING:
    from capacity_planner.contracts import MetricSource
    from tests.services._redis import Redis
    from tests.sources._redis import Clock


__all__ = ["source_fixture", "world_fixture"]


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
