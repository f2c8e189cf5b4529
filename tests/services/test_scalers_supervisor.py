"""Workers of real frameworks are started and stopped by the supervisor, and no job is lost on the way."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.registry import scalers
from capacity_planner.scaling.supervisor import Supervisor
from tests.scaling._orders import order
from tests.services._frameworks import python_with, wait_for
from tests.services._redis import Redis, redis_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow
WORK = """
import os, time

def work(number, seconds):
    with open(f"begun-{number}", "w"):
        time.sleep(seconds)
    open(f"done-{number}", "w").close()
"""
CELERY = """
from celery import Celery

app = Celery("jobs", broker=os.environ["BROKER"])
app.conf.worker_prefetch_multiplier = 1
app.task(name="work")(work)
"""


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with redis_server() as server:
        yield server


def supervisor(folder: Path, command: list[str], broker: str) -> Supervisor:
    options: dict[str, Any] = {
        "command": tuple(command),
        "directory": str(folder),
        "environment": (f"BROKER={broker}", f"PYTHONPATH={folder}"),
        "state": str(folder / "state"),
        "stop_with_planner": True,
        "settle": "3s",
    }
    made = scalers.make("supervisor", options)
    assert isinstance(made, Supervisor)
    return made


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in (folder / "state" / "emails").glob("*.worker")]


def run(folder: Path, python: Path, broker: str, script: str) -> None:
    environment = os.environ | {"BROKER": broker, "PYTHONPATH": str(folder)}
    subprocess.run([python, "-c", script], cwd=folder, env=environment, check=True)


def busy_workers_stop_after_their_jobs(scaler: Supervisor, folder: Path) -> None:
    """Two jobs are under way; one worker of two stops, and then the other: both finish what they began."""
    wait_for("jobs", lambda: len(list(folder.glob("begun-*"))) == 2)
    assert scaler.scale(order(1, 2)) == 1
    assert scaler.scale(order(0, 3)) == 0
    assert scaler.current("emails") == 0
    assert sum(record["killed_at"] is not None for record in records(folder)) == 2
    wait_for("the end of the jobs", lambda: len(list(folder.glob("done-*"))) == 2)
    wait_for("the end of the workers", lambda: not records(folder))


def test_rq_workers(redis: Redis, tmp_path: Path) -> None:
    programs = python_with("rq==2.12.0")
    (tmp_path / "jobs.py").write_text(WORK)
    scaler = supervisor(tmp_path, [str(programs / "rq"), "worker", "{queue}", "-u", redis.url], redis.url)
    try:
        assert scaler.scale(order(2, 1)) == 2
        wait_for("workers", lambda: redis.client.scard("rq:workers:emails") == 2)
        send = (
            "import os; from redis import Redis; from rq import Queue; from jobs import work\n"
            "queue = Queue('emails', connection=Redis.from_url(os.environ['BROKER']))\n"
            "for number in range(2): queue.enqueue(work, number, 4)\n"
        )
        run(tmp_path, programs / "python", redis.url, send)
        busy_workers_stop_after_their_jobs(scaler, tmp_path)
        assert redis.client.scard("rq:workers:emails") == 0
    finally:
        scaler.close()


def test_celery_workers(redis: Redis, tmp_path: Path) -> None:
    programs = python_with("celery==5.7.0", "redis==7.0.0", "packaging==25.0")
    (tmp_path / "jobs.py").write_text(WORK + CELERY)
    command = [str(programs / "celery"), "-A", "jobs", "worker", "-c", "1", "-Q", "{queue}", "-n", "w{number}@%h"]
    scaler = supervisor(tmp_path, command, redis.url)
    try:
        assert scaler.scale(order(2, 1)) == 2
        logs = [tmp_path / "state" / "emails" / f"{number}.log" for number in (1, 2)]
        wait_for("workers", lambda: all("ready." in log.read_text() or "[queues]" in log.read_text() for log in logs))
        send = "from jobs import app\nfor number in range(2): app.send_task('work', (number, 4), queue='emails')\n"
        run(tmp_path, programs / "python", redis.url, send)
        busy_workers_stop_after_their_jobs(scaler, tmp_path)
    finally:
        scaler.close()
