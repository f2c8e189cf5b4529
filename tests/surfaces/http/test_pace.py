from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from capacity_planner.service.desk import Desk
from tests.surfaces.http._served import plan_request, problem, sample, served
from tests.surfaces.http.test_limits import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.surfaces.http._served import Served

GATE = threading.Event()
AT_ONCE, WAITING = 2, 16
FORECAST = {"queue_name": "emails", "history": [sample(-minute) for minute in range(30)]}


class PatientDesk(Desk):
    """A desk whose forecasts and lists of queues come when the gate is opened."""

    def forecast(self, *given: Any, **options: Any) -> Any:
        GATE.wait(30)
        return super().forecast(*given, **options)

    def statuses(self) -> Any:
        GATE.wait(30)
        return super().statuses()


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[Served]:
    GATE.clear()
    with served(tmp_path, kind=PatientDesk) as made:
        yield made
        GATE.set()


def ask(own: Served, method: str, path: str, body: Any = None) -> int:
    with httpx.Client(base_url=own.server.url, timeout=60) as client:
        return client.request(method, path, **({} if body is None else {"json": body})).status_code


def test_more_forecasts_than_may_wait_are_told_to_come_again_and_keep_nobody_else_waiting(patient: Served) -> None:
    with ThreadPoolExecutor(AT_ONCE + WAITING) as callers:
        asked = [callers.submit(ask, patient, "POST", "/v1/forecasts", FORECAST) for _ in range(AT_ONCE + WAITING)]
        try:
            until(lambda: patient.app.state.services.pools.slow._open == AT_ONCE + WAITING)  # noqa: SLF001 - the moment
            refused = patient.client.post("/v1/forecasts", json=FORECAST)
            assert "wait for their turn" in problem(refused, 503)["detail"]
            assert refused.headers["retry-after"] == "1"
            own_history = plan_request(history=[sample(-minute) for minute in range(1, 30)])
            problem(patient.client.post("/v1/plans", json=own_history), 503)
            assert patient.client.post("/v1/plans", json=plan_request()).status_code == 200
        finally:
            GATE.set()
        assert [item.result() for item in asked] == [200] * (AT_ONCE + WAITING)
    assert patient.client.post("/v1/plans", json=own_history).status_code == 200


def test_probes_the_configuration_and_applying_do_not_wait_for_what_is_slow(patient: Served) -> None:
    with ThreadPoolExecutor(30) as callers:
        asked = [callers.submit(ask, patient, "GET", "/v1/queues") for _ in range(20)]
        asked += [callers.submit(ask, patient, "POST", "/v1/forecasts", FORECAST) for _ in range(10)]
        try:
            until(lambda: patient.app.state.services.pools.usual._open == 20)  # noqa: SLF001 - that is the moment
            until(lambda: patient.app.state.services.pools.slow._open == 10)  # noqa: SLF001 - as above
            patient.client.timeout = httpx.Timeout(5)
            found = [patient.client.get(path).status_code for path in ("/healthz", "/readyz", "/metrics", "/v1/config")]
            assert found == [200] * 4
            problem(patient.client.post("/v1/plans/none/apply"), 404)
            assert patient.client.put("/v1/config", json={}, headers={"If-Match": "*"}).status_code == 200
            assert not any(item.done() for item in asked)
        finally:
            GATE.set()
        assert {item.result() for item in asked} == {200}
