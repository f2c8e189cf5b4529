"""The source that asks RabbitMQ's management API, which keeps the counters of the last hour with their times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from capacity_planner.domain.scaling import Gap
from capacity_planner.errors import WorldError
from capacity_planner.registry import sources
from capacity_planner.sources._options import seconds, text, whole, wrong
from capacity_planner.sources._rabbitmq_samples import Crew, Told
from capacity_planner.sources._rabbitmq_stats import COLUMNS, Stats
from capacity_planner.sources._web import Site
from capacity_planner.sources._web_login import Login

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.domain.metrics import Metrics

# RabbitMQ keeps what it saw every 5 seconds for 10 minutes, and every minute for an hour.
_FINE, _FINE_AGE, _COARSE, _COARSE_AGE = 5, 600, 60, 3_600
_LAG = 10
_OK, _NOT_FOUND = 200, 404
_GUEST = "guest"


@sources.register("rabbitmq")
class RabbitMQ:
    """A sample for every step that was counted from begin to end.

    Args:
        url: of the management API, such as ``http://127.0.0.1:15672``.
        vhost: virtual host of the queues.
        username: who asks; the tag ``management`` is enough, with any permission in the virtual host.
        password_file: holds the password.
        password: the password, where there is no file; whoever may read the settings can read it.
        slots_per_consumer: jobs that one consumer serves at once, such as the concurrency of a Celery worker.
        consumers_per_worker: consumers that one worker has.
        acknowledge: ``after`` where a message is acknowledged when its job is done, ``before`` where it is when the
            job begins, which is what Celery does without ``task_acks_late``.
        service_time: mean service time, where it is known; otherwise it is inferred.
        service_time_std: its standard deviation.
        service_time_p95: its 95th percentile.
        step: distance of two samples, over which a rate is a mean: whole minutes, or 5s to 55s.
        timeout: for one answer.
        ca_file: certificates to trust instead of the system's.
    """

    name: str

    def __init__(
        self,
        *,
        url: str,
        vhost: str = "/",
        username: str = _GUEST,
        password_file: str = "",
        password: str = "",
        slots_per_consumer: int = 1,
        consumers_per_worker: int = 1,
        acknowledge: str = "after",
        service_time: str = "",
        service_time_std: str = "",
        service_time_p95: str = "",
        step: str = "1m",
        timeout: str = "10s",
        ca_file: str = "",
    ) -> None:
        self._vhost = text("vhost", vhost)
        if acknowledge not in ("after", "before"):
            raise wrong("acknowledge", acknowledge, "is neither after nor before.")
        self._crew = Crew(
            slots=whole("slots_per_consumer", slots_per_consumer, least=1),
            consumers_per_worker=whole("consumers_per_worker", consumers_per_worker, least=1),
            before=acknowledge == "before",
            service_time=_known("service_time", service_time),
            std=_known("service_time_std", service_time_std),
            p95=_known("service_time_p95", service_time_p95),
        )
        self._step = _step(step)
        login = Login(
            username=text("username", username),
            password_file=password_file,
            password=password or ("" if password_file or username != _GUEST else _GUEST),
        )
        self._site = Site(url, login, timeout=timeout, ca_file=ca_file)

    def collect(self, queue_name: str, since: datetime | None, until: datetime) -> Sequence[Metrics] | Gap:
        """The samples of the steps in between, of the last hour at most."""
        oldest = until - timedelta(seconds=_COARSE_AGE)
        begin = oldest if since is None else max(since, oldest)
        stats = self._stats(queue_name, (until - begin).total_seconds() + self._step + _LAG)
        if isinstance(stats, Gap):
            return stats
        told = Told(queue_name, stats, self._crew, self._step)
        instants = told.instants(begin.timestamp(), until.timestamp())
        if instants:
            return [told.sample(at) for at in instants]
        return self._nothing(stats, begin.timestamp(), until.timestamp())

    def _nothing(self, stats: Stats, begin: float, until: float) -> Sequence[Metrics] | Gap:
        """Why there is no sample, where there should be one."""
        newest = max(stats.published)
        if newest // self._step * self._step <= begin:
            return ()
        if newest > until + _LAG:
            return Gap(reason=f"RabbitMQ's clock is {newest - until:.0f} s ahead of ours. Set both by NTP.")
        counts = datetime.fromtimestamp(min(stats.published), UTC)
        return Gap(
            reason=f"RabbitMQ counts the queue's messages since {counts:%H:%M:%S} UTC; a rate needs a whole step."
        )

    def _stats(self, queue_name: str, age: float) -> Stats | Gap:
        coarse = age > _FINE_AGE and not self._step % _COARSE
        span, every = (_COARSE_AGE, _COARSE) if coarse else (_FINE_AGE, _FINE)
        spans = {
            f"{kind}_{part}": str(size)
            for kind in ("msg_rates", "lengths")
            for part, size in (("age", span), ("incr", every))
        }
        path = f"/api/queues/{quote(self._vhost, safe='')}/{quote(queue_name, safe='')}"
        answer = self._site.get(path, {**spans, "columns": COLUMNS})
        if answer.status == _NOT_FOUND and isinstance(answer.data, dict) and "error" in answer.data:
            return Gap(reason=f"{self._site.url} has no queue {queue_name} in the virtual host {self._vhost}.")
        if answer.status != _OK:
            message = f"{self._site.url} refuses to tell of {queue_name} (HTTP {answer.status}). Check the address."
            raise WorldError(message, temporary=False)
        return Stats.read(answer.data)


def _step(value: Any) -> int:
    step = seconds("step", value)
    if step % _FINE or not _FINE <= step <= _COARSE_AGE / 2 or (step > _COARSE and step % _COARSE):
        raise wrong("step", value, "must be whole minutes up to 30m, or 5s, 10s, … 55s.")
    return int(step)


def _known(name: str, value: Any) -> float | None:
    if isinstance(value, str) and not value:
        return None
    time = seconds(name, value)
    if time < 0:
        raise wrong(name, value, "is below zero.")
    return time
