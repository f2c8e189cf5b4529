"""Draws the pictures of the page on traffic patterns; they are of the program's own curves.

``.venv/bin/python docs/_traffic.py`` renews ``docs/images/traffic-types.svg`` and ``docs/images/spike-shapes.svg``. The
same program always writes the same bytes.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from capacity_planner.domain.traffic import PatternType, SpikeShape, TrafficPattern, TrafficSpike
from capacity_planner.simulation.traffic import curve, noisy
from capacity_planner.surfaces.cli._picture import BLUE, GREY, ORANGE

if TYPE_CHECKING:
    from capacity_planner.simulation._curve import RateCurve

IMAGES = Path(__file__).resolve().parent / "images"
HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
STYLE: Any = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E5E5E5",
    "axes.axisbelow": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "capacity-planner",
}
# Title, pattern, hours that are drawn, hours between the ticks, longest step [s].
TYPES: tuple[tuple[str, TrafficPattern, int, int, float], ...] = (
    ("constant", TrafficPattern(type=PatternType.CONSTANT, base_rate=10.0), 24, 6, 900.0),
    (
        "sinusoidal: amplitude 5",
        TrafficPattern(type=PatternType.SINUSOIDAL, base_rate=10.0, amplitude=5.0),
        48,
        12,
        1800.0,
    ),
    (
        "linear: amplitude 5 over a period of 12 h",
        TrafficPattern(type=PatternType.LINEAR, base_rate=10.0, amplitude=5.0, period=12 * HOUR),
        24,
        6,
        900.0,
    ),
    (
        "spiky: amplitude 5, every hour",
        TrafficPattern(type=PatternType.SPIKY, base_rate=10.0, amplitude=5.0),
        6,
        1,
        15.0,
    ),
    ("daily, from Monday 00:00 UTC", TrafficPattern(type=PatternType.DAILY, base_rate=10.0), 48, 12, 1800.0),
    ("weekly, from Monday 00:00 UTC", TrafficPattern(type=PatternType.WEEKLY, base_rate=10.0), 168, 24, 3600.0),
    (
        "custom: rates 8, 12, 5, 15 over a period of 12 h",
        TrafficPattern(type=PatternType.CUSTOM, base_rate=10.0, rates=(8.0, 12.0, 5.0, 15.0), period=12 * HOUR),
        24,
        6,
        900.0,
    ),
    (
        "daily, with a trend of 0.1 jobs/s per hour",
        TrafficPattern(type=PatternType.DAILY, base_rate=10.0, trend=0.1),
        48,
        12,
        1800.0,
    ),
    ("daily, with a noise of 0.1", TrafficPattern(type=PatternType.DAILY, base_rate=10.0, noise=0.1), 24, 6, 900.0),
)


def types() -> Figure:
    """Every type, a trend and noise, in small multiples."""
    figure = Figure(figsize=(10, 6.6), layout="constrained")
    for axes, (title, pattern, hours, tick, step) in zip(figure.subplots(3, 3).flat, TYPES, strict=True):
        plain = curve(pattern, MONDAY, hours * 3600.0, step=step)
        if pattern.noise:
            _steps(axes, noisy(plain, pattern.noise, np.random.default_rng(1)), ORANGE, 0.7)
        if pattern.trend:
            _steps(axes, curve(replace(pattern, trend=0.0), MONDAY, hours * 3600.0, step=step), GREY, 0.9)
        _steps(axes, plain, BLUE, 1.6)
        axes.set_title(title, loc="left", fontsize=9)
        axes.set_ylim(0.0, 22.0)
        axes.xaxis.set_major_locator(MultipleLocator(tick))
    figure.supxlabel("hours after the start", fontsize=9)
    figure.supylabel("arrival rate [jobs/s]", fontsize=9)
    return figure


def shapes() -> Figure:
    """Every shape of a spike of three times the rate, and a dip."""
    figure = Figure(figsize=(10, 2.4), layout="constrained")
    drawn = [*((shape, 3.0, shape.value) for shape in SpikeShape), (SpikeShape.BELL, 0.25, "bell, magnitude 0.25")]
    for axes, (shape, magnitude, title) in zip(figure.subplots(1, 5, sharey=True).flat, drawn, strict=True):
        spike = TrafficSpike(start_time=MONDAY + HOUR, duration=HOUR, magnitude=magnitude, shape=shape)
        flat = TrafficPattern(type=PatternType.CONSTANT, base_rate=1.0, spikes=(spike,))
        _steps(axes, curve(flat, MONDAY, 3 * 3600.0, step=36.0), BLUE, 1.6)
        axes.set_title(title, loc="left", fontsize=9)
        axes.set_ylim(0.0, 3.3)
        axes.xaxis.set_major_locator(MultipleLocator(1))
    figure.supxlabel("hours; the spike lasts from 1 to 2", fontsize=9)
    figure.supylabel("times the rate", fontsize=9)
    return figure


def _steps(axes: Any, drawn: RateCurve, colour: str, width: float) -> None:
    axes.stairs(drawn.rates, drawn.edges / 3600.0, baseline=None, color=colour, linewidth=width)


def write(folder: Path = IMAGES) -> None:
    """Write both pictures into a folder."""
    with mpl.rc_context(STYLE):
        for name, drawn in (("traffic-types.svg", types), ("spike-shapes.svg", shapes)):
            drawn().savefig(folder / name, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES)
