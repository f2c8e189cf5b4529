"""The intervals of a simulation, one line each, condensed where there are many."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from capacity_planner import units
from capacity_planner.pipeline.workload import slo_of
from capacity_planner.surfaces.cli._columns import Column, fitted, table_of, taken
from capacity_planner.surfaces.cli._draw import BLOCKS, LETTERS, bar, curve_bar
from capacity_planner.surfaces.cli._simulation_words import moment, repeated, time_words
from capacity_planner.surfaces.cli._words import number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rich.table import Table

    from capacity_planner.domain.simulation import Simulation, TimelinePoint

MOST_LINES = 24
_LEAST_BAR, _LONGEST_BAR, _GAP = 6, 48, 1
_BEYOND = 3.0


@dataclass(frozen=True, slots=True)
class Line:
    """Neighbouring intervals, by the worst of them.

    Attributes:
        start: begin of the first.
        rate: highest arrival rate [jobs/s].
        workers: paid in the interval with the longest p95.
        busy: highest utilisation.
        waiting: most jobs that waited.
        p95: longest p95 response [s]; may be endless; no number where no jobs arrive.
        broken: whether any broke the SLO.
    """

    start: datetime
    rate: float
    workers: int
    busy: float
    waiting: int
    p95: float
    broken: bool


@dataclass(frozen=True)
class Sheet:
    """The lines of a simulation, laid out for a terminal.

    Attributes:
        columns: that fit.
        size: intervals in a line.
        marker: that stands at the target; nothing where none does.
        waits: whether the waiting jobs are shown.
        broken: whether a line is marked.
    """

    columns: list[Column]
    size: int
    marker: str
    waits: bool
    broken: bool

    @property
    def table(self) -> Table:
        """Rate, workers, utilisation, backlog and p95 over time."""
        return table_of(self.columns, _GAP)


def lines_of(timeline: Sequence[TimelinePoint], most: int) -> list[Line]:
    """At most that many lines."""
    size = _size(timeline, most)
    return [_line(timeline[at : at + size]) for at in range(0, len(timeline), size)]


def _size(timeline: Sequence[TimelinePoint], most: int) -> int:
    return max(-(-len(timeline) // most), 1)


def _line(group: Sequence[TimelinePoint]) -> Line:
    slowest = max(group, key=lambda item: (item.p95_latency, item.backlog))
    arrived = any(item.arrival_rate for item in group)
    return Line(
        start=group[0].timestamp,
        rate=max(item.arrival_rate for item in group),
        workers=slowest.workers,
        busy=max(item.utilization for item in group),
        waiting=max(item.max_backlog for item in group),
        p95=units.seconds_of(slowest.p95_latency) if arrived else math.nan,
        broken=any(item.slo_violation for item in group),
    )


def sheet_of(found: Simulation, room: int, most: int, *, plain: bool, longest: float = 0.0) -> Sheet:
    """The lines of a simulation as they fit.

    Args:
        found: the simulation.
        room: columns of the terminal.
        most: lines.
        plain: whether letters stand for blocks.
        longest: what fills a bar of the last column; zero is the longest of these.
    """
    lines, blocks = lines_of(found.timeline, most), LETTERS if plain else BLOCKS
    numbers = _numbers(found, lines)
    width, both = _bars(room - taken(numbers, _GAP))
    target, name = _target(found)
    columns = fitted(numbers, room, _GAP)
    if both:
        highest = max((line.rate for line in lines), default=0.0)
        drawn = [bar([(line.rate, blocks[0], "cyan")], highest, width) for line in lines]
        at = next(place for place, column in enumerate(columns) if column.heading == "workers")
        columns.insert(at, _barred("arrivals", drawn, width))
    if width:
        longest = longest or _scale(lines, target, name)
        judged = [curve_bar(_measure(line, name), target, longest, width, blocks) for line in lines]
        columns.append(_barred("against target" if target else "", judged, width))
    waits = any(column.heading == "waiting" for column in columns)
    marker = blocks[2] if target and width else ""
    return Sheet(columns, _size(found.timeline, most), marker, waits, any(line.broken for line in lines))


def _numbers(found: Simulation, lines: Sequence[Line]) -> list[Column]:
    """What is told in numbers; the time, the p95 and the mark always are."""
    styles = ["bold red" if line.broken else "" for line in lines]
    p95 = [Text(time_words(line.p95), style) for line, style in zip(lines, styles, strict=True)]
    marks = [Text("x" if line.broken else " ", style) for line, style in zip(lines, styles, strict=True)]
    return [
        Column("UTC", [moment(line.start, found.scenario.duration) for line in lines], left=True),
        Column("jobs/s", [number(line.rate) for line in lines], rank=3),
        Column("workers", [f"{line.workers:,}" for line in lines], rank=1),
        Column("busy", [percent(line.busy) for line in lines], rank=4),
        Column("waiting", [f"{line.waiting:,}" for line in lines], rank=2),
        Column("p95", p95),
        Column("", marks),
    ]


def _bars(room: int) -> tuple[int, bool]:
    """Cells of a bar in what the numbers leave, and whether the rate has one too."""
    half = (room - _GAP) // 2
    if half >= _LEAST_BAR:
        return min(half, _LONGEST_BAR), True
    return (room if room >= _LEAST_BAR else 0), False


def _barred(name: str, bars: Sequence[Text], width: int) -> Column:
    """A column of bars, all as wide; its name is left out where it would not fit."""
    for text in bars:
        text.pad_right(max(width - len(text), 0))
    return Column(name if len(name) <= width else "", bars, left=True)


def common_scale(found: Sequence[Simulation]) -> float:
    """What fills a bar of the last column such that simulations compare; zero where they are judged differently."""
    judged = [_target(item) for item in found]
    if len({name for _, name in judged}) > 1:
        return 0.0
    lines = [line for item in found for line in lines_of(item.timeline, MOST_LINES)]
    return _scale(lines, max(target for target, _ in judged), judged[0][1])


def legend(found: Sequence[Simulation], sheets: Sequence[Sheet]) -> Text:
    """What the sheets show means."""
    sizes, marker = {sheet.size for sheet in sheets}, next((sheet.marker for sheet in sheets if sheet.marker), "")
    parts = (
        f"{marker} target" if marker else "",
        "x the SLO was broken" if any(sheet.broken for sheet in sheets) else "",
        "waiting: most at one time" if any(sheet.waits for sheet in sheets) else "",
    )
    several = f"Each line is the worst of {max(sizes):,} intervals." if max(sizes) > 1 else ""
    if len(sizes) > 1:
        several = "Each line is the worst of several intervals."
    meaning = ", ".join(part for part in parts if part)
    sentences = (several, f"{meaning}." if meaning else "", repeated(found))
    return Text(" ".join(part for part in sentences if part), "dim")


def _target(found: Simulation) -> tuple[float, str]:
    """What the last bar is held against: the latency, or else the backlog."""
    slo = slo_of(found.scenario)
    if slo.p95_latency or not slo.max_backlog:
        return slo.p95_latency.total_seconds(), "p95"
    return float(slo.max_backlog), "waiting"


def _measure(line: Line, name: str) -> float:
    if name != "p95":
        return float(line.waiting)
    return 0.0 if math.isnan(line.p95) else line.p95


def _scale(lines: Sequence[Line], target: float, name: str) -> float:
    """What fills a bar: the largest, but not so large that the target could not be seen."""
    values = [_measure(line, name) for line in lines]
    if target:
        return min(max([*values, target]), _BEYOND * target)
    return max((value for value in values if value < math.inf), default=0.0)
