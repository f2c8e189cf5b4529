"""The picture of a plan: forecast over recent history above, workers below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.surfaces.cli._picture import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    dates,
    legend,
    panels,
    whole_numbers,
    write,
)
from capacity_planner.surfaces.cli._simulation_words import promise
from capacity_planner.surfaces.cli._timeline import Interval, serving, timeline
from capacity_planner.surfaces.cli._words import headline, percent

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.plan import CapacityPlan
    from capacity_planner.domain.request import PlanRequest, PlanResponse

_HISTORY_WINDOWS = 3


def draw_plan(path: Path, response: PlanResponse, request: PlanRequest) -> None:
    """Write the picture of a response to a file."""
    plan, intervals = response.plan, timeline(response)
    name = f"{plan.queue_name}: " if plan.queue_name else ""
    figure, (top, bottom) = panels(f"{name}{headline(plan)}", promise(plan.slo), 2, 6.4)
    _rates(top, response, _recent(request), intervals)
    _measured_workers(bottom, _recent(request))
    _workers(bottom, plan, intervals, request.config or PlannerConfig())
    for axes in (top, bottom):
        axes.axvline(plan.generated_at, color=GREY, linewidth=1, linestyle=":")
        axes.margins(y=0.1)
        axes.set_ylim(bottom=0)
        legend(axes)
    dates(bottom)
    write(figure, path)


def _recent(request: PlanRequest) -> list[Metrics]:
    now = request.current_metrics
    window = (request.config or PlannerConfig()).forecast_window * _HISTORY_WINDOWS
    recent = [item for item in request.history or () if item.timestamp >= now.timestamp - window]
    return [*recent, now]


def _rates(axes: Any, response: PlanResponse, recent: list[Metrics], intervals: list[Interval]) -> None:
    axes.set_ylabel("arrivals [jobs/s]")
    if len(recent) > 1:
        axes.plot(
            [item.timestamp for item in recent], [item.arrival_rate for item in recent], color=GREY, label="measured"
        )
    else:
        axes.plot([recent[0].timestamp], [recent[0].arrival_rate], "o", color=GREY, label="measured now")
    if not intervals:
        return
    band = f"{percent(response.forecast[0].confidence)} band" if response.forecast else "band"
    edges = [item.start for item in intervals] + [intervals[-1].end]
    lower, upper = _steps([item.lower for item in intervals]), _steps([item.upper for item in intervals])
    axes.fill_between(edges, lower, upper, step="post", color=BLUE, alpha=0.18, linewidth=0, label=band)
    axes.step(edges, _steps([item.median for item in intervals]), where="post", color=BLUE, label="forecast median")


def _measured_workers(axes: Any, recent: list[Metrics]) -> None:
    known = [item for item in recent[:-1] if item.current_workers]
    if known:
        moments, levels = [item.timestamp for item in known], [item.current_workers for item in known]
        axes.step(moments, levels, where="post", color=GREY, label="measured")


def _workers(axes: Any, plan: CapacityPlan, intervals: list[Interval], config: PlannerConfig) -> None:
    axes.set_ylabel("workers")
    whole_numbers(axes.yaxis)
    end = plan.generated_at + plan.forecast_window
    if intervals:
        edges = [item.start for item in intervals] + [intervals[-1].end]
        needed = _steps([float(item.required) for item in intervals])
        axes.step(edges, needed, where="post", color=ORANGE, linestyle="--", label="required")
    moments, levels = _staircase(plan, end)
    axes.step(moments, levels, where="post", color=GREEN, linewidth=2.2, label="planned")
    top = max([*levels, *(item.required for item in intervals)])
    for limit, word in ((config.max_workers, "max"), (config.min_workers, "min")):
        if limit <= 2 * top:
            axes.axhline(limit, color=RED, linewidth=1, linestyle="-.", label=f"{word}_workers {limit}")


def _staircase(plan: CapacityPlan, end: datetime) -> tuple[list[datetime], list[int]]:
    moments = sorted({plan.generated_at, end, *(moment for moment in _changes(plan) if moment < end)})
    return moments, [serving(plan, moment) for moment in moments]


def _changes(plan: CapacityPlan) -> list[datetime]:
    return [
        step.scheduled_at + (plan.startup_delay if step.delta > 0 else 0 * plan.startup_delay) for step in plan.steps
    ]


def _steps(values: list[float]) -> list[float]:
    return [*values, values[-1]]
