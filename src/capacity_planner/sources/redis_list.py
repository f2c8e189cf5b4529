"""The source for plain lists in Redis, and a counter of what came or of what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity_planner.domain.scaling import Gap
from capacity_planner.registry import sources
from capacity_planner.sources._lanes import Lanes
from capacity_planner.sources._options import text, texts, whole, wrong
from capacity_planner.sources._rates import WORKERS, Ledger, Reading, Tally
from capacity_planner.sources._redis import RedisServer
from capacity_planner.sources._sampler import Sampler
from capacity_planner.sources._sizes import sizes_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from capacity_planner.domain.metrics import Metrics

_NO_COUNTER = (
    "counts nothing, and neither does finished: a list alone does not tell how many jobs came and went between two "
    "looks. Name a key that is counted up for every job that arrives, or that ends."
)
_NOTHING = "None of these keys is in the database: {}. Check them, the url and the queue's name."


@sources.register("redis_list")
class RedisList:
    """Queues that are lists, for workers written by hand. Needs the extra ``redis``.

    A list alone does not tell how many jobs came and went between two looks. So a key must count them, by ``INCR`` or
    by growing: what arrived, what was finished, or both. In all keys ``{queue}`` stands for the queue's name.

    Args:
        url: the Redis server.
        password_file: a file that has its password.
        lists: the lists that jobs wait in.
        processing: where workers keep the jobs that they work on: a list, set, sorted set or hash, or several by ``*``.
        arrived: the key that counts arrivals.
        finished: the key that counts jobs that ended, however they did.
        worked: the key that counts the milliseconds that these jobs took; without it, their time is inferred.
        workers: that run: a number, or the key of a set, sorted set or hash that has one entry for each.
        concurrency: jobs that a worker serves at once.
    """

    name: str

    def __init__(
        self,
        *,
        url: str = "redis://127.0.0.1:6379/0",
        password_file: str = "",
        lists: Sequence[str] = ("{queue}",),
        processing: str = "",
        arrived: str = "",
        finished: str = "",
        worked: str = "",
        workers: int | str = 0,
        concurrency: int = 1,
    ) -> None:
        self._lists = texts("lists", lists)
        self._processing = text("processing", processing, empty=True)
        self._arrived = text("arrived", arrived, empty=True)
        self._finished = text("finished", finished, empty=True)
        if not (self._arrived or self._finished):
            raise wrong("arrived", arrived, _NO_COUNTER)
        self._worked = text("worked", worked, empty=True)
        if self._worked and not self._finished:
            raise wrong("worked", worked, "tells nothing without finished. Name the key that counts these jobs.")
        self._workers = text("workers", workers) if isinstance(workers, str) else whole("workers", workers)
        self._concurrency = whole("concurrency", concurrency, least=1)
        self._server = RedisServer(url, password_file)
        self._ledger = Ledger()
        self._lanes: dict[str, Lanes] = {}
        self._sampler = Sampler(self._busy)

    def collect(self, queue_name: str, since: datetime | None, until: datetime) -> Sequence[Metrics] | Gap:
        """One sample of the time since the call before."""
        del since
        keys = self._keys(queue_name)
        sizes = sizes_of(self._server, [key for group in keys.values() for key in group])
        if not any(sizes[key] is not None for kind in ("lists", "arrived", "finished") for key in keys[kind]):
            self._ledger.forget(queue_name)
            return Gap(reason=_NOTHING.format(", ".join((*keys["lists"], *keys["arrived"], *keys["finished"]))))
        return self._ledger.sample(queue_name, until, self._reading(queue_name, keys, sizes))

    def close(self) -> None:
        """Let go of threads and connections."""
        self._sampler.close()
        self._server.close()

    def _reading(self, queue: str, keys: Mapping[str, list[str]], sizes: Mapping[str, int | None]) -> Reading:
        totals = {kind: sum(sizes[key] or 0 for key in group) for kind, group in keys.items()}
        workers = totals["workers"] if isinstance(self._workers, str) else self._workers
        return Reading(
            waiting=totals["lists"],
            taken=totals["processing"],
            workers=workers,
            slots=workers * self._concurrency,
            arrived={"": Tally(totals["arrived"])} if self._arrived else None,
            finished={WORKERS: {"": Tally(totals["finished"])}} if self._finished else {},
            worked={"": Tally(totals["worked"] / 1000.0)} if self._worked else None,
            busy=self._sampler.mean(queue) if self._processing else None,
            outages=self._server.outages,
        )

    def _keys(self, queue: str) -> dict[str, list[str]]:
        """The keys of a queue by what they are for."""
        wanted = {
            "lists": self._lists,
            "processing": self._processing_keys(queue, look=True),
            "arrived": (self._arrived,),
            "finished": (self._finished,),
            "worked": (self._worked,),
            "workers": (self._workers,) if isinstance(self._workers, str) else (),
        }
        return {kind: [key.replace("{queue}", queue) for key in keys if key] for kind, keys in wanted.items()}

    def _processing_keys(self, queue: str, *, look: bool = False) -> list[str]:
        pattern = self._processing.replace("{queue}", queue)
        if "*" not in pattern:
            return [pattern]
        lanes = self._lanes.setdefault(pattern, Lanes(self._server, pattern))
        if look:
            lanes.scan()
        return lanes.known()

    def _busy(self, queues: Collection[str]) -> dict[str, float]:
        keys = {queue: [key for key in self._processing_keys(queue) if key] for queue in queues}
        sizes = sizes_of(self._server, [key for group in keys.values() for key in group])
        return {queue: sum(sizes[key] or 0 for key in group) for queue, group in keys.items()}
