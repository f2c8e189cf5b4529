"""The source that reads BullMQ's keys in Redis: its lists and sets, its counter of jobs, and the jobs that ended."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from statistics import fmean
from time import monotonic
from typing import TYPE_CHECKING, Any

from capacity_planner.domain.scaling import Gap
from capacity_planner.errors import WorldError
from capacity_planner.registry import sources
from capacity_planner.sources._options import text, whole
from capacity_planner.sources._rates import Ledger, Reading, Tally
from capacity_planner.sources._redis import RedisServer
from capacity_planner.sources._sampler import Sampler
from capacity_planner.sources._sorted_sets import MOST, Gained

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from capacity_planner.domain.metrics import Metrics

_NEWEST_EVENTS = 100
_DUPLICATES = frozenset({"deduplicated", "debounced", "duplicated"})


@dataclass(slots=True)
class _Seen:
    """What is remembered of a queue: sets of jobs that ended, seconds and attempts of the newest, and all attempts."""

    completed: Gained = field(default_factory=Gained)
    failed: Gained = field(default_factory=Gained)
    jobs: dict[str, tuple[float, int]] = field(default_factory=dict)
    attempts: float = 0.0

    @property
    def kept(self) -> bool:
        """Whether jobs that ended are kept long enough to count them."""
        return bool(self.completed.newest) and self.completed.sure and self.failed.sure

    def look(self, answers: Sequence[Any]) -> float:
        """How many jobs ended since the last look."""
        before = self.completed.total + self.failed.total
        self.completed.read(answers[:4])
        self.failed.read(answers[4:])
        return self.completed.total + self.failed.total - before


@sources.register("bullmq")
class BullMQ:
    """Queues of BullMQ. Needs the extra ``redis``.

    Args:
        url: the Redis server.
        password_file: a file that has its password.
        prefix: of all keys.
        concurrency: jobs that a worker serves at once, as given to it; Redis does not know.
        workers: that run, where the server does not tell its clients' names; 0 counts these.
    """

    name: str

    def __init__(
        self,
        *,
        url: str = "redis://127.0.0.1:6379/0",
        password_file: str = "",
        prefix: str = "bull",
        concurrency: int = 1,
        workers: int = 0,
    ) -> None:
        self._prefix = text("prefix", prefix)
        self._concurrency = whole("concurrency", concurrency, least=1)
        self._workers = whole("workers", workers)
        self._server = RedisServer(url, password_file)
        self._ledger = Ledger()
        self._sampler = Sampler(self._busy)
        self._seen: dict[str, _Seen] = {}

    def collect(self, queue_name: str, since: datetime | None, until: datetime) -> Sequence[Metrics] | Gap:
        """One sample of the time since the call before."""
        del since
        seen, key = self._seen.setdefault(queue_name, _Seen()), f"{self._prefix}:{queue_name}"
        known, *counts = self._server.ask(lambda pipe: _ask(pipe, key, seen))
        at = monotonic()
        if not known:
            self._ledger.forget(queue_name)
            return Gap(reason=f"BullMQ knows no queue {queue_name!r} in this database. Check its name, url and prefix.")
        gained = seen.look(counts[6:14])
        self._learn(key, seen)
        seen.attempts += gained * fmean([tries for _, tries in seen.jobs.values()] or [1])
        refused = any(event.get("event") in _DUPLICATES for _, event in counts[14])
        return self._ledger.sample(queue_name, until, self._reading(queue_name, seen, counts, at, refused=refused))

    def close(self) -> None:
        """Let go of threads and connections."""
        self._sampler.close()
        self._server.close()

    def _reading(self, queue: str, seen: _Seen, counts: Sequence[Any], at: float, *, refused: bool) -> Reading:
        wait, paused, prioritized, active, delayed, made = counts[:6]
        workers = self._workers or self._running(queue)
        return Reading(
            waiting=wait + paused + prioritized,
            taken=active,
            later=delayed,
            workers=workers,
            slots=workers * self._concurrency,
            arrived=None if seen.kept and refused else {"id": Tally(float(made or 0))},
            finished={"kept": {"": Tally(seen.attempts)}} if seen.kept else {},
            busy=None if seen.jobs else self._sampler.mean(queue),
            times=[seconds for seconds, _ in seen.jobs.values()],
            outages=self._server.outages,
            at=at,
        )

    def _learn(self, key: str, seen: _Seen) -> None:
        """What the newest jobs took that ended; of each, its hash is read once."""
        new = [job for job in (*seen.failed.newest, *seen.completed.newest) if job not in seen.jobs][: 2 * MOST]
        if new:
            names = ("processedOn", "finishedOn", "ats")
            answers = self._server.ask(lambda pipe: [pipe.hmget(f"{key}:{job}", names) for job in new])
            for job, (begun, ended, tries) in reversed(list(zip(new, answers, strict=True))):
                if begun and ended:
                    seen.jobs[job] = max(0.0, float(ended) - float(begun)) / 1000, int(tries or 1)
            seen.jobs = dict(list(seen.jobs.items())[-MOST:])

    def _running(self, queue: str) -> int:
        """Workers by the names of their connections, which they block on; 0 where the server does not tell."""
        name = f"{self._prefix}:{base64.b64encode(queue.encode()).decode()}"
        try:
            (clients,) = self._server.ask(lambda pipe: pipe.client_list())
        except WorldError as error:
            if error.temporary:
                raise
            return 0
        return sum(client["name"] == name or client["name"].startswith(f"{name}:w:") for client in clients)

    def _busy(self, queues: Collection[str]) -> dict[str, float]:
        names = list(queues)
        counts = self._server.ask(lambda pipe: [pipe.llen(f"{self._prefix}:{name}:active") for name in names])
        return dict(zip(names, counts, strict=True))


def _ask(pipe: Any, key: str, seen: _Seen) -> None:
    pipe.exists(f"{key}:meta")
    pipe.llen(f"{key}:wait")
    pipe.llen(f"{key}:paused")
    pipe.zcard(f"{key}:prioritized")
    pipe.llen(f"{key}:active")
    pipe.zcard(f"{key}:delayed")
    pipe.get(f"{key}:id")
    seen.completed.ask(pipe, f"{key}:completed")
    seen.failed.ask(pipe, f"{key}:failed")
    pipe.xrevrange(f"{key}:events", count=_NEWEST_EVENTS)
