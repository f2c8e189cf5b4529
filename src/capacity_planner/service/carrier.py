"""Orders into the world: each at its time, once, within the limits, and tried again when the scaler fails."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from capacity_planner.domain.queues import Mode
from capacity_planner.domain.scaling import OrderStatus, ScalingRecord
from capacity_planner.errors import WorldError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from capacity_planner.contracts import Scaler
    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.queues import QueueSettings
    from capacity_planner.domain.scaling import Order
    from capacity_planner.service.desk import Desk
    from capacity_planner.service.telemetry import Telemetry
    from capacity_planner.service.world import World
    from capacity_planner.store.store import Store

_LOG = logging.getLogger("capacity_planner.scaling")
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class Carrier:
    """Carries orders out; safe to share between threads, one order of a queue at a time.

    An order is begun in the store before the scaler is asked, and done there afterwards. Whoever finds a begun order
    (its replica was killed, or lost its lease) asks the scaler what runs before it asks for anything, and then with
    the same order id.

    Args:
        desk: the planners.
        store: where orders are kept.
        world: scalers.
        telemetry: what is counted.
        replica: who this is.
    """

    desk: Desk
    store: Store
    world: World
    telemetry: Telemetry
    replica: str

    def carry_first(self, due: Sequence[Order], queue: QueueSettings, now: datetime, version: int) -> None:
        """Carry out the first order that may act; those before it, which a cooldown holds, are passed over for good.

        Args:
            due: orders of the queue, in the order in which they are due.
            queue: how the queue is run.
            now: the time.
            version: of the configuration that says so; where it is another one by now, nothing is carried out.

        Raises:
            UnavailableError: the store does not answer; the order is found again.
        """
        config = self.desk.planner_config(queue.queue_name)
        for place, order in enumerate(due):
            problem = self._unfit(order, queue, now)
            if problem is None and self._cools(order, config, now):
                continue
            for earlier in due[:place]:
                self.store.skip(earlier, replica=self.replica, at=now, note="A later step was due and could act.")
            if problem is not None:
                self._settle(order, now, problem)
            else:
                self._carry(order, queue, config, version)
            return

    def _carry(self, order: Order, queue: QueueSettings, config: PlannerConfig, version: int) -> None:
        begun = self.store.begin(order.id, replica=self.replica, at=self.store.now(), version=version)
        if begun is None:
            return
        wanted = min(max(begun.to_workers, config.min_workers), config.max_workers)
        again = order.status is OrderStatus.RUNNING or order.attempts > 0
        try:
            scaler = self.world.scaler(queue)
            observed = _asked(scaler, replace(begun, to_workers=wanted), again=again)
        except Exception as error:  # noqa: BLE001 - a scaler may be anybody's code
            self._failed(begun, queue, self.store.now(), error)
        else:
            self._done(begun, queue, self.store.now(), wanted, observed)

    def _unfit(self, order: Order, queue: QueueSettings, now: datetime) -> str | None:
        """Why an order must not be carried out; one that was begun and is done already is none of these."""
        if queue.mode is Mode.ADVISORY:
            problem = "The queue's mode is advisory now."
        elif queue.mode is Mode.MANUAL and not self._is_wanted(order):
            problem = "The queue's mode is manual now, and nobody applied the plan."
        elif order.expires <= now:
            problem = "Its time has passed before it could be carried out."
        else:
            return None
        return None if order.status is OrderStatus.RUNNING and self._is_there(order, queue) else problem

    def _is_there(self, order: Order, queue: QueueSettings) -> bool:
        """Whether the workers that were ordered run."""
        try:
            return self.world.scaler(queue).current(order.queue_name) == order.to_workers
        except WorldError:
            return False

    def _is_wanted(self, order: Order) -> bool:
        """Whether a person applied the plan."""
        record = self.store.plan(order.plan_id)
        return record is not None and bool(record.applied_by)

    def _settle(self, order: Order, now: datetime, note: str) -> None:
        _LOG.warning("an order was given up", extra={"queue": order.queue_name, "order": order.id, "reason": note})
        self.store.give_up(order, replica=self.replica, at=now, note=note)

    def _cools(self, order: Order, config: PlannerConfig, now: datetime) -> bool:
        """Whether the queue was scaled too lately; a late step must not press the next one."""
        last = self.desk.seat(order.queue_name).last_scaling
        wait = config.cooldown_up if order.to_workers > order.from_workers else config.cooldown_period
        return last is not None and last.order_id != order.id and now < last.at + wait

    def _failed(self, order: Order, queue: QueueSettings, now: datetime, error: Exception) -> None:
        known = isinstance(error, WorldError)
        note = error.message if isinstance(error, WorldError) else f"Unexpected {type(error).__name__}: {error}"
        facts = {"queue": order.queue_name, "order": order.id, "attempt": order.attempts, "reason": note}
        _LOG.warning("the scaler failed", extra=facts, exc_info=None if known else error)
        if isinstance(error, WorldError) and not error.temporary:
            self.store.give_up(order, replica=self.replica, at=now, note=note)
            self._count(order, queue, "failed")
            return
        wait = min(_FIRST_WAIT * 2.0 ** (order.attempts - 1), _LONGEST_WAIT)
        self.store.retry(order, replica=self.replica, retry_at=now + timedelta(seconds=wait), note=note)
        self._count(order, queue, "retry")

    def _done(self, order: Order, queue: QueueSettings, now: datetime, wanted: int, observed: int | None) -> None:
        if observed is not None and observed != wanted:
            self._failed(order, queue, now, WorldError(f"{wanted} workers were asked for, and {observed} run."))
            return
        scaling = ScalingRecord(
            queue_name=order.queue_name,
            at=now,
            from_workers=order.from_workers,
            to_workers=wanted,
            plan_id=order.plan_id,
            order_id=order.id,
            scaler=queue.scaler.name,
        )
        if self.store.done(order, replica=self.replica, at=now, observed=observed, scaling=scaling):
            self._count(order, queue, "done")
            facts = {"queue": order.queue_name, "order": order.id, "from": order.from_workers, "to": wanted}
            _LOG.info("scaled", extra=facts)

    def _count(self, order: Order, queue: QueueSettings, outcome: Literal["done", "retry", "failed"]) -> None:
        self.telemetry.scaled(
            order.queue_name, order.from_workers, order.to_workers, scaler=queue.scaler.name, outcome=outcome
        )


def _asked(scaler: Scaler, order: Order, *, again: bool) -> int | None:
    """The workers afterwards; a scaler that was asked before is first asked what runs."""
    if again and scaler.current(order.queue_name) == order.to_workers:
        return order.to_workers
    return scaler.scale(order)
