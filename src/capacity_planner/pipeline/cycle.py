"""One planning cycle: samples to a response. It remembers nothing; `CapacityPlanner` does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from time import perf_counter
from typing import TYPE_CHECKING

from capacity_planner.domain.request import PlanResponse, PlanWarning
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.pipeline.calculator import QueueingCalculator, queue_model, service_time
from capacity_planner.pipeline.outlook import ENOUGH_OUTCOMES, outlook
from capacity_planner.pipeline.reliability import caution
from capacity_planner.pipeline.validation import with_service_time
from capacity_planner.planning import advice, assemble
from capacity_planner.planning.demand import Demand
from capacity_planner.planning.offered_load import felt_rate
from capacity_planner.planning.staffing import Staffing, Targets
from capacity_planner.planning.worked import Scaled, study
from capacity_planner.units import format_duration, words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.queueing import QueueingResult
    from capacity_planner.domain.slo import SLO
    from capacity_planner.forecasting._anomaly import Anomaly
    from capacity_planner.pipeline.deadline import Deadline
    from capacity_planner.pipeline.experience import Experience
    from capacity_planner.pipeline.following import Following
    from capacity_planner.pipeline.outlook import Outlook
    from capacity_planner.pipeline.reliability import Reliability
    from capacity_planner.pipeline.validation import Checked
    from capacity_planner.planning.study import Study

_A_REPLAY = 10.0  # seconds a call should have left before the last days are replayed
_NOT_REPLAYED = PlanWarning(
    code=ErrorCode.INSUFFICIENT_HISTORY,
    message="The last days were not replayed, for want of time: allow the call ten seconds more once a day.",
)
_BLOCKING = (ErrorCode.SLO_UNACHIEVABLE, ErrorCode.CAPACITY_LIMIT_EXCEEDED)


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """A scaling that was carried out: to ``workers``, at ``at``."""

    workers: int
    at: datetime

    def seen_from(self, now: datetime) -> Scaled:
        """The same, as long ago as it is."""
        return Scaled(workers=self.workers, ago=(now - self.at).total_seconds())


@dataclass(frozen=True, kw_only=True)
class Cycle:
    """What a cycle came to: the response, what it rests on, and what speaks against applying it unseen.

    ``whole`` says that nothing was left out for want of time.
    """

    response: PlanResponse
    whole: bool
    study: Study
    outlook: Outlook
    objection: PlannerError | None


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of a queue before a cycle.

    Args:
        samples: up to and with the current one, oldest first.
        scaling: the last scaling that was recorded.
        alarmed: whether the anomaly that goes on has been told.
        following: what is remembered of its rates.
        experience: what replays of its last days say.
        reliability: its earlier plans, and what became of them.
    """

    samples: Sequence[Metrics]
    scaling: Scaling | None
    alarmed: bool
    following: Following
    experience: Experience
    reliability: Reliability


def run(request: Checked, known: Known, deadline: Deadline) -> Cycle:
    """Forecast, staff, schedule and explain.

    Args:
        request: a checked request.
        known: what is known of its queue.
        deadline: the call's time limit.
    """
    started = perf_counter()
    metrics, config = with_service_time(request.metrics, tuple(known.samples)), request.config
    future = outlook(known.samples, config, deadline, known.following)
    staffing = Staffing(
        queue_model(config),
        service_time(metrics.service_time.total_seconds(), metrics),
        _targets(request.slo),
        deadline.check,
    )
    in_haste = 0.0 <= deadline.remaining < _A_REPLAY
    experienced = known.experience.level(
        known.samples, config, request.slo, staffing, deadline.check, in_haste=in_haste
    )
    result = study(
        metrics,
        request.slo,
        config,
        [Demand.of(item) for item in future.forecasts],
        future.paths,
        staffing,
        before=felt_rate(future.series.rates, future.series.interval, staffing.law),
        scaled=None if known.scaling is None else known.scaling.seen_from(metrics.timestamp),
        cooling=not request.force_regen,
        experienced=experienced or 0.0,
    )
    known.reliability.settle(known.samples, future.series)

    def stated(confidence: float) -> float:
        return caution(
            known.reliability.recalibrated(confidence),
            outcomes=future.outcomes,
            inconsistent=bool(advice.inconsistent(result)),
            anomaly=future.anomaly is not None,
        )

    plan = assemble.plan(result, stated)
    deadline.check()
    response = PlanResponse(
        plan=plan,
        forecast=future.forecasts,
        queueing_result=_congestion(result),
        recommendations=advice.recommendations(result),
        warnings=(
            *future.warnings,
            *advice.warnings(result, future.outcomes, ENOUGH_OUTCOMES),
            *(_anomaly_goes_on(future.anomaly) if known.alarmed else ()),
            *(() if experienced is not None else (_NOT_REPLAYED,)),
        ),
        generation_time=timedelta(seconds=round(perf_counter() - started, 6)),
    )
    news = None if known.alarmed else future.anomaly
    objection = _anomalous(news, response) or _cooling(result, response) or _refused(request, response)
    return Cycle(response=response, whole=experienced is not None, study=result, outlook=future, objection=objection)


def _targets(slo: SLO) -> Targets:
    return Targets(p95_latency=slo.p95_latency.total_seconds() or None, max_backlog=slo.max_backlog or None)


def _congestion(result: Study) -> QueueingResult:
    need = result.needs[result.binding]
    servers = result.path.fluid.least[result.binding] * result.config.worker_concurrency
    mean = result.staffing.law.mean
    calculator = QueueingCalculator(result.config)
    return calculator.calculate(need.demand_load / mean, 1.0 / mean, servers, result.metrics)


def _anomalous(anomaly: Anomaly | None, response: PlanResponse) -> PlannerError | None:
    if anomaly is None:
        return None
    return PlannerError(
        ErrorCode.ANOMALY_DETECTED,
        f"arrival_rate is {_off(anomaly)}. Review the plan before it is applied; it comes with this error.",
        details={"field": "current_metrics.arrival_rate", "value": anomaly.came, "expected": anomaly.expected},
        response=response,
    )


def _anomaly_goes_on(anomaly: Anomaly | None) -> tuple[PlanWarning, ...]:
    """The anomaly that has been told already stays a warning until the traffic is explained again."""
    if anomaly is None:
        return ()
    message = f"An anomaly goes on: arrival_rate is {_off(anomaly)}."
    return (PlanWarning(code=ErrorCode.ANOMALY_DETECTED, message=message),)


def _off(anomaly: Anomaly) -> str:
    return (
        f"{anomaly.came:.4g} jobs/s where {anomaly.expected:.4g} was expected, {abs(anomaly.deviations):.1f} robust "
        "standard deviations off"
    )


def _cooling(result: Study, response: PlanResponse) -> PlannerError | None:
    if not result.blocked:
        return None
    wait = timedelta(seconds=round(result.blocked, 6))
    return PlannerError(
        ErrorCode.COOLDOWN_ACTIVE,
        f"A step is due now, but workers were scaled too short a time ago. Wait {words(wait)}, or set force_regen. "
        "The plan that begins then comes with this error.",
        details={"field": "config.cooldown_period", "retry_after": format_duration(wait)},
        response=response,
    )


def _refused(request: Checked, response: PlanResponse) -> PlannerError | None:
    """With ``strict``, the first warning that says that capacity cannot do it."""
    found = [warning for warning in response.warnings if warning.code in _BLOCKING] if request.strict else []
    return PlannerError(found[0].code, found[0].message, details={"strict": True}, response=response) if found else None
