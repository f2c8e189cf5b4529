"""One queue's turn in one interval: collect → observe → plan → decide → record."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from time import perf_counter
from typing import TYPE_CHECKING

from capacity_planner.codec import validate
from capacity_planner.domain.metrics import Metrics
from capacity_planner.domain.request import PlanRequest
from capacity_planner.domain.scaling import Decision, Gap, PlanRecord
from capacity_planner.errors import ErrorCode, PlannerError, UnavailableError, WorldError
from capacity_planner.service.deciding import Ruling, orders_of, rule

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from capacity_planner.domain.queues import QueueSettings
    from capacity_planner.domain.request import PlanResponse
    from capacity_planner.service.desk import Desk
    from capacity_planner.service.seats import Seat
    from capacity_planner.service.telemetry import Telemetry
    from capacity_planner.service.world import World
    from capacity_planner.store.store import Store

_LOG = logging.getLogger("capacity_planner.loop")
_BATCH = 1_000
_MOST_TIME = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Turns:
    """Takes the turns of queues; safe to share between threads, one turn of a queue at a time.

    Args:
        desk: the planners.
        store: where samples and plans go.
        world: sources and scalers.
        telemetry: what is counted.
        replica: who this is.
    """

    desk: Desk
    store: Store
    world: World
    telemetry: Telemetry
    replica: str

    def take(self, queue: QueueSettings, slot: datetime, now: datetime, version: int) -> bool:
        """Plan for a queue, once in the interval that begins at ``slot``, whoever else tries to.

        Args:
            queue: how the queue is run.
            slot: the interval.
            now: the time.
            version: of the configuration that says so.

        Returns:
            Whether it was recorded. If not, the interval was planned for before, the lease is lost, or the
            configuration is another one by now.

        Raises:
            UnavailableError: the store does not answer; nothing was recorded, and the turn can be taken again.
        """
        name = queue.queue_name
        try:
            return self._turn(queue, slot, now, version)
        except UnavailableError as error:
            self.telemetry.refused(error)
            raise
        except PlannerError as error:
            return self._pass(queue, slot, version, f"{error}")
        except Exception as error:  # noqa: BLE001 - one queue must not stop the others
            _LOG.exception("the turn failed", extra={"queue": name})
            self.telemetry.refused(error)
            return self._pass(queue, slot, version, f"Unexpected {type(error).__name__}; the log has more.")

    def _turn(self, queue: QueueSettings, slot: datetime, now: datetime, version: int) -> bool:
        name = queue.queue_name
        gap = self._collect(queue, now)
        newest = self.store.newest_sample(name, now)
        if newest is None:
            return self._pass(queue, slot, version, gap or "No sample was seen yet.")
        seat = self.desk.seat(name)
        workers = self._workers(queue, newest)
        self.telemetry.seen(name, newest, workers=workers)
        response, blocked = self._plan(queue, seat, replace(newest, current_workers=workers, queue_name=name))
        ruling = rule(response.plan, queue, seat.config, blocked=blocked, age=now - newest.timestamp)
        return self._conclude(queue, slot, version, now, response, ruling, gap)

    def _collect(self, queue: QueueSettings, now: datetime) -> str:
        """Store what is new; the reason where nothing could be measured."""
        name = queue.queue_name
        known = self.store.newest_sample(name, now)
        try:
            found = self.world.source(queue).collect(name, known.timestamp if known else None, now)
        except WorldError as error:
            self.telemetry.refused(error)
            found = Gap(reason=error.message)
        samples, gap = ([], found.reason) if isinstance(found, Gap) else _possible(found, queue.source.name)
        oldest = now - self.desk.planner_config(name).history_window
        fresh = [replace(sample, queue_name=name) for sample in samples if oldest <= sample.timestamp <= now]
        for start in range(0, len(fresh), _BATCH):
            self.store.add_samples(fresh[start : start + _BATCH])
        self.telemetry.stored(len(fresh))
        if gap:
            self.telemetry.gap(name)
            what = "not all was measured" if samples else "nothing was measured"
            _LOG.warning(what, extra={"queue": name, "reason": gap})
        return gap

    def _workers(self, queue: QueueSettings, newest: Metrics) -> int:
        """The workers that run, by the scaler's word where it can tell."""
        scaler = self.world.scaler(queue)
        try:
            current = scaler.current(queue.queue_name)
        except Exception as error:  # noqa: BLE001 - a scaler may be anybody's code
            known = isinstance(error, WorldError)
            facts = {"queue": queue.queue_name, "reason": f"{error}"}
            _LOG.warning("the scaler does not say what runs", extra=facts, exc_info=None if known else error)
            self.telemetry.refused(error)
            current = None
        return newest.current_workers if current is None else current

    def _plan(self, queue: QueueSettings, seat: Seat, metrics: Metrics) -> tuple[PlanResponse, ErrorCode | None]:
        """The plan, and why it would be blocked."""
        slo = queue.slo or self.desk.config(fresh=False).config.slo
        request = PlanRequest(current_metrics=metrics, slo=slo, queue_name=queue.queue_name)
        began = perf_counter()
        try:
            response = seat.planner.generate_plan(request, timeout=_MOST_TIME)
            blocked = None
        except PlannerError as error:
            self.telemetry.refused(error)
            if error.response is None:
                self.telemetry.planned(queue.queue_name, perf_counter() - began, None, source="loop")
                raise
            response, blocked = error.response, error.code
        self.telemetry.planned(queue.queue_name, perf_counter() - began, response, source="loop")
        return response, blocked

    def _conclude(
        self,
        queue: QueueSettings,
        slot: datetime,
        version: int,
        now: datetime,
        response: PlanResponse,
        ruling: Ruling,
        gap: str,
    ) -> bool:
        record = PlanRecord(
            response=response,
            decision=ruling.decision,
            reason=ruling.reason,
            explanation=ruling.explanation,
            recorded_at=now,
        )
        orders = orders_of(response.plan) if ruling.decision is Decision.APPLIED else ()
        kept = self.store.conclude(
            queue.queue_name,
            slot=slot,
            interval=self.desk.planner_config(queue.queue_name).plan_interval,
            replica=self.replica,
            record=record,
            orders=orders,
            supersede=ruling.supersede,
            gap=gap,
            version=version,
        )
        if kept:
            self._tell(response, ruling, orders)
        return kept

    def _tell(self, response: PlanResponse, ruling: Ruling, orders: Sequence[object]) -> None:
        plan = response.plan
        self.telemetry.decided(plan.queue_name, ruling.decision, ruling.reason)
        facts = {
            "queue": plan.queue_name,
            "plan": plan.id,
            "decision": str(ruling.decision),
            "workers": plan.current_workers,
            "target": plan.target_workers,
            "confidence": round(plan.confidence, 4),
            "orders": len(orders),
        }
        _LOG.info("planned", extra=facts | ({"reason": str(ruling.reason)} if ruling.reason else {}))

    def _pass(self, queue: QueueSettings, slot: datetime, version: int, gap: str) -> bool:
        """Let the interval pass without a plan, and say why."""
        _LOG.warning("no plan", extra={"queue": queue.queue_name, "reason": gap})
        self.telemetry.gap(queue.queue_name)
        return self.store.conclude(
            queue.queue_name,
            slot=slot,
            interval=self.desk.planner_config(queue.queue_name).plan_interval,
            replica=self.replica,
            record=None,
            orders=(),
            supersede="none",
            gap=gap,
            version=version,
        )


def _possible(found: Sequence[Metrics], source: str) -> tuple[list[Metrics], str]:
    """Those samples that can be, and what is wrong with the first of the others."""
    samples, wrong = [], ""
    for sample in found:
        try:
            samples.append(validate(Metrics, sample, at="sample"))
        except PlannerError as error:
            wrong = wrong or f"The source {source} says what cannot be: {error.message}"
    return samples, wrong
