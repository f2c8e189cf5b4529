"""Workers ↔ latency at one load: the rows of a table and of a curve."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from capacity_planner import codec, units
from capacity_planner.domain.metrics import Metrics
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.surfaces.cli._settings import duration_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.queueing import QueueingResult
    from capacity_planner.pipeline.settings import Settings

_BELOW, _ABOVE, _CURVE_POINTS, _MOST_ROWS = 4, 7, 24, 200


@dataclass(frozen=True, slots=True)
class Row:
    """One number of workers.

    Attributes:
        workers: the workers.
        state: the queue in its steady state.
        cost_per_hour: their price [$/h].
        meets_target: whether p95 is within the target; ``None`` without one.
    """

    workers: int
    state: QueueingResult
    cost_per_hour: float
    meets_target: bool | None


@dataclass(frozen=True, slots=True)
class Staffing:
    """The answer and what surrounds it.

    Attributes:
        target: target p95; zero is none.
        answer: the fewest workers that keep it; ``None`` without a target, or when none can.
        least_p95: the least p95 that any number of workers reaches, where the target is below it.
        table: the rows around the answer, or the ones asked for.
        curve: rows over a wider range.
    """

    target: timedelta
    answer: int | None
    least_p95: timedelta | None
    table: list[Row]
    curve: list[Row]


def staffing(options: Mapping[str, Any], settings: Settings) -> Staffing:
    """The workers that a load needs, and what other numbers would bring.

    Raises:
        PlannerError: ``INVALID_METRICS`` or ``CONFIG_INVALID``, with the option and the remedy.
    """
    desk = _Desk(options, settings)
    answer, least = desk.answer()
    middle = answer if answer is not None else desk.fewest_stable
    chosen = _chosen(options, middle if least is None else desk.enough, desk.fewest_stable)
    wide = range(desk.fewest_stable, max(middle, desk.enough, *chosen) + _ABOVE + 1)
    return Staffing(
        target=desk.target,
        answer=answer if least is None else None,
        least_p95=least,
        table=[desk.row(workers) for workers in chosen],
        curve=[desk.row(workers) for workers in _thinned(wide)],
    )


class _Desk:
    """One load under one configuration."""

    def __init__(self, options: Mapping[str, Any], settings: Settings) -> None:
        from capacity_planner.pipeline.calculator import QueueingCalculator  # noqa: PLC0415 - loads NumPy

        self._config: PlannerConfig = settings.config
        self.target = settings.slo.p95_latency
        self._metrics = _metrics(options)
        self._calculator = QueueingCalculator(self._config)
        self._service_rate = 1 / self._metrics.service_time.total_seconds()
        load = self._metrics.arrival_rate / self._service_rate
        self.fewest_stable = self._workers(math.floor(load) + 1)
        self.enough = self.fewest_stable

    def answer(self) -> tuple[int | None, timedelta | None]:
        """The fewest workers for the target, and the least p95 where none is enough."""
        if not self.target:
            return None, None
        rate, facts = self._metrics.arrival_rate, self._metrics
        try:
            servers = self._calculator.calculate_capacity(rate, self._service_rate, self.target, metrics=facts)
        except PlannerError as error:
            if error.code is not ErrorCode.SLO_UNACHIEVABLE:
                raise
            self.enough = self._workers(int(error.details["servers"]))
            return None, units.parse_duration(error.details["least_p95"])
        return max(self._workers(servers), self._config.min_workers), None

    def row(self, workers: int) -> Row:
        servers = workers * self._config.worker_concurrency
        state = self._calculator.calculate(self._metrics.arrival_rate, self._service_rate, servers, self._metrics)
        meets = state.p95_response_time <= self.target if self.target else None
        return Row(workers, state, workers * self._config.worker_cost_per_hour, meets)

    def _workers(self, servers: int) -> int:
        return -(-servers // self._config.worker_concurrency)


def _metrics(options: Mapping[str, Any]) -> Metrics:
    names = ("service_time", "service_time_std", "service_time_p95")
    given = {name: duration_of(options, name, f"--{name.replace('_', '-')}") for name in names}
    if not given["service_time"]:
        message = "--service-time is 0s, which is no service time. Give the mean time one job takes, such as 2s."
        raise PlannerError(ErrorCode.INVALID_METRICS, message, details={"field": "--service-time"})
    facts = {"timestamp": datetime.now(UTC), "arrival_rate": options["arrival_rate"], **given}
    return codec.validate(Metrics, facts)


def _chosen(options: Mapping[str, Any], middle: int, fewest: int) -> list[int]:
    if options["workers"]:
        return _bounded(sorted(set(options["workers"])))
    low = options["low"] if options["low"] is not None else max(fewest, middle - _BELOW)
    high = options["high"] if options["high"] is not None else max(middle, low) + _ABOVE
    if low > high:
        message = f"--from is {low}, which is above --to {high}. Give a range that rises."
        raise PlannerError(ErrorCode.CONFIG_INVALID, message, details={"field": "--from"})
    return _bounded(range(low, high + 1))


def _bounded(workers: Iterable[int]) -> list[int]:
    chosen = list(workers)
    if len(chosen) <= _MOST_ROWS:
        return chosen
    message = f"{len(chosen)} rows are more than anyone reads. Give --from and --to at most {_MOST_ROWS} apart."
    raise PlannerError(ErrorCode.CONFIG_INVALID, message, details={"field": "--to"})


def _thinned(wide: range) -> list[int]:
    step = max(1, len(wide) // _CURVE_POINTS)
    return list(wide[::step])
