"""What BullMQ leaves of jobs that ended: how many there were, their times, and whether that can be gone by."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from capacity_planner.sources._sorted_sets import MOST, Gained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.sources._redis import RedisServer

_NEWEST_EVENTS = 100
_DUPLICATES = frozenset({"deduplicated", "debounced", "duplicated"})


@dataclass(frozen=True, slots=True)
class _Job:
    """When a job ended [ms], how long its last attempt took [s], and its attempts."""

    ended: float
    seconds: float
    attempts: int


class Seen:
    """The jobs of one queue that ended.

    Attributes:
        kept: whether they are kept long enough to count them, and to know their times by.
        refused: whether jobs were lately refused as duplicates.
        attempts: of all that ended since the first look.

    Args:
        server: where the queue is.
        key: what its keys begin with.
    """

    def __init__(self, server: RedisServer, key: str) -> None:
        self.kept = self.refused = False
        self.attempts = 0.0
        self._server, self._key = server, key
        self._completed, self._failed = Gained(), Gained()
        self._jobs: dict[str, _Job] = {}

    @property
    def times(self) -> list[float]:
        """Service times of the newest [s]; none where what is kept is not all that ended lately."""
        return [job.seconds for job in self._newest()] if self.kept else []

    def ask(self, pipe: Any) -> None:
        """Put nine questions."""
        self._completed.ask(pipe, f"{self._key}:completed")
        self._failed.ask(pipe, f"{self._key}:failed")
        pipe.xrevrange(f"{self._key}:events", count=_NEWEST_EVENTS)

    def read(self, answers: Sequence[Any]) -> None:
        """Take the answers.

        Raises:
            WorldError: as `RedisServer.ask`; more is asked about jobs that are new.
        """
        before = self._completed.total + self._failed.total
        self._completed.read(answers[:4])
        self._failed.read(answers[4:8])
        events = [event for _, event in answers[8]]
        self.refused = any(event.get("event") in _DUPLICATES for event in events)
        ended = {event.get("jobId") for event in events if event.get("event") == "completed"}
        removed = bool(ended) and ended.isdisjoint(self._completed.newest)
        sure = self._completed.sure and self._failed.sure
        self.kept = bool(self._completed.newest) and sure and not removed
        if self.kept:
            self._learn()
        gained = self._completed.total + self._failed.total - before
        self.attempts += gained * fmean([job.attempts for job in self._newest()] or [1])

    def _newest(self) -> list[_Job]:
        """The newest jobs; failed ones, which are often kept for longer, from the time of completed ones alone."""
        since = min((self._jobs[name].ended for name in self._completed.newest if name in self._jobs), default=0.0)
        ended = sorted((job for job in self._jobs.values() if job.ended >= since), key=lambda job: job.ended)
        return ended[-MOST:]

    def _learn(self) -> None:
        """Read the hash of each job once, and forget jobs that are kept no longer."""
        names = [*self._completed.newest, *self._failed.newest]
        known = {name: self._jobs[name] for name in names if name in self._jobs}
        new = [name for name in names if name not in known]
        if new:
            fields = ("processedOn", "finishedOn", "ats")
            answers = self._server.ask(lambda pipe: [pipe.hmget(f"{self._key}:{name}", fields) for name in new])
            for name, (begun, ended, attempts) in zip(new, answers, strict=True):
                if begun and ended:
                    seconds = max(0.0, float(ended) - float(begun)) / 1000
                    known[name] = _Job(float(ended), seconds, int(attempts or 1))
        self._jobs = known
