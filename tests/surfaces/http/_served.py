"""The API on a real socket, with a real desk, store and pool behind it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

from capacity_planner import codec
from capacity_planner.domain.server import ServerSettings
from capacity_planner.service.access import Access
from capacity_planner.service.desk import Desk
from capacity_planner.service.heavy import Heavy
from capacity_planner.service.telemetry import Telemetry
from capacity_planner.store.store import Store
from capacity_planner.surfaces.http.app import create_app
from capacity_planner.surfaces.http.server import HttpServer
from tests.pipeline._scenarios import scenario

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass
class Clock:
    """A clock that stands still unless it is moved."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Served:
    """What runs, and a client of it."""

    client: httpx.Client
    server: HttpServer
    app: FastAPI
    desk: Desk
    heavy: Heavy
    store: Store
    telemetry: Telemetry
    clock: Clock


@contextmanager
def served(folder: Path, *, access: Access | None = None, kind: type[Desk] = Desk, **settings: Any) -> Iterator[Served]:
    """The API with a store that is empty at first.

    Args:
        folder: where the store is.
        access: who may; without it everybody.
        kind: what answers.
        settings: fields of `ServerSettings`.
    """
    chosen = replace(ServerSettings(), **{"http": "127.0.0.1:0", **settings})
    clock, telemetry = Clock(), Telemetry()
    store, heavy = Store.open(f"sqlite:///{folder / 'planner.db'}", clock=clock), Heavy(chosen, telemetry)
    desk = kind(store, telemetry, heavy)
    app = create_app(desk, heavy, access or Access.open_to_all(), telemetry, chosen)
    try:
        with HttpServer(app, chosen) as server, httpx.Client(base_url=server.url, timeout=60) as client:
            yield Served(client, server, app, desk, heavy, store, telemetry, clock)
    finally:
        heavy.close()
        store.close()


def sample(minutes: float = 0, **rest: Any) -> dict[str, Any]:
    """A sample, so many minutes after noon."""
    at = (NOON + timedelta(minutes=minutes)).isoformat()
    return {
        "timestamp": at,
        "arrival_rate": 25.5,
        "service_time": "2s",
        "current_workers": 60,
        "queue_name": "emails",
        **rest,
    }


def plan_request(minutes: float = 0, *, slo: dict[str, Any] | None = None, **rest: Any) -> dict[str, Any]:
    """A question for a plan."""
    metrics = {name: rest.pop(name) for name in ("arrival_rate", "current_workers", "queue_name") if name in rest}
    return {"current_metrics": sample(minutes, **metrics), "slo": slo or {"p95_latency": "8s"}, **rest}


def simulation(workers: int = 60, **rest: Any) -> dict[str, Any]:
    """A what-if question that is answered in milliseconds."""
    return {"scenario": codec.encode(scenario(workers, **rest))}


def long_simulation() -> dict[str, Any]:
    """A what-if question that takes a good while."""
    return simulation(2000, rate=1000.0, duration=100 * HOUR, granularity=HOUR)


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """The problem of an answer with this status."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = response.json()
    assert told["status"] == status
    assert told["type"].startswith("urn:capacity-planner:problem:")
    assert told["instance"].endswith(response.headers["x-request-id"])
    return told
