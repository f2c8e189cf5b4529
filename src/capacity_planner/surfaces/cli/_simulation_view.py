"""A simulation → what is shown in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from capacity_planner import units
from capacity_planner.pipeline.workload import slo_of, start_of
from capacity_planner.surfaces.cli._chart import ASCII, ink_for
from capacity_planner.surfaces.cli._simulation_lines import MOST_LINES, legend, lines_table, time_words
from capacity_planner.surfaces.cli._words import clock, money, number, percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console, RenderableType

    from capacity_planner.domain.simulation import ConfidenceInterval, Simulation, ViolationPeriod
    from capacity_planner.domain.slo import SLO

_MOST_PERIODS = 12
_DAY = units.parse_duration("24h")
_TIMES, _SHARES, _MONEY = {"avg_latency", "p95_latency"}, {"slo_achievement", "avg_utilization"}, {"total_cost"}
_RANKS = {"critical": 0, "major": 1, "minor": 2}


def simulation_view(found: Simulation, console: Console) -> Group:
    """Headline, timeline, what was broken, the figures, and what it cost."""
    plain = ink_for(console.encoding) is ASCII
    parts: list[RenderableType] = [
        Text(f"{found.scenario.name}: {headline(found)}", "bold green" if kept(found) else "bold yellow"),
        Text(context(found), "dim"),
    ]
    if found.scenario.description:
        parts.append(Text(found.scenario.description))
    parts += [
        Text(),
        lines_table(found, console.width, MOST_LINES, plain=plain),
        legend(found, MOST_LINES, plain=plain),
        Text(),
    ]
    parts += [*_violations(found), _figures(found), Text(), *_cost(found)]
    return Group(*parts)


def kept(found: Simulation) -> bool:
    """Whether the SLO held within its error budget."""
    return found.slo_analysis.error_budget_used <= 1.0


def headline(found: Simulation) -> str:
    """What happened, in one line."""
    summary, count = found.summary, len(found.timeline)
    costs = f"p95 {time_words(summary.p95_latency.total_seconds())}, {money(summary.total_cost)}"
    if not slo_of(found.scenario).has_target:
        return f"no SLO to keep, {costs}"
    noun = "interval" if count == 1 else "intervals"
    return f"SLO kept in {percent(summary.slo_achievement)} of {count:,} {noun}, {costs}"


def context(found: Simulation) -> str:
    """What was simulated, and what had to hold."""
    scenario, summary = found.scenario, found.summary
    runs = f", mean of {scenario.replications} runs" if scenario.replications > 1 else ""
    time = f"{units.words(scenario.duration)} from {units.format_instant(start_of(scenario))}"
    gone = f", {summary.abandoned:,} gave up" if summary.abandoned else ""
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
    budget = f", {percent(slo.allowed_share)} of intervals may miss it" if slo.allowed_share else ""
    return f"SLO: {', '.join(parts)}{budget}"


def _violations(found: Simulation) -> list[RenderableType]:
    """When what was broken, the worst ones."""
    periods = found.slo_analysis.violation_periods
    if not periods:
        return []
    worst = sorted(periods, key=lambda item: (_RANKS[item.severity], -item.duration))[:_MOST_PERIODS]
    table = _table("from", "to", "lasted", "broke", "severity")
    table.add_column("what it meant", ratio=1)
    dated = found.scenario.duration > _DAY
    for item in sorted(worst, key=lambda item: item.start):
        table.add_row(*_period(item, dated=dated))
    more = len(periods) - len(worst)
    title = f"Violations ({more} less severe ones are in --json)" if more else "Violations"
    return [Text(title, "bold yellow"), table, Text()]


def _period(item: ViolationPeriod, *, dated: bool) -> list[str | Text]:
    style = {"critical": "bold red", "major": "red"}.get(item.severity, "yellow")
    times = (clock(item.start, dated=dated), clock(item.end, dated=dated), units.words(item.duration))
    return [*times, str(item.type), Text(item.severity, style), Text(item.impact)]


def _figures(found: Simulation) -> Table:
    """The summary; with replications where the true means lie."""
    summary, slo = found.summary, found.slo_analysis
    intervals = {item.measure: item for item in found.confidence_intervals}
    level = next(iter(intervals.values())).level if intervals else 0.0
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_header=bool(intervals))
    for name in ("", "mean") + ((f"{percent(level)} sure between",) if intervals else ()):
        table.add_column(name, justify="left" if not name else "right", no_wrap=True)
    rows = {
        "slo_achievement": "SLO kept",
        "p95_latency": "p95 response",
        "avg_latency": "mean response",
        "max_backlog": "most waiting",
        "avg_backlog": "mean waiting",
        "avg_utilization": "utilisation",
        "efficiency_score": "efficiency (of 100)",
        "total_cost": "cost",
    }
    for name, said in rows.items():
        value = getattr(summary, name)
        shown = _shown(name, value.total_seconds() if name in _TIMES else value)
        table.add_row(said, Text(shown, "bold"), *([_between(name, intervals)] if intervals else []))
    if slo_of(found.scenario).has_target:
        table.add_row("error budget used", budget(slo.error_budget_used))
        table.add_row("risk (0 to 1)", f"{slo.risk_score:.2f}")
    return table


def budget(used: float) -> str:
    """The share of the error budget that is used; there may be none to use."""
    if used <= 1.0:
        return percent(used)
    return f"{number(used)} times" if used < 1e9 else "more than there is"  # noqa: PLR2004 - in effect without end


def _between(name: str, intervals: Mapping[str, ConfidenceInterval]) -> str:
    item = intervals.get(name)
    return "" if item is None else f"{_shown(name, item.lower)} and {_shown(name, item.upper)}"


def _shown(name: str, value: float) -> str:
    if name in _TIMES:
        return time_words(value)
    if name in _SHARES:
        return percent(value)
    if name == "max_backlog":
        return f"{value:,.0f}"
    return money(value) if name in _MONEY else number(value)


def _cost(found: Simulation) -> list[RenderableType]:
    """Where the money goes, and whether the plan's changes earn their keep."""
    cost = found.cost_analysis
    hours = found.scenario.duration.total_seconds() / 3600
    workers = cost.projected_cost_per_hour * hours
    total = found.summary.total_cost
    shares = (f"{money(workers)} for workers", f"{money(max(total - workers, 0.0))} for violations")
    rates = (cost.projected_cost_per_hour, cost.violation_cost_risk)
    lines = [", ".join(f"{share} ({money(rate)}/h)" for share, rate in zip(shares, rates, strict=True)) + "."]
    start = found.scenario.plan.current_workers
    if any(step.to_workers != start for step in found.scenario.plan.steps):
        verb = "saves" if cost.net_benefit >= 0 else "costs"
        lines.append(f"Against staying at {start:,} workers the plan {verb} {money(abs(cost.net_benefit))}/h.")
    return [Text("Cost", "bold"), *(Text(line) for line in lines)]


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in names:
        table.add_column(name, no_wrap=True)
    return table
