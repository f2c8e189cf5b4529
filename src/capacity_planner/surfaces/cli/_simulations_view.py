"""Several simulations side by side → what is shown in the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from capacity_planner.pipeline.workload import slo_of
from capacity_planner.surfaces.cli._chart import ASCII, ink_for
from capacity_planner.surfaces.cli._simulation_lines import common_scale, legend, lines_table, time_words
from capacity_planner.surfaces.cli._simulation_view import context, headline, kept
from capacity_planner.surfaces.cli._words import money, number, percent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console, RenderableType

    from capacity_planner.domain.simulation import Simulation

_LINES, _FEW = 12, 4
_NARROW = 88


@dataclass(frozen=True, slots=True)
class Measure:
    """A column of the comparison.

    Attributes:
        heading: its name.
        short: the same where there is little room.
        value: of a simulation.
        shown: a value in words.
        most: whether more is better.
    """

    heading: str
    short: str
    value: Callable[[Simulation], float]
    shown: Callable[[float], str]
    most: bool = False


def whole(value: float) -> str:
    """A number of things."""
    return f"{value:,.0f}"


MEASURES = (
    Measure("SLO kept", "kept", lambda item: item.summary.slo_achievement, percent, most=True),
    Measure("p95", "p95", lambda item: item.summary.p95_latency.total_seconds(), time_words),
    Measure("waiting", "waiting", lambda item: item.summary.max_backlog, whole),
    Measure("cost", "cost", lambda item: item.summary.total_cost, money),
    Measure("busy", "busy", lambda item: item.summary.avg_utilization, percent, most=True),
    Measure("efficiency", "eff.", lambda item: item.summary.efficiency_score, number, most=True),
    Measure("broken", "broken", lambda item: item.summary.slo_violations, whole),
)


def comparison_view(found: Sequence[Simulation], console: Console) -> Group:
    """Which scenario to choose, all side by side, and each over time."""
    plain = ink_for(console.encoding) is ASCII
    parts: list[RenderableType] = [_headline(found), Text(), *_side_by_side(found, narrow=console.width < _NARROW)]
    meaning = "* best of its column. waiting: most at one time. busy: utilisation of the workers. broken: intervals."
    parts.append(Text(meaning, "dim"))
    most = _LINES if len(found) <= _FEW else _LINES // 2
    longest = common_scale(found)
    for item in found:
        parts += [
            Text(),
            Text(f"{item.scenario.name}: {headline(item)}", "bold green" if kept(item) else "bold yellow"),
        ]
        parts += [Text(context(item), "dim"), lines_table(item, console.width, most, plain=plain, longest=longest)]
    return Group(*parts, legend(found[0], most, plain=plain))


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


def _headline(found: Sequence[Simulation]) -> Text:
    return Text(verdict(found), "bold green" if all(kept(item) for item in found) else "bold yellow")


def _side_by_side(found: Sequence[Simulation], *, narrow: bool) -> list[RenderableType]:
    """A row for each scenario; where there is little room a number stands for its name, which is told above."""
    table = Table(box=None, pad_edge=False, padding=(0, 1 if narrow else 2, 0, 0), header_style="dim")
    table.add_column("" if narrow else "scenario", overflow="fold", min_width=len(str(len(found))))
    for measure in MEASURES:
        table.add_column(measure.short if narrow else measure.heading, justify="right", no_wrap=True)
    best = [_best(found, measure) for measure in MEASURES]
    for place, item in enumerate(found, start=1):
        cells = [_cell(measure, measure.value(item), mark) for measure, mark in zip(MEASURES, best, strict=True)]
        table.add_row(Text(str(place) if narrow else item.scenario.name), *cells)
    names = [Text(f"{place} {item.scenario.name}") for place, item in enumerate(found, start=1)] if narrow else []
    return [*names, table]


def _best(found: Sequence[Simulation], measure: Measure) -> str:
    """The best value in words; nothing where all read the same."""
    values = [measure.value(item) for item in found]
    if len({measure.shown(value) for value in values}) == 1:
        return ""
    return measure.shown(max(values) if measure.most else min(values))


def _cell(measure: Measure, value: float, best: str) -> Text:
    shown = measure.shown(value)
    return Text(f"{shown}*", "bold green") if shown == best else Text(f"{shown} ")
