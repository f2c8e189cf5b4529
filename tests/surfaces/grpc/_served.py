"""A server on a real socket, with a real desk behind it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from capacity_planner.domain.server import ServerSettings
from capacity_planner.service.access import Access
from capacity_planner.service.desk import Desk
from capacity_planner.service.heavy import Heavy
from capacity_planner.service.telemetry import Telemetry
from capacity_planner.store.store import Store
from capacity_planner.surfaces.grpc.server import GrpcServer, serve_grpc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
SETTINGS = ServerSettings(grpc="127.0.0.1:0")
MINIMAL: dict[str, Any] = {
    "current_metrics": {
        "timestamp": "2026-01-31T12:00:00Z",
        "arrival_rate": 25.5,
        "service_time": "2s",
        "current_workers": 10,
    },
    "queue_name": "emails",
    "slo": {"p95_latency": "9s"},
}


@contextmanager
def desk(
    folder: Path, settings: ServerSettings = SETTINGS, kind: type[Desk] = Desk, telemetry: Telemetry | None = None
) -> Iterator[Desk]:
    """A desk over a store in a folder; it is noon there."""
    store = Store.open(f"sqlite:///{folder / 'store.db'}", clock=lambda: NOON)
    heavy = Heavy(settings)
    try:
        yield kind(store, telemetry or Telemetry(), heavy)
    finally:
        heavy.close()
        store.close()


@contextmanager
def serving(
    asked: Any, access: Access | None = None, telemetry: Telemetry | None = None, **settings: Any
) -> Iterator[GrpcServer]:
    """A server for a desk."""
    authorize = (access or Access.open_to_all()).authorize
    server = serve_grpc(asked, replace(SETTINGS, **settings), authorize, telemetry=telemetry or Telemetry())
    try:
        yield server
    finally:
        server.stop(timedelta(0))
