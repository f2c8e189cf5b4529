from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from capacity_planner import PlannerConfig, Simulator, codec
from capacity_planner.domain.simulation import Simulation
from capacity_planner.service.desk import Desk
from capacity_planner.service.heavy import TaskState
from tests.pipeline._scenarios import scenario
from tests.surfaces.http._served import HOUR, long_simulation, problem, served, simulation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from capacity_planner.domain.questions import SimulationRequest
    from tests.surfaces.http._served import Served

pytestmark = pytest.mark.slow


GATE = threading.Event()


class SlowDesk(Desk):
    """A desk that knows the settings of a simulation when the gate is opened."""

    def simulation_config(self, request: SimulationRequest) -> PlannerConfig:
        GATE.wait(20)
        return super().simulation_config(request)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("simulations"), max_waiting=2) as made:
        made.client.post("/v1/simulations?wait=30s", json=simulation())  # starts the process
        yield made


def until(holds: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.02)


def started(fresh: Served, body: dict[str, Any] | None = None, query: str = "wait=0s") -> str:
    """Where the job of a long simulation is found."""
    answer = fresh.client.post(f"/v1/simulations?{query}", json=body or long_simulation())
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/simulations/{answer.json()['id']}"
    return answer.headers["location"]


def runs(fresh: Served, where: str) -> bool:
    job = fresh.client.get(where).json()
    return bool(job["state"] == "running" and job["progress"] > 0)


def cancel(fresh: Served, *places: str) -> None:
    for where in places:
        fresh.client.delete(where)
        until(lambda where=where: fresh.client.get(where).json()["ended_at"])  # type: ignore[misc]


def events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    name = ""
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


def test_a_short_simulation_is_answered_at_once(fresh: Served) -> None:
    answer = fresh.client.post("/v1/simulations?wait=30s", json=simulation())
    assert answer.status_code == 200
    found, own = codec.decode(Simulation, answer.content), Simulator(PlannerConfig()).simulate(scenario(60))
    assert (found.id, found.summary, found.timeline) == (own.id, own.summary, own.timeline)
    job = fresh.client.get(answer.headers["location"]).json()
    assert (job["state"], job["progress"], job["error"]) == ("done", 1.0, None)
    assert job["simulation"] == answer.json()


def test_durations_are_written_as_asked_whenever_it_is_asked(fresh: Served) -> None:
    answer = fresh.client.post("/v1/simulations?wait=30s&durations=ns", json=simulation())
    assert isinstance(answer.json()["summary"]["p95_latency"], int)
    where = answer.headers["location"]
    assert isinstance(fresh.client.get(f"{where}?durations=ns").json()["simulation"]["duration"], int)
    assert fresh.client.get(where).json()["simulation"]["duration"].endswith("s")


def test_a_long_simulation_is_a_job_that_can_be_watched_and_cancelled(fresh: Served) -> None:
    where, names, shares = started(fresh), [], []
    with fresh.client.stream("GET", f"{where}/events", headers={"Accept": "text/event-stream"}) as stream:
        assert stream.status_code == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        for name, data in events(stream.iter_lines()):
            assert data["id"] == where.rpartition("/")[2]
            names.append(name)
            shares.append(data["progress"])
            if len([share for share in shares if share > 0]) == 3:
                with httpx.Client(base_url=fresh.server.url) as other:
                    assert other.delete(where).status_code in {200, 202}
    assert shares == sorted(shares)
    assert set(names[:-1]) == {"progress"}
    assert names[-1] == "cancelled"
    assert fresh.client.get(where).json()["state"] == "cancelled"
    again = fresh.client.delete(where)
    assert (again.status_code, again.json()["state"]) == (200, "cancelled")


def test_the_events_of_a_simulation_end_with_its_end(fresh: Served) -> None:
    where = started(fresh, simulation(replications=20, duration=10 * HOUR))
    with fresh.client.stream("GET", f"{where}/events") as stream:
        found = list(events(stream.iter_lines()))
    assert found[-1][0] == "done"
    assert found[-1][1]["progress"] == 1.0
    assert found[-1][1]["simulation"] is None
    with fresh.client.stream("GET", f"{where}/events") as stream:
        assert [name for name, _ in events(stream.iter_lines())] == ["done"]


def test_a_simulation_that_takes_too_long_is_a_timeout(fresh: Served) -> None:
    told = problem(fresh.client.post("/v1/simulations?wait=20s&timeout=0.2s", json=long_simulation()), 504)
    assert (told["code"], told["details"]["timed_out"]) == ("FORECAST_FAILED", True)


def test_a_job_that_failed_says_why(fresh: Served) -> None:
    where = started(fresh, query="wait=0s&timeout=0.2s")
    with fresh.client.stream("GET", f"{where}/events") as stream:
        *_, (name, data) = events(stream.iter_lines())
    assert name == "failed"
    job = fresh.client.get(where).json()
    assert (job["state"], job["simulation"]) == ("failed", None)
    assert job["error"] == data["error"]
    assert (job["error"]["status"], job["error"]["code"]) == (504, "FORECAST_FAILED")


def test_what_cannot_be_simulated_is_refused_at_once(fresh: Served) -> None:
    told = problem(fresh.client.post("/v1/simulations", json=simulation(granularity=2 * HOUR)), 400)
    assert told["details"]["field"] == "scenario.granularity"
    told = problem(fresh.client.post("/v1/simulations", json={}), 400)
    assert told["details"]["field"] == "scenario"


def test_more_jobs_than_are_taken_on_are_refused_at_once(fresh: Served) -> None:
    body = simulation(2000, rate=10_000.0, duration=100 * HOUR, granularity=HOUR)
    assert "at most 500,000,000" in problem(fresh.client.post("/v1/simulations", json=body), 413)["detail"]


def test_more_simulations_than_may_wait_are_told_to_come_again(fresh: Served) -> None:
    places = [started(fresh) for _ in range(3)]
    refused = fresh.client.post("/v1/simulations", json=simulation())
    assert "all that is taken on" in problem(refused, 503)["detail"]
    assert int(refused.headers["retry-after"]) >= 1
    cancel(fresh, *places)
    assert fresh.client.post("/v1/simulations?wait=30s", json=simulation()).status_code == 200


def test_a_process_that_dies_fails_its_simulation_and_is_replaced(fresh: Served) -> None:
    where = started(fresh)
    until(lambda: runs(fresh, where))
    os.kill(fresh.heavy.pids[0], signal.SIGKILL)
    until(lambda: fresh.client.get(where).json()["state"] == "failed")
    error = fresh.client.get(where).json()["error"]
    assert (error["status"], error["type"].rpartition(":")[2]) == (503, "unavailable")
    assert "killed by signal 9" in error["detail"]
    assert fresh.client.post("/v1/simulations?wait=30s", json=simulation()).status_code == 200


def test_a_simulation_that_nobody_waits_for_any_more_stops(fresh: Served) -> None:
    body = json.dumps(long_simulation()).encode()
    head = f"POST /v1/simulations?wait=30s HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection(("127.0.0.1", fresh.server.port)) as connection:
        connection.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode() + body)
        until(lambda: fresh.heavy._running)  # noqa: SLF001 - its id is told to nobody
    until(lambda: not fresh.heavy._running)  # noqa: SLF001 - as above


def test_a_simulation_whose_caller_has_gone_before_it_began_stops(tmp_path: Path) -> None:
    body = json.dumps(long_simulation()).encode()
    head = f"POST /v1/simulations HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    GATE.clear()
    with served(tmp_path, kind=SlowDesk) as own:
        pool = own.app.state.services.pools.usual
        with socket.create_connection(("127.0.0.1", own.server.port)) as connection:
            connection.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode() + body)
            until(lambda: pool._open == 1)  # noqa: SLF001 - that is the moment
        until(lambda: re.search(r'/v1/simulations",status="499"', own.telemetry.exposition(None)[0].decode()))
        GATE.set()
        until(lambda: own.heavy._tasks)  # noqa: SLF001 - its id is told to nobody
        (task,) = own.heavy._tasks.values()  # noqa: SLF001 - as above
        assert task.wait(10)
        assert task.state is TaskState.CANCELLED


def test_a_simulation_that_another_caller_cancels_is_a_conflict_for_who_waits(fresh: Served) -> None:
    with httpx.Client(base_url=fresh.server.url, timeout=60) as other:
        found: list[httpx.Response] = []
        waiting = threading.Thread(
            target=lambda: found.append(other.post("/v1/simulations?wait=30s", json=long_simulation()))
        )
        waiting.start()
        until(lambda: fresh.heavy._running)  # noqa: SLF001 - its id is told to nobody yet
        (task,) = fresh.heavy._running  # noqa: SLF001 - as above
        fresh.client.delete(f"/v1/simulations/{task.id}")
        waiting.join()
    assert "was cancelled" in problem(found[0], 409)["detail"]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("GET", "/events"), ("DELETE", "")], ids=["get", "events", "delete"]
)
def test_a_simulation_that_is_not_there_is_not_found(fresh: Served, method: str, path: str) -> None:
    assert "'none'" in problem(fresh.client.request(method, f"/v1/simulations/none{path}"), 404)["detail"]


@pytest.mark.parametrize("query", ["wait=31s", "wait=-1s", "wait=2", "timeout=0s", "timeout=x", "durations=s"])
def test_parameters_out_of_bounds_are_refused(fresh: Served, query: str) -> None:
    told = problem(fresh.client.post(f"/v1/simulations?{query}", json=simulation()), 400)
    assert told["details"]["field"] == query.partition("=")[0]


def test_a_stream_without_news_has_heartbeats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capacity_planner.surfaces.http._events.HEARTBEAT", 1.0)
    with served(tmp_path) as own:
        first, second = started(own), started(own)
        with own.client.stream("GET", f"{second}/events") as stream:
            lines = [line for line, _ in zip(stream.iter_lines(), range(8), strict=False)]
        assert lines.count(": still there") >= 2
        assert lines[0] == "event: progress"
        cancel(own, second, first)


def test_what_waits_is_let_go_when_the_service_ends(tmp_path: Path) -> None:
    with served(tmp_path) as own:
        where = started(own)
        with own.client.stream("GET", f"{where}/events") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "event: progress"
            began = time.monotonic()
            own.server.stop()
            assert time.monotonic() - began < 5
            list(lines)


def test_health_is_told_while_simulations_run_at_the_limit(fresh: Served) -> None:
    places = [started(fresh) for _ in range(3)]
    until(lambda: runs(fresh, places[0]))
    took = []
    for _ in range(50):
        began = time.monotonic()
        assert fresh.client.get("/healthz").json() == {"status": "ok"}
        took.append(time.monotonic() - began)
    cancel(fresh, *places)
    assert timedelta(seconds=sorted(took)[25]) < timedelta(seconds=0.5)  # the benchmark has the true figure
