"""Several simulations side by side → what is shown in the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Group
from rich.table import Table
from rich.text import Text

from capacity_planner.surfaces.cli._chart import ASCII, ink_for
from capacity_planner.surfaces.cli._columns import Column, fitted, taken
from capacity_planner.surfaces.cli._simulation_lines import common_scale, legend, sheet_of
from capacity_planner.surfaces.cli._simulation_view import title
from capacity_planner.surfaces.cli._simulation_words import figure, give_or_take, kept, level, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, RenderableType

    from capacity_planner.domain.simulation import Simulation

_LINES, _FEW = 12, 4
_LEAST_NAME, _WIDE, _TIGHT = 24, 2, 1


@dataclass(frozen=True, slots=True)
class Measure:
    """A column of the comparison.

    Attributes:
        field: of the summary.
        heading: its name.
        short: the same where there is little room.
        rank: the measure of the highest rank is left out first where there is less; one of rank 0 never is.
        most: whether more is better.
        meaning: what the heading leaves open.
    """

    field: str
    heading: str
    short: str
    rank: int = 0
    most: bool = False
    meaning: str = ""


MEASURES = (
    Measure("slo_achievement", "SLO kept", "kept", most=True),
    Measure("p95_latency", "p95", "p95"),
    Measure("max_backlog", "waiting", "waiting", 1, meaning="most at one time"),
    Measure("total_cost", "cost", "cost"),
    Measure("avg_utilization", "busy", "busy", 2, most=True, meaning="utilisation of the workers"),
    Measure("efficiency_score", "efficiency", "eff.", 4, most=True, meaning="of 100"),
    Measure("slo_violations", "broken", "broken", 3, meaning="intervals"),
)


def comparison_view(found: Sequence[Simulation], console: Console) -> Group:
    """Which scenario to choose, all side by side, and each over time."""
    plain, longest = ink_for(console.encoding) is ASCII, common_scale(found)
    style = "bold green" if all(kept(item) for item in found) else "bold yellow"
    parts: list[RenderableType] = [Text(verdict(found), style), Text(), *_side_by_side(found, console.width)]
    most = _LINES if len(found) <= _FEW else _LINES // 2
    sheets = [sheet_of(item, console.width, most, plain=plain, longest=longest) for item in found]
    for item, sheet in zip(found, sheets, strict=True):
        parts += [Text(), *title(item), sheet.table]
    return Group(*parts, legend(found, sheets))


def _side_by_side(found: Sequence[Simulation], room: int) -> list[RenderableType]:
    """A row for each scenario; where there is little room a number stands for its name, which is told above."""
    names = [item.scenario.name for item in found]
    wide = [_column(found, measure, measure.heading) for measure in MEASURES]
    longest = min(max(map(cell_len, names)), _LEAST_NAME)
    if longest + _WIDE + taken(wide, _WIDE) - _WIDE <= room:
        return [_table("scenario", _rows(names, found), wide, _WIDE), _meaning(found, wide)]
    places = [str(place) for place in range(1, len(found) + 1)]
    short = [_column(found, measure, measure.short) for measure in MEASURES]
    fits = fitted(short, room - len(places[-1]) - _TIGHT, _TIGHT)
    told = [Text(f"{place} {name}") for place, name in zip(places, names, strict=True)]
    return [*told, _table("", _rows(places, found), fits, _TIGHT), _meaning(found, fits)]


def _rows(names: Sequence[str], found: Sequence[Simulation]) -> list[str]:
    """The names, each with a line for how sure its figures are."""
    return [cell for name, item in zip(names, found, strict=True) for cell in (name, "")[: 1 + _sure(item)]]


def _sure(item: Simulation) -> bool:
    return bool(item.confidence_intervals)


def _column(found: Sequence[Simulation], measure: Measure, heading: str) -> Column:
    best = _best(found, measure)
    cells = [cell for item in found for cell in _cells(item, measure, best)]
    return Column(heading, cells, rank=measure.rank)


def _cells(item: Simulation, measure: Measure, best: str) -> Iterator[Text]:
    shown = figure(item, measure.field)
    yield Text(f"{shown}*", "bold green") if shown == best else Text(f"{shown} ")
    if _sure(item):
        yield Text(f"{give_or_take(item, measure.field)} ", "dim")


def _best(found: Sequence[Simulation], measure: Measure) -> str:
    """The best value in words; nothing where all read the same."""
    if len({figure(item, measure.field) for item in found}) == 1:
        return ""
    judged = [item for item in found if item.summary.jobs] or found
    return figure(
        (max if measure.most else min)(judged, key=lambda item: getattr(item.summary, measure.field)), measure.field
    )


def _table(heading: str, names: Sequence[str], columns: Sequence[Column], gap: int) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="dim")
    table.add_column(heading, overflow="fold", min_width=1)
    for column in columns:
        table.add_column(column.heading, justify="right", no_wrap=True, min_width=column.width)
    for name, *cells in zip(names, *(column.cells for column in columns), strict=True):
        table.add_row(Text(name), *cells)
    return table


def _meaning(found: Sequence[Simulation], columns: Sequence[Column]) -> Text:
    """What the columns and the marks that are shown mean."""
    shown = {column.heading for column in columns}
    marked = any(str(cell).endswith("*") for column in columns for cell in column.cells)
    sentences = ["* best of its column."] if marked else []
    for measure in MEASURES:
        heading = next((name for name in (measure.heading, measure.short) if name in shown), "")
        if heading and measure.meaning:
            sentences.append(f"{heading.rstrip('.')}: {measure.meaning}.")
    if level(found):
        sentences.append(f"±: where the true mean lies, {level(found)} sure.")
    return Text(" ".join(sentences), "dim")
