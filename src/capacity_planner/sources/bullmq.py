"""The source that reads BullMQ's keys in Redis: its lists and sets, its counter of jobs, and the jobs that ended."""

from __future__ import annotations

import base64
from time import monotonic
from typing import TYPE_CHECKING, Any

from capacity_planner.domain.scaling import Gap
from capacity_planner.errors import WorldError
from capacity_planner.registry import sources
from capacity_planner.sources._bullmq_seen import Seen
from capacity_planner.sources._options import text, whole
from capacity_planner.sources._rates import Ledger, Reading, Tally
from capacity_planner.sources._redis import RedisServer
from capacity_planner.sources._sampler import Sampler

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from capacity_planner.domain.metrics import Metrics


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
        self._seen: dict[str, Seen] = {}

    def collect(self, queue_name: str, since: datetime | None, until: datetime) -> Sequence[Metrics] | Gap:
        """One sample of the time since the call before."""
        del since
        key = f"{self._prefix}:{queue_name}"
        seen = self._seen.setdefault(queue_name, Seen(self._server, key))
        known, *counts = self._server.ask(lambda pipe: _ask(pipe, key, seen))
        at = monotonic()
        if not known:
            self._ledger.forget(queue_name)
            return Gap(reason=f"BullMQ knows no queue {queue_name!r} in this database. Check its name, url and prefix.")
        seen.read(counts[7:])
        return self._ledger.sample(queue_name, until, self._reading(queue_name, seen, counts, at))

    def close(self) -> None:
        """Let go of threads and connections."""
        self._sampler.close()
        self._server.close()

    def _reading(self, queue: str, seen: Seen, counts: Sequence[Any], at: float) -> Reading:
        wait, paused, prioritized, active, delayed, parents, made = counts[:7]
        workers, times = self._workers or self._running(queue), seen.times
        return Reading(
            waiting=wait + paused + prioritized,
            taken=active,
            later=delayed + parents,
            workers=workers,
            slots=workers * self._concurrency,
            arrived=None if seen.kept and seen.refused else {"id": Tally(float(made or 0))},
            finished={"kept": {"": Tally(seen.attempts)}} if seen.kept else {},
            busy=None if times else self._sampler.mean(queue),
            times=times,
            outages=self._server.outages,
            at=at,
        )

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


def _ask(pipe: Any, key: str, seen: Seen) -> None:
    pipe.exists(f"{key}:meta")
    pipe.llen(f"{key}:wait")
    pipe.llen(f"{key}:paused")
    pipe.zcard(f"{key}:prioritized")
    pipe.llen(f"{key}:active")
    pipe.zcard(f"{key}:delayed")
    pipe.zcard(f"{key}:waiting-children")
    pipe.get(f"{key}:id")
    seen.ask(pipe)
