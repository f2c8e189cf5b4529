"""The service's loop at the pace of the demo."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

from capacity_planner.errors import ServiceError
from capacity_planner.service.loop import Loop
from capacity_planner.service.telemetry import Telemetry
from capacity_planner.surfaces.cli._demo_settings import SERVER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.queues import ServiceConfig
    from capacity_planner.service.desk import Desk
    from capacity_planner.store.store import Store

_LOG = logging.getLogger("capacity_planner.loop")
_SWEEP, _RENEW, _PATIENCE = 0.1, 2.0, 15.0


@contextmanager
def looped(store: Store, desk: Desk, config: ServiceConfig, history: Sequence[Metrics]) -> Iterator[None]:
    """Plan and scale as long as the context lasts; the first turn is over when it is entered.

    In that turn the planner reads the history, which takes it a while: the clock of the trace should not go yet.

    Args:
        store: of the clock of the trace.
        desk: the planners.
        config: what to plan for.
        history: what was there before.
    """
    store.add_samples(history)
    desk.put_config(config, expected=None, by="demo")
    loop = Loop(desk, store, Telemetry(), SERVER, "demo")
    loop.renew()
    loop.sweep()
    loop.settle()
    stop = Event()
    thread = Thread(target=_driven, args=(loop, stop), name="capacity-planner-demo", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_PATIENCE)
        loop.stop()


def _driven(loop: Loop, stop: Event) -> None:
    """Have the loop look more often than its own half second, which is a quarter of an hour of the trace."""
    renewed = -_RENEW
    while not stop.wait(_SWEEP):
        try:
            if monotonic() > renewed + _RENEW:
                loop.renew()
                renewed = monotonic()
            loop.sweep()
        except ServiceError as error:
            _LOG.warning("the store does not answer", extra={"reason": error.message})
    loop.settle()
