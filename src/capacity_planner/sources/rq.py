"""The source that reads RQ's keys in Redis: its queue, its registries and what its workers say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capacity_planner.domain.scaling import Gap
from capacity_planner.registry import sources
from capacity_planner.sources._options import text
from capacity_planner.sources._rates import Ledger, Reading
from capacity_planner.sources._redis import RedisServer
from capacity_planner.sources._rq_seen import FIELDS, Seen, alive, held_by, seconds_between, workers_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from capacity_planner.domain.metrics import Metrics

_UNCOUNTED = (
    "The workers of the queue serve {}, too, and results are not kept, so what finished is not known. Keep results "
    "(result_ttl, failure_ttl) for longer than the plan interval, or give the queue workers of its own."
)
_UNREGISTERED = (
    "RQ's workers work on the queue, but none is registered, so how many there are is not known. They lost their "
    "registration when Redis lost its keys, such as by a restart without persistence. Restart the workers."
)


@sources.register("rq")
class RQ:
    """Queues of RQ; a worker serves one job at a time. Needs the extra ``redis``.

    Args:
        url: the Redis server.
        password_file: a file that has its password.
        prefix: of all keys, as RQ's ``RQ_KEY_PREFIX``.
    """

    name: str

    def __init__(self, *, url: str = "redis://127.0.0.1:6379/0", password_file: str = "", prefix: str = "rq") -> None:
        self._prefix = text("prefix", prefix)
        self._server = RedisServer(url, password_file)
        self._ledger = Ledger()
        self._seen: dict[str, Seen] = {}

    def collect(self, queue_name: str, since: datetime | None, until: datetime) -> Sequence[Metrics] | Gap:
        """One sample of the time since the call before."""
        del since
        seen = self._seen.setdefault(queue_name, Seen())
        registered, known = self._server.ask(lambda pipe: self._ask_who(pipe, queue_name))
        keys = sorted(registered | seen.workers)
        waiting, handed, started, *rest = self._server.ask(lambda pipe: self._ask(pipe, queue_name, seen, keys))
        if not (known or registered or waiting):
            self._ledger.forget(queue_name)
            return Gap(reason=f"RQ knows no queue {queue_name!r} in this database. Check its name, url and prefix.")
        held, now = held_by(started) | {*handed}, until.timestamp()
        ended, working = seen.held - held, held_by(alive(started, now))
        kept = seen.look(frozenset(registered), held, rest[:8], now) and self._all_there(ended)
        workers = workers_of(keys, rest[8:], until)
        running = sum(worker.runs for worker in workers if worker.key in registered)
        if not running and (working or self._has_strays(seen)):
            self._ledger.forget(queue_name)
            return Gap(reason=_UNREGISTERED)
        others = frozenset[str]().union(*(worker.queues for worker in workers)) - {queue_name}
        own = None if others else workers
        reading = Reading(
            waiting=waiting,
            taken=len(held),
            active=min(len(working.union(handed)), running),
            workers=running,
            slots=running,
            shared=own is None,
            finished=seen.ended(own, kept=kept or own is None),
            worked=None if own is None else {worker.id: worker.worked for worker in own},
            times=self._times(seen),
            outages=self._server.outages,
        )
        if own is None and not kept:
            return self._ledger.anew(queue_name, reading, _UNCOUNTED.format(", ".join(sorted(others))))
        return self._ledger.sample(queue_name, until, reading)

    def close(self) -> None:
        """Let go of connections."""
        self._server.close()

    def _ask_who(self, pipe: Any, queue: str) -> None:
        pipe.smembers(f"{self._prefix}:workers:{queue}")
        pipe.sismember(f"{self._prefix}:queues", f"{self._prefix}:queue:{queue}")

    def _ask(self, pipe: Any, queue: str, seen: Seen, workers: Iterable[str]) -> None:
        pipe.llen(f"{self._prefix}:queue:{queue}")
        pipe.lrange(f"{self._prefix}:queue:{queue}:intermediate", 0, -1)
        pipe.zrange(f"{self._prefix}:wip:{queue}", 0, -1, withscores=True)
        seen.finished.ask(pipe, f"{self._prefix}:finished:{queue}")
        seen.failed.ask(pipe, f"{self._prefix}:failed:{queue}")
        for key in workers:
            pipe.hmget(key, FIELDS)

    def _all_there(self, jobs: Iterable[str]) -> bool:
        """Whether each of these jobs that ended is kept: in a registry, or for another attempt."""
        return all(self._server.ask(lambda pipe: [pipe.exists(f"{self._prefix}:job:{job}") for job in jobs]))

    def _has_strays(self, seen: Seen) -> bool:
        """Whether the worker of the job that ended last lives, but is registered for no queue."""
        jobs = [f"{self._prefix}:job:{job}" for job in (*seen.finished.newest[:1], *seen.failed.newest[:1])]
        names = self._server.ask(lambda pipe: [pipe.hget(job, "worker_name") for job in jobs])
        keys = [f"{self._prefix}:worker:{name}" for name in names if name]
        told = self._server.ask(lambda pipe: [pipe.hmget(key, "last_heartbeat", "death") for key in keys])
        (listed,) = self._server.ask(lambda pipe: pipe.smembers(f"{self._prefix}:workers"))
        return any(beat and not death and key not in listed for key, (beat, death) in zip(keys, told, strict=True))

    def _times(self, seen: Seen) -> list[float]:
        """Service times of the newest finished jobs; of each, its hash is read once."""
        new = [job for job in seen.finished.newest if job not in seen.times]
        if new:
            keys = [f"{self._prefix}:job:{job}" for job in new]
            answers = self._server.ask(lambda pipe: [pipe.hmget(key, "started_at", "ended_at") for key in keys])
            seen.learn({job: seconds_between(*answer) for job, answer in zip(new, answers, strict=True)})
        return list(seen.times.values())
