"""Orders into the world: each at its time, once, within the limits, and tried again when the scaler fails."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from capacity_planner.domain.queues import Mode
from capacity_planner.domain.scaling import OrderStatus, ScalingRecord
from capacity_planner.errors import PlannerError, WorldError
from capacity_planner.store.attempt import Attempt

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
_FIRST_WAIT, _LONGEST_WAIT, _DOUBLINGS = 1.0, 60.0, 6


@dataclass(frozen=True, slots=True)
class Carrier:
    """Carries orders out; safe to share between threads, one order of a queue at a time.

    An order is begun in the store before the scaler is asked, and done there afterwards. The scaler is asked what runs
    before it is asked for anything: another replica may have begun the order, and people scale, too.

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
        before: int | None = None
        try:
            scaler = self.world.scaler(queue)
            before = scaler.current(begun.queue_name)
            asked = self._asked(begun, config, before)
            observed = None if asked is None else _reached(scaler, asked, before)
        except Exception as error:  # noqa: BLE001 - a scaler may be anybody's code
            self._failed(begun, queue, before, error)
            return
        if asked is None:
            note = f"{before} workers run, and the plan would go from {begun.from_workers} to {begun.to_workers}."
            self.store.skip(begun, replica=self.replica, at=self.store.now(), note=note)
        else:
            self._done(asked, begun, queue, observed)

    def _asked(self, order: Order, config: PlannerConfig, current: int | None) -> Order | None:
        """What the scaler is asked for, from what runs and within the limits; ``None`` where that would be a way back.

        An order for another number than the plan's has another id: whoever knows the first does not take it for the
        same. The step is measured from where the order began, so that it is the same at every attempt.
        """
        last, before = self.desk.seat(order.queue_name).last_scaling, order.from_workers if current is None else current
        acted = last is not None and last.order_id == order.id
        began = last.from_workers if last is not None and acted else before
        step = min(max(order.to_workers, began - config.max_step_size), began + config.max_step_size)
        wanted = min(max(step, config.min_workers), config.max_workers)
        back = (wanted - before) * (order.to_workers - order.from_workers) < 0
        if back and not acted and current is not None and config.min_workers <= current <= config.max_workers:
            return None
        name = order.id if wanted == order.to_workers else f"{order.id}#{wanted}"
        repeated = order.attempts > 1 and before == wanted
        return replace(order, id=name, from_workers=order.from_workers if repeated else before, to_workers=wanted)

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
        except Exception:  # noqa: BLE001 - whatever a scaler fails of, it does not say so
            return False

    def _is_wanted(self, order: Order) -> bool:
        """Whether a person applied the plan."""
        record = self.store.plan(order.plan_id)
        return record is not None and bool(record.applied_by)

    def _settle(self, order: Order, now: datetime, note: str) -> None:
        _LOG.warning("an order was given up", extra={"queue": order.queue_name, "order": order.id, "reason": note})
        self.store.give_up(order, replica=self.replica, at=now, attempt=Attempt(note=note))

    def _cools(self, order: Order, config: PlannerConfig, now: datetime) -> bool:
        """Whether the queue was scaled too lately; a late step must not press the next one."""
        last = self.desk.seat(order.queue_name).last_scaling
        wait = config.cooldown_up if order.to_workers > order.from_workers else config.cooldown_period
        return last is not None and last.order_id != order.id and now < last.at + wait

    def _failed(self, order: Order, queue: QueueSettings, before: int | None, error: Exception) -> None:
        now, known = self.store.now(), isinstance(error, (WorldError, PlannerError))
        failure = _failure(error)
        note = failure.message
        facts = {"queue": order.queue_name, "order": order.id, "attempt": order.attempts, "reason": note}
        _LOG.warning("the scaler failed", extra=facts, exc_info=None if known else error)
        began, reached = order.from_workers if before is None else before, failure.reached
        moved = None if reached in {None, began} else reached
        scaling = None if moved is None else self._scaling(order, queue, began, moved, now)
        attempt = Attempt(observed=reached, scaling=scaling, note=note)
        if not failure.temporary:
            self.store.give_up(order, replica=self.replica, at=now, attempt=attempt)
            self._count(order, queue, "failed")
            return
        wait = min(_FIRST_WAIT * 2.0 ** min(order.attempts - 1, _DOUBLINGS), _LONGEST_WAIT)
        self.store.retry(order, replica=self.replica, retry_at=now + timedelta(seconds=wait), attempt=attempt)
        self._count(order, queue, "retry")

    def _done(self, asked: Order, order: Order, queue: QueueSettings, observed: int | None) -> None:
        now = self.store.now()
        note = "" if asked.to_workers == order.to_workers else f"{asked.to_workers} workers are as far as limits allow."
        same = asked.from_workers == asked.to_workers
        scaling = None if same else self._scaling(order, queue, asked.from_workers, asked.to_workers, now)
        attempt = Attempt(observed=observed, scaling=scaling, note=note)
        if self.store.done(order, replica=self.replica, at=now, attempt=attempt):
            self._count(asked, queue, "done")
            facts = {"queue": order.queue_name, "order": order.id}
            _LOG.info("scaled", extra=facts | {"from": asked.from_workers, "to": asked.to_workers})

    def _scaling(self, order: Order, queue: QueueSettings, before: int, after: int, now: datetime) -> ScalingRecord:
        return ScalingRecord(
            queue_name=order.queue_name,
            at=now,
            from_workers=before,
            to_workers=after,
            plan_id=order.plan_id,
            order_id=order.id,
            scaler=queue.scaler.name,
        )

    def _count(self, order: Order, queue: QueueSettings, outcome: Literal["done", "retry", "failed"]) -> None:
        self.telemetry.scaled(
            order.queue_name, order.from_workers, order.to_workers, scaler=queue.scaler.name, outcome=outcome
        )


def _reached(scaler: Scaler, asked: Order, before: int | None) -> int | None:
    """The workers afterwards, where the scaler can tell; an order that another attempt carried out is not repeated."""
    if asked.attempts > 1 and before == asked.to_workers:
        return before
    observed = scaler.scale(asked)
    if observed is not None and observed != asked.to_workers:
        raise WorldError(f"{asked.to_workers} workers were asked for, and {observed} run.", reached=observed)
    return observed


def _failure(error: Exception) -> WorldError:
    if isinstance(error, WorldError):
        return error
    if isinstance(error, PlannerError):
        return WorldError(f"{error}", temporary=False)
    return WorldError(f"Unexpected {type(error).__name__}: {error}")
