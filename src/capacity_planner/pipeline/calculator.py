"""Queueing theory at the API: workers ↔ latency."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.congestion import Congestion, ServiceTime
from capacity_planner.domain.queueing import QueueingResult
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.fields import CountMark, RealMark
from capacity_planner.pipeline.arguments import broadcast, number, numbers, target_seconds
from capacity_planner.pipeline.validation import checked_config, checked_metrics
from capacity_planner.planning._search import MOST_SERVERS
from capacity_planner.planning.staffing import Staffing, Targets
from capacity_planner.queueing._assumptions import judge
from capacity_planner.registry import queue_models
from capacity_planner.units import UNBOUNDED, format_duration, from_seconds, parse_duration, words

if TYPE_CHECKING:
    from datetime import timedelta

    from numpy.typing import ArrayLike

    from capacity_planner.contracts import QueueModel
    from capacity_planner.domain.metrics import Metrics

_GENERAL = {"mm1": "mg1", "mmc": "mgc"}
_RATE = RealMark(ge=0, le=1e18)
_SERVICE_RATE = RealMark(gt=0, ge=1 / UNBOUNDED.total_seconds(), le=1e15)
_SERVERS = CountMark(ge=0, le=10**15)


class QueueingCalculator:
    """Workers to latency, and latency to workers, by the queueing model of a configuration.

    Args:
        config: settings; ``queueing_model`` and ``service_time_model`` count here.

    >>> from datetime import timedelta
    >>> calculator = QueueingCalculator()
    >>> calculator.calculate(20.0, 5.0, 5).utilization
    0.8
    >>> calculator.calculate_capacity(20.0, 5.0, timedelta(seconds=1))
    5
    """

    def __init__(self, config: PlannerConfig | None = None) -> None:
        self._config = checked_config(PlannerConfig() if config is None else config)

    @property
    def model(self) -> QueueModel:
        """The queueing model."""
        return queue_model(self._config)

    def calculate(
        self, arrival_rate: float, service_rate: float, servers: int, metrics: Metrics | None = None
    ) -> QueueingResult:
        """The steady state of a queue.

        Args:
            arrival_rate: λ [jobs/s].
            service_rate: μ per server [jobs/s].
            servers: c.
            metrics: facts of the service time's spread, and what utilisation was measured.

        Raises:
            PlannerError: ``INVALID_METRICS`` with the argument that is out of range.
        """
        rate, mu = number("arrival_rate", arrival_rate, _RATE), number("service_rate", service_rate, _SERVICE_RATE)
        count = int(number("servers", servers, _SERVERS))
        facts = None if metrics is None else checked_metrics(metrics)
        service = service_time(1.0 / mu, facts)
        state = self.model.solve(rate, count, service)
        confidence, assumptions = judge(
            self.model.name,
            utilization=float(state.utilization),
            servers=count,
            service=service,
            law=self.model.service_law(service),
            reported=None if facts is None else self._reported(facts),
        )
        return QueueingResult(
            utilization=float(state.utilization),
            queue_length=float(state.queue_length),
            wait_time=from_seconds(float(state.wait)),
            response_time=from_seconds(float(state.response)),
            p95_response_time=from_seconds(float(state.p95_response)),
            probability_of_wait=float(state.probability_of_wait),
            throughput=float(state.throughput),
            capacity=count * mu,
            model=self.model.name,
            confidence=confidence,
            assumptions=assumptions,
        )

    def _reported(self, facts: Metrics) -> tuple[float, float] | None:
        """Utilisation as measured, and as rate and service time give it; ``None`` where a fact is missing."""
        servers = facts.current_workers * self._config.worker_concurrency
        if not (facts.utilization and servers and facts.service_time):
            return None
        return facts.utilization, facts.arrival_rate * facts.service_time.total_seconds() / servers

    def calculate_batch(
        self, arrival_rates: ArrayLike, service_rates: ArrayLike, servers: ArrayLike, metrics: Metrics | None = None
    ) -> Congestion:
        """The steady states of many queues in one call; the arguments broadcast, the answer is in float seconds.

        Raises:
            PlannerError: ``INVALID_METRICS`` when an entry is out of range.
        """
        rates, mus = (
            numbers("arrival_rates", arrival_rates, _RATE),
            numbers("service_rates", service_rates, _SERVICE_RATE),
        )
        counts = numbers("servers", servers, _SERVERS)
        broadcast(arrival_rates=rates, service_rates=mus, servers=counts)
        facts = service_time(1.0, None if metrics is None else checked_metrics(metrics))
        unit = self.model.solve(rates / mus, counts, facts)
        return Congestion(
            utilization=unit.utilization,
            probability_of_wait=unit.probability_of_wait,
            queue_length=unit.queue_length,
            wait=unit.wait / mus,
            response=unit.response / mus,
            p95_response=unit.p95_response / mus,
            throughput=unit.throughput * mus,
        )

    def calculate_capacity(
        self,
        arrival_rate: float,
        service_rate: float,
        target_latency: timedelta,
        *,
        metrics: Metrics | None = None,
    ) -> int:
        """The fewest servers whose p95 response meets a target; 0 when nothing arrives.

        Args:
            arrival_rate: λ [jobs/s].
            service_rate: μ per server [jobs/s].
            target_latency: target for the 95th percentile of wait + service.
            metrics: facts of the service time's spread.

        Raises:
            PlannerError: ``INVALID_METRICS`` with the argument that is out of range; ``SLO_UNACHIEVABLE`` when service
                alone exceeds the target: ``details`` has the least p95 and the servers that come within 1 % of it.
        """
        rate, mu = number("arrival_rate", arrival_rate, _RATE), number("service_rate", service_rate, _SERVICE_RATE)
        target = target_seconds(target_latency)
        if rate / mu >= MOST_SERVERS:
            raise PlannerError(
                ErrorCode.INVALID_METRICS,
                f"arrival_rate is {rate:g} and service_rate {mu:g}, an offered load of {rate / mu:.3g} erlang: "
                "more than can be counted. Check the units.",
                details={"field": "arrival_rate", "value": rate},
            )
        service = service_time(1.0 / mu, None if metrics is None else checked_metrics(metrics))
        staffing = Staffing(self.model, service, Targets(p95_latency=target))
        if rate and not staffing.achievable:
            raise _unachievable(target_latency, staffing, staffing.fewest(rate))
        return staffing.fewest(rate)

    def estimate_service_rate(self, metrics: Metrics) -> float:
        """μ per server [jobs/s]: 1/E[S] where the service time is known, else λ/(ρ·c) from a queue that keeps up.

        Raises:
            PlannerError: ``INVALID_METRICS`` when neither can be had.
        """
        facts = checked_metrics(metrics)
        if facts.service_time:
            return 1.0 / facts.service_time.total_seconds()
        busy = facts.utilization * facts.current_workers * self._config.worker_concurrency
        if facts.arrival_rate and 0 < facts.utilization < 1 and busy:
            return facts.arrival_rate / busy
        raise PlannerError(
            ErrorCode.INVALID_METRICS,
            "metrics.service_time is 0s, which is not known, and arrival_rate, utilization below 1 and current_workers "
            "are not all there to estimate it from. Give the mean service time.",
            details={"field": "metrics.service_time", "value": "0s"},
        )


def queue_model(config: PlannerConfig) -> QueueModel:
    """The queueing model of a configuration; ``general`` service takes the one that looks at the measured spread."""
    general = _GENERAL if config.service_time_model == "general" else {}
    return queue_models.get(general.get(config.queueing_model, config.queueing_model))


def service_time(mean: float, metrics: Metrics | None) -> ServiceTime:
    """The service time with a mean, and the measured spread in proportion to it [s]."""
    if metrics is None:
        return ServiceTime(mean=mean)
    measured = metrics.service_time.total_seconds()
    scale = mean / measured if measured else 1.0
    std, p95 = metrics.service_time_std, metrics.service_time_p95
    return ServiceTime(
        mean=mean,
        std=None if std is None else std.total_seconds() * scale,
        p95=None if p95 is None else p95.total_seconds() * scale,
    )


def _unachievable(target: timedelta, staffing: Staffing, servers: int) -> PlannerError:
    least = from_seconds(staffing.least_p95)
    return PlannerError(
        ErrorCode.SLO_UNACHIEVABLE,
        f"target_latency is {words(parse_duration(target))}, but the p95 of the service time alone is {words(least)} "
        f"({staffing.law.name}). No number of servers can keep it; {servers} come within 1 % of {words(least)}. Relax "
        "the target, make the slowest jobs faster, or give the measured spread of the service time.",
        details={"field": "target_latency", "least_p95": format_duration(least), "servers": servers},
    )
