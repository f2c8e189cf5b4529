"""Warnings and recommendations: what a person should know, and what a person could do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity_planner.domain.request import PlanWarning
from capacity_planner.errors import ErrorCode
from capacity_planner.units import from_seconds, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capacity_planner.planning.study import Study

_FAR_OFF = 0.15
_SPREAD_NOT_KNOWN = "its spread was not measured, so the service time was assumed to be"


def warnings(study: Study, samples: int, enough: int) -> tuple[PlanWarning, ...]:
    """What is wrong with the input or out of reach of the limits.

    Args:
        study: the plan's reasons.
        samples: forecasts whose outcome is known.
        enough: as many as the bounds should rest on.
    """
    return tuple(PlanWarning(code=code, message=message) for code, message in _warnings(study, samples, enough))


def recommendations(study: Study) -> tuple[str, ...]:
    """What would make the plan better or surer."""
    return tuple(_recommendations(study))


def _warnings(study: Study, samples: int, enough: int) -> Iterator[tuple[ErrorCode, str]]:
    if message := inconsistent(study):
        yield ErrorCode.INVALID_METRICS, message
    if not study.staffing.achievable:
        yield ErrorCode.SLO_UNACHIEVABLE, _unachievable(study)
    if message := _limited(study):
        yield ErrorCode.CAPACITY_LIMIT_EXCEEDED, message
    if message := _late_already(study):
        yield ErrorCode.SLO_UNACHIEVABLE, message
    if samples < enough:
        yield (
            ErrorCode.INSUFFICIENT_HISTORY,
            f"The forecast's bounds rest on {samples} past outcomes; below {enough} they are assumed. Give history.",
        )


def inconsistent(study: Study) -> str:
    """How the stated utilisation contradicts rate and service time, if it does."""
    metrics, servers = study.metrics, study.servers_now
    if not metrics.utilization or not servers:
        return ""
    load = metrics.arrival_rate * study.staffing.law.mean / servers
    if abs(metrics.utilization - min(load, 1.0)) <= _FAR_OFF:
        return ""
    return (
        f"utilization is stated as {metrics.utilization:.0%}, but {metrics.arrival_rate:.4g} jobs/s x "
        f"{words(from_seconds(study.staffing.law.mean))} on {servers} servers is {load:.0%}. The plan trusts the rate "
        "and the service time; check the service time and how it is measured, and worker_concurrency."
    )


def _unachievable(study: Study) -> str:
    staffing = study.staffing
    least = words(from_seconds(staffing.least_p95))
    assumed = f"; {_SPREAD_NOT_KNOWN} {staffing.law.name}" if _assumed(study) else ""
    return (
        f"p95_latency is {words(study.slo.p95_latency)}, but the p95 of the service time alone is {least}{assumed}. No "
        f"number of workers can keep it: the least achievable p95 is {least}. Staffed to "
        f"{words(from_seconds(staffing.latency or 0))}, where more workers improve the p95 by less than 1 %."
    )


def _limited(study: Study) -> str:
    config = study.config
    need = max(study.needs, key=lambda item: item.slo)
    if need.slo > config.max_workers:
        return (
            f"max_workers is {config.max_workers}, but the SLO needs {need.slo} workers at {need.demand_rate:.4g} "
            f"jobs/s. Raise max_workers to {_most(study)} or make jobs faster."
        )
    if study.within_budget or not (binding := _binding(study)):
        return ""
    late = study.at((study.broken[-1] + 1) * study.path.fluid.interval)
    return (
        f"{len(study.broken)} of {len(study.needs)} intervals break the SLO, the last until {late:%H:%M} UTC, because "
        f"{' and '.join(binding)} {'hold' if len(binding) > 1 else 'holds'} the plan back."
    )


def _binding(study: Study) -> list[str]:
    """The limits that keep the plan from the level it wants at once."""
    config, changes = study.config, study.path.changes
    climbs = [change for change in changes if change.after > change.before]
    limits = {
        f"max_workers {config.max_workers}": any(change.after == config.max_workers for change in changes),
        f"max_step_size {config.max_step_size}": any(change.after < change.wanted for change in climbs),
        f"cooldown {words(config.cooldown_up)}": bool(config.cooldown_up) and (len(climbs) > 1 or study.blocked > 0),
        f"startup_delay {words(config.startup_delay)}": bool(climbs and config.startup_delay),
    }
    return [name for name, binds in limits.items() if binds]


def _late_already(study: Study) -> str:
    """That what waits now makes jobs late, where no limit is to blame."""
    if study.within_budget or _binding(study) or not (study.staffing.achievable and study.metrics.backlog):
        return ""
    until = study.at((study.broken[-1] + 1) * study.path.fluid.interval)
    return (
        f"{study.metrics.backlog} jobs wait already, so the SLO is broken until {until:%H:%M} UTC, when they are gone. "
        "Set slo.drain_time to have them gone sooner."
    )


def _recommendations(study: Study) -> Iterator[str]:
    config, staffing = study.config, study.staffing
    most = _most(study)
    if most > config.max_workers:
        yield f"Raise max_workers from {config.max_workers} to {most}."
    if _assumed(study):
        yield "Measure service_time_std or service_time_p95 and use queueing_model mgc: the spread decides the p95."
    if not staffing.achievable:
        latency = words(from_seconds(staffing.latency or 0))
        yield f"Relax p95_latency to at least {latency}, or make the slowest jobs faster."
    climbs = sum(change.after > change.before for change in study.path.changes)
    if climbs > 1 and study.broken and config.cooldown_up:
        yield "Set scale_up_cooldown to 0s or raise max_step_size: the ramp takes several steps."
    if study.staffing.achievable and (sure := study.confidence()) < config.confidence_threshold:
        yield (
            f"Review the plan before it is applied: it is {sure:.0%} sure, and confidence_threshold asks for "
            f"{config.confidence_threshold:.0%}. More history, an error_budget or a longer plan_interval may help."
        )
    if study.metrics.backlog and not (study.slo.drain_time or study.slo.max_backlog):
        yield "Set slo.drain_time to say how soon a backlog must be gone; one plan_interval was assumed."


def _most(study: Study) -> int:
    """The workers that would do: for what comes, and for what waits when the first of them can serve."""
    waiting = next((need.drain for need in study.needs if need.drain), 0)
    return max(waiting, *(max(need.slo, need.unhurried, need.margin) for need in study.needs))


def _assumed(study: Study) -> bool:
    return study.metrics.service_time_std is None and not study.metrics.service_time_p95
