"""The source for go-redis-work-queue: its lists in Redis, and the lists of what its workers work on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity_planner.domain.scaling import Gap
from capacity_planner.registry import sources
from capacity_planner.sources._lanes import Lanes, literal
from capacity_planner.sources._options import text, texts, whole
from capacity_planner.sources._rates import Ledger, Reading, Tally
from capacity_planner.sources._redis import RedisServer
from capacity_planner.sources._sampler import Sampler
from capacity_planner.sources._sizes import Sizes

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from capacity_planner.domain.metrics import Metrics


@sources.register("go_redis_work_queue")
class GoRedisWorkQueue:
    """The queues of go-redis-work-queue, which one pool of workers serves: a sample is of all of them together.

    Workers that are idle leave no trace in Redis. Needs the extra ``redis``.

    Args:
        url: the Redis server.
        password_file: a file that has its password.
        prefix: of all keys.
        lists: the lists that jobs wait in, as ``worker.queues`` of its configuration.
        workers: processes that run; 0 counts those that had a job in the last ten minutes.
        concurrency: jobs that a process serves at once, as ``worker.count`` of its configuration.
    """

    name: str

    def __init__(
        self,
        *,
        url: str = "redis://127.0.0.1:6379/0",
        password_file: str = "",
        prefix: str = "jobqueue:",
        lists: Sequence[str] = (),
        workers: int = 0,
        concurrency: int = 16,
    ) -> None:
        self._prefix = text("prefix", prefix, empty=True)
        self._lists = texts("lists", lists) or (f"{prefix}high_priority", f"{prefix}low_priority")
        self._ended = (f"{prefix}completed", f"{prefix}dead_letter")
        self._workers = whole("workers", workers)
        self._concurrency = whole("concurrency", concurrency, least=1)
        self._server = RedisServer(url, password_file)
        self._ledger = Ledger()
        self._sizes = Sizes(self._server)
        self._slots = f"{literal(prefix)}worker:*:processing"
        self._lanes = Lanes(self._server, self._slots)
        self._sampler = Sampler(self._busy)

    def collect(self, queue_name: str, since: datetime | None, until: datetime) -> Sequence[Metrics] | Gap:
        """One sample of the time since the call before."""
        del since
        self._lanes.scan()
        ordered, processing = self._server.keys(f"{literal(self._prefix)}ordered:queue:*"), self._lanes.known()
        plain = (*self._lists, *self._ended, *ordered)
        sizes = self._sizes.of(dict(zip(plain, plain, strict=True)) | dict.fromkeys(processing, self._slots))
        if not sizes:
            self._ledger.forget(queue_name)
            return Gap(reason=f"No list of go-redis-work-queue is in this database, such as {self._lists[0]!r}.")
        workers = self._workers or self._processes(processing)
        reading = Reading(
            waiting=int(sum(sizes.get(key, 0.0) for key in (*self._lists, *ordered))),
            taken=int(sum(sizes.get(key, 0.0) for key in processing)),
            workers=workers,
            slots=workers * self._concurrency,
            finished={"lists": {key: Tally(sizes.get(key, 0.0)) for key in self._ended}},
            busy=self._sampler.mean(queue_name),
            outages=self._server.outages,
        )
        return self._ledger.sample(queue_name, until, reading)

    def close(self) -> None:
        """Let go of threads and connections."""
        self._sampler.close()
        self._server.close()

    def _processes(self, lanes: Collection[str]) -> int:
        """Processes that these lists belong to; their names end in the number of the slot."""
        begin, end = len(f"{self._prefix}worker:"), len(":processing")
        return len({key[begin:-end].rpartition("-")[0] for key in lanes})

    def _busy(self, queues: Collection[str]) -> dict[str, float]:
        sizes = self._sizes.of(dict.fromkeys(self._lanes.known(), self._slots))
        return dict.fromkeys(queues, sum(sizes.values()))
