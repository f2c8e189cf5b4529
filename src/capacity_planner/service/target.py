"""The workers that a queue should have now, for whoever asks instead of being told: KEDA, an HPA, or a script."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from statistics import median_high
from typing import TYPE_CHECKING

from capacity_planner.domain.queues import Mode
from capacity_planner.errors import ConflictError, NotFoundError, UnavailableError
from capacity_planner.fields import CONFIG, Count, Instant, Text
from capacity_planner.service._pulled import PULL, Pulled
from capacity_planner.service.deciding import stale_after
from capacity_planner.units import words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.queues import QueueSettings
    from capacity_planner.domain.scaling import Order, QueueStatus, ScalingRecord
    from capacity_planner.service.configuration import Configuration
    from capacity_planner.store.store import Store

NO_TIME = timedelta(0)
_INTERVALS, _LATE_CLOCKS, _LONGEST_NAME = 3, 20, 40
_LOOK_BACK = timedelta(days=3_650)
_RETRY_AFTER = 15.0
_UNFIT = re.compile(r"[^A-Za-z0-9]+")


class Basis(StrEnum):
    """What a number of workers rests on."""

    ORDERED = "ordered"
    AHEAD = "ahead"
    MEASURED = "measured"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The workers that a queue should have now.

    Attributes:
        queue_name: the queue.
        workers: how many, within the queue's limits.
        basis: ``ordered`` is the newest order; ``ahead`` one that is due within the time asked for; ``measured`` what
            runs, where nothing was ordered yet; ``held`` the newest order, though there is no plan that is fresh.
        since: when it was ordered, is due, or was measured last.
        plan_id: the plan that it was ordered for; empty where none was.
    """

    __pydantic_config__ = CONFIG

    queue_name: Text
    workers: Count
    basis: Basis
    since: Instant
    plan_id: Text = ""


class Targets:
    """Answers what the loop decided; safe to share between threads.

    Args:
        configuration: how queues are run.
        store: what was planned, ordered and measured.
    """

    def __init__(self, configuration: Configuration, store: Store) -> None:
        self._configuration, self._store = configuration, store
        self._begins: dict[str, tuple[str, datetime | None]] = {}
        self._pulled = Pulled(configuration, store)

    def of(self, queue_name: str, *, ahead: timedelta = NO_TIME, hold: bool = False) -> Target:
        """The workers that a queue should have.

        Args:
            queue_name: the queue.
            ahead: orders that add workers count so much before they are due.
            hold: answer the newest order also where no plan is fresh.

        Raises:
            NotFoundError: the queue is not planned for.
            ConflictError: somebody else scales it, or nobody.
            UnavailableError: no plan is fresh, or the store does not answer.
        """
        queue = self._asked_for(queue_name)
        config, now = self._configuration.planner_config(queue_name), self._store.now()
        last, limit = self._last(queue_name, now), _limit(queue, config)
        problem = self._problem(queue_name, now, limit)
        if problem and not (hold and last):
            raise UnavailableError(problem, retry_after=_RETRY_AFTER)
        coming = self._store.open_orders(queue_name) if ahead and not problem else []
        measured = [] if last else self._store.samples(queue_name, since=now - limit, until=now)
        found = chosen(queue_name, config, last, coming=coming, until=now + ahead, now=now, measured=measured)
        if found is None:
            raise UnavailableError(f"No sample of {queue_name} is fresh.", retry_after=_RETRY_AFTER)
        return _held(found) if problem else found

    def _asked_for(self, queue_name: str) -> QueueSettings:
        queue = self._configuration.settings(queue_name)
        if queue is None:
            raise NotFoundError(f"The queue {queue_name!r} is not planned for. Name it under queues in the settings.")
        if queue.scaler.name != PULL:
            said = f"The queue's scaler is {queue.scaler.name}: it scales, and nobody should beside it."
            raise ConflictError(f'{said} Set scaler = {{name = "{PULL}"}} to be asked instead.')
        if queue.mode is Mode.ADVISORY:
            said = f"The mode of {queue_name} is advisory: nothing is ordered."
            raise ConflictError(f"{said} Set mode to auto, or to manual, to have plans carried out.")
        return queue

    def _last(self, queue_name: str, now: datetime) -> ScalingRecord | None:
        """The newest order or told scaling, since the queue is run as it is: older ones were for another scaler."""
        done = self._store.scalings(queue_name, since=now - _LOOK_BACK, limit=_LATE_CLOCKS)
        last = next((record for record in reversed(done) if record.at <= now), None)
        return last if last and self._pulled.holds_since(queue_name, last.at) else None

    def _problem(self, queue_name: str, now: datetime, limit: timedelta) -> str | None:
        """Why what was ordered may not hold any more; ``None`` where the newest plan is fresh."""
        status = next(iter(self._store.statuses(queue_name)), None)
        begins = self._begin(status) if status else None
        reason = f" {status.gap}" if status and status.gap else ""
        if begins is None:
            return f"No plan was made for {queue_name} yet.{reason}"
        if now - begins > limit:
            age, most = words(now - begins), words(limit)
            return f"The newest plan for {queue_name} starts from a sample of {age} ago, more than {most}.{reason}"
        return None

    def _begin(self, status: QueueStatus) -> datetime | None:
        """The instant that the newest plan starts from; a plan is read once."""
        name, plan_id = status.queue_name, status.last_plan_id
        known = self._begins.get(name)
        if known is None or known[0] != plan_id or known[1] is None:
            record = self._store.plan(plan_id) if plan_id else None
            known = self._begins[name] = plan_id, record.response.plan.generated_at if record else None
        return known[1]


def chosen(
    queue_name: str,
    config: PlannerConfig,
    last: ScalingRecord | None,
    *,
    coming: Sequence[Order] = (),
    until: datetime,
    now: datetime,
    measured: Sequence[Metrics] = (),
) -> Target | None:
    """The workers for what was ordered, is about to be, or is measured; ``None`` where nothing is known.

    An order says how many should run, a measurement only how many do: one may be dying, or not yet there. So a
    measurement counts only before the first order, and then the middle one, that no restart of a few workers moves.
    """
    if last is not None:
        base, basis, since, plan_id = last.to_workers, Basis.ORDERED, last.at, last.plan_id
    elif measured:
        base = median_high(sample.current_workers for sample in measured)
        basis, since, plan_id = Basis.MEASURED, measured[-1].timestamp, ""
    else:
        return None
    for order in coming:
        when = order.due if last is None else max(order.due, last.at + config.cooldown_up)
        if now < when <= until and order.to_workers > base:
            base, basis, since, plan_id = order.to_workers, Basis.AHEAD, when, order.plan_id
    workers = min(max(base, config.min_workers), config.max_workers)
    return Target(queue_name=queue_name, workers=workers, basis=basis, since=since, plan_id=plan_id)


def metric_name(queue_name: str) -> str:
    """A name for the queue's workers that a Kubernetes metric can have, always the same for the same queue.

    >>> metric_name("emails"), metric_name("a/b")
    ('workers-emails', 'workers-a-b-c14cddc0')
    """
    fit = _UNFIT.sub("-", queue_name).strip("-")[:_LONGEST_NAME].strip("-")
    if fit == queue_name:
        return f"workers-{fit}"
    return "-".join(filter(None, ("workers", fit, hashlib.sha256(queue_name.encode()).hexdigest()[:8])))


def _limit(queue: QueueSettings, config: PlannerConfig) -> timedelta:
    """The age from which on a plan is not fresh."""
    return max(stale_after(queue, config), _INTERVALS * config.plan_interval)


def _held(target: Target) -> Target:
    return Target(
        queue_name=target.queue_name,
        workers=target.workers,
        basis=Basis.HELD,
        since=target.since,
        plan_id=target.plan_id,
    )
