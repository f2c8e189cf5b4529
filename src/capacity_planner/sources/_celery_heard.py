"""What Celery's workers tell by themselves: heartbeats every two seconds and, where they send them, events of tasks."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from dataclasses import dataclass, field, replace
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MOST_TASKS, _MOST_TIMES = 20_000, 1_000
_GONE = 3600.0
_ENDS = frozenset({"task-succeeded", "task-failed", "task-retried"})


@dataclass(frozen=True, slots=True)
class Took:
    """How long a worker's pool was held by one task [s]."""

    worker: str
    task: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Beats:
    """The heartbeats of one worker.

    Attributes:
        began: tasks that it ever began.
        active: that it works on now.
        held: slots × time that were busy since the first heartbeat [s].
        count: of heartbeats.
        at: when the newest came.
    """

    began: int
    active: int
    held: float = 0.0
    count: int = 1
    at: float


@dataclass(frozen=True, slots=True)
class News:
    """What was heard up to now.

    Attributes:
        beats: the heartbeats by worker and process, as ``NAME#PID``.
        took: how long the newest tasks took.
        left: workers that said goodbye.
        breaks: how often the connection was lost, ours or that of a worker, upon which Celery's counters begin anew.
        since: when the last break was over.
    """

    beats: Mapping[str, Beats] = field(default_factory=dict)
    took: Sequence[Took] = ()
    left: frozenset[str] = frozenset()
    breaks: int = 0
    since: float = -math.inf


class Heard:
    """What was heard so far; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._beats: dict[str, Beats] = {}
        self._tasks: OrderedDict[str, tuple[str, float | None]] = OrderedDict()
        self._took: deque[Took] = deque(maxlen=_MOST_TIMES)
        self._left: set[str] = set()
        self._breaks, self._since = 0, -math.inf

    def event(self, event: Mapping[str, Any]) -> None:
        """Take one event."""
        kind, worker = str(event.get("type")), str(event.get("hostname"))
        with self._lock:
            if kind.startswith("worker-") and "processed" in event:
                self._beat(kind, f"{worker}#{event.get('pid')}", event)
            elif kind == "task-received":
                self._keep(str(event.get("uuid")), (str(event.get("name")), None))
            elif kind == "task-started":
                name, _ = self._tasks.pop(str(event.get("uuid")), ("", None))
                self._keep(str(event.get("uuid")), (name, float(event["timestamp"])))
            elif kind in _ENDS:
                name, began = self._tasks.pop(str(event.get("uuid")), ("", None))
                if began is not None:
                    self._took.append(Took(worker, name, max(0.0, float(event["timestamp"]) - began)))

    def connected(self) -> None:
        """Take note that events are heard from now on; the library may have connected again by itself."""
        with self._lock:
            if math.isfinite(self._since):
                self._lose()
            self._since = monotonic()

    def broke(self) -> None:
        """Take note that events may have been missed."""
        with self._lock:
            self._lose()
            self._since = math.inf

    def news(self) -> News:
        """All of it."""
        with self._lock:
            oldest = monotonic() - _GONE
            self._beats = {name: beats for name, beats in self._beats.items() if beats.at > oldest}
            self._left &= self._beats.keys()
            return News(dict(self._beats), list(self._took), frozenset(self._left), self._breaks, self._since)

    def _beat(self, kind: str, name: str, event: Mapping[str, Any]) -> None:
        now, active = monotonic(), int(event.get("active") or 0)
        beats, before = Beats(began=int(event["processed"]), active=active, at=now), self._beats.get(name)
        if before is not None:
            passed = min(now - before.at, 2 * float(event.get("freq") or 0.0))  # what a longer pause held is unknown
            held = before.held + passed * (active + before.active) / 2
            beats = replace(beats, held=held, count=before.count + 1)
        if kind == "worker-online" and before is not None:
            self._breaks += 1
        self._left = self._left | {name} if kind == "worker-offline" else self._left - {name}
        self._beats[name] = beats

    def _lose(self) -> None:
        self._breaks += 1
        self._tasks.clear()

    def _keep(self, task: str, known: tuple[str, float | None]) -> None:
        self._tasks[task] = known
        while len(self._tasks) > _MOST_TASKS:
            self._tasks.popitem(last=False)
