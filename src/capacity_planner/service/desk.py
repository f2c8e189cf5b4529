"""The desk: everything that can be asked of the service, whatever wire the question came by."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from time import perf_counter
from typing import TYPE_CHECKING

from capacity_planner.domain.questions import ForecastResponse
from capacity_planner.domain.queues import Mode
from capacity_planner.domain.scaling import Decision, PlanRecord, Reason, ScalingRecord
from capacity_planner.errors import ConflictError, ErrorCode, NotFoundError, PlannerError
from capacity_planner.pipeline.calculator import QueueingCalculator
from capacity_planner.pipeline.forecaster import Forecaster
from capacity_planner.pipeline.validation import checked_config, checked_metrics
from capacity_planner.service.configuration import Configuration
from capacity_planner.service.deciding import changes, orders_of, stale_after
from capacity_planner.service.seats import Seats
from capacity_planner.service.target import Targets
from capacity_planner.units import from_seconds, words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from threading import Event

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.forecast import ForecastAccuracy
    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.questions import ForecastRequest, QueueingRequest, SimulationRequest
    from capacity_planner.domain.queueing import QueueingResult
    from capacity_planner.domain.request import PlanRequest, PlanResponse
    from capacity_planner.domain.review import PlanOutcome
    from capacity_planner.domain.scaling import Order, QueueStatus
    from capacity_planner.domain.simulation import Simulation
    from capacity_planner.domain.state import PlannerState
    from capacity_planner.service.heavy import Heavy
    from capacity_planner.service.seats import Seat
    from capacity_planner.service.telemetry import Telemetry
    from capacity_planner.store.store import Store

_REASONS = {ErrorCode.COOLDOWN_ACTIVE: Reason.COOLDOWN, ErrorCode.ANOMALY_DETECTED: Reason.ANOMALY}
_ASLEEP = 60.0
_FAST = timedelta(minutes=5)


class Desk(Configuration):
    """Answers from the store and the planners; safe to share between threads.

    Every call raises `PlannerError` for what is wrong with the question and `ServiceError` for what is wrong with the
    service, such as `UnavailableError` while the store does not answer.

    Args:
        store: where all is kept.
        telemetry: what is counted.
        heavy: where simulations run.
        most_queues: planners of requests that are kept at once.

    Attributes:
        targets: the workers that queues should have, for those who ask for them.
        idle_for: seconds since the loop of this process came round, where one runs; it counts for `ready`.
    """

    def __init__(self, store: Store, telemetry: Telemetry, heavy: Heavy, *, most_queues: int = 1_000) -> None:
        super().__init__(store)
        self._telemetry, self._heavy = telemetry, heavy
        self.seats, self._asked = Seats(store), Seats(store, most_queues)
        self.targets = Targets(self, store)
        self.idle_for: Callable[[], float] = _never

    def seat(self, queue_name: str) -> Seat:
        """The queue's planner, which knows all that is stored; the loop's own where the loop plans for the queue."""
        seats = self._asked if self.settings(queue_name) is None else self.seats
        return seats.take(queue_name, self.planner_config(queue_name))

    def plan(self, request: PlanRequest, *, by: str, timeout: timedelta | None = None) -> PlanResponse:
        """Make and record a plan; a plan that is blocked is recorded too, as what could be done.

        For a queue that is planned for by itself the question may be a what-if: its sample is not taken for a measured
        one, and the planner that the loop goes by does not hear of it.
        """
        name = request.queue_name or request.current_metrics.queue_name
        if not name:
            error = _unnamed("queue_name", "Say which queue to plan for.")
            self._telemetry.refused(error)
            raise error
        seat, began = self._asked.take(name, self.planner_config(name)), perf_counter()
        try:
            response = seat.planner.generate_plan(request, timeout=timeout)
        except PlannerError as error:
            self._telemetry.refused(error)
            self._telemetry.planned(name, perf_counter() - began, error.response, source="request")
            if error.response is not None:
                self._keep(name, request, error.response, by, _REASONS.get(error.code, Reason.SLO_UNACHIEVABLE))
            raise
        self._telemetry.planned(name, perf_counter() - began, response, source="request")
        if not response.cache_hit:
            self._keep(name, request, response, by, Reason.ON_REQUEST)
        return response

    def _keep(self, name: str, request: PlanRequest, response: PlanResponse, by: str, reason: Reason) -> None:
        decision = Decision.RECOMMENDED if changes(response.plan) else Decision.UNCHANGED
        now = self._store.now()
        if self.settings(name) is None and request.current_metrics.timestamp <= now + _FAST:
            self._store.add_samples([replace(request.current_metrics, queue_name=name)])
        self._store.add_plan(
            PlanRecord(response=response, decision=decision, reason=reason, made_by=by, recorded_at=now)
        )

    def record(self, plan_id: str) -> PlanRecord:
        """A plan as it was recorded.

        Raises:
            NotFoundError: there is none.
        """
        found = self._store.plan(plan_id)
        if found is None:
            raise NotFoundError(f"There is no plan {plan_id!r}. GET /v1/plans lists those that are kept.")
        return found

    def records(
        self, queue_name: str | None = None, *, before: datetime | None = None, before_id: str = "", limit: int = 50
    ) -> list[PlanRecord]:
        """Plans, the newest first."""
        return self._store.plans(queue_name, before=before, before_id=before_id, limit=limit)

    def orders(self, plan_id: str) -> list[Order]:
        """What was ordered for a plan."""
        return self._store.orders(plan_id)

    def apply(self, plan_id: str, *, by: str) -> PlanRecord:
        """Have a plan carried out.

        In the modes ``auto`` and ``manual`` its steps are ordered, and carried out at their times; the orders of other
        plans of the queue fall. In ``advisory``, and for a queue that is not planned for by itself, somebody else
        scales: what is due of the plan is recorded as done.

        Raises:
            NotFoundError: there is no such plan.
            ConflictError: it was applied before, or it is too old.
        """
        record, now = self.record(plan_id), self._store.now()
        plan = record.response.plan
        if plan.generated_at + plan.forecast_window <= now:
            raise ConflictError(f"The plan {plan_id} spoke about a time that has passed. Make a new one.")
        queue = self.settings(plan.queue_name)
        if queue is not None:
            limit, age = stale_after(queue, self.planner_config(plan.queue_name)), now - plan.generated_at
            if age > limit:
                sentence = f"The plan {plan_id} is {words(age)} old, more than stale_after {words(limit)}"
                raise ConflictError(f"{sentence}. Take the newest one of the queue.")
        orders, scaling = orders_of(plan), None
        if queue is None or queue.mode is Mode.ADVISORY:
            due = [order for order in orders if order.due <= now]
            orders = ()
            if due:
                scaling = ScalingRecord(
                    queue_name=plan.queue_name,
                    at=now,
                    from_workers=due[-1].from_workers,
                    to_workers=due[-1].to_workers,
                    plan_id=plan.id,
                    by=by,
                )
        return self._store.apply(plan_id, by=by, orders=orders, scaling=scaling)

    def scaled(self, queue_name: str, workers: int, at: datetime | None = None, *, by: str) -> None:
        """Record that somebody scaled a queue: its cooldown runs from then."""
        now = self._store.now()
        newest = self._store.newest_sample(queue_name, now)
        before = newest.current_workers if newest else 0
        record = ScalingRecord(queue_name=queue_name, at=at or now, from_workers=before, to_workers=workers, by=by)
        self._store.add_scaling(record)

    def forecast(self, request: ForecastRequest, *, timeout: timedelta | None = None) -> ForecastResponse:
        """The arrival rates to come, from the samples given or stored."""
        began = perf_counter()
        config = self.planner_config(request.queue_name) if request.config is None else checked_config(request.config)
        if request.config is None and request.queue_name:
            forecaster = self._asked.peek(request.queue_name, config).forecaster
        else:
            forecaster = Forecaster(config)
        samples: Sequence[Metrics] | None = request.history
        if samples is None:
            now = self._store.now()
            samples = self._store.samples(request.queue_name, since=now - config.history_window, until=now)
        outlook = forecaster.outlook(samples, request.horizon or config.forecast_window, timeout=timeout)
        return ForecastResponse(
            queue_name=request.queue_name,
            model=outlook.model,
            forecasts=outlook.forecasts,
            accuracy=tuple(forecaster.accuracy()),
            warnings=outlook.warnings,
            generation_time=from_seconds(perf_counter() - began),
        )

    def queueing(self, request: QueueingRequest) -> tuple[int, QueueingResult]:
        """The servers that were asked for, or that are needed, and how the queue then fares."""
        config = self.config(fresh=False).config.planner if request.config is None else request.config
        calculator, servers = QueueingCalculator(config), request.servers
        if servers is None:
            if request.target_latency is None:
                raise PlannerError(
                    ErrorCode.INVALID_METRICS,
                    "servers is missing. Give servers for the latency, or target_latency for the servers.",
                    details={"field": "servers", "value": None},
                )
            servers = calculator.calculate_capacity(
                request.arrival_rate, request.service_rate, request.target_latency, metrics=request.metrics
            )
        result = calculator.calculate(request.arrival_rate, request.service_rate, servers, request.metrics)
        return servers, result

    def simulation_config(self, request: SimulationRequest) -> PlannerConfig:
        """The settings that a simulation runs with."""
        return self.config(fresh=False).config.planner if request.config is None else request.config

    def simulate(
        self, request: SimulationRequest, *, timeout: timedelta | None = None, cancelled: Event | None = None
    ) -> Simulation:
        """Try a plan, and wait for the answer."""
        config = self.simulation_config(request)
        return self._heavy.simulate(request, config, timeout=timeout, cancelled=cancelled)

    def push(self, samples: Sequence[Metrics]) -> None:
        """Store samples; all of them, or none."""
        checked = [_named(checked_metrics(sample, at=f"metrics.{i}"), i) for i, sample in enumerate(samples)]
        self._store.add_samples(checked)
        self._telemetry.stored(len(checked))

    def statuses(self) -> list[QueueStatus]:
        """How every queue is doing that is planned for by itself or has samples."""
        return self._store.statuses()

    def status(self, queue_name: str) -> QueueStatus:
        """How a queue is doing.

        Raises:
            NotFoundError: nothing is known of it.
        """
        found = self._store.statuses(queue_name)
        if not found:
            raise NotFoundError(f"Nothing is known of a queue {queue_name!r}. GET /v1/queues lists those that are.")
        return found[0]

    def state(self, queue_name: str) -> PlannerState:
        """What the planner remembers of a queue."""
        self.status(queue_name)
        seat = self.seat(queue_name)
        return replace(seat.planner.get_state(queue_name), config_version=self.config(fresh=False).version)

    def history(
        self, queue_name: str, *, since: datetime, until: datetime | None = None, limit: int | None = None
    ) -> list[Metrics]:
        """Stored samples, the oldest first."""
        self.status(queue_name)
        return self._store.samples(queue_name, since=since, until=until, limit=limit)

    def accuracy(self, queue_name: str) -> tuple[list[ForecastAccuracy], list[PlanOutcome]]:
        """How right the queue's forecasts were, and what became of its plans."""
        self.status(queue_name)
        rows = list(self.seat(queue_name).planner.forecast_accuracy(queue_name))
        return rows, self._store.outcomes(queue_name)

    def reset(self, queue_name: str | None = None, *, by: str) -> None:
        """Forget what was learned of a queue, or of all; its settings stay."""
        del by
        self._store.reset(queue_name)
        for seats in (self.seats, self._asked):
            seats.leave(queue_name)

    def ready(self) -> list[str]:
        """Why the service cannot answer; empty where it can.

        Raises:
            UnavailableError: the store does not answer.
        """
        self._store.check()
        idle = self.idle_for()
        return [f"The loop has not come round for {idle:.0f} s."] if idle > _ASLEEP else []


def _never() -> float:
    return 0.0


def _named(sample: Metrics, place: int) -> Metrics:
    if not sample.queue_name:
        raise _unnamed(f"metrics.{place}.queue_name", "Say whose sample it is.")
    return sample


def _unnamed(field: str, remedy: str) -> PlannerError:
    details = {"field": field, "value": ""}
    return PlannerError(ErrorCode.INVALID_METRICS, f"{field} is missing. {remedy}", details=details)
