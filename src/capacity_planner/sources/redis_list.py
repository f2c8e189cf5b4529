"""The source for plain lists in Redis, and a counter of what came or of what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity_planner.domain.scaling import Gap
from capacity_planner.registry import sources
from capacity_planner.sources._lanes import Lanes, literal
from capacity_planner.sources._list_seen import Seen
from capacity_planner.sources._options import text, texts, whole, wrong
from capacity_planner.sources._rates import WORKERS, Ledger, Reading, Tally
from capacity_planner.sources._redis import RedisServer
from capacity_planner.sources._sampler import Sampler
from capacity_planner.sources._sizes import Sizes

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from capacity_planner.domain.metrics import Metrics

_NO_COUNTER = (
    "counts nothing, and neither does finished: a list alone does not tell how many jobs came and went between two "
    "looks. Name a key that is counted up for every job that arrives, or that ends."
)
_NOTHING = "None of these keys is in the database: {}. Check them, the url and the queue's name."
_LACKING = {
    "arrived": "jobs came. It must count every one that arrives, from the first on",
    "finished": "jobs left the queue. It must count every one that ends, from the first on",
    "worked": "jobs were finished. It must count the milliseconds of every one",
}


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
        self._sizes = Sizes(self._server)
        self._lanes: dict[str, Lanes] = {}
        self._seen: dict[str, Seen] = {}
        self._sampler = Sampler(self._busy)

    def collect(self, queue_name: str, since: datetime | None, until: datetime) -> Sequence[Metrics] | Gap:
        """One sample of the time since the call before."""
        del since
        keys = self._keys(queue_name)
        sizes = self._sizes.of({key: alike for group in keys.values() for key, alike in group.items()})
        needed = [key for kind in ("lists", "arrived", "finished") for key in keys[kind]]
        if not any(key in sizes for key in needed):
            self._seen.pop(queue_name, None)
            self._ledger.forget(queue_name)
            return Gap(reason=_NOTHING.format(", ".join(needed)))
        totals = {kind: sum(sizes.get(key, 0.0) for key in group) for kind, group in keys.items()}
        seen = self._seen.setdefault(queue_name, Seen())
        seen.look(totals["lists"] + totals["processing"], totals["arrived"])
        reading = self._reading(queue_name, totals, seen.uncounted)
        counts = {kind: sizes.get(key) for kind in _LACKING for key in keys[kind]}
        lacking = seen.lacking(counts, hidden=0 if self._processing else reading.slots)
        if lacking:
            self._ledger.forget(queue_name)
            (key,) = keys[lacking]
            return Gap(reason=f"The key {key!r} is not there, though {_LACKING[lacking]}. Check the option {lacking}.")
        return self._ledger.sample(queue_name, until, reading)

    def close(self) -> None:
        """Let go of threads and connections."""
        self._sampler.close()
        self._server.close()

    def _reading(self, queue: str, totals: Mapping[str, float], uncounted: float) -> Reading:
        workers = int(totals["workers"]) if isinstance(self._workers, str) else self._workers
        return Reading(
            waiting=int(totals["lists"]),
            taken=int(totals["processing"]),
            workers=workers,
            slots=workers * self._concurrency,
            arrived={"": Tally(totals["arrived"] + uncounted)} if self._arrived else None,
            finished={WORKERS: {"": Tally(totals["finished"])}} if self._finished else {},
            worked={"": Tally(totals["worked"] / 1000.0)} if self._worked else None,
            busy=self._sampler.mean(queue) if self._processing else None,
            outages=self._server.outages,
        )

    def _keys(self, queue: str) -> dict[str, dict[str, str]]:
        """The keys of a queue by what they are for, each with what it is alike."""
        wanted = {
            "lists": self._lists,
            "arrived": (self._arrived,),
            "finished": (self._finished,),
            "worked": (self._worked,),
            "workers": (self._workers,) if isinstance(self._workers, str) else (),
        }
        named = {kind: [key.replace("{queue}", queue) for key in keys if key] for kind, keys in wanted.items()}
        keys = {kind: dict(zip(group, group, strict=True)) for kind, group in named.items()}
        return keys | {"processing": self._processing_keys(queue, look=True)}

    def _processing_keys(self, queue: str, *, look: bool = False) -> dict[str, str]:
        if "*" not in self._processing:
            key = self._processing.replace("{queue}", queue)
            return {key: key} if key else {}
        pattern = self._processing.replace("{queue}", literal(queue))
        lanes = self._lanes.setdefault(pattern, Lanes(self._server, pattern))
        if look:
            lanes.scan()
        return dict.fromkeys(lanes.known(), pattern)

    def _busy(self, queues: Collection[str]) -> dict[str, float]:
        keys = {queue: self._processing_keys(queue) for queue in queues}
        sizes = self._sizes.of({key: alike for group in keys.values() for key, alike in group.items()})
        return {queue: sum(sizes.get(key, 0.0) for key in group) for queue, group in keys.items()}
