"""A stage for the loop: a clock that can be set, a history, and a scaler whose workers really change, or fail."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.metrics import Metrics
from capacity_planner.domain.queues import Chosen, Mode, QueueSettings, ServiceConfig
from capacity_planner.domain.server import ServerSettings
from capacity_planner.domain.slo import SLO
from capacity_planner.frozen import FrozenOptions
from capacity_planner.registry import scalers
from capacity_planner.service.desk import Desk
from capacity_planner.service.loop import Loop
from capacity_planner.service.telemetry import Telemetry
from capacity_planner.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.domain.scaling import Order

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CONFIG = PlannerConfig(
    cooldown_period=2 * MINUTE, plan_interval=5 * MINUTE, history_window=timedelta(hours=12), max_step_size=10
)


@dataclass
class Crew:
    """The workers of one queue, and every order that reached them."""

    workers: int | None = 4
    orders: list[str] = field(default_factory=list)
    fail: list[Exception | int] = field(default_factory=list)


@scalers.register("staged")
class Staged:
    """Scales the crew of its stage; what is in ``fail`` comes first: errors are raised, numbers reached instead."""

    crews: ClassVar[dict[str, Crew]] = {}

    def __init__(self, *, stage: str) -> None:
        self._crew = self.crews.setdefault(stage, Crew())

    def current(self, queue_name: str) -> int | None:
        del queue_name
        return self._crew.workers

    def scale(self, order: Order) -> int | None:
        self._crew.orders.append(order.id)
        wrong = self._crew.fail.pop(0) if self._crew.fail else order.to_workers
        if isinstance(wrong, Exception):
            raise wrong
        if self._crew.workers is not None:
            self._crew.workers = wrong
        return self._crew.workers


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


def queue(name: str = "emails", stage: str = "", **settings: Any) -> QueueSettings:
    chosen = Chosen(name="staged", options=FrozenOptions({"stage": stage or name}))
    return replace(QueueSettings(queue_name=name, mode=Mode.AUTO, scaler=chosen), **settings)


def history(
    until: datetime, rate: Callable[[float], float], name: str = "emails", hours: float = 12.0
) -> list[Metrics]:
    """Poisson counts of every minute as rates; ``rate`` of the minutes before ``until``."""
    rng = np.random.default_rng(5)
    minutes = np.arange(-round(hours * 60), 1)
    return [
        Metrics(
            timestamp=until + int(minute) * MINUTE,
            arrival_rate=float(rng.poisson(60.0 * rate(float(minute)))) / 60.0,
            service_time=timedelta(seconds=1),
            service_time_std=timedelta(seconds=0.5),
            current_workers=4,
            queue_name=name,
        )
        for minute in minutes
    ]


@dataclass
class Stage:
    """A service without surfaces, at a time of its own."""

    store: Store
    clock: Clock
    desk: Desk
    loop: Loop
    telemetry: Telemetry

    def tick(self, by: timedelta = timedelta(0), times: int = 1, rate: float | None = None) -> None:
        """Let time pass, measure the rate, and do what is due."""
        for _ in range(times):
            self.clock.now += by
            if rate is not None:
                for queue in self.desk.config().config.queues:
                    self.store.add_samples(history(self.clock.now, lambda _: rate, queue.queue_name, hours=0.0))
            self.loop.renew()
            self.loop.sweep()
            self.loop.settle()


def stage(
    url: str, clock: Clock, *queues: QueueSettings, config: PlannerConfig = CONFIG, replica: str = "one"
) -> Stage:
    store = Store.open(url, clock=clock)
    telemetry = Telemetry()
    desk = Desk(store, telemetry, cast("Any", None))
    if queues:
        slo = SLO(p95_latency=timedelta(seconds=4))
        desk.put_config(ServiceConfig(planner=config, slo=slo, queues=queues), expected=None, by="test")
    server = ServerSettings(lease=timedelta(seconds=30))
    return Stage(store, clock, desk, Loop(desk, store, telemetry, server, replica), telemetry)
