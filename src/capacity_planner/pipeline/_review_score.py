"""Outcomes → how reliable the stated confidence was; a plan and what came → how good its forecast was."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from capacity_planner.domain.review import ReliabilityBin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.plan import CapacityPlan
    from capacity_planner.domain.review import PlanOutcome
    from capacity_planner.pipeline._review_came import Came
    from capacity_planner.simulation.engine import Experiment

_LEVELS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
_HALF, _P95, _ROUNDING = 0.5, 0.95, 1e-9


def forecast_of(plan: CapacityPlan, came: Came) -> dict[str, float | None]:
    """How far the plan's forecast was off, over those of its intervals of which at least half was measured."""
    inside = [item for item in plan.required if item.end > item.start]
    rows = [(item, *_interval(plan.generated_at, came, item.start, item.end)) for item in inside]
    rows = [row for row in rows if row[2] >= _HALF]
    if not rows:
        return {}
    rates = np.array([rate for _, rate, _ in rows])
    off = np.array([item.arrival_rate for item, _, _ in rows]) - rates
    staffed = np.array([item.demand_rate for item, _, _ in rows])
    total = float(rates.sum())
    return {
        "forecast_error": float(np.abs(off).mean()),
        "wape": float(np.abs(off).sum()) / total if total else None,
        "bias": float(off.sum()) / total if total else None,
        "band_coverage": float(np.mean(rates <= staffed * (1.0 + _ROUNDING))),
    }


def _interval(origin: datetime, came: Came, start: datetime, end: datetime) -> tuple[float, float]:
    """The rate that came [jobs/s], and the share of the time that was measured."""
    edges = np.array([(start - origin).total_seconds(), (end - origin).total_seconds()])
    jobs, known = came.jobs(origin, edges), came.known(origin, edges)
    return float(jobs[0] / (edges[1] - edges[0])), float(known[0])


def observed_of(plan: CapacityPlan, came: Came, planned: Experiment) -> bool | None:
    """Whether the SLO was kept by what was measured; ``None`` where backlog and workers were not."""
    whole, inside = came.samples, came.between(plan.generated_at, plan.forecast_window)
    measured = any(item.backlog for item in whole) and any(item.current_workers for item in whole)
    if not inside or not measured:
        return None
    broken = sum(_too_many(plan, planned, item) for item in inside)
    return broken <= plan.slo.allowed_share * len(inside) + _ROUNDING


def _too_many(plan: CapacityPlan, planned: Experiment, sample: Metrics) -> bool:
    """Whether more jobs wait than the workers can begin in time, or than may."""
    if not sample.backlog:
        return False
    servers = sample.current_workers * planned.concurrency
    wait = sample.backlog * planned.law.mean / servers if servers else math.inf
    most = plan.slo.max_backlog
    return wait > _allowed_wait(plan, planned) or bool(most and sample.backlog > most)


def _allowed_wait(plan: CapacityPlan, planned: Experiment) -> float:
    """The longest wait that keeps the SLO [s]; infinity where it promises no time."""
    slo, limits = plan.slo, [math.inf]
    if slo.p95_latency:
        known = plan.service_time_p95
        p95 = known.total_seconds() if known else planned.law.quantile(_P95)
        limits.append(max(slo.p95_latency.total_seconds() - p95, 0.0))
    if slo.drain_time:
        limits.append(slo.drain_time.total_seconds())
    return min(limits)


def summary_of(outcomes: Sequence[PlanOutcome]) -> dict[str, Any]:
    """The fields of a review that are drawn from its outcomes."""
    judged = [item for item in outcomes if item.judged]
    found: dict[str, Any] = {"outcomes": tuple(outcomes), "plans": len(outcomes), "judged": len(judged)}
    return found | (_reliability(judged) | _forecasts(judged) if judged else {})


def _reliability(judged: Sequence[PlanOutcome]) -> dict[str, Any]:
    stated = np.array([item.confidence for item in judged])
    kept = np.array([item.runs_kept for item in judged], dtype=float)
    share, independent = float(kept.mean()), independent_plans(judged)
    return {
        "independent_plans": independent,
        "kept": sum(item.kept is True for item in judged),
        "kept_share": share,
        "mean_confidence": float(stated.mean()),
        "chance": chance(independent, share, float(stated.mean())),
        "brier": float(np.mean(kept * (1.0 - stated) ** 2 + (1.0 - kept) * stated**2)),
        "brier_of_base_rate": share * (1.0 - share),
        "reliability": tuple(_bins(stated, kept)),
    }


def _bins(stated: FloatArray, kept: FloatArray) -> Iterator[ReliabilityBin]:
    places = np.minimum(np.searchsorted(_LEVELS, stated, side="right"), len(_LEVELS) - 1) - 1
    for place in np.unique(places).tolist():
        inside = places == place
        yield ReliabilityBin(
            low=_LEVELS[place],
            high=_LEVELS[place + 1],
            plans=int(inside.sum()),
            stated=float(stated[inside].mean()),
            kept=float(kept[inside].mean()),
        )


def independent_plans(judged: Sequence[PlanOutcome]) -> float:
    """The plans, each counted by the part of its window that no plan of its queue before it has.

    Args:
        judged: the oldest first, with windows above zero.
    """
    ends: dict[str, datetime] = {}
    total = 0.0
    for item in judged:
        end = item.generated_at + item.forecast_window
        begin = max(ends.get(item.queue_name, item.generated_at), item.generated_at)
        total += max((end - begin) / item.forecast_window, 0.0)
        ends[item.queue_name] = max(ends.get(item.queue_name, end), end)
    return total


def chance(plans: float, kept: float, stated: float) -> float:
    """The probability that of so many plans no larger share keep their SLO, if each does with the stated probability.

    The binomial distribution, continued to numbers that are not whole by the incomplete beta function.

    Args:
        plans: independent ones.
        kept: share of them.
        stated: probability.

    >>> chance(2, 0.5, 0.9)
    0.19
    """
    from scipy.special import betainc  # noqa: PLC0415 - slow to import, and needed once

    missed = plans * (1.0 - kept)
    if missed <= _ROUNDING:
        return 1.0
    return round(float(betainc(missed, plans - missed + 1.0, 1.0 - stated)), 12)


def _forecasts(judged: Sequence[PlanOutcome]) -> dict[str, float | None]:
    """Means over intervals, of plans that have a forecast."""
    rows = [item for item in judged if item.forecast_error is not None]
    size = np.array([item.intervals or 0 for item in rows], dtype=float)

    def total(value: Callable[[PlanOutcome], float | None]) -> float:
        return float(np.array([value(item) or 0.0 for item in rows]) @ size)

    came = total(lambda item: item.arrival_rate)
    return {
        "forecast_wape": total(lambda item: item.forecast_error) / came if came else None,
        "bias": total(lambda item: (item.bias or 0.0) * (item.arrival_rate or 0.0)) / came if came else None,
        "band_coverage": total(lambda item: item.band_coverage) / float(size.sum()) if rows else None,
    }
