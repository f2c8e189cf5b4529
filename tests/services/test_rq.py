"""Real RQ workers on a real Redis: the source says what they did, also after the server was started anew."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from capacity_planner.domain.scaling import Gap
from capacity_planner.errors import WorldError
from capacity_planner.registry import sources
from tests.services._frameworks import crew, python_with, wait_for
from tests.services._redis import redis_server
from tests.services._truth import JOB, LOAD, Truth, assert_true, cost_of_a_job, first, looks, recovered

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
WORKERS = 4
QUEUE = "emails"
ENQUEUE = """
import os
from redis import Redis
from rq import Queue
from jobs import job
from load import stream

queue = Queue("emails", connection=Redis.from_url(os.environ["REDIS_URL"]))
stream(lambda seconds: queue.enqueue(job, seconds))
"""


@pytest.mark.parametrize("version", ["2.12.0", "3.0.0"])
def test_rq_is_measured_within_five_percent_and_again_after_a_restart(version: str, tmp_path: Path) -> None:
    programs = python_with(f"rq=={version}")
    for name, text in {"jobs": JOB, "load": LOAD, "enqueue": ENQUEUE}.items():
        (tmp_path / f"{name}.py").write_text(text)
    truth = Truth(tmp_path)
    with redis_server() as server, crew(tmp_path, {"REDIS_URL": server.url}) as team:
        command = (programs / "rq", "worker", QUEUE, "--url", server.url, "--quiet")
        for _ in range(WORKERS):
            team.start(*command)
        wait_for("workers", lambda: server.client.scard(f"rq:workers:{QUEUE}") == WORKERS)
        team.start(programs / "python", "enqueue.py", "7", "0.6", "1.4", "2.4:24", "12:6", "0:18", "2.4:60")
        wait_for("jobs", lambda: truth.durations(0, time.time()))
        source = sources.make("rq", {"url": server.url})
        since = first(source, QUEUE)
        calm = looks(source, QUEUE, every=4, count=5)
        assert_true(truth, since, calm, workers=WORKERS)
        busy = looks(source, QUEUE, every=4, count=4)
        cost = cost_of_a_job(truth, busy[1:], WORKERS)
        assert busy[-1].sample.backlog > 10
        assert_true(truth, calm[-1].at, busy, workers=WORKERS, cost=cost)
        wait_for("an empty queue", lambda: not truth.waiting(time.time()) + truth.active(time.time()))
        server.stop()  # a worker of RQ that loses the server in the middle of a job ends by itself
        with pytest.raises(WorldError, match="does not answer"):
            source.collect(QUEUE, None, datetime.now(UTC))
        server.start()
        since = recovered(source, QUEUE, seconds=30)
        again = looks(source, QUEUE, every=4, count=4)
        assert_true(truth, since, again, workers=WORKERS, cost=cost)


@pytest.mark.parametrize("version", ["2.12.0", "3.0.0"])
def test_workers_that_outlive_what_redis_knew_of_them_are_a_gap(version: str, tmp_path: Path) -> None:
    programs = python_with(f"rq=={version}")
    for name, text in {"jobs": JOB, "load": LOAD, "enqueue": ENQUEUE}.items():
        (tmp_path / f"{name}.py").write_text(text)
    with redis_server(durable=False) as server, crew(tmp_path, {"REDIS_URL": server.url}) as team:
        command = (programs / "rq", "worker", QUEUE, "--url", server.url, "--quiet")
        old = [team.start(*command) for _ in range(2)]
        wait_for("workers", lambda: server.client.scard(f"rq:workers:{QUEUE}") == 2)
        source = sources.make("rq", {"url": server.url})
        server.stop()
        server.start()
        team.start(programs / "python", "enqueue.py", "7", "0.1", "0.2", "10:2")
        wait_for("jobs", lambda: server.client.zcard(f"rq:finished:{QUEUE}") >= 10)
        found = source.collect(QUEUE, None, datetime.now(UTC))
        assert isinstance(found, Gap)
        assert "none is registered" in found.reason
        for worker in old:
            worker.terminate()
            worker.wait(20)
        for _ in range(2):
            team.start(*command)
        wait_for("workers", lambda: server.client.scard(f"rq:workers:{QUEUE}") == 2)
        first(source, QUEUE)
        assert [item.sample.current_workers for item in looks(source, QUEUE, every=1, count=2)] == [2, 2]
