"""A simulation in words: the verdict, the promise, and its figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from capacity_planner import units
from capacity_planner.pipeline.workload import slo_of, start_of
from capacity_planner.surfaces.cli._words import clock, money, number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from capacity_planner.domain.simulation import ConfidenceInterval, Simulation
    from capacity_planner.domain.slo import SLO

NOTHING = "–"
_MINUTE, _ENOUGH = 60.0, 1e9
_DAY, _MONTH, _YEAR = (units.parse_duration(text) for text in ("24h", "672h", "8760h"))
_TIMES, _SHARES, _MONEY = {"avg_latency", "p95_latency"}, {"slo_achievement", "avg_utilization"}, {"total_cost"}
_COUNTS = {"max_backlog", "slo_violations"}


def kept(found: Simulation) -> bool:
    """Whether the SLO held within its error budget."""
    return found.slo_analysis.error_budget_used <= 1.0


def headline(found: Simulation) -> str:
    """What happened, in one line."""
    costs = f"p95 {figure(found, 'p95_latency')}, {money(found.summary.total_cost)}"
    if not slo_of(found.scenario).has_target:
        return f"no SLO to keep, {costs}"
    return f"SLO {'kept' if kept(found) else 'broken'}: {_broken(found)}; {costs}"


def _broken(found: Simulation) -> str:
    """How many intervals broke the SLO, and how many may."""
    count, several = len(found.timeline), found.scenario.replications > 1
    lost = (1.0 - found.summary.slo_achievement) * count
    if not found.summary.slo_violations and lost < 1 / _ENOUGH:
        return "no interval broke it"
    mean = f"{lost:,.0f}" if math.isclose(lost, round(lost)) else number(lost)
    said = f"on average {mean}" if several else f"{found.summary.slo_violations:,}"
    allowed = slo_of(found.scenario).allowed_share
    noun = "interval" if count == 1 else "intervals"
    return f"{said} of {count:,} {noun} broke it, {percent(allowed) if allowed else 'none'} may"


def verdict(found: Sequence[Simulation]) -> str:
    """Which scenario to choose."""
    judged = [item for item in found if slo_of(item.scenario).has_target]
    if not judged:
        cheapest = min(found, key=lambda item: item.summary.total_cost)
        return f"No SLO to keep; cheapest: {cheapest.scenario.name}, {money(cheapest.summary.total_cost)}"
    good = [item for item in judged if kept(item)]
    if not good:
        best = max(judged, key=lambda item: item.summary.slo_achievement)
        share = percent(best.summary.slo_achievement)
        return f"None of {len(found)} keeps its SLO; nearest: {best.scenario.name}, in {share} of intervals"
    best = min(good, key=lambda item: item.summary.total_cost)
    chosen = f"{best.scenario.name}, {money(best.summary.total_cost)}"
    if len(good) == 1:
        return f"1 of {len(found)} keeps the SLO: {chosen}"
    many = "All" if len(good) == len(found) else f"{len(good)} of {len(found)}"
    return f"{many} keep the SLO; cheapest of them: {chosen}"


def context(found: Simulation) -> str:
    """What was simulated, and what had to hold."""
    scenario, summary = found.scenario, found.summary
    runs = f", mean of {scenario.replications} runs" if scenario.replications > 1 else ""
    time = f"{units.words(scenario.duration)} from {units.format_instant(start_of(scenario))}"
    lost = "gave up" if scenario.patience else "were never served"
    gone = f", {summary.abandoned:,} {lost}" if summary.abandoned else ""
    parts = [time, f"{summary.jobs:,} jobs{gone}{runs}", promise(slo_of(scenario))]
    return "; ".join(part for part in parts if part)


def promise(slo: SLO) -> str:
    """The SLO in words."""
    parts = []
    if slo.p95_latency:
        parts.append(f"p95 within {units.words(slo.p95_latency)}")
    if slo.max_backlog:
        parts.append(f"at most {slo.max_backlog:,} waiting")
    if slo.drain_time:
        parts.append(f"backlog gone in {units.words(slo.drain_time)}")
    if not parts:
        return ""
    may = f"{percent(slo.allowed_share)} of intervals" if slo.allowed_share else "no interval"
    return f"SLO: {', '.join(parts)}, {may} may miss it"


def repeated(found: Sequence[Simulation]) -> str:
    """What replications mean for the figures; nothing where there are none."""
    counts = sorted({item.scenario.replications for item in found})
    if counts[-1] == 1:
        return ""
    runs = f"{counts[0]:,} runs" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,} runs"
    return f"Figures are means over {runs}; an interval is marked when at least half of the runs broke it."


def budget(used: float) -> str:
    """The share of the error budget that is used; there may be none to use."""
    if used <= 1.0:
        return percent(used)
    return f"{number(used)} times" if used < _ENOUGH else "none allowed"


def figure(found: Simulation, measure: str) -> str:
    """A field of the summary; nothing where it is a mean of nothing."""
    summary = found.summary
    served = summary.jobs - (summary.abandoned if measure == "avg_latency" else 0)
    if measure in _TIMES and not served:
        return NOTHING
    value = getattr(summary, measure)
    return shown(measure, value.total_seconds() if measure in _TIMES else value)


def shown(measure: str, value: float) -> str:
    """A value as its measure is read."""
    if measure in _TIMES:
        return time_words(value)
    if measure in _SHARES:
        return percent(value)
    if measure in _COUNTS:
        return f"{value:,.0f}"
    return money(value) if measure in _MONEY else number(value)


def give_or_take(found: Simulation, measure: str) -> str:
    """How far from its mean the true one may be; nothing where nobody knows."""
    item = interval(found, measure)
    if item is None or figure(found, measure) == NOTHING:
        return ""
    half = max(item.upper - item.mean, item.mean - item.lower)
    if not half < units.UNBOUNDED.total_seconds() or item.mean >= units.UNBOUNDED.total_seconds():
        return ""
    half = float(f"{half:.2g}")
    return f"± {number(half) if measure in _COUNTS else shown(measure, half)}"


def between(found: Simulation, measure: str) -> str:
    """Between which ends the true mean lies."""
    item = interval(found, measure)
    if item is None or figure(found, measure) == NOTHING:
        return ""
    return f"{shown(measure, item.lower)} and {shown(measure, item.upper)}"


def interval(found: Simulation, measure: str) -> ConfidenceInterval | None:
    """Where the true mean of a measure lies; unknown from a single run."""
    return next((item for item in found.confidence_intervals if item.measure == measure), None)


def level(found: Sequence[Simulation]) -> str:
    """How sure the intervals are; nothing where there are none."""
    return next((percent(known.level) for item in found for known in item.confidence_intervals), "")


def time_words(seconds: float) -> str:
    """A response time in three digits; where too many jobs are never served there is none."""
    if seconds >= units.UNBOUNDED.total_seconds():
        return "never"
    if math.isnan(seconds):
        return NOTHING
    rounded = float(f"{seconds:.3g}") if seconds < _MINUTE else seconds
    return units.words(units.from_seconds(rounded))


def moment(instant: datetime, duration: timedelta) -> str:
    """A time of day, with as much of the date as it takes to know it within the duration."""
    if duration > _YEAR:
        return f"{instant:%Y-%m-%d %H:%M}"
    if duration > _MONTH:
        return f"{instant:%d %b %H:%M}"
    return clock(instant, dated=duration > _DAY)
