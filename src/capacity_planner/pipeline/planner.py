"""The planner: cycles over many queues, and what it remembers of each."""

from __future__ import annotations

from dataclasses import replace
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING, Any

from capacity_planner import codec
from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.request import PlanRequest
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.fields import MEASURED, CountMark, TextMark
from capacity_planner.history.memory import merge
from capacity_planner.pipeline import cycle
from capacity_planner.pipeline._remembered import Remembered
from capacity_planner.pipeline.cycle import Known, Scaling
from capacity_planner.pipeline.deadline import Deadline
from capacity_planner.pipeline.validation import Seen, checked_config, checked_metrics, checked_request
from capacity_planner.units import from_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from capacity_planner.domain.forecast import ForecastAccuracy
    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.request import PlanResponse
    from capacity_planner.domain.review import PlanOutcome
    from capacity_planner.domain.state import PlannerState
    from capacity_planner.pipeline.cycle import Cycle
    from capacity_planner.pipeline.validation import Checked

_WORKERS = CountMark(ge=0, le=10**9)
_NAME = TextMark()


class CapacityPlanner:
    """Plans for many queues; safe to share between threads.

    Args:
        config: settings for requests without their own; the specification's defaults when not given.

    Raises:
        PlannerError: ``CONFIG_INVALID`` or ``MODEL_NOT_SUPPORTED``.
    """

    def __init__(self, config: PlannerConfig | None = None) -> None:
        self._config = checked_config(PlannerConfig() if config is None else config)
        self._version = 0
        self._queues: dict[str, Remembered] = {}
        self._newest = ""
        self._lock = Lock()

    def generate_plan(self, request: PlanRequest, *, timeout: timedelta | None = None) -> PlanResponse:
        """Plan from the request's metrics and what is remembered of its queue.

        The same question about the same state is answered from memory (``cache_hit``).

        Args:
            request: the question; its ``current_metrics.timestamp`` is the plan's "now".
            timeout: stop after so long; nothing is changed then.

        Raises:
            PlannerError: ``INVALID_METRICS``, ``CONFIG_INVALID`` or ``MODEL_NOT_SUPPORTED`` for the input;
                ``INSUFFICIENT_HISTORY`` or ``FORECAST_FAILED`` for the forecast; ``COOLDOWN_ACTIVE``,
                ``ANOMALY_DETECTED`` and, with ``strict``, ``SLO_UNACHIEVABLE`` and ``CAPACITY_LIMIT_EXCEEDED``, each
                with the plan to review in ``response``.
        """
        started, deadline = perf_counter(), Deadline(timeout)
        seen = self._seen(request)
        checked = checked_request(request, self._config, seen)
        queue = self._queue(checked.queue_name)
        while not queue.lock.acquire(timeout=deadline.remaining):
            deadline.check()
        try:
            queue.seen = seen if isinstance(request, PlanRequest) else queue.seen
            key = self._key(checked, queue)
            if queue.answered and queue.answered[0] == key and not checked.force_regen:
                return replace(
                    queue.answered[1], cache_hit=True, generation_time=from_seconds(perf_counter() - started)
                )
            return self._plan(checked, queue, deadline)
        finally:
            queue.lock.release()

    def generate_plans(
        self, requests: Iterable[PlanRequest], *, timeout: timedelta | None = None
    ) -> list[PlanResponse | PlannerError]:
        """Plans for many queues in one call; an error of one does not keep the others from their plans.

        Args:
            requests: one for each queue.
            timeout: for all of them together.

        Returns:
            For each request, in their order, what `generate_plan` returns or raises. Where the time is up, the requests
            that were not reached have ``FORECAST_FAILED``.

        Raises:
            PlannerError: ``CONFIG_INVALID`` where there is no list.
        """
        deadline = Deadline(timeout)
        done: list[PlanResponse | PlannerError] = []
        for request in _iterated(requests):
            left = deadline.remaining
            try:
                deadline.check()
                done.append(self.generate_plan(request, timeout=None if left < 0 else from_seconds(left)))
            except PlannerError as error:
                done.append(error)
        return done

    def observe(self, metrics: Metrics) -> None:
        """Remember a sample of the queue that it names; late and repeated samples find their place.

        Raises:
            PlannerError: ``INVALID_METRICS``.
        """
        sample = checked_metrics(metrics)
        queue = self._queue(sample.queue_name)
        with queue.lock:
            self._remember(queue, sample, self._config)

    def recall(self, outcomes: Iterable[PlanOutcome], *, queue_name: str) -> None:
        """Learn what past plans of a queue were worth, which were judged before this planner was made.

        Args:
            outcomes: as a `Reviewer` tells them, oldest first.
            queue_name: the queue.
        """
        queue = self._queue(self._named(queue_name))
        with queue.lock:
            queue.reliability.recall(outcomes)

    def record_scaling(self, workers: int, at: datetime, *, queue_name: str | None = None) -> None:
        """Tell that the workers of a queue were scaled.

        The cooldown runs from ``at``, and workers that were ordered but do not serve yet are not ordered again.

        Args:
            workers: workers now.
            at: when it was done.
            queue_name: the queue; ``None`` takes the only one there is.

        A record older than the newest is not news, and is left out.

        Raises:
            PlannerError: ``INVALID_METRICS``, also when several queues are known and none is named.
        """
        count = _argument("workers", workers, _WORKERS.checked)
        instant = _argument("at", at, MEASURED.checked)
        queue = self._queue(self._only_one() if queue_name is None else self._named(queue_name))
        with queue.lock:
            if queue.scaling and queue.scaling.at > instant:
                return
            cooldown = min(self._config.cooldown_period, self._config.cooldown_up)
            queue.state = replace(queue.state, last_scaling=instant, cooldown_until=instant + cooldown)
            queue.scaling = Scaling(workers=count, at=instant)

    def update_config(self, config: PlannerConfig) -> None:
        """Use other settings from now on; on an error the old ones stay.

        Raises:
            PlannerError: ``CONFIG_INVALID`` or ``MODEL_NOT_SUPPORTED``.
        """
        checked = checked_config(config)
        with self._lock:
            self._config = checked
            self._version += 1

    def get_state(self, queue_name: str | None = None) -> PlannerState:
        """A snapshot of one queue's state.

        Args:
            queue_name: the queue; ``None`` takes the one last used.
        """
        name = self._named(queue_name)
        with self._lock:
            queue = self._queues.get(name, Remembered())
        with queue.lock:
            return replace(queue.state, recent_history=queue.store.samples(), config_version=self._version)

    def forecast_accuracy(self, queue_name: str | None = None) -> tuple[ForecastAccuracy, ...]:
        """Errors and observed coverage per model and horizon, of the forecasts of plans whose time has come.

        Args:
            queue_name: the queue; ``None`` takes the one last used.
        """
        with self._lock:
            queue = self._queues.get(self._named(queue_name), Remembered())
        with queue.lock:
            return queue.ledger.rows()

    def reset(self, queue_name: str | None = None) -> None:
        """Forget one queue, or all of them; the settings stay."""
        with self._lock:
            if queue_name is None:
                self._queues.clear()
            else:
                self._queues.pop(self._named(queue_name), None)

    def _named(self, queue_name: str | None) -> str:
        return self._newest if queue_name is None else str(_argument("queue_name", queue_name, _NAME.checked))

    def _only_one(self) -> str:
        with self._lock:
            if len(self._queues) > 1:
                raise PlannerError(
                    ErrorCode.INVALID_METRICS,
                    f"queue_name is missing, and {len(self._queues)} queues are known. Say which one was scaled.",
                    details={"field": "queue_name", "value": None},
                )
        return self._newest

    def _seen(self, request: Any) -> Seen:
        """What was checked lately of the queue that a request names, where that can be read and is known."""
        metrics = getattr(request, "current_metrics", None)
        name = getattr(request, "queue_name", "") or getattr(metrics, "queue_name", "")
        with self._lock:
            queue = self._queues.get(name) if isinstance(name, str) else None
        return queue.seen if queue else Seen()

    def _queue(self, name: str) -> Remembered:
        with self._lock:
            self._newest = name
            return self._queues.setdefault(name, Remembered())

    def _plan(self, checked: Checked, queue: Remembered, deadline: Deadline) -> PlanResponse:
        earlier = queue.store.samples() if checked.history is None else checked.history
        window = checked.config.history_window
        samples = merge((*earlier, checked.metrics), until=checked.metrics.timestamp, window=window)
        known = Known(
            samples=samples,
            scaling=queue.scaling,
            alarmed=queue.state.anomaly_detected,
            following=queue.following,
            experience=queue.experience,
            reliability=queue.reliability,
        )
        done = cycle.run(checked, known, deadline)
        self._remember(queue, checked.metrics, checked.config)
        self._conclude(queue, checked, done)
        if done.objection:
            raise done.objection
        return done.response

    def _conclude(self, queue: Remembered, checked: Checked, done: Cycle) -> None:
        state, at = queue.state, checked.metrics.timestamp
        anomaly, series = done.outlook.anomaly, done.outlook.series
        queue.reliability.note(done.study)
        queue.ledger.settle(series)
        queue.ledger.write(done.outlook.model, series.end, done.response.forecast)
        state = replace(state, forecast_cache=done.response.forecast)
        if not done.objection:
            state = replace(state, last_plan=done.response.plan)
        if at == state.last_update and anomaly is None:
            state = replace(state, anomaly_detected=False, anomaly_start=None, baseline_metrics=checked.metrics)
        elif at == state.last_update and anomaly is not None:
            begun = series.end - from_seconds(anomaly.started * series.interval)
            state = replace(state, anomaly_detected=True, anomaly_start=state.anomaly_start or begun)
        queue.state = state
        again = done.whole and not done.objection
        queue.answered = (self._key(checked, queue), done.response) if again else None

    def _remember(self, queue: Remembered, sample: Metrics, config: PlannerConfig) -> None:
        queue.store.add(sample, max(config.history_window, self._config.history_window))
        newest = queue.state.last_update
        queue.state = replace(queue.state, last_update=max(newest or sample.timestamp, sample.timestamp))

    def _key(self, checked: Checked, queue: Remembered) -> Any:
        """What an answer depends on."""
        return (checked, queue.store.samples() if checked.history is None else (), queue.scaling)


def _iterated(requests: Iterable[PlanRequest]) -> list[PlanRequest]:
    try:
        return list(requests)
    except TypeError:
        raise PlannerError(
            ErrorCode.CONFIG_INVALID,
            f"requests is {codec.shown(requests)}, which is no list of PlanRequest. Give one request for each queue.",
            details={"field": "requests", "value": codec.shown(requests)},
        ) from None


def _argument(name: str, value: Any, read: Any) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise PlannerError(
            ErrorCode.INVALID_METRICS, f"{name} is {codec.shown(value)}, which {error}", details={"field": name}
        ) from None
