"""Drawing in the terminal: bars of blocks that say their numbers beside them, so that colour only helps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from capacity_planner.surfaces.cli._timeline import condensed
from capacity_planner.surfaces.cli._words import clock, number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from capacity_planner.surfaces.cli._timeline import Interval

BLOCKS, LETTERS = "█·┊█", "#.|#"
_MOST_LINES = 24
_NUMBERS_WIDTH, _LEAST_BAR, _LONGEST_BAR = 46, 6, 48
_DAY = 86_400


def bar(parts: Iterable[tuple[float, str, str]], scale: float, width: int) -> Text:
    """Stacked blocks.

    Args:
        parts: for each part its end, its block and its style; ends ascend.
        scale: the value that fills the width.
        width: cells.
    """
    text, filled = Text(no_wrap=True), 0
    for end, block, style in parts:
        cells = max(0, round(width * min(end / scale, 1.0)) - filled) if scale > 0 else 0
        text.append(block * cells, style)
        filled += cells
    return text


def rate_bar(item: Interval, scale: float, width: int) -> Text:
    """The forecast: solid up to the lower bound, half up to the median, light up to the upper bound."""
    low = min(item.lower, item.median)
    parts = [(low, "█", "cyan"), (item.median, "▓", "cyan"), (max(item.upper, item.median), "░", "cyan")]
    return bar(parts, scale, width)


def workers_bar(item: Interval, scale: float, width: int) -> Text:
    """Needed workers solid, spare ones light; what is missing is crossed out."""
    if item.short:
        return bar([(item.planned, "█", "green"), (item.required, "x", "bold red")], scale, width)
    return bar([(item.required, "█", "green"), (item.planned, "░", "green")], scale, width)


def timeline_table(intervals: list[Interval], columns: int) -> Table:
    """The plan over time, one line per interval, condensed where there are many."""
    lines = condensed(intervals, _MOST_LINES)
    width = _bar_width(columns, bars=2)
    rates = max((item.upper for item in lines), default=0.0)
    workers = float(max((max(item.required, item.planned) for item in lines), default=0))
    dated = (lines[-1].end - lines[0].start).total_seconds() >= _DAY
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("UTC", no_wrap=True)
    table.add_column("jobs/s", justify="right", no_wrap=True)
    table.add_column("band", no_wrap=True)
    table.add_column("forecast" if width else "", min_width=width, no_wrap=True)
    table.add_column("needs", justify="right", no_wrap=True)
    table.add_column("plan", justify="right", no_wrap=True)
    table.add_column("workers" if width else "", min_width=width, no_wrap=True)
    for item in lines:
        table.add_row(
            clock(item.start, dated=dated),
            number(item.median),
            f"{number(item.lower)}-{number(item.upper)}",
            rate_bar(item, rates, width),
            str(item.required),
            Text(str(item.planned), "bold red" if item.short else "bold"),
            workers_bar(item, workers, width),
        )
    return table


def legend() -> Text:
    """What the blocks of the timeline mean."""
    return Text("forecast: █ lower bound ▓ median ░ upper bound   workers: █ needed ░ spare x missing", "dim")


def _bar_width(columns: int, bars: int) -> int:
    width = (columns - _NUMBERS_WIDTH) // bars
    return 0 if width < _LEAST_BAR else min(width, _LONGEST_BAR)


def curve_bar(value: float, target: float, scale: float, width: int, blocks: str = BLOCKS) -> Text:
    """A measure against its target: green within, red beyond; a marker stands at the target in any case.

    Args:
        value: the measure.
        target: its target; zero is none.
        scale: the value that fills the width.
        width: cells.
        blocks: what the bar, the way to the target, the target, and a bar beyond it are drawn with.
    """
    good = not target or value <= target
    style = "green" if good else "red"
    text = bar([(value, blocks[0] if good else blocks[3], style)], scale, width)
    mark = round(width * min(target / scale, 1.0)) if target and scale else 0
    if not mark:
        return text
    before = Text(no_wrap=True).append(text.plain[: mark - 1], style)
    before.append(blocks[1] * (mark - 1 - len(before)) + blocks[2], "dim")
    return before if good else before.append(text.plain[mark:] or blocks[3] * (mark < width), style)


def listed(title: str, lines: list[str], style: str, bullet: str = "•") -> list[RenderableType]:
    """Sentences under a title; nothing where there are none."""
    if not lines:
        return []
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    for line in lines:
        table.add_row(bullet, Text(line))
    return [Text(), Text(title, f"bold {style}".strip()), table]
