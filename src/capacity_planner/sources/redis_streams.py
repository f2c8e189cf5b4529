"""The source for Redis streams with a consumer group: what the server tells of both."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from capacity_planner.domain.scaling import Gap
from capacity_planner.registry import sources
from capacity_planner.sources._options import seconds, text, whole
from capacity_planner.sources._rates import Ledger, Reading, Tally
from capacity_planner.sources._redis import RedisServer
from capacity_planner.sources._sampler import Sampler

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from capacity_planner.domain.metrics import Metrics

_MOST_COUNTED = 1_000
_SHORTEST_IDLE = 0.001
_EMPTY = "0-0"
_ANEW = "The stream was made anew, so nothing can be told of the time before."
_UNCOUNTED = (
    "The server does not count what the stream's group has not read: it is older than Redis 7, or unread entries were "
    "deleted, and there are too many to count them."
)


@dataclass(frozen=True, slots=True)
class _Begin:
    """Where a stream begins: how many entries were deleted, and the first that is left."""

    deleted: int
    first: str

    def is_of_another_stream(self, before: _Begin) -> bool:
        """Whether it cannot have been there before: of one stream, the first entry changes by deleting alone."""
        moved = before.first not in {self.first, _EMPTY}
        return self.deleted < before.deleted or (moved and self.deleted == before.deleted)


@sources.register("redis_streams")
class RedisStreams:
    """Streams that a consumer group reads, such as taskiq's; needs Redis 7 and the extra ``redis``.

    Args:
        url: the Redis server.
        password_file: a file that has its password.
        group: the consumer group.
        stream: the key; ``{queue}`` stands for the queue's name.
        concurrency: jobs that a worker serves at once; what it fetches ahead of that waits.
        workers: that run; 0 counts the group's consumers.
        idle_after: a consumer that asked for nothing for so long does not run any more; longer than it blocks, and than
            what it fetches at once takes.
    """

    name: str

    def __init__(
        self,
        *,
        group: str,
        url: str = "redis://127.0.0.1:6379/0",
        password_file: str = "",
        stream: str = "{queue}",
        concurrency: int = 1,
        workers: int = 0,
        idle_after: str = "5m",
    ) -> None:
        self._group, self._stream = text("group", group), text("stream", stream)
        self._concurrency = whole("concurrency", concurrency, least=1)
        self._workers = whole("workers", workers)
        self._idle_after = seconds("idle_after", idle_after, least=_SHORTEST_IDLE)
        self._server = RedisServer(url, password_file)
        self._ledger = Ledger()
        self._sampler = Sampler(self._busy)
        self._begun: dict[str, _Begin] = {}

    def collect(self, queue_name: str, since: datetime | None, until: datetime) -> Sequence[Metrics] | Gap:
        """One sample of the time since the call before."""
        del since
        key = self._key(queue_name)
        (kind,) = self._server.ask(lambda pipe: pipe.type(key))
        if kind != "stream":
            self._ledger.forget(queue_name)
            what = "There is no stream" if kind == "none" else f"A {kind}, and no stream, is"
            return Gap(reason=f"{what} {key!r} in this database. Check url, stream and the queue's name.")
        stream, groups = self._server.ask(lambda pipe: (pipe.xinfo_stream(key), pipe.xinfo_groups(key)))
        at = monotonic()
        group = next((item for item in groups if item["name"] == self._group), None)
        if group is None:
            self._ledger.forget(queue_name)
            names = ", ".join(str(item["name"]) for item in groups) or "none"
            return Gap(reason=f"The stream {key!r} has no group {self._group!r}. Its groups: {names}.")
        waiting = self._unread(key, group)
        if waiting is None or "entries-added" not in stream:
            return Gap(reason=_UNCOUNTED)
        reading = self._reading(queue_name, key, stream, group, waiting, at)
        begin = _Begin(
            int(stream["entries-added"]) - int(stream["length"]), stream.get("recorded-first-entry-id", _EMPTY)
        )
        before, self._begun[queue_name] = self._begun.get(queue_name, begin), begin
        if begin.is_of_another_stream(before):
            return self._ledger.anew(queue_name, reading, _ANEW)
        return self._ledger.sample(queue_name, until, reading)

    def close(self) -> None:
        """Let go of threads and connections."""
        self._sampler.close()
        self._server.close()

    def _reading(
        self, queue: str, key: str, stream: Mapping[str, Any], group: Mapping[str, Any], waiting: int, at: float
    ) -> Reading:
        (consumers,) = self._server.ask(lambda pipe: pipe.xinfo_consumers(key, self._group))
        running = self._running(consumers)
        workers = self._workers or len(running)
        return Reading(
            waiting=waiting,
            taken=int(group["pending"]),
            active=self._at_work(running),
            workers=workers,
            slots=workers * self._concurrency,
            arrived={"entries": Tally(float(stream["entries-added"]))},
            busy=self._sampler.mean(queue),
            outages=self._server.outages,
            at=at,
        )

    def _key(self, queue: str) -> str:
        return self._stream.replace("{queue}", queue)

    def _unread(self, key: str, group: Mapping[str, Any]) -> int | None:
        """Entries that no consumer has read; ``None`` where neither the server nor a short look can tell."""
        lag = group.get("lag")
        if lag is not None:
            return int(lag)
        after = f"({group['last-delivered-id']}"
        (unread,) = self._server.ask(lambda pipe: pipe.xrange(key, min=after, count=_MOST_COUNTED + 1))
        return len(unread) if len(unread) <= _MOST_COUNTED else None

    def _running(self, consumers: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        return [consumer for consumer in consumers if consumer["idle"] <= 1000 * self._idle_after]

    def _at_work(self, running: Sequence[Mapping[str, Any]]) -> int:
        """Entries that are worked on: of each consumer as many as it has slots; what it fetched beyond that waits."""
        return sum(min(int(consumer["pending"]), self._concurrency) for consumer in running)

    def _busy(self, queues: Collection[str]) -> dict[str, float]:
        names = list(queues)
        found = self._server.ask(lambda pipe: [pipe.xinfo_consumers(self._key(name), self._group) for name in names])
        return {name: self._at_work(self._running(consumers)) for name, consumers in zip(names, found, strict=True)}
