"""A line with bands around it, drawn in the terminal: rate up, time across.

The line is made of braille dots, eight to a cell; the bands are shades, so that all can be told apart without colour.
Where the terminal's encoding has neither, letters stand for them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from capacity_planner.surfaces.cli._chart_axes import Scale, scale_of, time_axis

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

_DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
_UP, _ACROSS = 4, 2
_BRAILLE = 0x2800
_LEAST_COLUMNS = 16


@dataclass(frozen=True, slots=True)
class Ink:
    """The characters of a chart.

    Attributes:
        wide: the outer band.
        narrow: the inner band.
        past: what was measured; empty draws braille.
        median: the forecast; empty draws braille.
        seam: between both.
        axis: up, tick, corner, across, tick.
    """

    wide: str
    narrow: str
    past: str
    median: str
    seam: str
    axis: str


BLOCKS = Ink(wide="░", narrow="▒", past="", median="", seam="┊", axis="│┤└─┬")
ASCII = Ink(wide=".", narrow=":", past="*", median="o", seam="|", axis="|++-+")


@dataclass(frozen=True, slots=True)
class Fan:
    """What is drawn.

    Attributes:
        start: begin of the first measured rate.
        now: end of the last one, where the forecast begins.
        end: end of the last forecast.
        past: measured rates on an even grid, NaN where there is a gap.
        bands: per interval of the forecast the ends of the outer band, of the inner band, and the median, ascending.
    """

    start: datetime
    now: datetime
    end: datetime
    past: Sequence[float]
    bands: Sequence[Sequence[float]]


def ink_for(encoding: str) -> Ink:
    """Blocks where the stream can write them."""
    try:
        (BLOCKS.wide + BLOCKS.narrow + BLOCKS.seam + BLOCKS.axis + chr(_BRAILLE)).encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return ASCII
    return BLOCKS


def fan_chart(fan: Fan, columns: int, ink: Ink) -> list[Text]:
    """The lines of the chart, none where there are too few columns for one."""
    scale = scale_of(max(value for value in (*fan.past, *(row[-1] for row in fan.bands)) if math.isfinite(value)))
    margin = max(map(len, scale.labels))
    width = columns - margin - 2
    if width < _LEAST_COLUMNS:
        return []
    total = (fan.end - fan.start).total_seconds()
    before = min(max(1, round(width * (fan.now - fan.start).total_seconds() / total)), width - 1)
    after = width - before
    past = _line(fan.past, fan.past, before, scale)
    medians = [row[2] for row in fan.bands]
    ahead = _line(medians, medians, after, scale, _last(past))
    bands = _bands(fan.bands, after)
    lines = []
    for row in range(scale.rows - 1, -1, -1):
        label = scale.labels[row // scale.apart] if row % scale.apart == 0 else ""
        text = Text(f"{label:>{margin}}", "dim", no_wrap=True)
        text.append(ink.axis[1] if label else ink.axis[0], "dim")
        _draw_past(text, past, row, ink)
        text.append(ink.seam, "dim")
        _draw_ahead(text, ahead, (bands, scale.value(row)), row, ink)
        lines.append(text)
    return [*lines, *time_axis((fan.start, fan.now, fan.end), (before, after), margin, ink.axis)]


def legend(ink: Ink) -> Text:
    """What the characters mean."""
    past, median = (ink.past, ink.median) if ink.past else ("⠤⠔⠒", "⠒⠢⠤")
    return Text(
        f"{past} measured   {median} median   {ink.narrow} half of the outcomes   {ink.wide} 90 %   jobs/s, UTC",
        "dim",
    )


Dots = list[tuple[int, int] | None]


def _line(low: Sequence[float], high: Sequence[float], columns: int, scale: Scale, before: int | None = None) -> Dots:
    """Per half column the lowest and highest dot, such that a line hangs together; ``None`` in a gap."""
    drawn: Dots = []
    for lows, highs in zip(_parts(low, columns * _ACROSS), _parts(high, columns * _ACROSS), strict=True):
        known = [value for value in (*lows, *highs) if math.isfinite(value)]
        if not known:
            drawn.append(None)
            before = None
            continue
        bottom, top = scale.dot(min(known)), scale.dot(max(known))
        newest = scale.dot([value for value in highs if math.isfinite(value)][-1])
        if before is not None:
            bottom, top = min(bottom, before + 1 if before < bottom else bottom), max(top, before - 1)
            top = max(top, bottom)
        drawn.append((bottom, top))
        before = newest
    return drawn


def _last(dots: Dots) -> int | None:
    """Where a line ends."""
    return None if not dots or dots[-1] is None else dots[-1][1]


def _parts(values: Sequence[float], cells: int) -> Iterable[Sequence[float]]:
    """The values that fall into each cell; at least one."""
    count = len(values)
    for cell in range(cells):
        first = cell * count // cells
        yield values[first : max(first + 1, -(-(cell + 1) * count // cells))]


def _bands(bands: Sequence[Sequence[float]], columns: int) -> list[tuple[float, float, float, float]]:
    """Per column the ends of the outer and the inner band, the widest of what falls into it."""
    outer_low, inner_low, _, inner_high, outer_high = zip(*bands, strict=True)
    return [
        (min(a), max(b), min(c), max(d))
        for a, b, c, d in zip(
            *(_parts(part, columns) for part in (outer_low, outer_high, inner_low, inner_high)), strict=True
        )
    ]


def _draw_past(text: Text, dots: Dots, row: int, ink: Ink) -> None:
    for column in range(len(dots) // _ACROSS):
        code = _code(dots, column, row)
        text.append(_mark(code, ink.past) if code else " ")


def _draw_ahead(
    text: Text, dots: Dots, bands: tuple[list[tuple[float, float, float, float]], float], row: int, ink: Ink
) -> None:
    edges, value = bands
    for column, (low, high, inner_low, inner_high) in enumerate(edges):
        code = _code(dots, column, row)
        if code:
            text.append(_mark(code, ink.median), "bold cyan")
        elif inner_low <= value <= inner_high:
            text.append(ink.narrow, "cyan")
        elif low <= value <= high:
            text.append(ink.wide, "cyan")
        else:
            text.append(" ")


def _code(dots: Dots, column: int, row: int) -> int:
    """The braille dots of a cell."""
    code = 0
    for half in range(_ACROSS):
        span = dots[column * _ACROSS + half]
        if span is not None:
            code |= sum(_DOTS[half][up] for up in range(_UP) if span[0] <= row * _UP + up <= span[1])
    return code


def _mark(code: int, letter: str) -> str:
    return letter or chr(_BRAILLE + code)
