"""The RQ source: workers that come and go, are killed, serve several queues, or lost their registration."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.sources._redis import gap, sample
from tests.sources._rq import source_fixture, world_fixture

if TYPE_CHECKING:
    from capacity_planner.contracts import MetricSource
    from tests.sources._redis import Clock
    from tests.sources._rq import World

__all__ = ["source_fixture", "world_fixture"]


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


def test_workers_of_several_queues_that_keep_some_results_are_a_gap(
    world: World, source: MetricSource, clock: Clock
) -> None:
    world.birth("a", "high", "emails")
    world.enqueue(1)
    held = world.start()
    gap(source, clock)
    world.work("a", 30)
    world.end("a", held, 1.0, ttl=0)
    assert "results are not kept" in gap(source, clock, after=10)


def test_jobs_that_ended_without_a_trace_are_not_taken_off_what_comes_after_the_gap(
    world: World, source: MetricSource, clock: Clock
) -> None:
    world.birth("a", "high", "emails")
    world.enqueue(20)
    held = [world.start() for _ in range(20)]
    gap(source, clock)
    for job in held:
        world.end("a", job, 1.0, ttl=0)
    world.work("a", 10)
    assert "results are not kept" in gap(source, clock, after=10)
    world.work("a", 10)
    assert sample(source, clock, after=10).arrival_rate == pytest.approx(1.0)


def test_a_job_that_is_tried_again_is_no_result_that_was_not_kept(
    world: World, source: MetricSource, clock: Clock
) -> None:
    world.birth("a", "high", "emails")
    world.enqueue(1)
    held = world.start()
    gap(source, clock)
    world.end("a", held, 1.0, ttl=0, failed=True)
    world.redis.hset(f"rq:job:{held}", "status", "scheduled")
    assert sample(source, clock, after=10).arrival_rate == 0


def test_what_workers_lose_is_not_learned_where_they_serve_other_queues(
    world: World, source: MetricSource, clock: Clock
) -> None:
    for name in "abcd":
        world.birth(name, "high", "emails")
    world.enqueue(500)
    gap(source, clock)
    for _ in range(60):
        world.end("a", world.start(), 1.0)
    for name in "bcd":
        world.work(name, 60, queue="high")
    assert sample(source, clock, after=60).service_time == timedelta(seconds=1)


def test_a_killed_worker_does_not_make_jobs_seem_longer(world: World, source: MetricSource, clock: Clock) -> None:
    world.birth("a")
    world.birth("killed")
    world.enqueue(500)
    gap(source, clock)
    for _ in range(60):
        world.end("a", world.start(), 1.0)
    found = sample(source, clock, after=60)
    assert (found.service_time, found.current_workers) == (timedelta(seconds=1), 2)


def test_the_jobs_of_a_dead_worker_wait_for_another(world: World, source: MetricSource, clock: Clock) -> None:
    world.birth("a")
    world.birth("b")
    world.enqueue(3)
    world.start()
    gap(source, clock)
    clock.wait(91)  # its heartbeat ran out
    world.redis.zadd("rq:wip:emails", {"without a limit:0123abcd": float("inf")})
    found = sample(source, clock)
    assert (found.active_jobs, found.backlog) == (1, 3)


def test_workers_that_lost_their_registration_are_a_gap(world: World, source: MetricSource, clock: Clock) -> None:
    world.birth("a")
    world.work("a", 5)
    gap(source, clock)
    world.redis.flushall()
    world.enqueue(2)
    job = world.start()
    assert "none is registered" in gap(source, clock, after=10)
    world.beat("a")
    world.end("a", job, 1.0)
    assert "none is registered" in gap(source, clock, after=10)  # it is idle
    assert "Restart the workers" in gap(source, clock, after=10)
    world.birth("a")
    assert "rate needs two" in gap(source, clock, after=10)
    assert sample(source, clock, after=10).current_workers == 1


@pytest.mark.parametrize("end", ["left", "serves another queue", "is forgotten"])
def test_a_worker_that_is_there_no_more_is_none_without_registration(
    world: World, source: MetricSource, clock: Clock, end: str
) -> None:
    world.birth("a")
    world.work("a", 5)
    world.beat("a")
    gap(source, clock)
    world.work("a", 5)
    world.death("a")
    if end == "serves another queue":
        world.birth("a", "other")
        world.beat("a")
    elif end == "is forgotten":
        world.redis.delete("rq:worker:a")
    assert sample(source, clock, after=10).current_workers == 0


def test_an_idle_queue_of_shared_workers_is_a_measured_zero(world: World, source: MetricSource, clock: Clock) -> None:
    world.birth("a", "high", "emails")
    world.work("a", 3)
    gap(source, clock)
    world.work("a", 50, queue="high")
    assert sample(source, clock, after=30).arrival_rate == 0
