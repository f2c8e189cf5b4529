"""The source for go-redis-work-queue, on its key layout and with workers that loop as its own do."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import redis

from capacity_planner.domain.scaling import Gap
from capacity_planner.registry import sources
from tests.sources._redis import Clock, gap, sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capacity_planner.contracts import MetricSource
    from tests.services._redis import Redis

HIGH, LOW = "jobqueue:high_priority", "jobqueue:low_priority"
COMPLETED, DEAD = "jobqueue:completed", "jobqueue:dead_letter"
BASE = "host-17-1769860800000000000-ab12"
JOB = json.dumps({"id": "1", "priority": "low", "retries": 0, "creation_time": "2026-01-31T12:00:00Z"})


def lane(slot: int, base: str = BASE) -> str:
    return f"jobqueue:worker:{base}-{slot}:processing"


def push(server: Redis, key: str, count: int) -> None:
    server.client.lpush(key, *[JOB] * count)


@pytest.fixture(name="source")
def source_fixture(server: Redis) -> MetricSource:
    return sources.make("go_redis_work_queue", {"url": server.url, "concurrency": 4})


def test_both_lists_and_all_workers_are_measured_together(server: Redis, source: MetricSource, clock: Clock) -> None:
    push(server, HIGH, 3)
    push(server, COMPLETED, 100)
    assert "rate needs two" in gap(source, clock)
    push(server, LOW, 10)
    push(server, COMPLETED, 40)
    push(server, DEAD, 8)
    for slot in (0, 3):
        push(server, lane(slot), 1)
    push(server, lane(1, "host-18-1-ab13"), 1)
    push(server, "jobqueue:ordered:queue:0f0f", 5)  # jobs that must be done in order wait apart
    server.client.set("jobqueue:processing:worker:x", "x", ex=30)
    found = sample(source, clock, after=33)
    assert found.arrival_rate == pytest.approx((10 + 40 + 8 + 3 + 5) / 33)
    assert (found.backlog, found.active_jobs, found.current_workers) == (3 + 10 + 5, 3, 2)


def test_workers_are_remembered_while_they_are_idle_and_may_be_told(
    server: Redis, source: MetricSource, clock: Clock
) -> None:
    push(server, COMPLETED, 1)
    push(server, lane(0), 1)
    gap(source, clock)
    server.client.delete(lane(0))
    assert sample(source, clock, after=10).current_workers == 1
    told = sources.make("go_redis_work_queue", {"url": server.url, "workers": 9})
    gap(told, clock)
    assert sample(told, clock, after=10).current_workers == 9


def test_other_lists_and_another_prefix(server: Redis, clock: Clock) -> None:
    options = {"url": server.url, "prefix": "a*b:", "lists": ["a*b:one", "a*b:two"]}
    source = sources.make("go_redis_work_queue", options)
    push(server, "a*b:two", 2)
    push(server, "axb:worker:h-1:processing", 5)
    gap(source, clock)
    found = sample(source, clock, after=10)
    assert (found.backlog, found.active_jobs) == (2, 0)


def test_nothing_there_is_a_gap(server: Redis, source: MetricSource, clock: Clock) -> None:
    assert gap(source, clock).startswith("No list of go-redis-work-queue is in this database")
    push(server, COMPLETED, 5)
    gap(source, clock, after=10)
    assert sample(source, clock, after=10).arrival_rate == 0
    server.client.flushall()
    assert gap(source, clock, after=10).startswith("No list")


def test_a_list_of_completed_jobs_that_was_cut_is_a_gap(server: Redis, source: MetricSource, clock: Clock) -> None:
    push(server, COMPLETED, 500)
    gap(source, clock)
    server.client.ltrim(COMPLETED, 0, 9)
    assert "set back" in gap(source, clock, after=10)


class Workers:
    """Four slots that loop as worker.go does: block on the high list for a second, then look at the low one."""

    def __init__(self, url: str, seconds: float) -> None:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._loop, args=(url, slot, seconds)) for slot in range(4)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _loop(self, url: str, slot: int, seconds: float) -> None:
        with redis.Redis.from_url(url, decode_responses=True) as client:
            while not self._stop.is_set():
                for key in (HIGH, LOW):
                    job = client.brpoplpush(key, lane(slot), timeout=1)
                    if job is not None:
                        time.sleep(seconds)
                        client.lpush(COMPLETED, str(job))
                        client.lrem(lane(slot), 1, str(job))
                        break


@pytest.fixture(name="workers")
def workers_fixture(server: Redis) -> Iterator[Workers]:
    push(server, LOW, 1000)
    workers = Workers(server.url, 0.1)
    yield workers
    workers.stop()


@pytest.mark.slow
def test_what_a_job_costs_is_not_what_it_takes_when_the_low_list_waits_for_the_high_one(
    server: Redis, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capacity_planner.sources._sampler._EVERY", 0.04)
    source = sources.make("go_redis_work_queue", {"url": server.url, "concurrency": 4})
    for pause in (3, 3, 14):  # the workers are known once they were seen at work
        source.collect("jobs", None, datetime.now(UTC))
        time.sleep(pause)
    found = source.collect("jobs", None, datetime.now(UTC))
    assert not isinstance(found, Gap)
    assert found[0].service_time.total_seconds() == pytest.approx(1.1, rel=0.1)
    assert found[0].current_workers == 1
    assert found[0].utilization > 0.9
