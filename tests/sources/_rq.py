"""RQ's producers and workers, as far as their keys tell (worker, queue and registry of rq 2.12.0 and 3.0.0)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.registry import sources

if TYPE_CHECKING:
    from capacity_planner.contracts import MetricSource
    from tests.services._redis import Redis
    from tests.sources._redis import Clock

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
        self.redis.sadd(f"{self.prefix}:workers", key)

    def beat(self, name: str) -> None:
        self.redis.hset(f"{self.prefix}:worker:{name}", "last_heartbeat", self.clock.now.strftime(FORMAT))

    def death(self, name: str, *queues: str) -> None:
        for queue in queues or ("emails",):
            self.redis.srem(f"{self.prefix}:workers:{queue}", f"{self.prefix}:worker:{name}")
        self.redis.srem(f"{self.prefix}:workers", f"{self.prefix}:worker:{name}")
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
                "worker_name": worker,
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
