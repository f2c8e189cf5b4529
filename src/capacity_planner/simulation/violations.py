"""Neighbouring intervals that broke the same target, as periods a person would speak of."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.simulation import SLOAnalysis, ViolationPeriod, ViolationSeverity, ViolationType
from capacity_planner.fields import LARGEST
from capacity_planner.units import from_seconds, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.simulation.verdict import Verdict

_MAJOR, _CRITICAL = 1.5, 3.0
_HALF, _NEARLY = 0.5, 0.995


def slo_analysis(verdict: Verdict, start: datetime, check: Callable[[], None]) -> SLOAnalysis:
    """How the SLO fared, on average over the replications.

    Args:
        verdict: the futures against the SLO.
        start: begin of the simulated time.
        check: called now and then; may raise to stop.
    """
    kept, allowed = 1.0 - float(verdict.broken.mean()), verdict.slo.allowed_share
    lost = 1.0 - kept
    used = lost / allowed if allowed else (np.inf if lost else 0.0)
    periods = []
    for kind in ViolationType:
        for period in _periods(verdict, kind, start):
            check()
            periods.append(period)
    return SLOAnalysis(
        latency_compliance=float((verdict.latency <= 1.0).mean()),
        backlog_compliance=float((verdict.backlog <= 1.0).mean()),
        availability_achieved=kept,
        error_budget_used=float(used),
        violation_periods=tuple(sorted(periods, key=lambda period: period.start)),
        risk_score=verdict.risk,
    )


def severity(ratio: float) -> ViolationSeverity:
    """Minor up to one and a half times the target, major up to three times, critical beyond.

    >>> severity(1.2).value, severity(2.0).value, severity(10.0).value
    ('minor', 'major', 'critical')
    """
    if ratio > _CRITICAL:
        return ViolationSeverity.CRITICAL
    return ViolationSeverity.MAJOR if ratio > _MAJOR else ViolationSeverity.MINOR


def _periods(verdict: Verdict, kind: ViolationType, start: datetime) -> Iterator[ViolationPeriod]:
    """Runs of intervals that broke a target in at least half of the futures."""
    ratio = verdict.latency if kind is ViolationType.LATENCY else verdict.backlog
    broken = (ratio > 1.0).mean(axis=0) >= _HALF
    changes = np.flatnonzero(np.diff(np.concatenate(([False], broken, [False])).astype(int)))
    edges = verdict.outcomes[0].edges
    for first, end in changes.reshape(-1, 2).tolist():
        begin, finish = start + timedelta(seconds=edges[first]), start + timedelta(seconds=edges[end])
        worst = float(ratio[:, first:end].mean(axis=0).max())
        value, impact = (_latency if kind is ViolationType.LATENCY else _backlog)(verdict, slice(first, end))
        yield ViolationPeriod(
            start=begin,
            end=finish,
            duration=finish - begin,
            type=kind,
            severity=severity(worst),
            max_value=min(value, LARGEST),
            impact=impact,
        )


def _latency(verdict: Verdict, part: slice) -> tuple[float, str]:
    value = _worst([item.p95 for item in verdict.outcomes], part)
    late = float(np.mean([item.late[part].sum() for item in verdict.outcomes]))
    arrived = float(np.mean([item.arrived[part].sum() for item in verdict.outcomes]))
    shown = f"up to {words(from_seconds(value))}" if np.isfinite(value) else "without end"
    return value, (
        f"p95 {shown} against {words(verdict.slo.p95_latency)}; {late:,.0f} of {arrived:,.0f} jobs "
        f"({_percent(late / max(arrived, 1.0))}) took longer than that{_lost(verdict, part)}"
    )


def _lost(verdict: Verdict, part: slice) -> str:
    """Who gives up waits for as long as its patience, and who is never served, for ever."""
    lost = [item.longest[part][item.gone[part] > 0] for item in verdict.outcomes]
    waits = np.concatenate(lost)
    if not len(waits):
        return ""
    return " or gave up" if np.isfinite(waits).all() else " or were never served"


def _percent(share: float) -> str:
    """A share; not quite all never reads as 100 %, nor next to none as 0 %.

    >>> _percent(0.87), _percent(0.9965), _percent(1.0), _percent(0.0031)
    ('87 %', '99.6 %', '100 %', '0.4 %')
    """
    if _NEARLY <= share < 1:
        return f"{math.floor(share * 1000) / 10:.1f} %"
    if 0 < share < 1 - _NEARLY:
        return f"{math.ceil(share * 1000) / 10:.1f} %"
    return f"{share * 100:.0f} %"


def _backlog(verdict: Verdict, part: slice) -> tuple[float, str]:
    value, said = _worst([item.peak for item in verdict.outcomes], part), []
    if (verdict.length[:, part] > 1.0).any():
        said.append(f"up to {value:,.0f} jobs waited, {verdict.slo.max_backlog:,} may")
    if (verdict.drain[:, part] > 1.0).any():
        longest = _worst([item.longest for item in verdict.outcomes], part)
        shown = words(from_seconds(longest)) if np.isfinite(longest) else "for ever"
        said.append(f"a backlog took {shown} to drain, {words(verdict.slo.drain_time)} allowed")
    return value, "; ".join(said)


def _worst(values: list[np.ndarray] | list[FloatArray], part: slice) -> float:
    """The largest mean over the replications."""
    return float(np.mean([item[part] for item in values], axis=0).max())
