"""Real taskiq workers on a real Redis: the source says what they did, also after the server was started anew."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from capacity_planner.errors import WorldError
from capacity_planner.registry import sources
from tests.services._frameworks import crew, python_with, wait_for
from tests.services._redis import redis_server
from tests.services._truth import JOB, LOAD, Truth, assert_true, cost_of_a_job, first, looks, recovered

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
QUEUE = "emails"
WORKERS, CONCURRENCY = 2, 2
TASKS = """
import asyncio, os, time
from taskiq_redis import RedisStreamBroker
from jobs import write

names = {"queue_name": "emails", "consumer_group_name": "workers"}
broker = RedisStreamBroker(os.environ["REDIS_URL"], xread_count=4, **names)

@broker.task
async def job(seconds: float) -> None:
    began = time.time()
    write("starts.log", f"{began:.6f}")
    await asyncio.sleep(seconds)
    ended = time.time()
    write("ends.log", f"{ended:.6f} {ended - began:.6f}")
"""
ENQUEUE = """
import asyncio
from load import stream
from tasks import broker, job

loop = asyncio.new_event_loop()
loop.run_until_complete(broker.startup())
stream(lambda seconds: loop.run_until_complete(job.kiq(seconds)))
"""


def test_a_stream_is_measured_within_five_percent_and_again_after_a_restart(tmp_path: Path) -> None:
    programs = python_with("taskiq==0.13.0", "taskiq-redis==1.2.4", "redis==8.1.0")
    for name, text in {"jobs": JOB, "load": LOAD, "tasks": TASKS, "enqueue": ENQUEUE}.items():
        (tmp_path / f"{name}.py").write_text(text)
    truth = Truth(tmp_path)
    with redis_server() as server, crew(tmp_path, {"REDIS_URL": server.url}) as team:
        options = ["--workers", "1", "--max-async-tasks", str(CONCURRENCY), "--max-prefetch", "1"]
        for _ in range(WORKERS):
            team.start(programs / "taskiq", "worker", "tasks:broker", *options)
        wait_for("a group", lambda: server.client.exists(QUEUE))
        team.start(programs / "python", "enqueue.py", "7", "0.3", "0.9", "4:24", "14:7", "0:16", "5:60")
        wait_for("workers", lambda: len(server.client.xinfo_consumers(QUEUE, "workers")) == WORKERS)
        source = sources.make(
            "redis_streams", {"url": server.url, "group": "workers", "concurrency": CONCURRENCY, "idle_after": "6s"}
        )
        since = first(source, QUEUE)
        calm = looks(source, QUEUE, every=4, count=5)
        assert_true(truth, since, calm, workers=WORKERS, jobs=110)
        busy = looks(source, QUEUE, every=4, count=3)
        assert busy[-1].sample.backlog > 20
        cost = cost_of_a_job(truth, busy[1:], WORKERS * CONCURRENCY)
        assert_true(truth, calm[-1].at, busy, workers=WORKERS, jobs=110, cost=cost)
        wait_for("an empty queue", lambda: not truth.waiting(time.time()) + truth.active(time.time()))
        server.stop()  # what is at work would be lost to its worker, which does not acknowledge it then
        with pytest.raises(WorldError, match="does not answer"):
            source.collect(QUEUE, None, datetime.now(UTC))
        server.start()
        recovered(source, QUEUE, seconds=30)
        time.sleep(6)  # a worker that came back is another consumer, and the old one is not gone at once
        since = recovered(source, QUEUE, seconds=30)
        again = looks(source, QUEUE, every=4, count=3)
        assert_true(truth, since, again, workers=WORKERS, jobs=110, cost=cost)
