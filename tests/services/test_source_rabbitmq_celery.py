"""Real Celery workers on a real RabbitMQ, whichever end of a job they acknowledge it at."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from statistics import fmean
from typing import TYPE_CHECKING

import httpx
import pytest

from capacity_planner.domain.scaling import Gap
from capacity_planner.registry import sources
from tests.services._frameworks import crew, python_with, wait_for
from tests.services._rabbitmq import Broker, broker
from tests.services._truth import JOB, Truth

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
WORKERS, CONCURRENCY = 2, 2
RATE, SERVICE, FIRST = 9.5, 0.4, 150
STEP, MEASURED = 5, 30
TASKS = """
import os
from celery import Celery
import jobs

app = Celery("tasks", broker=os.environ["BROKER"])
app.conf.broker_connection_retry_on_startup = True
app.conf.task_acks_late = os.environ["ACKNOWLEDGE"] == "after"
job = app.task(name="send")(jobs.job)
"""
ENQUEUE = """
import sys, time
from jobs import write
from tasks import job

rate, seconds, first = map(float, sys.argv[1:])
begin, number = time.time(), -first
while True:
    number += 1
    time.sleep(max(0.0, begin + number / rate - time.time()))
    job.apply_async((seconds,), queue="emails", retry=False)
    write("arrivals.log", f"{time.time():.6f}")
"""


def consumers(node: Broker) -> int:
    answer = httpx.get(f"{node.url}/api/queues/%2F/emails", auth=("guest", "guest"))
    return int(answer.json().get("consumers", 0)) if answer.is_success else 0


@pytest.mark.parametrize("acknowledge", ["before", "after"])
def test_celery_is_measured_within_five_percent(tmp_path: Path, acknowledge: str) -> None:
    programs = python_with("celery==5.7.0", "redis==7.0.0", "packaging==25.0")
    for name, text in {"jobs": JOB, "tasks": TASKS, "enqueue": ENQUEUE}.items():
        (tmp_path / f"{name}.py").write_text(text)
    truth = Truth(tmp_path)
    with broker() as node, crew(tmp_path, {"BROKER": node.amqp, "ACKNOWLEDGE": acknowledge}) as team:
        for number in range(WORKERS):
            options = ["-c", str(CONCURRENCY), "-Q", "emails", "-n", f"w{number}@%h", "-l", "warning"]
            team.start(programs / "celery", "-A", "tasks", "worker", *options)
        wait_for("workers", lambda: consumers(node) == WORKERS, seconds=60)
        team.start(programs / "python", "enqueue.py", str(RATE), str(SERVICE), str(FIRST))
        wait_for("jobs", lambda: truth.durations(0, time.time()))
        time.sleep(10)
        since = time.time() // STEP * STEP
        time.sleep(MEASURED + 2 * STEP)
        crewed = {"acknowledge": acknowledge, "slots_per_consumer": CONCURRENCY, "step": f"{STEP}s"}
        source = sources.make("rabbitmq", {"url": node.url, **crewed})
        found = source.collect("emails", datetime.fromtimestamp(since, UTC), datetime.now(UTC))
    assert not isinstance(found, Gap), found.reason
    times = [item.timestamp.timestamp() for item in found]
    assert len(times) >= MEASURED // STEP
    assert fmean(item.arrival_rate for item in found) == pytest.approx(RATE, rel=0.05)
    took = fmean(truth.durations(since, times[-1]))
    assert found[-1].service_time.total_seconds() == pytest.approx(took, rel=0.05)
    waited = sum(truth.waiting(moment - 5) for moment in times)
    assert waited > 100 * len(times)
    assert sum(item.backlog for item in found) == pytest.approx(waited, rel=0.05)
    assert {item.current_workers for item in found} == {WORKERS}
    assert {item.active_jobs for item in found} <= {WORKERS * CONCURRENCY - 1, WORKERS * CONCURRENCY}
    assert all(item.utilization == pytest.approx(1, abs=0.06) for item in found)
