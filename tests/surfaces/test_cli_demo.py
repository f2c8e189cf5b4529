"""``demo``: everything is real, and nothing of it is left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from capacity_planner.domain.scaling import Gap
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.registry import sources
from capacity_planner.surfaces.cli import _demo_redis, _demo_source, _demo_worker
from capacity_planner.surfaces.cli._demo_redis import redis_of
from capacity_planner.surfaces.cli._demo_replay import Replay
from capacity_planner.surfaces.cli._demo_settings import crew_for
from tests.services._redis import Redis, redis_server
from tests.services._servers import free_port
from tests.surfaces._made import process

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

WORKER = Path(str(_demo_worker.__file__))
FOREIGN = "not-ours"


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    with redis_server() as made:
        yield made


@pytest.fixture
def store(server: Redis) -> Iterator[Redis]:
    """A Redis that has something of somebody else's, which must still be there afterwards."""
    server.client.flushall()
    server.client.set(FOREIGN, "kept")
    yield server
    assert server.client.get(FOREIGN) == "kept"


def started(store: Redis, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "capacity_planner", "demo", "--redis", store.url, *arguments]
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=folder
    )


def programs_of(demo: subprocess.Popen[str]) -> list[int]:
    """Workers and loads that still run for a demo, which they know by its number."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_text(encoding="utf-8").split("\0")
        except OSError:
            continue
        if any("_demo_" in word for word in words) and str(demo.pid) in words:
            found.append(int(path.parent.name))
    return found


def words_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def nothing_left(store: Redis, demo: subprocess.Popen[str]) -> bool:
    return not programs_of(demo) and store.client.keys() == [FOREIGN]


def until(condition: object, seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def test_fifteen_seconds_do_jobs_scale_up_and_down_and_leave_nothing(store: Redis, tmp_path: Path) -> None:
    demo = started(store, tmp_path, "--seconds", "15", "--json")
    until(lambda: len(programs_of(demo)) > 3)
    said, errors = demo.communicate(timeout=60)
    assert demo.returncode == 0, errors
    came = json.loads(said)
    assert came["jobs_done"] > 200
    assert 0 <= came["jobs_arrived"] - came["jobs_done"] <= 60
    assert 0 < came["p95_seconds"] < 5.0
    assert came["scaled_up"] >= 1
    assert came["scaled_down"] >= 1
    assert came["least_workers"] < came["most_workers"] < came["worker_seconds"]
    assert came["fixed_worker_seconds"] == came["fixed_crew"] * came["seconds"]
    assert nothing_left(store, demo)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_end_it_says_what_it_came_to_and_leaves_nothing(
    store: Redis, tmp_path: Path, number: signal.Signals
) -> None:
    demo = started(store, tmp_path)
    until(lambda: int(store.client.get(arrived(store) or "") or 0) > 5)
    time.sleep(1.5)
    demo.send_signal(number)
    demo.send_signal(number)
    said, errors = demo.communicate(timeout=30)
    assert demo.returncode == 0, errors
    assert re.search(
        r"^ +1 s Thu 25 04:\d\d +\d+/s, expects +\d+/s +\d+ of +\d+ workers +\d+ wait  p95 ", said, re.MULTILINE
    )
    assert re.search(r"^\d+ of \d+ jobs done", said, re.MULTILINE)
    assert nothing_left(store, demo)
    assert list(tmp_path.iterdir()) == []


def arrived(store: Redis) -> str | None:
    return next(iter(store.client.keys("capacity-planner-demo:*:arrived")), None)


def test_killed_it_leaves_no_process_and_no_key_and_the_redis_as_it_was(store: Redis, tmp_path: Path) -> None:
    demo = started(store, tmp_path)
    until(lambda: int(store.client.get(arrived(store) or "") or 0) > 5)
    demo.kill()
    demo.communicate()
    until(lambda: nothing_left(store, demo))
    time.sleep(1.0)
    assert store.client.ping()
    assert nothing_left(store, demo)


def test_killed_it_ends_the_redis_that_it_started_and_removes_its_folder(tmp_path: Path) -> None:
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    code = "from capacity_planner.surfaces.cli import _demo_redis, main; "
    code += f"_demo_redis.AT_HAND = {nowhere!r}; from capacity_planner.surfaces.cli import _demo_stage; "
    code += f"_demo_stage.AT_HAND = {nowhere!r}; main.run()"
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    demo = subprocess.Popen([sys.executable, "-c", code, "demo"], stdout=subprocess.PIPE, text=True, env=environment)
    assert demo.stdout
    until(lambda: re.match(r" +1 s ", demo.stdout.readline()), 60)
    (home,) = tmp_path.iterdir()
    demo.kill()
    demo.communicate()
    until(lambda: not list(tmp_path.iterdir()))
    until(lambda: not [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(home) in words_of(path)])


def test_a_redis_that_goes_away_is_told_after_what_was_seen(tmp_path: Path) -> None:
    with redis_server() as server:
        demo = started(server, tmp_path)
        assert demo.stdout
        until(lambda: re.match(r" +2 s ", demo.stdout.readline()), 60)
        server.stop()
        said, errors = demo.communicate(timeout=60)
    assert demo.returncode == 2
    assert re.search(r"^\d+ of \d+ jobs done", said, re.MULTILINE)
    assert re.search(r"^CONFIG_INVALID: Redis went away at second \d+: ", errors, re.MULTILINE)
    assert "Traceback" not in said + errors
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["redis://:se@cret@127.0.0.1:1/0", "redis://127.0.0.1:1/0?password=se@cret"])
def test_no_part_of_a_password_is_shown(url: str) -> None:
    done = process("demo", "--redis", url)
    assert done.returncode == 2
    assert "***" in done.stderr
    assert "cret" not in done.stdout + done.stderr


def test_without_a_redis_it_says_in_a_sentence_how_to_get_one() -> None:
    done = process("demo", "--redis", f"redis://:secret@127.0.0.1:{free_port()}/0")
    assert done.returncode == 2
    assert done.stderr.startswith("CONFIG_INVALID: --redis redis://***@127.0.0.1:")
    assert "apt install redis-server" in done.stderr
    assert "secret" not in done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_address_that_is_none_is_refused() -> None:
    done = process("demo", "--redis", "localhost", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "it is no address of Redis" in json.loads(done.stderr)["message"]


def test_a_redis_that_is_missing_is_started_and_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_demo_redis, "AT_HAND", f"redis://127.0.0.1:{free_port()}/0")
    with redis_of(None, tmp_path) as url:
        client = redis.Redis.from_url(url)
        assert client.ping()
    with pytest.raises(redis.ConnectionError):
        client.ping()
    client.close()
    assert list(tmp_path.iterdir()) == []


def test_a_redis_at_hand_is_taken_and_not_ended(store: Redis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_demo_redis, "AT_HAND", store.url)
    with redis_of(None, tmp_path) as url:
        assert url == store.url
    assert store.client.ping()


def test_where_none_can_be_started_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_demo_redis, "AT_HAND", f"redis://127.0.0.1:{free_port()}/0")
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(PlannerError, match=r"redis-server is not installed.*docker run") as caught,
        redis_of(None, tmp_path),
    ):
        pass
    assert caught.value.code is ErrorCode.CONFIG_INVALID


@pytest.mark.parametrize("library", ["redis", "sqlalchemy", "prometheus_client"])
def test_a_missing_extra_is_named(library: str) -> None:
    program = f"import sys; sys.modules[{library!r}] = None; from capacity_planner.surfaces.cli.main import run; run()"
    done = subprocess.run([sys.executable, "-c", program, "demo"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'capacity-planner[server,redis]'" in done.stderr


def test_more_than_there_is_of_the_trace_is_refused() -> None:
    done = process("demo", "--seconds", "3600")
    assert done.returncode == 2
    assert "the trace ends after 650 s" in done.stderr


def test_a_worker_that_is_told_to_stop_finishes_its_job_and_takes_no_other(store: Redis) -> None:
    job = json.dumps({"id": "1", "wanted": time.monotonic(), "seconds": 0.5})
    other = json.dumps({"id": "2", "wanted": time.monotonic(), "seconds": 0.5})
    store.client.lpush("p:waiting", job, other)
    command = [sys.executable, "-P", str(WORKER), "p", "1", str(os.getpid())]
    worker = subprocess.Popen(command, env={**os.environ, "DEMO_REDIS": store.url})
    until(lambda: store.client.llen("p:processing") == 1)
    assert store.client.smembers("p:workers") == {"1"}
    worker.terminate()
    assert worker.wait(10) == 0
    assert store.client.lrange("p:waiting", 0, -1) == [other]
    assert (store.client.llen("p:processing"), store.client.get("p:finished")) == (0, "1")
    assert 500 <= int(store.client.get("p:worked") or 0) < 1000
    (response,) = store.client.lrange("p:responses", 0, -1)
    assert float(response.split()[1]) >= 0.5
    assert store.client.smembers("p:workers") == set()


def test_the_source_tells_rates_and_times_of_the_trace(store: Redis) -> None:
    source = sources.make(_demo_source.ReplayedList.name, {"url": store.url, "prefix": "p", "speed": 1440.0})
    now = datetime(2014, 9, 25, 4, tzinfo=UTC)
    store.client.mset({"p:arrived": 0, "p:finished": 0, "p:worked": 0})
    assert isinstance(source.collect("jobs", None, now), Gap)
    began = time.monotonic()
    time.sleep(0.5)
    store.client.mset({"p:arrived": 30, "p:finished": 20, "p:worked": 5000})
    store.client.sadd("p:workers", "1", "2")
    store.client.lpush("p:waiting", *["job"] * 9)
    store.client.lpush("p:processing", "job")
    found = source.collect("jobs", None, now + timedelta(minutes=12))
    elapsed = time.monotonic() - began
    assert not isinstance(found, Gap)
    (sample,) = found
    assert sample.arrival_rate == pytest.approx(30 / elapsed / 1440, rel=0.05)
    assert sample.service_time == timedelta(seconds=0.25 * 1440)
    assert (sample.backlog, sample.active_jobs, sample.current_workers) == (9, 1, 2)


def test_the_fixed_crew_keeps_the_promise_with_a_fifth_to_spare() -> None:
    replay = Replay.taxi(60.0, 1440.0)
    assert crew_for(replay, 60.0) == 19  # 15 erlang at 80 %
    assert crew_for(replay, 3.0) == 2  # one worker would be busy for 75 %, and yet too slow
