"""A plan response → what is shown in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from capacity_planner import units
from capacity_planner.surfaces.cli._draw import legend, listed, timeline_table
from capacity_planner.surfaces.cli._timeline import timeline
from capacity_planner.surfaces.cli._words import clock, headline, money, percent, span

if TYPE_CHECKING:
    from rich.console import RenderableType

    from capacity_planner.domain.plan import CapacityPlan, CostAnalysis
    from capacity_planner.domain.request import PlanResponse

_MARKS = {"scale_up": "▲ scale up", "scale_down": "▼ scale down", "no_change": "= no change"}


def plan_view(response: PlanResponse, columns: int) -> Group:
    """Headline, timeline, steps, costs, what to know, and why."""
    plan = response.plan
    parts: list[RenderableType] = [_headline(plan), Text(_context(response), "dim"), Text()]
    intervals = timeline(response)
    if intervals:
        parts += [timeline_table(intervals, columns), legend(), Text()]
    parts += [_steps(plan), Text(), _costs(plan.cost_impact)]
    parts += listed("Warnings", [f"{item.code}: {item.message}" for item in response.warnings], "yellow")
    parts += listed("Recommendations", list(response.recommendations), "")
    parts += [Text(), Text("Why", "bold"), Text(plan.rationale)]
    return Group(*parts)


def _headline(plan: CapacityPlan) -> Text:
    name = f"{plan.queue_name}: " if plan.queue_name else ""
    return Text(f"{name}{headline(plan)}", "bold green" if plan.slo_achievable else "bold yellow")


def _context(response: PlanResponse) -> str:
    plan, state = response.plan, response.queueing_result
    made = f"from {units.format_instant(plan.generated_at)} for {units.words(plan.forecast_window)}"
    p95 = f"p95 {span(state.p95_response_time)} at {percent(state.utilization)} utilisation in the tightest interval"
    return f"{made}; {p95} ({state.model})"


def _steps(plan: CapacityPlan) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("when", "action", "workers", "$/h", "confidence"):
        table.add_column(name, no_wrap=True)
    table.add_column("why")
    dated = plan.forecast_window >= units.parse_duration("24h")
    for step in plan.steps:
        table.add_row(
            clock(step.scheduled_at, dated=dated),
            Text(_MARKS[step.action], {"scale_up": "green", "scale_down": "blue"}.get(step.action, "")),
            f"{step.from_workers} → {step.to_workers}",
            money(step.estimated_cost),
            percent(step.confidence),
            Text(step.rationale),
        )
    return table


def _costs(cost: CostAnalysis) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    rows = {
        "now": f"{money(cost.current_cost_per_hour)}/h",
        "planned": f"{money(cost.projected_cost_per_hour)}/h",
        "change": f"{money(cost.delta_cost_per_hour, signed=True)}/h",
        "per month": money(cost.monthly_cost_delta, signed=True),
        "SLO risk": f"{money(cost.violation_cost_risk)}/h",
        "net benefit": f"{money(cost.net_benefit, signed=True)}/h",
        "payback": _payback(cost),
    }
    for name in rows:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_row(*rows.values())
    return table


def _payback(cost: CostAnalysis) -> str:
    if cost.payback_period >= units.UNBOUNDED:
        return "never"
    return units.words(cost.payback_period) if cost.payback_period else "-"
