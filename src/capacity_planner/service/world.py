"""The sources and scalers that the queues' settings name, each made once."""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from capacity_planner.registry import scalers, sources

if TYPE_CHECKING:
    from capacity_planner.contracts import MetricSource, Scaler
    from capacity_planner.domain.queues import Chosen, QueueSettings
    from capacity_planner.registry import Registry

T = TypeVar("T")
_LOG = logging.getLogger("capacity_planner.loop")


class World:
    """Sources and scalers by what they were made of: queues with the same settings share one.

    Raises:
        PlannerError: one cannot be made, with the remedy.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._sources: dict[Chosen, MetricSource] = {}
        self._scalers: dict[Chosen, Scaler] = {}

    def source(self, queue: QueueSettings) -> MetricSource:
        """Where the queue is measured."""
        return self._made(queue.source, self._sources, sources)

    def scaler(self, queue: QueueSettings) -> Scaler:
        """What carries its plans out."""
        return self._made(queue.scaler, self._scalers, scalers)

    def close(self) -> None:
        """Let go of what sources and scalers hold, such as threads and connections."""
        with self._lock:
            for member in (*self._sources.values(), *self._scalers.values()):
                try:
                    getattr(member, "close", _nothing)()
                except Exception:  # noqa: BLE001 - one must not keep the others from ending
                    _LOG.exception("a source or a scaler did not end in good order")

    def _made(self, chosen: Chosen, made: dict[Chosen, T], registry: Registry[T]) -> T:
        with self._lock:
            if chosen not in made:
                made[chosen] = registry.make(chosen.name, chosen.options)
            return made[chosen]


def _nothing() -> None:
    """What a member without ``close`` does."""
