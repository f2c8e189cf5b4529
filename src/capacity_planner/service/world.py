"""The sources and scalers that the queues' settings name, each made once."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from capacity_planner.domain.queues import Mode
from capacity_planner.registry import scalers, sources

if TYPE_CHECKING:
    from collections.abc import Collection

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
        self._scaled: dict[Chosen, set[str]] = {}

    def source(self, queue: QueueSettings) -> MetricSource:
        """Where the queue is measured."""
        with self._lock:
            return _made(queue.source, self._sources, sources)

    def scaler(self, queue: QueueSettings) -> Scaler:
        """What carries its plans out."""
        with self._lock:
            made = _made(queue.scaler, self._scalers, scalers)
            self._scaled.setdefault(queue.scaler, set()).add(queue.queue_name)
            return made

    def keep(
        self, queues: Collection[QueueSettings], mine: Collection[str], new: Collection[str]
    ) -> list[Callable[[], None]]:
        """Let go of what queues do not name any more, and have scalers that look after workers begin with it.

        Args:
            queues: all that there are.
            mine: those that are planned for here.
            new: those of them that were not before.

        Returns:
            What is to be called for that, which may take long.
        """
        measured, scaled = {queue.source for queue in queues}, defaultdict(set)
        for queue in queues:
            scaled[queue.scaler].add(queue.queue_name)
        left, ends = set[str](), list[Callable[[], None]]()
        with self._lock:
            ends += [partial(_end, self._sources.pop(gone), "close") for gone in self._sources.keys() - measured]
            for chosen, names in list(self._scaled.items()):
                for name in names - scaled[chosen]:
                    names.discard(name)
                    left.add(name)
                    ends.append(partial(_end, self._scalers[chosen], "release", name))
                if not names:
                    del self._scaled[chosen]
                    ends.append(partial(_end, self._scalers.pop(chosen), "close"))
        begin = {*new, *left.intersection(mine)}
        return ends + [partial(self._begin, queue) for queue in queues if queue.queue_name in begin]

    def _begin(self, queue: QueueSettings) -> None:
        """Ask what runs, which is a reason to look after it: the queue's next turn may be far."""
        with suppress(Exception):  # the turn will tell
            scaler = self.scaler(queue)
            if queue.mode is not Mode.ADVISORY and hasattr(scaler, "release"):
                scaler.current(queue.queue_name)

    def close(self) -> None:
        """Let go of what sources and scalers hold, such as threads and connections."""
        with self._lock:
            for member in (*self._sources.values(), *self._scalers.values()):
                _end(member, "close")


def _made(chosen: Chosen, made: dict[Chosen, T], registry: Registry[T]) -> T:
    if chosen not in made:
        made[chosen] = registry.make(chosen.name, chosen.options)
    return made[chosen]


def _end(member: object, how: str, *what: str) -> None:
    """Call a method that not every source or scaler has; a failure of one must not keep the others from their end."""
    try:
        getattr(member, how, _nothing)(*what)
    except Exception:  # noqa: BLE001 - it may be anybody's code
        _LOG.exception("a source or a scaler did not end in good order")


def _nothing(*_: str) -> None:
    """What a member without the method does."""
