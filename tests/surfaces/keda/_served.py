"""The external scaler on a real socket, beside the gRPC API, over a loop whose time can be set."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from capacity_planner.domain.queues import Chosen, ServiceConfig
from capacity_planner.domain.server import ServerSettings
from capacity_planner.service.access import Access
from capacity_planner.service.loop import slot_of
from capacity_planner.surfaces.grpc.server import serve_grpc
from capacity_planner.surfaces.keda.scaler import ExternalScaler
from tests.service._stage import CONFIG, NOON, Clock, history, queue, stage
from tests.surfaces.keda._keda import Keda

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.queues import QueueSettings
    from capacity_planner.surfaces.grpc.server import GrpcServer
    from tests.service._stage import Stage

SECOND = timedelta(seconds=1)
BEGIN = slot_of("emails", NOON, CONFIG.plan_interval) + SECOND
EMAILS = {"queueName": "emails"}
ZERO = replace(CONFIG, min_workers=0, violation_cost_per_hour=0.0)


def pulled(name: str = "emails", **settings: Any) -> QueueSettings:
    """A queue whose workers are asked for."""
    return queue(name, scaler=Chosen(name="pull"), **settings)


@dataclass
class Served:
    """What runs."""

    stage: Stage
    server: GrpcServer
    guest: ExternalScaler

    @property
    def port(self) -> int:
        return self.server.port

    def keda(self, **metadata: str) -> Keda:
        """A trigger that asks for the queue."""
        return Keda(self.port, EMAILS | metadata)

    def settle(self, *queues: QueueSettings, config: PlannerConfig = CONFIG) -> None:
        """Set other queues."""
        slo = self.stage.desk.config().config.slo
        self.stage.desk.put_config(ServiceConfig(planner=config, slo=slo, queues=queues), expected=None, by="test")


@contextmanager
def scaler(
    made: Stage, *, port: int = 0, access: Access | None = None, heartbeat: float = 30.0
) -> Iterator[tuple[GrpcServer, ExternalScaler]]:
    """The server of a loop; it looks for news often."""
    authorize = (access or Access.open_to_all()).authorize
    guest = ExternalScaler(made.desk, authorize, every=0.05, heartbeat=heartbeat)
    settings = ServerSettings(grpc=f"127.0.0.1:{port}")
    server = serve_grpc(made.desk, settings, authorize, [guest], telemetry=made.telemetry)
    try:
        yield server, guest
    finally:
        server.stop(timedelta(seconds=5))


@contextmanager
def served(
    folder: Path,
    *queues: QueueSettings,
    rate: float = 10.0,
    access: Access | None = None,
    config: PlannerConfig = CONFIG,
    heartbeat: float = 30.0,
) -> Iterator[Served]:
    """A loop with the samples of twelve hours and four workers, that has not planned yet, and its server."""
    made = stage(f"sqlite:///{folder / 'store.db'}", Clock(BEGIN), *(queues or (pulled(),)), config=config)
    try:
        for item in queues or (pulled(),):
            made.store.add_samples(history(BEGIN - 10 * SECOND, lambda _: rate, item.queue_name))
        with scaler(made, access=access, heartbeat=heartbeat) as (server, guest):
            yield Served(made, server, guest)
    finally:
        made.store.close()
