"""A user of Redis with the rights that the page names, and no others, is enough."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.registry import sources
from tests.sources._celery import Worker
from tests.sources._redis import Clock, gap, sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.services._redis import Redis

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "measure-redis-queues.md"


@pytest.fixture(name="planner")
def planner_fixture(server: Redis) -> Iterator[str]:
    """The URL of a user with the rights of the page."""
    found = re.search(r"^ACL SETUSER planner on >PASSWORD (.+)$", PAGE.read_text(), re.MULTILINE)
    assert found, "the page names the rights"
    server.client.execute_command("ACL", "SETUSER", "planner", "reset", "on", ">secret", *found[1].split())
    yield server.url.replace("redis://", "redis://planner:secret@")
    server.client.acl_deluser("planner")


def rights_of_celery() -> list[str]:
    found = re.search(r"also `(\+sadd[^`]+)`,\s+with\s+`(allchannels)`", PAGE.read_text())
    assert found, "the page names what Celery needs beside"
    return [*found[1].split(), found[2]]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("rq", {}),
        ("bullmq", {}),
        ("redis_streams", {"group": "workers"}),
        ("redis_list", {"arrived": "count", "processing": "busy:*", "workers": "workers"}),
        ("go_redis_work_queue", {}),
    ],
)
def test_reading_is_enough(server: Redis, planner: str, clock: Clock, name: str, options: dict[str, Any]) -> None:
    client = server.client
    client.sadd("rq:workers:emails", "rq:worker:a")
    client.hset("rq:worker:a", mapping={"birth": "2026-01-31T12:00:00.000000Z", "queues": "emails"})
    client.hset("rq:job:1", mapping={"started_at": "2026-01-31T12:00:00Z", "ended_at": "2026-01-31T12:00:01Z"})
    client.zadd("rq:finished:emails", {"1": clock.now.timestamp() + 500})
    client.hset("bull:emails:meta", "version", "bullmq:6.7.0")
    client.xgroup_create("emails", "workers", mkstream=True)
    client.mset({"count": 5})
    client.lpush("jobqueue:completed", "{}")
    options = {**options, **({"lists": ["list"]} if name == "redis_list" else {})}
    source = sources.make(name, {"url": planner, **options})
    gap(source, clock)
    assert sample(source, clock, after=10).arrival_rate == 0


def test_celery_needs_to_ask(server: Redis, planner: str, clock: Clock) -> None:
    server.client.execute_command("ACL", "SETUSER", "planner", *rights_of_celery())
    worker = Worker(server, "a@h")
    try:
        source = sources.make("celery_redis", {"url": planner})
        gap(source, clock)
        worker.work(20)
        assert sample(source, clock, after=10).arrival_rate == pytest.approx(2.0)
        end = time.monotonic() + 20
        while "planner" not in {client["user"] for client in server.client.client_list(_type="pubsub")}:
            assert time.monotonic() < end
    finally:
        worker.stop()
