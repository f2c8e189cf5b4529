"""The database goes away under load and comes back: clear answers meanwhile, and then all goes on by itself."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.store.store import Store
from tests.services._servers import cluster, execute

from ._serving import serving

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

START = datetime(2026, 1, 31, tzinfo=UTC)


def sample(number: int) -> dict[str, Any]:
    at = (START + timedelta(seconds=number)).isoformat()
    return {"queue_name": "emails", "timestamp": at, "arrival_rate": 5.0, "service_time": "1s", "current_workers": 9}


class Load(Thread):
    """Pushes samples and asks for plans until it is stopped; what was acknowledged, and what was answered when."""

    def __init__(self, client: httpx.Client) -> None:
        super().__init__(daemon=True)
        self._client, self._ending = client, Event()
        self.acknowledged: list[int] = []
        self.answers: list[tuple[float, int]] = []
        self.problems: list[httpx.Response] = []

    def run(self) -> None:
        number = 0
        while not self._ending.is_set():
            number += 1
            pushed = self._client.post("/v1/metrics", json=sample(number))
            if pushed.is_success:
                self.acknowledged.append(number)
            planned = self._client.post(
                "/v1/plans", json={"current_metrics": sample(number), "slo": {"p95_latency": "5s"}}
            )
            for answer in (pushed, planned):
                self.answers.append((time.monotonic(), answer.status_code))
                if not answer.is_success:
                    self.problems.append(answer)

    def end(self) -> None:
        self._ending.set()
        self.join(60)


@pytest.mark.slow
def test_requests_get_a_clear_503_and_recover_by_themselves(tmp_path: Path) -> None:
    with cluster() as server:
        execute(f"{server.url}/postgres", "CREATE DATABASE planner")
        with serving(tmp_path, f"{server.url}/planner") as service:
            load = Load(service.client)
            load.start()
            time.sleep(2.0)
            server.stop()
            stopped = time.monotonic()
            time.sleep(4.0)
            assert service.client.get("/healthz").status_code == 200
            assert service.client.get("/readyz").status_code == 503
            server.start()
            back = time.monotonic()
            time.sleep(8.0)
            load.end()
        store = Store.open(f"{server.url}/planner")
        kept = {item.timestamp for item in store.samples("emails", since=START)}
        store.close()
    statuses = Counter(status for _, status in load.answers)
    assert set(statuses) == {200, 503}, statuses
    assert {status for at, status in load.answers if at < stopped - 1.0} == {200}
    assert {status for at, status in load.answers if at > back + 5.0} == {200}
    for problem in load.problems:
        assert problem.headers["content-type"].startswith("application/problem+json")
        assert int(problem.headers["Retry-After"]) >= 1
        assert "store" in problem.json()["detail"].lower()
    assert [number for number in load.acknowledged if START + timedelta(seconds=number) not in kept] == []
