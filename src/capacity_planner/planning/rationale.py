"""Why, in plain words, with the numbers that decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity_planner.planning.schedule import Reason
from capacity_planner.units import from_seconds, words

if TYPE_CHECKING:
    from capacity_planner.planning.schedule import Change
    from capacity_planner.planning.study import Study


_SAME = 0.02
_EDGE = 0.01


def of_plan(study: Study, confidence: float) -> str:
    """The plan's reasons in a few sentences."""
    return " ".join([_load(study), _demand(study), *_decision(study), _outcome(study, confidence)])


def of_step(study: Study, change: Change) -> str:
    """One step's reason."""
    config, need = study.config, study.needs[change.index]
    more = f" (on the way to {change.wanted})" if change.after != change.wanted else ""
    match change.reason:
        case Reason.SLO:
            verb = "keeps" if need.slo == 1 else "keep"
            lasting = need.demand_load > (1.0 + _SAME) * need.demand_rate * study.staffing.law.mean
            load = f" (a load of {need.demand_load:.4g} erlang)" if lasting else ""
            text = f"{_counted(need.slo)} {verb} {targets(study)} at {need.demand_rate:.4g} jobs/s{load}{more}"
        case Reason.BACKLOG:
            backlog = study.path.fluid.opening[int(change.at / study.path.fluid.interval + 1e-9)]
            text = f"{backlog:.0f} jobs wait and must be worked off{more}"
        case Reason.UTILIZATION:
            busy = need.load / max(change.before * config.worker_concurrency, 1)
            text = f"utilisation of {busy:.0%} would exceed scale_up_threshold {config.scale_up_threshold:.0%}{more}"
        case Reason.MARGIN:
            text = f"{need.margin} workers hold the median forecast with a margin of {config.safety_margin:.0%}{more}"
        case Reason.MINIMUM:
            text = f"min_workers is {config.min_workers}{more}"
        case Reason.MAXIMUM:
            text = f"max_workers is {config.max_workers}{more}"
        case Reason.SHRINK:
            busy, limit = need.load / (change.before * config.worker_concurrency), config.scale_down_threshold
            text = (
                f"utilisation of {busy:.0%} is below scale_down_threshold {limit:.0%}; "
                f"{_counted(change.after)} suffice{'s' * (change.after == 1)}"
            )
    return f"{text}."


def of_rest(study: Study) -> str:
    """Why nothing changes."""
    current = study.current
    need = study.needs[study.binding]
    if current < need.hold:
        return f"No step is possible: {need.hold} workers are needed and max_workers is {study.config.max_workers}."
    busy = need.load / max(study.servers_now, 1)
    return f"{current} workers keep {targets(study)} over the window; utilisation stays at {busy:.0%}."


def targets(study: Study) -> str:
    """What is promised, in words."""
    slo, parts = study.slo, []
    if slo.p95_latency:
        latency = study.staffing.latency or 0.0
        parts.append(f"p95 ≤ {words(from_seconds(latency))}")
    if slo.max_backlog:
        parts.append(f"backlog ≤ {slo.max_backlog}")
    if slo.drain_time:
        parts.append(f"backlog gone in {words(slo.drain_time)}")
    return " and ".join(parts)


def _load(study: Study) -> str:
    metrics, mean = study.metrics, study.staffing.law.mean
    load = metrics.arrival_rate * mean
    text = f"{metrics.arrival_rate:.4g} jobs/s x {words(from_seconds(mean))} is an offered load of {load:.4g} erlang"
    servers = study.servers_now
    if servers and load >= servers:
        growth = metrics.arrival_rate - servers / mean
        return f"{text}, which {servers} servers cannot carry: the queue grows by {growth:.4g} jobs/s."
    return f"{text} on {servers} servers."


def _demand(study: Study) -> str:
    need, config, interval = study.needs[study.binding], study.config, study.path.fluid.interval
    at = study.at(study.binding * interval)
    why = f"so that all intervals hold with probability {config.confidence_threshold:.0%}"
    if study.confidence() < config.confidence_threshold:
        why = "the lowest that is about as sure as any"
    if study.experienced >= study.level:
        why = "the lowest with which the last days would have kept the SLO, replayed"
    return (
        f"The forecast for the binding interval, from {at:%H:%M} UTC, is {need.rate:.4g} jobs/s; "
        f"{need.demand_rate:.4g} are staffed, its {study.level:.1%} quantile, {why}."
    )


def _decision(study: Study) -> list[str]:
    need, config = study.needs[study.binding], study.config
    floors = {
        f"the SLO ({targets(study)}) needs {need.slo}": need.slo,
        f"the median with a margin of {config.safety_margin:.0%} needs {need.margin}": need.margin,
        f"utilisation within {config.scale_up_threshold:.0%} needs {need.unhurried}": need.unhurried,
    }
    if need.drain:
        floors[f"working off what waits needs {need.drain}"] = need.drain
    text = "; ".join(floors)
    deciding = max(floors, key=lambda name: floors[name])
    cap = f" max_workers caps it at {config.max_workers}." if need.target > config.max_workers else ""
    return [f"Of workers, {text}.", f"The largest decides: {deciding.split(' needs ')[0]}.{cap}", *_headroom(study)]


def _headroom(study: Study) -> list[str]:
    """Workers beyond every need, which the price of violations buys."""
    most = max((change.after for change in study.path.changes if change.after > change.before), default=0)
    beyond = most - max(study.config.min_workers, *(need.target for need in study.needs))
    if beyond <= 0:
        return []
    price = study.config.violation_cost_per_hour
    are = "is" if beyond == 1 else "are"
    return [f"{beyond} more {are} worth the cost, as an hour of violation costs ${price:,.0f}."]


def _outcome(study: Study, confidence: float) -> str:
    current, target = study.current, study.target
    steps = len(study.path.changes)
    first = next((at for at, change in enumerate(study.path.changes, 1) if change.after == target), 0)
    later = f", and {steps - first} later" if steps > first else ""
    move = f"{current} → {target} workers in {first} step{'s' if first != 1 else ''}{later}" if steps else "No change"
    return f"{move}; the SLO holds over the window with probability {percent(confidence)}."


def _counted(workers: int) -> str:
    return f"{workers} worker{'s' if workers != 1 else ''}"


def percent(share: float) -> str:
    """A share in per cent, with a decimal near 0 and 1.

    >>> percent(0.854), percent(0.995), percent(1.0)
    ('85%', '99.5%', '100%')
    """
    return f"{share:.1%}" if 0.0 < min(share, 1.0 - share) < _EDGE else f"{share:.0%}"
