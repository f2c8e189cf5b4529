"""The axes of a chart in the terminal: round rates upwards, round times across."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

_UP = 4
_ROWS_APART = {2: 6, 3: 4, 4: 3, 5: 3, 6: 2}
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_MOST_TICKS = 5
_APART = 11
_TIMES = (60, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_419_200, 31_536_000)
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Scale:
    """Rates to rows and dots.

    Attributes:
        step: from tick to tick [jobs/s].
        count: how many steps there are.
        apart: rows from tick to tick.
    """

    step: float
    count: int
    apart: int

    @property
    def rows(self) -> int:
        """Rows of the chart."""
        return self.count * self.apart + 1

    @property
    def ticks(self) -> list[float]:
        """Rates at the ticks, ascending."""
        return [self.step * at for at in range(self.count + 1)]

    @property
    def labels(self) -> list[str]:
        """The ticks in words, with as many decimals as their step has."""
        whole = math.floor(math.log10(self.step) + 1e-9)
        decimals = max(0, -whole) + (round(self.step / 10.0**whole, 6) % 1 > 0 and whole < 1)
        return [f"{tick:,.{decimals}f}" for tick in self.ticks]

    def dot(self, rate: float) -> int:
        """The dot of a rate, counted from below; the dot 1 is zero, so that ticks stand in the middle of their row."""
        share = min(max(rate / (self.step * self.count), 0.0), 1.0)
        return 1 + round(share * (self.rows - 1) * _UP)

    def value(self, row: int) -> float:
        """The rate in the middle of a row."""
        return self.step * row / self.apart


def scale_of(highest: float) -> Scale:
    """The scale from zero to a round rate that is not below the highest.

    >>> scale_of(0.82).ticks, scale_of(17.0).ticks
    ([0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0], [0.0, 5.0, 10.0, 15.0, 20.0])
    """
    highest = highest if highest > 0 else 1.0
    power = 10.0 ** math.floor(math.log10(highest / _MOST_TICKS))
    step = next(part * power for part in _STEPS if highest <= part * power * _MOST_TICKS * (1 + 1e-9))
    count = max(2, math.ceil(highest / step - 1e-9))
    return Scale(step, count, _ROWS_APART[count])


def time_axis(
    times: tuple[datetime, datetime, datetime], widths: tuple[int, int], margin: int, axis: str
) -> list[Text]:
    """A line with ticks at round times, and their names below.

    Args:
        times: begin, seam and end.
        widths: columns before and after the seam, which has one of its own.
        margin: columns of the labels of the other axis.
        axis: up, tick, corner, across, tick.
    """
    width = sum(widths) + 1
    line, names = [axis[3]] * width, [" "] * width
    _put(names, "now", widths[0])
    for column, name in _ticks(times, widths):
        line[column] = axis[4]
        _put(names, name, column)
    blank = " " * margin
    return [
        Text(f"{blank}{axis[2]}{''.join(line)}", "dim", no_wrap=True),
        Text(f"{blank} {''.join(names)}".rstrip(), "dim", no_wrap=True),
    ]


def _ticks(times: tuple[datetime, datetime, datetime], widths: tuple[int, int]) -> Iterator[tuple[int, str]]:
    start, seam, end = (moment.timestamp() for moment in times)
    least = (end - start) * _APART / sum(widths)
    step = next((length for length in _TIMES if length >= least), _TIMES[-1])
    moment = math.ceil(start / step) * step
    while moment < end:
        if moment < seam:
            column = int((moment - start) / (seam - start) * widths[0])
        else:
            column = widths[0] + 1 + min(int((moment - seam) / (end - seam) * widths[1]), widths[1] - 1)
        yield column, _named(datetime.fromtimestamp(moment, UTC), step)
        moment += step


def _named(moment: datetime, step: int) -> str:
    if step >= _DAY:
        return f"{moment:%d %b}"
    return f"{moment:%a %d}" if moment.timestamp() % _DAY == 0 else f"{moment:%H:%M}"


def _put(names: list[str], name: str, column: int) -> None:
    """Write a name below its column, where there is room for it."""
    first = min(max(column - len(name) // 2, 0), len(names) - len(name))
    room = names[max(first - 1, 0) : first + len(name) + 1]
    if first >= 0 and not "".join(room).strip():
        names[first : first + len(name)] = name
