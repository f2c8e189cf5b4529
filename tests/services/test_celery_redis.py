"""Real Celery workers on a real Redis: the source says what they did, also after the broker was started anew."""

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
WORKERS, SLOTS = 2, 4
TASKS = """
import os
from celery import Celery
import jobs

app = Celery("tasks", broker=os.environ["REDIS_URL"])
app.conf.broker_connection_retry_on_startup = True
job = app.task(name="send")(jobs.job)
"""
ENQUEUE = """
from load import stream
from tasks import job

stream(lambda seconds: job.apply_async((seconds,), queue="emails", priority=6, retry=False))
"""


def test_celery_is_measured_within_five_percent_and_again_after_a_restart(tmp_path: Path) -> None:
    programs = python_with("celery==5.7.0", "redis==7.0.0", "packaging==25.0")
    for name, text in {"jobs": JOB, "load": LOAD, "tasks": TASKS, "enqueue": ENQUEUE}.items():
        (tmp_path / f"{name}.py").write_text(text)
    truth = Truth(tmp_path)
    with redis_server() as server, crew(tmp_path, {"REDIS_URL": server.url}) as team:
        for number in range(WORKERS):
            options = ["-c", str(SLOTS // WORKERS), "-Q", QUEUE, "-n", f"w{number}@%h", "-E", "-l", "warning"]
            team.start(programs / "celery", "-A", "tasks", "worker", *options)
        wait_for("workers", lambda: server.client.scard("_kombu.binding.celery.pidbox") == WORKERS)
        team.start(programs / "python", "enqueue.py", "7", "0.3", "0.9", "4:24", "16:8", "0:20", "5:60")
        wait_for("jobs", lambda: truth.durations(0, time.time()))
        source = sources.make("celery_redis", {"url": server.url})
        since = first(source, QUEUE)
        calm = looks(source, QUEUE, every=4, count=5)
        assert_true(truth, since, calm, workers=WORKERS)
        busy = looks(source, QUEUE, every=4, count=3)
        assert busy[-1].sample.backlog > 20
        cost = cost_of_a_job(truth, busy[1:], SLOTS)
        assert_true(truth, calm[-1].at, busy, workers=WORKERS, cost=cost)
        wait_for("an empty queue", lambda: not truth.waiting(time.time()) + truth.active(time.time()))
        server.stop()  # what is fetched ahead would be lost to its worker for an hour
        with pytest.raises(WorldError, match="does not answer"):
            source.collect(QUEUE, None, datetime.now(UTC))
        server.start()
        since = recovered(source, QUEUE, seconds=30)
        again = looks(source, QUEUE, every=4, count=4)
        assert_true(truth, since, again, workers=WORKERS, cost=cost)
