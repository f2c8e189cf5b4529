"""The source for Celery on Redis: the broker's keys, what the workers answer, and what they tell by themselves."""

from __future__ import annotations

from fnmatch import fnmatchcase
from time import monotonic
from typing import TYPE_CHECKING, Any

from capacity_planner.domain.scaling import Gap
from capacity_planner.registry import sources
from capacity_planner.sources._celery_asked import JOIN, Control
from capacity_planner.sources._celery_listener import Listener
from capacity_planner.sources._celery_seen import Broker, Seen
from capacity_planner.sources._options import text, texts, whole, wrong
from capacity_planner.sources._rates import WORKERS, Ledger, Reading, Tally
from capacity_planner.sources._redis import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.sources._celery_asked import Answered
    from capacity_planner.sources._celery_heard import News

_NEWEST, _FEWEST_TIMES = 200, 20
_MOST_UNACKED = 20_000
_TOO_MANY = "The broker holds {:,} messages that are not acknowledged, too many to look through for the queue's."
_SILENT = (
    "Celery's remote control was not answered by {}. Workers that lost the broker come back by themselves; one of the "
    "pool solo cannot answer while it works; for the others, see their logs. Whoever subscribes to all channels counts."
)
_BROKEN = "The connection to the broker was lost meanwhile, upon which Celery's workers count anew; a rate needs two."
_SHARED = (
    "The workers of the queue serve {}, too. Say which tasks are the queue's, with the source's option tasks, or give "
    "it workers of its own."
)
_NO_STEPS = "must be a list of one step or more. Write it as the workers have it, such as [0, 3, 6, 9]."


@sources.register("celery_redis")
class CeleryRedis:
    """Queues of Celery on Redis; a worker is one with a name, its slots are its pool's. Needs the extra ``redis``.

    Args:
        url: the broker.
        password_file: a file that has its password.
        prefix: of all keys, as ``global_keyprefix`` of the broker's transport options.
        priority_steps: as those of the transport options.
        tasks: names of the tasks that are the queue's, with ``*`` for any text: for workers that serve other queues,
            too.
    """

    name: str

    def __init__(
        self,
        *,
        url: str = "redis://127.0.0.1:6379/0",
        password_file: str = "",
        prefix: str = "",
        priority_steps: Sequence[int] = (0, 3, 6, 9),
        tasks: Sequence[str] = (),
    ) -> None:
        self._prefix = text("prefix", prefix, empty=True)
        if not isinstance(priority_steps, list | tuple) or not priority_steps:
            raise wrong("priority_steps", priority_steps, _NO_STEPS)
        self._steps = [whole("priority_steps", step) for step in priority_steps]
        self._tasks = texts("tasks", tasks)
        self._server = RedisServer(url, password_file)
        self._control = Control(self._server, self._prefix)
        self._listener = Listener(self._server, self._prefix)
        self._ledger = Ledger()
        self._seen: dict[str, Seen] = {}

    def collect(self, queue_name: str, since: datetime | None, until: datetime) -> Sequence[Metrics] | Gap:
        """One sample of the time since the call before."""
        del since
        seen, news = self._seen.setdefault(queue_name, Seen()), self._listener.news()
        broker = self._look(queue_name)
        if isinstance(broker, Gap):
            return broker
        answers, heard = self._control.ask()
        mine = {worker: answer for worker, answer in answers.items() if queue_name in answer.queues}
        missing = seen.missing(news, [answer.id for answer in answers.values()], broker.at)
        if missing or len(answers) < heard:
            silent = ", ".join(missing) or f"{heard - len(answers)} of the {heard} that listen"
            return Gap(reason=_SILENT.format(silent))
        gap = self._doubt(queue_name, mine.values(), known=bool(broker.bound or broker.waiting or mine))
        if gap is not None:
            return gap
        reading = self._reading(queue_name, seen, news, mine, broker, until)
        if seen.remember(news, [answer.id for answer in mine.values()], broker.at):
            return self._ledger.anew(queue_name, reading, _BROKEN)
        return self._ledger.sample(queue_name, until, reading)

    def close(self) -> None:
        """Let go of threads and connections."""
        self._listener.close()
        self._server.close()

    def _look(self, queue: str) -> Broker | Gap:
        (held,) = self._server.ask(lambda pipe: pipe.hlen(f"{self._prefix}unacked"))
        if held > _MOST_UNACKED:
            return Gap(reason=_TOO_MANY.format(held))
        bound, unacked, *lengths = self._server.ask(lambda pipe: self._ask(pipe, queue))
        return Broker(bound=bool(bound), unacked=unacked, waiting=sum(lengths), at=monotonic())

    def _doubt(self, queue: str, mine: Iterable[Answered], *, known: bool) -> Gap | None:
        """Why nothing can be said of the queue."""
        others = frozenset[str]().union(*(answer.queues for answer in mine)) - {queue}
        if known and (self._tasks or not others):
            return None
        self._ledger.forget(queue)
        unknown = f"Celery knows no queue {queue!r} in this database. Check its name, url and prefix."
        return Gap(reason=_SHARED.format(", ".join(sorted(others))) if known else unknown)

    def _reading(
        self, queue: str, seen: Seen, news: News, mine: Mapping[str, Answered], broker: Broker, now: datetime
    ) -> Reading:
        begun = {answer.id: self._begun(answer) for answer in mine.values()}
        active = [task for answer in mine.values() for task in answer.active if self._is_ours(task.name)]
        routing_keys = {queue, *(answer.queues[queue] for answer in mine.values())}
        times = [took.seconds for took in news.took if took.worker in mine and self._is_ours(took.task)]
        return Reading(
            waiting=broker.waiting,
            taken=len(active) + broker.fetched(routing_keys, {task.id for task in active}, now),
            active=len(active),
            counted=len(active),
            workers=len(mine),
            slots=sum(answer.slots for answer in mine.values()),
            shared=bool(self._tasks),
            finished={WORKERS: {**({} if self._tasks else seen.gone(news, begun)), **begun}},
            busy=None if self._tasks else seen.busy(news, begun, broker.at),
            times=times[-_NEWEST:] if len(times) >= _FEWEST_TIMES else (),
            outages=self._server.outages,
            at=broker.at,
        )

    def _ask(self, pipe: Any, queue: str) -> None:
        pipe.exists(f"{self._prefix}_kombu.binding.{queue}")
        pipe.hvals(f"{self._prefix}unacked")
        for step in self._steps:
            pipe.llen(f"{self._prefix}{queue}{JOIN}{step}" if step else f"{self._prefix}{queue}")

    def _is_ours(self, task: str) -> bool:
        return not self._tasks or any(fnmatchcase(task, pattern) for pattern in self._tasks)

    def _begun(self, answer: Answered) -> Tally:
        return Tally(sum(count for task, count in answer.accepted.items() if self._is_ours(task)), answer.age)
