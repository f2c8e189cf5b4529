"""Pictures of a backtest as SVG text, coloured by the page's style, so that light and dark both read well."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Point: TypeAlias = tuple[float, float]

_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, 12.0, 10.0, 26.0
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_TICKS = 6


def escaped(text: str) -> str:
    """A text as it may stand in a page."""
    return html.escape(text, quote=True)


def round_ticks(top: float, most: int = _TICKS) -> list[float]:
    """Round values from 0 up to about ``top``.

    >>> round_ticks(43.0)
    [0.0, 10.0, 20.0, 30.0, 40.0]
    """
    if not top > 0:
        return [0.0]
    power = 10.0 ** math.floor(math.log10(top / most))
    step = next(size * power for size in _STEPS if top / (size * power) <= most)
    return [index * step for index in range(math.floor(top / step + 1e-9) + 1)]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A pair of axes in a picture.

    Args:
        width: of the picture, axes and all.
        height: of the picture.
        x: least and largest value across.
        y: least and largest value, after ``bend``.
        bend: what is done to a vertical value before it is drawn.
        name: what is drawn upwards.
    """

    width: float
    height: float
    x: Point
    y: Point
    name: str = ""
    bend: Callable[[float], float] = field(default=float)
    parts: list[str] = field(default_factory=list)

    def at(self, x: float, y: float) -> Point:
        """Where a point lies."""
        across = (x - self.x[0]) / ((self.x[1] - self.x[0]) or 1.0)
        up = (self.bend(y) - self.y[0]) / ((self.y[1] - self.y[0]) or 1.0)
        wide, high = self.width - _LEFT - _RIGHT, self.height - _TOP - _BOTTOM
        return _LEFT + min(max(across, -0.01), 1.01) * wide, _TOP + (1.0 - min(max(up, 0.0), 1.0)) * high

    def ticks_up(self, ticks: Iterable[tuple[float, str]]) -> None:
        """A line and a word at each vertical value."""
        for value, word in ticks:
            _, y = self.at(self.x[0], value)
            self.parts.append(f'<path class="grid" d="M{_LEFT:g} {y:.1f}H{self.width - _RIGHT:g}"/>')
            self.parts.append(f'<text class="tick end" x="{_LEFT - 6:g}" y="{y + 4:.1f}">{escaped(word)}</text>')

    def ticks_across(self, ticks: Iterable[tuple[float, str]]) -> None:
        """A line and a word at each horizontal value."""
        base = self.height - _BOTTOM
        for value, word in ticks:
            x, _ = self.at(value, 0.0)
            self.parts.append(f'<path class="grid" d="M{x:.1f} {_TOP:g}V{base:g}"/>')
            self.parts.append(f'<text class="tick middle" x="{x:.1f}" y="{base + 17:g}">{escaped(word)}</text>')

    def line(self, points: Sequence[Point], style: str) -> None:
        """Straight lines through points."""
        if points:
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in (self.at(*point) for point in points))
            self.parts.append(f'<path class="line {style}" d="M{path}"/>')

    def steps(self, edges: Sequence[float], values: Sequence[float], style: str, *, filled: bool = False) -> None:
        """A level from each edge to the next."""
        corners = [
            point
            for left, right, value in zip(edges, edges[1:], values, strict=False)
            for point in ((left, value), (right, value))
        ]
        if filled and corners:
            base = self.height - _BOTTOM
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in (self.at(*point) for point in corners))
            first, last = self.at(*corners[0])[0], self.at(*corners[-1])[0]
            self.parts.append(f'<path class="area {style}" d="M{first:.1f} {base:g}L{path}L{last:.1f} {base:g}Z"/>')
        else:
            self.line(corners, style)

    def mark(self, point: Point, style: str, said: str, size: float) -> None:
        """A dot, which says something when it is pointed at."""
        x, y = self.at(*point)
        self.parts.append(
            f'<circle class="dot {style}" cx="{x:.1f}" cy="{y:.1f}" r="{size:g}">'
            f"<title>{escaped(said)}</title></circle>"
        )

    def upright(self, x: float, style: str) -> None:
        """A line from bottom to top."""
        at, _ = self.at(x, 0.0)
        self.parts.append(f'<path class="line {style}" d="M{at:.1f} {_TOP:g}V{self.height - _BOTTOM:g}"/>')

    def level(self, y: float, style: str) -> None:
        """A line from left to right."""
        _, at = self.at(self.x[0], y)
        self.parts.append(f'<path class="line {style}" d="M{_LEFT:g} {at:.1f}H{self.width - _RIGHT:g}"/>')

    def written(self, label: str) -> str:
        """The picture.

        Args:
            label: for who cannot see it.
        """
        middle = (self.height - _BOTTOM + _TOP) / 2
        name = f'<text class="name middle" transform="translate(13 {middle:g}) rotate(-90)">{escaped(self.name)}</text>'
        return (
            f'<svg viewBox="0 0 {self.width:g} {self.height:g}" role="img" aria-label="{escaped(label)}">'
            f"{name}{''.join(self.parts)}</svg>"
        )
