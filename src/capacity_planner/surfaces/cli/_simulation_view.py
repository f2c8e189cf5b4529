"""A simulation → what is shown in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from capacity_planner import units
from capacity_planner.pipeline.workload import slo_of
from capacity_planner.surfaces.cli._chart import ASCII, ink_for
from capacity_planner.surfaces.cli._columns import Column, table_of, taken
from capacity_planner.surfaces.cli._simulation_lines import MOST_LINES, legend, sheet_of
from capacity_planner.surfaces.cli._simulation_words import (
    between,
    budget,
    context,
    figure,
    give_or_take,
    headline,
    kept,
    level,
    moment,
)
from capacity_planner.surfaces.cli._words import money

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType

    from capacity_planner.domain.simulation import Simulation, ViolationPeriod

_MOST_PERIODS, _LEAST_IMPACT, _GAP = 12, 28, 2
_RANKS = {"critical": 0, "major": 1, "minor": 2}
_STYLES = {"critical": "bold red", "major": "red"}
_FIGURES = {
    "slo_achievement": "SLO kept",
    "p95_latency": "p95 response",
    "avg_latency": "mean response",
    "max_backlog": "most waiting",
    "avg_backlog": "mean waiting",
    "avg_utilization": "utilisation",
    "efficiency_score": "efficiency of 100",
    "total_cost": "cost",
}


def simulation_view(found: Simulation, console: Console) -> Group:
    """Headline, timeline, what was broken, the figures, and what it cost."""
    sheet = sheet_of(found, console.width, MOST_LINES, plain=ink_for(console.encoding) is ASCII)
    said = [found.scenario.description] if found.scenario.description else []
    parts: list[RenderableType] = [*title(found), *map(Text, said), Text(), sheet.table, legend([found], [sheet])]
    parts += [Text(), *_violations(found, console.width), _figures(found, console.width), Text(), *_cost(found)]
    return Group(*parts)


def title(found: Simulation) -> list[Text]:
    """What happened, and to what."""
    style = "bold green" if kept(found) else "bold yellow"
    return [Text(f"{found.scenario.name}: {headline(found)}", style), Text(context(found), "dim")]


def _violations(found: Simulation, room: int) -> list[RenderableType]:
    """When what was broken, the worst ones."""
    periods = found.slo_analysis.violation_periods
    if not periods:
        return []
    worst = sorted(periods, key=lambda item: (_RANKS[item.severity], -item.duration))[:_MOST_PERIODS]
    worst.sort(key=lambda item: item.start)
    columns = [*_times(found, worst), *_kinds(worst)]
    more = len(periods) - len(worst)
    heading = f"Violations ({more} less severe ones are in --json)" if more else "Violations"
    left = room - taken(columns, _GAP)
    shown = [_tabled(columns, worst)] if left >= _LEAST_IMPACT else _listed(columns, worst)
    return [Text(heading, "bold yellow"), *shown, Text()]


def _times(found: Simulation, periods: Sequence[ViolationPeriod]) -> list[Column]:
    length = found.scenario.duration
    return [
        Column("from", [moment(item.start, length) for item in periods], left=True),
        Column("to", [moment(item.end, length) for item in periods], left=True),
        Column("lasted", [units.words(item.duration) for item in periods], left=True),
    ]


def _kinds(periods: Sequence[ViolationPeriod]) -> list[Column]:
    severities = [Text(item.severity, _STYLES.get(item.severity, "yellow")) for item in periods]
    return [
        Column("broke", [str(item.type) for item in periods], left=True),
        Column("severity", severities, left=True),
    ]


def _tabled(columns: Sequence[Column], periods: Sequence[ViolationPeriod]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column.heading, no_wrap=True)
    table.add_column("what it meant", ratio=1)
    for *cells, item in zip(*(column.cells for column in columns), periods, strict=True):
        table.add_row(*cells, Text(item.impact))
    return table


def _listed(columns: Sequence[Column], periods: Sequence[ViolationPeriod]) -> list[RenderableType]:
    """The same where there is little room."""
    parts: list[RenderableType] = []
    for start, end, lasted, kind, severity, item in zip(*(column.cells for column in columns), periods, strict=True):
        parts.append(Text.assemble(f"{start} to {end}, {lasted}: {kind}, ", severity))
        parts.append(Padding(Text(item.impact), (0, 0, 0, 2)))
    return parts


def _figures(found: Simulation, room: int) -> Table:
    """The summary; with replications where the true means lie."""
    names, values = list(_FIGURES.values()), [Text(figure(found, name), "bold") for name in _FIGURES]
    more = _of_slo(found) if slo_of(found.scenario).has_target else {}
    columns = [Column("", [*names, *more], left=True), Column("", [*values, *more.values()])]
    if not found.confidence_intervals:
        return _unheaded(columns)
    sure, rest = level([found]), [""] * len(more)
    columns[1] = Column("mean", columns[1].cells)
    wide = Column(f"{sure} sure between", [*(between(found, name) for name in _FIGURES), *rest])
    short = Column(f"± {sure}", [*(give_or_take(found, name) for name in _FIGURES), *rest])
    fits = taken([*columns, wide], _GAP) - _GAP <= room
    return table_of([*columns, wide if fits else short], _GAP if fits else 1)


def _unheaded(columns: Sequence[Column]) -> Table:
    table = table_of(columns, _GAP)
    table.show_header = False
    return table


def _of_slo(found: Simulation) -> dict[str, str]:
    analysis = found.slo_analysis
    return {"error budget used": budget(analysis.error_budget_used), "risk (0 to 1)": f"{analysis.risk_score:.2f}"}


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
