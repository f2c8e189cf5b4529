"""What is remembered of a queue of Celery from one reading to the next, and what its workers fetched ahead."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from capacity_planner.sources._celery_heard import News
from capacity_planner.sources._rates import Tally

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

_SILENT = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """What the broker's keys say at one instant.

    Attributes:
        bound: whether the queue was ever declared.
        unacked: messages of all queues that workers fetched and did not acknowledge.
        waiting: messages of the queue that wait.
        at: when, by a clock that never jumps [s].
    """

    bound: bool
    unacked: Sequence[str]
    waiting: int
    at: float

    def fetched(self, routing_keys: Collection[str], active: Collection[str], now: datetime) -> int:
        """Tasks that workers fetched and did not begin, without those that are not due yet.

        Args:
            routing_keys: of the queue.
            active: ids of the tasks that were begun.
            now: the time.
        """
        messages = (json.loads(item) for item in self.unacked)
        headers = [message.get("headers") or {} for message, _, routing_key in messages if routing_key in routing_keys]
        return sum(item.get("id") not in active and _due(item, now) for item in headers)


@dataclass(slots=True)
class Seen:
    """The workers of a queue, as ``NAME#PID``, and what was heard of them up to the reading before."""

    at: float = 0.0
    workers: frozenset[str] = frozenset()
    news: News = field(default_factory=lambda: News(breaks=-1))

    def busy(self, news: News, workers: Collection[str], at: float) -> float | None:
        """Slots that were busy on average, by the heartbeats; ``None`` where those of a worker were not all heard."""
        before = self.news.beats
        if not before.keys() >= {*workers} or news.breaks != self.news.breaks:
            return None
        both = self.workers & before.keys() & news.beats.keys()
        held = sum(news.beats[name].held - before[name].held for name in both)
        return held / (at - self.at)

    def missing(self, news: News, workers: Collection[str], at: float) -> list[str]:
        """Workers that do not answer, but neither said goodbye nor were silent for long."""
        heard = {name: beats.at for name, beats in news.beats.items()}
        quiet = {name: at - max(news.since, heard.get(name, -math.inf)) for name in self.workers - {*workers}}
        return sorted(name for name, seconds in quiet.items() if name not in news.left and seconds < _SILENT)

    def gone(self, news: News, workers: Collection[str]) -> dict[str, Tally]:
        """The last words of workers that went since: the tasks that they ever began."""
        return {name: Tally(news.beats[name].began) for name in self.workers - {*workers} if name in news.beats}

    def remember(self, news: News, workers: Iterable[str], at: float) -> bool:
        """Take leave of the time before; whether a connection was lost in it."""
        broke = bool(self.at) and self.news.breaks != news.breaks
        self.at, self.news, self.workers = at, news, frozenset(workers)
        return broke


def _due(headers: Mapping[str, Any], now: datetime) -> bool:
    if not headers.get("eta"):
        return True
    eta = datetime.fromisoformat(headers["eta"])
    return (eta if eta.tzinfo else eta.replace(tzinfo=UTC)) <= now
