"""The source that asks a Prometheus server, which also remembers: a first start has a history at once."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from capacity_planner.domain.scaling import Gap
from capacity_planner.registry import sources
from capacity_planner.sources._options import seconds, text, whole, wrong
from capacity_planner.sources._promql import Places, checked, matchers
from capacity_planner.sources._promql_presets import PRESETS
from capacity_planner.sources._promql_range import Grid, ask, instant
from capacity_planner.sources._promql_samples import FIELDS, Columns
from capacity_planner.sources._web import Site
from capacity_planner.sources._web_login import Login
from capacity_planner.units import format_instant, words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from capacity_planner.domain.metrics import Metrics

_GIVEN = ("workers", "service_time", "service_time_p95", "service_time_std")
_NOTHING = "none"
# A number or a duration, or what was meant as one; no PromQL looks like that.
_NUMBER = re.compile(r"[+-]?\d[\w.µμ\s]*|[+-]?P[\dT][\dTWDHMS.]*")
_LEAST_STEP, _LONGEST_STEP, _LONGEST = 1.0, 86_400.0, 3_660 * 86_400.0


@sources.register("prometheus")
class Prometheus:
    """Samples at even steps from queries: those of a preset, one's own, or both.

    A query is PromQL with places to fill in: ``{queue}`` and ``{queue_regex}`` within quotes, ``{step}``, ``{seconds}``
    (the step as a number), ``{window}``, ``{fine}`` (a twelfth of a step), ``{concurrency}`` and ``{labels}``.
    ``none`` leaves a preset's query out.

    Args:
        url: of the server, such as ``http://127.0.0.1:9090``.
        preset: queries for an exporter: ``celery-exporter``, ``rq-exporter``, ``sidekiq``, ``bullmq``,
            ``go-redis-work-queue``, ``rabbitmq`` or ``flower``; empty for one's own alone.
        arrival_rate: query for the arrival rate [jobs/s].
        service_time: query for the mean service time [s], or a duration.
        service_time_p95: query for its 95th percentile [s], or a duration.
        service_time_std: query for its standard deviation [s], or a duration.
        backlog: query for the jobs that wait.
        active_jobs: query for the jobs in service.
        workers: query for the workers that run, or their number.
        utilization: query for the busy share of the workers.
        concurrency: jobs that one worker serves at once.
        labels: matchers that a preset's queries have besides, such as ``namespace="prod"``.
        step: distance of two samples, over which a rate is a mean; at least four scrapes.
        window: over which a preset's service time is a mean.
        history: how far back a first start asks.
        delay: how long the server needs until it has all that was measured at an instant.
        timeout: for one answer.
        bearer_token_file: holds a token.
        username: for basic authentication.
        password_file: holds its password.
        ca_file: certificates to trust instead of the system's.
    """

    name: str

    def __init__(
        self,
        *,
        url: str,
        preset: str = "",
        arrival_rate: str = "",
        service_time: str = "",
        service_time_p95: str = "",
        service_time_std: str = "",
        backlog: str = "",
        active_jobs: str = "",
        workers: str | int = "",
        utilization: str = "",
        concurrency: int = 1,
        labels: str = "",
        step: str = "1m",
        window: str = "10m",
        history: str = "P14D",
        delay: str = "0s",
        timeout: str = "10s",
        bearer_token_file: str = "",
        username: str = "",
        password_file: str = "",
        ca_file: str = "",
    ) -> None:
        own = {
            "arrival_rate": arrival_rate,
            "service_time": service_time,
            "service_time_p95": service_time_p95,
            "service_time_std": service_time_std,
            "backlog": backlog,
            "active_jobs": active_jobs,
            "workers": workers,
            "utilization": utilization,
        }
        self._constants = {name: number for name in _GIVEN if (number := _constant(name, own[name])) is not None}
        self._queries = _queries(preset, {name: own[name] for name in FIELDS if name not in self._constants})
        self._places = Places(
            step=_span("step", step, least=_LEAST_STEP, most=_LONGEST_STEP),
            window=_span("window", window, most=_LONGEST_STEP),
            concurrency=whole("concurrency", concurrency, least=1),
            labels=matchers("labels", text("labels", labels, empty=True)),
        )
        self._history = _span("history", history)
        self._delay = _span("delay", delay)
        login = Login(token_file=bearer_token_file, username=username, password_file=password_file)
        self._site = Site(url, login, timeout=timeout, ca_file=ca_file)

    def collect(self, queue_name: str, since: datetime | None, until: datetime) -> Sequence[Metrics] | Gap:
        """A sample for every step in between at which all is known that must be."""
        until -= self._delay
        oldest = until - self._history
        grid = Grid.between(oldest if since is None else max(since, oldest), until, self._places.step)
        if grid is None:
            return ()
        queries = {field: self._places.fill(query, queue_name) for field, query in self._queries.items()}
        found = {field: ask(self._site, field, query, grid.with_one_before) for field, query in queries.items()}
        columns = Columns(queue_name, found, self._constants, self._places.concurrency)
        return columns.samples(grid) or self._gap(queries, columns.missing(grid), grid)

    def _gap(self, queries: dict[str, str], lacking: str, grid: Grid) -> Gap:
        begin, end = (format_instant(instant(at)) for at in (grid.first, grid.last))
        return Gap(
            reason=f"{self._site.url} has nothing, or nothing without holes, for {lacking} from {begin} to {end}. "
            f"Is the step, {words(self._places.step)}, four scrapes long? The query is: {queries[lacking]}"
        )


def _queries(preset: Any, own: dict[str, Any]) -> dict[str, str]:
    """The queries by field: a preset's, and one's own in their place."""
    if preset not in {"", *PRESETS}:
        raise wrong("preset", preset, f"is none of {', '.join(PRESETS)}.")
    chosen = {name: checked(name, text(name, query, empty=True)) for name, query in own.items()}
    merged = {name: chosen[name].strip() or PRESETS.get(preset, {}).get(name, "") for name in own}
    queries = {name: query for name, query in merged.items() if query not in {"", _NOTHING}}
    if "arrival_rate" not in queries:
        raise wrong(
            "arrival_rate", own["arrival_rate"], "leaves the arrivals unknown. Name a preset, or write a query."
        )
    return queries


def _constant(name: str, value: Any) -> float | None:
    """The number that an option says for all samples; ``None`` where it is a query, or nothing."""
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        return None
    if name == "workers":
        return whole(name, int(value) if isinstance(value, str) and value.strip().isdecimal() else value)
    return _span(name, value).total_seconds()


def _span(name: str, value: Any, *, least: float = 0.0, most: float = _LONGEST) -> timedelta:
    length = seconds(name, value)
    if not least <= length <= most:
        raise wrong(name, value, f"must be from {least:g} s to {most:g} s.")
    return timedelta(seconds=length)
